//! The HTTP clients of a [`Client`](crate::Client): one that sends create requests, each on a
//! connection of its own, one that polls on kept connections, and those that fetch files.
//!
//! None of them follows redirects or retries by itself. TLS is set up only where it is used:
//! without a store of certificates, a client of a plain http base must work all the same.

use std::sync::Arc;
#[cfg(feature = "download")]
use std::sync::OnceLock;
#[cfg(feature = "download")]
use std::time::Duration;

#[cfg(feature = "download")]
use hyper_util::client::proxy::matcher::Intercept;

use crate::core::base_url::BaseUrl;
use crate::core::error::Error;
use crate::core::error_kind::ErrorKind;
use crate::core::network::Network;
#[cfg(feature = "download")]
use crate::files::download::{Access, PermittedOnly};

/// The clients for API requests.
pub(crate) struct ApiClients {
    /// For what is safe to repeat.
    pub(crate) pooled: reqwest::Client,
    /// For create requests.
    pub(crate) unpooled: reqwest::Client,
}

impl ApiClients {
    pub(crate) fn new(base: &BaseUrl, user_agent: &str, network: &Network) -> Result<Self, Error> {
        let builder = || {
            let http = builder(base).user_agent(user_agent);
            if base.is_localhost_name() {
                // DNS could answer with another machine, which would get the key in plain http.
                http.dns_resolver(Arc::clone(&network.localhost))
            } else {
                http
            }
        };
        Ok(Self {
            pooled: build(builder())?,
            unpooled: build(builder().pool_max_idle_per_host(0))?,
        })
    }
}

/// The clients that fetch files: some connect to the hosts of files and to no proxy, the others
/// only to a proxy. See [`Access`] for the reason.
#[cfg(feature = "download")]
#[derive(Debug)]
pub(crate) struct FileClients {
    access: Arc<Access>,
    stall_timeout: Duration,
    plain: reqwest::Client,
    /// Set up at the first file that needs it, unless the API needs it as well: a file that
    /// cannot be fetched is to be known before it is paid for.
    tls: OnceLock<reqwest::Client>,
    proxied_plain: OnceLock<reqwest::Client>,
    proxied_tls: OnceLock<reqwest::Client>,
}

#[cfg(feature = "download")]
impl FileClients {
    pub(crate) fn new(
        base: &BaseUrl,
        stall_timeout: Duration,
        access: Arc<Access>,
    ) -> Result<Self, Error> {
        let uses_tls = base.is_https();
        let plain = direct(uses_tls, stall_timeout, &access)?;
        let tls = OnceLock::new();
        if uses_tls {
            tls.get_or_init(|| plain.clone());
        }
        Ok(Self {
            access,
            stall_timeout,
            plain,
            tls,
            proxied_plain: OnceLock::new(),
            proxied_tls: OnceLock::new(),
        })
    }

    /// The client for `url`: it speaks the scheme and connects directly or to the proxy.
    pub(crate) fn of(&self, url: &reqwest::Url) -> Result<&reqwest::Client, Error> {
        let uses_tls = url.scheme() == "https";
        let proxy = self.access.proxy(url);
        let client = match (&proxy, uses_tls) {
            (None, false) => return Ok(&self.plain),
            (None, true) => &self.tls,
            // The matcher has one proxy for each scheme.
            (Some(_), false) => &self.proxied_plain,
            (Some(_), true) => &self.proxied_tls,
        };
        if let Some(client) = client.get() {
            return Ok(client);
        }
        let new = match &proxy {
            None => direct(uses_tls, self.stall_timeout, &self.access),
            Some(proxy) => proxied(proxy, uses_tls, self.stall_timeout, &self.access),
        };
        let new = new?;
        Ok(client.get_or_init(|| new))
    }
}

#[cfg(feature = "download")]
fn direct(
    uses_tls: bool,
    stall_timeout: Duration,
    access: &Arc<Access>,
) -> Result<reqwest::Client, Error> {
    build(
        file_builder(uses_tls, stall_timeout)
            .no_proxy()
            .dns_resolver(PermittedOnly::direct(access)),
    )
}

#[cfg(feature = "download")]
fn proxied(
    proxy: &Intercept,
    uses_tls: bool,
    stall_timeout: Duration,
    access: &Arc<Access>,
) -> Result<reqwest::Client, Error> {
    let uses_tls = uses_tls || proxy.uri().scheme_str() == Some("https");
    let mut via = reqwest::Proxy::all(proxy.uri().to_string()).map_err(unusable)?;
    if let Some((user, password)) = proxy.raw_auth() {
        via = via.basic_auth(user, password);
    }
    if let Some(authorization) = proxy.basic_auth() {
        via = via.custom_http_auth(authorization.clone());
    }
    build(
        file_builder(uses_tls, stall_timeout)
            .proxy(via)
            .dns_resolver(PermittedOnly::behind(proxy, access)),
    )
}

#[cfg(feature = "download")]
fn file_builder(uses_tls: bool, stall_timeout: Duration) -> reqwest::ClientBuilder {
    let http = cometapi_client::http_client()
        .user_agent(concat!("cometapi-rust/", env!("CARGO_PKG_VERSION")))
        .read_timeout(stall_timeout);
    if uses_tls {
        http
    } else {
        cometapi_client::without_tls_roots(http)
    }
}

/// Settings of the clients for API requests.
fn builder(base: &BaseUrl) -> reqwest::ClientBuilder {
    let http = cometapi_client::http_client();
    let (http, uses_tls) = if base.is_loopback() {
        // A proxy of the environment's cannot reach this machine's loopback.
        (http.no_proxy(), base.is_https())
    } else {
        (http, base.is_https() || has_https_proxy())
    };
    if uses_tls {
        http
    } else {
        cometapi_client::without_tls_roots(http)
    }
}

fn build(http: reqwest::ClientBuilder) -> Result<reqwest::Client, Error> {
    http.build().map_err(unusable)
}

fn unusable(error: reqwest::Error) -> Error {
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
