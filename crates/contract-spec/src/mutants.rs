//! Every small change of the spec, of the kinds that a slip of the hand makes, and which layers
//! notice it.
//!
//! A change is made in the document as JSON, which is YAML too. Layer L6 is no judge: it notices
//! any change, and has nothing more to say once the change is acknowledged.

use std::fmt;

use serde_json::{Map, Value, json};

use crate::oracle::escape;
use crate::workspace::{SPEC, Workspace};
use crate::{l0_spec, l7_references};

/// One changed place of the spec.
#[derive(Clone, Debug)]
pub struct Mutant {
    /// What kind of slip it is.
    pub kind: &'static str,
    /// The JSON pointer of what changes.
    pub pointer: String,
    /// What it becomes; `None` when it is removed.
    value: Option<Value>,
    /// A second place that changes with it.
    with: Option<(String, Value)>,
}

impl fmt::Display for Mutant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = self.value.as_ref();
        let value = value.map_or_else(|| "removed".to_owned(), ToString::to_string);
        let value = crate::oracle::short(&value);
        write!(f, "{}: #{}: {value}", self.kind, self.pointer)
    }
}

impl Mutant {
    /// The workspace with the change in its spec, and the generated files as they are.
    pub fn workspace(&self, workspace: &Workspace, spec: &Value) -> Workspace {
        let changed = self.apply(spec).to_string();
        workspace.clone().with(SPEC, changed)
    }

    /// The spec with the change in it.
    fn apply(&self, spec: &Value) -> Value {
        let mut changed = spec.clone();
        set(&mut changed, &self.pointer, self.value.clone());
        if let Some((pointer, value)) = &self.with {
            set(&mut changed, pointer, Some(value.clone()));
        }
        changed
    }

    /// The first finding of a layer other than L6, without the generated files.
    pub fn noticed(&self, workspace: &Workspace, spec: &Value) -> Option<String> {
        let changed = workspace.clone().with(SPEC, self.apply(spec).to_string());
        [l0_spec::LAYER, l7_references::LAYER]
            .iter()
            .find_map(|layer| {
                let ran = layer.run(&changed);
                let first = ran.report.findings.first()?;
                Some(format!("{} {first}", ran.layer))
            })
    }
}

/// All changes, or as many as are drawn by a seed.
pub fn drawn(spec: &Value, draw: Option<(usize, u64)>) -> Vec<Mutant> {
    let mut mutants = all(spec);
    if let Some((count, seed)) = draw {
        fastrand::Rng::with_seed(seed).shuffle(&mut mutants);
        mutants.truncate(count);
    }
    mutants
}

/// Sets, adds or removes the value at a pointer.
fn set(document: &mut Value, pointer: &str, value: Option<Value>) {
    let Some((above, key)) = pointer.rsplit_once('/') else {
        return;
    };
    let key = key.replace("~1", "/").replace("~0", "~");
    match (document.pointer_mut(above), value) {
        (Some(Value::Object(object)), Some(value)) => {
            object.insert(key, value);
        }
        (Some(Value::Object(object)), None) => {
            object.remove(&key);
        }
        (Some(Value::Array(items)), value) => {
            let Ok(index) = key.parse::<usize>() else {
                return;
            };
            match value {
                Some(value) if index < items.len() => items[index] = value,
                Some(value) => items.push(value),
                None if index < items.len() => {
                    items.remove(index);
                }
                None => {}
            }
        }
        _ => {}
    }
}

/// All changes, in the order of the document.
fn all(spec: &Value) -> Vec<Mutant> {
    let mut found = Vec::new();
    walk(spec, "", &mut found);
    found
}

fn walk(value: &Value, pointer: &str, found: &mut Vec<Mutant>) {
    match value {
        Value::Object(object) => {
            let is_in_example = pointer.contains("/example/") || pointer.contains("/examples/");
            let is_names = !is_in_example
                && ["properties", "examples", "headers", "schemas", "responses"]
                    .iter()
                    .any(|map| pointer.ends_with(map));
            if is_names {
                names(object, pointer, found);
            }
            for (key, child) in object {
                let at = format!("{pointer}/{}", escape(key));
                if !is_names {
                    keyword(key, child, object, &at, found);
                }
                walk(child, &at, found);
            }
        }
        Value::Array(items) => {
            for (index, child) in items.iter().enumerate() {
                walk(child, &format!("{pointer}/{index}"), found);
            }
        }
        _ => {}
    }
}

/// Changes of a map from names to what they name: each renamed or removed, and the values of two
/// neighbours exchanged.
fn names(object: &Map<String, Value>, pointer: &str, found: &mut Vec<Mutant>) {
    let mut before: Option<(&String, &Value)> = None;
    for (name, value) in object {
        let at = format!("{pointer}/{}", escape(name));
        found.push(mutant("name removed", &at, None));
        let mut renamed = mutant("name changed", &at, None);
        renamed.with = Some((format!("{at}x"), value.clone()));
        found.push(renamed);
        if let Some((other, there)) = before
            && pointer.ends_with("/examples")
        {
            let mut exchanged = mutant("examples exchanged", &at, Some(there.clone()));
            exchanged.with = Some((format!("{pointer}/{}", escape(other)), value.clone()));
            found.push(exchanged);
        }
        before = Some((name, value));
    }
}

fn mutant(kind: &'static str, at: &str, value: Option<Value>) -> Mutant {
    Mutant {
        kind,
        pointer: at.to_owned(),
        value,
        with: None,
    }
}

fn keyword(
    key: &str,
    value: &Value,
    schema: &Map<String, Value>,
    at: &str,
    found: &mut Vec<Mutant>,
) {
    let in_example = at.contains("/example");
    match (key, value) {
        _ if in_example => leaf(value, at, found),
        ("required", Value::Array(items)) => {
            list("required", items, at, found);
            let properties = schema.get("properties").and_then(Value::as_object);
            for name in properties.into_iter().flat_map(Map::keys) {
                if !items.iter().any(|item| item == name.as_str()) {
                    let at = format!("{at}/{}", items.len());
                    found.push(mutant("required", &at, Some(name.as_str().into())));
                }
            }
        }
        ("enum" | "x-extensible-enum" | "x-accepts", Value::Array(items)) => {
            list("enum", items, at, found);
            for index in 1..items.len() {
                let mut changed = items.clone();
                changed.swap(index - 1, index);
                found.push(mutant("order", at, Some(changed.into())));
            }
        }
        ("type", Value::String(kind)) => {
            for other in ["string", "integer", "number", "boolean", "object"] {
                if other != kind {
                    found.push(mutant("type", at, Some(other.into())));
                }
            }
        }
        (
            "minimum" | "maximum" | "minLength" | "maxLength" | "minItems" | "maxItems"
            | "x-rounded-to" | "x-order",
            Value::Number(number),
        ) => {
            let next = number.as_i64().map_or(json!(0), |number| json!(number + 1));
            found.push(mutant("bound", at, Some(next)));
            found.push(mutant("bound", at, None));
        }
        ("nullable" | "deprecated" | "x-gateway-only", Value::Bool(is)) => {
            found.push(mutant("flag", at, Some(json!(!is))));
        }
        ("required", Value::Bool(is)) => found.push(mutant("flag", at, Some(json!(!is)))),
        ("additionalProperties", _) => {
            let other = if *value == json!(false) {
                json!({})
            } else {
                json!(false)
            };
            found.push(mutant("flag", at, Some(other)));
        }
        ("format" | "pattern" | "x-default" | "x-output" | "operationId" | "url", _) => {
            found.push(mutant("keyword", at, Some(changed(value))));
            found.push(mutant("keyword", at, None));
        }
        ("x-only-with" | "x-not-with" | "x-source" | "items", _) => {
            found.push(mutant("keyword", at, None));
        }
        ("security", _) => found.push(mutant("security", at, Some(json!([])))),
        ("get" | "post", Value::Object(operation))
            if at.starts_with("/paths") && !operation.contains_key("security") =>
        {
            let at = format!("{at}/security");
            found.push(mutant("security", &at, Some(json!([]))));
        }
        ("name" | "in" | "scheme", Value::String(_)) if at.starts_with("/components") => {
            found.push(mutant("keyword", at, Some(changed(value))));
        }
        ("version", Value::String(_)) if at == "/info/version" => {
            found.push(mutant("version", at, Some("0.1.1".into())));
        }
        ("description", Value::String(text)) => {
            for word in ["documented", "observed", "inferred"] {
                if text.contains(&format!("({word}")) {
                    let without = text.replace(&format!("({word}"), "(");
                    found.push(mutant("provenance", at, Some(without.into())));
                }
            }
        }
        ("$ref", Value::String(target)) => {
            let other = if target.ends_with("/Task") {
                "Problem"
            } else {
                "Task"
            };
            let other = format!("#/components/schemas/{other}");
            if target.starts_with("#/components/schemas/") {
                found.push(mutant("reference", at, Some(other.into())));
            }
        }
        _ => {}
    }
}

fn list(kind: &'static str, items: &[Value], at: &str, found: &mut Vec<Mutant>) {
    for (index, item) in items.iter().enumerate() {
        let at = format!("{at}/{index}");
        found.push(mutant(kind, &at, None));
        found.push(mutant(kind, &at, Some(changed(item))));
    }
}

/// A changed value inside an example.
fn leaf(value: &Value, at: &str, found: &mut Vec<Mutant>) {
    if !value.is_object() && !value.is_array() && !at.ends_with("/summary") {
        found.push(mutant("example", at, Some(changed(value))));
    }
}

fn changed(value: &Value) -> Value {
    match value {
        Value::String(text) => format!("{text}x").into(),
        Value::Bool(is) => json!(!is),
        Value::Number(number) => json!(number.as_f64().unwrap_or_default() + 1.0),
        Value::Null => json!(0),
        other => other.clone(),
    }
}
