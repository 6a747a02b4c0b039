//! What a person sees of one prediction.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use cometapi_batch::OnceEvent;
use tokio::sync::Notify;

use crate::progress::Progress;

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
            OnceEvent::Pausing { pause, message, .. } => {
                self.is_in_flight.store(false, Ordering::Relaxed);
                let seconds = pause.as_secs_f64();
                progress.say(format_args!("{message}; trying again in {seconds:.1} s"));
                self.paused.notify_one();
            }
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
