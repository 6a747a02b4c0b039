//! A description for every field that is a bare reference.
//!
//! OpenAPI 3.0 allows no words beside a `$ref`, so the generator has none for such a field.
//! It gets the first sentence of the schema that is referred to.

use serde_json::{Map, Value, json};

use crate::document::{schema_name, schemas_mut};

pub(super) fn describe_references(spec: &mut Value) {
    let Some(schemas) = schemas_mut(spec) else {
        return;
    };
    let described = schemas.clone();
    for schema in schemas.values_mut() {
        let properties = schema.get_mut("properties").and_then(Value::as_object_mut);
        for property in properties.into_iter().flat_map(Map::values_mut) {
            let sentence = property
                .get("$ref")
                .and_then(Value::as_str)
                .and_then(schema_name)
                .and_then(|name| described.get(name)?.get("description")?.as_str())
                .map(first_sentence);
            if let Some(sentence) = sentence {
                // The one item of `allOf` keeps its type; the words are the field's.
                *property = json!({ "allOf": [property.take()], "description": sentence });
            }
        }
    }
}

fn first_sentence(text: &str) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match text.find(". ") {
        Some(end) => text[..=end].to_owned(),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bare_reference_takes_the_words_of_its_target() {
        let mut spec = json!({"components": {"schemas": {
            "Thing": {"properties": {
                "state": {"$ref": "#/components/schemas/State"},
                "silent": {"$ref": "#/components/schemas/Silent"},
                "own": {"description": "Its own."},
            }},
            "State": {"description": "How it\nstands. More of it.\n"},
            "Silent": {},
        }}});
        describe_references(&mut spec);
        assert_eq!(
            spec["components"]["schemas"]["Thing"]["properties"],
            json!({
                "state": {
                    "allOf": [{"$ref": "#/components/schemas/State"}],
                    "description": "How it stands.",
                },
                "silent": {"$ref": "#/components/schemas/Silent"},
                "own": {"description": "Its own."},
            })
        );
    }
}
