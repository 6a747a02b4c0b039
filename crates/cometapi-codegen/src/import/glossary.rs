//! What models and fields do, in words of our own.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::error::Error;

/// Descriptions that take the place of the publisher's: of fields by their names, and of models.
///
/// ```
/// use cometapi_codegen::{Glossary, ImportOptions, import_model};
///
/// let glossary = Glossary::from_yaml("
/// models: {acme/brush: Paints in oil.}
/// fields: {prompt: What is painted.}
/// ")?;
/// let published = r#"{"type": "object", "properties": {
///     "prompt": {"type": "string", "description": "The publisher's words."}
/// }}"#;
/// let options = ImportOptions::default().model("acme/brush").glossary(glossary);
/// # let options = options.output(cometapi_codegen::ImportOutput::Single);
/// let imported = import_model(published, &options)?;
/// assert!(imported.yaml.contains("description: What is painted.\n"));
/// # Ok::<(), cometapi_codegen::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Glossary {
    /// By the model, `owner/name`.
    #[serde(default)]
    models: BTreeMap<String, String>,
    #[serde(default)]
    fields: BTreeMap<String, String>,
    /// Fields that do something else at some models.
    #[serde(default)]
    exceptions: Vec<Exception>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Exception {
    models: Vec<String>,
    fields: BTreeMap<String, String>,
}

impl Glossary {
    /// Reads a glossary: `models` and `fields` map names to descriptions; `exceptions` is a list of
    /// `models` and what other `fields` mean there.
    ///
    /// # Errors
    ///
    /// [`Error::Yaml`] when it is not that.
    pub fn from_yaml(yaml: &str) -> Result<Self, Error> {
        serde_json::from_value(crate::read::read(yaml)?).map_err(|error| Error::Yaml {
            message: error.to_string(),
        })
    }

    pub(super) fn model(&self, model: &str) -> Option<String> {
        self.models.get(model).map(|text| paragraph(text))
    }

    pub(super) fn field(&self, model: &str, field: &str) -> Option<String> {
        let exceptions = self.exceptions.iter();
        exceptions
            .filter(|exception| exception.models.iter().any(|name| name == model))
            .find_map(|exception| exception.fields.get(field))
            .or_else(|| self.fields.get(field))
            .map(|text| paragraph(text))
    }
}

/// The text without its line ends.
fn paragraph(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exception_wins_at_its_models() {
        let glossary = Glossary::from_yaml(
            "
fields:
  image: Image to start from.
  seed: |
    Random
    seed.
exceptions:
  - models: [a/fill, a/edit]
    fields: {image: Image to fill in.}
",
        )
        .unwrap();
        for (model, field, expected) in [
            ("a/dev", "image", Some("Image to start from.")),
            ("a/fill", "image", Some("Image to fill in.")),
            ("a/fill", "seed", Some("Random seed.")),
            ("a/fill", "mask", None),
        ] {
            let found = glossary.field(model, field);
            assert_eq!(found.as_deref(), expected, "{model} {field}");
        }
        assert_eq!(glossary.model("a/dev"), None);
    }

    #[test]
    fn a_misspelt_part_is_refused() {
        for yaml in [
            "field: {}",
            "fields: {a: [b]}",
            "exceptions: [{models: [a/b]}]",
        ] {
            assert!(Glossary::from_yaml(yaml).is_err(), "{yaml}");
        }
    }
}
