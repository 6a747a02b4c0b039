//! What a policy says of the next poll.

use std::time::Duration;

/// When to poll next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct NextPoll {
    /// How long to pause before.
    pub pause: Duration,
    /// Whether it is the last poll before the deadline.
    pub is_last: bool,
}

impl NextPoll {
    /// The first poll of a prediction that another process created.
    pub(crate) fn at_once() -> Self {
        Self {
            pause: Duration::ZERO,
            is_last: false,
        }
    }
}
