//! Linters of the spec, each as the repository configures it.

use super::{Bench, name, output, tail, words};
use contract_spec::report::Report;

pub(super) const SPEC_VALIDATOR: &str = "venv/bin/openapi-spec-validator";
pub(super) const REDOCLY: &str = "node_modules/.bin/redocly";
pub(super) const SPECTRAL: &str = "node_modules/.bin/spectral";

pub(super) fn run(bench: &Bench<'_>, report: &mut Report) -> anyhow::Result<()> {
    for tool in [SPEC_VALIDATOR, REDOCLY, SPECTRAL] {
        let mut command = bench.tool(tool);
        match tool {
            REDOCLY => {
                command
                    .args(["lint", "--format=stylish", "--config"])
                    .arg(bench.committed("redocly.yaml"))
                    .env("REDOCLY_TELEMETRY", "off")
                    .env("REDOCLY_SUPPRESS_UPDATE_NOTICE", "true");
            }
            SPECTRAL => {
                command
                    .args(["lint", "--quiet", "--fail-severity=hint", "--ruleset"])
                    .arg(bench.committed(".spectral.yaml"));
            }
            _ => {}
        }
        let output = output(command.arg(&bench.spec))?;
        if output.status.success() {
            report.pass("linters");
        } else {
            report.fail(
                name(tool),
                "outside-lint",
                format!("{}; fix the spec there", tail(&words(&output), 12)),
            );
        }
    }
    Ok(())
}
