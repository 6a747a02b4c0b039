//! `schemathesis`, which draws requests from the spec and judges the mock's responses.

use cometapi_mock::Builder;

use super::{Bench, output, runtime, tail, words};
use crate::layers::l3_requests::KEY;
use contract_spec::report::Report;

pub(super) const SCHEMATHESIS: &str = "venv/bin/schemathesis";

const CONFIGURATION: &str = include_str!("../../../data/schemathesis.toml");

pub(super) fn run(bench: &Bench<'_>, report: &mut Report) -> anyhow::Result<()> {
    bench.write("schemathesis.toml", CONFIGURATION)?;
    // The mock as it ships accepts every key, which the spec says of mocks; schemathesis cannot
    // read that, and takes a key of its own for a wrong one.
    let any_key = ["--exclude-checks", "ignored_auth"];
    fuzz(bench, "the mock", |builder| builder, &any_key, report)?;
    let one_key = |builder: Builder| builder.key(KEY);
    fuzz(bench, "the mock with a key", one_key, &[], report)
}

fn fuzz(
    bench: &Bench<'_>,
    place: &str,
    change: impl FnOnce(Builder) -> Builder,
    more: &[&str],
    report: &mut Report,
) -> anyhow::Result<()> {
    let runtime = runtime()?;
    let server = runtime.block_on(bench.mock(change))?;
    let output = output(
        bench
            .tool(SCHEMATHESIS)
            .args(["--no-color", "run"])
            .arg(&bench.spec)
            .args(["--url", server.base_url(), "--checks", "all"])
            .args(["--seed", "7", "--max-examples", "50"])
            .args(["--request-timeout", "10", "--generation-database", "none"])
            .arg("--header")
            .arg(format!("Authorization: Bearer {KEY}"))
            .arg("--suppress-health-check=all")
            .args(more),
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
            place,
            "schemathesis",
            format!("{}; fix the mock, or the spec", tail(&said, 60)),
        ),
    }
    Ok(())
}
