//! What makes a row that row: not its line.

use std::fmt::Write as _;

use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

/// `fields` as JSON with the keys of every object in order, whatever order the map keeps:
/// whether `serde_json` sorts depends on a feature that any other crate may turn on.
pub(crate) fn canonical_map(fields: &Map<String, Value>) -> String {
    let mut text = String::new();
    write_map(fields, &mut text);
    text
}

fn write(value: &Value, text: &mut String) {
    match value {
        Value::Object(fields) => write_map(fields, text),
        Value::Array(items) => {
            text.push('[');
            for (n, item) in items.iter().enumerate() {
                if n > 0 {
                    text.push(',');
                }
                write(item, text);
            }
            text.push(']');
        }
        // Their own printing is compact and escapes what must be.
        plain => _ = write!(text, "{plain}"),
    }
}

fn write_map(fields: &Map<String, Value>, text: &mut String) {
    let mut fields: Vec<_> = fields.iter().collect();
    fields.sort_unstable_by_key(|(name, _)| *name);
    text.push('{');
    for (n, (name, value)) in fields.into_iter().enumerate() {
        if n > 0 {
            text.push(',');
        }
        _ = write!(text, "{}:", Value::String(name.clone()));
        write(value, text);
    }
    text.push('}');
}

/// The hash of a model and an input in canonical form, in hex.
pub(crate) fn hash(model: &str, canonical_input: &str) -> String {
    let mut digest = Sha256::new();
    // A model holds no line break, so the two cannot run into each other.
    digest.update(model.as_bytes());
    digest.update(b"\n");
    digest.update(canonical_input.as_bytes());
    hex(&digest.finalize())
}

/// The hash of a text, in hex.
pub(crate) fn digest(text: &str) -> String {
    hex(&Sha256::digest(text.as_bytes()))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn canonical(value: &Value) -> String {
        let mut text = String::new();
        write(value, &mut text);
        text
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
            hash("a/b", r#"{"prompt":"x"}"#),
            "01684ed0a24f7b9e905b851e1f366edfc992c4bb25707c39020c67c4b818aaa5"
        );
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
        #[test]
        fn canonical_json_is_the_same_json_in_one_order(value in any_json()) {
            let text = canonical(&value);
            prop_assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), value.clone());
            prop_assert_eq!(canonical(&reversed(&value)), text);
        }
    }
}
