//! Values that name a file on this machine, where its content was likely meant.

use std::path::Path;

use cometapi::models::{Kind, Model};
use serde_json::{Map, Value};

/// How the content of the files that the value of `field` names is sent.
pub(super) fn advice(input: &Map<String, Value>, field: &str) -> impl Iterator<Item = String> {
    let files = input.get(field).map(files).unwrap_or_default();
    files
        .into_iter()
        .map(move |path| format!("to send that file: {field}=@{path}"))
}

/// The same of each field that takes any text.
pub(super) fn notes(
    input: &Map<String, Value>,
    model: Option<&'static Model>,
) -> impl Iterator<Item = String> {
    let takes_text = move |name: &str| match model.and_then(|model| model.field(name)) {
        Some(field) => matches!(
            field.kind(),
            Kind::Text | Kind::Json | Kind::Image { .. } | Kind::Images { .. }
        ),
        None => true,
    };
    let fields = input.iter().filter(move |(name, _)| takes_text(name));
    fields.flat_map(|(name, value)| {
        let files = files(value).into_iter();
        files.map(move |path| {
            format!("{name} is the text {path:?}; to send the file of that name: {name}=@{path}")
        })
    })
}

/// The strings of a value that are the path of a file.
fn files(value: &Value) -> Vec<&str> {
    let strings = match value {
        Value::Array(items) => items.iter().filter_map(Value::as_str).collect(),
        Value::String(text) => vec![text.as_str()],
        _ => Vec::new(),
    };
    let is_file = |text: &&str| Path::new(text).is_file();
    strings.into_iter().filter(is_file).collect()
}

#[cfg(test)]
mod tests {
    use cometapi::models::find;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_text_that_is_the_path_of_a_file_is_noted() {
        // The tests run in the folder of the package.
        for (model, field, value, expected) in [
            (None, "photo", json!("Cargo.toml"), true),
            (None, "photos", json!(["x", "Cargo.toml"]), true),
            (None, "photo", json!("Cargo.tom"), false),
            (None, "photo", json!("src"), false),
            (None, "photo", json!(""), false),
            (None, "photo", json!({"a": "Cargo.toml"}), false),
            (find("flux-schnell"), "prompt", json!("Cargo.toml"), true),
            (
                find("flux-schnell"),
                "megapixels",
                json!("Cargo.toml"),
                false,
            ),
            (find("flux-dev"), "image", json!("Cargo.toml"), true),
        ] {
            let input = Map::from_iter([(field.to_owned(), value)]);
            let notes: Vec<_> = notes(&input, model).collect();
            let note = format!(
                "{field} is the text \"Cargo.toml\"; to send the file of that name: \
                 {field}=@Cargo.toml"
            );
            let expected = if expected { vec![note] } else { Vec::new() };
            assert_eq!(notes, expected, "{field}");
        }
    }
}
