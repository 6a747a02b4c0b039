//! OpenAPI 3.0 schemas, said in JSON Schema draft 4.
//!
//! The two differ in `nullable`, in words that OpenAPI adds for people, and in words of
//! later drafts that OpenAPI 3.0 does not have. The rest is carried over as it stands.

use serde_json::{Map, Value, json};

use super::SpecError;

/// Words that say nothing about what is valid.
const SILENT: &[&str] = &[
    "default",
    "deprecated",
    "description",
    "discriminator",
    "example",
    "externalDocs",
    "readOnly",
    "title",
    "writeOnly",
    "xml",
];

/// Words that mean the same in both.
const SAME: &[&str] = &[
    "enum",
    "exclusiveMaximum",
    "exclusiveMinimum",
    "format",
    "maxItems",
    "maxLength",
    "maxProperties",
    "maximum",
    "minItems",
    "minLength",
    "minProperties",
    "minimum",
    "multipleOf",
    "pattern",
    "required",
    "type",
    "uniqueItems",
];

/// Translates one schema. `place` is its JSON pointer, for the error.
pub(super) fn schema(source: &Value, place: &str) -> Result<Value, SpecError> {
    let Value::Object(source) = source else {
        return Err(SpecError::new(place, "a schema must be an object"));
    };
    // In OpenAPI 3.0 everything beside a reference is ignored.
    if let Some(target) = source.get("$ref") {
        return Ok(json!({ "$ref": target }));
    }

    let mut target = Map::new();
    for (word, value) in source {
        let place = format!("{place}/{word}");
        match word.as_str() {
            "nullable" => {}
            "properties" => {
                let Value::Object(properties) = value else {
                    return Err(SpecError::new(place, "must be an object"));
                };
                let translated = properties
                    .iter()
                    .map(|(name, value)| {
                        Ok((name.clone(), schema(value, &format!("{place}/{name}"))?))
                    })
                    .collect::<Result<Map<_, _>, _>>()?;
                target.insert(word.clone(), Value::Object(translated));
            }
            "additionalProperties" if value.is_boolean() => {
                target.insert(word.clone(), value.clone());
            }
            "additionalProperties" | "items" | "not" => {
                target.insert(word.clone(), schema(value, &place)?);
            }
            "allOf" | "anyOf" | "oneOf" => {
                let Value::Array(branches) = value else {
                    return Err(SpecError::new(place, "must be a list"));
                };
                let translated = branches
                    .iter()
                    .enumerate()
                    .map(|(index, branch)| schema(branch, &format!("{place}/{index}")))
                    .collect::<Result<Vec<_>, _>>()?;
                target.insert(word.clone(), Value::Array(translated));
            }
            // Draft 4 refuses an empty list here.
            "required" if value.as_array().is_some_and(Vec::is_empty) => {}
            same if SAME.contains(&same) => {
                target.insert(word.clone(), value.clone());
            }
            silent if SILENT.contains(&silent) || silent.starts_with("x-") => {}
            _ => return Err(SpecError::new(place, "not a word of an openapi 3.0 schema")),
        }
    }
    if source.get("nullable") == Some(&Value::Bool(true)) {
        allow_null(&mut target);
    }
    Ok(Value::Object(target))
}

fn allow_null(schema: &mut Map<String, Value>) {
    if let Some(kind) = schema.get("type").cloned() {
        schema.insert("type".to_owned(), json!([kind, "null"]));
    }
    if let Some(Value::Array(words)) = schema.get_mut("enum")
        && !words.contains(&Value::Null)
    {
        words.push(Value::Null);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn converted(source: &Value) -> Value {
        schema(source, "#").unwrap()
    }

    #[test]
    fn nullable_becomes_a_second_type() {
        assert_eq!(
            converted(&json!({"type": "string", "nullable": true, "maxLength": 3})),
            json!({"type": ["string", "null"], "maxLength": 3})
        );
        assert_eq!(
            converted(&json!({"type": "string", "nullable": true, "enum": ["a"]})),
            json!({"type": ["string", "null"], "enum": ["a", null]})
        );
        assert_eq!(
            converted(&json!({"type": "string", "nullable": false})),
            json!({"type": "string"})
        );
    }

    #[test]
    fn goes_into_every_place_that_holds_a_schema() {
        let inner = json!({"type": "integer", "nullable": true});
        let outer = json!({"type": ["integer", "null"]});
        assert_eq!(
            converted(&json!({
                "properties": {"nullable": inner},
                "additionalProperties": inner,
                "items": inner,
                "not": inner,
                "anyOf": [inner],
            })),
            json!({
                "properties": {"nullable": outer},
                "additionalProperties": outer,
                "items": outer,
                "not": outer,
                "anyOf": [outer],
            })
        );
    }

    #[test]
    fn drops_what_is_for_people_and_what_stands_beside_a_reference() {
        assert_eq!(
            converted(&json!({"description": "d", "x-output": "list", "required": []})),
            json!({})
        );
        assert_eq!(
            converted(&json!({"$ref": "#/a", "type": "string"})),
            json!({"$ref": "#/a"})
        );
    }

    #[test]
    fn refuses_unknown_words() {
        let error = schema(
            &json!({"properties": {"a": {"reqired": ["b"]}}}),
            "#/components",
        )
        .unwrap_err();
        assert_eq!(
            error.to_string(),
            "openapi document, #/components/properties/a/reqired: not a word of an openapi 3.0 schema"
        );
    }
}
