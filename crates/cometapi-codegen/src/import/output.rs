//! What a model returns, read from the schema of its output as Replicate's own clients read it: a
//! list of strings is one text only where both words for that stand beside it.

use serde_json::Value;

use super::flat::{Flat, kind_of};
use super::flatten::Flattener;
use super::note::Notes;
use crate::error::Error;

/// What a model returns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ImportOutput {
    /// A list of URLs.
    List,
    /// One URL.
    Single,
    /// A string, whole or as a list of its parts.
    Text,
    /// Any JSON.
    Json,
}

impl ImportOutput {
    /// The word in the spec, as a value of `x-output`.
    pub fn word(self) -> &'static str {
        match self {
            Self::List => "list",
            Self::Single => "single",
            Self::Text => "text",
            Self::Json => "json",
        }
    }
}

/// What the schema states. With `overridden`, what it leaves open is of no interest.
pub(super) fn stated(
    schema: &Value,
    flattener: &mut Flattener<'_>,
    overridden: bool,
    notes: &mut Notes,
) -> Result<ImportOutput, Error> {
    let flat = flattener.flatten(schema)?;
    if flat.nullable {
        notes.add_to("Output", "it may be null, which `x-output` cannot say");
    }
    let mut json = |why: &str| {
        if !overridden {
            notes.add_to("Output", format!("{why}; it is `json`"));
        }
        Ok(ImportOutput::Json)
    };
    if let Some(why) = &flat.unfit {
        return json(why);
    }
    match kind_of(&flat) {
        Some("string") if is_uri(&flat) => Ok(ImportOutput::Single),
        Some("string") => Ok(ImportOutput::Text),
        Some("array") => {
            let Some(items) = flat.word("items") else {
                return json("what its items are is not stated");
            };
            let items = flattener.flatten(items)?;
            match kind_of(&items).filter(|_| items.unfit.is_none()) {
                Some("string") if is_uri(&items) => Ok(ImportOutput::List),
                Some("string") if is_one_text(&flat) => Ok(ImportOutput::Text),
                Some("string") => json("nothing says that its strings are parts of one text"),
                _ => Ok(ImportOutput::Json),
            }
        }
        Some(_) => Ok(ImportOutput::Json),
        None => json("its schema gives no type"),
    }
}

fn is_uri(flat: &Flat) -> bool {
    flat.word("format").and_then(Value::as_str) == Some("uri")
}

fn is_one_text(flat: &Flat) -> bool {
    let says = |key, word| flat.word(key).and_then(Value::as_str) == Some(word);
    says("x-cog-array-type", "iterator") && says("x-cog-array-display", "concatenate")
}
