//! Clients that other generators make of the spec, against the mock. What they do is in
//! `crates/contract/outside/`.

use std::process::Command;

use anyhow::Context;
use cometapi_mock::{Fault, MockServer};
use serde_json::json;

use super::{Bench, always, output, runtime, tail, words};
use contract_spec::report::Report;

pub(super) const PYTHON_CLIENT: &str = "venv/bin/openapi-python-client";
pub(super) const OPENAPI_TYPESCRIPT: &str = "node_modules/.bin/openapi-typescript";
pub(super) const TSC: &str = "node_modules/.bin/tsc";

const SCRIPTS: &str = "crates/contract/outside";

pub(super) fn run(bench: &Bench<'_>, report: &mut Report) -> anyhow::Result<()> {
    let runtime = runtime()?;
    let server = runtime.block_on(bench.mock(|builder| builder))?;
    plan(&server);
    python(bench, server.base_url(), report)?;
    typescript(bench, server.base_url(), report)
}

/// What the scripts expect of the models that begin with `acme/`.
fn plan(server: &MockServer) {
    server.on_poll(always(&Fault::Wrapped).model("acme/wrapped"));
    server.on_create(always(&Fault::TaskErrorWithPrediction).model("acme/task-error"));
    let nulls = json!({
        "id": "q4chw5rey9rmt0cww76t4h3ma4",
        "status": "processing",
        "model": null,
        "version": null,
        "input": null,
        "output": null,
        "error": null,
        "logs": null,
        "data_removed": null,
        "source": null,
        "created_at": null,
        "started_at": null,
        "completed_at": null,
        "metrics": null,
        "urls": null,
    });
    server.on_poll(always(&Fault::json(200, &nulls)).model("acme/nulls"));
}

fn python(bench: &Bench<'_>, base_url: &str, report: &mut Report) -> anyhow::Result<()> {
    let place = "openapi-python-client";
    let scripts = bench.committed(SCRIPTS);
    let mut generate = bench.tool(PYTHON_CLIENT);
    generate
        .args(["generate", "--meta=none", "--fail-on-warning", "--path"])
        .arg(&bench.spec)
        .arg("--config")
        .arg(scripts.join("openapi-python-client.yaml"));
    if !passes(&mut generate, place, report)? {
        return Ok(());
    }
    let mut client = bench.tool("venv/bin/python");
    client
        .arg(scripts.join("client.py"))
        .env("PYTHONPATH", bench.scratch.path())
        .env("COMETAPI_BASE_URL", base_url);
    uses(&mut client, place, report)
}

fn typescript(bench: &Bench<'_>, base_url: &str, report: &mut Report) -> anyhow::Result<()> {
    let place = "openapi-typescript";
    let script = bench.committed(SCRIPTS).join("client.ts");
    let script = std::fs::read_to_string(script).context("the client cannot be read")?;
    bench.write("client.ts", &script)?;
    bench.write("package.json", r#"{"type": "module"}"#)?;
    let mut generate = bench.tool(OPENAPI_TYPESCRIPT);
    generate.arg(&bench.spec).args(["--output", "schema.ts"]);
    let mut compile = bench.tool(TSC);
    compile.args([
        "--strict",
        "--noUncheckedIndexedAccess",
        "--target",
        "es2022",
        "--module",
        "nodenext",
        "--lib",
        "es2022,dom",
        "--skipLibCheck",
        "client.ts",
    ]);
    if !passes(&mut generate, place, report)? || !passes(&mut compile, place, report)? {
        return Ok(());
    }
    let mut client = Command::new("node");
    client
        .current_dir(bench.scratch.path())
        .arg("client.js")
        .env("COMETAPI_BASE_URL", base_url);
    uses(&mut client, place, report)
}

/// Runs a client, which prints how many uses went well.
fn uses(client: &mut Command, place: &str, report: &mut Report) -> anyhow::Result<()> {
    let output = output(client)?;
    let said = words(&output);
    let count = said
        .trim()
        .strip_suffix(" uses")
        .and_then(|count| count.parse().ok());
    match count {
        Some(count @ 1..) if output.status.success() => {
            report.passed_many("uses by other clients", count);
        }
        _ => report.fail(
            place,
            "outside-client",
            format!("{}; fix the mock, or the spec", tail(&said, 20)),
        ),
    }
    Ok(())
}

fn passes(command: &mut Command, place: &str, report: &mut Report) -> anyhow::Result<bool> {
    let output = output(command)?;
    if !output.status.success() {
        report.fail(
            place,
            "outside-generator",
            format!("{}; fix the spec", tail(&words(&output), 20)),
        );
    }
    Ok(output.status.success())
}
