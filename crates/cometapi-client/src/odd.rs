//! Decoding an object of which some fields are not what the spec says they are.

use std::fmt;

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// A field of an answer that was not of the type the spec gives it, and was left out.
///
/// The raw body still holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct OddField {
    /// The field's path, such as `metrics.predict_time`.
    pub path: String,
    /// What was wrong with it.
    pub reason: String,
}

impl fmt::Display for OddField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.reason)
    }
}

/// Decodes `fields` as a `T`, leaving out, and noting in `odd`, every top-level field that
/// does not fit; `None` when no set of the fields given makes a `T`.
///
/// One paid run must not be lost because a `metrics` holds a word where a number was
/// promised.
pub(crate) fn salvage<T: DeserializeOwned>(
    fields: Map<String, Value>,
    odd: &mut Vec<OddField>,
) -> Option<T> {
    let mut object = Value::Object(fields);
    loop {
        let error = match serde_path_to_error::deserialize(&object) {
            Ok(value) => return Some(value),
            Err(error) => error,
        };
        let path = error.path().to_string();
        let field = path.split(['.', '[']).next().unwrap_or_default();
        // Ends, because each turn takes one field away.
        object.as_object_mut()?.remove(field)?;
        odd.push(OddField {
            reason: error.inner().to_string(),
            path,
        });
    }
}
