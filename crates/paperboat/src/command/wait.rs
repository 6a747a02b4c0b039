//! `paperboat wait`: waits for predictions that any process created.

use std::collections::BTreeSet;
use std::sync::Arc;

use cometapi::Client;
use cometapi::wire::PredictionId;
use cometapi_batch::{Finish, Ledger, Once, Stop};
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;

use crate::args::{Outputs, Wait};
use crate::command::batch::{self, Display};
use crate::command::finish::Waiting;
use crate::command::save;
use crate::failure::Failure;
use crate::interrupt::Signals;
use crate::progress::Progress;
use crate::watched::Watched;
use crate::{connect, ledger, print};

pub(crate) async fn execute(args: Wait) -> Result<(), Failure> {
    let connection = connect::service(&args.service, args.outputs.allow_private_files)?;
    // Without -o it may well be text, which needs no folder.
    if args.outputs.output.is_some() {
        save::prepare_folder(args.outputs.folder())?;
    }
    let client = &connection.client;
    if args.all {
        return all(&args, client).await;
    }
    let mut seen = BTreeSet::new();
    let ids = args.ids.iter().map(PredictionId::as_str);
    // Waited for twice, a prediction would be saved twice.
    let ids: Vec<_> = ids.filter(|id| seen.insert(*id)).collect();
    match ids[..] {
        [id] => one(&args, client, id).await,
        _ => several(&args, client, &ids).await,
    }
}

async fn one(args: &Wait, client: &Client, id: &str) -> Result<(), Failure> {
    let mut signals = Signals::listen();
    let watched = Watched::new(Progress::begin("waiting"));
    let waiting = waiting(args, client, id, &watched);
    waiting.finish(id, &mut signals).await
}

/// Waits for all of `ids`. Each failure is printed as it happens; the exit code is that of the most
/// severe.
async fn several(args: &Wait, client: &Client, ids: &[&str]) -> Result<(), Failure> {
    let mut signals = Signals::listen();
    let mut runs: FuturesUnordered<_> = ids
        .iter()
        .map(|id| one_of_several(args, client, id))
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
    let most_severe = failed.iter().max_by_key(|failure| failure.severity());
    let Some(code) = most_severe.map(Failure::code) else {
        return Ok(());
    };
    let message = format!("{} of {} did not succeed", failed.len(), ids.len());
    Err(Failure::of_many(code, message))
}

async fn one_of_several(args: &Wait, client: &Client, id: &str) -> Result<(), Failure> {
    let watched = Watched::new(Progress::of(id));
    waiting(args, client, id, &watched).wait_to_the_end().await
}

fn waiting<'a>(args: &'a Wait, client: &'a Client, id: &str, watched: &'a Watched) -> Waiting<'a> {
    let once = match ledger::of_wait(&args.ledger) {
        Some(ledger) => Once::new(client, ledger),
        None => Once::unrecorded(client),
    };
    let once = once
        .timeout(args.outputs.timeout)
        .on_event(watched.observer());
    Waiting {
        client,
        outputs: &args.outputs,
        run: once.resume(id),
        progress: watched.progress(),
        // Of several, nothing on stdout would say whose text it is.
        prints_text: args.ids.len() == 1 && args.outputs.output.is_none(),
    }
}

async fn all(args: &Wait, client: &Client) -> Result<(), Failure> {
    let ledger = ledger::needed(args.ledger.ledger.as_deref())?;
    everything(&args.outputs, client, ledger).await
}

/// Waits for every prediction of the ledger that was created and has not ended.
pub(super) async fn everything(
    outputs: &Outputs,
    client: &Client,
    ledger: Arc<dyn Ledger>,
) -> Result<(), Failure> {
    let stop = Stop::new();
    let display = Arc::new(Display::new(outputs.json, false, &stop)?);
    let observer = Arc::clone(&display);
    let finish = Finish::new(client, ledger, outputs.folder())
        .concurrency(32)
        .timeout(outputs.timeout)
        .stop(&stop)
        .on_event(move |event| observer.event(event));
    let watch = batch::leave(stop, Arc::clone(&display));
    batch::finished(finish.run().await, batch::waited_for, &display, watch).await
}
