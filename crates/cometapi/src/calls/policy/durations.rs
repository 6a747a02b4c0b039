//! How long the past runs of a model took.

use std::collections::VecDeque;
use std::time::Duration;

/// The durations of a model's latest runs, from which a [`PollSchedule`](crate::PollSchedule) is made.
///
/// It holds the last [`CAPACITY`](Self::CAPACITY) in whole milliseconds, 256 bytes, so that a model
/// that has become faster or slower is known as it is now. Store it as the numbers that
/// [`iter`](Self::iter) gives, oldest first; collect them to read it back; join two with
/// [`extend`](Extend::extend).
///
/// ```
/// use std::time::Duration;
/// use cometapi::{Durations, WaitPolicy};
///
/// let past: Durations = [2.1, 1.9, 2.0, 2.2].map(Duration::from_secs_f64).into_iter().collect();
/// let mut policy = WaitPolicy::default();
/// policy.schedule = past.schedule();
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Durations(VecDeque<u32>);

impl Durations {
    /// How many durations are kept.
    pub const CAPACITY: usize = 64;

    /// Adds the duration of the latest run; the oldest is dropped if there are too many.
    pub fn record(&mut self, duration: Duration) {
        if self.0.len() == Self::CAPACITY {
            self.0.pop_front();
        }
        self.0
            .push_back(u32::try_from(duration.as_millis()).unwrap_or(u32::MAX));
    }

    /// The durations, oldest first.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Duration> + '_ {
        self.0
            .iter()
            .map(|millis| Duration::from_millis(u64::from(*millis)))
    }

    /// How many durations there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Extend<Duration> for Durations {
    fn extend<I: IntoIterator<Item = Duration>>(&mut self, durations: I) {
        for duration in durations {
            self.record(duration);
        }
    }
}

impl FromIterator<Duration> for Durations {
    fn from_iter<I: IntoIterator<Item = Duration>>(durations: I) -> Self {
        let mut all = Self::default();
        all.extend(durations);
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_durations_are_kept_and_read_back() {
        let millis = |range: std::ops::Range<u64>| range.map(Duration::from_millis);
        let mut all: Durations = millis(0..100).collect();
        assert!(all.iter().eq(millis(36..100)));
        assert_eq!(all.iter().collect::<Durations>(), all);
        all.extend(millis(100..110));
        assert!(all.iter().eq(millis(46..110)));
        assert_eq!(all.len(), Durations::CAPACITY);
    }

    #[test]
    fn any_duration_is_taken() {
        let all: Durations = [Duration::ZERO, Duration::MAX].into_iter().collect();
        assert!(all.schedule().is_some());
        assert_eq!(Durations::default().schedule(), None);
    }
}
