//! The spec as JSON, with its operations, schemas and references found once.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::target::Target;

const SCHEMAS: &str = "#/components/schemas/";

const METHODS: &[&str] = &[
    "delete", "get", "head", "options", "patch", "post", "put", "trace",
];

/// A spec, walked.
pub(crate) struct Document<'a> {
    pub(crate) root: &'a Value,
    pub(crate) target: &'a Target,
    pub(crate) operations: Vec<Operation<'a>>,
    pub(crate) schemas: Vec<SchemaSite<'a>>,
    pub(crate) references: Vec<ReferenceSite<'a>>,
}

pub(crate) struct Operation<'a> {
    pub(crate) path: &'a str,
    pub(crate) method: &'a str,
    pub(crate) value: &'a Value,
    /// Parameters of the operation and of the path around it, references followed.
    pub(crate) parameters: Vec<&'a Value>,
}

/// A schema, wherever it stands.
pub(crate) struct SchemaSite<'a> {
    pub(crate) pointer: String,
    pub(crate) schema: &'a Map<String, Value>,
    /// Whether an answer of the service may be decoded as it.
    pub(crate) received: bool,
}

/// An object that is a `$ref`.
pub(crate) struct ReferenceSite<'a> {
    pub(crate) pointer: String,
    pub(crate) target: &'a str,
    pub(crate) siblings: Vec<&'a str>,
}

impl<'a> Document<'a> {
    pub(crate) fn new(root: &'a Value, target: &'a Target) -> Self {
        let mut document = Self {
            root,
            target,
            operations: operations(root),
            schemas: Vec::new(),
            references: Vec::new(),
        };
        let received = decoded(root);
        document.walk(root, "#", false, &received);
        document
    }

    /// Follows a reference, or a chain of them, to what it stands for.
    pub(crate) fn resolve(&self, value: &'a Value) -> Option<&'a Value> {
        resolve(self.root, value)
    }

    /// Whether the component `owner` requires `field`.
    pub(crate) fn requires(&self, owner: &str, field: &str) -> bool {
        self.root
            .pointer(&format!("/components/schemas/{owner}/required"))
            .and_then(Value::as_array)
            .is_some_and(|names| names.iter().any(|name| name == field))
    }

    /// Whether `site` is the field by which one variant of a choice differs from the others: a
    /// required string of a single value, in a component that an `anyOf` or `oneOf` names beside
    /// another one.
    pub(crate) fn is_shape_marker(&self, site: &SchemaSite<'_>) -> bool {
        let single = site.schema.get("enum").and_then(Value::as_array);
        let Some((owner, field)) = site.field_of_component() else {
            return false;
        };
        single.is_some_and(|words| words.len() == 1 && words[0].is_string())
            && self.requires(owner, field)
            && self
                .schemas
                .iter()
                .any(|choice| is_choice_of(choice, owner))
    }

    fn walk(
        &mut self,
        value: &'a Value,
        pointer: &str,
        received: bool,
        components: &BTreeSet<&str>,
    ) {
        match value {
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    self.walk(item, &format!("{pointer}/{index}"), received, components);
                }
            }
            Value::Object(object) => {
                self.note_reference(object, pointer);
                for (key, child) in object.iter().filter(|(key, _)| !is_free(key)) {
                    let at = format!("{pointer}/{}", escape(key));
                    if key == "schema" {
                        self.walk_schema(child, at, received);
                    } else if at == "#/components/schemas" {
                        for (name, schema) in child.as_object().into_iter().flatten() {
                            let at = format!("{at}/{}", escape(name));
                            self.walk_schema(schema, at, components.contains(name.as_str()));
                        }
                    } else {
                        let received = received || key == "responses" || key == "headers";
                        self.walk(child, &at, received, components);
                    }
                }
            }
            _ => {}
        }
    }

    fn walk_schema(&mut self, value: &'a Value, pointer: String, received: bool) {
        let Some(schema) = value.as_object() else {
            return;
        };
        self.note_reference(schema, &pointer);
        for (key, child) in subschemas(schema) {
            self.walk_schema(child, format!("{pointer}/{key}"), received);
        }
        self.schemas.push(SchemaSite {
            pointer,
            schema,
            received,
        });
    }

    fn note_reference(&mut self, object: &'a Map<String, Value>, pointer: &str) {
        if let Some(target) = object.get("$ref").and_then(Value::as_str) {
            self.references.push(ReferenceSite {
                pointer: pointer.to_owned(),
                target,
                siblings: object
                    .keys()
                    .map(String::as_str)
                    .filter(|key| *key != "$ref")
                    .collect(),
            });
        }
    }
}

impl<'a> Operation<'a> {
    pub(crate) fn id(&self) -> Option<&'a str> {
        self.value.get("operationId").and_then(Value::as_str)
    }

    /// How a person finds it.
    pub(crate) fn place(&self) -> String {
        match self.id() {
            Some(id) => format!("operation {id}"),
            None => format!("operation {} {}", self.method.to_uppercase(), self.path),
        }
    }

    pub(crate) fn responses(&self) -> impl Iterator<Item = (&'a str, &'a Value)> {
        self.value
            .get("responses")
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
            .map(|(status, response)| (status.as_str(), response))
    }

    /// The names between braces in the path.
    pub(crate) fn placeholders(&self) -> BTreeSet<&'a str> {
        self.path
            .split('{')
            .skip(1)
            .filter_map(|rest| rest.split_once('}'))
            .map(|(name, _)| name)
            .collect()
    }
}

impl SchemaSite<'_> {
    pub(crate) fn text(&self, key: &str) -> Option<&str> {
        self.schema.get(key).and_then(Value::as_str)
    }

    /// The component this schema is, when it is one by itself and not a part of one.
    pub(crate) fn component(&self) -> Option<&str> {
        schema_name(&self.pointer).filter(|name| !name.contains('/'))
    }

    /// Whether it is what a field holds, and not an item or a variant of that.
    pub(crate) fn is_property(&self) -> bool {
        self.pointer.rsplit('/').nth(1) == Some("properties")
    }

    /// The component and the name of the field, if it is what a field of a component holds.
    pub(crate) fn field_of_component(&self) -> Option<(&str, &str)> {
        let (owner, field) = schema_name(&self.pointer)?.split_once("/properties/")?;
        (!owner.contains('/') && !field.contains('/')).then_some((owner, field))
    }

    /// The component this schema is or is a part of.
    pub(crate) fn owner(&self) -> Option<&str> {
        schema_name(&self.pointer).and_then(|path| path.split('/').next())
    }
}

/// Whether `choice` is a choice between the component `name` and another one.
fn is_choice_of(choice: &SchemaSite<'_>, name: &str) -> bool {
    ["anyOf", "oneOf"].iter().any(|key| {
        let variants = choice.schema.get(*key).and_then(Value::as_array);
        let names: Vec<_> = variants
            .into_iter()
            .flatten()
            .filter_map(|variant| schema_name(variant.get("$ref")?.as_str()?))
            .collect();
        names.len() > 1 && names.contains(&name)
    })
}

/// The name of a component from a reference to it.
pub(crate) fn schema_name(reference: &str) -> Option<&str> {
    reference.strip_prefix(SCHEMAS)
}

pub(crate) fn operations(root: &Value) -> Vec<Operation<'_>> {
    let mut operations = Vec::new();
    for (path, item) in object(root.get("paths")) {
        let shared = item.get("parameters");
        for (method, value) in object(Some(item)) {
            if METHODS.contains(&method.as_str()) {
                let parameters = [shared, value.get("parameters")]
                    .into_iter()
                    .flatten()
                    .filter_map(Value::as_array)
                    .flatten()
                    .filter_map(|parameter| resolve(root, parameter))
                    .collect();
                operations.push(Operation {
                    path,
                    method,
                    value,
                    parameters,
                });
            }
        }
    }
    operations
}

/// Every component that is reached from `value`, whatever the way, by its pointer.
pub(crate) fn reach<'a>(root: &'a Value, value: &'a Value, into: &mut BTreeSet<&'a str>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| reach(root, item, into)),
        Value::Object(object) => {
            if let Some(target) = object.get("$ref").and_then(Value::as_str)
                && into.insert(target)
                && let Some(target) = lookup(root, target)
            {
                reach(root, target, into);
            }
            for (key, child) in object.iter().filter(|(key, _)| !is_free(key)) {
                match child.as_object() {
                    // Here the keys are names, and any word will do for one.
                    Some(named) if key == "properties" => {
                        named.values().for_each(|child| reach(root, child, into));
                    }
                    _ => reach(root, child, into),
                }
            }
        }
        _ => {}
    }
}

/// The names of the component schemas that requests are made of.
pub(crate) fn sent(root: &Value) -> BTreeSet<&str> {
    let mut reached = BTreeSet::new();
    for operation in operations(root) {
        for parameter in operation.parameters {
            reach(root, parameter, &mut reached);
        }
        if let Some(body) = operation.value.get("requestBody") {
            reach(root, body, &mut reached);
        }
    }
    reached.into_iter().filter_map(schema_name).collect()
}

/// The names of the component schemas that answers, of any status, are made of.
pub(crate) fn received(root: &Value) -> BTreeSet<&str> {
    let mut reached = BTreeSet::new();
    for operation in operations(root) {
        for (_, response) in operation.responses() {
            reach(root, response, &mut reached);
        }
    }
    reached.into_iter().filter_map(schema_name).collect()
}

/// The names of the component schemas that something of a response is decoded as: those of
/// responses, and those marked `x-received`, such as the rows of a list that stays any JSON, so that
/// one bad row does not fail the list.
pub(crate) fn decoded(root: &Value) -> BTreeSet<&str> {
    let schemas = object(root.pointer("/components/schemas"));
    let marked = schemas
        .filter(|(_, schema)| schema.get("x-received") == Some(&Value::Bool(true)))
        .map(|(name, _)| name.as_str());
    let mut decoded = received(root);
    decoded.extend(marked);
    decoded
}

fn resolve<'a>(root: &'a Value, mut value: &'a Value) -> Option<&'a Value> {
    // More hops than any honest chain has; a circle ends here.
    for _ in 0..16 {
        match value.get("$ref").and_then(Value::as_str) {
            Some(target) => value = lookup(root, target)?,
            None => return Some(value),
        }
    }
    None
}

fn lookup<'a>(root: &'a Value, target: &str) -> Option<&'a Value> {
    root.pointer(target.strip_prefix('#')?)
}

/// The schemas directly inside a schema, each with its pointer from there.
fn subschemas(schema: &Map<String, Value>) -> Vec<(String, &Value)> {
    let mut found = Vec::new();
    for (key, value) in schema {
        match (key.as_str(), value) {
            ("properties", Value::Object(properties)) => {
                for (name, property) in properties {
                    found.push((format!("properties/{}", escape(name)), property));
                }
            }
            ("allOf" | "anyOf" | "oneOf", Value::Array(variants)) => {
                for (index, variant) in variants.iter().enumerate() {
                    found.push((format!("{key}/{index}"), variant));
                }
            }
            ("items" | "additionalProperties" | "not", Value::Object(_)) => {
                found.push((key.clone(), value));
            }
            _ => {}
        }
    }
    found
}

/// Keys under which anything may stand, a `$ref` that is none included.
fn is_free(key: &str) -> bool {
    matches!(key, "example" | "examples" | "default" | "enum") || key.starts_with("x-")
}

fn object(value: Option<&Value>) -> impl Iterator<Item = (&String, &Value)> {
    value.and_then(Value::as_object).into_iter().flatten()
}

pub(crate) fn escape(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

pub(crate) fn schemas_mut(spec: &mut Value) -> Option<&mut Map<String, Value>> {
    spec.pointer_mut("/components/schemas")?.as_object_mut()
}
