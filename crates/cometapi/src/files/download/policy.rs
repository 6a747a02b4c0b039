//! How files are downloaded.

use std::time::Duration;

use crate::core::backoff::Backoff;
use crate::core::retry_after;

/// How files are downloaded.
///
/// ```
/// use cometapi::DownloadPolicy;
///
/// let mut policy = DownloadPolicy::default();
/// policy.max_bytes = 20 * 1024 * 1024;
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct DownloadPolicy {
    /// Attempts at most; 4 by default. A download is safe to repeat.
    pub max_attempts: u32,
    /// How long no byte may come before the attempt is given up; 15 s by default. There is
    /// no limit on the whole, a large file may take its time.
    pub stall_timeout: Duration,
    /// The largest file that is fetched, in bytes, decoded if it comes in an encoding; 1 GiB
    /// by default.
    pub max_bytes: u64,
    /// How many redirects are followed, each checked like the first address; 5 by default.
    pub max_redirects: u32,
    /// The least bytes per second, on average over each [`speed_window`](Self::speed_window),
    /// below which the attempt is given up; 1000 by default, 0 for no minimum. Bytes count as
    /// they are transferred, and time counts only while the host is waited for.
    pub min_speed: u64,
    /// The time over which [`min_speed`](Self::min_speed) is measured; 30 s by default.
    pub speed_window: Duration,
    /// The longest `Retry-After` of a file's host that is waited for; 60 s by default. If the
    /// host asks for more, the download fails at once: see [`Error::retry_after`](crate::Error::retry_after).
    pub max_retry_after: Duration,
    /// The pauses between attempts; 1 s, then times 1.5 each up to 10 s by default.
    pub backoff: Backoff,
}

impl Default for DownloadPolicy {
    fn default() -> Self {
        Self {
            max_attempts: 4,
            stall_timeout: Duration::from_secs(15),
            max_bytes: 1024 * 1024 * 1024,
            max_redirects: 5,
            min_speed: 1000,
            speed_window: Duration::from_secs(30),
            max_retry_after: Duration::from_secs(60),
            backoff: Backoff::default(),
        }
    }
}

impl DownloadPolicy {
    /// Returns the pause before the next attempt, after `made` have failed; `None` if there is
    /// to be no other. `retry_after` is the delay that the host asked for.
    pub(super) fn pause(&self, made: u32, retry_after: Option<Duration>) -> Option<Duration> {
        if made >= self.max_attempts || retry_after > Some(self.max_retry_after) {
            return None;
        }
        let own = self.backoff.delay(made.saturating_sub(1), 0.5);
        Some(retry_after::pause(retry_after, own))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_that_asks_for_a_delay_gets_it_up_to_the_limit() {
        let seconds = Duration::from_secs;
        let policy = DownloadPolicy::default();
        let own = policy.backoff.delay(0, 0.5);
        assert_eq!(policy.pause(1, None), Some(own));
        for delay in [seconds(0), seconds(7), seconds(60)] {
            let pause = policy.pause(1, Some(delay)).unwrap();
            assert!(pause >= delay && pause <= delay + own, "{pause:?}");
        }
        assert_eq!(policy.pause(1, Some(seconds(61))), None);
        assert_eq!(policy.pause(policy.max_attempts, None), None);
        assert!(policy.pause(policy.max_attempts - 1, None).is_some());
    }
}
