//! A plain comparison of two documents, words for people left out.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::oracle::{escape, short};

/// Words that bind nobody.
const TALK: [&str; 7] = [
    "description",
    "summary",
    "title",
    "tags",
    "externalDocs",
    "license",
    "contact",
];

/// Maps to which a name may be added without breaking anybody: answers and schemas are open.
const GROWING: [&str; 9] = [
    "paths",
    "properties",
    "schemas",
    "examples",
    "responses",
    "headers",
    "parameters",
    "content",
    "securitySchemes",
];

/// One place in which the documents differ, and how.
pub(super) struct Difference {
    pub(super) pointer: String,
    pub(super) what: String,
}

impl Difference {
    pub(super) fn new(pointer: impl Into<String>, what: impl Into<String>) -> Self {
        Self {
            pointer: pointer.into(),
            what: what.into(),
        }
    }

    /// Whether `pointer` is this place or lies below it.
    pub(super) fn covers(&self, pointer: &str) -> bool {
        below(pointer, &self.pointer)
    }

    pub(super) fn is_below(&self, pointer: &str) -> bool {
        below(&self.pointer, pointer)
    }
}

fn below(pointer: &str, above: &str) -> bool {
    pointer
        .strip_prefix(above)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// How many values a document has that can differ.
pub(super) fn places(document: &Value) -> usize {
    match document {
        Value::Object(object) => object
            .iter()
            .filter(|(key, _)| !TALK.contains(&key.as_str()))
            .map(|(_, value)| places(value))
            .sum(),
        Value::Array(items) => items.iter().map(places).sum(),
        _ => 1,
    }
}

/// Everything but harmless additions in which `new` differs from `old`.
pub(super) fn differences(old: &Value, new: &Value) -> Vec<Difference> {
    let mut found = Vec::new();
    compare(old, new, "#", "", &mut found);
    found
}

fn compare(old: &Value, new: &Value, at: &str, key: &str, found: &mut Vec<Difference>) {
    if old == new || at == "#/info/version" {
        return;
    }
    match (old, new) {
        (Value::Object(old), Value::Object(new)) => objects(old, new, at, key, found),
        (Value::Array(olds), Value::Array(news)) if olds.iter().all(Value::is_string) => {
            let words = |list: &[Value]| {
                list.iter()
                    .map(ToString::to_string)
                    .collect::<BTreeSet<_>>()
            };
            let (olds, news) = (words(olds), words(news));
            for gone in olds.difference(&news) {
                found.push(Difference::new(at, format!("{gone} is gone")));
            }
            for come in news.difference(&olds) {
                found.push(Difference::new(at, format!("{come} has come")));
            }
        }
        (Value::Array(olds), Value::Array(news)) if olds.len() == news.len() => {
            for (index, (old, new)) in olds.iter().zip(news).enumerate() {
                compare(old, new, &format!("{at}/{index}"), "", found);
            }
        }
        _ => {
            let (old, new) = (short(&old.to_string()), short(&new.to_string()));
            found.push(Difference::new(at, format!("{old} became {new}")));
        }
    }
}

fn objects(
    old: &Map<String, Value>,
    new: &Map<String, Value>,
    at: &str,
    key: &str,
    found: &mut Vec<Difference>,
) {
    // In a map of names a name may be `title`; in an example every word counts.
    let of_names = GROWING.contains(&key);
    let free = at.contains("/example");
    for (name, old) in old {
        let here = format!("{at}/{}", escape(name));
        if !of_names && !free && TALK.contains(&name.as_str()) {
            continue;
        }
        match new.get(name) {
            None => found.push(Difference::new(
                here,
                format!("{} is gone", short(&old.to_string())),
            )),
            // The schema of an example map is its values.
            Some(new) => compare(old, new, &here, if of_names { "" } else { name }, found),
        }
    }
    for (name, new) in new {
        let talk = !free && TALK.contains(&name.as_str());
        if !old.contains_key(name) && !of_names && !talk {
            let here = format!("{at}/{}", escape(name));
            found.push(Difference::new(
                here,
                format!("{} has come", short(&new.to_string())),
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn found(old: Value, new: Value) -> Vec<String> {
        let found = differences(&old, &new);
        found
            .into_iter()
            .map(|one| format!("{} {}", one.pointer, one.what))
            .collect()
    }

    #[test]
    fn words_for_people_and_new_names_are_no_difference() {
        let old = json!({
            "paths": {"/a": {"summary": "x"}},
            "components": {"schemas": {}},
            "info": {"version": "1"},
        });
        let new = json!({
            "paths": {"/a": {"summary": "y"}, "/b": {}},
            "components": {"schemas": {"A": {"type": "object"}}},
            "info": {"version": "2"},
        });
        assert_eq!(found(old, new), Vec::<String>::new());
    }

    #[test]
    fn what_others_are_blind_to_is_seen() {
        let old = json!({"a": {"required": ["x"], "type": "string"}, "properties": {"title": {"type": "string"}}});
        let new = json!({"a": {"required": ["x", "y"], "type": "string", "nullable": true}, "properties": {"title": {}}});
        assert_eq!(
            found(old, new),
            [
                "#/a/required \"y\" has come",
                "#/a/nullable true has come",
                "#/properties/title/type \"string\" is gone",
            ]
        );
    }
}
