//! Signals in a run of many.

use std::sync::{Arc, OnceLock};

use cometapi_batch::Stop;
use tokio::task::JoinHandle;

use super::display::Display;
use crate::interrupt::{Signal, Signals};

/// Passes signals on to a run, until it is dropped.
pub(in crate::command) struct Watch {
    task: JoinHandle<()>,
    first: Arc<OnceLock<Signal>>,
}

impl Watch {
    fn start(mut signals: Signals, mut pass_on: impl FnMut(Signal) + Send + 'static) -> Self {
        let first = Arc::new(OnceLock::new());
        let received = Arc::clone(&first);
        let task = tokio::spawn(async move {
            loop {
                let signal = signals.next().await;
                // The run began to end by the first one.
                let _ = received.set(signal);
                pass_on(signal);
            }
        });
        Self { task, first }
    }

    /// The first signal that was received.
    pub(super) fn signal(&self) -> Option<Signal> {
        self.first.get().copied()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Has the run stop by signals: Ctrl-C once to create no more, SIGTERM or SIGHUP to leave when
/// no create request is in flight, a second one of them to leave at once.
pub(in crate::command) fn watch(signals: Signals, stop: Stop, display: Arc<Display>) -> Watch {
    let mut leaves = false;
    Watch::start(signals, move |signal| {
        let is_first = stop.requested() == 0;
        let was_leaving = leaves;
        if signal == Signal::Interrupt {
            stop.request();
        } else {
            leaves = true;
            stop.leave(Stop::RESPONSE_TIMEOUT);
        }
        display.say(match signal {
            Signal::Interrupt if is_first => {
                "nothing more is created; waiting for what runs. ctrl-c again leaves at once"
            }
            Signal::Terminate | Signal::HangUp if !was_leaving => {
                "nothing more is created; waiting up to 8 s for responses to create requests"
            }
            _ => "leaving; what was created is in the ledger",
        });
    })
}

/// Makes the run leave at the first signal: one that creates nothing has nothing to
/// finish first.
pub(in crate::command) fn leave(signals: Signals, stop: Stop, display: Arc<Display>) -> Watch {
    Watch::start(signals, move |_| {
        display.say("leaving; running predictions continue");
        stop.request();
        stop.request();
    })
}
