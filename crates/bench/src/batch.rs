//! B12: what a batch costs beside its requests, and a dry run.
//!
//! The static server answers a create request with a prediction that has succeeded, so that the
//! batch never pauses: what is counted is its own work, and not its waits. The bare loop sends the
//! same requests and keeps the files in memory; it could not continue after a power cut. The rows
//! are of a known model, so that each is checked.

use std::fs;
use std::io::{BufWriter, Write as _};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use anyhow::{Context as _, bail, ensure};
use cometapi::WaitPolicy;
use cometapi_batch::{Batch, Rows, SqliteLedger};
use serde_json::json;

use crate::bare::Bare;
use crate::context::Context;
use crate::load::repeat;
use crate::measure::{Pairs, Readings, Region, Side, program, raise_open_files, thread_time};
use crate::ours;
use crate::report::{Goal, Row};
use crate::server::{Options, Server};

const MODEL: &str = "black-forest-labs/flux-schnell";
const AT_ONCE: u16 = 32;

pub(crate) fn rows(context: &Context) -> anyhow::Result<Vec<Row>> {
    let server = Server::start(&Options {
        polls: 0,
        ..Options::default()
    })?;
    let count = context.scale(10_000, 20);
    let run = || recorded(context, &server, count, |_| Ok(()));
    let bare = || Side::new("batch", "bare", [server.base_url(), count.to_string()]).run();
    let pairs = Pairs::run(context.pairs(3), run, bare)?;
    let ledger = Row::new("the ledger's processor time per row", "s");
    let mut rows = vec![
        Row::of_pairs("rows per second", "/s", &pairs, "rate"),
        Row::of_pairs("processor time per row", "s", &pairs, "per row"),
        ledger.ours(pairs.ours("ledger")),
        Row::of_pairs("peak memory", "B", &pairs, "peak"),
    ];
    rows.extend(dry_runs(context)?);
    Ok(rows)
}

/// Runs a new batch of `count` rows in a child process. `then` is called with the folder of its
/// `ledger` before that is removed.
pub(crate) fn recorded(
    context: &Context,
    server: &Server,
    count: u32,
    then: impl FnOnce(&Path) -> anyhow::Result<()>,
) -> anyhow::Result<Readings> {
    // On the disk of the workspace: a ledger in memory would have nothing to sync.
    let folder = tempfile::tempdir_in(context.root.join("target/bench"))?;
    let path = folder.path().display().to_string();
    write_rows(&folder.path().join("rows.jsonl"), count)?;
    let side = Side::new(
        "batch",
        "ours",
        [server.base_url(), path, count.to_string()],
    );
    let readings = side.run()?;
    then(folder.path())?;
    Ok(readings)
}

fn dry_runs(context: &Context) -> anyhow::Result<[Row; 2]> {
    let count = context.scale(100_000, 100);
    let paperboat = context.paperboat()?;
    let folder = tempfile::tempdir_in(context.root.join("target/bench"))?;
    write_rows(&folder.path().join("rows.jsonl"), count)?;
    let arguments = [paperboat.as_path(), folder.path()].map(|it| it.display().to_string());
    let side = Side::new("batch", "dry-run", arguments);
    let runs = Pairs::run(context.pairs(3), || side.run(), || Ok(Readings::default()))?;
    let what = format!("a dry run of {count} rows");
    Ok([
        Row::new(format!("{what}: time"), "s")
            .ours(runs.ours("wall"))
            .goal(Goal::OursAtMost(4.0)),
        Row::new(format!("{what}: peak memory"), "B").ours(runs.ours("peak")),
    ])
}

fn write_rows(file: &Path, count: u32) -> anyhow::Result<()> {
    let mut file = BufWriter::new(fs::File::create(file)?);
    for number in 0..count {
        let row = json!({
            "model": MODEL,
            "prompt": format!("A paper boat on calm water, image {number}."),
            "aspect_ratio": "16:9",
            "output_quality": 80,
            "seed": number,
        });
        writeln!(file, "{row}")?;
    }
    file.flush().context("the rows cannot be written")
}

pub(crate) fn side(side: &str, arguments: &[String]) -> anyhow::Result<Readings> {
    raise_open_files();
    match (side, arguments) {
        ("ours", [base_url, folder, count]) => ours(base_url, Path::new(folder), count.parse()?),
        ("bare", [base_url, count]) => bare(base_url, count.parse()?),
        ("dry-run", [paperboat, folder]) => program(
            Command::new(paperboat)
                .current_dir(folder)
                .args(["batch", "rows.jsonl", "--dry-run", "--output", "out"])
                .args(["--ledger", "ledger"])
                .env("COMETAPI_KEY", crate::bare::KEY),
        ),
        _ => bail!("expected ours URL FOLDER COUNT, bare URL COUNT, or dry-run PAPERBOAT FOLDER"),
    }
}

fn ours(base_url: &str, folder: &Path, count: u32) -> anyhow::Result<Readings> {
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(async {
        let region = Region::start();
        let client = ours::client(base_url, WaitPolicy::default())?;
        let ledger = Arc::new(SqliteLedger::open(folder.join("ledger"))?);
        let report = Batch::new(&client, Arc::clone(&ledger) as _, folder.join("out"))
            .concurrency(AT_ONCE.into())
            .run(Rows::file(folder.join("rows.jsonl"))?)
            .await?;
        // The ledger's thread ends with the last handle, and its time is gone.
        let writer = thread_time("self", Some("cometapi-ledger"));
        drop(ledger);
        ensure!(report.is_success(), "{report:?}");
        let mut readings = per_row(region.end(), count);
        readings.set_some("ledger", writer.map(|it| it / f64::from(count)));
        Ok(readings)
    })
}

fn bare(base_url: &str, count: u32) -> anyhow::Result<Readings> {
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(async {
        let region = Region::start();
        let bare = Bare::new(base_url)?;
        repeat(count, AT_ONCE.into(), move |number| {
            let bare = bare.clone();
            async move {
                let input = json!({"prompt": "A paper boat on calm water.", "seed": number});
                let prediction = bare.run(MODEL, &input).await?;
                let urls = prediction.output.unwrap_or_default();
                let url = urls[0].as_str().context("no output")?;
                bare.file(url).await?;
                Ok(())
            }
        })
        .await?;
        Ok(per_row(region.end(), count))
    })
}

/// Adds the rate and the processor time per row.
fn per_row(mut readings: Readings, count: u32) -> Readings {
    let of = |name| readings.get(name).unwrap_or(f64::NAN);
    let (rate, processor) = (
        f64::from(count) / of("wall"),
        of("processor") / f64::from(count),
    );
    readings.set("rate", rate);
    readings.set("per row", processor);
    readings
}
