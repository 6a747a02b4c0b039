//! What may be asked for, and wins over what was published: model and output.

use super::flatten::Flattener;
use super::glossary::Glossary;
use super::locate::Published;
use super::note::{Notes, shown};
use super::output::{self, ImportOutput};
use crate::error::Error;
use crate::models::is_model;

/// What the published schema may leave open.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ImportOptions {
    model: Option<String>,
    output: Option<ImportOutput>,
    pub(super) copy: Option<String>,
    pub(super) glossary: Option<Glossary>,
}

impl ImportOptions {
    /// The model, `owner/name`; it wins over what the schema says.
    #[must_use]
    pub fn model(mut self, model: impl Into<String>) -> Self {
        self.model = Some(model.into());
        self
    }

    /// What the model returns; it wins over what the schema says.
    #[must_use]
    pub fn output(mut self, output: ImportOutput) -> Self {
        self.output = Some(output);
        self
    }

    /// Where the published schema was found, such as `the npm package x 1.2.0`; the component's
    /// `x-source` states it.
    #[must_use]
    pub fn copy(mut self, copy: impl Into<String>) -> Self {
        self.copy = Some(copy.into());
        self
    }

    /// Describes the model and its fields in these words instead of the publisher's.
    #[must_use]
    pub fn glossary(mut self, glossary: Glossary) -> Self {
        self.glossary = Some(glossary);
        self
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
    if is_model(model) {
        return Ok(model.clone());
    }
    Err(Error::published(format!(
        "`{}` is no model; write `owner/name`, without a version",
        shown(model)
    )))
}

pub(super) fn output(
    published: &Published<'_>,
    options: &ImportOptions,
    flattener: &mut Flattener<'_>,
    notes: &mut Notes,
) -> Result<ImportOutput, Error> {
    let stated = match published.output {
        Some(schema) => output::stated(schema, flattener, options.output.is_some(), notes)?,
        None if published.is_document && options.output.is_none() => {
            notes.add_to("Output", "no schema describes it; it is `json`");
            ImportOutput::Json
        }
        None => {
            return options.output.ok_or_else(|| {
                Error::published(
                    "it does not say what the model returns; pass `--output list`, `single`, \
                     `text` or `json`",
                )
            });
        }
    };
    let Some(given) = options.output.filter(|given| *given != stated) else {
        return Ok(stated);
    };
    if let Some(schema) = published.output {
        let (schema, word) = (shown(&schema.to_string()), given.word());
        notes.add_to(
            "Output",
            format!("the schema says `{schema}`; it is `{word}` as asked"),
        );
    }
    Ok(given)
}
