//! The command: which layers to run, and how to print them.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::{Parser, ValueEnum};
use contract_spec::layer::Layer;

use crate::layers::l8_live::Live;
use crate::layers::{LAYERS, Options, Outside, find};
use crate::prove;
use contract_spec::report::{self, Ran};
use contract_spec::workspace::Workspace;

/// The contract, checked in layers.
#[derive(Parser)]
#[command(name = "contract", bin_name = "cargo xtask contract")]
struct Arguments {
    /// Run this layer alone, such as L3; may be given several times.
    #[arg(long, value_parser = known_layer)]
    layer: Vec<String>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
    /// Let outside tools judge as well (L5); `=require` fails when they are not installed.
    #[arg(long, value_name = "HOW", num_args = 0..=1, require_equals = true,
          default_missing_value = "if-there")]
    outside: Option<How>,
    /// Call the live service (L8). Needs `COMETAPI_KEY` and costs the price of one small
    /// image.
    #[arg(long)]
    live: bool,
    /// Prove that the layers can fail: apply every mutation of the committed list in turn.
    #[arg(long)]
    prove: bool,
    /// With --prove, only the mutations whose name contains this.
    #[arg(long, requires = "prove")]
    only: Option<String>,
    /// With --prove: instead of the list, changes of the spec that are drawn, this many.
    #[arg(long, requires = "prove", conflicts_with = "only")]
    draw: Option<usize>,
    /// What they are drawn by.
    #[arg(long, requires = "draw", default_value_t = 1)]
    seed: u64,
    /// The root of the workspace to check; this one by default.
    #[arg(long, hide = true)]
    root: Option<PathBuf>,
}

#[derive(Clone, Copy, ValueEnum)]
enum How {
    IfThere,
    Require,
}

fn known_layer(text: &str) -> Result<String, String> {
    let known = || LAYERS.map(|layer| layer.id).join(", ");
    find(text)
        .map(|layer| layer.id.to_owned())
        .ok_or_else(|| format!("there is no such layer; there are {}", known()))
}

/// Runs the command with the arguments of this process.
pub fn main() -> ExitCode {
    let mut out = io::stdout().lock();
    match run(&Arguments::parse(), &mut out) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            // Nobody is left to tell when stderr is gone.
            let _ = writeln!(io::stderr(), "error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments, out: &mut dyn Write) -> anyhow::Result<bool> {
    let workspace = arguments
        .root
        .as_ref()
        .map_or_else(Workspace::own, Workspace::at);
    let mut options = Options::new(workspace);
    options.outside = match arguments.outside {
        None => Outside::No,
        Some(How::IfThere) => Outside::IfThere,
        Some(How::Require) => Outside::Require,
    };
    if arguments.live {
        options.live = Some(Live::from_env());
    }
    if let Some(count) = arguments.draw {
        return prove::drawn::run(&options, count, arguments.seed, out);
    }
    if arguments.prove {
        return prove::run(&options, arguments.only.as_deref(), out);
    }
    let ran: Vec<Ran> = chosen(arguments).map(|layer| layer.run(&options)).collect();
    report::write(&ran, arguments.json, out).context("the report cannot be written")?;
    Ok(ran.iter().all(|one| one.report.is_good()))
}

/// The layers that are asked for; without asking, those that need nothing but this machine
/// and those that were given leave to need more.
fn chosen(arguments: &Arguments) -> impl Iterator<Item = Layer<Options>> {
    LAYERS.into_iter().filter(|layer| {
        let asked = &arguments.layer;
        asked.is_empty() || asked.iter().any(|id| id == layer.id)
    })
}

/// Runs one layer. What the tests of this crate call.
///
/// # Panics
///
/// When there is no such layer.
pub fn check(layer: &str, options: &Options) -> Ran {
    let Some(layer) = find(layer) else {
        panic!("there is no layer {layer}");
    };
    layer.run(options)
}
