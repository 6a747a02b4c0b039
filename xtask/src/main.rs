//! The maintainers' commands: `cargo xtask …`.

mod generate;

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::Parser;

/// The maintainers' commands.
#[derive(Parser)]
#[command(bin_name = "cargo xtask")]
enum Command {
    Generate(generate::Options),
}

fn main() -> ExitCode {
    let mut out = io::stdout().lock();
    let result = match Command::parse() {
        Command::Generate(options) => {
            workspace_root().and_then(|root| generate::run(&root, &options, &mut out))
        }
    };
    match result {
        Ok(outcome) => outcome.into(),
        Err(error) => {
            // Nobody is left to tell when stderr is gone.
            let _ = writeln!(io::stderr(), "error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn workspace_root() -> anyhow::Result<PathBuf> {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .map(Path::to_path_buf)
        .context("xtask lies at the root of the file system; move it into its workspace")
}
