//! Typed inputs: a model, what it takes and what it answers in one type.

use crate::core::error::Error;
use crate::core::error_kind::ErrorKind;
use crate::core::input::{Input, IntoInput};
use crate::files::output_file::OutputFile;
#[cfg(feature = "models")]
use crate::models::{InvalidInput, Warning, find};
use crate::run::Completed;

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

    /// What a run gives: `Vec<OutputFile>` of a model that answers a list, [`OutputFile`] of
    /// one that answers one file, [`Completed`] of any.
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

/// What a run gives its caller.
pub trait RunOutput: Sized + Send + 'static {
    /// Takes it from a run that succeeded.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::UnexpectedOutput`], with the whole prediction, when the run answered in
    /// another form.
    fn from_completed(completed: Completed) -> Result<Self, Error>;
}

impl RunOutput for Completed {
    fn from_completed(completed: Completed) -> Result<Self, Error> {
        Ok(completed)
    }
}

impl RunOutput for Vec<OutputFile> {
    fn from_completed(completed: Completed) -> Result<Self, Error> {
        if completed.files().is_empty() {
            return Err(unexpected(completed, "files"));
        }
        Ok(completed.into_parts().1)
    }
}

impl RunOutput for OutputFile {
    fn from_completed(completed: Completed) -> Result<Self, Error> {
        if completed.files().len() == 1
            && let Some(file) = completed.files().first()
        {
            return Ok(file.clone());
        }
        Err(unexpected(completed, "one file"))
    }
}

fn unexpected(completed: Completed, wanted: &str) -> Error {
    let (prediction, files) = completed.into_parts();
    let found = match files.len() {
        0 if prediction.output().is_null() => "nothing".to_owned(),
        0 => "no files".to_owned(),
        1 => "one file".to_owned(),
        many => format!("{many} files"),
    };
    let message = format!(
        "prediction {} succeeded with {found} where {wanted} was expected: {}",
        prediction.id(),
        prediction.output().shown()
    );
    Error::new(ErrorKind::UnexpectedOutput, message).with_prediction(prediction)
}
