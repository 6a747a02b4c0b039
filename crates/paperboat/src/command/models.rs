//! `paperboat models` and `paperboat schema`: the models whose input is known.

mod prices;
mod table;

use std::io;

use cometapi::models::{self, Field, Kind, Model, OutputKind, models};
use serde_json::{Map, Value, json};
use terminal_size::{Width, terminal_size_of};

use self::prices::Prices;
use crate::args::{Models, Schema};
use crate::failure::Failure;
use crate::print;

pub(crate) fn execute(args: &Models) -> Result<(), Failure> {
    let found = search(&args.words)?;
    let prices = Prices::cached();
    if args.json {
        let all = found.into_iter().map(|model| model_json(model, &prices));
        let all: Vec<_> = all.collect();
        return print::document(format_args!("{:#}", Value::Array(all)));
    }
    // A file or a pipe has no width; it gets whole lines.
    let width = terminal_size_of(io::stdout()).map(|(Width(width), _)| usize::from(width));
    let width = width.filter(|width| *width > 0);
    match found[..] {
        [model] if !args.words.is_empty() => {
            let price = prices.of(model);
            print::document(table::details(model, price.as_ref(), width))?;
            prices.note_on_one().into_iter().for_each(print::stderr);
            Ok(())
        }
        _ => {
            let row = |model| table::Row::of(model, prices.of(model).as_ref());
            let rows: Vec<_> = found.into_iter().map(row).collect();
            print::document(table::overview(&rows, width))?;
            prices.note_on_all().into_iter().for_each(print::stderr);
            // On a screen that the list does not fit, its end is what is seen.
            if args.words.is_empty() && width.is_some() {
                print::stderr(format_args!(
                    "{} known models; to search them: paperboat models WORD…",
                    rows.len()
                ));
            }
            Ok(())
        }
    }
}

/// The model that a single word names, or else those that have all of the words.
fn search(words: &[String]) -> Result<Vec<&'static Model>, Failure> {
    if let [word] = words
        && let Some(model) = models::find(word)
    {
        return Ok(vec![model]);
    }
    let words: Vec<_> = words.iter().map(|word| word.to_lowercase()).collect();
    let has_all = |model: &&Model| words.iter().all(|word| has(model, word));
    let found: Vec<_> = models().iter().filter(has_all).collect();
    if !found.is_empty() {
        return Ok(found);
    }
    let all = words.join(" ");
    let failure = Failure::usage(format!("no known model has {all:?} in it"));
    Err(advise(failure, &all))
}

/// Whether `word`, which is in lower case, is in what is shown of a model.
fn has(model: &Model, word: &str) -> bool {
    let texts = [model.name(), model.description()].into_iter();
    let fields = model.fields().iter().map(Field::name);
    let kind = model.output_kind();
    kind.to_string() == word
        || returns(kind) == word
        || texts
            .chain(fields)
            .any(|text| text.to_lowercase().contains(word))
}

/// What a model returns, in a word.
fn returns(kind: OutputKind) -> &'static str {
    match kind {
        OutputKind::Files => "files",
        OutputKind::OneFile => "file",
        OutputKind::Text => "text",
        _ => "json",
    }
}

/// With the models that `name` may be meant for.
fn advise(failure: Failure, name: &str) -> Failure {
    let candidates = models::candidates(name);
    let names: Vec<_> = candidates
        .iter()
        .take(5)
        .map(|model| model.name())
        .collect();
    match names[..] {
        [] => failure.with_advice("the known models: paperboat models"),
        _ => failure.with_advice(format!("did you mean {}?", names.join(" or "))),
    }
}

/// Prints what a known model takes, for machines.
pub(crate) fn print_schema(args: &Schema) -> Result<(), Failure> {
    let name = &args.model;
    if let Some(model) = models::find(name) {
        return print::document(model.schema().trim_end());
    }
    let failure = Failure::usage(format!("{name:?} is not a model known here"));
    Err(advise(failure, name))
}

fn model_json(model: &Model, prices: &Prices) -> Value {
    let price = prices.of(model);
    let schema: Value = serde_json::from_str(model.schema()).unwrap_or_default();
    json!({
        "model": model.name(),
        "description": model.description(),
        "source": model.source(),
        "answers": model.output_kind().to_string(),
        "list_usd": price.as_ref().map(|price| price.list),
        "discounted_usd": price.as_ref().map(|price| price.discounted),
        "price_age_seconds": price.as_ref().and(prices.age_seconds()),
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

    fn found(words: &[&str]) -> Vec<&'static str> {
        let words: Vec<_> = words.iter().map(ToString::to_string).collect();
        let found = search(&words);
        found.map_or_else(
            |_| Vec::new(),
            |found| found.iter().map(|m| m.name()).collect(),
        )
    }

    #[test]
    fn a_model_is_found_by_its_name_and_by_each_word_of_it() {
        for model in models() {
            assert_eq!(found(&[model.name()]), [model.name()]);
            if models::find(model.short_name()).is_some() {
                assert_eq!(found(&[model.short_name()]), [model.name()]);
            }
            for field in model.fields() {
                assert!(found(&[field.name(), model.owner()]).contains(&model.name()));
            }
            let words: Vec<_> = model.description().split(' ').collect();
            assert!(found(&words).contains(&model.name()));
            assert!(found(&[returns(model.output_kind())]).contains(&model.name()));
        }
        assert_eq!(found(&[]).len(), models().len());
    }

    #[test]
    fn every_word_must_fit_whatever_its_case() {
        let both = found(&["KONTEXT", "max"]);
        assert!(both.contains(&"black-forest-labs/flux-kontext-max"));
        assert!(both.len() < found(&["kontext"]).len());
        assert_eq!(found(&["kontext", "watercolor"]), [""; 0]);
    }
}
