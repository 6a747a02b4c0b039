//! Rows whose input is another than that of their prediction.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::rows::identify;

/// A row whose id was seen with another model or input.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Changed {
    /// Its line.
    pub line: u64,
    /// Its id.
    pub id: String,
    /// The names of the input's fields that differ, and `model` if that does, sorted. Empty if what was
    /// sent cannot be read.
    pub fields: Vec<String>,
    /// Whether its prediction is being created or runs.
    pub is_running: bool,
    /// Whether it is unknown if its prediction was created.
    pub is_unresolved: bool,
}

impl Changed {
    /// The row of this `line` and `id` that differs in these `fields` from its prediction, which has
    /// ended.
    pub fn new(line: u64, id: impl Into<String>, fields: Vec<String>) -> Self {
        Self {
            line,
            id: id.into(),
            fields,
            is_running: false,
            is_unresolved: false,
        }
    }

    /// Returns the names of what differs between two models and their inputs, as JSON, for
    /// [`fields`](Self::fields). Numbers count by their value: `1.0` is `1`.
    pub fn fields_between(before: (&str, &str), now: (&str, &str)) -> Vec<String> {
        let mut differing = BTreeSet::new();
        if before.0 != now.0 {
            differing.insert("model".to_owned());
        }
        let read = |input: &str| serde_json::from_str::<Map<String, Value>>(input).ok();
        if let (Some(before), Some(now)) = (read(before.1), read(now.1)) {
            let names = before.keys().chain(now.keys());
            let differs = |name: &&String| !is_same(before.get(*name), now.get(*name));
            differing.extend(names.filter(differs).cloned());
        }
        differing.into_iter().collect()
    }

    /// Returns the names of [fields](Self::fields) for a sentence: `prompt and seed`.
    pub fn named(fields: &[String]) -> String {
        match fields {
            [] => "model or input".to_owned(),
            [only] => only.clone(),
            [first @ .., last] => format!("{} and {last}", first.join(", ")),
        }
    }
}

/// Whether two values of a field are one, as they are for the hash of a row.
fn is_same(before: Option<&Value>, now: Option<&Value>) -> bool {
    let hash = |value: &Value| {
        let (_, hash) = identify("", &Map::from_iter([(String::new(), value.clone())]));
        hash
    };
    before == now || before.map(hash) == now.map(hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fields_that_differ_are_named_in_order() {
        for (before, now, differing) in [
            (r#"{"prompt":"a"}"#, r#"{"prompt":"a"}"#, ""),
            (r#"{"prompt":"a"}"#, r#"{"prompt":"b"}"#, "prompt"),
            (
                r#"{"seed":1,"prompt":"a","n":2}"#,
                r#"{"prompt":"b","n":2}"#,
                "prompt seed",
            ),
            (r"{}", r#"{"seed":1}"#, "seed"),
            (r"{}", r#"{"seed":null}"#, "seed"),
            // One row, however a number is written and keys are ordered.
            (
                r#"{"seed":1,"x":{"a":1,"b":2}}"#,
                r#"{"x":{"b":2.0,"a":1},"seed":1.0}"#,
                "",
            ),
            (
                r#"{"x":{"a":[1]},"y":0}"#,
                r#"{"x":{"a":[2]},"y":-0.0}"#,
                "x",
            ),
            (r#"{"seed":1}"#, r#"{"seed":"1"}"#, "seed"),
            ("damaged", r#"{"seed":1}"#, ""),
        ] {
            let fields = Changed::fields_between(("a/b", before), ("a/b", now));
            assert_eq!(fields.join(" "), differing, "{before} {now}");
            let fields = Changed::fields_between(("a/b", now), ("a/b", before));
            assert_eq!(fields.join(" "), differing, "{now} {before}");
        }
    }

    #[test]
    fn a_model_is_named_among_the_fields_once() {
        let fields = |before, now| Changed::fields_between(("a/b", before), ("a/c", now));
        assert_eq!(fields("{}", "{}"), ["model"]);
        let (before, now) = (r#"{"model":1,"a":1,"z":1}"#, r#"{"model":2,"a":2,"z":2}"#);
        assert_eq!(fields(before, now), ["a", "model", "z"]);
    }
}
