//! Virtual time that stands still while responses are on their way.

use std::future::Future;
use std::pin::pin;
use std::sync::mpsc::{self, Sender};
use std::time::Duration;

/// After this much real time the clock advances by itself again, so that a test whose subject
/// does nothing fails at its assertions instead of hanging.
const THAW: Duration = Duration::from_secs(45);

/// Keeps tokio's paused clock from advancing by itself until dropped; `tokio::time::advance`
/// still moves it.
///
/// A paused clock jumps to the next timer whenever no task can run, also while a response is
/// still in the socket, and a timeout may then fire that the test did not want. Tokio does not jump
/// while a blocking task runs, so this holds one.
#[derive(Debug)]
pub struct FrozenClock {
    _release: Sender<()>,
}

impl FrozenClock {
    /// Stops the clock of the current runtime, which must be paused and single-threaded.
    pub fn hold() -> Self {
        let (release, released) = mpsc::channel::<()>();
        tokio::task::spawn_blocking(move || {
            let _ = released.recv_timeout(THAW);
        });
        Self { _release: release }
    }
}

/// Runs `work` to its end while `script` waits for events and moves the clock. What `script`
/// returns is held until the end of `work`. When `work` ends first, `script` is dropped.
pub async fn drive<T, G>(work: impl Future<Output = T>, script: impl Future<Output = G>) -> T {
    let mut work = pin!(work);
    let _held = tokio::select! {
        biased;
        done = &mut work => return done,
        held = script => held,
    };
    work.await
}
