//! L0: each spec by itself. Strict YAML, the official schema of `OpenAPI` 3.0, the house
//! rules of the generator, and every example against its schema.

use anyhow::Context;
use cometapi_codegen::{Error, TARGETS, Target};
use serde_json::Value;

use crate::layer::Layer;
use crate::oracle::{Oracle, faults, reference};
use crate::report::Report;
use crate::workspace::{SPEC, Workspace};

/// As published at `https://spec.openapis.org/oas/3.0/schema/2021-09-28` (Apache-2.0).
const OFFICIAL: &str = include_str!("../../contract/data/openapi-3.0.schema.json");

/// See the module.
pub const LAYER: Layer<Workspace> = Layer {
    id: "L0",
    title: "the specs, linted",
    check: run,
};

fn run(workspace: &Workspace) -> anyhow::Result<Report> {
    let mut report = Report::default();
    for target in TARGETS {
        let found = lint(target, workspace).context(target.spec)?;
        // A place in another spec than the predictions' begins with its file.
        let within = (target.spec != SPEC).then_some(target.spec);
        report.add(found, within);
    }
    Ok(report)
}

fn lint(target: &Target, workspace: &Workspace) -> anyhow::Result<Report> {
    let mut report = Report::default();
    let yaml = workspace.read(target.spec)?;
    let root = match cometapi_codegen::read(&yaml) {
        Ok(root) => root,
        Err(error) => {
            let what = format!("{error}; fix the line that it names");
            report.fail(target.spec, "yaml", what);
            return Ok(report);
        }
    };
    report.pass("document");
    version(target, workspace, &root, &mut report)?;
    official(&root, &mut report)?;
    house_rules(target, &yaml, &mut report);
    examples(root, &mut report);
    Ok(report)
}

/// The spec has the version of the crate that is generated from it.
fn version(
    target: &Target,
    workspace: &Workspace,
    root: &Value,
    report: &mut Report,
) -> anyhow::Result<()> {
    let spec = root["info"]["version"].as_str();
    let path = format!("{}/Cargo.toml", target.client);
    let client = workspace.read(&path)?;
    let (file, section) = if client.contains("\nversion.workspace = true\n") {
        ("Cargo.toml", "[workspace.package]")
    } else {
        (path.as_str(), "[package]")
    };
    let manifest = workspace.read(file)?;
    let of_crate = manifest
        .lines()
        .skip_while(|line| *line != section)
        .skip(1)
        .take_while(|line| !line.starts_with('['))
        .find_map(|line| line.strip_prefix("version = "))
        .map(|version| version.trim_matches('"'));
    if spec.is_some() && spec == of_crate {
        report.pass("versions");
    } else {
        report.fail(
            "#/info/version",
            "version",
            format!(
                "it is {} and {path} has {}; raise both together",
                spec.unwrap_or("missing"),
                of_crate.unwrap_or("none")
            ),
        );
    }
    Ok(())
}

fn official(root: &Value, report: &mut Report) -> anyhow::Result<()> {
    let schema: Value = serde_json::from_str(OFFICIAL).context("the official schema")?;
    let validator = jsonschema::options()
        .with_draft(jsonschema::Draft::Draft4)
        .build(&schema)
        .context("the official schema")?;
    let before = report.findings.len();
    for error in validator.iter_errors(root) {
        report.fail(
            format!("#{}", error.instance_path()),
            "official-schema",
            format!(
                "{}; OpenAPI 3.0 does not allow this here, write what its specification names",
                crate::oracle::short(&error.to_string())
            ),
        );
    }
    if report.findings.len() == before {
        report.pass("official schema");
    }
    Ok(())
}

fn house_rules(target: &Target, yaml: &str, report: &mut Report) {
    match target.generate(yaml) {
        Ok(_) => report.passed_many("house rules", cometapi_codegen::rules().count()),
        Err(Error::Lint { findings }) => {
            for finding in findings {
                report.fail(finding.place, finding.rule, finding.message);
            }
        }
        Err(error) => {
            report.fail(
                target.spec,
                "generator",
                format!("{error}; fix the spec there"),
            );
        }
    }
}

fn examples(root: Value, report: &mut Report) {
    let oracle = Oracle::new(root);
    let mut judged = 0;
    for example in oracle.examples() {
        match oracle.validator(&example.schema) {
            Ok(validator) => {
                let faults = faults(&validator, &example.value);
                for fault in &faults {
                    // A schema that is written where the example is has no place of its own.
                    let cause = if fault.schema.starts_with("/components/") {
                        fault.schema.clone()
                    } else {
                        format!("{} {}", example.pointer, fault.schema)
                    };
                    report.fail_by(
                        cause,
                        &example.pointer,
                        "example",
                        format!("{fault}; fix the example, or the schema that refuses it"),
                    );
                }
                judged += usize::from(faults.is_empty());
            }
            Err(error) => {
                let cause = error.root_cause().to_string();
                report.fail_by(cause, &example.pointer, "example", format!("{error:#}"));
            }
        }
    }
    report.passed_many("examples", judged);
    complete(&oracle, report);
}

/// Every media type and every schema shows itself.
fn complete(oracle: &Oracle, report: &mut Report) {
    let examples = oracle.examples();
    for operation in oracle.operations() {
        let mut contents = Vec::new();
        if let Some(body) = operation.value.get("requestBody") {
            contents.push((
                format!("{}/requestBody", operation.pointer),
                oracle.resolve(body),
            ));
        }
        for (status, answer) in crate::oracle::members(operation.value.get("responses")) {
            let at = format!("{}/responses/{status}", operation.pointer);
            contents.push((at, oracle.resolve(answer)));
        }
        for (at, holder) in contents {
            for (media, content) in crate::oracle::members(holder.get("content")) {
                if content.get("example").is_some() || content.get("examples").is_some() {
                    report.pass("media types shown");
                } else {
                    report.fail(
                        format!("{at}/content/{media}"),
                        "example-missing",
                        "it has no example; write one under `examples`",
                    );
                }
            }
        }
    }
    for (name, schema) in crate::oracle::members(oracle.root.pointer("/components/schemas")) {
        let used = schema.get("example").is_some()
            || examples
                .iter()
                .any(|example| example.schema == reference(name))
            || schema.get("anyOf").is_some();
        if !used {
            report.fail(
                format!("#/components/schemas/{name}"),
                "example-missing",
                "it has no example; write an `example`",
            );
        }
    }
}
