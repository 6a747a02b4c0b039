//! What makes a row that row: not its line.

use std::fmt::Write as _;
use std::io;

use serde::Serialize;
use serde_json::ser::{Formatter, Serializer};
use serde_json::{Map, Number, Value};
use sha2::{Digest, Sha256};

/// Returns `fields` as canonical JSON, and the hash of `model` and `fields` in hex.
///
/// The keys of every object are in order, whatever order the map keeps: whether `serde_json`
/// sorts depends on a feature that any other crate may turn on. In the JSON numbers stay as they
/// are: this is what is sent. In the hash they count by their value: a spreadsheet writes 1 as
/// `1.0`, and that is not another row.
pub(crate) fn identify(model: &str, fields: &Map<String, Value>) -> (String, String) {
    let mut sorted = Value::Object(fields.clone());
    sorted.sort_all_objects();
    // A model holds no line break, so the two cannot run into each other.
    let mut hashed = format!("{model}\n").into_bytes();
    // Writing to memory cannot fail.
    _ = sorted.serialize(&mut Serializer::with_formatter(&mut hashed, ByValue));
    (sorted.to_string(), hex(&Sha256::digest(&hashed)))
}

/// Compact JSON with one spelling for each number.
struct ByValue;

impl Formatter for ByValue {
    fn write_f64<W: io::Write + ?Sized>(&mut self, writer: &mut W, value: f64) -> io::Result<()> {
        let number = Number::from_f64(value).map(|number| number_by_value(&number));
        writer.write_all(number.unwrap_or_default().as_bytes())
    }
}

/// Returns one text for every spelling of a number: `1` for `1.0` and `1e0`, `0` for `-0.0`.
pub(crate) fn number_by_value(number: &Number) -> String {
    match number.as_f64() {
        // Beyond 64 bits no integer has the same value, so the spelling of floats is enough.
        Some(float) if number.is_f64() && float.fract() == 0.0 && float.abs() < 2e19 => {
            // The conversion is exact in this range.
            #[expect(
                clippy::cast_possible_truncation,
                reason = "whole, and within 128 bits"
            )]
            let whole = float as i128;
            whole.to_string()
        }
        _ => number.to_string(),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "exact where it counts"
)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn canonical(value: &Value) -> String {
        let fields = json!({ "value": value }).as_object().unwrap().clone();
        let (text, _) = identify("a/b", &fields);
        text["{\"value\":".len()..text.len() - 1].to_owned()
    }

    fn hash(model: &str, fields: &Value) -> String {
        identify(model, fields.as_object().unwrap()).1
    }

    #[test]
    fn keys_are_sorted_at_every_depth() {
        let value = json!({"b": [{"z": 1, "a": "\n"}], "a": null, "": 1.5});
        assert_eq!(
            canonical(&value),
            r#"{"":1.5,"a":null,"b":[{"a":"\n","z":1}]}"#
        );
    }

    #[test]
    fn a_hash_is_the_same_on_every_machine_and_for_ever() {
        // `printf 'a/b\n{"prompt":"x"}' | sha256sum`
        assert_eq!(
            hash("a/b", &json!({"prompt": "x"})),
            "01684ed0a24f7b9e905b851e1f366edfc992c4bb25707c39020c67c4b818aaa5"
        );
    }

    fn hash_of(value: &Value) -> String {
        hash("a/b", &json!({ "list": [value] }))
    }

    #[test]
    fn one_number_is_one_row_however_it_is_written() {
        for (same, other) in [
            (["1", "1.0", "1e0", "10e-1"], "2"),
            (["0", "-0.0", "0.0", "-0"], "1"),
            (["-7", "-7.0", "-70e-1", "-0.7e1"], "7"),
            (["0.5", "5e-1", "0.50", "50e-2"], "0.25"),
            (
                [
                    "9007199254740992",
                    "9007199254740992.0",
                    "9007199254740.992e3",
                    "9007199254740992e0",
                ],
                "9007199254740993",
            ),
            (
                [
                    "18446744073709549568",
                    "18446744073709549568.0",
                    "18446744073709549568e0",
                    "1.8446744073709549568e19",
                ],
                "18446744073709551615",
            ),
            (
                ["1e20", "100000000000000000000.0", "1.0e20", "10E+19"],
                "1e21",
            ),
        ] {
            let hashes = same.map(|text| hash_of(&serde_json::from_str(text).unwrap()));
            assert!(hashes.iter().all(|hash| *hash == hashes[0]), "{same:?}");
            let other = serde_json::from_str(other).unwrap();
            assert_ne!(hash_of(&other), hashes[0], "{same:?} and {other}");
        }
        assert_ne!(hash_of(&json!("1")), hash_of(&json!(1)));
    }

    fn any_number() -> impl Strategy<Value = Number> {
        let near = |number: i64| {
            let float = Number::from_f64(number as f64).unwrap();
            prop_oneof![Just(Number::from(number)), Just(float)]
        };
        let float =
            any::<u64>().prop_filter_map("finite", |bits| Number::from_f64(f64::from_bits(bits)));
        prop_oneof![
            (-3i64..4).prop_flat_map(near),
            ((1i64 << 53) - 3..(1 << 53) + 4).prop_flat_map(near),
            any::<i64>().prop_flat_map(near),
            any::<u64>().prop_map(Number::from),
            (u64::MAX - 4096..=u64::MAX).prop_map(Number::from),
            (u64::MAX - 4096..=u64::MAX).prop_map(|n| Number::from_f64(n as f64).unwrap()),
            (-12i32..12).prop_map(|n| Number::from_f64(f64::from(n) / 4.0).unwrap()),
            float,
        ]
    }

    /// Whether two numbers are equal, by exact arithmetic.
    fn equal(a: &Number, b: &Number) -> bool {
        let whole = |number: &Number| {
            let unsigned = number.as_u64().map(i128::from);
            number.as_i64().map(i128::from).or(unsigned)
        };
        let same = |whole: i128, float: f64| {
            float.fract() == 0.0 && float.abs() < 1e38 && float as i128 == whole
        };
        match (whole(a), whole(b)) {
            (Some(a), Some(b)) => a == b,
            (Some(a), None) => same(a, b.as_f64().unwrap()),
            (None, Some(b)) => same(b, a.as_f64().unwrap()),
            (None, None) => a.as_f64() == b.as_f64(),
        }
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<i32>().prop_map(|n| Value::from(f64::from(n) / 4.0)),
            ".*".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 32, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::vec((".*", inner), 0..6)
                    .prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
            ]
        })
    }

    /// The same value, its maps filled the other way round.
    fn reversed(value: &Value) -> Value {
        match value {
            Value::Object(fields) => Value::Object(
                fields
                    .iter()
                    .rev()
                    .map(|(name, value)| (name.clone(), reversed(value)))
                    .collect(),
            ),
            Value::Array(items) => items.iter().map(reversed).collect(),
            plain => plain.clone(),
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

        #[test]
        fn numbers_are_one_row_if_and_only_if_they_are_equal(a in any_number(), b in any_number()) {
            prop_assert_eq!(number_by_value(&a) == number_by_value(&b), equal(&a, &b));
            let float = Number::from_f64(a.as_f64().unwrap()).unwrap();
            prop_assert_eq!(number_by_value(&a) == number_by_value(&float), equal(&a, &float));
        }
    }

    proptest! {
        #[test]
        fn canonical_json_is_the_same_json_in_one_order(value in any_json()) {
            let text = canonical(&value);
            prop_assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), value.clone());
            prop_assert_eq!(canonical(&reversed(&value)), text);
        }
    }
}
