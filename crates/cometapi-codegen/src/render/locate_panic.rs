//! Which part of a spec the generator cannot take.
//!
//! It says what broke inside itself, seldom where in the spec. So it is asked again, with
//! less: the smallest part that still fails is named.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::document;

pub(super) fn find(spec: &Value, fails: impl Fn(&Value) -> bool) -> Option<String> {
    // Without any operation, it must be a schema.
    if fails(&with_paths(spec, Map::new())) {
        return schema(spec, fails);
    }
    let guilty = document::operations(spec).into_iter().find(|operation| {
        let mut item = Map::new();
        let shared = spec["paths"][operation.path].get("parameters");
        if let Some(shared) = shared {
            item.insert("parameters".to_owned(), shared.clone());
        }
        item.insert(operation.method.to_owned(), operation.value.clone());
        let paths = [(operation.path.to_owned(), Value::Object(item))];
        fails(&with_paths(spec, paths.into_iter().collect()))
    });
    guilty.map(|operation| operation.place())
}

/// The schema with the least around it that fails with what it refers to.
fn schema(spec: &Value, fails: impl Fn(&Value) -> bool) -> Option<String> {
    let schemas = spec.pointer("/components/schemas")?.as_object()?;
    let mut candidates: Vec<(&str, BTreeSet<&str>)> = schemas
        .iter()
        .map(|(name, schema)| {
            let mut reached = BTreeSet::new();
            document::reach(spec, schema, &mut reached);
            let mut names: BTreeSet<_> = reached
                .into_iter()
                .filter_map(document::schema_name)
                .collect();
            names.insert(name);
            (name.as_str(), names)
        })
        .collect();
    candidates.sort_by_key(|(name, names)| (names.len(), *name));
    let guilty = candidates.into_iter().find(|(_, names)| {
        let mut spec = with_paths(spec, Map::new());
        let kept = schemas
            .iter()
            .filter(|(name, _)| names.contains(name.as_str()))
            .map(|(name, schema)| (name.clone(), schema.clone()))
            .collect();
        spec["components"]["schemas"] = Value::Object(kept);
        fails(&spec)
    });
    guilty.map(|(name, _)| format!("schema {name}"))
}

fn with_paths(spec: &Value, paths: Map<String, Value>) -> Value {
    let mut spec = spec.clone();
    spec["paths"] = Value::Object(paths);
    spec
}
