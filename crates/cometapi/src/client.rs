//! The client and how it is made.

use std::env;
use std::fmt;
use std::sync::Arc;

use cometapi_client::Transport;

use cometapi_models::{IntoInput, ModelInput};

use crate::calls::create::Create;
use crate::calls::policy::{CreatePolicy, WaitPolicy};
use crate::calls::predictions::Predictions;
use crate::core::base_url::{self, BaseUrl};
use crate::core::error::Error;
use crate::core::error_kind::ErrorKind;
use crate::core::http_clients::{ApiClients, HttpHook, HttpSettings};
use crate::core::key::ApiKey;
use crate::core::model::IntoModelRef;
use crate::core::network::Network;
use crate::core::prediction::Prediction;
use crate::core::state::Core;
use crate::files::contents::{self, Contents};
#[cfg(feature = "download")]
use crate::files::download::{access::Access, fetch::Fetcher, policy::DownloadPolicy};
use crate::files::output_file::{FileContext, OutputFile};
use crate::run::Run;

const KEY_VARIABLE: &str = "COMETAPI_KEY";
const BASE_URL_VARIABLE: &str = "COMETAPI_BASE_URL";
const USER_AGENT: &str = concat!("cometapi-rust/", env!("CARGO_PKG_VERSION"));

/// A client of one account at one address.
///
/// Cheap to clone: the clones share connections and settings, so there is no need for an
/// `Arc` around it.
///
/// ```no_run
/// use cometapi::Client;
/// use serde_json::json;
///
/// # async fn example() -> Result<(), cometapi::Error> {
/// let client = Client::from_env()?;
/// let done = client
///     .run_model("black-forest-labs/flux-schnell", json!({"prompt": "a lighthouse made of glass"}))
///     .await?;
/// for file in done.files() {
///     println!("{}", file.save_in("images").await?.path.display());
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Client(Arc<Inner>);

struct Inner {
    core: Core,
    create: CreatePolicy,
    wait: Arc<WaitPolicy>,
    files: FileContext,
}

impl Client {
    /// A client by the environment: `COMETAPI_KEY`, and `COMETAPI_BASE_URL` where another
    /// address than `CometAPI`'s is meant. A variable that is empty or whitespace counts as unset.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NoKey`] without a key, [`ErrorKind::Config`] when one of the two cannot
    /// be used.
    pub fn from_env() -> Result<Self, Error> {
        let read = |name| env::var(name).ok().filter(|text| !text.trim().is_empty());
        let mut builder = Self::builder();
        if let Some(key) = read(KEY_VARIABLE) {
            builder = builder.key(key);
        }
        if let Some(url) = read(BASE_URL_VARIABLE) {
            builder = builder.base_url(url);
        }
        builder.build()
    }

    /// Settings for a client, none taken from the environment.
    pub fn builder() -> ClientBuilder {
        ClientBuilder::default()
    }

    /// Runs a typed input's model to the end: creates, waits, and finds the files. Gives what the
    /// model returns: see [`RunOutput`](crate::RunOutput), and [`Run`].
    ///
    /// Nothing is sent before it is awaited. It costs money.
    pub fn run<I: ModelInput>(&self, input: I) -> Run<I::Returns> {
        self.new_run(self.predictions().create(input))
    }

    /// As [`run`](Self::run) of any model, on any JSON object. Gives the whole prediction and
    /// its files. A known model can be given by its short name: see [`ModelRef`](crate::ModelRef).
    pub fn run_model(&self, model: impl IntoModelRef, input: impl IntoInput) -> Run {
        self.new_run(self.predictions().create_model(model, input))
    }

    fn new_run<R>(&self, create: Create) -> Run<R> {
        let Inner {
            core, wait, files, ..
        } = &*self.0;
        Run::new(core.clone(), files.clone(), create, Arc::clone(wait))
    }

    /// The operations one by one.
    pub fn predictions(&self) -> Predictions<'_> {
        Predictions::new(&self.0.core, &self.0.create, &self.0.wait)
    }

    /// The files of a prediction's output, in order.
    pub fn files(&self, prediction: &Prediction) -> Vec<OutputFile> {
        OutputFile::all(&self.0.files, prediction, None)
    }

    /// The file at `url`, which a prediction returned earlier, so that a service that kept the URL
    /// need not poll again. The rules for files of a prediction apply to it: it is fetched without
    /// the key, and only from permitted addresses.
    ///
    /// A prediction that was kept as JSON gives its files by name: see [`Prediction`].
    ///
    /// ```no_run
    /// # async fn example(client: cometapi::Client) -> Result<(), cometapi::Error> {
    /// let file = client.file("https://replicate.delivery/xezq/abc/out-0.webp");
    /// file.save_in("images").name("fox").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn file(&self, url: impl AsRef<str>) -> OutputFile {
        OutputFile::at(&self.0.files, url.as_ref())
    }

    /// Returns what the output of a successful prediction consists of. `model` is the model
    /// that was run, if the caller knows it; the prediction itself need not name it.
    ///
    /// An output in which a URL is one value among others is [`Contents::Mixed`]. Not every URL
    /// in it needs to be a file: see `OutputFile::is_link`. A URL that a model returns which is
    /// known to return text is text.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::UnexpectedOutput`], with the prediction, if nothing in the output can be
    /// used: empty lists, `[null]`, names of files instead of their URLs, anything without a URL
    /// from a model that is known to return files, and an output that is too large to be decoded
    /// and holds no URLs (see [`Prediction::ignored_fields`]). The prediction succeeded and has been
    /// paid for; to create it again costs again.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn example(client: cometapi::Client) -> Result<(), cometapi::Error> {
    /// let done = client.predictions().wait("q4chw5rey9rmt0cww76t4h3ma4").await?;
    /// let (files, text) = client.contents(&done, None)?.into_parts();
    /// for file in files {
    ///     println!("{}", file.url());
    /// }
    /// if let Some(text) = text {
    ///     println!("{}", text.as_str());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn contents(
        &self,
        prediction: &Prediction,
        model: Option<&str>,
    ) -> Result<Contents, Error> {
        contents::contents(&self.0.files, prediction, model)
    }

    /// The generated client underneath, with the same key and limits, for what this one does
    /// not cover.
    pub fn raw(&self) -> &cometapi_client::Client {
        self.0.core.raw()
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("core", &self.0.core)
            .field("create", &self.0.create)
            .field("wait", &self.0.wait)
            .finish_non_exhaustive()
    }
}

/// Settings of a [`Client`].
///
/// ```
/// use std::time::Duration;
/// use cometapi::{Client, WaitPolicy};
///
/// let mut wait = WaitPolicy::default();
/// wait.timeout = Duration::from_secs(120);
/// let client = Client::builder()
///     .key("sk-…".replace('…', "x"))
///     .base_url("https://api.replicate.com/v1")
///     .wait_policy(wait)
///     .build()?;
/// # Ok::<(), cometapi::Error>(())
/// ```
#[derive(Default)]
#[must_use = "a builder does nothing until `build`"]
pub struct ClientBuilder {
    key: Option<ApiKey>,
    base_url: Option<String>,
    base_url_as_is: bool,
    app: Option<String>,
    http: Option<HttpHook>,
    #[cfg(feature = "download")]
    download_http: Option<HttpHook>,
    allow_plain_http: bool,
    create: CreatePolicy,
    wait: WaitPolicy,
    seed: Option<u64>,
    #[cfg(feature = "download")]
    download: DownloadPolicy,
    #[cfg(feature = "download")]
    allow_private_files: bool,
    #[cfg(all(test, feature = "download"))]
    network: Option<Network>,
}

impl ClientBuilder {
    /// The key, sent to the base URL and nowhere else.
    pub fn key(mut self, key: impl Into<ApiKey>) -> Self {
        self.key = Some(key.into());
        self
    }

    /// Where the service is; `https://api.cometapi.com` by default.
    ///
    /// Slashes at the end do not count. Without a path, `/replicate/v1` is appended; a path
    /// of exactly `/v1` on a `CometAPI` host, as the official SDKs keep it, is replaced by it;
    /// any other path stands, so that `https://api.replicate.com/v1` works. See
    /// [`base_url_as_is`](Self::base_url_as_is) for a server without a path.
    pub fn base_url(mut self, url: impl Into<String>) -> Self {
        self.base_url = Some(url.into());
        self
    }

    /// Takes the base URL as it stands: no path is appended or replaced. For servers that have
    /// the paths of `openapi.yaml` at their root, as mocks made from a spec do.
    ///
    /// ```
    /// use cometapi::Client;
    ///
    /// // Polls http://127.0.0.1:4010/predictions/ID.
    /// let client = Client::builder()
    ///     .key("any")
    ///     .base_url("http://127.0.0.1:4010")
    ///     .base_url_as_is(true)
    ///     .build()?;
    /// # Ok::<(), cometapi::Error>(())
    /// ```
    pub fn base_url_as_is(mut self, as_is: bool) -> Self {
        self.base_url_as_is = as_is;
        self
    }

    /// Appends the application's name and version to the user agent of all requests, API
    /// requests and downloads: `cometapi-rust/VERSION my-service/1.0`.
    ///
    /// Several of the form `NAME/VERSION` are separated by a space; a version may be missing. Any
    /// other form is refused by [`build`](Self::build).
    ///
    /// ```
    /// use cometapi::Client;
    ///
    /// let client = Client::builder().key("any").app("my-service/1.0").build()?;
    /// # Ok::<(), cometapi::Error>(())
    /// ```
    pub fn app(mut self, name: impl Into<String>) -> Self {
        self.app = Some(name.into());
        self
    }

    /// Changes the HTTP settings of API requests: proxies, certificates, DNS, sockets.
    ///
    /// `configure` is called for each HTTP client that is set up. Its settings are applied before
    /// the ones that this crate's promises depend on, which always win: no redirects, no retries,
    /// the timeouts of the policies, a connection of its own for each create request, the user
    /// agent, and the addresses of `localhost`. A proxy that it sets is used for every base URL, also
    /// on loopback; without one, the proxies of the environment are used, except for loopback. See
    /// [`configure_download_http`](Self::configure_download_http) for downloads.
    ///
    /// [`cometapi::reqwest`](crate::reqwest) is the version whose types it takes.
    ///
    /// # What is then up to you
    ///
    /// - Default headers are sent with every request. They cannot replace the key.
    /// - `connection_verbose` writes every byte to the log at level `trace`, the key included.
    /// - A proxy, a connector layer, a resolver, an address set by `resolve`, or a client that
    ///   accepts any certificate can pass the key on to another host.
    ///
    /// ```
    /// use cometapi::{Client, reqwest};
    ///
    /// let proxy = reqwest::Proxy::all("http://proxy.example:3128")
    ///     .expect("a valid URL")
    ///     .basic_auth("user", "password");
    /// let client = Client::builder()
    ///     .key("any")
    ///     .configure_http(move |http| http.proxy(proxy.clone()))
    ///     .build()?;
    /// # Ok::<(), cometapi::Error>(())
    /// ```
    pub fn configure_http(
        mut self,
        configure: impl Fn(reqwest::ClientBuilder) -> reqwest::ClientBuilder + Send + Sync + 'static,
    ) -> Self {
        self.http = Some(Arc::new(configure));
        self
    }

    /// Changes the HTTP settings of downloads, as [`configure_http`](Self::configure_http) does
    /// for API requests.
    ///
    /// Its settings are applied before ours as well: no redirects but those of
    /// [`DownloadPolicy`], no retries, no timeouts but the policy's, the user agent, and the rules
    /// for addresses (see [`allow_private_files`](Self::allow_private_files)). Hence a resolver that it sets is not used, and
    /// an address that it sets by `resolve` is not checked.
    ///
    /// A proxy that it sets is used before one of the environment. It resolves the names of the files' hosts
    /// itself. If the name of the proxy resolves to a private address, write the address instead of
    /// the name, or set the proxy in the environment (`HTTPS_PROXY`).
    ///
    /// Default headers are sent to every host of files, so none may hold a secret.
    #[cfg(feature = "download")]
    pub fn configure_download_http(
        mut self,
        configure: impl Fn(reqwest::ClientBuilder) -> reqwest::ClientBuilder + Send + Sync + 'static,
    ) -> Self {
        self.download_http = Some(Arc::new(configure));
        self
    }

    /// Sends the key over plain http to other machines, where everybody on the way can read
    /// it. Refused unless asked for; loopback needs no asking. `localhost` and names that end in
    /// `.localhost` are this machine: their addresses are not taken from DNS.
    pub fn allow_plain_http(mut self, allow: bool) -> Self {
        self.allow_plain_http = allow;
        self
    }

    /// How create requests are retried.
    pub fn create_policy(mut self, policy: CreatePolicy) -> Self {
        self.create = policy;
        self
    }

    /// How waits poll and when they stop.
    pub fn wait_policy(mut self, policy: WaitPolicy) -> Self {
        self.wait = policy;
        self
    }

    /// How files are downloaded.
    #[cfg(feature = "download")]
    pub fn download_policy(mut self, policy: DownloadPolicy) -> Self {
        self.download = policy;
        self
    }

    /// Fetches files also from private networks and from this machine; by default, only from
    /// the addresses of the base URL's host there, or from loopback if the base URL is on
    /// loopback.
    ///
    /// The service then chooses what is fetched from the network of this machine, so allow it
    /// only for a service that you run yourself, or where a local proxy gives public hosts
    /// private addresses. Link-local and reserved addresses, among them the metadata services
    /// of cloud providers, are refused even then.
    #[cfg(feature = "download")]
    pub fn allow_private_files(mut self, allow: bool) -> Self {
        self.allow_private_files = allow;
        self
    }

    /// Replaces the system's resolver and the environment's proxies.
    #[cfg(all(test, feature = "download"))]
    pub(crate) fn network(mut self, network: Network) -> Self {
        self.network = Some(network);
        self
    }

    /// Makes the jitter of pauses repeatable, for tests.
    pub fn jitter_seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// Checks the settings and makes the client.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NoKey`] without a key, [`ErrorKind::Config`] when a setting cannot be
    /// used.
    pub fn build(self) -> Result<Client, Error> {
        let base = match &self.base_url {
            Some(url) => BaseUrl::parse_as(url, self.base_url_as_is)?,
            None => BaseUrl::parse(base_url::DEFAULT)?,
        };
        let key = self.key.filter(|key| !key.is_blank()).ok_or_else(|| {
            Error::new(
                ErrorKind::NoKey,
                format!("no API key: set {KEY_VARIABLE}, or pass a key to the builder"),
            )
        })?;
        if base.is_plain_and_remote() && !self.allow_plain_http {
            return Err(Error::new(
                ErrorKind::Config,
                "the base url is plain http to another machine, where the key could be read on \
                 the way: use https, or allow plain http if that is meant",
            ));
        }
        let user_agent = user_agent(self.app.as_deref())?;
        let network = Network::system();
        #[cfg(all(test, feature = "download"))]
        let network = self.network.unwrap_or(network);
        #[cfg(feature = "download")]
        let download_settings = HttpSettings {
            user_agent: user_agent.clone(),
            hook: self.download_http,
        };
        let settings = HttpSettings {
            user_agent,
            hook: self.http,
        };
        let ApiClients { pooled, unpooled } = ApiClients::new(&base, &settings, &network)?;
        let transport = Transport::new(key.expose())?.with_unpooled_client(unpooled);
        let raw = cometapi_client::Client::new_with_client(base.as_str(), pooled, transport);
        let core = Core::new(raw, self.seed);
        let key = core.key_finder().clone();
        #[cfg(feature = "download")]
        let fetcher = {
            let access = Access::new(network, base.clone(), self.allow_private_files);
            let key = key.clone();
            Arc::new(Fetcher::new(
                &base,
                download_settings,
                self.download,
                access,
                key,
            )?)
        };
        Ok(Client(Arc::new(Inner {
            core,
            create: self.create,
            wait: Arc::new(self.wait),
            files: FileContext {
                key,
                #[cfg(feature = "download")]
                fetcher,
            },
        })))
    }
}

/// The user agent, with the application's name appended.
fn user_agent(app: Option<&str>) -> Result<String, Error> {
    let Some(app) = app else {
        return Ok(USER_AGENT.to_owned());
    };
    // A product of RFC 9110: a token, and a second one as its version.
    let is_token = |text: &str| {
        let is_token_char = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
        !text.is_empty() && text.bytes().all(is_token_char)
    };
    let is_product = |text: &str| {
        let (name, version) = text.split_once('/').unwrap_or((text, "0"));
        is_token(name) && is_token(version)
    };
    if !app.split(' ').all(is_product) {
        let what = format!(
            "the application's name {app:?} cannot be sent as a user agent: write NAME/VERSION, \
             such as my-service/1.0"
        );
        return Err(Error::new(ErrorKind::Config, what));
    }
    Ok(format!("{USER_AGENT} {app}"))
}

impl fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientBuilder")
            .field("key", &self.key)
            .field("base_url", &self.base_url)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(builder: ClientBuilder) -> ErrorKind {
        builder.build().unwrap_err().kind()
    }

    #[test]
    fn a_client_needs_a_key_and_a_safe_address() {
        assert_eq!(kind(Client::builder()), ErrorKind::NoKey);
        assert_eq!(kind(Client::builder().key("  ")), ErrorKind::NoKey);
        assert_eq!(kind(Client::builder().key("a b")), ErrorKind::Config);
        let plain = || Client::builder().key("k").base_url("http://gw.example/x");
        assert_eq!(kind(plain()), ErrorKind::Config);
        assert!(plain().allow_plain_http(true).build().is_ok());
        assert!(
            Client::builder()
                .key("k")
                .base_url("http://127.0.0.1:1")
                .build()
                .is_ok()
        );
    }

    #[test]
    fn an_application_is_one_or_more_products() {
        for app in ["my-service/1.0", "my_service", "a/1 b/2.0-rc.1+x"] {
            let expected = format!("{USER_AGENT} {app}");
            assert_eq!(user_agent(Some(app)).unwrap(), expected);
        }
        for app in [
            "",
            " ",
            "a/",
            "/1",
            "a/1/2",
            "a  b",
            "my service/1.0 ",
            "a\nb",
            "\u{e4}/1",
            "a(b)",
        ] {
            let error = Client::builder().key("k").app(app).build().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Config);
            let start = format!("the application's name {app:?} cannot be sent");
            assert!(error.to_string().starts_with(&start), "{error}");
        }
    }

    #[test]
    fn neither_client_nor_builder_prints_the_key() {
        let builder = Client::builder().key("sk-secret");
        assert!(!format!("{builder:?}").contains("secret"));
        let client = builder.build().unwrap();
        assert!(!format!("{client:?}{client:#?}").contains("secret"));
    }
}
