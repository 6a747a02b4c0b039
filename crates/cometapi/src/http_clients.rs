//! The HTTP clients of a [`Client`](crate::Client): one that sends create requests, each on a
//! connection of its own, one that polls on kept connections, and those that fetch files.
//!
//! None of them follows redirects or retries by itself. TLS is set up only where it is used:
//! without a store of certificates, a client of a plain http base must work all the same.

use crate::base_url::BaseUrl;
use crate::error::{Error, ErrorKind};

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

/// Settings that all clients at this base share.
pub(crate) fn builder(base: &BaseUrl, uses_tls: bool) -> reqwest::ClientBuilder {
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

pub(crate) fn build(http: reqwest::ClientBuilder) -> Result<reqwest::Client, Error> {
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
