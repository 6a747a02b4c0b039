//! What is known of a schema once it is flattened, and how two such are put together.

use std::collections::HashSet;

use serde_json::{Value, json};

use super::json::JsonExt;
use super::note::shown;

/// What cog writes under every list of choices.
const BOILERPLATE: &str = "An enumeration.";

/// A schema, flattened.
#[derive(Debug, Clone, Default)]
pub(super) struct Flat {
    pub(super) kind: Option<String>,
    pub(super) nullable: bool,
    /// Without null, and without doubles.
    pub(super) values: Option<Vec<Value>>,
    /// All other words.
    pub(super) words: Vec<(String, Value)>,
    /// Why only "any JSON" can be said of it.
    pub(super) unfit: Option<String>,
    /// What was lost on the way, a half-sentence each.
    pub(super) lost: Vec<String>,
    /// It takes null and nothing else.
    pub(super) only_null: bool,
}

impl Flat {
    pub(super) fn word(&self, key: &str) -> Option<&Value> {
        self.words
            .iter()
            .find_map(|(name, value)| (name == key).then_some(value))
    }

    /// Takes a word out; what is left in the end has not been kept.
    pub(super) fn take(&mut self, key: &str) -> Option<Value> {
        let at = self.words.iter().position(|(name, _)| name == key)?;
        Some(self.words.remove(at).1)
    }

    pub(super) fn unfit(&mut self, why: impl Into<String>) {
        self.unfit.get_or_insert(why.into());
    }

    pub(super) fn set_kind(&mut self, kind: &Value) {
        let names = match kind {
            Value::String(name) => vec![name.as_str()],
            Value::Array(names) => names.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        };
        let null = names.contains(&"null");
        self.nullable |= null;
        let mut names: Vec<_> = names.into_iter().filter(|name| *name != "null").collect();
        names.dedup();
        match names[..] {
            [] if null => self.only_null = true,
            [name] => self.kind = Some(name.to_owned()),
            ["integer", "number"] | ["number", "integer"] => self.kind = Some("number".into()),
            [] => self.unfit(format!("{} is no type", shown(&kind.to_string()))),
            _ => self.unfit(format!("it takes several types ({})", names.join(", "))),
        }
    }

    pub(super) fn set_values(&mut self, values: &[Value]) {
        let null = values.contains(&Value::Null);
        let mut kept: Vec<_> = values
            .iter()
            .filter(|value| **value != Value::Null)
            .cloned()
            .collect();
        let stated = kept.len();
        let mut seen = HashSet::new();
        kept.retain(|value| seen.insert(value.to_string()));
        let doubles = stated - kept.len();
        if doubles > 0 {
            self.lost
                .push(format!("left out {doubles} of its values, given twice"));
        }
        self.nullable |= null;
        self.only_null |= null && kept.is_empty();
        if values.is_empty() {
            self.lost.push("left out a list of no values".into());
        } else if !kept.is_empty() {
            self.values = Some(kept);
        }
    }

    /// Both apply, as with `allOf`; for people's words, those further out win.
    pub(super) fn absorb(&mut self, inner: Self) {
        self.nullable |= inner.nullable;
        self.only_null |= inner.only_null;
        self.lost.extend(inner.lost);
        if let Some(why) = inner.unfit {
            self.unfit(why);
        }
        match (self.kind.as_deref(), inner.kind) {
            (_, None) => {}
            (None, kind) => self.kind = kind,
            (Some("number"), Some(kind)) if kind == "integer" => self.kind = Some(kind),
            (Some("integer"), Some(kind)) if kind == "number" => {}
            (Some(own), Some(kind)) if own != kind => {
                self.unfit(format!(
                    "its parts ask for {} and {}",
                    shown(own),
                    shown(&kind)
                ));
            }
            _ => {}
        }
        self.values = match (self.values.take(), inner.values) {
            (Some(own), Some(inner)) => {
                let inner: HashSet<_> = inner.iter().map(Value::to_string).collect();
                let both: Vec<_> = own
                    .into_iter()
                    .filter(|value| inner.contains(&value.to_string()))
                    .collect();
                if both.is_empty() {
                    self.unfit("its parts have no value in common");
                }
                Some(both).filter(|both| !both.is_empty())
            }
            (own, inner) => own.or(inner),
        };
        for (key, value) in inner.words {
            self.absorb_word(key, value);
        }
    }

    pub(super) fn absorb_word(&mut self, key: String, value: Value) {
        let Some((_, own)) = self.words.iter_mut().find(|(name, _)| *name == key) else {
            self.words.push((key, value));
            return;
        };
        if *own == value {
            return;
        }
        let stricter = match key.as_str() {
            "minimum" | "exclusiveMinimum" | "minItems" | "minLength" => {
                value.as_f64() > own.as_f64()
            }
            "maximum" | "exclusiveMaximum" | "maxItems" | "maxLength" => {
                value.as_f64().is_some() && value.as_f64() < own.as_f64()
            }
            _ => false,
        };
        match (key.as_str(), own, value) {
            (_, own, value) if stricter => *own = value,
            (
                "minimum" | "exclusiveMinimum" | "minItems" | "minLength" | "maximum"
                | "exclusiveMaximum" | "maxItems" | "maxLength",
                Value::Number(_),
                Value::Number(_),
            ) => {}
            ("properties", Value::Object(own), Value::Object(inner)) => {
                for (name, schema) in inner {
                    // Both apply to the field as well.
                    let schema = match own.get(&name) {
                        Some(own) => json!({"allOf": [own, schema]}),
                        None => schema,
                    };
                    own.insert(name, schema);
                }
            }
            ("required", Value::Array(own), Value::Array(inner)) => {
                for name in inner {
                    if !own.contains(&name) {
                        own.push(name);
                    }
                }
            }
            ("title", ..) => {}
            ("description", _, value) if is_boilerplate(&value) => {}
            (_, _, value) => {
                let value = shown(&value.to_string());
                self.lost
                    .push(format!("left out a second `{}: {value}`", shown(&key)));
            }
        }
    }
}

/// The type, stated or read from the values.
pub(super) fn kind_of(flat: &Flat) -> Option<&str> {
    let values = flat.values.as_deref().unwrap_or_default();
    flat.kind.as_deref().or_else(|| kind_of_values(values))
}

/// The one type that all values have.
pub(super) fn kind_of_values(values: &[Value]) -> Option<&'static str> {
    let mut kinds: Vec<_> = values.iter().map(kind_of_value).collect();
    kinds.sort_unstable();
    kinds.dedup();
    match kinds[..] {
        [kind] => Some(kind),
        ["integer", "number"] => Some("number"),
        _ => None,
    }
}

pub(super) fn kind_of_value(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) if value.integer().is_some() => "integer",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

pub(super) fn is_boilerplate(value: &Value) -> bool {
    value.as_str() == Some(BOILERPLATE)
}
