//! A model's input as JSON Schema, for people who hold JSON to it by other tools.

use serde_json::{Map, Value, json};

use super::component::Model;
use super::field::{Field, Kind, Limits, When};

pub(super) fn render(model: &Model) -> String {
    let required: Vec<_> = model
        .fields
        .iter()
        .filter(|field| field.required)
        .map(|field| field.wire.as_str())
        .collect();
    let properties: Map<_, _> = model
        .fields
        .iter()
        .map(|field| (field.wire.clone(), property(field)))
        .collect();
    let conditions: Vec<_> = model
        .fields
        .iter()
        .filter_map(|field| condition(field, model))
        .collect();
    let mut schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": model.component,
        "description": format!("Input of {}. {}", model.name, model.description),
        "type": "object",
        "required": required,
        "properties": properties,
        "additionalProperties": false,
    });
    if !conditions.is_empty() {
        schema["allOf"] = conditions.into();
    }
    if let Some(example) = &model.example {
        schema["examples"] = json!([example]);
    }
    schema.sort_all_objects();
    format!("{schema:#}\n")
}

fn property(field: &Field) -> Value {
    let mut schema = match &field.kind {
        Kind::Text => json!({"type": "string"}),
        Kind::Choice(variants) => {
            let words: Vec<_> = variants.iter().map(|variant| &variant.wire).collect();
            json!({"type": "string", "enum": words})
        }
        Kind::IntegerChoice(values) => json!({"type": "integer", "enum": values}),
        Kind::Integer(limits) => limited(json!({"type": "integer"}), RANGE, *limits),
        Kind::Number(Limits { minimum, maximum }) => {
            let (minimum, maximum) = (minimum.map(number), maximum.map(number));
            limited(
                json!({"type": "number"}),
                RANGE,
                Limits { minimum, maximum },
            )
        }
        Kind::Boolean => json!({"type": "boolean"}),
        Kind::Image { .. } => json!({"type": "string", "format": "uri"}),
        Kind::Images { items, .. } => {
            let item = json!({"type": "string", "format": "uri"});
            limited(json!({"type": "array", "items": item}), COUNT, *items)
        }
        Kind::Strings { items } => {
            let item = json!({"type": "string"});
            limited(json!({"type": "array", "items": item}), COUNT, *items)
        }
        Kind::Json => json!({}),
    };
    if field.nullable {
        schema["type"] = json!([schema["type"], "null"]);
        if let Some(Value::Array(values)) = schema.get_mut("enum") {
            values.push(Value::Null);
        }
    }
    schema["description"] = field.description.clone().into();
    schema["$comment"] = format!("source: {}", field.source).into();
    if let Some(default) = field.default_json() {
        schema["default"] = default;
    }
    if field.deprecated {
        schema["deprecated"] = true.into();
    }
    schema
}

/// A number as the spec writes it: 3, not 3.0.
fn number(value: f64) -> Value {
    let text = value.to_string();
    serde_json::from_str(&text).unwrap_or_else(|_| value.into())
}

const RANGE: [&str; 2] = ["minimum", "maximum"];
const COUNT: [&str; 2] = ["minItems", "maxItems"];

fn limited<T: Into<Value>>(mut schema: Value, words: [&str; 2], limits: Limits<T>) -> Value {
    for (word, limit) in words.into_iter().zip([limits.minimum, limits.maximum]) {
        if let Some(limit) = limit {
            schema[word] = limit.into();
        }
    }
    schema
}

/// That a field is there only with another's value.
fn condition(field: &Field, model: &Model) -> Option<Value> {
    let When {
        field: other,
        value,
    } = field.only_with.as_ref()?;
    let by_default = model
        .fields
        .iter()
        .any(|field| field.wire == *other && field.default.as_deref() == Some(value));
    let required: &[&String] = if by_default { &[] } else { &[other] };
    Some(json!({
        "if": {"required": [field.wire]},
        "then": {"required": required, "properties": {other: {"const": value}}},
    }))
}
