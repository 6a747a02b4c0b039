//! Create, wait, files: the main job in one call.

use std::error::Error as StdError;
use std::fmt;
use std::future::{Future, IntoFuture};
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use cometapi_models::{Files, Json, OneFile, Text};

use crate::calls::create::Create;
use crate::calls::policy::{CreatePolicy, WaitPolicy};
use crate::calls::wait::Wait;
use crate::core::error::Error;
use crate::core::error_kind::ErrorKind;
use crate::core::prediction::Prediction;
use crate::core::state::{BoxFuture, Core};
use crate::core::trace;
use crate::files::output::Output;
use crate::files::output_file::{FileContext, OutputFile};
use crate::files::returns::Returns;

type HookError = Box<dyn StdError + Send + Sync>;
type Observer = Box<dyn FnMut(&Prediction) + Send>;
type Hook = Box<dyn FnOnce(Prediction) -> BoxFuture<Result<(), HookError>> + Send + Sync>;

/// A run of a model that has not begun; await it.
///
/// Every error after the create request carries the prediction's id.
///
/// ```no_run
/// # async fn save_id(id: &str) -> Result<(), std::io::Error> { Ok(()) }
/// # async fn example(client: cometapi::Client) -> Result<(), cometapi::Error> {
/// use serde_json::json;
///
/// let done = client
///     .run_model("black-forest-labs/flux-schnell", json!({"prompt": "a red fox"}))
///     .on_created(|created| async move { Ok(save_id(created.id()).await?) })
///     .await?;
/// println!("{} files", done.files().len());
/// # Ok(())
/// # }
/// ```
#[must_use = "a run does not begin until it is awaited"]
pub struct Run<R = Json> {
    core: Core,
    files: FileContext,
    create: Create,
    wait: Arc<WaitPolicy>,
    hook: Option<Hook>,
    observer: Option<Observer>,
    returns: PhantomData<fn() -> R>,
}

impl<R> Run<R> {
    pub(crate) fn new(
        core: Core,
        files: FileContext,
        create: Create,
        wait: Arc<WaitPolicy>,
    ) -> Self {
        Self {
            core,
            files,
            create,
            wait,
            hook: None,
            observer: None,
            returns: PhantomData,
        }
    }

    /// Calls `hook` with the created prediction before the first poll, so that a service can
    /// commit the id. When it fails, the run stops with [`ErrorKind::Hook`] and the id.
    pub fn on_created<F, Fut>(mut self, hook: F) -> Self
    where
        F: FnOnce(Prediction) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), HookError>> + Send + 'static,
    {
        self.hook = Some(Box::new(|created| Box::pin(hook(created))));
        self
    }

    /// Calls `observer` with each state that is seen: the created prediction first, the terminal
    /// state last. A slow observer delays the polls.
    ///
    /// ```no_run
    /// # async fn example(client: cometapi::Client) -> Result<(), cometapi::Error> {
    /// use cometapi::models::flux_schnell::FluxSchnell;
    ///
    /// let images = client
    ///     .run(FluxSchnell::new("a red fox"))
    ///     .on_update(|prediction| println!("{}", prediction.status()))
    ///     .await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn on_update(mut self, observer: impl FnMut(&Prediction) + Send + 'static) -> Self {
        self.observer = Some(Box::new(observer));
        self
    }

    /// Stops waiting after `timeout`, counted from the response to the create request. Downloads are extra.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        Arc::make_mut(&mut self.wait).timeout = timeout;
        self
    }

    /// Retries the create request by `policy` instead of the client's.
    pub fn create_policy(mut self, policy: CreatePolicy) -> Self {
        self.create = self.create.policy(policy);
        self
    }

    /// Waits by `policy` instead of the client's.
    pub fn wait_policy(mut self, policy: WaitPolicy) -> Self {
        self.wait = Arc::new(policy);
        self
    }

    /// Sends model and input as they are written: see [`Create::unchecked`](crate::Create::unchecked).
    #[cfg(feature = "models")]
    pub fn unchecked(mut self) -> Self {
        self.create = self.create.unchecked();
        self
    }

    /// Gives the whole prediction beside the files, whatever the model returns.
    pub fn completed(self) -> Run<Json> {
        Run {
            core: self.core,
            files: self.files,
            create: self.create,
            wait: self.wait,
            hook: self.hook,
            observer: self.observer,
            returns: PhantomData,
        }
    }

    async fn go(self) -> Result<Completed, Error> {
        let Self {
            core,
            files,
            create,
            wait,
            hook,
            observer,
            returns: _,
        } = self;
        let model = create.model().cloned();
        let end = async {
            let created = create.await?;
            if let Some(hook) = hook
                && let Err(e) = hook(created.clone()).await
            {
                let message = format!(
                    "prediction {} was created, but what was to be done on its creation failed",
                    created.id()
                );
                return Err(Error::new(ErrorKind::Hook, message)
                    .with_source(e)
                    .with_prediction(created));
            }
            let mut wait = Wait::created(core.clone(), wait, created);
            if let Some(mut observer) = observer {
                while let Some(update) = wait.next().await {
                    observer(&update?);
                }
            }
            wait.await
        };
        let prediction = trace::run(&core, model.as_ref(), end).await?;
        let files = OutputFile::all(&files, &prediction, None);
        Ok(Completed { prediction, files })
    }
}

impl<R: RunOutput> IntoFuture for Run<R> {
    type Output = Result<R::Output, Error>;
    type IntoFuture = BoxFuture<Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async { R::from_completed(self.go().await?) })
    }
}

impl<R> fmt::Debug for Run<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Run")
            .field("create", &self.create)
            .field("wait", &self.wait)
            .finish_non_exhaustive()
    }
}

/// A run that succeeded: the whole prediction, and its files.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Completed {
    prediction: Prediction,
    files: Vec<OutputFile>,
}

impl Completed {
    /// The prediction as it ended.
    pub fn prediction(&self) -> &Prediction {
        &self.prediction
    }

    /// Returns its output, in whatever form.
    pub fn output(&self) -> Output<'_> {
        self.prediction.output()
    }

    /// The files of its output, in order. Empty if the model returns no files.
    pub fn files(&self) -> &[OutputFile] {
        &self.files
    }

    /// Both, to keep.
    pub fn into_parts(self) -> (Prediction, Vec<OutputFile>) {
        (self.prediction, self.files)
    }
}

/// What a run gives its caller, by what its model returns
/// ([`ModelInput::Returns`](crate::ModelInput::Returns)).
///
/// | The model returns | The run gives |
/// |---|---|
/// | [`Files`] | `Vec<OutputFile>`, at least one |
/// | [`OneFile`] | [`OutputFile`] |
/// | [`Text`] | `String`; a list of tokens is joined |
/// | [`Json`] | [`Completed`], which has the [`Output`] and the files in it |
///
/// Implement it for a type of your own to use that as `Returns`.
pub trait RunOutput: 'static {
    /// What the run gives.
    type Output: Send + 'static;

    /// Takes it from a run that succeeded.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::UnexpectedOutput`], with the whole prediction, if the output has another
    /// form.
    fn from_completed(completed: Completed) -> Result<Self::Output, Error>;
}

impl RunOutput for Json {
    type Output = Completed;

    fn from_completed(completed: Completed) -> Result<Completed, Error> {
        Ok(completed)
    }
}

impl RunOutput for Files {
    type Output = Vec<OutputFile>;

    fn from_completed(completed: Completed) -> Result<Vec<OutputFile>, Error> {
        if completed.files.is_empty() {
            return Err(unexpected(completed, "no files", "files were"));
        }
        Ok(completed.files)
    }
}

impl RunOutput for OneFile {
    type Output = OutputFile;

    fn from_completed(mut completed: Completed) -> Result<OutputFile, Error> {
        match completed.files.pop() {
            Some(file) if completed.files.is_empty() => Ok(file),
            last => {
                completed.files.extend(last);
                Err(unexpected(completed, "no files", "one file was"))
            }
        }
    }
}

impl RunOutput for Text {
    type Output = String;

    fn from_completed(completed: Completed) -> Result<String, Error> {
        let text = completed.prediction.output().text_from(Returns::Text);
        text.ok_or_else(|| unexpected(completed, "json that is not text", "text was"))
    }
}

/// `without_files` describes an output that is not null and holds no files.
fn unexpected(completed: Completed, without_files: &str, wanted: &str) -> Error {
    let (prediction, files) = completed.into_parts();
    let found = match files.len() {
        0 if prediction.output().is_null() => "nothing",
        0 => without_files,
        1 => "one file",
        many => &format!("{many} files"),
    };
    let message = format!(
        "prediction {} succeeded with {found} where {wanted} expected: {}",
        prediction.id(),
        prediction.output().shown()
    );
    Error::new(ErrorKind::UnexpectedOutput, message).with_prediction(prediction)
}
