//! The maintainers' commands: `cargo xtask …`.

#![warn(clippy::print_stderr, clippy::print_stdout)]

mod bench;
mod contract;
mod draw_outputs;
mod generate;
mod import_model;
mod package;
mod release;

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
    #[command(disable_help_flag = true)]
    Contract(contract::Options),
    Upstream(contract::Upstream),
    #[command(disable_help_flag = true)]
    Bench(bench::Options),
    ImportModel(import_model::Options),
    DrawOutputs(draw_outputs::Options),
    Release(release::Options),
}

fn main() -> ExitCode {
    let mut out = io::stdout().lock();
    let result = match Command::parse() {
        Command::Generate(options) => workspace_root()
            .and_then(|root| generate::run(&root, &options, &mut out))
            .map(Into::into),
        Command::Contract(options) => {
            drop(out);
            workspace_root().and_then(|root| contract::run(&root, &options))
        }
        Command::Upstream(options) => {
            drop(out);
            workspace_root().and_then(|root| contract::upstream(&root, &options))
        }
        Command::Bench(options) => {
            drop(out);
            workspace_root().and_then(|root| bench::run(&root, &options))
        }
        Command::ImportModel(options) => workspace_root()
            .and_then(|root| {
                let (mut input, mut notes) = (io::stdin().lock(), io::stderr());
                import_model::run(&root, &options, &mut input, &mut out, &mut notes)
            })
            .map(|()| ExitCode::SUCCESS),
        Command::DrawOutputs(options) => workspace_root()
            .and_then(|root| draw_outputs::run(&root, &options, &mut out))
            .map(|()| ExitCode::SUCCESS),
        Command::Release(options) => workspace_root()
            .and_then(|root| release::run(&root, &options, &mut out))
            .map(|()| ExitCode::SUCCESS),
    };
    match result {
        Ok(code) => code,
        Err(error) => {
            // Without stderr, the error cannot be reported.
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
