//! The known models: components marked `x-model`, as typed inputs, a registry and JSON Schema.
//!
//! The words that such a component may hold stand in `openapi.yaml`, above the first of them.

mod component;
mod field;
mod ident;
mod rust;
mod schema;

use serde_json::Value;

use crate::Error;

pub(crate) use self::component::{Fault, Model};

/// The folder of the wrapper that belongs to what is made here.
const FOLDER: &str = "crates/cometapi/src/models";

/// A file of the wrapper's, and what it holds.
pub(crate) struct File {
    pub(crate) path: String,
    pub(crate) contents: String,
}

/// Every component marked as a model's input, by the model's name, each with what is wrong
/// with it if anything is.
pub(crate) fn read(spec: &Value) -> Vec<Result<Model, Vec<Fault>>> {
    let schemas = spec.pointer("/components/schemas");
    let mut models: Vec<_> = schemas
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
        .filter(|(_, schema)| schema.get("x-model").is_some())
        .map(|(name, schema)| component::read(name, schema))
        .collect();
    // The spec's own order is lost when a build's `serde_json` sorts.
    models.sort_by(|one, other| sorting_key(one).cmp(sorting_key(other)));
    models
}

fn sorting_key(model: &Result<Model, Vec<Fault>>) -> &str {
    model.as_ref().map_or("", |model| &model.name)
}

/// The wrapper's files: the typed inputs with the registry, and a JSON Schema per model. The
/// spec has been linted.
pub(crate) fn files(spec: &Value) -> Result<Vec<File>, Error> {
    let models: Vec<_> = read(spec).into_iter().filter_map(Result::ok).collect();
    let mut files = vec![File {
        path: format!("{FOLDER}/generated.rs"),
        contents: rust::render(&models)?,
    }];
    for model in &models {
        files.push(File {
            path: format!("{FOLDER}/{}", model.schema_path()),
            contents: schema::render(model),
        });
    }
    Ok(files)
}

/// The folder in which every file is made here: one that is not is left over from a model
/// that has gone.
pub(crate) const SCHEMAS: &str = "crates/cometapi/src/models/schemas";
