//! The create request of a prediction, each step of it recorded.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use cometapi::{Create, CreateProgress, Error as ApiError, ErrorKind, Prediction, causes};
use tokio::sync::mpsc::unbounded_channel;
use tokio::sync::oneshot;

use crate::error::{Error, ErrorKind as LedgerErrorKind};
use crate::once::event::{Observer, OnceEvent};
use crate::once::record::Record;

/// A create request under way. Dropping it gives the request up.
#[derive(Debug)]
pub(super) struct Sending {
    record: Option<Record>,
    /// Whether a request may have left and its response is not recorded.
    in_flight: Arc<AtomicBool>,
}

impl Drop for Sending {
    fn drop(&mut self) {
        // One that is in flight becomes unresolved when its worker ends.
        let is_in_flight = self.in_flight.load(Ordering::Relaxed);
        if let Some(record) = self.record.take().filter(|_| !is_in_flight) {
            drop(record.not_sent());
        }
    }
}

/// The next step of a create request, which it takes once this is dropped.
struct Step {
    doing: Doing,
    _go_on: oneshot::Sender<()>,
}

enum Doing {
    Sending(u32),
    Pausing(Pausing),
}

/// What is known of an attempt that had no effect.
struct Pausing {
    attempt: u32,
    max_attempts: u32,
    pause: Duration,
    kind: ErrorKind,
    message: String,
}

/// A response that is recorded, and the record.
pub(super) struct Responded {
    pub(super) record: Record,
    pub(super) response: Result<Prediction, ApiError>,
}

impl Sending {
    /// A create request that is recorded as planned.
    pub(super) fn new(record: Record) -> Self {
        Self {
            record: Some(record),
            in_flight: Arc::default(),
        }
    }

    /// Sends the request, and records the response before anything else is done with it.
    ///
    /// # Errors
    ///
    /// What the ledger refuses before an attempt, which is then not sent; and
    /// [`LedgerErrorKind::TakenId`], when the response has the id of another prediction.
    pub(super) async fn send(
        &mut self,
        create: Create,
        observer: &Observer,
    ) -> Result<Responded, Error> {
        let (sender, mut steps) = unbounded_channel();
        let in_flight = Arc::clone(&self.in_flight);
        let create = create.before_attempt(move |progress| {
            let doing = match progress {
                CreateProgress::Pausing {
                    attempt,
                    max_attempts,
                    pause,
                    cause,
                    ..
                } => {
                    in_flight.store(false, Ordering::Relaxed);
                    Doing::Pausing(Pausing {
                        attempt,
                        max_attempts,
                        pause,
                        kind: cause.kind(),
                        message: message(cause),
                    })
                }
                CreateProgress::Sending { attempt, .. } => Doing::Sending(attempt),
                _ => Doing::Sending(0),
            };
            let (go_on, awaited) = oneshot::channel();
            // The receiver is gone once the run was dropped.
            let _ = sender.send(Step {
                doing,
                _go_on: go_on,
            });
            async { drop(awaited.await) }
        });
        let mut create = create.into_future();
        let mut recorded_as_sent = false;
        loop {
            let step = tokio::select! {
                biased;
                response = &mut create => return self.responded(response, observer).await,
                // It waits until the step is dropped, so nothing is in flight until then.
                Some(step) = steps.recv() => step,
            };
            let Some(record) = &mut self.record else {
                return Err(spent());
            };
            let Step { doing, _go_on } = step;
            match doing {
                Doing::Sending(attempt) => {
                    if !recorded_as_sent {
                        record.sending().await?;
                        recorded_as_sent = true;
                    }
                    // An observer that panics gives up what has not left.
                    observer(&OnceEvent::Sending { attempt });
                    self.in_flight.store(true, Ordering::Relaxed);
                }
                Doing::Pausing(pausing) => {
                    match record.pausing().await {
                        Ok(()) => recorded_as_sent = false,
                        Err(error) => observer(&OnceEvent::Unrecorded { error: &error }),
                    }
                    observer(&OnceEvent::Pausing {
                        attempt: pausing.attempt,
                        max_attempts: pausing.max_attempts,
                        pause: pausing.pause,
                        kind: pausing.kind,
                        message: &pausing.message,
                    });
                }
            }
        }
    }

    async fn responded(
        &mut self,
        response: Result<Prediction, ApiError>,
        observer: &Observer,
    ) -> Result<Responded, Error> {
        let Some(record) = &mut self.record else {
            return Err(spent());
        };
        let show = |id: &str| observer(&OnceEvent::Created { id });
        match record.responded(&response, show).await {
            Err(error) if error.kind() == LedgerErrorKind::TakenId => return Err(error),
            Err(error) => observer(&OnceEvent::Unrecorded { error: &error }),
            Ok(()) => {}
        }
        match self.record.take() {
            Some(record) => Ok(Responded { record, response }),
            None => Err(spent()),
        }
    }
}

/// What happened, with the cause below everything, such as a connection that was refused.
fn message(error: &ApiError) -> String {
    let last = causes(error).skip(1).last();
    match last.map(ToString::to_string) {
        Some(cause) if !cause.is_empty() => format!("{error} ({cause})"),
        _ => error.to_string(),
    }
}

/// A run that was given up cannot continue.
pub(super) fn spent() -> Error {
    let what = "this run has ended, or was given up: ask again by its key or its id";
    Error::new(LedgerErrorKind::Lost, what)
}
