//! One field: what our components can say of it, and a note on everything else.

use serde_json::Value;

use super::flat::{Flat, kind_of_value};
use super::flatten::Flattener;
use super::json::JsonExt;
use super::kind::{Kind, kind};
use super::note::{Notes, shown};
use crate::error::Error;

/// A field of an input, as our components say it.
#[derive(Debug)]
pub(super) struct Field {
    pub(super) name: String,
    pub(super) kind: Kind,
    pub(super) nullable: bool,
    pub(super) description: Option<String>,
    /// What the model takes when it is not sent, as text.
    pub(super) default: Option<String>,
    /// A value that the schema itself gives, of the right type and within the limits.
    pub(super) sample: Option<Value>,
    pub(super) deprecated: bool,
}

pub(super) fn field(
    name: &str,
    schema: &Value,
    flattener: &mut Flattener<'_>,
    notes: &mut Notes,
) -> Result<Field, Error> {
    notes.set_place(name);
    let mut flat = flattener.flatten(schema)?;
    for lost in std::mem::take(&mut flat.lost) {
        notes.add(lost);
    }
    if let Some(order) = flat
        .take("x-order")
        .filter(|order| order.as_f64().is_none())
    {
        let order = shown(&order.to_string());
        notes.add(format!("left out `x-order: {order}`, which is no number"));
    }
    let description = describe(name, &mut flat, notes);
    let deprecated = flat.take("deprecated") == Some(Value::Bool(true));
    let secret = secret(&mut flat, notes);
    let kind = kind(&mut flat, description.as_deref(), flattener, notes)?;
    let mut field = Field {
        name: name.to_owned(),
        kind,
        nullable: flat.nullable,
        description,
        default: None,
        sample: None,
        deprecated,
    };
    if matches!(field.kind, Kind::Any { .. }) && field.nullable {
        // Any JSON is null as well, and the word means nothing without a type.
        field.nullable = false;
    }
    match flat.take("default") {
        Some(default) if secret && default != Value::Null => {
            notes.add("left out the `default` of a secret");
        }
        Some(default) => default_of(&mut field, &default, notes),
        None => {}
    }
    sample_of(&mut field, &mut flat);
    for (key, value) in &flat.words {
        let value = shown(&value.to_string());
        notes.add(format!("left out `{}: {value}`", shown(key)));
    }
    Ok(field)
}

/// The field's own words, trimmed; else its title, when that says more than the name.
fn describe(name: &str, flat: &mut Flat, notes: &mut Notes) -> Option<String> {
    let title = flat.take("title");
    let title = title.as_ref().and_then(Value::as_str).map(str::trim);
    let title = title.filter(|title| letters(title) != letters(name));
    let description = prose(flat.take("description").as_ref(), notes);
    let description = description.filter(|text| text != "An enumeration.");
    match (description, title) {
        (None, None) => {
            notes.add("the schema does not describe it; write what it does");
            Some("Not described by its publisher.".to_owned())
        }
        (None, Some(title)) => {
            notes.add("its `title` stands for the `description` that it lacks");
            Some(title.to_owned())
        }
        (description, None) => description,
        (description, Some(title)) => {
            notes.add(format!("left out `title: {}`", shown(title)));
            description
        }
    }
}

/// Text for people: trimmed, with line ends of one kind. Spaces alone are none.
pub(super) fn prose(text: Option<&Value>, notes: &mut Notes) -> Option<String> {
    let text = match text? {
        Value::String(text) => text.trim(),
        other => {
            let stated = shown(&other.to_string());
            notes.add(format!(
                "left out `description: {stated}`, which is no text"
            ));
            return None;
        }
    };
    if text.contains('\r') {
        notes.add("the line ends of its description are of another kind now");
    }
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    (!text.is_empty()).then_some(text)
}

fn letters(text: &str) -> String {
    let letters = text.chars().filter(|c| c.is_alphanumeric());
    letters.flat_map(char::to_lowercase).collect()
}

fn secret(flat: &mut Flat, notes: &mut Notes) -> bool {
    let password = flat.word("format").and_then(Value::as_str) == Some("password");
    let cog = flat.word("x-cog-secret") == Some(&Value::Bool(true));
    if password {
        flat.take("format");
    }
    if password || cog {
        flat.take("x-cog-secret");
        flat.take("writeOnly");
        // Somebody's own, perhaps: neither shown nor stated.
        for key in ["example", "examples"] {
            if flat.take(key).is_some() {
                notes.add(format!("left out the `{key}` of a secret"));
            }
        }
        notes.add(
            "it is a secret, which our components cannot say; it is plain text, and will be \
             printed and stored like the rest of an input",
        );
    }
    password || cog
}

fn default_of(field: &mut Field, default: &Value, notes: &mut Notes) {
    // With null a model says that there is none.
    if *default == Value::Null {
        return;
    }
    let stated = shown(&default.to_string());
    let (value, converted) = field.kind.read(default);
    match value {
        Some(value) => {
            if converted {
                let kind = kind_of_value(default);
                notes.add(format!(
                    "its default {stated} is a {kind} there; it is taken for what it says"
                ));
            }
            field.default = Some(value.plain());
            field.sample = Some(value);
        }
        None => notes.add(format!(
            "left out its default {stated}, which the field itself does not take"
        )),
    }
}

/// An example of the schema's own serves ours better than one that is made up.
fn sample_of(field: &mut Field, flat: &mut Flat) {
    for key in ["example", "examples"] {
        let sample = match flat.word(key) {
            Some(Value::Array(samples)) if key == "examples" => samples.first().cloned(),
            sample => sample.cloned(),
        };
        if let Some(sample) = sample.filter(|sample| *sample != Value::Null)
            && let (Some(value), false) = field.kind.read(&sample)
        {
            field.sample = Some(value);
        }
    }
}
