//! Comparing the input that was sent with the one that the service shows.

use cometapi::Prediction;
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
    /// The model or a field is another.
    Different,
}

/// Compares the input of `entry` with the one that the service shows.
pub(super) fn compare(entry: &Entry, shown: &Prediction) -> InputMatch {
    let is_other_model = shown
        .model()
        .is_some_and(|model| !is_same_model(&entry.model, model));
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

/// The service may leave the owner out, and add a version.
fn is_same_model(sent: &str, shown: &str) -> bool {
    let shown = shown.split(':').next().unwrap_or(shown);
    let name = sent.rsplit('/').next().unwrap_or(sent);
    shown == sent || shown == name
}

/// Whether a value cannot be the one that was sent. A file that was sent inside the request may be shown by
/// its URL; what is nested may have got defaults.
fn differs(sent: &Value, shown: Option<&Value>) -> bool {
    match (sent, shown) {
        (Value::String(sent), Some(Value::String(_))) if sent.starts_with("data:") => false,
        (Value::Number(sent), Some(Value::Number(shown))) => sent.as_f64() != shown.as_f64(),
        (Value::String(sent), Some(Value::String(shown))) => sent != shown,
        (Value::Bool(sent), Some(Value::Bool(shown))) => sent != shown,
        _ => false,
    }
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
            (json!("1"), json!(1), false),
            (json!({"a": 1}), json!({"a": 1, "b": 2}), false),
            (json!("a"), json!(null), false),
        ] {
            assert_eq!(differs(&sent, Some(&shown)), expected, "{sent} {shown}");
        }
        assert!(!differs(&json!("a"), None));
    }

    #[test]
    fn a_model_may_be_shown_by_its_name_or_with_a_version() {
        let same = |shown| is_same_model("black-forest-labs/flux-schnell", shown);
        for shown in [
            "black-forest-labs/flux-schnell",
            "flux-schnell",
            "black-forest-labs/flux-schnell:abc",
        ] {
            assert!(same(shown), "{shown}");
        }
        for shown in ["flux-dev", "other/flux-schnell", ""] {
            assert!(!same(shown), "{shown}");
        }
    }
}
