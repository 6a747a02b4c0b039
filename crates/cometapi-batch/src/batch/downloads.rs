//! How the downloads of a run go: after several that failed in a row nothing more is paid for
//! until one succeeds.

use std::sync::{Arc, Mutex};

use tokio::sync::{Mutex as TurnMutex, OwnedMutexGuard};

use crate::batch::reason::PauseReason;
use crate::lock::lock;

#[derive(Debug)]
pub(crate) struct Downloads {
    inner: Mutex<Inner>,
    /// Rows whose download failed try again one at a time.
    turns: Arc<TurnMutex<()>>,
    /// How many may fail in a row.
    most: u32,
}

#[derive(Debug, Default)]
struct Inner {
    failed: u32,
    /// Why create requests pause, if they do.
    held: Option<PauseReason>,
    /// Rows that try their download again.
    waiting: u32,
    /// How often it was tried again since create requests pause.
    tries: u32,
}

/// The turn of a row to try its download again.
#[derive(Debug)]
pub(crate) struct Turn(#[expect(dead_code, reason = "it is held")] OwnedMutexGuard<()>);

impl Downloads {
    pub(crate) fn new(most: u32) -> Self {
        Self {
            inner: Mutex::default(),
            turns: Arc::default(),
            most: most.max(1),
        }
    }

    /// Counts a download that failed because of `reason`. Returns whether create requests pause,
    /// so that this row waits and tries again. It `is_waiting` if it did so before.
    pub(crate) fn failed(&self, reason: PauseReason, is_waiting: bool) -> bool {
        let mut inner = lock(&self.inner);
        if reason == PauseReason::OpenFiles {
            // One that fails for a reason of this machine's is enough.
            inner.held = Some(reason);
        } else {
            inner.failed = inner.failed.saturating_add(1);
            if inner.failed >= self.most {
                inner.held.get_or_insert(reason);
            }
        }
        if inner.held.is_some() && !is_waiting {
            inner.waiting += 1;
        }
        inner.held.is_some()
    }

    /// Counts something that was saved, and came from a file host or did not. Returns whether
    /// create requests paused until now.
    pub(crate) fn succeeded(&self, is_download: bool, is_waiting: bool) -> bool {
        let mut inner = lock(&self.inner);
        inner.waiting -= u32::from(is_waiting);
        if !is_download && inner.held != Some(PauseReason::OpenFiles) {
            // It says nothing of the host.
            return false;
        }
        inner.failed = 0;
        inner.tries = 0;
        inner.held.take().is_some()
    }

    /// Counts a row that was waiting and does not try again. Returns whether create requests go
    /// on because it was the last: one more row has to show how downloads go.
    pub(crate) fn given_up(&self) -> bool {
        let mut inner = lock(&self.inner);
        inner.waiting -= 1;
        if inner.waiting > 0 {
            return false;
        }
        inner.failed = self.most - 1;
        inner.held.take().is_some()
    }

    /// Waits for the turn to try again.
    pub(crate) async fn turn(&self) -> Turn {
        Turn(Arc::clone(&self.turns).lock_owned().await)
    }

    /// Which pause this is, counted from 0; `None` when another row's download has succeeded
    /// meanwhile.
    pub(crate) fn next_try(&self) -> Option<u32> {
        let mut inner = lock(&self.inner);
        let tries = inner.tries;
        inner.tries = tries.saturating_add(1);
        inner.held.map(|_| tries)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOST: PauseReason = PauseReason::Downloads;

    #[test]
    fn only_failures_in_a_row_hold_create_requests() {
        let downloads = Downloads::new(3);
        let fails = || downloads.failed(HOST, false);
        for _ in 0..5 {
            assert!(!fails() && !fails());
            assert!(!downloads.succeeded(true, false));
        }
        assert!(!fails() && !fails() && fails());
        assert_eq!(
            (downloads.next_try(), downloads.next_try()),
            (Some(0), Some(1))
        );
        // For example, an output of text.
        assert!(!downloads.succeeded(false, false));
        assert!(downloads.succeeded(true, true));
        assert!(!fails());
    }

    #[test]
    fn too_many_open_files_hold_them_at_once_until_anything_is_saved() {
        let downloads = Downloads::new(3);
        assert!(downloads.failed(PauseReason::OpenFiles, false));
        assert!(downloads.succeeded(false, true));
    }

    /// Otherwise no row would be left to find out that downloads succeed again.
    #[test]
    fn the_last_row_that_gives_up_lets_another_try() {
        let downloads = Downloads::new(1);
        assert!(downloads.failed(HOST, false) && downloads.failed(HOST, false));
        assert!(downloads.failed(HOST, true));
        assert!(!downloads.given_up());
        assert!(downloads.given_up());
        assert!(downloads.failed(HOST, false));
    }
}
