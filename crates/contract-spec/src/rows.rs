//! Rows of the table of models (`crates/contract/data/models.yaml`) from the schemas that
//! publishers gave out. It shares nothing with `cargo xtask import-model`, which makes the
//! components of the spec from the same files: a fault of either is a difference between the two.
//!
//! What a schema says in prose alone (media types, numbers of files, multiples, conditions) is
//! read from its usual sentences. Read the row over.

use std::fmt::Write;

use anyhow::{Context, ensure};
use serde_json::{Map, Value};

/// The most characters of a line.
const WIDTH: usize = 96;

const MEDIA: [(&str, &str); 4] = [
    ("jpeg", "image/jpeg"),
    ("png", "image/png"),
    ("gif", "image/gif"),
    ("webp", "image/webp"),
];

/// Returns the row of a model whose schema is `published`: a model, a version of it, or its
/// input alone. `model` and `output` are used where it does not say.
pub fn row(published: &Value, model: Option<&str>, output: Option<&str>) -> anyhow::Result<String> {
    let stated = || {
        Some(format!(
            "{}/{}",
            text(published, "owner")?,
            text(published, "name")?
        ))
    };
    let model = model.map(str::to_owned).or_else(stated);
    let model = model.context("it does not say which model it is of; pass --model")?;
    let schemas = published
        .pointer("/openapi_schema/components/schemas")
        .or_else(|| published.pointer("/latest_version/openapi_schema/components/schemas"));
    let input = schemas.map_or(published, |schemas| &schemas["Input"]);
    let answers = schemas.and_then(|schemas| kind_of_output(&schemas["Output"]));
    let output = answers.or(output);
    let output = output.context("it does not say what the model answers; pass --output")?;

    let properties = input["properties"].as_object();
    let properties = properties.context("its input has no properties")?;
    let mut fields: Vec<_> = properties.iter().collect();
    fields.sort_by_key(|(_, field)| field["x-order"].as_i64().unwrap_or(i64::MAX));
    let mut row = format!("- model: {model}\n  output: {output}\n  fields:\n");
    for (name, field) in fields {
        let words = field_words(name, field, input, schemas)?;
        write_field(&words, &mut row)?;
    }
    Ok(row)
}

fn text<'v>(value: &'v Value, key: &str) -> Option<&'v str> {
    value.get(key)?.as_str()
}

fn kind_of_output(output: &Value) -> Option<&'static str> {
    let is_url = |schema: &Value| schema["type"] == "string" && schema["format"] == "uri";
    if is_url(output) {
        Some("single")
    } else if output["type"] == "array" && is_url(&output["items"]) {
        Some("list")
    } else {
        None
    }
}

/// The words of a row for a field, in their order, each as YAML.
fn field_words(
    name: &str,
    field: &Value,
    input: &Value,
    schemas: Option<&Value>,
) -> anyhow::Result<Vec<String>> {
    let field = resolved(field, schemas)?;
    let about = field.get("description").and_then(Value::as_str);
    let about = about.unwrap_or_default();
    let kind = kind(&field).with_context(|| format!("the type of {name} is not known here"))?;
    let mut words = vec![format!("name: {name}"), format!("type: {kind}")];
    let is = |key: &str| field.get(key) == Some(&Value::Bool(true));
    let required = input["required"].as_array().into_iter().flatten();
    if required.into_iter().any(|required| required == name) {
        words.push("required: true".into());
    }
    if matches!(kind, "image" | "images") {
        let named = |word: &str| about.to_lowercase().contains(word);
        let media: Vec<_> = MEDIA.iter().filter(|(word, _)| named(word)).collect();
        if !media.is_empty() {
            let media: Vec<_> = media.iter().map(|(_, media)| *media).collect();
            words.push(format!("accepts: [{}]", media.join(", ")));
        }
    }
    for key in ["nullable", "deprecated"] {
        if is(key) {
            words.push(format!("{key}: true"));
        }
    }
    if let Some(values) = field.get("enum").and_then(Value::as_array) {
        let values: Vec<_> = values.iter().map(in_quotes).collect();
        words.push(format!("enum: [{}]", values.join(", ")));
    }
    for (key, word) in [
        ("minimum", "minimum"),
        ("maximum", "maximum"),
        ("minItems", "min_items"),
        ("maxItems", "max_items"),
    ] {
        if let Some(number) = field.get(key) {
            words.push(format!("{word}: {}", plain(number)));
        }
    }
    if kind == "images"
        && field.get("maxItems").is_none()
        && let Some(most) = most_images(about)
    {
        words.push(format!("max_items: {most}"));
    }
    if let Some(step) = number_after(about, "multiple of ").filter(|_| about.contains("rounded")) {
        words.push(format!("multiple_of: {step}"));
    }
    words.extend(condition(about, input));
    match field.get("default") {
        None | Some(Value::Null) => {}
        Some(default) => words.push(format!("default: {}", in_quotes(&plain(default).into()))),
    }
    Ok(words)
}

/// The field with what it refers to. What it says itself wins.
fn resolved(field: &Value, schemas: Option<&Value>) -> anyhow::Result<Map<String, Value>> {
    let mut whole = Map::new();
    let parts = field["allOf"].as_array().into_iter().flatten();
    for part in parts.chain([field]) {
        let referred = match text(part, "$ref") {
            Some(reference) => {
                let name = reference.rsplit('/').next().unwrap_or_default();
                let schema = schemas.and_then(|schemas| schemas.get(name)?.as_object());
                Some(schema.with_context(|| format!("{reference} leads nowhere"))?)
            }
            None => None,
        };
        let own = part.as_object();
        for (key, value) in referred.into_iter().chain(own).flatten() {
            if !matches!(key.as_str(), "allOf" | "$ref") {
                whole.insert(key.clone(), value.clone());
            }
        }
    }
    Ok(whole)
}

fn kind(field: &Map<String, Value>) -> Option<&'static str> {
    let is_url = |of: &Value| of.get("format").is_some_and(|format| format == "uri");
    let items = field.get("items").unwrap_or(&Value::Null);
    Some(match field.get("type")?.as_str()? {
        "string" if field.get("format").is_some_and(|format| format == "uri") => "image",
        "string" => "string",
        "integer" => "integer",
        "number" => "number",
        "boolean" => "boolean",
        "array" if is_url(items) => "images",
        "array" if items["type"] == "string" => "array",
        _ => return None,
    })
}

/// `Maximum 8 images`, `up to 14 images`, `List of 1-10 images`.
fn most_images(about: &str) -> Option<u32> {
    about.match_indices(" images").find_map(|(at, _)| {
        let digits = about[..at].rsplit(|c: char| !c.is_ascii_digit()).next()?;
        digits.parse().ok()
    })
}

fn number_after(about: &str, words: &str) -> Option<u32> {
    let (_, after) = about.split_once(words)?;
    let digits: String = after.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

/// `Only used when aspect_ratio=custom`, `not used when aspect_ratio is 'custom'`,
/// `when sequential_image_generation='auto'`.
fn condition(about: &str, input: &Value) -> Option<String> {
    let sentence = about.split(". ").find(|sentence| {
        let sentence = sentence.to_lowercase();
        sentence.contains("used when ") || sentence.contains("images to generate when ")
    })?;
    let (before, after) = sentence.split_once(" when ")?;
    let mut rest = after.splitn(2, [' ', '=']);
    let (field, value) = (rest.next()?, rest.next()?);
    input["properties"].get(field)?;
    let is_negated = before.to_lowercase().contains("not ") || value.contains("not ");
    let word = if is_negated { "not_with" } else { "only_with" };
    let value = value.trim_start_matches("is ").trim_start_matches("not ");
    let value = value.trim_start_matches('\'');
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let value: String = value.chars().take_while(|c| is_word(*c)).collect();
    (!value.is_empty()).then(|| format!("{word}: {{{field}: {value}}}"))
}

/// A number without a fraction of zero, a string without quotes, and anything else as JSON.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => {
            let text = number.to_string();
            text.strip_suffix(".0").unwrap_or(&text).to_owned()
        }
        other => other.to_string(),
    }
}

/// A string in quotes; the numbers of an enum stay numbers.
fn in_quotes(value: &Value) -> String {
    match value {
        Value::String(text) => format!("'{}'", text.replace('\'', "''")),
        other => plain(other),
    }
}

/// Writes the words as one flow mapping, with as many on a line as fit.
fn write_field(words: &[String], out: &mut String) -> anyhow::Result<()> {
    ensure!(
        !words.iter().any(|word| word.contains('\n')),
        "a value of several lines cannot be a word of a row: {words:?}"
    );
    let whole = words.join(", ");
    let mut line = "    - {".to_owned();
    for piece in whole.split_inclusive(", ") {
        if line.len() + piece.trim_end().len() > WIDTH && !line.ends_with('{') {
            writeln!(out, "{}", line.trim_end())?;
            line = " ".repeat(7);
        }
        line += piece;
    }
    writeln!(out, "{line}}}")?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_row_says_what_the_schema_and_its_sentences_say() {
        let published = json!({"owner": "acme", "name": "brush", "latest_version": {
            "openapi_schema": {"components": {"schemas": {
                "Input": {"required": ["prompt"], "properties": {
                    "width": {"type": "integer", "minimum": 256, "maximum": 2048, "nullable": true,
                        "x-order": 3, "description": "Width. Only used when ratio=custom. A \
                        multiple of 16 (it is rounded to it)."},
                    "prompt": {"type": "string", "x-order": 0},
                    "ratio": {"allOf": [{"$ref": "#/components/schemas/ratio"}], "default": "1:1",
                        "x-order": 2},
                    "images": {"type": "array", "items": {"type": "string", "format": "uri"},
                        "default": [], "x-order": 1, "description": "Maximum 8 images, jpeg or png."},
                    "scale": {"type": "number", "default": 2.0, "deprecated": true, "x-order": 4,
                        "description": "Not used when ratio is 'custom'."},
                }},
                "ratio": {"type": "string", "enum": ["1:1", "custom"]},
                "Output": {"type": "array", "items": {"type": "string", "format": "uri"}},
            }}},
        }});
        assert_eq!(
            row(&published, None, None).unwrap(),
            "\
- model: acme/brush
  output: list
  fields:
    - {name: prompt, type: string, required: true}
    - {name: images, type: images, accepts: [image/jpeg, image/png], max_items: 8, default: '[]'}
    - {name: ratio, type: string, enum: ['1:1', 'custom'], default: '1:1'}
    - {name: width, type: integer, nullable: true, minimum: 256, maximum: 2048, multiple_of: 16,
       only_with: {ratio: custom}}
    - {name: scale, type: number, deprecated: true, not_with: {ratio: custom}, default: '2'}
"
        );
    }

    #[test]
    fn what_an_input_alone_does_not_say_is_asked_for() {
        let input = json!({"properties": {"on": {"type": "boolean", "default": true}}});
        for (model, output, missing) in [
            (None, Some("list"), "--model"),
            (Some("acme/brush"), None, "--output"),
        ] {
            let error = row(&input, model, output).unwrap_err().to_string();
            assert!(error.contains(missing), "{error}");
        }
        let row = row(&input, Some("acme/brush"), Some("single")).unwrap();
        assert!(
            row.ends_with("    - {name: on, type: boolean, default: 'true'}\n"),
            "{row}"
        );
    }

    #[test]
    fn a_field_that_cannot_be_read_is_named() {
        for field in [
            json!({"type": "object"}),
            json!({"$ref": "#/components/schemas/nowhere"}),
            json!({"type": "string", "default": "a\nb"}),
        ] {
            let input = json!({"properties": {"odd": field}});
            assert!(row(&input, Some("a/b"), Some("single")).is_err(), "{input}");
        }
    }
}
