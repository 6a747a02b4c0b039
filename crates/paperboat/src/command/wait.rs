//! `paperboat wait`: waits for predictions that any process created.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use cometapi::Client;
use cometapi::wire::{ClientInfo, PredictionId};
use cometapi_batch::{Entry, Filter, Finish, Ledger, Once, State, Stop};
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;

use crate::args::{Destination, Outputs, Wait};
use crate::command::batch::{self, Display, index};
use crate::command::finish::Waiting;
use crate::command::{elsewhere, many, place, save, unknown_id};
use crate::failure::Failure;
use crate::interrupt::Signals;
use crate::progress::{Progress, Several};
use crate::watched::Watched;
use crate::{connect, ledger, print};

pub(crate) async fn execute(args: Wait) -> Result<(), Failure> {
    let connection = connect::service(&args.service, args.outputs.allow_private_files)?;
    place::check_stdout(&args.outputs)?;
    let client = &connection.client;
    if args.all {
        return all(&args, client).await;
    }
    // Without -o it may well be text, which needs no folder.
    save::prepare(&args.outputs)?;
    let mut seen = BTreeSet::new();
    let ids = args.ids.iter().map(PredictionId::as_str);
    // Waited for twice, a prediction would be saved twice.
    let ids: Vec<_> = ids.filter(|id| seen.insert(*id)).collect();
    match ids[..] {
        [id] => one(&args, client, id).await,
        _ if args.outputs.output == Some(Destination::Stdout) => {
            Err(Failure::usage("stdout takes the file of one prediction")
                .with_advice("name a folder: -o DIR"))
        }
        _ => several(&args, client, &ids).await,
    }
}

async fn one(args: &Wait, client: &Client, id: &str) -> Result<(), Failure> {
    let mut signals = Signals::listen();
    let ledger = ledger::of_wait(&args.ledger).await;
    let watched = Watched::new(Progress::begin("waiting"));
    let waiting = waiting(args, client, ledger, id, &watched).await?;
    waiting.finish(id, &mut signals).await
}

/// Waits for all of `ids`. Each failure is printed as it happens; the exit code is that of the most
/// severe.
async fn several(args: &Wait, client: &Client, ids: &[&str]) -> Result<(), Failure> {
    let mut signals = Signals::listen();
    let ledger = ledger::of_wait(&args.ledger).await;
    let all = Several::begin(ids.len());
    let mut runs: FuturesUnordered<_> = ids
        .iter()
        .map(|id| one_of_several(args, client, ledger.clone(), id, &all))
        .collect();
    let mut failed: Vec<Failure> = Vec::new();
    loop {
        tokio::select! {
            ended = runs.next() => match ended {
                Some(Ok(())) => {}
                Some(Err(failure)) => {
                    print::failure(&failure);
                    failed.push(failure);
                }
                None => break,
            },
            signal = signals.next() => {
                return Err(Failure::interrupted_many(signal, runs.len()));
            }
        }
    }
    let elapsed = all.elapsed();
    print::stderr(batch::of_several(ids.len(), failed.len(), elapsed));
    let most_severe = failed.iter().max_by_key(|failure| failure.severity());
    let Some(code) = most_severe.map(Failure::code) else {
        return Ok(());
    };
    let message = format!("{} of {} did not succeed", failed.len(), ids.len());
    Err(Failure::of_many(code, message))
}

async fn one_of_several(
    args: &Wait,
    client: &Client,
    ledger: Option<Arc<dyn Ledger>>,
    id: &str,
    all: &Several,
) -> Result<(), Failure> {
    let watched = Watched::new(all.one(id));
    let waiting = waiting(args, client, ledger, id, &watched).await?;
    waiting.wait_to_the_end().await
}

async fn waiting<'a>(
    args: &'a Wait,
    client: &'a Client,
    ledger: Option<Arc<dyn Ledger>>,
    id: &str,
    watched: &'a Watched,
) -> Result<Waiting<'a>, Failure> {
    let entry = ledger::entry(ledger.as_deref(), id).await;
    if let Some(elsewhere) = elsewhere::find(ledger.as_deref(), id, client).await {
        let (message, next) = (elsewhere.message(), elsewhere.next_step());
        watched.progress().say(format_args!("{message}; {next}"));
    }
    if let Some(entry) = &entry {
        let usual = ledger::usual(ledger.as_deref(), &entry.service, &entry.model).await;
        watched.progress().set_usual(usual);
    } else if let Some(note) = unknown_id::check(ledger.as_deref(), id).await? {
        watched.progress().say(note);
    }
    let once = match &ledger {
        Some(ledger) => Once::new(client, Arc::clone(ledger)),
        None => Once::unrecorded(client),
    };
    let once = once
        .timeout(args.outputs.timeout)
        .on_event(watched.observer());
    Ok(Waiting {
        client,
        outputs: &args.outputs,
        run: once.resume(id),
        progress: watched.progress(),
        ledger,
        price: None,
        // The folder of a batch holds files by the names of their rows: wait --all saves them there.
        remembers: entry.is_none_or(|entry| entry.batch.is_none()),
        // Of several, nothing on stdout would say whose text it is.
        is_alone: args.ids.len() == 1,
    })
}

async fn all(args: &Wait, client: &Client) -> Result<(), Failure> {
    let ledger = ledger::needed(args.ledger.ledger.as_ref()).await?;
    everything(&args.outputs, client, ledger).await
}

/// Waits for every prediction of the ledger that was created and has not ended.
pub(super) async fn everything(
    outputs: &Outputs,
    client: &Client,
    ledger: Arc<dyn Ledger>,
) -> Result<(), Failure> {
    let folder = place::folder_of_all(outputs)?;
    // Before there is a line that a signal would leave behind.
    let signals = Signals::listen();
    let stop = Stop::new();
    let running = running(&*ledger, client.raw().baseurl()).await;
    let display = Display::new(outputs.json, false, &stop)?
        .with_sidecars(outputs.sidecar)
        .with_look(outputs.look);
    if running.count > 0 {
        display.say(format_args!(
            "waiting for {}",
            batch::number(running.count, "prediction")
        ));
    }
    for (service, count) in &running.elsewhere {
        display.say(format_args!(
            "note: {} at another service; to wait there: {}",
            batch::number(*count, "prediction"),
            elsewhere::wait_at(service, "--all")
        ));
    }
    let display = Arc::new(display.of_wait(running.count));
    let observer = Arc::clone(&display);
    let finish = Finish::new(client, Arc::clone(&ledger), folder)
        .concurrency(32)
        .timeout(outputs.timeout)
        .stop(&stop)
        .on_event(move |event| observer.event(event));
    let watch = batch::leave(signals, stop.clone(), Arc::clone(&display));
    let done = finish.run().await;
    for (name, folder) in running.batches {
        tokio::select! {
            biased;
            () = stop.asked(1) => break,
            notes = index::write(&*ledger, &name, &folder) => {
                for note in notes {
                    display.say(format_args!("note: {note}"));
                }
            }
        }
    }
    batch::finished(done, batch::waited_for, &display, watch).await
}

/// The predictions to wait for.
#[derive(Default)]
struct Running {
    count: u64,
    /// How many run at each other service. A mock ended with its process.
    elsewhere: BTreeMap<String, u64>,
    /// Their batches, with the folders.
    batches: BTreeMap<String, PathBuf>,
}

/// What runs at the service. Neither a count nor an index is worth an error.
async fn running(ledger: &dyn Ledger, service: &str) -> Running {
    let mut running = Running::default();
    let mut after = 0;
    loop {
        let mut filter = Filter::default();
        filter.states = vec![State::Sending, State::Running];
        filter.after = Some(after);
        let Ok(page) = ledger.list(filter).await else {
            return running;
        };
        let Some(last) = page.last() else {
            return running;
        };
        after = last.seq;
        let of_batch = |entry: Entry| {
            let batch = entry.batch.filter(|batch| !many::is_of_run(batch))?;
            Some((batch, entry.folder?))
        };
        for entry in page.iter().filter(|entry| entry.id.is_some()) {
            if entry.service == service {
                running.count += 1;
            } else if elsewhere::is_reachable(&entry.service) {
                *running.elsewhere.entry(entry.service.clone()).or_default() += 1;
            }
        }
        running
            .batches
            .extend(page.into_iter().filter_map(of_batch));
    }
}
