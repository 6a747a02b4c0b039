//! The type of a field, read from its flattened schema.

use serde_json::Value;

use super::flat::{Flat, kind_of, kind_of_values};
use super::flatten::Flattener;
use super::json::JsonExt;
use super::limits::{self, Items};
use super::note::{Notes, shown};
use crate::error::Error;

/// The types that our components have.
#[derive(Debug)]
pub(super) enum Kind {
    Text,
    File {
        accepts: Vec<&'static str>,
    },
    /// Texts, or whole numbers.
    Choice {
        values: Vec<Value>,
    },
    Integer {
        minimum: Option<Value>,
        maximum: Option<Value>,
    },
    Number {
        minimum: Option<Value>,
        maximum: Option<Value>,
    },
    Boolean,
    Files {
        accepts: Vec<&'static str>,
        items: Items,
    },
    Texts {
        items: Items,
    },
    /// Any JSON; whether an object was asked for.
    Any {
        object: bool,
    },
}

const MEDIA: &[(&[&str], &str)] = &[
    (&["jpeg", "jpg"], "image/jpeg"),
    (&["png"], "image/png"),
    (&["gif"], "image/gif"),
    (&["webp"], "image/webp"),
];

pub(super) fn kind(
    flat: &mut Flat,
    description: Option<&str>,
    flattener: &mut Flattener<'_>,
    notes: &mut Notes,
) -> Result<Kind, Error> {
    if let Some(why) = flat.unfit.take() {
        return Ok(any(&why, flat, notes));
    }
    let stated = flat.kind.clone();
    let values = flat.values.take();
    if let Some(values) = values {
        return Ok(choice(stated.as_deref(), values, flat, notes));
    }
    let uri = flat.word("format").and_then(Value::as_str) == Some("uri");
    Ok(match stated.as_deref() {
        Some("string") if uri => {
            flat.take("format");
            Kind::File {
                accepts: accepts(description, notes),
            }
        }
        Some("string") => Kind::Text,
        Some("boolean") => Kind::Boolean,
        Some("integer") => {
            let (minimum, maximum) = limits::integer(flat, notes);
            Kind::Integer { minimum, maximum }
        }
        Some("number") => {
            let (minimum, maximum) = limits::number(flat, notes);
            Kind::Number { minimum, maximum }
        }
        Some("array") => list(flat, description, flattener, notes)?,
        Some("object") => any("it is an object", flat, notes),
        Some(other) => {
            let why = format!("{} is no type", shown(other));
            any(&why, flat, notes)
        }
        None => any("its schema gives no type", flat, notes),
    })
}

fn any(why: &str, flat: &mut Flat, notes: &mut Notes) -> Kind {
    notes.add(format!("{why}; it is any JSON now"));
    if let Some(values) = flat.values.take() {
        let values = shown(&Value::Array(values).to_string());
        notes.add(format!("left out its values {values}"));
    }
    Kind::Any {
        object: flat.kind.as_deref() == Some("object"),
    }
}

fn choice(stated: Option<&str>, values: Vec<Value>, flat: &mut Flat, notes: &mut Notes) -> Kind {
    let read = kind_of_values(&values);
    let whole = read == Some("integer");
    if let (Some(stated), Some(read)) = (stated, read)
        && stated != read
        && !(stated == "number" && whole)
    {
        notes.add(format!(
            "it is stated to be {stated}, its values are {read}; they win"
        ));
    }
    let shown_values = shown(&Value::Array(values.clone()).to_string());
    match read {
        Some("string") => Kind::Choice { values },
        Some("integer") => Kind::Choice {
            values: values.iter().map(JsonExt::tidy).collect(),
        },
        Some("number") => {
            notes.add(format!(
                "left out its values {shown_values}; it is any number between them now"
            ));
            let by_size = |a: &&Value, b: &&Value| a.as_f64().partial_cmp(&b.as_f64());
            let by_size =
                |a: &&Value, b: &&Value| by_size(a, b).unwrap_or(std::cmp::Ordering::Equal);
            Kind::Number {
                minimum: values.iter().min_by(by_size).map(JsonExt::tidy),
                maximum: values.iter().max_by(by_size).map(JsonExt::tidy),
            }
        }
        Some("boolean") => {
            if values.len() == 1 {
                notes.add(format!("left out its values {shown_values}"));
            }
            Kind::Boolean
        }
        _ => {
            flat.values = Some(values);
            any("its values are of several types", flat, notes)
        }
    }
}

fn list(
    flat: &mut Flat,
    description: Option<&str>,
    flattener: &mut Flattener<'_>,
    notes: &mut Notes,
) -> Result<Kind, Error> {
    let schema = flat.take("items").unwrap_or(Value::Bool(true));
    let mut item = flattener.flatten(&schema)?;
    let kind = kind_of(&item).map(str::to_owned);
    if item.unfit.is_some() || kind.as_deref() != Some("string") {
        let schema = shown(&schema.to_string());
        let why = format!("it is a list of what is no text (`items: {schema}`)");
        return Ok(any(&why, flat, notes));
    }
    for lost in std::mem::take(&mut item.lost) {
        notes.add(format!("of its items, {lost}"));
    }
    let items = limits::items(flat, notes);
    if item.nullable {
        notes.add("left out that its items may be null");
    }
    if let Some(values) = &item.values {
        let values = shown(&Value::Array(values.clone()).to_string());
        notes.add(format!("left out the values of its items, {values}"));
    }
    item.take("title");
    let uri = item.word("format").and_then(Value::as_str) == Some("uri") && item.values.is_none();
    if uri {
        item.take("format");
    }
    for (key, value) in &item.words {
        let value = shown(&value.to_string());
        notes.add(format!("left out `{}: {value}` of its items", shown(key)));
    }
    Ok(if uri {
        let accepts = accepts(description, notes);
        Kind::Files { accepts, items }
    } else {
        Kind::Texts { items }
    })
}

impl Kind {
    /// A value as this type has it, and whether it was of another type; `None` when it is
    /// not one of them.
    pub(super) fn read(&self, value: &Value) -> (Option<Value>, bool) {
        let fits = |value: Value| self.takes(&value).then_some(value);
        if let Some(value) = fits(value.clone()) {
            let value = match self {
                Self::Any { .. } | Self::Text => value,
                _ => value.tidy(),
            };
            return (Some(value), false);
        }
        // `1` for "1", and the other way round.
        let other = match value {
            Value::String(text) => serde_json::from_str::<Value>(text).ok(),
            Value::Number(_) | Value::Bool(_) => Some(value.plain().into()),
            _ => None,
        };
        let other = other.and_then(|other| {
            let tidy = other.tidy();
            fits(other).or_else(|| fits(tidy))
        });
        (other, true)
    }

    pub(super) fn takes(&self, value: &Value) -> bool {
        let within = |minimum: &Option<Value>, maximum: &Option<Value>| {
            let limit = |limit: &Option<Value>| limit.as_ref().and_then(Value::as_f64);
            value.as_f64().is_some_and(|number| {
                limit(minimum).is_none_or(|minimum| minimum <= number)
                    && limit(maximum).is_none_or(|maximum| number <= maximum)
            })
        };
        let texts = |limit: &Items| {
            value.as_array().is_some_and(|items| {
                let count = i64::try_from(items.len()).unwrap_or(i64::MAX);
                items.iter().all(|item| item.as_str().is_some())
                    && limit.minimum.is_none_or(|minimum| minimum <= count)
                    && limit.maximum.is_none_or(|maximum| count <= maximum)
            })
        };
        match self {
            Self::Text | Self::File { .. } => value.as_str().is_some(),
            Self::Choice { values } => values.contains(&value.tidy()),
            Self::Integer { minimum, maximum } => {
                value.integer().is_some() && within(minimum, maximum)
            }
            Self::Number { minimum, maximum } => within(minimum, maximum),
            Self::Boolean => matches!(value, Value::Bool(_)),
            Self::Files { items, .. } | Self::Texts { items } => texts(items),
            Self::Any { .. } => true,
        }
    }
}

/// The media types of images that the description names, with a note on it.
fn accepts(description: Option<&str>, notes: &mut Notes) -> Vec<&'static str> {
    let description = description.unwrap_or_default().to_lowercase();
    let words: Vec<_> = words(&description).collect();
    let accepts: Vec<_> = MEDIA
        .iter()
        .filter(|(names, _)| words.iter().any(|word| names.contains(word)))
        .map(|(_, media)| *media)
        .collect();
    notes.add(if accepts.is_empty() {
        "which media types it accepts is not stated; write `x-accepts` if it is known"
    } else {
        "`x-accepts` is read from its description; read it over"
    });
    accepts
}

pub(super) fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric() && c != '_')
        .filter(|word| !word.is_empty())
}
