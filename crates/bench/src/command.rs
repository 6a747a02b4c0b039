//! B8: the size of `paperboat`, and how long it takes to start.
//!
//! A start is a whole process, from its creation to its end. `list` shows a ledger of 10,000
//! predictions, which a batch recorded, or one that does not exist yet.

use std::path::Path;
use std::process::Command;

use crate::batch;
use crate::context::Context;
use crate::measure::{Spread, program};
use crate::report::{Goal, Row};
use crate::server::{Options, Server};

pub(crate) fn rows(context: &Context) -> anyhow::Result<Vec<Row>> {
    let paperboat = context.paperboat()?;
    let runs = context.scale(context.pairs(200), 2);
    let start = |what: &str, limit, arguments: &[&str], folder: &Path| {
        let mut times = Vec::with_capacity(runs);
        for _ in 0..runs {
            let mut command = Command::new(&paperboat);
            let readings = program(command.args(arguments).current_dir(folder))?;
            times.extend(readings.get("wall"));
        }
        let row = Row::new(what, "s").ours(Spread::of(times));
        anyhow::Ok(row.goal(Goal::OursAtMost(limit)))
    };
    #[expect(clippy::cast_precision_loss, reason = "below 2^53")]
    let size = std::fs::metadata(&paperboat)?.len() as f64;
    let size = Row::new("size, stripped", "B").ours(Spread::exactly(size));
    let folder = tempfile::tempdir_in(context.root.join("target/bench"))?;
    let list = ["list", "--ledger", "ledger"];
    let mut rows = vec![
        size.goal(Goal::OursAtMost(9e6)),
        start("start of --version", 0.005, &["--version"], folder.path())?,
        start("start of -h", 0.005, &["-h"], folder.path())?,
        start("start of list, no ledger yet", 0.015, &list, folder.path())?,
    ];
    let server = Server::start(&Options {
        polls: 0,
        ..Options::default()
    })?;
    let count = context.scale(10_000, 20);
    batch::recorded(context, &server, count, |folder| {
        rows.push(start(
            "start of list, 10,000 predictions",
            0.015,
            &list,
            folder,
        )?);
        Ok(())
    })?;
    Ok(rows)
}
