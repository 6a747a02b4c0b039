//! What every measure is given.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, ensure};

/// The scale of the measures, and the workspace that they measure.
#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) quick: bool,
    /// How many pairs of runs, instead of what a measure finds enough.
    pub(crate) pairs: Option<usize>,
    /// The root of the workspace.
    pub(crate) root: PathBuf,
}

impl Context {
    /// Returns `full`, or `quick` where the measure is only to prove that it runs.
    pub(crate) fn scale<T>(&self, full: T, quick: T) -> T {
        if self.quick { quick } else { full }
    }

    /// Returns how many pairs of runs to make: `full`, unless something else was asked for.
    pub(crate) fn pairs(&self, full: usize) -> usize {
        self.scale(self.pairs.unwrap_or(full), 1)
    }

    /// `cargo` in the workspace.
    pub(crate) fn cargo(&self) -> Command {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut cargo = Command::new(cargo);
        cargo.current_dir(&self.root);
        cargo
    }

    /// Builds the command `paperboat` as it is released, or for development if this program is, and
    /// returns its path.
    pub(crate) fn paperboat(&self) -> anyhow::Result<PathBuf> {
        let mut cargo = self.cargo();
        cargo.args(["build", "--quiet", "--locked", "--package", "paperboat"]);
        let profile = if cfg!(debug_assertions) {
            "debug"
        } else {
            cargo.arg("--release");
            "release"
        };
        let status = cargo.status().context("cargo cannot be started")?;
        ensure!(
            status.success(),
            "cargo build --package paperboat: {status}"
        );
        let program = std::env::current_exe()?;
        let target = program.ancestors().nth(2);
        let target = target.context("this program is in no target folder")?;
        Ok(target
            .join(profile)
            .join(format!("paperboat{}", std::env::consts::EXE_SUFFIX)))
    }
}
