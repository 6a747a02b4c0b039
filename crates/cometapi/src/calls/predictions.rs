//! The operations one by one.

use std::sync::Arc;

use cometapi_models::{IntoInput, ModelInput};

use crate::calls::create::Create;
use crate::calls::policy::{CreatePolicy, WaitPolicy};
use crate::calls::poll::{self, checked_id};
use crate::calls::wait::Wait;
use crate::core::error::Error;
use crate::core::model::IntoModelRef;
use crate::core::prediction::Prediction;
use crate::core::state::Core;

/// Create, get and wait, for those who keep the id themselves.
///
/// ```no_run
/// # async fn example(client: cometapi::Client) -> Result<(), cometapi::Error> {
/// use cometapi::models::flux_schnell::FluxSchnell;
///
/// let input = FluxSchnell::new("a red fox");
/// let created = client.predictions().create(input).await?;
/// println!("keep this: {}", created.id());
/// let done = client.predictions().wait(created.id()).await?;
/// println!("{:?}", done.output().urls());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Predictions<'c> {
    core: &'c Core,
    create: &'c CreatePolicy,
    wait: &'c Arc<WaitPolicy>,
}

impl<'c> Predictions<'c> {
    pub(crate) fn new(core: &'c Core, create: &'c CreatePolicy, wait: &'c Arc<WaitPolicy>) -> Self {
        Self { core, create, wait }
    }

    /// Creates a prediction from a typed input and returns it with its id, as a rule `starting`.
    ///
    /// It costs money. One request is sent, and retried only if it provably had no effect. Nothing
    /// is sent before it is awaited.
    ///
    /// ```no_run
    /// # async fn example(client: cometapi::Client) -> Result<(), cometapi::Error> {
    /// use cometapi::models::flux_schnell::FluxSchnell;
    ///
    /// let input = FluxSchnell::new("a red fox");
    /// let created = client.predictions().create(&input).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn create<I: ModelInput>(&self, input: I) -> Create {
        self.create_model(I::MODEL, input)
    }

    /// As [`create`](Self::create) for any model, from any JSON object.
    ///
    /// ```no_run
    /// # async fn example(client: cometapi::Client) -> Result<(), cometapi::Error> {
    /// use serde_json::json;
    ///
    /// let input = json!({"prompt": "a red fox"});
    /// let created = client.predictions().create_model("acme/portrait", input).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn create_model(&self, model: impl IntoModelRef, input: impl IntoInput) -> Create {
        Create::new(
            self.core.clone(),
            self.create.clone(),
            model.into_model_ref(),
            input.into_input().map_err(Error::from),
        )
    }

    /// Polls a prediction once.
    ///
    /// # Errors
    ///
    /// [`Unavailable`](crate::ErrorKind::Unavailable) if no usable response arrives: it is safe
    /// to call again. A failed prediction is not an error here.
    pub async fn get(&self, id: impl AsRef<str>) -> Result<Prediction, Error> {
        let id = checked_id(id.as_ref())?;
        poll::get(self.core, &id, self.wait.attempt_timeout).await
    }

    /// Waits for a prediction to end. Any process may have created it. See [`Wait`].
    ///
    /// Polls at once; the time for which its id may be unknown counts from the first poll.
    pub fn wait(&self, id: impl AsRef<str>) -> Wait {
        Wait::new(
            self.core.clone(),
            Arc::clone(self.wait),
            checked_id(id.as_ref()),
        )
    }

    /// Waits for a prediction that was just created.
    ///
    /// Its first update is `created` itself, its clock runs from this call, and the first poll
    /// leaves the run a moment.
    pub fn follow(&self, created: Prediction) -> Wait {
        Wait::created(self.core.clone(), Arc::clone(self.wait), created)
    }
}
