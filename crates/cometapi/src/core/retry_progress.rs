//! What an observer learns of a request that is repeated.

use std::time::Duration;

use crate::core::error::Error;

/// A poll or a download that failed and is repeated after a pause, for the observers of
/// [`Wait::on_retry`](crate::Wait::on_retry) and of `Save::on_retry` (feature `download`). Neither costs
/// anything.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct RetryProgress<'e> {
    /// How many attempts in a row have failed, from 1.
    pub attempt: u32,
    /// How many attempts are made at most; `None` for a poll, which is repeated until a time.
    pub max_attempts: Option<u32>,
    /// How long nothing is sent.
    pub pause: Duration,
    /// For how long a poll is repeated at most, from now on: until the deadline of the wait, or until an id
    /// that the service does not know counts as unknown. `None` for a download.
    pub left: Option<Duration>,
    /// What would have been the error, had this been the last attempt.
    pub cause: &'e Error,
}

/// Observes retries.
pub(crate) type RetryObserver<'o> = Box<dyn FnMut(RetryProgress<'_>) + Send + 'o>;
