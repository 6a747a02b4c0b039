//! Checks inputs against the models of the document.
//!
//! The rules and the messages are the provider's: the shape of the error and some messages were
//! observed, the others are those of the validator that these come from (inferred).

use std::fmt::Write as _;

use jsonschema::error::{TypeKind, ValidationErrorKind};
use jsonschema::{JsonType, ValidationError};
use serde_json::Value;

use super::Spec;

/// A field of an input that its model does not take.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct InputFault {
    /// The path of the field, `input.num_outputs`; `input` for a field that is missing.
    pub field: String,
    /// What is wrong, as the provider says it. Never the value itself.
    pub description: String,
}

impl Spec {
    /// Checks an input against what the document says of its model. Returns every fault, in the order of
    /// the fields' names. A model that the document does not describe takes anything.
    ///
    /// As at the provider, a field that the model does not have is no fault, nor is one that
    /// has no effect beside the others.
    ///
    /// ```
    /// use cometapi_mock::Spec;
    ///
    /// let spec = Spec::shipped()?;
    /// let input = serde_json::json!({"prompt": "a paper boat", "num_outputs": 9});
    /// let faults = spec.check_input("black-forest-labs/flux-schnell", &input);
    /// assert_eq!(faults[0].field, "input.num_outputs");
    /// assert_eq!(faults[0].description, "Must be less than or equal to 4");
    /// # Ok::<(), cometapi_mock::SpecError>(())
    /// ```
    pub fn check_input(&self, model: &str, input: &Value) -> Vec<InputFault> {
        let Some(model) = self.model(model) else {
            return Vec::new();
        };
        let errors: Vec<_> = model.input.iter_errors(input).collect();
        let mut faults: Vec<_> = errors
            .iter()
            .filter(|error| {
                // Of a value of the wrong type nothing else is said.
                is_of_type(error)
                    || !errors.iter().any(|other| {
                        is_of_type(other) && other.instance_path() == error.instance_path()
                    })
            })
            .map(fault)
            .collect();
        faults.sort();
        faults
    }
}

fn is_of_type(error: &ValidationError<'_>) -> bool {
    matches!(error.kind(), ValidationErrorKind::Type { .. })
}

fn fault(error: &ValidationError<'_>) -> InputFault {
    let mut field = "input".to_owned();
    let mut name = field.clone();
    for segment in error.instance_path().segments() {
        name = segment.to_string();
        // Writing to a string cannot fail.
        let _ = write!(field, ".{name}");
    }
    InputFault {
        description: words(error, &name),
        field,
    }
}

fn words(error: &ValidationError<'_>, name: &str) -> String {
    match error.kind() {
        ValidationErrorKind::Required { property } => {
            format!("{} is required", property.as_str().unwrap_or_default())
        }
        ValidationErrorKind::Type { kind } => format!("Invalid type. Expected: {}", types(kind)),
        ValidationErrorKind::Enum { options } => {
            let options: Vec<_> = options
                .as_array()
                .into_iter()
                .flatten()
                .filter(|option| !option.is_null())
                .map(ToString::to_string)
                .collect();
            format!(
                "{name} must be one of the following: {}",
                options.join(", ")
            )
        }
        ValidationErrorKind::Minimum { limit } => {
            format!("Must be greater than or equal to {limit}")
        }
        ValidationErrorKind::Maximum { limit } => format!("Must be less than or equal to {limit}"),
        ValidationErrorKind::ExclusiveMinimum { limit } => format!("Must be greater than {limit}"),
        ValidationErrorKind::ExclusiveMaximum { limit } => format!("Must be less than {limit}"),
        ValidationErrorKind::MinItems { limit } => {
            format!("Array must have at least {limit} items")
        }
        ValidationErrorKind::MaxItems { limit } => format!("Array must have at most {limit} items"),
        ValidationErrorKind::MinLength { limit } => {
            format!("String length must be greater than or equal to {limit}")
        }
        ValidationErrorKind::MaxLength { limit } => {
            format!("String length must be less than or equal to {limit}")
        }
        ValidationErrorKind::Format { format } => format!("Does not match format '{format}'"),
        // No known model has such a word; a document of one's own may.
        _ => error.masked().to_string(),
    }
}

/// Without null: that a field may be null, the provider does not say here.
fn types(kind: &TypeKind) -> String {
    let types: Vec<_> = match kind {
        TypeKind::Single(one) => vec![*one],
        TypeKind::Multiple(some) => some.iter().collect(),
    };
    let types: Vec<_> = types
        .into_iter()
        .filter(|one| *one != JsonType::Null)
        .map(JsonType::as_str)
        .collect();
    types.join(" or ")
}

/// What the provider can fetch, or has at hand: the only URIs that can be an image.
pub(super) fn is_address(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once(':') else {
        return false;
    };
    let is = |name: &str| scheme.eq_ignore_ascii_case(name);
    let well_formed = if is("http") || is("https") {
        rest.strip_prefix("//")
            .is_some_and(|rest| !rest.is_empty() && !rest.starts_with(['/', '?', '#']))
    } else {
        is("data") && rest.contains(',')
    };
    well_formed && !rest.contains(|c: char| c.is_whitespace() || c.is_control())
}

#[cfg(test)]
mod tests;
