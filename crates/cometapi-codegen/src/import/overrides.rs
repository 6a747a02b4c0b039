//! What may be asked for, and wins over what was published: model and output.

use serde_json::Value;

use super::flat::Flat;
use super::flatten::Flattener;
use super::locate::Published;
use super::note::{Notes, shown};
use crate::error::Error;

/// What the published schema may leave open.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ImportOptions {
    model: Option<String>,
    output: Option<ImportOutput>,
}

impl ImportOptions {
    /// The model, `owner/name`; it wins over what the schema says.
    #[must_use]
    pub fn model(mut self, model: impl Into<String>) -> Self {
        self.model = Some(model.into());
        self
    }

    /// What the model answers; it wins over what the schema says.
    #[must_use]
    pub fn output(mut self, output: ImportOutput) -> Self {
        self.output = Some(output);
        self
    }
}

/// What a model answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ImportOutput {
    /// A list of addresses.
    List,
    /// One address.
    Single,
}

impl ImportOutput {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::List => "list",
            Self::Single => "single",
        }
    }
}

pub(super) fn model(
    published: &Published<'_>,
    options: &ImportOptions,
    notes: &mut Notes,
) -> Result<String, Error> {
    let model = match (&options.model, &published.model) {
        (Some(given), Some(stated)) if given != stated => {
            let stated = shown(stated);
            notes.add_to(
                "x-model",
                format!("the schema is of `{stated}`; it is `{given}` as asked"),
            );
            given
        }
        (Some(model), _) | (None, Some(model)) => model,
        (None, None) => {
            return Err(Error::published(
                "it does not say of which model it is; pass `--model owner/name`",
            ));
        }
    };
    let part = |part: &str| {
        part.len() <= 128
            && part.starts_with(|first: char| first.is_ascii_alphanumeric() || first == '_')
            && part
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
    };
    match model.split_once('/') {
        Some((owner, name)) if part(owner) && part(name) => Ok(model.clone()),
        _ => Err(Error::published(format!(
            "`{}` is no model; write `owner/name`, without a version",
            shown(model)
        ))),
    }
}

pub(super) fn output(
    published: &Published<'_>,
    options: &ImportOptions,
    flattener: &mut Flattener<'_>,
    notes: &mut Notes,
) -> Result<ImportOutput, Error> {
    let Some(schema) = published.output else {
        return options.output.ok_or_else(|| {
            Error::published(
                "it does not say what the model answers; pass `--output list` or `single`",
            )
        });
    };
    let flat = flattener.flatten(schema)?;
    let is_uri = |flat: &Flat| {
        flat.kind.as_deref() == Some("string")
            && flat.word("format").and_then(Value::as_str) == Some("uri")
    };
    let stated = match flat.word("items") {
        Some(items) if flat.kind.as_deref() == Some("array") => {
            is_uri(&flattener.flatten(items)?).then_some(ImportOutput::List)
        }
        _ => is_uri(&flat).then_some(ImportOutput::Single),
    };
    if flat.nullable {
        notes.add_to("Output", "it may be null, which `x-output` cannot say");
    }
    let schema = shown(&schema.to_string());
    match (options.output, stated) {
        (None, Some(stated)) => Ok(stated),
        (Some(given), Some(stated)) if given == stated => Ok(stated),
        (Some(given), _) => {
            let word = given.word();
            notes.add_to(
                "Output",
                format!("the schema says `{schema}`; it is `{word}` as asked"),
            );
            Ok(given)
        }
        (None, None) => Err(Error::published(format!(
            "its `Output` is neither an address nor a list of addresses ({schema}); pass \
             `--output list` or `single` if it is one anyway"
        ))),
    }
}
