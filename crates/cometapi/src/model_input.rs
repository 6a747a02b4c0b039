//! Typed inputs: a model, what it takes and what it returns in one type.

use crate::core::error::Error;
use crate::core::input::{Input, IntoInput};
#[cfg(feature = "models")]
use crate::models::check::problem::{InvalidInput, Warning};
#[cfg(feature = "models")]
use crate::models::registry::find;
use crate::run::RunOutput;

/// An input that knows its model, for [`Client::run`](crate::Client::run).
///
/// The known models' inputs are in [`models`](mod@crate::models). One for a model of your own:
///
/// ```
/// use cometapi::{Input, ModelInput, OutputFile};
///
/// struct Upscale { image: String }
///
/// impl ModelInput for Upscale {
///     const MODEL: &'static str = "acme/upscale";
///     type Output = OutputFile;
///
///     fn to_input(&self) -> Input {
///         Input::new().with("image", self.image.as_str())
///     }
/// }
/// ```
pub trait ModelInput {
    /// The model, `owner/name`.
    const MODEL: &'static str;

    /// What a run gives: `Vec<OutputFile>` of a model that returns a list, [`OutputFile`](crate::OutputFile) of
    /// one that returns one file, [`Completed`](crate::Completed) of any.
    type Output: RunOutput;

    /// The fields as they are sent.
    fn to_input(&self) -> Input;

    /// Holds the input to what its model is known to take, without sending anything. What
    /// does not make it wrong is in the warnings. Of a model that is not known, nothing is
    /// refused.
    #[cfg(feature = "models")]
    fn check(&self) -> Result<Vec<Warning>, InvalidInput> {
        match find(Self::MODEL) {
            Some(model) => model.check(self.to_input().fields()),
            None => Ok(Vec::new()),
        }
    }
}

impl<T: ModelInput> IntoInput for T {
    fn into_input(self) -> Result<Input, Error> {
        Ok(self.to_input())
    }
}
