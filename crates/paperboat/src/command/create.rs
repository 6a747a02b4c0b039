//! `paperboat create`: creates a prediction and prints its id.

use std::sync::Arc;

use cometapi::{Client, CreateProgress, Input, Prediction};
use cometapi_batch::{ErrorKind, Ledger, Single, Stop};
use futures_util::FutureExt;
use serde_json::{Map, Value};
use tokio::sync::mpsc::unbounded_channel;
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep_until};

use crate::args::{Create, What};
use crate::failure::Failure;
use crate::interrupt::{Signal, Signals};
use crate::progress::Progress;
use crate::{check, connect, input, ledger, print};

pub(crate) async fn execute(args: Create) -> Result<(), Failure> {
    let input = input::read(&args.what)?;
    check::check(&args.what, &input)?;
    let connection = connect::service(&args.service, false)?;
    let ledger = ledger::of_single(&args.ledger, false)?;
    let mut signals = Signals::listen();
    let mut record = begin(ledger, &connection.client, &args.what, &input).await?;
    let mut progress = Progress::begin("creating");
    let (created, signal) = send(
        &connection.client,
        &args.what,
        input.into(),
        &mut record,
        &mut progress,
        &mut signals,
    )
    .await?;
    drop(progress);
    let printed = if args.json {
        print::prediction(&created, None)
    } else {
        print::stdout(created.id())
    };
    printed.map_err(|failure| failure.with_continuation(created.id()))?;
    match signal {
        Some(signal) => Err(Failure::interrupted(signal, created.id())),
        None => Ok(()),
    }
}

/// Records that a prediction is about to be created; without a ledger, nothing is recorded.
pub(super) async fn begin(
    ledger: Option<Arc<dyn Ledger>>,
    client: &Client,
    what: &What,
    input: &Map<String, Value>,
) -> Result<Single, Failure> {
    let Some(ledger) = ledger else {
        return Ok(Single::unrecorded(Some(&what.model)));
    };
    let begun = Single::begin(client, ledger, &what.model, input).await;
    begun.map_err(|e| {
        Failure::usage(format!("the prediction cannot be recorded: {e}"))
            .because_of(&e)
            .with_advice("nothing was sent; to record nothing: --no-ledger")
    })
}

/// The next step of a create request, which it takes once this is dropped.
struct Step {
    doing: Doing,
    _go_on: oneshot::Sender<()>,
}

enum Doing {
    Sending,
    Pausing(String),
}

/// Creates a prediction. A signal that arrives while the request is in flight does not keep
/// its response from being awaited and recorded; it is returned with the prediction.
pub(super) async fn send(
    client: &Client,
    what: &What,
    input: Input,
    record: &mut Single,
    progress: &mut Progress,
    signals: &mut Signals,
) -> Result<(Prediction, Option<Signal>), Failure> {
    let (watcher, mut steps) = unbounded_channel();
    let create = client
        .predictions()
        .create_model(&what.model, input)
        .before_attempt(move |now| {
            let doing = match now {
                CreateProgress::Pausing { pause, cause, .. } => Doing::Pausing(format!(
                    "{cause}; trying again in {:.1} s",
                    pause.as_secs_f64()
                )),
                _ => Doing::Sending,
            };
            let (go_on, awaited) = oneshot::channel();
            // The receiver is gone once the command has ended.
            let _ = watcher.send(Step {
                doing,
                _go_on: go_on,
            });
            async { drop(awaited.await) }
        });
    // What does not fit got here by force only.
    let create = if what.force {
        create.unchecked()
    } else {
        create
    };
    let mut create = create.into_future();
    // As the record says it, which was begun for the first attempt.
    let mut recorded_as_sent = true;
    let mut in_flight = false;
    let mut stopping = None;
    let mut leave_by = Instant::now();
    loop {
        tokio::select! {
            biased;
            created = &mut create => {
                // It is paid for, and the id is the way back to it.
                let show = |id: &str| progress.say(format_args!("created {id}"));
                match record.responded(&created, show).await {
                    Err(e) if e.kind() == ErrorKind::TakenId => {
                        return Err(Failure::in_doubt(format!(
                            "the create request may have been accepted, but was answered with \
                             the id of another prediction: {e}"
                        )));
                    }
                    recorded => progress.recorded(recorded),
                }
                return Ok((created?, stopping));
            }
            // It waits until the step is dropped, so nothing is in flight until then.
            Some(step) = steps.recv() => {
                in_flight = matches!(step.doing, Doing::Sending);
                match &step.doing {
                    Doing::Sending if !recorded_as_sent => {
                        record.sending().await.map_err(|e| {
                            let what = "the prediction cannot be recorded any more";
                            Failure::usage(format!("{what}: {e}"))
                                .because_of(&e)
                                .with_advice("nothing was created; to record nothing: --no-ledger")
                        })?;
                        recorded_as_sent = true;
                    }
                    Doing::Sending => {}
                    Doing::Pausing(why) => {
                        let recorded = record.pausing().await;
                        recorded_as_sent = recorded.is_err();
                        progress.recorded(recorded);
                        progress.say(why);
                    }
                }
                // Also one that arrived while the above was recorded.
                if let Some(signal) = stopping.or_else(|| signals.next().now_or_never()) {
                    progress.recorded(record.not_sent().await);
                    return Err(Failure::interrupted_before_create(signal));
                }
            }
            signal = signals.next() => match stopping {
                _ if !in_flight => {
                    progress.recorded(record.not_sent().await);
                    return Err(Failure::interrupted_before_create(signal));
                }
                None => {
                    progress.say(
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
