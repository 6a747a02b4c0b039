//! The HTTP clients of a [`Client`](crate::Client): one that sends create requests, each on a
//! connection of its own, one that polls on kept connections, and those that fetch files.
//!
//! None of them follows redirects or retries by itself. TLS is set up only where it is used:
//! without a store of certificates, a client of a plain http base must work all the same.

#[cfg(feature = "download")]
use std::sync::OnceLock;
#[cfg(feature = "download")]
use std::time::Duration;

use crate::base_url::BaseUrl;
#[cfg(feature = "download")]
use crate::download::PublicOnly;
use crate::error::Error;
use crate::error_kind::ErrorKind;

/// The clients for API requests.
pub(crate) struct ApiClients {
    /// For what is safe to repeat.
    pub(crate) pooled: reqwest::Client,
    /// For create requests.
    pub(crate) unpooled: reqwest::Client,
}

impl ApiClients {
    pub(crate) fn new(base: &BaseUrl, user_agent: &str) -> Result<Self, Error> {
        let builder = || builder(base, base.is_https()).user_agent(user_agent);
        Ok(Self {
            pooled: build(builder())?,
            unpooled: build(builder().pool_max_idle_per_host(0))?,
        })
    }
}

/// The clients that fetch files.
#[cfg(feature = "download")]
#[derive(Debug)]
pub(crate) struct FileClients {
    base: BaseUrl,
    stall_timeout: Duration,
    plain: reqwest::Client,
    /// Set up at the first file that needs it, unless the API needs it as well: a file that
    /// cannot be fetched is to be known before it is paid for.
    tls: OnceLock<reqwest::Client>,
}

#[cfg(feature = "download")]
impl FileClients {
    pub(crate) fn new(base: &BaseUrl, stall_timeout: Duration) -> Result<Self, Error> {
        let plain = build(file_builder(base, base.is_https(), stall_timeout))?;
        let tls = OnceLock::new();
        if base.is_https() {
            tls.get_or_init(|| plain.clone());
        }
        Ok(Self {
            base: base.clone(),
            stall_timeout,
            plain,
            tls,
        })
    }

    /// The client that speaks the scheme of `url`.
    pub(crate) fn of(&self, url: &reqwest::Url) -> Result<&reqwest::Client, Error> {
        if url.scheme() != "https" {
            return Ok(&self.plain);
        }
        if let Some(tls) = self.tls.get() {
            return Ok(tls);
        }
        let tls = build(file_builder(&self.base, true, self.stall_timeout))?;
        Ok(self.tls.get_or_init(|| tls))
    }
}

#[cfg(feature = "download")]
fn file_builder(base: &BaseUrl, uses_tls: bool, stall_timeout: Duration) -> reqwest::ClientBuilder {
    let http = builder(base, uses_tls)
        .user_agent(concat!("cometapi-rust/", env!("CARGO_PKG_VERSION")))
        .read_timeout(stall_timeout);
    if base.is_private() {
        http
    } else {
        http.dns_resolver(PublicOnly::unless_proxied())
    }
}

/// Settings that all clients at this base share.
fn builder(base: &BaseUrl, uses_tls: bool) -> reqwest::ClientBuilder {
    let mut http = cometapi_client::http_client();
    if base.is_loopback() {
        // A proxy of the environment's cannot reach this machine's loopback.
        http = http.no_proxy();
    } else if !uses_tls && has_https_proxy() {
        return http;
    }
    if uses_tls {
        http
    } else {
        cometapi_client::without_tls_roots(http)
    }
}

fn build(http: reqwest::ClientBuilder) -> Result<reqwest::Client, Error> {
    http.build().map_err(|e| {
        Error::new(
            ErrorKind::Config,
            "the http client cannot be set up: install the system's CA certificates, or check \
             the proxy variables",
        )
        .with_source(e)
    })
}

/// Whether a proxy for plain http is itself reached by TLS.
fn has_https_proxy() -> bool {
    ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"]
        .iter()
        .filter_map(|name| std::env::var(name).ok())
        .any(|proxy| proxy.starts_with("https:"))
}
