//! L5: tools that we did not write. `schemathesis` holds the mock to the spec from outside,
//! `redocly` and `openapi-spec-validator` read the spec as other tools will.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Arc;

use anyhow::Context;
use cometapi_mock::{MockServer, Pace, Spec};

use super::l3_requests::KEY;
use super::{Options, Outside, Twist};
use contract_spec::report::Report;
use contract_spec::workspace::SPEC;

const INSTALL: &str = "install them with `.ci/outside-tools`";

const CONFIGURATION: &str = include_str!("../../data/schemathesis.toml");

/// Where a tool is, below the folder that the script fills.
const TOOLS: [(&str, &str); 3] = [
    ("schemathesis", "venv/bin/schemathesis"),
    ("openapi-spec-validator", "venv/bin/openapi-spec-validator"),
    ("redocly", "node_modules/.bin/redocly"),
];

pub(super) fn run(options: &Options) -> anyhow::Result<Report> {
    if options.outside == Outside::No {
        return Ok(Report::skipped(
            "it needs outside tools; ask with --outside",
        ));
    }
    let folder = tools(&options.workspace);
    let absent: Vec<_> = TOOLS
        .iter()
        .filter(|(_, path)| !folder.join(path).exists())
        .map(|(name, _)| *name)
        .collect();
    if !absent.is_empty() && options.outside == Outside::IfThere {
        let absent = absent.join(", ");
        return Ok(Report::skipped(format!(
            "{absent} not installed; {INSTALL}"
        )));
    }
    let mut report = Report::default();
    if !absent.is_empty() {
        for name in absent {
            report.fail(name, "tool-missing", INSTALL);
        }
        return Ok(report);
    }
    let scratch = tempfile::tempdir().context("no temporary folder can be made")?;
    let spec = scratch.path().join(SPEC);
    fs::write(&spec, options.workspace.read(SPEC)?).context("the spec cannot be copied")?;
    fs::write(scratch.path().join("schemathesis.toml"), CONFIGURATION)
        .context("the configuration cannot be copied")?;
    linters(&folder, &spec, &mut report)?;
    fuzzer(&folder, &spec, options, scratch.path(), &mut report)?;
    Ok(report)
}

/// Beside the build's own files, so that nothing lands in the repository.
fn tools(workspace: &contract_spec::workspace::Workspace) -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| workspace.root().join("target"), PathBuf::from)
        .join("outside-tools")
}

fn linters(folder: &Path, spec: &Path, report: &mut Report) -> anyhow::Result<()> {
    for (name, path) in &TOOLS[1..] {
        let mut command = Command::new(folder.join(path));
        if *name == "redocly" {
            command
                .args(["lint", "--extends=recommended-strict", "--format=stylish"])
                // Each is a matter of taste that our own rules decide otherwise.
                .args([
                    "--skip-rule=operation-4xx-response",
                    "--skip-rule=security-defined",
                    // Nothing refers to the models' inputs: any other input is as valid.
                    "--skip-rule=no-unused-components",
                ])
                .env("REDOCLY_TELEMETRY", "off")
                .env("REDOCLY_SUPPRESS_UPDATE_NOTICE", "true");
        }
        let output = quietly(command.arg(spec))?;
        if output.status.success() {
            report.pass("linters");
        } else {
            let said = words(&output);
            report.fail(
                *name,
                "outside-lint",
                format!("{}; fix the spec there", tail(&said, 12)),
            );
        }
    }
    Ok(())
}

fn fuzzer(
    folder: &Path,
    spec: &Path,
    options: &Options,
    scratch: &Path,
    report: &mut Report,
) -> anyhow::Result<()> {
    let document = match &options.twist {
        Twist::Spec(yaml) => yaml.clone(),
        _ => options.workspace.read(SPEC)?,
    };
    let document = Arc::new(Spec::parse(&document)?);
    // Threads of its own: this one waits for the tool.
    let runtime = tokio::runtime::Runtime::new().context("no runtime can be started")?;
    let server = runtime.block_on(
        MockServer::builder()
            .pace(Pace::instant())
            .lenient()
            .key(KEY)
            .seed(7)
            .spec(document)
            .start(),
    )?;
    if let Twist::Poll(fault) = &options.twist {
        server.on_poll(cometapi_mock::Plan::of(fault.clone()).always());
    }
    let output = quietly(
        Command::new(folder.join(TOOLS[0].1))
            .current_dir(scratch)
            .args(["--no-color"])
            .arg("run")
            .arg(spec)
            .args(["--url", server.base_url(), "--checks", "all", "--seed", "7"])
            .args([
                "--max-examples",
                "50",
                "--request-timeout",
                "10",
                "--generation-database",
                "none",
            ])
            .arg("--header")
            .arg(format!("Authorization: Bearer {KEY}"))
            .arg("--suppress-health-check=all"),
    )?;
    let said = words(&output);
    let generated = said
        .lines()
        .filter_map(|line| {
            line.trim()
                .strip_suffix(" generated")
                .or(line.split_once(" generated").map(|(head, _)| head))
        })
        .find_map(|head| head.split_whitespace().last()?.parse::<usize>().ok());
    match generated {
        Some(count @ 1..) if output.status.success() => {
            report.passed_many("fuzzed requests", count);
        }
        _ => report.fail(
            "the mock",
            "schemathesis",
            format!("{}; fix the mock, or the spec", tail(&said, 60)),
        ),
    }
    Ok(())
}

fn quietly(command: &mut Command) -> anyhow::Result<Output> {
    let name = command.get_program().to_string_lossy().into_owned();
    command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("{name} cannot be started; {INSTALL}"))
}

fn words(output: &Output) -> String {
    let mut said = String::from_utf8_lossy(&output.stdout).into_owned();
    said.push_str(&String::from_utf8_lossy(&output.stderr));
    said
}

/// The last lines, which is where tools say what is wrong.
fn tail(said: &str, count: usize) -> String {
    let lines: Vec<_> = said
        .lines()
        .filter(|line| !line.trim().is_empty())
        .collect();
    lines[lines.len().saturating_sub(count)..].join("\n      ")
}
