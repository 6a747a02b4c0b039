//! The HTTP clients that fetch files.
//!
//! None follows redirects or retries by itself. TLS is set up only where it is used.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use hyper_util::client::proxy::matcher::Intercept;

use crate::core::base_url::BaseUrl;
use crate::core::error::Error;
use crate::core::http_clients::{HttpSettings, build, unusable};
use crate::files::download::access::{Access, PermittedOnly};

/// The clients that fetch files: some connect to the hosts of files and to no proxy, the others
/// only to a proxy. See [`Access`] for the reason.
#[derive(Debug)]
pub(crate) struct FileClients {
    settings: HttpSettings,
    access: Arc<Access>,
    stall_timeout: Duration,
    plain: reqwest::Client,
    /// Set up at the first file that needs it, unless the API needs it as well: a file that
    /// cannot be fetched is to be known before it is paid for.
    tls: OnceLock<reqwest::Client>,
    proxied_plain: OnceLock<reqwest::Client>,
    proxied_tls: OnceLock<reqwest::Client>,
}

impl FileClients {
    pub(crate) fn new(
        base: &BaseUrl,
        settings: HttpSettings,
        stall_timeout: Duration,
        access: Arc<Access>,
    ) -> Result<Self, Error> {
        let uses_tls = base.is_https();
        let http = file_builder(&settings, uses_tls, stall_timeout);
        let plain = direct(http, &access)?;
        let tls = OnceLock::new();
        if uses_tls {
            tls.get_or_init(|| plain.clone());
        }
        Ok(Self {
            settings,
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
        let by_tls = |proxy: &Intercept| proxy.uri().scheme_str() == Some("https");
        let uses_tls = uses_tls || proxy.as_ref().is_some_and(by_tls);
        let http = file_builder(&self.settings, uses_tls, self.stall_timeout);
        let new = match &proxy {
            None => direct(http, &self.access),
            Some(proxy) => proxied(http, proxy, &self.access),
        };
        let new = new?;
        Ok(client.get_or_init(|| new))
    }
}

fn file_builder(
    settings: &HttpSettings,
    uses_tls: bool,
    stall_timeout: Duration,
) -> reqwest::ClientBuilder {
    settings
        .builder(uses_tls, false)
        .read_timeout(stall_timeout)
}

fn direct(http: reqwest::ClientBuilder, access: &Arc<Access>) -> Result<reqwest::Client, Error> {
    build(http.dns_resolver(PermittedOnly::direct(access)))
}

fn proxied(
    http: reqwest::ClientBuilder,
    proxy: &Intercept,
    access: &Arc<Access>,
) -> Result<reqwest::Client, Error> {
    let mut via = reqwest::Proxy::all(proxy.uri().to_string()).map_err(unusable)?;
    if let Some((user, password)) = proxy.raw_auth() {
        via = via.basic_auth(user, password);
    }
    if let Some(authorization) = proxy.basic_auth() {
        via = via.custom_http_auth(authorization.clone());
    }
    build(
        http.proxy(via)
            .dns_resolver(PermittedOnly::behind(proxy, access)),
    )
}
