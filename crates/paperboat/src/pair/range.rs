//! `A..B`: each of some whole numbers.

use serde_json::Value;

use super::head;
use crate::failure::Failure;

/// The most numbers that a range may have.
const MAX: u64 = 100_000;

/// The whole numbers from `from` to `to`, with both.
pub(super) fn read(key: &str, from: &str, to: &str) -> Result<Vec<Value>, Failure> {
    let ends = from.trim().parse::<i64>().ok().zip(to.trim().parse().ok());
    let Some((from, to)) = ends else {
        let given = head(&format!("{key}={from}..{to}"));
        return Err(
            Failure::usage(format!("{given} is not a range")).with_advice(format!(
                "write it with its first and its last number: {key}=1..20"
            )),
        );
    };
    if from > to {
        return Err(
            Failure::usage(format!("{key}={from}..{to} holds no number")).with_advice(format!(
                "the smaller number comes first: {key}={to}..{from}"
            )),
        );
    }
    if to.abs_diff(from) >= MAX {
        return Err(Failure::usage(format!(
            "{key}={from}..{to} holds more than {MAX} numbers"
        )));
    }
    Ok((from..=to).map(Value::from).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_that_is_none_is_refused() {
        for (text, said) in [
            ("1..20..5", "seed=1..20..5 is not a range"),
            ("1..", "seed=1.. is not a range"),
            ("..", "seed=.. is not a range"),
            ("0.5..2", "seed=0.5..2 is not a range"),
            ("20..1", "seed=20..1 holds no number"),
            ("1..100001", "seed=1..100001 holds more than 100000 numbers"),
            (
                "-9223372036854775808..9223372036854775807",
                "seed=-9223372036854775808..9223372036854775807 holds more than",
            ),
        ] {
            let (from, to) = text.split_once("..").unwrap();
            let refused = read("seed", from, to).unwrap_err().to_string();
            assert!(refused.starts_with(said), "{refused}");
        }
        assert_eq!(read("seed", "1", "100000").unwrap().len(), 100_000);
    }
}
