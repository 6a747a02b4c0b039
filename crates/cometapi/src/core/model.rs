//! Which model to run.

use std::fmt;
use std::str::FromStr;

use cometapi_client::{ModelName, ModelOwner};

use crate::core::error::Error;
use crate::core::error_kind::ErrorKind;

/// A model id, `owner/name`, that can be sent as it stands.
///
/// ```
/// use cometapi::ModelRef;
///
/// let model: ModelRef = "black-forest-labs/flux-schnell".parse()?;
/// assert_eq!(model.owner(), "black-forest-labs");
/// assert_eq!(model.to_string(), "black-forest-labs/flux-schnell");
/// assert!("flux-schnell".parse::<ModelRef>().is_err());
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
        let Some((owner, name)) = text.split_once('/') else {
            return Err(refuse(format!(
                "{text:?} is not a model: write owner/name, such as black-forest-labs/flux-schnell"
            )));
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

/// What can name a model: a [`ModelRef`], or text that becomes one.
///
/// Text that is not `owner/name` is reported when the call is awaited, before anything is
/// sent.
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
                "flux",
                "\"flux\" is not a model: write owner/name, such as black-forest-labs/flux-schnell",
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

    #[test]
    fn names_with_dots_pass_whole() {
        let text = "black-forest-labs/flux-1.1-pro-ultra";
        assert_eq!(text.into_model_ref().unwrap().to_string(), text);
    }
}
