//! The component as a whole, with its words in the order in which `openapi.yaml` has them.

use serde_json::{Map, Value};

use super::example::example;
use super::field::Field;
use super::json::JsonExt;
use super::kind::Kind;
use super::limits::Items;
use super::note::{Notes, shown};
use super::output::ImportOutput;
use crate::error::Error;
use crate::models::variants;

/// A longer name is an accident; from 1024 on, YAML takes it for no key.
const NAME: usize = 128;

/// How much of a version's id is stated.
const VERSION: usize = 12;

pub(super) struct Component<'a> {
    pub(super) description: String,
    pub(super) model: &'a str,
    pub(super) output: ImportOutput,
    pub(super) version: Option<&'a str>,
    pub(super) created: Option<&'a str>,
    pub(super) copy: Option<&'a str>,
    pub(super) fields: &'a [Field],
    pub(super) required: &'a [String],
}

/// A name that no request could hold safely is refused; an odd one is stated.
pub(super) fn check_name(name: &str, notes: &mut Notes) -> Result<(), Error> {
    let refused = |why: &str| {
        Err(Error::published(format!(
            "the field `{}` {why}",
            shown(name)
        )))
    };
    if name.is_empty() {
        return refused("has no name");
    }
    if name.contains(char::is_control) {
        return refused("has a control character in its name");
    }
    if name.len() > NAME {
        return refused("has a name of more than 128 bytes");
    }
    let snake = name.starts_with(|first: char| first.is_ascii_lowercase())
        && name
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    if !snake {
        notes.add_to(
            name,
            "the name is not in snake_case; on the wire it stays as it is",
        );
    } else if syn::parse_str::<syn::Ident>(name).is_err() {
        notes.add_to(
            name,
            "the name is a word of Rust; on the wire it stays as it is",
        );
    }
    Ok(())
}

impl Component<'_> {
    pub(super) fn to_json(&self, notes: &mut Notes) -> Value {
        let mut words = Words::default();
        words.put("description", self.description.as_str());
        words.put("x-model", self.model);
        words.put("x-output", self.output.word());
        words.put("x-source", self.source(notes));
        words.put("type", "object");
        if !self.required.is_empty() {
            let required = self.required.iter().cloned().map(Value::from);
            words.put("required", Value::Array(required.collect()));
        }
        let properties = (0..).zip(self.fields);
        let properties =
            properties.map(|(order, field)| (field.name.clone(), property(field, order, notes)));
        words.put("properties", Value::Object(properties.collect()));
        words.put("example", self.example(notes));
        Value::Object(words.0)
    }

    fn source(&self, notes: &mut Notes) -> String {
        let stated = |version: &str| {
            let plain = version.bytes().all(|byte| byte.is_ascii_alphanumeric());
            plain && (1..=80).contains(&version.len())
        };
        let version = match self.version {
            Some(version) if stated(version) => {
                let short = version.get(..VERSION).unwrap_or(version);
                match self.created {
                    Some(created) => format!("of its version {short} of {created}"),
                    None => format!("of its version {short}"),
                }
            }
            Some(version) => {
                notes.add_to(
                    "x-source",
                    format!("left out the odd version `{}`", shown(version)),
                );
                "that it publishes for the model".into()
            }
            None => "that it publishes for the model".into(),
        };
        let copy = self.copy.map(|copy| format!(", as found in {copy}"));
        format!(
            "documented by Replicate, in the schema {version}{}. That CometAPI passes the field on is \
             inferred: its reference refers to the model's own page",
            copy.unwrap_or_default()
        )
    }

    fn example(&self, notes: &mut Notes) -> Value {
        let example = example(self.fields, self.required);
        for field in self.fields {
            if matches!(field.kind, Kind::Any { .. }) && self.required.contains(&field.name) {
                notes.add_to(&field.name, "its value in the example is a guess");
            }
            if let (Some(value), Kind::Files { .. } | Kind::Texts { .. }) =
                (example.get(&field.name), &field.kind)
                && !field.kind.takes(value)
            {
                notes.add_to(
                    &field.name,
                    "the example does not hold as many items as it asks for",
                );
            }
        }
        example
    }
}

fn property(field: &Field, order: i64, notes: &mut Notes) -> Value {
    let mut words = Words::default();
    let kind = match &field.kind {
        Kind::Text | Kind::File { .. } => Some("string"),
        Kind::Choice { values } if values.iter().all(|value| value.as_str().is_some()) => {
            Some("string")
        }
        Kind::Choice { .. } | Kind::Integer { .. } => Some("integer"),
        Kind::Number { .. } => Some("number"),
        Kind::Boolean => Some("boolean"),
        Kind::Files { .. } | Kind::Texts { .. } => Some("array"),
        Kind::Any { .. } => None,
    };
    words.put_some("type", kind);
    if matches!(field.kind, Kind::File { .. }) {
        words.put("format", "uri");
    }
    if field.nullable {
        words.put("nullable", Value::Bool(true));
    }
    words.put_some("description", field.description.as_deref());
    match &field.kind {
        Kind::Text | Kind::Boolean | Kind::Any { .. } => {}
        Kind::File { accepts } => words.accepts(accepts),
        Kind::Files { accepts, items } => {
            words.items(items, &[("type", "string"), ("format", "uri")]);
            words.accepts(accepts);
        }
        Kind::Texts { items } => words.items(items, &[("type", "string")]),
        Kind::Choice { values } => {
            let texts: Vec<_> = values.iter().map(JsonExt::plain).collect();
            let names = variants(&texts);
            let shown: Vec<_> = names.iter().take(3).map(String::as_str).collect();
            let more = if names.len() > 3 { ", …" } else { "" };
            notes.add_to(
                &field.name,
                format!("its values are called {}{more} in code", shown.join(", ")),
            );
            words.put("enum", Value::Array(values.clone()));
        }
        Kind::Integer { minimum, maximum } | Kind::Number { minimum, maximum } => {
            words.put_some("minimum", minimum.clone());
            words.put_some("maximum", maximum.clone());
        }
    }
    words.put_some("x-default", field.default.as_deref());
    if field.deprecated {
        words.put("deprecated", Value::Bool(true));
    }
    words.put("x-order", order);
    Value::Object(words.0)
}

#[derive(Default)]
struct Words(Map<String, Value>);

impl Words {
    fn put(&mut self, key: &str, value: impl Into<Value>) {
        self.0.insert(key.to_owned(), value.into());
    }

    fn put_some(&mut self, key: &str, value: Option<impl Into<Value>>) {
        if let Some(value) = value {
            self.put(key, value);
        }
    }

    fn items(&mut self, items: &Items, of: &[(&str, &str)]) {
        self.put_some("minItems", items.minimum);
        self.put_some("maxItems", items.maximum);
        let of = of
            .iter()
            .map(|(key, value)| ((*key).to_owned(), Value::from(*value)));
        self.put("items", Value::Object(of.collect()));
    }

    fn accepts(&mut self, accepts: &[&str]) {
        if !accepts.is_empty() {
            let accepts = accepts.iter().map(|media| Value::from(*media));
            self.put("x-accepts", Value::Array(accepts.collect()));
        }
    }
}
