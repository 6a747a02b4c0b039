//! Delays that grow.

use std::time::Duration;

/// How long to pause before each repeat: `first`, then times `factor` each, never more than
/// `max`, and up to `jitter` of it (a share from 0 to 1) added or taken away at random, so
/// that many waits do not fall into step.
///
/// ```
/// use std::time::Duration;
/// use cometapi::Backoff;
///
/// let backoff = Backoff { jitter: 0.0, ..Backoff::default() };
/// assert_eq!(backoff.delay(0, 0.5), Duration::from_secs(1));
/// assert_eq!(backoff.delay(1, 0.5), Duration::from_millis(1500));
/// assert_eq!(backoff.delay(99, 0.5), Duration::from_secs(10));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Backoff {
    /// The first pause; 1 s by default.
    pub first: Duration,
    /// What each pause is multiplied by to give the next; 1.5 by default.
    pub factor: f64,
    /// The longest pause; 10 s by default. The gateway was observed to refresh a task about
    /// every 15 s, so asking seldom loses little.
    pub max: Duration,
    /// The share that chance may add or take away; 0.2 by default.
    pub jitter: f64,
}

impl Default for Backoff {
    fn default() -> Self {
        Self {
            first: Duration::from_secs(1),
            factor: 1.5,
            max: Duration::from_secs(10),
            jitter: 0.2,
        }
    }
}

impl Backoff {
    /// The pause before repeat number `turn`, counted from 0. `chance`, from 0 to 1, decides
    /// the jitter; 0.5 gives none. Figures that make no sense are brought into range.
    pub fn delay(&self, turn: u32, chance: f64) -> Duration {
        let sane = |x: f64, low: f64, high: f64| if x.is_nan() { low } else { x.clamp(low, high) };
        let turn = i32::try_from(turn).unwrap_or(i32::MAX);
        let grown = self.first.as_secs_f64() * sane(self.factor, 1.0, 10.0).powi(turn);
        let capped = grown.min(self.max.as_secs_f64());
        let swing = 1.0 + sane(self.jitter, 0.0, 1.0) * (2.0 * sane(chance, 0.0, 1.0) - 1.0);
        Duration::try_from_secs_f64(capped * swing).unwrap_or(self.max)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_delay_is_never_longer_than_the_longest_and_its_jitter(
            first in 0u64..100_000, max in 0u64..100_000, factor in any::<f64>(),
            jitter in any::<f64>(), turn in any::<u32>(), chance in any::<f64>(),
        ) {
            let backoff = Backoff {
                first: Duration::from_millis(first),
                max: Duration::from_millis(max),
                factor,
                jitter,
            };
            prop_assert!(backoff.delay(turn, chance) <= Duration::from_millis(2 * max + 1));
        }
    }

    #[test]
    fn chance_swings_both_ways() {
        let backoff = Backoff::default();
        assert_eq!(backoff.delay(0, 0.0), Duration::from_millis(800));
        assert_eq!(backoff.delay(0, 0.5), Duration::from_secs(1));
        assert_eq!(backoff.delay(0, 1.0), Duration::from_millis(1200));
    }
}
