//! B11: how long maintainers wait for `cargo xtask generate`, `cargo xtask contract` and the tests.

use std::time::Instant;

use anyhow::ensure;

use crate::context::Context;
use crate::measure::{Spread, program};
use crate::report::{Goal, Row};

pub(crate) fn rows(context: &Context) -> anyhow::Result<Vec<Row>> {
    if context.quick {
        return Ok(vec![Row::skipped("cargo xtask, the tests", "by --quick")]);
    }
    let mut rows = vec![
        warm(context, "generate", 1.0, context.pairs(5))?,
        warm(context, "contract", 30.0, context.pairs(2))?,
    ];
    rows.extend(test_suite(context)?);
    Ok(rows)
}

/// Runs a command once, so that everything is built, and then `runs` times.
fn warm(context: &Context, name: &str, limit: f64, runs: usize) -> anyhow::Result<Row> {
    let run = || program(context.cargo().args(["xtask", name]));
    run()?;
    let mut times = Vec::with_capacity(runs);
    for _ in 0..runs {
        times.extend(run()?.get("wall"));
    }
    let row = Row::new(format!("cargo xtask {name}, warm"), "s").ours(Spread::of(times));
    Ok(row.goal(Goal::OursAtMost(limit)))
}

/// Runs the tests once. Those in the documentation are not counted: `nextest` does not run them.
fn test_suite(context: &Context) -> anyhow::Result<Vec<Row>> {
    let what = "the tests of the workspace";
    let mut version = context.cargo();
    if !version
        .args(["nextest", "--version"])
        .output()?
        .status
        .success()
    {
        let why = "install cargo-nextest (cargo install --locked cargo-nextest)";
        return Ok(vec![Row::skipped(what, why)]);
    }
    let nextest = || {
        let mut cargo = context.cargo();
        cargo.args(["nextest", "run", "--workspace", "--locked"]);
        cargo
    };
    program(nextest().arg("--no-run"))?;
    eprintln!("  {what}: some minutes");
    let began = Instant::now();
    let shown = ["--color=never", "--status-level=pass", "--no-fail-fast"];
    let output = nextest().args(shown).output()?;
    let wall = began.elapsed().as_secs_f64();
    let log = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "tests failed:\n{log}");
    let mut rows = vec![Row::new(what, "s").ours(Spread::exactly(wall))];
    for (seconds, test) in slowest(&log) {
        rows.push(Row::new(format!("test `{test}`"), "s").ours(Spread::exactly(seconds)));
    }
    Ok(rows)
}

/// Reads the five slowest tests from nextest's lines, `PASS [   0.123s] (1/9) program test`.
fn slowest(log: &str) -> Vec<(f64, String)> {
    let read = |line: &str| {
        let (_, rest) = line.trim_start().strip_prefix("PASS")?.split_once('[')?;
        let (seconds, rest) = rest.split_once("s]")?;
        let name = rest.trim_start();
        // How many of all tests have run, which not every version shows.
        let name = match name.strip_prefix('(') {
            Some(rest) => rest.split_once(')')?.1.trim_start(),
            None => name,
        };
        Some((seconds.trim().parse().ok()?, name.to_owned()))
    };
    let mut tests: Vec<(f64, String)> = log.lines().filter_map(read).collect();
    tests.sort_by(|a, b| b.0.total_cmp(&a.0));
    tests.truncate(5);
    tests
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slowest_tests_are_read_from_the_log() {
        let log = "
            Starting 7 tests across 3 binaries
        PASS [   0.004s] (1/7) bench report::tests::one
        PASS [   2.500s] (2/7) paperboat::cli two
        PASS [  12.000s] paperboat::cli three
        SLOW [> 60.000s] paperboat::cli four
        PASS [  61.250s] (4/7) paperboat::cli four
        FAIL [  99.000s] (5/7) paperboat::cli five
        PASS [   0.001s] (6/7) bench six
        PASS [   0.002s] (7/7) bench seven
     Summary [  75.000s] 7 tests run: 6 passed, 1 failed";
        let tests = slowest(log);
        let names: Vec<_> = tests.iter().map(|it| &it.1).collect();
        let expected = [
            "paperboat::cli four",
            "paperboat::cli three",
            "paperboat::cli two",
            "bench report::tests::one",
            "bench seven",
        ];
        assert_eq!(names, expected);
        assert!((tests[0].0 - 61.25).abs() < 1e-9, "{}", tests[0].0);
    }
}
