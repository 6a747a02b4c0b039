//! `paperboat create`: creates a prediction and prints its id.

use std::pin::pin;
use std::sync::Arc;

use cometapi::{Client, Input};
use cometapi_batch::{Ledger, Once, OnceRun, Stop};
use tokio::time::{Instant, sleep_until};

use crate::args::{Create, Key, What};
use crate::failure::Failure;
use crate::interrupt::{Signal, Signals};
use crate::pricing::Pricing;
use crate::progress::Progress;
use crate::watched::Watched;
use crate::{check, connect, input, ledger, print};

pub(crate) async fn execute(args: Create) -> Result<(), Failure> {
    let input = input::read(&args.what)?;
    check::check(&args.what, &input)?;
    let connection = connect::service(&args.service, false)?;
    let client = &connection.client;
    let pricing = Pricing::begin(&connection, None);
    let ledger = ledger::of_single(&args.ledger, false).await?;
    let once = once(client, ledger, &args.key, false)?.prices(pricing.source());
    let mut signals = Signals::listen();
    let watched = Watched::new(Progress::begin("creating"));
    let mut run = run(once, &args.what, input.into(), &watched);
    let (id, signal) = created(&mut run, &watched, &mut signals).await?;
    watched.progress().finish();
    end(&run, client, &id, signal, args.json).await
}

/// Prints what was created, and fails by a signal that arrived meanwhile.
pub(super) async fn end(
    run: &OnceRun,
    client: &Client,
    id: &str,
    signal: Option<Signal>,
    json: bool,
) -> Result<(), Failure> {
    let printed = if json {
        let created = match run.response() {
            Some(created) => created.clone(),
            // Another call created it.
            None => client.predictions().get(id).await?,
        };
        print::prediction(&created, None)
    } else {
        print::stdout(id)
    };
    printed.map_err(|failure| failure.with_continuation(id))?;
    match signal {
        Some(signal) => Err(Failure::interrupted(signal, id)),
        None => Ok(()),
    }
}

/// Where the prediction is recorded, and under which key.
pub(super) fn once(
    client: &Client,
    ledger: Option<Arc<dyn Ledger>>,
    key: &Key,
    mock: bool,
) -> Result<Once, Failure> {
    let Some(ledger) = ledger else {
        if key.once.is_some() {
            return Err(Failure::usage("--once needs a ledger, and a mock has none")
                .with_advice("name one: --ledger FILE"));
        }
        return Ok(Once::unrecorded(client));
    };
    let mut once = Once::new(client, ledger).retry_unresolved(key.retry_unresolved);
    if let Some(key) = &key.once {
        once = once.key(key);
    }
    if mock {
        // Its port is another each time.
        once = once.service("mock");
    }
    Ok(once)
}

/// The prediction, watched from its beginning.
pub(super) fn run(once: Once, what: &What, input: Input, watched: &Watched) -> OnceRun {
    // What does not fit got here by force only.
    once.unchecked(what.force)
        .on_event(watched.observer())
        .run(what.model.clone(), input)
}

/// Waits for the prediction's id. A signal that arrives while the request is in flight does not keep
/// its response from being awaited and recorded; it is returned with the id.
pub(super) async fn created(
    run: &mut OnceRun,
    watched: &Watched,
    signals: &mut Signals,
) -> Result<(String, Option<Signal>), Failure> {
    let mut creating = pin!(run.created());
    let mut stopping = None;
    let mut leave_by = Instant::now();
    loop {
        tokio::select! {
            biased;
            created = &mut creating => return Ok((created?, stopping)),
            () = watched.paused() => if let Some(signal) = stopping {
                return Err(Failure::interrupted_before_create(signal));
            },
            signal = signals.next() => match stopping {
                _ if watched.is_elsewhere() => return Err(Failure::interrupted_elsewhere(signal)),
                _ if !watched.is_in_flight() => {
                    return Err(Failure::interrupted_before_create(signal));
                }
                None => {
                    watched.progress().say(
                        "waiting for the response to the create request (press again to stop now)",
                    );
                    leave_by = Instant::now() + Stop::RESPONSE_TIMEOUT;
                    stopping = Some(signal);
                }
                // Closing the terminal is no second request to stop.
                Some(_) if signal == Signal::HangUp => {}
                Some(_) => return Err(Failure::interrupted_create()),
            },
            () = sleep_until(leave_by), if stopping.is_some() => {
                return Err(Failure::interrupted_create());
            }
        }
    }
}
