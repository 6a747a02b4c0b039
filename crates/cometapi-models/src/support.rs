//! What the generated inputs are made with. They call it all by `support::`, so that no field of
//! a model can take a name away from them.

use std::fmt;

use serde::Serialize;

pub(super) use serde_json::Value;

pub(super) use crate::image::ImageInput;
pub(super) use crate::input::Input;
#[allow(unused_imports, reason = "no known model may return one of them")]
pub(super) use crate::model_input::{Files, Json, ModelInput, OneFile, Text};

/// The fields that are sent: those that were set.
pub(super) struct Fields(Input);

impl Fields {
    pub(super) fn new() -> Self {
        Self(Input::new())
    }

    pub(super) fn always<T: Clone + Into<Value>>(self, field: &str, value: &T) -> Self {
        Self(self.0.with(field, value.clone()))
    }

    pub(super) fn when_set<T: Clone + Into<Value>>(self, field: &str, value: Option<&T>) -> Self {
        match value {
            Some(value) => self.always(field, value),
            None => self,
        }
    }

    /// What was set by name wins.
    pub(super) fn and(self, more: &Input) -> Input {
        let mut input = self.0;
        for (field, value) in more.fields() {
            input = input.with(field, value.clone());
        }
        input
    }
}

/// The words of an enum: to text, from text, to JSON.
macro_rules! choice {
    ($ty:ident { $($variant:ident = $word:literal),* }) => {
        impl $ty {
            /// All of them, in the order in which the model's publisher shows them.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The word on the wire.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word),*
                }
            }
        }

        impl ::std::fmt::Display for $ty {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl ::std::str::FromStr for $ty {
            type Err = $crate::support::UnknownChoice;

            fn from_str(text: &str) -> ::std::result::Result<Self, Self::Err> {
                match text {
                    $($word => ::std::result::Result::Ok(Self::$variant),)*
                    _ => ::std::result::Result::Err($crate::support::UnknownChoice::new(
                        text,
                        &[$($word),*],
                    )),
                }
            }
        }

        impl ::std::convert::From<$ty> for $crate::support::Value {
            fn from(word: $ty) -> Self {
                Self::from(word.as_str())
            }
        }
    };
}

/// What serialises as the JSON that is sent, and is described as the spec describes it.
macro_rules! impl_serialize {
    ($ty:ident, $title:literal) => {
        impl ::serde::Serialize for $ty {
            fn serialize<S: ::serde::Serializer>(
                &self,
                serializer: S,
            ) -> ::std::result::Result<S::Ok, S::Error> {
                $crate::support::serialize(self, serializer)
            }
        }

        #[cfg(feature = "schemars")]
        impl ::schemars::JsonSchema for $ty {
            fn schema_name() -> ::std::borrow::Cow<'static, str> {
                $title.into()
            }

            fn json_schema(_: &mut ::schemars::SchemaGenerator) -> ::schemars::Schema {
                $crate::support::json_schema(<Self as $crate::support::ModelInput>::MODEL)
            }
        }
    };
}

pub(super) use {choice, impl_serialize};

pub(super) fn serialize<I: ModelInput, S: serde::Serializer>(
    input: &I,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let mut fields = input.to_input().into_fields();
    if let Some(model) = crate::registry::find(I::MODEL) {
        model.normalize(&mut fields);
    }
    fields.serialize(serializer)
}

/// A string that is none of the choices of a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownChoice {
    text: String,
    choices: &'static [&'static str],
}

impl UnknownChoice {
    pub(super) fn new(text: &str, choices: &'static [&'static str]) -> Self {
        Self {
            text: text.chars().take(40).collect(),
            choices,
        }
    }

    /// The words that would do.
    pub fn choices(&self) -> &'static [&'static str] {
        self.choices
    }
}

impl fmt::Display for UnknownChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is none of {}", self.text, self.choices.join(", "))
    }
}

impl std::error::Error for UnknownChoice {}

/// The JSON Schema of a known model's input.
#[cfg(feature = "schemars")]
pub(super) fn json_schema(model: &str) -> schemars::Schema {
    let text = crate::registry::find(model).map_or("{}", crate::model::Model::schema);
    let mut schema: schemars::Schema = serde_json::from_str(text).unwrap_or_default();
    // It becomes a part of another document.
    schema.remove("$schema");
    schema
}

#[cfg(all(test, feature = "schemars"))]
mod tests {
    use super::*;
    use crate::models;

    #[test]
    fn every_known_model_is_described_by_its_own_schema() {
        for model in models() {
            let schema = json_schema(model.name()).to_value();
            for field in model.fields() {
                let property = &schema["properties"][field.name()];
                assert!(property.is_object(), "{} {}", model.name(), field.name());
            }
        }
    }
}
