//! A model's input as JSON Schema, for people who hold JSON to it by other tools.

use serde_json::{Map, Value, json};

use super::component::Model;
use super::field::{Field, Kind, When};
use crate::json_schema::sorted;

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
    format!("{:#}\n", sorted(&schema))
}

fn property(field: &Field) -> Value {
    let mut schema = match &field.kind {
        Kind::Text => json!({"type": "string"}),
        Kind::Choice(variants) => {
            let words: Vec<_> = variants.iter().map(|variant| &variant.wire).collect();
            json!({"type": "string", "enum": words})
        }
        Kind::IntegerChoice(values) => json!({"type": "integer", "enum": values}),
        Kind::Integer { minimum, maximum } => {
            let mut schema = json!({"type": "integer"});
            limit(&mut schema, "minimum", *minimum);
            limit(&mut schema, "maximum", *maximum);
            schema
        }
        Kind::Number { minimum, maximum } => {
            let mut schema = json!({"type": "number"});
            limit(&mut schema, "minimum", minimum.map(number));
            limit(&mut schema, "maximum", maximum.map(number));
            schema
        }
        Kind::Boolean => json!({"type": "boolean"}),
        Kind::Image { .. } => json!({"type": "string", "format": "uri"}),
        Kind::Images {
            min_items,
            max_items,
            ..
        } => {
            let mut schema = json!({"type": "array", "items": {"type": "string", "format": "uri"}});
            limit(&mut schema, "minItems", *min_items);
            limit(&mut schema, "maxItems", *max_items);
            schema
        }
        Kind::Strings {
            min_items,
            max_items,
        } => {
            let mut schema = json!({"type": "array", "items": {"type": "string"}});
            limit(&mut schema, "minItems", *min_items);
            limit(&mut schema, "maxItems", *max_items);
            schema
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

fn limit(schema: &mut Value, word: &str, value: Option<impl Into<Value>>) {
    if let Some(value) = value {
        schema[word] = value.into();
    }
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
