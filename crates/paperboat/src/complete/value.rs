//! The values that an argument or a field may have.

use clap::{Arg, ValueHint};
use cometapi::models::{Field, Kind, Model, find, models};

use super::{Candidate, path};
use crate::args::field;

/// The values of `arg`, each after `head`, which is a part of the word.
pub(super) fn of_arg(arg: &Arg, model: Option<&Model>, head: &str, word: &str) -> Vec<Candidate> {
    if let Some(field) = model.and_then(|model| field::of(arg, model)) {
        return of_field(field, head, word);
    }
    // `models` searches for words, and finds a model by its name.
    if arg.get_id() == "model" || arg.get_id() == "words" {
        return models()
            .iter()
            .flat_map(|model| {
                let names = names(model, word);
                names.map(move |name| Candidate::new(format!("{head}{name}"), model.description()))
            })
            .collect();
    }
    let possible = arg.get_possible_values();
    if !possible.is_empty() {
        let shown = possible.iter().filter(|value| !value.is_hide_set());
        return shown
            .map(|value| {
                let help = value
                    .get_help()
                    .map_or_else(String::new, ToString::to_string);
                Candidate::new(format!("{head}{}", value.get_name()), help)
            })
            .collect();
    }
    match arg.get_value_hint() {
        ValueHint::DirPath => path::folders(head, word),
        ValueHint::AnyPath | ValueHint::FilePath => path::all(head, word),
        _ => Vec::new(),
    }
}

/// The names of a model: its short one for who begins to type it, where it is enough.
fn names(model: &Model, word: &str) -> impl Iterator<Item = &'static str> {
    let short = model.short_name();
    let is_meant = !word.is_empty() && short.starts_with(word) && find(short).is_some();
    let whole = Some(model.name());
    whole.into_iter().chain(is_meant.then_some(short))
}

/// The values of `field`, each after `head`, which is a part of the word.
pub(super) fn of_field(field: &Field, head: &str, word: &str) -> Vec<Candidate> {
    if let Some(file) = word.strip_prefix('@') {
        return path::all(&format!("{head}@"), file);
    }
    let is_default = |value: &str| {
        let is = field.default() == Some(value);
        if is { "the default" } else { "" }
    };
    let values = values(field.kind());
    values
        .iter()
        .map(|value| Candidate::new(format!("{head}{value}"), is_default(value)))
        .collect()
}

/// All values, where they are known; for a file, how one is given.
fn values(kind: Kind) -> Vec<String> {
    /// More numbers than this are a range, not a choice.
    const FEW: i64 = 10;
    match kind {
        Kind::Choice { values, .. } => values.iter().map(ToString::to_string).collect(),
        Kind::IntegerChoice { values, .. } => values.iter().map(ToString::to_string).collect(),
        Kind::Boolean => vec!["true".to_owned(), "false".to_owned()],
        Kind::Integer {
            minimum: Some(least),
            maximum: Some(most),
            ..
        } if most.saturating_sub(least) < FEW => {
            (least..=most).map(|number| number.to_string()).collect()
        }
        Kind::Image { .. } | Kind::Images { .. } => vec!["@".to_owned()],
        _ => Vec::new(),
    }
}
