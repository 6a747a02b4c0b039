//! Sums of money, as people read them.

use cometapi_batch::Cost;

/// What predictions cost together: `$0.30 expected for 100 predictions`. `None` if they cost nothing.
pub(crate) fn sum(cost: &Cost) -> Option<String> {
    let mut parts = Vec::new();
    let amounts = [(cost.charged, "charged"), (cost.expected, "expected")];
    let amounts = amounts.iter().filter(|(amount, _)| amount.is_positive());
    let amounts: Vec<_> = amounts
        .map(|(amount, how)| format!("{amount} {how}"))
        .collect();
    if !amounts.is_empty() {
        let known = cost.predictions.saturating_sub(cost.unknown);
        let amounts = amounts.join(" and ");
        parts.push(format!("{amounts} for {}", predictions(known)));
    }
    if cost.unknown > 0 {
        parts.push(format!(
            "the cost of {} is unknown",
            predictions(cost.unknown)
        ));
    }
    Some(parts.join("; ")).filter(|text| !text.is_empty())
}

fn predictions(count: u64) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} prediction{plural}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_known_and_what_is_not_are_apart() {
        for (predictions, charged, expected, unknown, shown) in [
            (0, "0", "0", 0, None),
            (1, "0", "0.3", 0, Some("$0.30 expected for 1 prediction")),
            (
                5,
                "0.2",
                "0.3",
                0,
                Some("$0.20 charged and $0.30 expected for 5 predictions"),
            ),
            (
                5,
                "0.2",
                "0",
                1,
                Some("$0.20 charged for 4 predictions; the cost of 1 prediction is unknown"),
            ),
            (2, "0", "0", 2, Some("the cost of 2 predictions is unknown")),
            (2, "0", "0", 0, None),
        ] {
            let mut cost = Cost::default();
            cost.predictions = predictions;
            cost.charged = charged.parse().unwrap();
            cost.expected = expected.parse().unwrap();
            cost.unknown = unknown;
            assert_eq!(sum(&cost).as_deref(), shown);
        }
    }
}
