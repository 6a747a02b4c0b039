//! The layers and the comparison that need no client; `cargo xtask contract` and `cargo xtask
//! upstream` run this.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::{Parser, Subcommand};
use contract_spec::LAYERS;
use contract_spec::layer::Layer;
use contract_spec::report::{self, Ran};
use contract_spec::rows;
use contract_spec::upstream::{self, News};
use contract_spec::workspace::Workspace;

/// The part of the contract that needs no client.
#[derive(Parser)]
struct Arguments {
    /// The root of the workspace to check; this one by default.
    #[arg(long, hide = true, global = true)]
    root: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run layers. Those that need the client are named as not run.
    Layers {
        /// Run this layer alone; may be given several times.
        #[arg(long)]
        layer: Vec<String>,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Compare a newer OpenAPI document with ours.
    #[command(bin_name = "cargo xtask upstream")]
    Upstream {
        /// The document.
        file: PathBuf,
        /// Print also what the references explain.
        #[arg(long)]
        all: bool,
    },
    /// Print the row of the table of models for a model's published schema.
    Row {
        /// The schema: a model or a version of it as Replicate serves them, or its `Input` alone.
        file: PathBuf,
        /// The model, where the file does not say.
        #[arg(long, value_name = "OWNER/NAME")]
        model: Option<String>,
        /// What the model returns, where the file does not say: list or single.
        #[arg(long)]
        output: Option<String>,
    },
}

fn main() -> ExitCode {
    let mut out = io::stdout().lock();
    match run(&Arguments::parse(), &mut out) {
        Ok(code) => code,
        Err(error) => {
            // If stderr is closed, there is nowhere to report to.
            let _ = writeln!(io::stderr(), "error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    let root = arguments.root.as_ref();
    let workspace = root.map_or_else(Workspace::own, Workspace::at);
    match &arguments.command {
        Command::Layers { layer, json } => {
            let ran: Vec<Ran> = chosen(layer)
                .iter()
                .map(|one| one.run(&workspace))
                .collect();
            report::write(&ran, *json, out)?;
            let is_good = ran.iter().all(|one| one.report.is_good());
            Ok(if is_good {
                ExitCode::SUCCESS
            } else {
                ExitCode::FAILURE
            })
        }
        Command::Upstream { file, all } => Ok(match upstream::run(&workspace, file, *all, out)? {
            News::None => ExitCode::SUCCESS,
            _ => ExitCode::from(4),
        }),
        Command::Row {
            file,
            model,
            output,
        } => {
            let read = || format!("{} cannot be read", file.display());
            let published = std::fs::read_to_string(file).with_context(read)?;
            let published = serde_json::from_str(&published).with_context(read)?;
            let row = rows::row(&published, model.as_deref(), output.as_deref())?;
            write!(out, "{row}")?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// The layers of this package among those that are asked for.
fn chosen(asked: &[String]) -> Vec<Layer<Workspace>> {
    if asked.is_empty() {
        return LAYERS.to_vec();
    }
    asked
        .iter()
        .filter_map(|id| Layer::find(&LAYERS, id))
        .collect()
}
