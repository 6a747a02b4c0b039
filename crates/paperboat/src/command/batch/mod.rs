//! `paperboat batch`: a file of rows, each run once.

mod code;
mod costs;
mod counts;
mod display;
mod estimate;
mod failed;
mod failures;
pub(super) mod index;
mod interrupt;
mod next;
mod printer;
mod report;
mod results;

pub(super) use self::display::Display;
pub(super) use self::estimate::Estimate;
pub(super) use self::interrupt::{Watch, leave, watch};
pub(super) use self::next::NextSteps;
pub(super) use self::report::{finished as waited_for, number, of_several, plan, predictions};
pub(super) use self::results::{file, name_of};

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use cometapi_batch::{Batch as Engine, ErrorKind, Ledger, Problem, Report, Rows, Stop};

use crate::args::{Batch, Destination, LedgerAddress};
use crate::connect::Connection;
use crate::failure::Failure;
use crate::interrupt::{Signal, Signals};
use crate::pricing::Pricing;
use crate::rows::Places;
use crate::{advice, connect, gallery, ledger, rows, viewer};

pub(crate) async fn execute(mut args: Batch) -> Result<(), Failure> {
    let given = rows::of(&args)?;
    if args.mock {
        let connection = connect::mock().await?;
        if args.ledger.ledger.is_none() {
            // What a mock knows belongs to no account, so it stays with its files.
            args.ledger.ledger = Some(LedgerAddress::File(
                args.output.folder().join(".mock-ledger.sqlite3"),
            ));
        }
        if !args.dry_run {
            super::save::prepare_folder(args.output.folder())?;
        }
        let ledger = ledger::of_batch(&args.ledger, args.dry_run).await?;
        return run(args, given, &connection, ledger).await;
    }
    // Before a ledger is created: errors in the service's settings come first.
    let connection = connect::service(&args.service, args.allow_private_files)?;
    let ledger = ledger::of_batch(&args.ledger, args.dry_run).await?;
    run(args, given, &connection, ledger).await
}

async fn run(
    args: Batch,
    (rows, places): (Rows, Places),
    connection: &Connection,
    ledger: Arc<dyn Ledger>,
) -> Result<(), Failure> {
    let mut pricing = Pricing::begin(connection, args.money.assume_price);
    if args.dry_run {
        pricing.settled().await;
    } else if args.money.max_cost.is_some() {
        pricing.needed().await;
    }
    // Before there is a line that a signal would leave behind.
    let mut signals = Signals::listen();
    let stop = Stop::new();
    let folder = advice::shell_word(&args.output.folder().display().to_string());
    let list = advice::command("list", &format!("--failed --batch {folder}"));
    let display = Display::new(args.json, args.skip_bad, &stop)?
        .with_sidecars(args.sidecar)
        .listed_by(list)
        .with_places(places);
    let display = Arc::new(display);
    let observer = Arc::clone(&display);
    let mut batch = Engine::new(
        &connection.client,
        Arc::clone(&ledger),
        args.output.folder(),
    )
    .prices(pricing.source())
    .concurrency(args.jobs.into())
    .timeout(args.timeout)
    .give_up_after(args.give_up_after)
    .retry_failed(args.retry_failed)
    .retry_unresolved(args.retry_unresolved)
    .update(args.update)
    .skip_bad(args.skip_bad)
    // Rows that failed before are among the failures at the end.
    .report_rows(!args.dry_run)
    .unchecked(args.force)
    .no_files(args.no_files)
    .stop(&stop)
    .on_event(move |event| observer.event(event));
    if args.mock {
        // Its port is another each time.
        batch = batch.service("mock");
    }
    if let Some(names) = args.output.names() {
        batch = batch.names(&names);
    }
    if let Some(name) = &args.name {
        batch = batch.name(name);
    }
    if let Some(model) = &args.model {
        batch = batch.model(model.clone());
    }
    if let Some(creates) = args.limit {
        batch = batch.limit(creates);
    }
    if let Some(failures) = args.max_failures {
        batch = batch.max_failures(failures);
    }
    if let Some(max) = args.money.max_cost {
        batch = batch.max_cost(max);
    }
    if let Some(max) = args.max_in_flight {
        batch = batch.max_in_flight(max);
    }
    if args.dry_run {
        let planned = dry_run(batch.dry_run(rows), &mut signals, &display).await?;
        let estimate = Estimate::of(&planned, &pricing, connection, &args.service).await;
        return plan(&planned, &estimate, args.json);
    }
    let watch = watch(signals, stop.clone(), Arc::clone(&display));
    let done = batch.run(rows).await;
    let costs = match &done {
        Ok(report) => costs::of(report, connection, &args, &*ledger, &stop).await,
        Err(_) => BTreeMap::new(),
    };
    if let Ok(Report {
        batch: Some(batch), ..
    }) = &done
        && !args.ledger.no_ledger
    {
        let written = index::write(&*ledger, batch, args.output.folder());
        tokio::select! {
            biased;
            // The next run writes it.
            () = stop.asked(2) => {}
            () = stop.leaving() => {}
            notes = written => notes.into_iter().for_each(|note| display.say(format_args!("note: {note}"))),
        }
        if stop.requested() < 2 {
            write_failed(&args, &*ledger, batch, &display).await;
        }
    }
    let ended = |report: &Report, elapsed, signal| {
        report::ended(report, &costs, args.strict, elapsed, signal)
    };
    let page = args.output.folder().join(gallery::INDEX);
    let ended = finished(done, ended, &display, watch).await;
    if args.open && page.exists() {
        viewer::open_saved(&[page]);
    }
    ended
}

/// What would be done, unless a signal arrives before it is known.
pub(super) async fn dry_run(
    run: impl Future<Output = Result<Report, cometapi_batch::Error>>,
    signals: &mut Signals,
    display: &Display,
) -> Result<Report, Failure> {
    let planned = signals.unless(run).await.map_err(Failure::ended_by)?;
    display.end().await?;
    planned.map_err(|e| refused_at(&e, display.places()))
}

/// Writes the rows that failed beside the files of the batch, to be edited and run again.
async fn write_failed(args: &Batch, ledger: &dyn Ledger, batch: &str, display: &Display) {
    let folder = args.output.folder();
    let failed = display.editable();
    let written = failed::write(ledger, batch, folder, &failed, args.force).await;
    let written = match written {
        Ok(written) => written,
        Err(why) => {
            let path = folder.join(failed::NAME);
            return display.say(format_args!(
                "note: {} was not written: {why}",
                path.display()
            ));
        }
    };
    if written.left_out > 0 {
        display.say(format_args!(
            "note: {} not in {}: a value cannot be a cell",
            number(written.left_out as u64, "failed row"),
            failed::NAME
        ));
    }
    if let Some(path) = written.path {
        display.advise(format!(
            "to change failed rows and run them again: edit {}, then {}",
            path.display(),
            again(args, &path)
        ));
    }
}

/// The command that runs the rows of `failed.csv`: those that were changed, and those that were not.
fn again(args: &Batch, path: &Path) -> String {
    let word = |text: String| advice::shell_word(&text);
    let output = match &args.output {
        Destination::Template(template) => template.as_str().to_owned(),
        other => other.folder().display().to_string(),
    };
    let mut words = format!(
        "{} -o {} --retry-failed --update",
        word(path.display().to_string()),
        word(output)
    );
    if let Some(name) = &args.name {
        words = format!("{words} --batch {}", word(name.clone()));
    }
    for (is_given, flag) in [(args.force, " --force"), (args.mock, " --mock")] {
        if is_given {
            words.push_str(flag);
        }
    }
    advice::command("batch", &words)
}

/// The end of a batch, summarized by `summarize`, unless its output could not be printed.
pub(super) async fn finished(
    done: Result<Report, cometapi_batch::Error>,
    summarize: impl FnOnce(&Report, Duration, Option<Signal>) -> Result<(), Failure>,
    display: &Display,
    watch: Watch,
) -> Result<(), Failure> {
    let printed = display.end().await;
    display.print_failures();
    let signal = watch.signal();
    drop(watch);
    display.open_saved();
    let done = done.map_err(|e| refused_at(&e, display.places()))?;
    let ended = summarize(&done, display.elapsed(), signal);
    printed.and(ended)
}

/// What to do about rows that cannot be used as they are.
fn advise_on_rows(failure: Failure, problems: &[Problem]) -> Failure {
    let changed = problems.iter().filter(|it| it.is_changed()).count();
    let update = "to create changed rows anew: --update (you pay for each; earlier files are kept)";
    if changed == 0 {
        return failure.with_advice("fix them, or skip them with --skip-bad");
    }
    let failure = failure.with_advice(update);
    if changed < problems.len() {
        return failure.with_advice("fix the others, or skip all of them with --skip-bad");
    }
    failure.with_advice("to leave them as they are: --skip-bad")
}

/// A batch that did not run, or whose ledger failed under it.
pub(super) fn refused(error: &cometapi_batch::Error) -> Failure {
    refused_at(error, &Places::default())
}

/// The same for rows at these places.
fn refused_at(error: &cometapi_batch::Error, places: &Places) -> Failure {
    let shown = 10;
    let mut failure = match error.kind() {
        ErrorKind::Rows if !error.problems().is_empty() => {
            Failure::usage("nothing was sent, because rows cannot be used")
        }
        _ => Failure::usage(error.to_string()).because_of(error),
    };
    for problem in error.problems().iter().take(shown) {
        failure = failure.with_advice(places.describe(problem));
    }
    match error.kind() {
        ErrorKind::Rows if !error.problems().is_empty() => {
            match error.problems().len() {
                ..=10 => {}
                // No more of them are kept.
                100.. => failure = failure.with_advice("and at least 90 more"),
                all => failure = failure.with_advice(format!("and {} more", all - shown)),
            }
            advise_on_rows(failure, error.problems())
        }
        ErrorKind::MaxCost => failure.with_advice(advice::of_cost(error)),
        ErrorKind::Ledger | ErrorKind::Full | ErrorKind::Busy => failure.with_advice(
            "what was created is in the ledger; to continue, run the same command again",
        ),
        _ => failure,
    }
}
