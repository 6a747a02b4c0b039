//! `cargo xtask contract` and `cargo xtask upstream`, which are packages of their own: most layers
//! need the client, and this command must build when the client does not.

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{ExitCode, Stdio};

use anyhow::Context;

use crate::package::{cargo, start};

/// Check the contract in layers: spec, generated files, types, requests, answers, outside
/// judges, releases, other references, the live service.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Options of the contract itself; `cargo xtask contract --help` lists them.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<OsString>,
}

/// Compare a newer OpenAPI document of the service, 3.0 to 3.2, YAML or JSON, with ours and print
/// what the tables in crates/contract/data/references do not explain.
///
/// Exit codes: 0 nothing is new; 1 it cannot be compared; 4 something is new.
#[derive(clap::Args)]
pub(crate) struct Upstream {
    /// The document.
    file: PathBuf,
    /// Print also what the references explain.
    #[arg(long)]
    all: bool,
}

pub(crate) fn run(root: &Path, options: &Options) -> anyhow::Result<ExitCode> {
    let announcement = "building the contract (some minutes when nothing is built yet)";
    writeln!(io::stderr(), "{announcement}")?;
    // What cargo says is kept: the layers that run without the contract are shown first.
    let build = cargo(root, "build", "contract")
        .stderr(Stdio::piped())
        .output()
        .context("cargo cannot be started")?;
    if build.status.success() {
        return start(root, "contract", &[], &options.arguments);
    }
    // The layers that read the spec still run, and may say why the client does not compile.
    let mut arguments = vec!["layers".into()];
    arguments.extend(spec_arguments(&options.arguments));
    start(root, "contract-spec", &[], &arguments)?;
    let mut stderr = io::stderr().lock();
    writeln!(
        stderr,
        "\nthe other layers did not run, because the contract does not compile:\n"
    )?;
    stderr.write_all(&build.stderr)?;
    Ok(ExitCode::FAILURE)
}

/// What of the contract's arguments the layers that need no client understand.
fn spec_arguments(arguments: &[OsString]) -> Vec<OsString> {
    let mut kept = Vec::new();
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        if argument == "--layer" {
            kept.push(argument.clone());
            kept.extend(rest.next().cloned());
        } else if argument == "--json" || argument.to_string_lossy().starts_with("--layer=") {
            kept.push(argument.clone());
        }
    }
    kept
}

pub(crate) fn upstream(root: &Path, options: &Upstream) -> anyhow::Result<ExitCode> {
    let mut arguments = vec!["upstream".into(), options.file.clone().into()];
    if options.all {
        arguments.push("--all".into());
    }
    start(root, "contract-spec", &[], &arguments)
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
