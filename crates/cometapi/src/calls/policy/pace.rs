//! How often to poll a prediction when only its age is known.

use std::time::Duration;

/// How long to pause before the next poll: a share of the prediction's age, within limits.
///
/// Pauses that grow with the age notice the end late by the same share of the run, whatever a run
/// takes: a pause of `share * age` adds `share / 2` on average, and the number of polls grows with the
/// logarithm of the run.
///
/// ```
/// use std::time::Duration;
/// use cometapi::PollPace;
///
/// let mut pace = PollPace::default();
/// pace.jitter = 0.0;
/// assert_eq!(pace.pause(Duration::ZERO, 0.5), Duration::from_millis(510));
/// assert_eq!(pace.pause(Duration::from_secs(20), 0.5), Duration::from_secs(2));
/// assert_eq!(pace.pause(Duration::from_secs(600), 0.5), Duration::from_secs(10));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PollPace {
    /// The shortest pause; 0.51 s by default: a run of a few seconds is noticed after a quarter of a
    /// second on average, with no more polls than every half second.
    pub min: Duration,
    /// The share of the prediction's age that a pause takes; 0.1 by default.
    pub share: f64,
    /// The longest pause; 10 s by default. The gateway was observed to refresh a task about
    /// every 15 s, so polling seldom loses little.
    pub max: Duration,
    /// The share of a pause that chance may add or take away; 0.1 by default. It keeps many waits
    /// from polling in step.
    pub jitter: f64,
}

impl Default for PollPace {
    fn default() -> Self {
        Self {
            min: Duration::from_millis(510),
            share: 0.1,
            max: Duration::from_secs(10),
            jitter: 0.1,
        }
    }
}

impl PollPace {
    /// Polls every `pause`, without jitter.
    pub const fn every(pause: Duration) -> Self {
        Self {
            min: pause,
            share: 0.0,
            max: pause,
            jitter: 0.0,
        }
    }

    /// The pause before the next poll of a prediction of this `age`. `chance`, from 0 to 1, decides the
    /// jitter; 0.5 gives none. Values out of range are clamped, and `min` wins over `max`.
    pub fn pause(&self, age: Duration, chance: f64) -> Duration {
        let pause = self.seconds(age.as_secs_f64()) * self.swing(chance);
        Duration::try_from_secs_f64(pause).unwrap_or(self.max)
    }

    /// The pause at `age`, in seconds, without jitter.
    pub(super) fn seconds(&self, age: f64) -> f64 {
        let share = if self.share.is_nan() { 0.0 } else { self.share };
        (share * age)
            .min(self.max.as_secs_f64())
            .max(self.min.as_secs_f64())
    }

    /// What `chance` multiplies a pause with.
    pub(super) fn swing(&self, chance: f64) -> f64 {
        let sane = |x: f64| if x.is_nan() { 0.0 } else { x.clamp(0.0, 1.0) };
        1.0 + sane(self.jitter) * (2.0 * sane(chance) - 1.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_pause_stays_within_its_limits_and_their_jitter(
            min in 0u64..100_000, max in 0u64..100_000, share in any::<f64>(),
            jitter in any::<f64>(), age in any::<u64>(), chance in any::<f64>(),
        ) {
            let pace = PollPace {
                min: Duration::from_millis(min),
                share,
                max: Duration::from_millis(max),
                jitter,
            };
            let pause = pace.pause(Duration::from_millis(age), chance);
            prop_assert!(pause <= Duration::from_millis(2 * max.max(min) + 1));
        }
    }

    #[test]
    fn chance_swings_both_ways() {
        let pace = PollPace::default();
        assert_eq!(pace.pause(Duration::ZERO, 0.0), Duration::from_millis(459));
        assert_eq!(pace.pause(Duration::ZERO, 1.0), Duration::from_millis(561));
    }
}
