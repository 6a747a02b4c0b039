//! All measures, in one table.

use std::fmt::Write as _;

use anyhow::bail;

use crate::context::Context;
use crate::measure::Readings;
use crate::report::Row;
use crate::{
    batch, calls, command, decoding, download, downstream, hedging, mock, polling, tasks,
    throughput, waits,
};

/// One measure.
#[derive(Debug)]
pub(crate) struct Measure {
    pub(crate) id: &'static str,
    /// The name of its module.
    pub(crate) name: &'static str,
    pub(crate) what: &'static str,
    /// What it is compared with.
    pub(crate) against: &'static str,
    pub(crate) goal: &'static str,
    pub(crate) rows: fn(&Context) -> anyhow::Result<Vec<Row>>,
    /// Runs one side in a child process; the arguments are those of its [`Side`](crate::measure::Side).
    pub(crate) side: fn(&str, &[String]) -> anyhow::Result<Readings>,
}

pub(crate) const MEASURES: [Measure; 12] = [
    Measure {
        id: "B1",
        name: "calls",
        what: "instructions, and processor time, of a create request and three polls",
        against: "bare reqwest, into a typed struct of all documented fields",
        goal: "instructions ≤ 1.25, processor time ≤ 1.15",
        rows: calls::rows,
        side: calls::side,
    },
    Measure {
        id: "B2",
        name: "throughput",
        what: "1,000 predictions, 64 at a time, three polls each",
        against: "a loop of bare reqwest",
        goal: "≥ 0.9",
        rows: throughput::rows,
        side: throughput::side,
    },
    Measure {
        id: "B3",
        name: "waits",
        what: "50,000 waits in one process: peak memory, processor time per poll",
        against: "tokio and bare reqwest",
        goal: "memory ≤ 1.1, processor time ≤ 1.2",
        rows: waits::rows,
        side: waits::side,
    },
    Measure {
        id: "B4",
        name: "polling",
        what: "polls, and the delay until an end is noticed, on a virtual clock",
        against: "polls every 0.5 s, every 1 s, and exponentially",
        goal: "with past durations: no more polls and less delay than every 0.5 s",
        rows: polling::rows,
        side: no_sides,
    },
    Measure {
        id: "B5",
        name: "hedging",
        what: "delay until an end is noticed when 5 % of polls hang for 60 s",
        against: "the same client without hedged requests",
        goal: "p99 ≤ a fifth",
        rows: hedging::rows,
        side: hedging::side,
    },
    Measure {
        id: "B6",
        name: "decoding",
        what: "decoding of predictions: small, 1 MB of logs, a data URI of 10 MB, wrapped, lenient",
        against: "serde_json into a plain struct",
        goal: "≤ 1.1, wrapped ≤ 2, lenient ≤ 4; peak memory ≤ 1.2",
        rows: decoding::rows,
        side: decoding::side,
    },
    Measure {
        id: "B7",
        name: "downstream",
        what: "a new crate that depends on cometapi: crates, build time, growth of its binary",
        against: "the same with reqwest and the same TLS feature",
        goal: "build time ≤ 1.2, ≤ 20 more crates, ≤ 600 kB",
        rows: downstream::rows,
        side: no_sides,
    },
    Measure {
        id: "B8",
        name: "command",
        what: "paperboat: size, start of --version and of list",
        against: "–",
        goal: "≤ 9 MB, ≤ 5 ms, ≤ 15 ms",
        rows: command::rows,
        side: no_sides,
    },
    Measure {
        id: "B9",
        name: "mock",
        what: "requests per second of the mock, with validation on",
        against: "wiremock answering the same",
        goal: "state",
        rows: mock::rows,
        side: mock::side,
    },
    Measure {
        id: "B10",
        name: "download",
        what: "a download of 1 GB to disk: time, peak memory",
        against: "curl -o f && sync f",
        goal: "≥ 0.9 of the speed, ≤ 20 MB",
        rows: download::rows,
        side: download::side,
    },
    Measure {
        id: "B11",
        name: "tasks",
        what: "cargo xtask generate and contract, warm; the tests",
        against: "–",
        goal: "≤ 1 s, ≤ 30 s; state the tests",
        rows: tasks::rows,
        side: no_sides,
    },
    Measure {
        id: "B12",
        name: "batch",
        what: "a batch of 10,000 rows; a dry run of 100,000 rows",
        against: "a loop of bare reqwest that writes nothing",
        goal: "state; dry run ≤ 4 s",
        rows: batch::rows,
        side: batch::side,
    },
];

/// The `side` of a measure that starts no child process of this program.
fn no_sides(side: &str, _: &[String]) -> anyhow::Result<Readings> {
    bail!("this measure has no side {side}")
}

/// Returns a line for each measure.
pub(crate) fn list() -> String {
    let mut out = String::new();
    for it in &MEASURES {
        let Measure {
            id,
            name,
            what,
            against,
            goal,
            ..
        } = it;
        let _ = writeln!(
            out,
            "{id:<4}{name:<11} {what}\n{:<15} against {against}; goal: {goal}",
            ""
        );
    }
    out.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_module_of_a_measure_is_listed_once() {
        // What every file that is no measure is for.
        let others = [
            "bare", "context", "load", "machine", "main", "measure", "measures", "ours", "report",
            "server",
        ];
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src");
        let files = std::fs::read_dir(folder).unwrap();
        let stem = |file: std::fs::DirEntry| file.path().file_stem()?.to_str().map(str::to_owned);
        let mut modules: Vec<_> = files.filter_map(|file| stem(file.unwrap())).collect();
        modules.retain(|it| !others.contains(&&**it));
        modules.sort();
        modules.dedup();
        let mut listed: Vec<_> = MEASURES.iter().map(|it| it.name).collect();
        listed.sort_unstable();
        assert_eq!(listed, modules);
    }

    #[test]
    fn benchmarks_md_has_each_measure_once_and_its_goal() {
        let text = include_str!("../../../BENCHMARKS.md");
        for it in &MEASURES {
            let start = format!("| {} | `{}` | ", it.id, it.name);
            let rows: Vec<_> = text
                .lines()
                .filter(|line| line.starts_with(&start))
                .collect();
            let [row] = rows[..] else {
                panic!("{start} is there {} times", rows.len());
            };
            assert!(row.contains(&format!("| {} |", it.goal)), "{row}");
        }
        let rows = text.lines().filter(|line| line.starts_with("| B"));
        assert_eq!(rows.count(), MEASURES.len());
    }

    #[test]
    fn the_measures_are_numbered_in_order() {
        for (number, measure) in (1..).zip(&MEASURES) {
            assert_eq!(measure.id, format!("B{number}"));
        }
    }

    #[test]
    fn a_measure_is_found_by_number_and_by_name() {
        for name in ["b10", "B10", "download"] {
            assert_eq!(crate::find(name).unwrap().id, "B10");
        }
        assert!(crate::find("b13").is_err());
    }
}
