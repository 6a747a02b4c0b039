//! Which model to run.

use std::fmt;
use std::str::FromStr;

use cometapi_client::{ModelName, ModelOwner};

use crate::core::error::Error;
use crate::core::error_kind::ErrorKind;

/// A model id, `owner/name`, that can be sent as it stands.
///
/// Parsing takes the short name of a known model, too: see [`models::find`](crate::models::find).
/// What is sent is the whole name.
///
/// ```
/// use cometapi::ModelRef;
///
/// let model: ModelRef = "black-forest-labs/flux-schnell".parse()?;
/// assert_eq!(model.owner(), "black-forest-labs");
/// assert_eq!(model.to_string(), "black-forest-labs/flux-schnell");
/// assert!("portrait".parse::<ModelRef>().is_err());
/// # Ok::<(), cometapi::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ModelRef {
    owner: ModelOwner,
    name: ModelName,
}

impl ModelRef {
    /// The part before the slash.
    pub fn owner(&self) -> &str {
        self.owner.as_str()
    }

    /// The part after the slash.
    pub fn name(&self) -> &str {
        self.name.as_str()
    }

    pub(crate) fn params(&self) -> (&ModelOwner, &ModelName) {
        (&self.owner, &self.name)
    }
}

impl fmt::Display for ModelRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.owner, self.name)
    }
}

impl FromStr for ModelRef {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let refuse = |why: String| Error::new(ErrorKind::InvalidModel, why);
        let text = whole_name(text);
        let Some((owner, name)) = text.split_once('/') else {
            return Err(refuse(without_owner(text)));
        };
        if let Some((plain, version)) = name.split_once(':') {
            return Err(refuse(format!(
                "{text:?} names a version, which this route does not take: leave out ':{version}' \
                 and write {owner}/{plain}"
            )));
        }
        Ok(Self {
            owner: owner.parse().map_err(|e| refuse(format!("{e}")))?,
            name: name.parse().map_err(|e| refuse(format!("{e}")))?,
        })
    }
}

/// The whole name of a known model for its short name; any other text as it is.
#[cfg(feature = "models")]
fn whole_name(text: &str) -> &str {
    cometapi_models::find(text).map_or(text, |model| model.name())
}

#[cfg(not(feature = "models"))]
fn whole_name(text: &str) -> &str {
    text
}

/// The whole names that a name without an owner may be meant for.
#[cfg(feature = "models")]
fn candidates(text: &str) -> Vec<&'static str> {
    let models = cometapi_models::candidates(text).into_iter();
    models.map(cometapi_models::Model::name).collect()
}

#[cfg(not(feature = "models"))]
fn candidates(_text: &str) -> Vec<&'static str> {
    Vec::new()
}

/// Why a name without an owner is refused.
fn without_owner(text: &str) -> String {
    const SHOWN: usize = 5;
    match &candidates(text)[..] {
        [] => format!(
            "{text:?} is not a model: write owner/name, such as black-forest-labs/flux-schnell"
        ),
        [name] => format!("{text:?} is not a known model: did you mean {name}?"),
        names => {
            let shown = names[..names.len().min(SHOWN)].join(", ");
            let more = match names.len().saturating_sub(SHOWN) {
                0 => String::new(),
                more => format!(" or {more} more"),
            };
            format!("{text:?} does not name one known model: write {shown}{more}")
        }
    }
}

/// What can name a model: a [`ModelRef`], or text that becomes one.
///
/// Text that is neither `owner/name` nor the short name of a known model is reported when the call is
/// awaited, before anything is sent.
pub trait IntoModelRef {
    /// Checks the text.
    fn into_model_ref(self) -> Result<ModelRef, Error>;
}

impl IntoModelRef for ModelRef {
    fn into_model_ref(self) -> Result<ModelRef, Error> {
        Ok(self)
    }
}

impl IntoModelRef for &ModelRef {
    fn into_model_ref(self) -> Result<ModelRef, Error> {
        Ok(self.clone())
    }
}

impl IntoModelRef for &str {
    fn into_model_ref(self) -> Result<ModelRef, Error> {
        self.parse()
    }
}

impl IntoModelRef for &String {
    fn into_model_ref(self) -> Result<ModelRef, Error> {
        self.parse()
    }
}

impl IntoModelRef for String {
    fn into_model_ref(self) -> Result<ModelRef, Error> {
        self.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_says_what_to_write() {
        let rows = [
            (
                "portrait",
                "\"portrait\" is not a model: write owner/name, such as black-forest-labs/flux-schnell",
            ),
            (
                "a/b:c1",
                "\"a/b:c1\" names a version, which this route does not take: leave out ':c1' and write a/b",
            ),
            (
                "a/b/c",
                "the model name \"b/c\" contains '/', which has no place in it",
            ),
            (
                "../x",
                "the model owner \"..\" starts with '.'; it must start with a letter, a digit or '_'",
            ),
            ("a/", "the model name is empty"),
        ];
        for (text, message) in rows {
            let error = text.into_model_ref().unwrap_err();
            assert_eq!(error.to_string(), message);
            assert_eq!(error.kind(), ErrorKind::InvalidModel);
        }
    }

    #[cfg(feature = "models")]
    #[test]
    fn a_short_name_becomes_the_whole_name_of_a_known_model() {
        for known in cometapi_models::models() {
            let found = known.short_name().into_model_ref();
            match cometapi_models::find(known.short_name()) {
                Some(_) => assert_eq!(found.unwrap().to_string(), known.name()),
                None => assert!(found.unwrap_err().to_string().contains(known.name())),
            }
        }
        let version = "black-forest-labs/flux-schnell:c1".into_model_ref();
        assert!(version.is_err());
    }

    #[cfg(feature = "models")]
    #[test]
    fn a_name_without_an_owner_is_refused_with_the_whole_names_that_it_may_be() {
        for text in ["flux-schnel", "Flux-Schnell"] {
            let error = text.into_model_ref().unwrap_err();
            assert_eq!(
                error.to_string(),
                format!(
                    "{text:?} is not a known model: did you mean black-forest-labs/flux-schnell?"
                )
            );
            assert_eq!(error.kind(), ErrorKind::InvalidModel);
        }
        let error = "kontext".into_model_ref().unwrap_err().to_string();
        let start =
            "\"kontext\" does not name one known model: write black-forest-labs/flux-kontext-";
        assert!(error.starts_with(start), "{error}");
        // Of a family only some are named.
        let all = cometapi_models::candidates("flux").len();
        let error = "flux".into_model_ref().unwrap_err().to_string();
        assert!(error.ends_with(&format!(" or {} more", all - 5)), "{error}");
    }

    #[test]
    fn names_with_dots_pass_whole() {
        let text = "black-forest-labs/flux-1.1-pro-ultra";
        assert_eq!(text.into_model_ref().unwrap().to_string(), text);
    }
}
