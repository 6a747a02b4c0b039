//! `--repeat` and ranges: several predictions of one command.

use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use cometapi_batch::{Batch as Engine, Filter, Ledger, Report, Rows, Stop};
use serde_json::json;

use crate::args::{Destination, Run, RunOptions};
use crate::command::batch::{self, Display, Estimate, NextSteps};
use crate::command::save;
use crate::connect::Connection;
use crate::failure::Failure;
use crate::input::Fields;
use crate::interrupt::Signals;
use crate::pricing::Pricing;
use crate::{advice, ledger, money, print};

/// What the names of these batches begin with: they are of one command, and are never run again.
const NAME: &str = "run ";

/// The names of files where `-o` names none: by the id of the prediction, as those of one are.
const NAMES: &str = "{prediction}.{ext}";

/// Refuses what is for one prediction.
pub(super) fn check(options: &RunOptions) -> Result<(), Failure> {
    if options.key.once.is_some() {
        return Err(
            Failure::usage("--once names one prediction, and several are to be created")
                .with_advice("for several that are each created once: paperboat batch"),
        );
    }
    if options.no_wait {
        return Err(Failure::usage(
            "--no-wait creates one prediction, and several are to be created",
        )
        .with_advice("for each of them: paperboat create"));
    }
    if options.outputs.output == Some(Destination::Stdout) {
        return Err(Failure::usage(
            "stdout takes one file, and several predictions are to be created",
        )
        .with_advice("name a folder: -o DIR"));
    }
    Ok(())
}

/// Whether a batch is of a command like this: its folder has no index.
pub(super) fn is_of_run(batch: &str) -> bool {
    batch
        .split_once(':')
        .is_some_and(|(_, name)| name.starts_with(NAME))
}

/// Runs the model on each combination of the values.
pub(super) async fn run(
    args: &Run,
    fields: Fields,
    connection: &Connection,
) -> Result<(), Failure> {
    let options = &args.options;
    let outputs = &options.outputs;
    let mut pricing = Pricing::begin(connection, options.money.assume_price);
    if options.dry_run {
        pricing.settled().await;
    } else if options.money.max_cost.is_some() {
        pricing.needed().await;
    }
    let folder = outputs
        .output
        .as_ref()
        .map_or(Path::new("."), Destination::folder);
    let ledger = if options.dry_run {
        ledger::of_batch(&options.ledger, true).await?
    } else {
        save::prepare_folder(folder)?;
        ledger::of_many(&options.ledger, options.mock).await?
    };
    // Before there is a line that a signal would leave behind.
    let mut signals = Signals::listen();
    let stop = Stop::new();
    let display = Display::new(outputs.json, false, &stop)?
        .with_sidecars(outputs.sidecar)
        .with_look(outputs.look)
        .of_run(folder);
    let display = Arc::new(display);
    let engine = engine(args, connection, &ledger, folder)?
        .prices(pricing.source())
        .stop(&stop);
    let observer = Arc::clone(&display);
    let engine = engine.on_event(move |event| observer.event(event));
    let rows = rows(args, fields);
    if options.dry_run {
        let planned = batch::dry_run(engine.dry_run(rows), &mut signals, &display).await?;
        let estimate = Estimate::of(&planned, &pricing, connection, &options.service).await;
        return batch::plan(&planned, &estimate, outputs.json);
    }
    let watch = batch::watch(signals, stop.clone(), Arc::clone(&display));
    let done = engine.run(rows).await;
    let costs = costs(&*ledger, &done).await;
    let summarize = |report: &Report, elapsed, signal| {
        let ended = batch::predictions(report, next_steps(options), elapsed, signal);
        for cost in costs {
            print::stderr(cost);
        }
        ended
    };
    batch::finished(done, summarize, &display, watch).await
}

fn engine(
    args: &Run,
    connection: &Connection,
    ledger: &Arc<dyn Ledger>,
    folder: &Path,
) -> Result<Engine, Failure> {
    let options = &args.options;
    let names = match options.outputs.output.as_ref().and_then(Destination::names) {
        Some(names) => names,
        None => NAMES
            .parse()
            .map_err(|e| Failure::other("files cannot be named", &e))?,
    };
    // Another each time, also of commands that begin together.
    let now = humantime::format_rfc3339_nanos(SystemTime::now());
    let mut engine = Engine::new(&connection.client, Arc::clone(ledger), folder)
        .name(format!("{NAME}{now} {}", std::process::id()))
        .concurrency(options.jobs.into())
        .names(&names)
        .timeout(options.outputs.timeout)
        .unchecked(args.what.force);
    if options.mock {
        engine = engine.service("mock");
    }
    if let Some(max) = options.money.max_cost {
        engine = engine.max_cost(max);
    }
    Ok(engine)
}

fn rows(args: &Run, fields: Fields) -> Rows {
    let row = json!({"model": args.what.model.to_string(), "input": fields.values});
    let repeat = usize::try_from(args.options.repeat).unwrap_or(usize::MAX);
    // The input may hold files.
    let mut rows = Rows::from_iter([row]).max_row_size(usize::MAX);
    for (field, values) in fields.sweeps {
        rows = rows.sweep(field, values);
    }
    if repeat > 1 {
        rows = rows.repeat(repeat);
    }
    rows
}

/// What the predictions cost, a line for the model.
async fn costs(ledger: &dyn Ledger, done: &Result<Report, cometapi_batch::Error>) -> Vec<String> {
    let Ok(report) = done else { return Vec::new() };
    let mut filter = Filter::default();
    filter.batch.clone_from(&report.batch);
    let costs = ledger.costs(filter).await.unwrap_or_default();
    let line = |(model, cost)| Some(format!("{model}: {}", money::sum(&cost)?));
    costs.into_iter().filter_map(line).collect()
}

/// The same command would create other predictions.
fn next_steps(options: &RunOptions) -> NextSteps {
    let is_kept = !options.ledger.no_ledger && (!options.mock || options.ledger.ledger.is_some());
    let wait = advice::command("wait", "ID");
    let wait_for_all = advice::command("wait", "--all");
    let list = advice::command("list", "--failed");
    NextSteps {
        download: format!(
            "files that were not saved can be downloaded for about an hour: {wait}; the ids: {list}"
        ),
        proceed: is_kept.then(|| format!("to wait for those that run: {wait_for_all}")),
        max_cost: "for more, a higher --max-cost: the same command creates, and pays for, all of them again"
            .to_owned(),
    }
}
