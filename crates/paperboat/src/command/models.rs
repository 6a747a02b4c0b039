//! `paperboat models` and `paperboat schema`: the models whose input is known.

use cometapi::models::{self, Field, Kind, Model, models};
use serde_json::{Map, Value, json};

use crate::args::{Models, Schema};
use crate::failure::Failure;
use crate::print;

/// How wide a line may be, so that no terminal has to break it.
const WIDTH: usize = 80;
/// Between two columns.
const GAP: &str = "  ";

pub(crate) fn execute(args: &Models) -> Result<(), Failure> {
    if args.json {
        let all: Vec<_> = models().iter().map(model_json).collect();
        return print::document(format_args!("{:#}", Value::Array(all)));
    }
    let rows = models().iter().map(|model| {
        let fields: Vec<_> = model.fields().iter().map(Field::name).collect();
        (model.name(), model.output_kind().to_string(), fields)
    });
    print::document(table(rows.collect()))
}

/// Prints what a known model takes, for machines.
pub(crate) fn print_schema(args: &Schema) -> Result<(), Failure> {
    let name = &args.model;
    if let Some(model) = models::find(name) {
        return print::document(model.schema().trim_end());
    }
    let failure = Failure::usage(format!("{name:?} is not a model known here"));
    Err(match models::nearest(name) {
        Some(near) => failure.with_advice(format!("did you mean {}?", near.name())),
        None => failure.with_advice("those that are: paperboat models"),
    })
}

type Row<'r> = (&'r str, String, Vec<&'r str>);

/// Three columns, the last of them broken between two fields where it is too long.
fn table(rows: Vec<Row<'_>>) -> String {
    let heads = ("MODEL", "RETURNS", "FIELDS");
    let names = rows.iter().map(|(name, ..)| name.len());
    let names = names.chain([heads.0.len()]).max().unwrap_or_default();
    let answers = rows.iter().map(|(_, answer, _)| answer.len());
    let answers = answers.chain([heads.1.len()]).max().unwrap_or_default();
    let room = WIDTH.saturating_sub(names + answers + 2 * GAP.len());
    let line = |name: &str, answer: &str, rest: &str| {
        format!("{name:names$}{GAP}{answer:answers$}{GAP}{rest}")
    };
    let mut lines = vec![line(heads.0, heads.1, heads.2)];
    for (name, answer, fields) in rows {
        let mut left = (name, answer.as_str());
        for fields in broken(&fields, room) {
            lines.push(line(left.0, left.1, &fields));
            left = ("", "");
        }
    }
    lines.join("\n")
}

/// `words` with commas between them, in lines of up to `room` characters where that can be.
fn broken(words: &[&str], room: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for (index, word) in words.iter().enumerate() {
        let comma = if index + 1 < words.len() { "," } else { "" };
        let needed = word.len() + comma.len();
        match lines.last_mut() {
            Some(line) if line.is_empty() => *line = format!("{word}{comma}"),
            Some(line) if line.len() + 1 + needed <= room => {
                line.push(' ');
                line.push_str(word);
                line.push_str(comma);
            }
            _ => lines.push(format!("{word}{comma}")),
        }
    }
    lines
}

fn model_json(model: &Model) -> Value {
    let schema: Value = serde_json::from_str(model.schema()).unwrap_or_default();
    json!({
        "model": model.name(),
        "description": model.description(),
        "source": model.source(),
        "answers": model.output_kind().to_string(),
        "fields": model.fields().iter().map(field_json).collect::<Vec<_>>(),
        "schema": schema,
    })
}

fn field_json(field: &Field) -> Value {
    let mut json = Map::new();
    let mut set = |key: &str, value: Value| {
        json.insert(key.to_owned(), value);
    };
    set("name", field.name().into());
    set("flag", crate::args::field::flag(field.name()).into());
    set("description", field.description().into());
    set("source", field.source().into());
    set("takes", field.kind().to_string().into());
    for (key, value) in limits(field.kind()) {
        set(key, value);
    }
    if let Some(text) = field.default() {
        set("default", field.read(text).unwrap_or_else(|_| text.into()));
    }
    for (key, when) in [
        ("only_with", field.only_with()),
        ("not_with", field.not_with()),
    ] {
        if let Some(when) = when {
            set(key, json!({when.field: when.value}));
        }
    }
    if let Some(step) = field.rounded_to() {
        set("rounded_to", step.into());
    }
    for (key, is) in [
        ("required", field.is_required()),
        ("nullable", field.is_nullable()),
        ("deprecated", field.is_deprecated()),
        ("gateway_only", field.is_gateway_only()),
    ] {
        set(key, is.into());
    }
    Value::Object(json)
}

/// The type and its limits, those that there are.
fn limits(kind: Kind) -> Vec<(&'static str, Value)> {
    let (name, limits) = match kind {
        Kind::Text => ("text", vec![]),
        Kind::Choice { values, .. } => ("word", vec![("values", json!(values))]),
        Kind::IntegerChoice { values, .. } => ("integer", vec![("values", json!(values))]),
        Kind::Integer {
            minimum, maximum, ..
        } => (
            "integer",
            vec![("minimum", json!(minimum)), ("maximum", json!(maximum))],
        ),
        Kind::Number {
            minimum, maximum, ..
        } => (
            "number",
            vec![("minimum", json!(minimum)), ("maximum", json!(maximum))],
        ),
        Kind::Boolean => ("boolean", vec![]),
        Kind::Image { accepts, .. } => ("file", vec![("accepts", json!(accepts))]),
        Kind::Images {
            accepts, max_items, ..
        } => (
            "files",
            vec![("accepts", json!(accepts)), ("max_items", json!(max_items))],
        ),
        Kind::Strings { max_items, .. } => ("texts", vec![("max_items", json!(max_items))]),
        _ => ("json", vec![]),
    };
    let given = limits.into_iter().filter(|(_, limit)| !limit.is_null());
    [("type", json!(name))].into_iter().chain(given).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_column_is_broken_between_fields() {
        assert_eq!(broken(&["ab", "cd", "ef"], 6), ["ab,", "cd, ef"]);
        assert_eq!(broken(&["ab", "cd"], 7), ["ab, cd"]);
        assert_eq!(
            broken(&["a_word_that_is_long", "b"], 4),
            ["a_word_that_is_long,", "b"]
        );
        assert_eq!(broken(&[], 4), [""]);
    }

    #[test]
    fn a_table_of_nothing_is_its_heads() {
        assert_eq!(table(vec![]), "MODEL  RETURNS  FIELDS");
    }
}
