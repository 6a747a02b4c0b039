//! The spec as the judge: its schemas as JSON Schema, its operations and examples found.
//!
//! `OpenAPI` 3.0 schemas are JSON Schema draft 4 but for `nullable`. The translation is
//! written here once more, apart from the mock's and the generator's, so that a mistake in
//! one of them shows as a difference.

use std::fmt;
use std::sync::OnceLock;

use anyhow::Context;
use jsonschema::{Draft, Validator};
use serde_json::{Map, Value, json};

const METHODS: [&str; 5] = ["get", "put", "post", "delete", "patch"];

/// An example in the spec, and what it is an example of.
#[derive(Clone, Debug)]
pub struct Example {
    /// Its JSON pointer.
    pub pointer: String,
    /// The schema that it must fit, as the spec writes it.
    pub schema: Value,
    /// The example itself.
    pub value: Value,
    /// Of a response: operation, status and name.
    pub answer: Option<(String, String, String)>,
    /// The media type.
    pub media: String,
    /// Its `summary`; empty without one.
    pub summary: String,
}

/// An operation of the spec.
#[derive(Debug)]
pub struct Operation<'s> {
    /// Its `operationId`.
    pub id: &'s str,
    /// Its object.
    pub value: &'s Value,
    /// Its JSON pointer.
    pub pointer: String,
}

/// A spec, ready to judge.
#[derive(Debug)]
pub struct Oracle {
    /// The whole document.
    pub root: Value,
    /// The components as JSON Schema, made when they are needed.
    components: OnceLock<Value>,
}

impl Oracle {
    /// The spec in this document.
    pub fn new(root: Value) -> Self {
        Self {
            root,
            components: OnceLock::new(),
        }
    }

    fn components(&self) -> &Value {
        self.components.get_or_init(|| {
            members(self.root.pointer("/components/schemas"))
                .map(|(name, schema)| (name.clone(), draft4(schema)))
                .collect::<Map<_, _>>()
                .into()
        })
    }

    /// A judge of values of `schema`.
    pub fn validator(&self, schema: &Value) -> anyhow::Result<Validator> {
        let whole = json!({
            "allOf": [draft4(schema)],
            "components": {"schemas": self.components()},
        });
        jsonschema::options()
            .with_draft(Draft::Draft4)
            .build(&whole)
            .context("a schema cannot be compiled")
    }

    /// A judge of values of a component.
    pub fn component(&self, name: &str) -> anyhow::Result<Validator> {
        self.validator(&reference(name))
            .with_context(|| format!("component {name}"))
    }

    /// What a reference refers to; anything else is itself.
    pub fn resolve<'v>(&'v self, value: &'v Value) -> &'v Value {
        let mut value = value;
        // More hops than any valid chain has.
        for _ in 0..16 {
            let target = value
                .get("$ref")
                .and_then(Value::as_str)
                .and_then(|target| target.strip_prefix('#'))
                .and_then(|pointer| self.root.pointer(pointer));
            match target {
                Some(target) => value = target,
                None => break,
            }
        }
        value
    }

    /// All operations.
    pub fn operations(&self) -> Vec<Operation<'_>> {
        let mut found = Vec::new();
        for (path, item) in members(self.root.get("paths")) {
            for (method, value) in members(Some(item)) {
                if METHODS.contains(&method.as_str()) {
                    found.push(Operation {
                        id: value["operationId"].as_str().unwrap_or_default(),
                        value,
                        pointer: format!("#/paths/{}/{method}", escape(path)),
                    });
                }
            }
        }
        found
    }

    /// Every example: of media types, of parameters and headers, of schemas and their parts.
    pub fn examples(&self) -> Vec<Example> {
        let mut found = Vec::new();
        walk(&self.root, "#", &mut found);
        for operation in self.operations() {
            for (status, answer) in members(operation.value.get("responses")) {
                for (media, content) in members(self.resolve(answer).get("content")) {
                    for (name, example) in members(content.get("examples")) {
                        let pointer = format!("{}/responses/{status}", operation.pointer);
                        found.push(Example {
                            pointer: format!("{pointer}/content/{}/examples/{name}", escape(media)),
                            schema: content["schema"].clone(),
                            value: example["value"].clone(),
                            answer: Some((operation.id.to_owned(), status.clone(), name.clone())),
                            media: media.clone(),
                            summary: example["summary"].as_str().unwrap_or_default().to_owned(),
                        });
                    }
                }
            }
        }
        found
    }

    /// The examples of answers alone.
    pub fn answers(&self) -> Vec<Example> {
        let mut answers = self.examples();
        answers.retain(|example| example.answer.is_some());
        answers
    }
}

fn walk(value: &Value, pointer: &str, found: &mut Vec<Example>) {
    let Value::Object(object) = value else {
        for (index, item) in value.as_array().into_iter().flatten().enumerate() {
            walk(item, &format!("{pointer}/{index}"), found);
        }
        return;
    };
    // A media type, parameter or header holds its schema; a schema is its own.
    let schema = object.get("schema").unwrap_or(value);
    let mut add = |at: String, value: &Value| {
        found.push(Example {
            pointer: at,
            schema: schema.clone(),
            value: value.clone(),
            answer: None,
            media: pointer
                .rsplit('/')
                .next()
                .unwrap_or_default()
                .replace("~1", "/"),
            summary: String::new(),
        });
    };
    let in_answer = pointer.contains("/responses/") && object.contains_key("schema");
    if let Some(example) = object.get("example") {
        add(format!("{pointer}/example"), example);
    }
    if !in_answer {
        for (name, example) in members(object.get("examples")) {
            add(format!("{pointer}/examples/{name}"), &example["value"]);
        }
    }
    for (key, child) in object {
        if !matches!(key.as_str(), "example" | "examples" | "enum" | "default") {
            walk(child, &format!("{pointer}/{}", escape(key)), found);
        }
    }
}

/// A reference to a component.
pub fn reference(component: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{component}")})
}

/// What a judge says of a value.
#[derive(Debug)]
pub struct Fault {
    /// The place in the value, and what is wrong there.
    pub text: String,
    /// The place in the schema that refuses it.
    pub schema: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// What is wrong with `value`, in the words of the judge.
pub fn faults(validator: &Validator, value: &Value) -> Vec<Fault> {
    let place = |path: String| {
        if path.is_empty() {
            "its root".to_owned()
        } else {
            path
        }
    };
    validator
        .iter_errors(value)
        .map(|error| Fault {
            text: format!(
                "{}: {}",
                place(error.instance_path().to_string()),
                short(&error.to_string())
            ),
            schema: error.schema_path().to_string(),
        })
        .collect()
}

/// A message of bearable length.
pub fn short(text: &str) -> String {
    const LIMIT: usize = 240;
    if text.chars().count() <= LIMIT {
        return text.to_owned();
    }
    let head: String = text.chars().take(LIMIT).collect();
    format!("{head}…")
}

/// The members of an object; none of anything else.
pub fn members(value: Option<&Value>) -> impl Iterator<Item = (&String, &Value)> {
    value.and_then(Value::as_object).into_iter().flatten()
}

/// A key as a JSON pointer has it.
pub fn escape(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

/// An `OpenAPI` 3.0 schema as one of draft 4.
fn draft4(schema: &Value) -> Value {
    let Value::Object(schema) = schema else {
        return schema.clone();
    };
    if let Some(target) = schema.get("$ref") {
        return json!({"$ref": target});
    }
    let mut made = Map::new();
    for (word, value) in schema {
        let value = match (word.as_str(), value) {
            ("properties", Value::Object(all)) => all
                .iter()
                .map(|(name, schema)| (name.clone(), draft4(schema)))
                .collect::<Map<_, _>>()
                .into(),
            ("allOf" | "anyOf" | "oneOf", Value::Array(all)) => {
                all.iter().map(draft4).collect::<Vec<_>>().into()
            }
            ("items" | "not" | "additionalProperties", value) => draft4(value),
            ("example" | "nullable" | "discriminator" | "xml" | "description", _) => continue,
            (_, value) => value.clone(),
        };
        made.insert(word.clone(), value);
    }
    if schema.get("nullable") == Some(&Value::Bool(true)) {
        if let Some(kind) = schema.get("type") {
            made.insert("type".to_owned(), json!([kind, "null"]));
        }
        if let Some(Value::Array(words)) = made.get_mut("enum") {
            words.push(Value::Null);
        }
    }
    made.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn oracle() -> Oracle {
        Oracle::new(crate::Workspace::own().spec().unwrap())
    }

    #[test]
    fn null_is_judged_by_nullable() {
        let oracle = oracle();
        let prediction = oracle.component("Prediction").unwrap();
        let mut value = json!({"id": "a", "status": "starting", "logs": null});
        assert!(faults(&prediction, &value).is_empty());
        value["status"] = Value::Null;
        let [fault] = &faults(&prediction, &value)[..] else {
            panic!("{value} has one fault");
        };
        assert_eq!(fault.text, "/status: null is not of type \"string\"");
        assert_eq!(fault.schema, "/components/schemas/PredictionStatus/type");
    }

    #[test]
    fn examples_are_found_wherever_they_stand() {
        let oracle = oracle();
        let pointers: Vec<_> = oracle.examples().into_iter().map(|e| e.pointer).collect();
        for part in [
            "post/requestBody/content/application~1json/examples/documented",
            "post/responses/200/content/application~1json/examples/documented",
            "get/responses/4XX/content/text~1html/examples/timeout_page",
            "#/components/parameters/ModelOwner/example",
            "#/components/schemas/PredictionMetrics/example",
        ] {
            assert!(
                pointers.iter().any(|at| at.ends_with(part)),
                "{part} in {pointers:#?}"
            );
        }
    }
}
