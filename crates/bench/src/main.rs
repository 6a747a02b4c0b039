//! Speed, memory and cost, measured side by side: `cargo xtask bench [NAME…] [--quick]`.
//!
//! Each measure is a module with a function `rows`, and is listed in `measures.rs`. A measure
//! that compares two sides starts them as child processes of this program (`bench side MEASURE
//! SIDE …`), by turns; each prints its own readings as one line of JSON. BENCHMARKS.md has the
//! method and the numbers.

mod bare;
mod batch;
mod calls;
mod command;
mod context;
mod decoding;
mod download;
mod downstream;
mod hedging;
mod load;
mod machine;
mod measure;
mod measures;
mod mock;
mod ours;
mod polling;
mod report;
mod server;
mod tasks;
mod throughput;
mod waits;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, ensure};
use clap::Parser;

use crate::context::Context;
use crate::machine::Machine;
use crate::measures::{MEASURES, Measure};
use crate::report::{Report, Row, Section};

/// Measure speed, memory and cost side by side, and print a table.
///
/// The numbers of each measure are also written to target/bench/NAME.json.
#[derive(Parser)]
#[command(bin_name = "cargo xtask bench", args_conflicts_with_subcommands = true)]
struct Arguments {
    #[command(subcommand)]
    child: Option<ChildProcess>,
    /// Measures, by number (b1) or name (calls); all of them by default.
    #[arg(value_parser = find, value_name = "NAME")]
    measures: Vec<&'static Measure>,
    /// Run each measure so small that it only proves that it runs; the numbers mean nothing.
    #[arg(long)]
    quick: bool,
    /// Make N pairs of runs, or N runs where there is nothing to compare, instead of each measure's
    /// own number.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..))]
    pairs: Option<u8>,
    /// Write all numbers to one file as well.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// List the measures.
    #[arg(long)]
    list: bool,
}

/// What this program is started for by itself.
#[derive(clap::Subcommand)]
#[command(hide = true)]
enum ChildProcess {
    /// Run one side of a measure.
    #[command(hide = true)]
    Side {
        #[arg(value_parser = find)]
        measure: &'static Measure,
        side: String,
        #[arg(allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Serve predictions.
    #[command(hide = true)]
    Serve(server::Options),
    /// Serve predictions with the mock or with wiremock.
    #[command(hide = true)]
    ServeMock { kind: mock::Kind },
}

fn find(name: &str) -> Result<&'static Measure, String> {
    let is_it = |it: &&Measure| it.name == name || it.id.eq_ignore_ascii_case(name);
    let found = MEASURES.iter().find(is_it);
    found.ok_or_else(|| "not a measure; --list lists them".to_owned())
}

fn main() -> anyhow::Result<ExitCode> {
    let arguments = Arguments::parse();
    match arguments.child {
        Some(ChildProcess::Side {
            measure,
            side,
            arguments,
        }) => {
            let readings = (measure.side)(&side, &arguments)?;
            println!("{}", serde_json::to_string(&readings)?);
            Ok(ExitCode::SUCCESS)
        }
        Some(ChildProcess::Serve(options)) => {
            server::serve(&options, |origin| println!("{origin}"))?;
            Ok(ExitCode::SUCCESS)
        }
        Some(ChildProcess::ServeMock { kind }) => {
            mock::serve(kind)?;
            Ok(ExitCode::SUCCESS)
        }
        None if arguments.list => {
            println!("{}", measures::list());
            Ok(ExitCode::SUCCESS)
        }
        None => run(&arguments),
    }
}

fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    ensure!(
        arguments.quick || !cfg!(debug_assertions),
        "this is a development build, and its numbers mean nothing: build it with --release, as \
         cargo xtask bench does, or pass --quick"
    );
    let context = Context {
        quick: arguments.quick,
        pairs: arguments.pairs.map(usize::from),
        root: Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../..")
            .canonicalize()?,
    };
    let machine = Machine::read();
    let folder = context.root.join("target/bench");
    fs::create_dir_all(&folder)?;
    let all: Vec<_> = MEASURES.iter().collect();
    let chosen = if arguments.measures.is_empty() {
        &all
    } else {
        &arguments.measures
    };
    let (mut sections, mut code) = (Vec::new(), ExitCode::SUCCESS);
    for measure in chosen {
        eprintln!("{} {}: {}", measure.id, measure.name, measure.what);
        let rows = (measure.rows)(&context).unwrap_or_else(|error| {
            code = ExitCode::FAILURE;
            eprintln!("error: {error:#}");
            vec![Row::skipped(measure.what, format!("failed: {error:#}"))]
        });
        let section = Section {
            id: measure.id,
            name: measure.name,
            rows,
        };
        let file = folder.join(format!("{}.json", measure.name));
        write(
            &file,
            &machine,
            arguments.quick,
            std::slice::from_ref(&section),
        )?;
        sections.push(section);
    }
    if let Some(file) = &arguments.json {
        write(file, &machine, arguments.quick, &sections)?;
    }
    println!("{machine}");
    if arguments.quick {
        println!("quick: the numbers mean nothing");
    }
    println!("\n{}", report::markdown(&sections, arguments.quick));
    Ok(code)
}

fn write(file: &Path, machine: &Machine, quick: bool, sections: &[Section]) -> anyhow::Result<()> {
    let report = Report {
        machine,
        quick,
        sections,
    };
    let text = serde_json::to_string_pretty(&report)?;
    fs::write(file, text + "\n").with_context(|| format!("cannot write {}", file.display()))
}
