//! The HTTP clients for API requests: one sends create requests, each on a connection of its own,
//! the other polls on kept connections. And what every HTTP client starts from.
//!
//! None follows redirects or retries by itself. TLS is set up only where it is used: a client of
//! a plain http base URL works without a store of certificates.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::core::base_url::BaseUrl;
use crate::core::error::Error;
use crate::core::error_kind::ErrorKind;
use crate::core::network::Network;

/// Replaces timeouts of the caller's, which cannot be removed from a builder. Every request has
/// those of its policy.
const ENDLESS: Duration = Duration::from_secs(365 * 24 * 3600);

/// A function of the caller's that changes HTTP settings.
pub(crate) type HttpHook =
    Arc<dyn Fn(reqwest::ClientBuilder) -> reqwest::ClientBuilder + Send + Sync>;

/// What the HTTP clients of one purpose start from.
#[derive(Clone)]
pub(crate) struct HttpSettings {
    pub(crate) user_agent: String,
    pub(crate) hook: Option<HttpHook>,
}

impl HttpSettings {
    /// Returns a builder with the caller's settings, and ours on top. The proxies of the
    /// environment are used if `uses_environment_proxies`; those of the caller always.
    pub(crate) fn builder(
        &self,
        uses_tls: bool,
        uses_environment_proxies: bool,
    ) -> reqwest::ClientBuilder {
        let mut http = reqwest::Client::builder();
        if !uses_environment_proxies {
            http = http.no_proxy();
        }
        let http = match &self.hook {
            None if uses_tls => http,
            None => cometapi_client::without_tls_roots(http),
            // TLS stays: a proxy of the caller's may need it.
            Some(hook) => hook(http).timeout(ENDLESS).read_timeout(ENDLESS),
        };
        cometapi_client::with_required_settings(http).user_agent(&self.user_agent)
    }
}

impl fmt::Debug for HttpSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpSettings")
            .field("user_agent", &self.user_agent)
            .finish_non_exhaustive()
    }
}

pub(crate) struct ApiClients {
    /// For what is safe to repeat.
    pub(crate) pooled: reqwest::Client,
    /// For create requests.
    pub(crate) unpooled: reqwest::Client,
}

impl ApiClients {
    pub(crate) fn new(
        base: &BaseUrl,
        settings: &HttpSettings,
        network: &Network,
    ) -> Result<Self, Error> {
        // A proxy of the environment's cannot reach this machine's loopback.
        let uses_proxies = !base.is_loopback();
        let uses_tls = base.is_https() || (uses_proxies && has_https_proxy());
        let builder = || {
            let http = settings.builder(uses_tls, uses_proxies);
            if base.is_localhost_name() {
                // DNS could answer with another machine, which would get the key in plain http.
                http.dns_resolver(Arc::clone(&network.localhost))
            } else {
                http
            }
        };
        Ok(Self {
            pooled: build(builder())?,
            unpooled: build(cometapi_client::with_unpooled_settings(builder()))?,
        })
    }
}

pub(crate) fn build(http: reqwest::ClientBuilder) -> Result<reqwest::Client, Error> {
    http.build().map_err(unusable)
}

pub(crate) fn unusable(error: reqwest::Error) -> Error {
    Error::new(
        ErrorKind::Config,
        "the http client cannot be set up: install the system's CA certificates, or check \
         the proxy variables",
    )
    .with_source(error)
}

/// Whether a proxy for plain http is itself reached by TLS.
fn has_https_proxy() -> bool {
    ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"]
        .iter()
        .filter_map(|name| std::env::var(name).ok())
        .any(|proxy| proxy.starts_with("https:"))
}
