//! Commands that are packages of their own, and built when they are called.

use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::Context;

/// Builds the only program of `package` with cargo's `options` and runs it.
pub(crate) fn start(
    root: &Path,
    package: &str,
    options: &[&str],
    arguments: &[OsString],
) -> anyhow::Result<ExitCode> {
    let status = cargo(root, "run", package)
        .args(options)
        .arg("--")
        .args(arguments)
        .status()
        .context("cargo cannot be started")?;
    Ok(
        match status.code().and_then(|code| u8::try_from(code).ok()) {
            Some(code) => code.into(),
            None => ExitCode::FAILURE,
        },
    )
}

pub(crate) fn cargo(root: &Path, command: &str, package: &str) -> Command {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut cargo = Command::new(cargo);
    cargo
        .args([command, "--quiet", "--package", package, "--manifest-path"])
        .arg(root.join("Cargo.toml"));
    cargo
}
