//! `cargo xtask contract` and `cargo xtask upstream`: the contract's layers, which are a
//! package of their own. They need the client, and this one must build when the client does
//! not.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::Context;

/// Check the contract in layers: spec, generated files, types, requests, answers, outside
/// judges, releases, other references, the live service.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Options of the contract itself; `cargo xtask contract --help` lists them.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<OsString>,
}

/// Compare a newer OpenAPI document of the service, 3.0 or 3.1, YAML or JSON, with ours and
/// print what differs.
#[derive(clap::Args)]
pub(crate) struct Upstream {
    /// The document.
    file: PathBuf,
}

pub(crate) fn run(root: &Path, options: &Options) -> anyhow::Result<ExitCode> {
    start(root, &options.arguments)
}

pub(crate) fn upstream(root: &Path, options: &Upstream) -> anyhow::Result<ExitCode> {
    start(root, &["--upstream".into(), options.file.clone().into()])
}

fn start(root: &Path, arguments: &[OsString]) -> anyhow::Result<ExitCode> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .args(["run", "--quiet", "--package", "contract", "--manifest-path"])
        .arg(root.join("Cargo.toml"))
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

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    enum Command {
        #[command(disable_help_flag = true)]
        Contract(Options),
    }

    #[test]
    fn what_the_contract_is_told_is_passed_on_as_it_stands() {
        for given in [
            &[][..],
            &["--layer", "L3", "--json"],
            &["--outside=require", "--prove"],
            &["--help"],
        ] {
            let line = ["xtask", "contract"].iter().chain(given);
            let Command::Contract(options) = Command::try_parse_from(line).unwrap();
            assert_eq!(options.arguments, given);
        }
    }
}
