//! A model's input: the fields of `--input`, then the pairs.

use std::collections::BTreeSet;
use std::fs::File;
use std::path::Path;

use cometapi::models::{self, JsonErrorKind, Kind, parse_json};
use serde_json::{Map, Value};

use crate::args::What;
use crate::failure::Failure;
use crate::file::{self, decode};
use crate::pair::Reader;

/// The input that the arguments spell. Numbers and booleans in quotes are read as what they are, as
/// they are when they are sent, unless the input is forced.
pub(crate) fn read(what: &What) -> Result<Map<String, Value>, Failure> {
    let mut fields = match &what.input {
        Some(path) => object(path)?,
        None => Map::new(),
    };
    let reader = Reader {
        model: models::find(&what.model.to_string()),
        max_file_size: what.max_file_size,
    };
    let mut seen = BTreeSet::new();
    for pair in &what.pairs {
        let (key, value) = reader.read(pair)?;
        if seen.insert(key.clone()) {
            fields.insert(key, value);
        } else {
            again(&reader, &mut fields, key, value)?;
        }
    }
    if let Some(model) = reader.model.filter(|_| !what.force) {
        model.normalize(&mut fields);
    }
    Ok(fields)
}

/// A field once more: a list grows by it.
fn again(
    reader: &Reader,
    fields: &mut Map<String, Value>,
    key: String,
    value: Value,
) -> Result<(), Failure> {
    let is_list = reader
        .field(&key)
        .is_some_and(|field| matches!(field.kind(), Kind::Images { .. } | Kind::Strings { .. }));
    match (fields.get_mut(&key), value) {
        (Some(Value::Array(items)), Value::Array(more)) if is_list => {
            items.extend(more);
            Ok(())
        }
        _ => Err(Failure::usage(format!(
            "{key:?} is given twice; give it once"
        ))),
    }
}

/// The JSON object in a file, or on stdin.
fn object(path: &Path) -> Result<Map<String, Value>, Failure> {
    let (name, bytes) = if path.as_os_str() == "-" {
        let read = file::read(std::io::stdin(), file::MAX_SIZE);
        ("stdin".to_owned(), read)
    } else {
        let read = File::open(path).and_then(|file| file::read(file, file::MAX_SIZE));
        (path.display().to_string(), read)
    };
    let bytes = bytes
        .map_err(|e| Failure::usage(format!("--input: {name} cannot be read")).caused_by(&e))?;
    let text =
        decode(&bytes).map_err(|what| Failure::usage(format!("--input: {name} is {what}")))?;
    let json = parse_json(text).map_err(|e| match e.kind() {
        JsonErrorKind::DuplicateKey | JsonErrorKind::Number => {
            Failure::usage(format!("--input: {name}: {e}"))
        }
        _ => Failure::usage(format!("--input: {name} is not json")).caused_by(&e),
    })?;
    match json {
        Value::Object(fields)
            if fields.len() == 1 && fields.get("input").is_some_and(Value::is_object) =>
        {
            Err(Failure::usage(format!(
                "--input: {name} holds a whole request; give what is inside its \"input\""
            )))
        }
        Value::Object(fields) => Ok(fields),
        _ => Err(Failure::usage(format!(
            "--input: {name} is not a json object such as {{\"prompt\": \"…\"}}"
        ))),
    }
}
