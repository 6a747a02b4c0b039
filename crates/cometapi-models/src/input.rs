//! What a model is given: a JSON object.

use std::error::Error as StdError;
use std::fmt;

use serde::Serialize;
use serde_json::{Map, Value};

/// A model's input: any JSON object.
///
/// Every model takes its own fields, and the service changes them without notice, so no field is
/// refused here.
///
/// ```
/// use cometapi_models::Input;
/// use serde::Serialize;
///
/// let pairs = Input::from_iter([("prompt", "a red fox"), ("aspect_ratio", "16:9")]);
///
/// #[derive(Serialize)]
/// struct Mine { prompt: &'static str, aspect_ratio: &'static str }
/// let mine = Input::serialize(&Mine { prompt: "a red fox", aspect_ratio: "16:9" })?;
/// assert_eq!(pairs, mine);
/// # Ok::<(), cometapi_models::InputError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Input(Map<String, Value>);

impl Input {
    /// Creates an input without fields.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets a field, replacing its value if it has one.
    #[must_use]
    pub fn with(mut self, field: impl Into<String>, value: impl Into<Value>) -> Self {
        self.0.insert(field.into(), value.into());
        self
    }

    /// Serializes `value`, which must give a JSON object.
    ///
    /// # Errors
    ///
    /// [`InputErrorKind::Invalid`] if it cannot be serialized, or is not an object.
    pub fn serialize(value: &impl Serialize) -> Result<Self, InputError> {
        match serde_json::to_value(value) {
            Ok(json) => json.into_input(),
            Err(e) => Err(InputError {
                kind: InputErrorKind::Invalid,
                message: "the input cannot be written as json".to_owned(),
                source: Some(e.into()),
            }),
        }
    }

    /// Returns the fields.
    pub fn fields(&self) -> &Map<String, Value> {
        &self.0
    }

    /// Returns the fields by value.
    pub fn into_fields(self) -> Map<String, Value> {
        self.0
    }
}

impl<K: Into<String>, V: Into<Value>> FromIterator<(K, V)> for Input {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(fields: I) -> Self {
        let fields = fields.into_iter();
        Self(fields.map(|(k, v)| (k.into(), v.into())).collect())
    }
}

impl From<Map<String, Value>> for Input {
    fn from(fields: Map<String, Value>) -> Self {
        Self(fields)
    }
}

/// What can be a model's input: an [`Input`], a typed input, a JSON object, a map, or pairs.
///
/// For a type of your own, see [`Input::serialize`].
pub trait IntoInput {
    /// Converts it.
    ///
    /// # Errors
    ///
    /// [`InputErrorKind::Invalid`] for JSON that is not an object.
    fn into_input(self) -> Result<Input, InputError>;
}

impl IntoInput for Input {
    fn into_input(self) -> Result<Input, InputError> {
        Ok(self)
    }
}

impl IntoInput for Map<String, Value> {
    fn into_input(self) -> Result<Input, InputError> {
        Ok(Input(self))
    }
}

impl IntoInput for Value {
    fn into_input(self) -> Result<Input, InputError> {
        let kind = match self {
            Self::Object(fields) => return Ok(Input(fields)),
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Number(_) => "a number",
            Self::String(_) => "a string",
            Self::Array(_) => "a list",
        };
        Err(InputError::invalid(format!(
            "the input is {kind}; it must be a json object such as {{\"prompt\": \"…\"}}"
        )))
    }
}

impl<K: Into<String>, V: Into<Value>, const N: usize> IntoInput for [(K, V); N] {
    fn into_input(self) -> Result<Input, InputError> {
        Ok(Input::from_iter(self))
    }
}

impl<K: Into<String>, V: Into<Value>> IntoInput for Vec<(K, V)> {
    fn into_input(self) -> Result<Input, InputError> {
        Ok(Input::from_iter(self))
    }
}

/// Why an input cannot be made.
#[derive(Debug)]
pub struct InputError {
    kind: InputErrorKind,
    message: String,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

/// The kinds of [`InputError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum InputErrorKind {
    /// The value cannot be an input, or a part of one.
    Invalid,
    /// A file cannot be read.
    File,
}

impl InputError {
    pub(crate) fn invalid(message: String) -> Self {
        Self {
            kind: InputErrorKind::Invalid,
            message,
            source: None,
        }
    }

    #[cfg(feature = "registry")]
    pub(crate) fn file(path: &std::path::Path, source: std::io::Error) -> Self {
        Self {
            kind: InputErrorKind::File,
            message: format!("{} cannot be read", path.display()),
            source: Some(source.into()),
        }
    }

    /// Returns the kind of error.
    pub fn kind(&self) -> InputErrorKind {
        self.kind
    }

    /// Returns the cause, by value.
    pub fn into_source(self) -> Option<Box<dyn StdError + Send + Sync>> {
        self.source
    }
}

impl fmt::Display for InputError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl StdError for InputError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        let source = self.source.as_deref();
        source.map(|source| source as &(dyn StdError + 'static))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::*;

    #[test]
    fn only_an_object_is_an_input() {
        assert!(json!({}).into_input().is_ok());
        for (json, kind) in [
            (json!(null), "null"),
            (json!("x"), "a string"),
            (json!([]), "a list"),
        ] {
            let error = json.into_input().unwrap_err();
            assert_eq!(error.kind(), InputErrorKind::Invalid);
            let start = format!("the input is {kind};");
            assert!(error.to_string().starts_with(&start), "{error}");
        }
    }

    #[test]
    fn the_cause_of_a_failed_serialization_is_the_source() {
        let keys_are_lists = BTreeMap::from([(vec![1], 2)]);
        let error = Input::serialize(&keys_are_lists).unwrap_err();
        assert_eq!(error.kind(), InputErrorKind::Invalid);
        assert_eq!(error.to_string(), "the input cannot be written as json");
        assert_eq!(error.source().unwrap().to_string(), "key must be a string");
    }
}
