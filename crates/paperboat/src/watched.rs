//! What a person sees of one prediction.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use cometapi::{ErrorKind, RetryProgress, causes};
use cometapi_batch::OnceEvent;
use tokio::sync::Notify;

use crate::progress::{Cause, Progress, Retrying};

/// A prediction under way, as its events show it.
#[derive(Clone)]
pub(crate) struct Watched(Arc<Shared>);

struct Shared {
    progress: Progress,
    /// Whether a create request may have left and has no response.
    is_in_flight: AtomicBool,
    /// Whether another process has the prediction.
    is_elsewhere: AtomicBool,
    paused: Notify,
}

impl Watched {
    pub(crate) fn new(progress: Progress) -> Self {
        Self(Arc::new(Shared {
            progress,
            is_in_flight: AtomicBool::new(false),
            is_elsewhere: AtomicBool::new(false),
            paused: Notify::new(),
        }))
    }

    pub(crate) fn progress(&self) -> &Progress {
        &self.0.progress
    }

    pub(crate) fn is_in_flight(&self) -> bool {
        self.0.is_in_flight.load(Ordering::Relaxed)
    }

    pub(crate) fn is_elsewhere(&self) -> bool {
        self.0.is_elsewhere.load(Ordering::Relaxed)
    }

    /// Waits until the create request pauses between two attempts.
    pub(crate) async fn paused(&self) {
        self.0.paused.notified().await;
    }

    pub(crate) fn observer(&self) -> impl Fn(&OnceEvent<'_>) + Send + Sync + 'static {
        let shared = Arc::clone(&self.0);
        move |event| shared.event(event)
    }
}

impl Shared {
    fn event(&self, event: &OnceEvent<'_>) {
        let progress = &self.progress;
        match event {
            OnceEvent::Elsewhere { .. } => {
                self.is_elsewhere.store(true, Ordering::Relaxed);
                progress.say("another process has this prediction; waiting for it");
            }
            OnceEvent::Sending { .. } => {
                self.is_elsewhere.store(false, Ordering::Relaxed);
                self.is_in_flight.store(true, Ordering::Relaxed);
            }
            OnceEvent::Pausing {
                attempt,
                max_attempts,
                pause,
                kind,
                message,
                ..
            } => {
                self.is_in_flight.store(false, Ordering::Relaxed);
                progress.retrying(&Retrying {
                    cause: Cause {
                        kind: *kind,
                        status: None,
                    },
                    message,
                    left: None,
                    pause: *pause,
                    next: attempt + 1,
                    of: Some(*max_attempts),
                });
                self.paused.notify_one();
            }
            OnceEvent::Polling { retry, .. } => show_retry(progress, retry),
            // It is paid for, and the id is the way back to it.
            OnceEvent::Created { id, .. } => progress.say(format_args!("created {id}")),
            OnceEvent::Known { id, earlier, .. } => {
                self.is_in_flight.store(false, Ordering::Relaxed);
                self.is_elsewhere.store(false, Ordering::Relaxed);
                if *earlier && self.says_what_continues() {
                    progress.say(format_args!("continuing with {id}"));
                }
            }
            OnceEvent::State { prediction, .. } => progress.state(prediction.status().as_str()),
            OnceEvent::Unrecorded { error, .. } => progress.fault(error),
            _ => {}
        }
    }

    /// A wait for an id need not name it.
    fn says_what_continues(&self) -> bool {
        self.progress.creates()
    }
}

/// Shows that a poll or a download is repeated.
pub(crate) fn show_retry(progress: &Progress, retry: &RetryProgress<'_>) {
    let error = retry.cause;
    let message = describe_retry(error);
    // Others are repeated until the deadline.
    let is_short = matches!(error.kind(), ErrorKind::NotFound | ErrorKind::WrongEndpoint);
    progress.retrying(&Retrying {
        cause: Cause::of(error),
        message: &message,
        left: retry.left.filter(|_| is_short),
        pause: retry.pause,
        next: retry.attempt + 1,
        of: retry.max_attempts,
    });
}

/// What made a poll or a download be repeated.
pub(crate) fn describe_retry(error: &cometapi::Error) -> String {
    match (error.kind(), error.prediction_id()) {
        (ErrorKind::NotFound, Some(id)) => format!("the service does not know prediction {id} yet"),
        _ => describe(error),
    }
}

/// An error with the cause below everything, such as a connection that was refused.
fn describe(error: &cometapi::Error) -> String {
    match causes(error).skip(1).last() {
        Some(cause) => format!("{error} ({cause})"),
        None => error.to_string(),
    }
}
