//! The HTTP clients for API requests: one sends create requests, each on a connection of its own,
//! the other polls on kept connections.
//!
//! Neither follows redirects nor retries by itself. TLS is set up only where it is used: a client of
//! a plain http base URL works without a store of certificates.

use std::sync::Arc;

use crate::core::base_url::BaseUrl;
use crate::core::error::Error;
use crate::core::error_kind::ErrorKind;
use crate::core::network::Network;

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
