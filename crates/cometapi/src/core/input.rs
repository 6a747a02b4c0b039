//! What a model is given: any JSON object.

use serde::Serialize;
use serde_json::{Map, Value};

use crate::core::error::Error;
use crate::core::error_kind::ErrorKind;

/// A model's input: a JSON object, whatever is in it.
///
/// Every model takes its own fields, and the service changes them without notice, so none is
/// refused here.
///
/// ```
/// use cometapi::Input;
/// use serde::Serialize;
///
/// let pairs = Input::from_iter([("prompt", "a red fox"), ("aspect_ratio", "16:9")]);
///
/// #[derive(Serialize)]
/// struct Mine { prompt: &'static str, aspect_ratio: &'static str }
/// let mine = Input::serialize(&Mine { prompt: "a red fox", aspect_ratio: "16:9" })?;
/// assert_eq!(pairs, mine);
/// # Ok::<(), cometapi::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Input(Map<String, Value>);

impl Input {
    /// An input with nothing in it.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets a field, replacing what it held.
    #[must_use]
    pub fn with(mut self, field: impl Into<String>, value: impl Into<Value>) -> Self {
        self.0.insert(field.into(), value.into());
        self
    }

    /// Any value that serialises to an object.
    pub fn serialize(value: &impl Serialize) -> Result<Self, Error> {
        match serde_json::to_value(value) {
            Ok(json) => json.into_input(),
            Err(e) => Err(Error::new(
                ErrorKind::InvalidInput,
                "the input cannot be written as json",
            )
            .with_source(e)),
        }
    }

    /// The fields.
    pub fn fields(&self) -> &Map<String, Value> {
        &self.0
    }

    /// The fields, to keep.
    pub fn into_fields(self) -> Map<String, Value> {
        self.0
    }
}

impl<K: Into<String>, V: Into<Value>> FromIterator<(K, V)> for Input {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(fields: I) -> Self {
        Self(
            fields
                .into_iter()
                .map(|(field, value)| (field.into(), value.into()))
                .collect(),
        )
    }
}

impl From<Map<String, Value>> for Input {
    fn from(fields: Map<String, Value>) -> Self {
        Self(fields)
    }
}

/// What can be a model's input: an [`Input`], a JSON object, a map, or pairs.
///
/// JSON that is not an object is reported when the call is awaited, before anything is sent.
/// For a type of your own, see [`Input::serialize`].
pub trait IntoInput {
    /// Checks that it is an object.
    fn into_input(self) -> Result<Input, Error>;
}

impl IntoInput for Input {
    fn into_input(self) -> Result<Input, Error> {
        Ok(self)
    }
}

impl IntoInput for Map<String, Value> {
    fn into_input(self) -> Result<Input, Error> {
        Ok(Input(self))
    }
}

impl IntoInput for Value {
    fn into_input(self) -> Result<Input, Error> {
        let kind = match self {
            Self::Object(fields) => return Ok(Input(fields)),
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Number(_) => "a number",
            Self::String(_) => "a string",
            Self::Array(_) => "a list",
        };
        Err(Error::new(
            ErrorKind::InvalidInput,
            format!("the input is {kind}; it must be a json object such as {{\"prompt\": \"…\"}}"),
        ))
    }
}

impl<K: Into<String>, V: Into<Value>, const N: usize> IntoInput for [(K, V); N] {
    fn into_input(self) -> Result<Input, Error> {
        Ok(Input::from_iter(self))
    }
}

impl<K: Into<String>, V: Into<Value>> IntoInput for Vec<(K, V)> {
    fn into_input(self) -> Result<Input, Error> {
        Ok(Input::from_iter(self))
    }
}

#[cfg(test)]
mod tests {
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
            assert_eq!(error.kind(), ErrorKind::InvalidInput);
            assert!(
                error
                    .to_string()
                    .starts_with(&format!("the input is {kind};"))
            );
        }
    }
}
