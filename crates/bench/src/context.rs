//! What every measure is given.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, ensure};

/// The scale of the measures, and the workspace that they measure.
#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) quick: bool,
}

impl Context {
    /// Returns `full`, or `quick` where the measure is only to prove that it runs.
    pub(crate) fn scale<T>(&self, full: T, quick: T) -> T {
        if self.quick { quick } else { full }
    }

    /// The root of the workspace.
    pub(crate) fn root(&self) -> PathBuf {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        root.canonicalize().unwrap_or(root)
    }

    /// `cargo` in the workspace.
    pub(crate) fn cargo(&self) -> Command {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut cargo = Command::new(cargo);
        cargo.current_dir(self.root());
        cargo
    }

    /// Builds the command `paperboat` with the profile of this program, and returns its path.
    pub(crate) fn paperboat(&self) -> anyhow::Result<PathBuf> {
        let mut cargo = self.cargo();
        cargo.args(["build", "--quiet", "--locked", "--package", "paperboat"]);
        cargo.args(self.scale(&["--release"][..], &[]));
        let status = cargo.status().context("cargo cannot be started")?;
        ensure!(
            status.success(),
            "cargo build --package paperboat: {status}"
        );
        let program = std::env::current_exe()?;
        let folder = program.parent().context("this program is in no folder")?;
        Ok(folder.join(format!("paperboat{}", std::env::consts::EXE_SUFFIX)))
    }
}
