//! Typed inputs: a model, what it takes and what it returns in one type.

#[cfg(feature = "registry")]
use crate::check::{InvalidInput, Warning};
use crate::input::{Input, InputError, IntoInput};
#[cfg(feature = "registry")]
use crate::registry::find;

/// An input that names its model.
///
/// The inputs of the known models are in the modules of this crate. An input for another model:
///
/// ```
/// use cometapi_models::{Input, ModelInput, OneFile};
///
/// struct Upscale { image: String }
///
/// impl ModelInput for Upscale {
///     const MODEL: &'static str = "acme/upscale";
///     type Returns = OneFile;
///
///     fn to_input(&self) -> Input {
///         Input::new().with("image", self.image.as_str())
///     }
/// }
/// ```
pub trait ModelInput {
    /// The model, `owner/name`.
    const MODEL: &'static str;

    /// What the model returns: [`Files`], [`OneFile`], [`Text`] or [`Json`]. A client maps these
    /// to types of its own.
    type Returns;

    /// Returns the fields, as they were set.
    fn to_input(&self) -> Input;

    /// Checks the input against what its model is known to take, and returns the warnings.
    /// Nothing is refused for a model that is not known. As when it is sent, strings are first read
    /// as the numbers, booleans and choices that they stand for: see
    /// [`Model::normalize`](crate::Model::normalize).
    ///
    /// # Errors
    ///
    /// As [`Model::check`](crate::Model::check).
    #[cfg(feature = "registry")]
    fn check(&self) -> Result<Vec<Warning>, InvalidInput> {
        let Some(model) = find(Self::MODEL) else {
            return Ok(Vec::new());
        };
        let mut fields = self.to_input().into_fields();
        model.normalize(&mut fields);
        model.check(&fields)
    }
}

impl<T: ModelInput> ModelInput for &T {
    const MODEL: &'static str = T::MODEL;
    type Returns = T::Returns;

    fn to_input(&self) -> Input {
        T::to_input(self)
    }
}

impl<T: ModelInput> IntoInput for T {
    fn into_input(self) -> Result<Input, InputError> {
        Ok(self.to_input())
    }
}

/// The model returns a list of files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Files;

/// The model returns one file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OneFile;

/// The model returns text: a string, or a list of tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Text;

/// The model returns any JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Json;
