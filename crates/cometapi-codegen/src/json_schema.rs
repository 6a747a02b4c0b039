//! Components of the spec as JSON Schema files, for people who hold JSON to the contract
//! without an `OpenAPI` tool.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::document;

/// The component schema `name`, with all that it refers to, as draft 2020-12. `None` when
/// the spec has no such component.
pub(crate) fn json_schema(spec: &Value, name: &str) -> Option<String> {
    let schema = spec.pointer(&format!("/components/schemas/{name}"))?;
    let mut reached = BTreeSet::new();
    document::reach(spec, schema, &mut reached);
    let mut definitions = Map::new();
    for name in reached.into_iter().filter_map(document::schema_name) {
        if let Some(schema) = spec.pointer(&format!("/components/schemas/{name}")) {
            definitions.insert(name.to_owned(), translated(schema));
        }
    }
    let mut whole = Map::new();
    whole.insert(
        "$schema".to_owned(),
        "https://json-schema.org/draft/2020-12/schema".into(),
    );
    whole.insert("title".to_owned(), name.into());
    if let Value::Object(schema) = translated(schema) {
        whole.extend(schema);
    }
    if !definitions.is_empty() {
        whole.insert("$defs".to_owned(), definitions.into());
    }
    let mut whole = Value::Object(whole);
    whole.sort_all_objects();
    Some(format!("{whole:#}\n"))
}

fn translated(schema: &Value) -> Value {
    let Value::Object(schema) = schema else {
        return schema.clone();
    };
    if let Some(target) = schema.get("$ref").and_then(Value::as_str) {
        let name = document::schema_name(target).unwrap_or(target);
        return json!({"$ref": format!("#/$defs/{name}")});
    }
    let mut made = Map::new();
    for (word, value) in schema {
        let value = match (word.as_str(), value) {
            ("properties", Value::Object(all)) => all
                .iter()
                .map(|(name, schema)| (name.clone(), translated(schema)))
                .collect::<Map<_, _>>()
                .into(),
            ("allOf" | "anyOf" | "oneOf", Value::Array(all)) => {
                all.iter().map(translated).collect::<Vec<_>>().into()
            }
            ("items" | "not" | "additionalProperties", value) => translated(value),
            ("example", value) => {
                made.insert("examples".to_owned(), json!([value]));
                continue;
            }
            ("nullable", _) => continue,
            // Words for readers of the spec, `x-extensible-enum` among them.
            (word, _) if word.starts_with("x-") => continue,
            (_, value) => value.clone(),
        };
        made.insert(word.clone(), value);
    }
    if schema.get("nullable") == Some(&Value::Bool(true))
        && let Some(kind) = schema.get("type")
    {
        made.insert("type".to_owned(), json!([kind, "null"]));
    }
    made.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_component_comes_with_all_it_refers_to_and_null_as_a_type() {
        let spec = json!({"components": {"schemas": {
            "A": {"type": "object", "properties": {
                "b": {"$ref": "#/components/schemas/B"},
                "c": {"type": "string", "nullable": true, "x-note": 1},
            }},
            "B": {"type": "string", "example": "x"},
            "C": {"type": "string"},
        }}});
        let text = json_schema(&spec, "A").unwrap();
        let schema: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(
            schema,
            json!({
                "$schema": "https://json-schema.org/draft/2020-12/schema",
                "title": "A",
                "type": "object",
                "properties": {
                    "b": {"$ref": "#/$defs/B"},
                    "c": {"type": ["string", "null"]},
                },
                "$defs": {"B": {"type": "string", "examples": ["x"]}},
            })
        );
        assert_eq!(json_schema(&spec, "D"), None);
    }
}
