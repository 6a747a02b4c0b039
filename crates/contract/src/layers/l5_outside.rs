//! L5: tools that we did not write judge the mock and the spec as they ship. `schemathesis` holds the
//! mock to the spec from outside; linters read the spec as other tools will; clients that other
//! generators make of it run against the mock; and the wrapper runs against a mock that others make
//! of it.

mod clients;
mod fuzzer;
mod linters;
mod prism;

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::sync::Arc;

use anyhow::Context;
use cometapi_mock::{Builder, Fault, MockServer, Plan, Spec};

use super::{Options, Outside, Twist};
use contract_spec::report::Report;
use contract_spec::workspace::SPEC;

const INSTALL: &str = "install them with `.ci/outside-tools`";

/// Where the tools are, below the folder that the script fills.
const TOOLS: [&str; 9] = [
    fuzzer::SCHEMATHESIS,
    linters::SPEC_VALIDATOR,
    linters::REDOCLY,
    linters::SPECTRAL,
    clients::PYTHON_CLIENT,
    clients::OPENAPI_TYPESCRIPT,
    clients::TSC,
    "node_modules/openapi-fetch",
    prism::PRISM,
];

/// What the tools work with.
struct Bench<'o> {
    options: &'o Options,
    /// Where they are installed.
    tools: PathBuf,
    /// A folder for what they write, inside of theirs: Node looks for modules in the folders above.
    scratch: tempfile::TempDir,
    /// The spec that they read.
    spec: PathBuf,
}

pub(super) fn run(options: &Options) -> anyhow::Result<Report> {
    if options.outside == Outside::No {
        return Ok(Report::skipped(
            "it needs outside tools; ask with --outside",
        ));
    }
    let tools = tools(&options.workspace);
    let absent: Vec<_> = TOOLS
        .into_iter()
        .filter(|path| !tools.join(path).exists())
        .map(name)
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
    let scratch = tempfile::tempdir_in(&tools).context("no temporary folder can be made")?;
    let spec = scratch.path().join(SPEC);
    fs::write(&spec, options.workspace.read(SPEC)?).context("the spec cannot be copied")?;
    let bench = Bench {
        options,
        tools,
        scratch,
        spec,
    };
    linters::run(&bench, &mut report)?;
    clients::run(&bench, &mut report)?;
    prism::run(&bench, &mut report)?;
    fuzzer::run(&bench, &mut report)?;
    Ok(report)
}

/// The last part of a tool's path.
fn name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// Beside the build's own files, so that nothing lands in the repository.
fn tools(workspace: &contract_spec::workspace::Workspace) -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| workspace.root().join("target"), PathBuf::from)
        .join("outside-tools")
}

impl Bench<'_> {
    /// A command that runs an installed tool in the scratch folder.
    fn tool(&self, path: &str) -> Command {
        let mut command = Command::new(self.tools.join(path));
        command
            .current_dir(self.scratch.path())
            // What is tested is on this machine.
            .env("NO_PROXY", "127.0.0.1")
            .env("no_proxy", "127.0.0.1");
        command
    }

    /// Writes a file into the scratch folder.
    fn write(&self, name: &str, content: &str) -> anyhow::Result<PathBuf> {
        let path = self.scratch.path().join(name);
        fs::write(&path, content).with_context(|| format!("{name} cannot be written"))?;
        Ok(path)
    }

    /// A file of the repository.
    fn committed(&self, path: &str) -> PathBuf {
        self.options.workspace.root().join(path)
    }

    /// Starts the mock as it ships, but for what `change` and the mutation at work change.
    async fn mock(&self, change: impl FnOnce(Builder) -> Builder) -> anyhow::Result<MockServer> {
        let document = match &self.options.twist {
            Twist::Spec(yaml) => yaml.clone(),
            _ => self.options.workspace.read(SPEC)?,
        };
        let builder = MockServer::builder()
            .seed(7)
            .spec(Arc::new(Spec::parse(&document)?));
        let server = change(builder).start().await?;
        if let Twist::Poll(fault) = &self.options.twist {
            server.on_poll(always(fault));
        }
        Ok(server)
    }
}

fn always(fault: &Fault) -> Plan<Fault> {
    Plan::of(fault.clone()).always()
}

/// A runtime with threads of its own: the caller waits for a tool.
fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    tokio::runtime::Runtime::new().context("no runtime can be started")
}

fn output(command: &mut Command) -> anyhow::Result<Output> {
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
