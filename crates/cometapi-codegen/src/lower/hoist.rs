//! Names for inline enums.
//!
//! The generator names an inline enum after the place where it meets it first, so that an
//! unrelated edit may rename a public type. A component's name is ours.

use serde_json::{Map, Value, json};

use crate::document::schemas_mut;

pub(super) fn hoist_enums(spec: &mut Value) {
    let Some(schemas) = schemas_mut(spec) else {
        return;
    };
    let mut hoisted = Map::new();
    let taken = schemas.clone();
    for (owner, schema) in schemas.iter_mut() {
        hoist_parts(owner, schema, &taken, &mut hoisted);
    }
    schemas.extend(hoisted);
}

/// Hoists what is inside `schema`; what it is itself has its name already.
fn hoist_parts(
    name: &str,
    schema: &mut Value,
    taken: &Map<String, Value>,
    hoisted: &mut Map<String, Value>,
) {
    let Some(schema) = schema.as_object_mut() else {
        return;
    };
    for (key, part) in schema.iter_mut() {
        match (key.as_str(), part) {
            ("properties", Value::Object(properties)) => {
                for (property, part) in properties {
                    let name = format!("{name}{}", upper_camel(property));
                    hoist(&name, part, taken, hoisted);
                }
            }
            ("items", part) => hoist(&format!("{name}Item"), part, taken, hoisted),
            _ => {}
        }
    }
}

fn hoist(
    name: &str,
    schema: &mut Value,
    taken: &Map<String, Value>,
    hoisted: &mut Map<String, Value>,
) {
    let words = schema.get("enum").and_then(Value::as_array);
    if !words.is_some_and(|words| words.iter().any(|word| !word.is_null())) {
        return hoist_parts(name, schema, taken, hoisted);
    }
    let mut name = name.to_owned();
    while taken.contains_key(&name) || hoisted.contains_key(&name) {
        name.push_str("Value");
    }
    let reference = json!([{ "$ref": format!("#/components/schemas/{name}") }]);
    let mut component = schema.take();
    let mut rest = json!({ "allOf": reference });
    // A null belongs to the field: the type itself has words only.
    if let Some(component) = component.as_object_mut() {
        if let Some(nullable) = component.remove("nullable") {
            rest["nullable"] = nullable;
        }
        if let Some(Value::Array(words)) = component.get_mut("enum") {
            words.retain(|word| !word.is_null());
        }
        if let Some(description) = component.get("description") {
            rest["description"] = description.clone();
        }
    }
    *schema = rest;
    hoisted.insert(name, component);
}

fn upper_camel(word: &str) -> String {
    word.split(|c: char| !c.is_ascii_alphanumeric())
        .filter_map(|part| {
            let first = part.get(..1)?.to_ascii_uppercase();
            Some(first + &part[1..])
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_inline_enum_becomes_a_component() {
        let mut spec = json!({"components": {"schemas": {
            "FluxInput": {"properties": {
                "aspect_ratio": {"type": "string", "enum": ["1:1", "16:9"], "description": "Form."},
                "speed": {"type": "string", "enum": ["fast", null], "nullable": true},
                "tags": {"type": "array", "items": {"type": "string", "enum": ["a"]}},
                "seed": {"type": "integer"},
                "nothing": {"anyOf": [{"type": "integer"}, {"enum": [null]}]},
            }},
            "FluxInputSpeed": {"type": "string"},
        }}});
        hoist_enums(&mut spec);
        let to = |name: &str| json!([{"$ref": format!("#/components/schemas/{name}")}]);
        assert_eq!(
            spec["components"]["schemas"],
            json!({
                "FluxInput": {"properties": {
                    "aspect_ratio": {"allOf": to("FluxInputAspectRatio"), "description": "Form."},
                    "speed": {"allOf": to("FluxInputSpeedValue"), "nullable": true},
                    "tags": {"type": "array", "items": {"allOf": to("FluxInputTagsItem")}},
                    "seed": {"type": "integer"},
                    "nothing": {"anyOf": [{"type": "integer"}, {"enum": [null]}]},
                }},
                "FluxInputAspectRatio":
                    {"type": "string", "enum": ["1:1", "16:9"], "description": "Form."},
                "FluxInputSpeed": {"type": "string"},
                "FluxInputSpeedValue": {"type": "string", "enum": ["fast"]},
                "FluxInputTagsItem": {"type": "string", "enum": ["a"]},
            })
        );
    }
}
