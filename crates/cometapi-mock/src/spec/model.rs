//! The models whose inputs the document describes: its components marked `x-model`.

use std::collections::BTreeMap;

use jsonschema::Validator;
use serde_json::{Map, Value};

use super::SpecError;
use super::load::{Loader, members};

/// A model: what its output looks like and what it takes.
#[derive(Debug)]
pub(crate) struct Model {
    pub(crate) output: Output,
    /// Of the width; no model has others for the height.
    pub(crate) sides: Sides,
    /// Every field, with what stands for it when it is not sent, as text, if that is known.
    defaults: BTreeMap<String, Option<String>>,
    pub(super) input: Validator,
}

/// The JSON form of a finished prediction's output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Output {
    /// A list of URLs; takes `num_outputs`.
    List,
    /// One URL.
    Single,
    /// A list of tokens, as the provider streams them.
    Text,
    /// An object.
    Json,
}

/// The sides that `aspect_ratio: custom` may ask for, in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sides {
    pub(crate) least: u32,
    pub(crate) most: u32,
    /// What is no multiple of it is rounded to one.
    pub(crate) step: u32,
}

impl Default for Sides {
    /// Those of most models.
    fn default() -> Self {
        Self {
            least: 256,
            most: 1440,
            step: 32,
        }
    }
}

impl Model {
    /// Whether the model has such a field. What it has not is kept and has no effect.
    pub(crate) fn has(&self, field: &str) -> bool {
        self.defaults.contains_key(field)
    }

    /// What stands for a field that was not sent, as text.
    pub(crate) fn default_of(&self, field: &str) -> Option<&str> {
        self.defaults.get(field)?.as_deref()
    }

    /// Reads one component. `place` is its JSON pointer, for the error.
    fn read(source: &Value, place: &str, loader: &Loader<'_>) -> Result<Self, SpecError> {
        let mut source = source.clone();
        // The gateway's own fields are unknown to the model, which is what refuses.
        if let Some(Value::Object(fields)) = source.get_mut("properties") {
            fields.retain(|_, field| field["x-gateway-only"] != true);
        }
        let at = |word: &str| format!("{place}/{word}");
        let fields = members(&at("properties"), &source["properties"])?;
        Ok(Self {
            output: match source["x-output"].as_str() {
                Some("list") => Output::List,
                Some("single") => Output::Single,
                Some("text") => Output::Text,
                Some("json") => Output::Json,
                _ => {
                    let words = "must be list, single, text or json";
                    return Err(SpecError::new(at("x-output"), words));
                }
            },
            sides: sides(fields),
            defaults: fields
                .iter()
                .map(|(name, field)| match &field["x-default"] {
                    Value::Null => Ok((name.clone(), None)),
                    Value::String(text) => Ok((name.clone(), Some(text.clone()))),
                    _ => {
                        let place = at(&format!("properties/{name}/x-default"));
                        Err(SpecError::new(place, "must be text"))
                    }
                })
                .collect::<Result<_, _>>()?,
            input: loader.input_validator(place, &source)?,
        })
    }
}

fn sides(fields: &Map<String, Value>) -> Sides {
    let usual = Sides::default();
    let word = |word: &str, or: u32| {
        let said = fields.get("width").and_then(|width| width[word].as_u64());
        said.and_then(|said| u32::try_from(said).ok())
            .filter(|said| *said > 0)
            .unwrap_or(or)
    };
    Sides {
        least: word("minimum", usual.least),
        most: word("maximum", usual.most),
        step: word("x-rounded-to", usual.step),
    }
}

/// The models of a document, by id.
pub(super) fn all(loader: &Loader<'_>) -> Result<BTreeMap<String, Model>, SpecError> {
    let mut models = BTreeMap::new();
    let components = loader.root.pointer("/components/schemas");
    for (name, source) in components.and_then(Value::as_object).into_iter().flatten() {
        let Some(id) = source.get("x-model") else {
            continue;
        };
        let place = format!("/components/schemas/{name}");
        let refuse = |reason: &str| Err(SpecError::new(format!("{place}/x-model"), reason));
        let Some(id) = id.as_str() else {
            return refuse("must be owner/name");
        };
        let model = Model::read(source, &place, loader)?;
        if models.insert(id.to_owned(), model).is_some() {
            return refuse("another component describes this model");
        }
    }
    Ok(models)
}

#[cfg(test)]
mod tests {
    use crate::spec::{SHIPPED, Spec};

    use super::*;

    #[test]
    fn knows_every_model_and_what_it_answers() {
        let spec = Spec::shipped().unwrap();
        let known: Vec<_> = spec.models().collect();
        for (name, output) in [
            ("flux-schnell", Output::List),
            ("flux-dev", Output::List),
            ("flux-pro", Output::Single),
            ("flux-1.1-pro", Output::Single),
            ("flux-1.1-pro-ultra", Output::Single),
            ("flux-kontext-pro", Output::Single),
            ("flux-kontext-max", Output::Single),
            ("flux-2-pro", Output::Single),
            ("flux-2-flex", Output::Single),
            ("flux-2-dev", Output::Single),
        ] {
            let id = format!("black-forest-labs/{name}");
            assert!(known.contains(&&*id), "{id}");
            assert_eq!(spec.model(&id).unwrap().output, output, "{id}");
        }
        assert!(spec.model("a/b").is_none());
    }

    #[test]
    fn every_kind_of_output_is_read() {
        for (word, output) in [
            ("list", Output::List),
            ("single", Output::Single),
            ("text", Output::Text),
            ("json", Output::Json),
        ] {
            let spec = Spec::with_output_of_schnell(word);
            let model = spec.model("black-forest-labs/flux-schnell").unwrap();
            assert_eq!(model.output, output);
        }
    }

    #[test]
    fn fields_defaults_and_sides_are_those_of_the_document() {
        let spec = Spec::shipped().unwrap();
        let of = |name: &str| spec.model(&format!("black-forest-labs/{name}")).unwrap();
        let kontext = of("flux-kontext-pro");
        assert_eq!(kontext.default_of("output_format"), Some("png"));
        assert_eq!(
            kontext.default_of("aspect_ratio"),
            Some("match_input_image")
        );
        assert!(kontext.has("seed") && kontext.default_of("seed").is_none());
        assert!(!kontext.has("width") && !kontext.has("input_image_2"));
        assert_eq!(of("flux-pro").sides, Sides::default());
        assert_eq!(of("flux-2-pro").sides.most, 2048);
        assert_eq!(of("flux-2-dev").sides.most, 1440);
    }

    #[test]
    fn refuses_components_that_say_too_little() {
        for (from, to, says) in [
            (
                "x-output: list",
                "x-output: lists",
                "FluxSchnellInput/x-output: must be",
            ),
            (
                "x-model: black-forest-labs/flux-dev",
                "x-model: 7",
                "must be owner/name",
            ),
            (
                "x-model: black-forest-labs/flux-dev",
                "x-model: black-forest-labs/flux-schnell",
                "another component",
            ),
            (
                "x-default: '4'",
                "x-default: 4",
                "num_inference_steps/x-default: must be text",
            ),
        ] {
            assert!(SHIPPED.contains(from), "the document no longer says {from}");
            let error = Spec::parse(&SHIPPED.replacen(from, to, 1)).unwrap_err();
            assert!(error.to_string().contains(says), "{error}");
        }
    }
}
