//! Settings of a server before it starts.

use std::collections::BTreeSet;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;

use crate::account::settings::AccountSettings;
use crate::observer::{Observer, Served};
use crate::pace::{Pace, Script};
use crate::spec::Spec;
use crate::wire::Form;

/// Settings of a [`MockServer`](crate::MockServer), made by
/// [`MockServer::builder`](crate::MockServer::builder).
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), cometapi_mock::StartError> {
/// use cometapi_mock::{MockServer, Pace};
///
/// let server = MockServer::builder()
///     .pace(Pace::polls(1, 1))
///     .wrapped()
///     .key("sk-test")
///     .start()
///     .await?;
/// assert!(server.base_url().ends_with("/replicate/v1"));
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
#[must_use = "a builder does nothing until it is started"]
pub struct Builder {
    pub(crate) address: IpAddr,
    pub(crate) port: u16,
    pub(crate) files_port: u16,
    pub(crate) spec: Option<Arc<Spec>>,
    pub(crate) settings: Settings,
}

#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) pace: Pace,
    pub(crate) script: Option<Script>,
    pub(crate) form: Form,
    pub(crate) models: Option<BTreeSet<String>>,
    pub(crate) key: Option<Key>,
    pub(crate) access_token: Option<Key>,
    pub(crate) account: AccountSettings,
    pub(crate) strict_headers: bool,
    pub(crate) lenient: bool,
    pub(crate) latency: Duration,
    pub(crate) observer: Observer,
    pub(crate) verify_on_drop: bool,
    pub(crate) create_status: StatusCode,
    pub(crate) retention: Duration,
    pub(crate) seed: u64,
}

/// A key or a token, which is never printed.
#[derive(Clone)]
pub(crate) struct Key(pub(crate) String);

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[hidden]")
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("address", &self.address)
            .field("port", &self.port)
            .field("files_port", &self.files_port)
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

/// How long the provider keeps a finished prediction's data (documented by Replicate).
const RETENTION: Duration = Duration::from_secs(3_600);

impl Default for Builder {
    fn default() -> Self {
        Self {
            address: Ipv4Addr::LOCALHOST.into(),
            port: 0,
            files_port: 0,
            spec: None,
            settings: Settings {
                pace: Pace::default(),
                script: None,
                form: Form::Bare,
                models: None,
                key: None,
                access_token: None,
                account: AccountSettings::default(),
                strict_headers: false,
                lenient: false,
                latency: Duration::ZERO,
                observer: Observer::default(),
                verify_on_drop: false,
                create_status: StatusCode::OK,
                retention: RETENTION,
                seed: fastrand::u64(..),
            },
        }
    }
}

impl Builder {
    /// The address that both origins listen on; 127.0.0.1 unless set.
    pub fn bind(mut self, address: impl Into<IpAddr>) -> Self {
        self.address = address.into();
        self
    }

    /// The port of the API origin; 0, the default, takes any free one.
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// The port of the files origin; 0, the default, takes any free one.
    pub fn files_port(mut self, port: u16) -> Self {
        self.files_port = port;
        self
    }

    /// How fast predictions run: 300 ms and 900 ms by the clock unless set.
    pub fn pace(mut self, pace: Pace) -> Self {
        self.settings.pace = pace;
        self
    }

    /// The responses to the polls of every prediction, instead of a pace.
    pub fn script(mut self, script: Script) -> Self {
        self.settings.script = Some(script);
        self
    }

    /// The form of the responses to polls; bare unless set.
    pub fn form(mut self, form: Form) -> Self {
        self.settings.form = form;
        self
    }

    /// Short for [`form`](Self::form) with [`Form::Wrapped`].
    pub fn wrapped(self) -> Self {
        self.form(Form::Wrapped)
    }

    /// Offers these models only, `owner/name` each; any other is refused with 503
    /// `model_not_found` (observed). Every model is taken unless set.
    pub fn models<M: Into<String>>(mut self, models: impl IntoIterator<Item = M>) -> Self {
        self.settings.models = Some(models.into_iter().map(Into::into).collect());
        self
    }

    /// Accepts this key alone; any other is refused with 401. Every key that is not empty is
    /// accepted unless set.
    pub fn key(mut self, key: impl Into<String>) -> Self {
        self.settings.key = Some(Key(key.into()));
        self
    }

    /// Refuses headers that the document does not declare, but for those that every HTTP
    /// request has. For tests of a client that must send nothing unintended; by default, any
    /// header is accepted, as `OpenAPI` has it.
    pub fn strict_headers(mut self) -> Self {
        self.settings.strict_headers = true;
        self
    }

    /// Lets undeclared queries pass, undeclared headers where they are refused, and keys on the
    /// files origin. They are recorded as violations anyway.
    pub fn lenient(mut self) -> Self {
        self.settings.lenient = true;
        self
    }

    /// Panics when the server is dropped after a request that was not allowed, so that no
    /// test of a client has to remember to ask. Not while another panic is under way.
    pub fn verify_on_drop(mut self) -> Self {
        self.settings.verify_on_drop = true;
        self
    }

    /// The status of the response to an accepted create request: 200 (documented) unless set, 201 and 202
    /// (documented by Replicate).
    pub fn create_status(mut self, status: StatusCode) -> Self {
        self.settings.create_status = status;
        self
    }

    /// Delays every response of both origins by this long, as a distant service would. The
    /// request is carried out first, so a client that gives up early has been charged.
    pub fn latency(mut self, latency: Duration) -> Self {
        self.settings.latency = latency;
        self
    }

    /// Calls `observer` for every request of both origins, when its response begins or is known
    /// never to come. It must not block.
    ///
    /// ```
    /// # use cometapi_mock::MockServer;
    /// let builder = MockServer::builder().on_response(|served| {
    ///     let status = served.status.map_or("-".to_owned(), |status| status.to_string());
    ///     eprintln!("{} {} {status} {:?}", served.method, served.path, served.elapsed);
    /// });
    /// # let _ = builder;
    /// ```
    pub fn on_response(mut self, observer: impl Fn(&Served) + Send + Sync + 'static) -> Self {
        self.settings.observer = Observer::new(observer);
        self
    }

    /// How long a finished prediction keeps its data: one hour (documented by Replicate)
    /// unless set.
    pub fn retention(mut self, retention: Duration) -> Self {
        self.settings.retention = retention;
        self
    }

    /// Seeds ids, chosen seeds and the draws of [`Plan::share`](crate::Plan::share), so that two
    /// servers give the same; random unless set.
    pub fn seed(mut self, seed: u64) -> Self {
        self.settings.seed = seed;
        self
    }

    /// Holds requests to this document instead of the shipped one.
    pub fn spec(mut self, spec: impl Into<Arc<Spec>>) -> Self {
        self.spec = Some(spec.into());
        self
    }
}
