//! One prediction, created at most once for its key.

mod destination;
mod error;
mod event;
mod record;
mod run;
mod send;
mod settings;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use cometapi::{Client, CreatePolicy, IntoInput, IntoModelRef};
use cometapi_account::Usd;

pub use self::error::OnceError;
pub use self::event::OnceEvent;
pub use self::run::OnceRun;

use self::destination::Destination;
use self::settings::{MAX_KEY_LEN, Settings};
use crate::ledger::Ledger;
use crate::names::FileTemplate;
use crate::prices::Prices;

/// A prediction that is created at most once for its key, by whichever process asks for it.
///
/// The first call with a key records what it is about to send, and sends at most one request that may
/// be accepted. Every later call with that key and the same ledger, in any process, at any time,
/// continues with the prediction by its id, returns it if it has ended, or says that it is
/// [unresolved](OnceError::Unresolved). So a step that a queue, a scheduler or a workflow engine may
/// run again pays once.
///
/// | How the prediction of the key stands | What a call does |
/// |---|---|
/// | not known | records it, then creates it |
/// | its create request provably had no effect | creates it; the input may be another |
/// | created | waits for it by its id |
/// | another process that lives has it | waits until that process has ended it, or has died |
/// | succeeded | returns it as it ended, without a request |
/// | failed, canceled, aborted | the same error as then |
/// | a create request was sent, and the process died before the response was recorded | [`Unresolved`](OnceError::Unresolved), and sends nothing |
/// | of another model or input, or at another service | [`KeyReused`](crate::ErrorKind::KeyReused), and sends nothing |
///
/// ```
/// use std::sync::Arc;
///
/// use cometapi::Client;
/// use cometapi_batch::{Once, SqliteLedger};
/// use cometapi_mock::{MockServer, Pace};
/// use serde_json::json;
///
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let server = MockServer::builder().pace(Pace::instant()).start().await?;
/// let client = Client::builder().key("any").base_url(server.base_url()).build()?;
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("ledger.sqlite3");
/// let ledger = Arc::new(SqliteLedger::open(path)?);
///
/// for _ in 0..2 {
///     let cover = Once::new(&client, ledger.clone())
///         .key("order-4711/cover")
///         .run("black-forest-labs/flux-schnell", json!({"prompt": "a paper boat"}))
///         .await?;
///     assert_eq!(cover.id(), server.predictions()[0].id);
/// }
/// assert_eq!(server.predictions().len(), 1);
/// # Ok(())
/// # }
/// ```
///
/// Without a key, each call is a prediction of its own, recorded in the same way.
#[derive(Clone)]
#[must_use = "nothing is sent until a run is awaited"]
pub struct Once {
    settings: Settings,
    unchecked: bool,
    create: Option<CreatePolicy>,
}

impl Once {
    /// The longest key, in bytes.
    pub const MAX_KEY_LEN: usize = MAX_KEY_LEN;

    /// Predictions by `client`, recorded in `ledger`.
    pub fn new(client: &Client, ledger: Arc<dyn Ledger>) -> Self {
        Self::with(Settings::new(client, Some(ledger)))
    }

    /// Predictions that are recorded nowhere: for a program whose user wants no ledger. A key then
    /// means nothing.
    pub fn unrecorded(client: &Client) -> Self {
        Self::with(Settings::new(client, None))
    }

    fn with(settings: Settings) -> Self {
        Self {
            settings,
            unchecked: false,
            create: None,
        }
    }

    /// What names the prediction, in this ledger and for ever: an order's number, the id of a job. A key
    /// that is empty or longer than [`MAX_KEY_LEN`](Self::MAX_KEY_LEN) is refused with
    /// [`InvalidKey`](crate::ErrorKind::InvalidKey) before anything is sent.
    pub fn key(mut self, key: impl Into<String>) -> Self {
        self.settings.key = Some(key.into());
        self
    }

    /// What the ledger calls the service, instead of its base URL: for one whose address changes.
    pub fn service(mut self, service: impl Into<String>) -> Self {
        self.settings.service = service.into();
        self
    }

    /// Creates the prediction once more if it is [unresolved](OnceError::Unresolved). The earlier
    /// request may have been accepted, so this may cost twice.
    pub fn retry_unresolved(mut self, retry: bool) -> Self {
        self.settings.retry_unresolved = retry;
        self
    }

    /// Sends model and input as they are written, without the checks of
    /// [`Create`](cometapi::Create).
    pub fn unchecked(mut self, unchecked: bool) -> Self {
        self.unchecked = unchecked;
        self
    }

    /// How long to wait for the end, from the create response on; 15 minutes unless the client has
    /// another policy. After it, the prediction continues, and the next call waits for it.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.settings.timeout = Some(timeout);
        self
    }

    /// What a prediction of a model, `owner/name`, is expected to cost, as far as it is known. It is asked
    /// before the request is recorded and, if nothing was known, again when the prediction ends; it must
    /// not block. The ledger records the price.
    pub fn prices(mut self, source: impl Fn(&str) -> Option<Usd> + Send + Sync + 'static) -> Self {
        self.settings.prices = Prices::new(source);
        self
    }

    /// What all predictions of the key may cost together. A prediction that would cost more, or whose
    /// [price](Self::prices) is not known, is refused with
    /// [`MaxCost`](crate::ErrorKind::MaxCost) before anything is sent.
    pub fn max_cost(mut self, max: Usd) -> Self {
        self.settings.max_cost = Some(max);
        self
    }

    /// Records that the prediction's files are to be saved in `folder`, under names of a template if there
    /// is one, for the process that continues with it: see [`OnceRun::folder`]. The latest call with a key
    /// decides. A folder whose path is not UTF-8 is not recorded.
    pub fn saved_in(mut self, folder: impl Into<PathBuf>, names: Option<&FileTemplate>) -> Self {
        let folder = folder.into();
        self.settings.destination = Destination {
            folder: Some(std::path::absolute(&folder).unwrap_or(folder)),
            names: names.map(|names| names.as_str().to_owned()),
        };
        self
    }

    /// How create requests are retried, instead of the client's policy. What may have been accepted is
    /// never sent again by a policy: see [`retry_unresolved`](Self::retry_unresolved).
    pub fn create_policy(mut self, policy: CreatePolicy) -> Self {
        self.create = Some(policy);
        self
    }

    /// Calls `observer` with everything that happens.
    pub fn on_event(mut self, observer: impl Fn(&OnceEvent<'_>) + Send + Sync + 'static) -> Self {
        self.settings.observer = Arc::new(observer);
        self
    }

    /// The prediction of `model` on `input`. Nothing happens until it is awaited.
    pub fn run(self, model: impl IntoModelRef, input: impl IntoInput) -> OnceRun {
        let mut create = self
            .settings
            .client
            .predictions()
            .create_model(model, input);
        if self.unchecked {
            create = create.unchecked();
        }
        if let Some(policy) = &self.create {
            create = create.policy(policy.clone());
        }
        // A second prediction of a key must be asked for.
        OnceRun::of_create(self.settings, create.retry_unresolved(false))
    }

    /// The prediction of this id, which any process created. The ledger is used if it knows the id
    /// and no process that lives holds it.
    pub fn resume(self, id: impl Into<String>) -> OnceRun {
        OnceRun::of_id(self.settings, id.into())
    }
}

impl fmt::Debug for Once {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Once")
            .field("settings", &self.settings)
            .field("unchecked", &self.unchecked)
            .finish_non_exhaustive()
    }
}
