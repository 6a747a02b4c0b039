//! Medians and their spread.

use serde::Serialize;

/// The smallest, the middle and the largest of some values.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct Spread {
    pub(crate) min: f64,
    pub(crate) median: f64,
    pub(crate) max: f64,
}

impl Spread {
    /// Returns the spread of `values`; of none, three times `NaN`, which meets no goal.
    pub(crate) fn of(values: impl IntoIterator<Item = f64>) -> Self {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        let middle = values.len() / 2;
        let median = match values[..] {
            [] => f64::NAN,
            _ if values.len() % 2 == 1 => values[middle],
            _ => f64::midpoint(values[middle - 1], values[middle]),
        };
        Self {
            min: values.first().copied().unwrap_or(f64::NAN),
            median,
            max: values.last().copied().unwrap_or(f64::NAN),
        }
    }

    /// Returns the value that `share` of `values` do not exceed; of none, `NaN`.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        clippy::cast_sign_loss,
        reason = "a position in a list"
    )]
    pub(crate) fn percentile(values: &[f64], share: f64) -> f64 {
        let mut values = values.to_vec();
        values.sort_by(f64::total_cmp);
        let last = (values.len() as f64 * share).ceil() as usize;
        values
            .get(last.saturating_sub(1))
            .copied()
            .unwrap_or(f64::NAN)
    }

    /// A value that was measured once, or that does not vary.
    pub(crate) const fn exactly(value: f64) -> Self {
        Self {
            min: value,
            median: value,
            max: value,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle_value_or_between_the_two_middle_values() {
        for (values, min, median, max) in [
            (&[3.0, 1.0, 2.0][..], 1.0, 2.0, 3.0),
            (&[4.0, 1.0, 3.0, 2.0], 1.0, 2.5, 4.0),
            (&[7.0], 7.0, 7.0, 7.0),
        ] {
            let spread = Spread::of(values.iter().copied());
            assert_eq!(spread, Spread { min, median, max });
        }
    }

    #[test]
    #[expect(clippy::float_cmp, reason = "one of the values")]
    fn a_percentile_is_the_value_that_so_large_a_share_does_not_exceed() {
        let values: Vec<f64> = (1..=200).rev().map(f64::from).collect();
        assert_eq!(Spread::percentile(&values, 0.99), 198.0);
        assert_eq!(Spread::percentile(&values, 1.0), 200.0);
        assert_eq!(Spread::percentile(&[7.0], 0.5), 7.0);
        assert!(Spread::percentile(&[], 0.5).is_nan());
    }

    #[test]
    fn of_nothing_there_is_no_median() {
        assert!(Spread::of([]).median.is_nan());
    }
}
