//! An input that the component itself takes: what is required, filled in.

use serde_json::{Map, Value};

use super::field::Field;
use super::kind::Kind;
use super::limits::Items;

/// A list of more than this in an example helps nobody.
const MANY: i64 = 16;

pub(super) fn example(fields: &[Field], required: &[String]) -> Value {
    let chosen = |field: &&Field| required.contains(&field.name);
    let mut entries: Vec<_> = fields.iter().filter(chosen).map(entry).collect();
    if entries.is_empty() {
        // An empty object would show nothing.
        let telling = fields
            .iter()
            .find(|field| field.name == "prompt")
            .or_else(|| {
                fields
                    .iter()
                    .find(|field| !matches!(field.kind, Kind::Any { .. }))
            });
        entries.extend(telling.map(entry));
    }
    Value::Object(entries.into_iter().collect())
}

fn entry(field: &Field) -> (String, Value) {
    (field.name.clone(), value(field))
}

fn value(field: &Field) -> Value {
    if let Some(sample) = field.sample.as_ref().filter(|sample| shows(field, sample)) {
        return sample.clone();
    }
    match &field.kind {
        Kind::Text if field.name.contains("prompt") => {
            "A paper boat floating on calm water at sunrise.".into()
        }
        Kind::Text | Kind::Any { object: false } => "text".into(),
        Kind::Any { object: true } => Value::Object(Map::new()),
        Kind::File { accepts } => file(accepts),
        Kind::Choice { values } => values.first().cloned().unwrap_or(Value::Null),
        Kind::Integer { minimum, maximum } | Kind::Number { minimum, maximum } => {
            let one = Value::from(1);
            if field.kind.takes(&one) {
                return one;
            }
            minimum.clone().or_else(|| maximum.clone()).unwrap_or(one)
        }
        Kind::Boolean => Value::Bool(true),
        Kind::Files { accepts, items } => list(file(accepts), items),
        Kind::Texts { items } => list("text".into(), items),
    }
}

/// Whether a sample shows what the field is for: an empty one does not, and a file has an
/// address.
fn shows(field: &Field, sample: &Value) -> bool {
    let address = |sample: &Value| {
        let schemes = ["https://", "http://", "data:"];
        let text = sample.as_str().unwrap_or_default();
        schemes.iter().any(|scheme| text.starts_with(scheme))
    };
    match &field.kind {
        Kind::File { .. } => address(sample),
        Kind::Files { .. } => sample
            .as_array()
            .is_some_and(|items| !items.is_empty() && items.iter().all(address)),
        Kind::Texts { .. } => sample.as_array().is_some_and(|items| !items.is_empty()),
        _ => *sample != "",
    }
}

fn file(accepts: &[&str]) -> Value {
    let name = if accepts.is_empty() {
        "file"
    } else {
        "image.png"
    };
    format!("https://files.example.com/{name}").into()
}

fn list(item: Value, items: &Items) -> Value {
    let least = items.minimum.unwrap_or(1).clamp(1, MANY);
    let count = items.maximum.map_or(least, |most| least.min(most));
    Value::Array((0..count).map(|_| item.clone()).collect())
}
