//! Comparing the input that was sent with the one that the service shows.

use cometapi::Prediction;
use cometapi_account::is_name_of;
use serde_json::{Map, Value};

use crate::ledger::Entry;
use crate::rows::identify;

/// Whether a prediction at the service has the input of one in the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum InputMatch {
    /// Model and input are the same.
    Same,
    /// The service no longer shows the input, or shows it in another form: it may be the same.
    Unknown,
    /// The model or a field is another, unless the service has changed it.
    Different,
}

/// Compares the input of `entry` with the one that the service shows.
pub(super) fn compare(entry: &Entry, shown: &Prediction) -> InputMatch {
    let is_other_model = shown
        .model()
        .is_some_and(|model| !is_name_of(model, &entry.model));
    if is_other_model {
        return InputMatch::Different;
    }
    let Some(input) = shown.input().filter(|_| !shown.data_removed()) else {
        return InputMatch::Unknown;
    };
    if identify(&entry.model, input).1 == entry.hash {
        return InputMatch::Same;
    }
    match serde_json::from_str::<Map<String, Value>>(&entry.input) {
        Ok(sent)
            if sent
                .iter()
                .any(|(name, value)| differs(value, input.get(name))) =>
        {
            InputMatch::Different
        }
        // What is missing or added may be the service's own doing.
        _ => InputMatch::Unknown,
    }
}

/// The hash of model and input, with every string of the input trimmed.
pub(super) fn trimmed_hash(entry: &Entry) -> String {
    let Ok(mut input) = serde_json::from_str::<Map<String, Value>>(&entry.input) else {
        return entry.hash.clone();
    };
    for value in input.values_mut() {
        if let Value::String(text) = value {
            *text = text.trim().to_owned();
        }
    }
    identify(&entry.model, &input).1
}

/// Whether a value cannot be the one that was sent. The service may trim a string, and show a file by an address
/// of its own; what is nested may have got defaults.
fn differs(sent: &Value, shown: Option<&Value>) -> bool {
    match (sent, shown) {
        (Value::Number(sent), Some(Value::Number(shown))) => sent.as_f64() != shown.as_f64(),
        (Value::String(sent), Some(Value::String(shown))) => {
            sent.trim() != shown.trim() && !is_url(sent) && !is_url(shown)
        }
        (Value::Bool(sent), Some(Value::Bool(shown))) => sent != shown,
        _ => false,
    }
}

fn is_url(text: &str) -> bool {
    let scheme = text.trim_start().split_once(':').map(|(scheme, _)| scheme);
    let is = |known: &&str| scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case(known));
    ["data", "http", "https"].iter().any(is)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_that_was_sent_and_is_another_is_a_difference() {
        use serde_json::json;
        for (sent, shown, expected) in [
            (json!("a"), json!("a"), false),
            (json!("a"), json!("b"), true),
            (json!(1), json!(1.0), false),
            (json!(1), json!(2), true),
            (json!(true), json!(false), true),
            (
                json!("data:image/png;base64,AA"),
                json!("https://x/y.png"),
                false,
            ),
            (json!("https://a/b.png"), json!("https://x/y.png"), false),
            (
                json!("HTTP://a/b.png"),
                json!("data:image/png;base64,AA"),
                false,
            ),
            (json!("AA"), json!("https://x/y.png"), false),
            (json!("a red fox\n"), json!("a red fox"), false),
            (json!("a red fox"), json!(" a red fox "), false),
            (json!("a red fox "), json!("a  red fox"), true),
            (json!("data"), json!("other"), true),
            (json!("1"), json!(1), false),
            (json!({"a": 1}), json!({"a": 1, "b": 2}), false),
            (json!("a"), json!(null), false),
        ] {
            assert_eq!(differs(&sent, Some(&shown)), expected, "{sent} {shown}");
        }
        assert!(!differs(&json!("a"), None));
    }
}
