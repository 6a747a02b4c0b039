//! What happens to a prediction while it happens.

use std::sync::Arc;
use std::time::Duration;

use cometapi::{ErrorKind as ApiErrorKind, Prediction, RetryProgress};

use crate::error::Error;

/// Something that happened to the prediction of a [`OnceRun`](crate::OnceRun). It is delivered
/// synchronously: a slow observer delays the prediction.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum OnceEvent<'e> {
    /// Another worker that lives has the prediction of this key; this one waits for it.
    #[non_exhaustive]
    Elsewhere {
        /// The prediction's id, if it is known.
        id: Option<&'e str>,
    },
    /// The create request is recorded and about to be sent.
    #[non_exhaustive]
    Sending {
        /// Which attempt, from 1.
        attempt: u32,
    },
    /// An attempt had no effect, which is recorded; the next follows after `pause`. Until then nothing
    /// is in flight, and dropping the run sends nothing more.
    #[non_exhaustive]
    Pausing {
        /// Which attempt it was, from 1.
        attempt: u32,
        /// How many attempts are made at most.
        max_attempts: u32,
        /// How long nothing is sent.
        pause: Duration,
        /// The kind of what would have been the error, had this been the last attempt.
        kind: ApiErrorKind,
        /// Its message.
        message: &'e str,
    },
    /// The create request returned this id, which is being recorded.
    #[non_exhaustive]
    Created {
        /// The id.
        id: &'e str,
    },
    /// The ledger has the prediction, and its id is committed: of one that was created now, or that
    /// was created before and is continued.
    #[non_exhaustive]
    Known {
        /// The id.
        id: &'e str,
        /// Whether it was created by an earlier call.
        earlier: bool,
    },
    /// A poll failed; the next follows after a pause.
    #[non_exhaustive]
    Polling {
        /// What is known of it.
        retry: RetryProgress<'e>,
    },
    /// A poll showed this state.
    #[non_exhaustive]
    State {
        /// The prediction.
        prediction: &'e Prediction,
    },
    /// Something that happened could not be recorded. The prediction is worth more than its record,
    /// so the run continues.
    #[non_exhaustive]
    Unrecorded {
        /// Why.
        error: &'e Error,
    },
}

pub(super) type Observer = Arc<dyn Fn(&OnceEvent<'_>) + Send + Sync>;
