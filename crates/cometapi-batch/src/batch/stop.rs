//! Ending a run early.

use tokio::sync::watch;

/// A handle that ends a run early, as Ctrl-C does. Clones are the same handle.
///
/// ```
/// use cometapi_batch::Stop;
///
/// let stop = Stop::new();
/// stop.request(); // no new creates; what runs goes on to its end
/// stop.request(); // leave at once: the ids are in the ledger
/// ```
#[derive(Clone, Debug)]
pub struct Stop(watch::Sender<u8>);

impl Default for Stop {
    fn default() -> Self {
        Self::new()
    }
}

impl Stop {
    /// A handle that nobody has asked yet.
    pub fn new() -> Self {
        Self(watch::Sender::new(0))
    }

    /// The first time: nothing new is created, what runs goes on to its end. The second time:
    /// the run leaves at once.
    pub fn request(&self) {
        self.0.send_modify(|level| *level = level.saturating_add(1));
    }

    /// How often it has been asked.
    pub fn requested(&self) -> u8 {
        *self.0.borrow()
    }

    /// Waits until it has been asked `times` times.
    pub async fn asked(&self, times: u8) {
        if let Some(level) = times.checked_sub(1) {
            self.beyond(level).await;
        }
    }

    /// Waits until it has been asked more than `level` times.
    pub(crate) async fn beyond(&self, level: u8) {
        // An error would be that the handle is gone, which this is.
        let _ = self.0.subscribe().wait_for(|now| *now > level).await;
    }
}
