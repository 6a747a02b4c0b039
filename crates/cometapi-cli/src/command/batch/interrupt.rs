//! Ctrl-C in a run of many: once to create no more, twice to leave.

use std::sync::Arc;

use cometapi_batch::Stop;
use tokio::task::JoinHandle;

use super::display::Display;
use crate::interrupt;

/// Asks the run to stop each time ctrl-c is pressed, until the handle is aborted.
pub(super) async fn watch(stop: Stop, display: Arc<Display>) -> JoinHandle<()> {
    let mut pressed = interrupt::listen().await;
    tokio::spawn(async move {
        loop {
            pressed.await;
            pressed = interrupt::listen().await;
            stop.request();
            display.say(match stop.requested() {
                1 => "nothing more is created; waiting for what runs. ctrl-c again leaves at once",
                _ => "leaving; what was created is in the ledger",
            });
        }
    })
}

/// Has the run leave at once when ctrl-c is pressed: one that creates nothing has nothing to
/// finish first.
pub(in crate::command) async fn leave(stop: Stop, display: Arc<Display>) -> JoinHandle<()> {
    let pressed = interrupt::listen().await;
    tokio::spawn(async move {
        pressed.await;
        display.say("leaving; what runs goes on");
        stop.request();
        stop.request();
    })
}
