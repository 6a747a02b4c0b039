//! Which address a base URL means.

use std::net::IpAddr;

use reqwest::Url;

use crate::core::error::Error;
use crate::core::error_kind::ErrorKind;
use crate::core::network::is_localhost;

/// Where the service is, as its reference names it.
pub(crate) const DEFAULT: &str = "https://api.cometapi.com";

/// The root of this route on the service.
const ROOT: &str = "/replicate/v1";

/// An address that requests can be sent under: no trailing slash, no query, no credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BaseUrl {
    url: Url,
    text: String,
}

impl BaseUrl {
    /// Reads a base URL by four rules: slashes at the end do not count; no path means
    /// `/replicate/v1`; a path of exactly `/v1` on a `CometAPI` host, which is what the official
    /// SDKs keep in `COMETAPI_BASE_URL`, means the same; any other path stands.
    pub(crate) fn parse(text: &str) -> Result<Self, Error> {
        Self::parse_as(text, false)
    }

    /// Reads a base URL; with `as_is`, only its slashes at the end do not count.
    pub(crate) fn parse_as(text: &str, as_is: bool) -> Result<Self, Error> {
        let refuse = |why: &str| {
            Error::new(
                ErrorKind::Config,
                format!(
                    "the base url {why}; it should look like {DEFAULT} or https://api.replicate.com/v1"
                ),
            )
        };
        let mut url = Url::parse(text.trim()).map_err(|e| refuse("is not a url").with_source(e))?;
        if !matches!(url.scheme(), "https" | "http") {
            return Err(refuse("must begin with https:// or http://"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(refuse("must not hold a user name or password"));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(refuse("must not hold a query or a fragment"));
        }
        let host = url.host_str().unwrap_or_default();
        if host.starts_with('.') || host.contains("..") {
            return Err(refuse("has no usable host"));
        }
        // A published integration has this default; the final dot makes another Host header.
        if let Some(host) = host.strip_suffix('.').map(str::to_owned) {
            url.set_host(Some(&host))
                .map_err(|e| refuse("has no usable host").with_source(e))?;
        }
        let path = url.path().trim_end_matches('/').to_owned();
        let path = match path.as_str() {
            "" if !as_is => ROOT,
            "/v1" if !as_is && is_comet(&url) => ROOT,
            path => path,
        };
        url.set_path(path);
        let text = url.as_str().trim_end_matches('/').to_owned();
        Ok(Self { url, text })
    }

    /// The address without a slash at its end.
    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    pub(crate) fn is_https(&self) -> bool {
        self.url.scheme() == "https"
    }

    /// Whether a key sent there could be read on the way.
    pub(crate) fn is_plain_and_remote(&self) -> bool {
        self.url.scheme() == "http" && !self.is_loopback()
    }

    /// Whether the host is this machine.
    pub(crate) fn is_loopback(&self) -> bool {
        is_loopback(&self.url)
    }

    /// Whether the host is a name that is resolved to this machine without asking DNS.
    pub(crate) fn is_localhost_name(&self) -> bool {
        is_localhost(self.host())
    }

    /// The host, an IPv6 address in brackets.
    pub(crate) fn host(&self) -> &str {
        self.url.host_str().unwrap_or_default()
    }

    /// The host, if it is an address.
    #[cfg(feature = "download")]
    pub(crate) fn ip(&self) -> Option<IpAddr> {
        ip(&self.url)
    }
}

fn is_comet(url: &Url) -> bool {
    url.host_str()
        .is_some_and(|host| host == "cometapi.com" || host.ends_with(".cometapi.com"))
}

/// The host of `url`, if it is an address. The parser knows every notation of one.
pub(crate) fn ip(url: &Url) -> Option<IpAddr> {
    url.host_str()?
        .trim_start_matches('[')
        .trim_end_matches(']')
        .parse()
        .ok()
}

/// Whether the host of `url` is this machine.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match ip(url) {
        Some(ip) => ip.to_canonical().is_loopback(),
        None => url.host_str().is_some_and(is_localhost),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_four_rules() {
        let rows = [
            (
                "https://api.cometapi.com",
                "https://api.cometapi.com/replicate/v1",
            ),
            (
                "https://api.cometapi.com///",
                "https://api.cometapi.com/replicate/v1",
            ),
            (
                " https://api.cometapi.com/v1/ \n",
                "https://api.cometapi.com/replicate/v1",
            ),
            (
                "https://api.cometapi.com.",
                "https://api.cometapi.com/replicate/v1",
            ),
            (
                "https://api.cometapi.com/replicate/v1/",
                "https://api.cometapi.com/replicate/v1",
            ),
            (
                "https://api.replicate.com/v1",
                "https://api.replicate.com/v1",
            ),
            ("https://notcometapi.com/v1", "https://notcometapi.com/v1"),
            (
                "http://127.0.0.1:8080",
                "http://127.0.0.1:8080/replicate/v1",
            ),
            ("https://gw.example/a/b/", "https://gw.example/a/b"),
        ];
        for (given, meant) in rows {
            assert_eq!(BaseUrl::parse(given).unwrap().as_str(), meant, "{given}");
        }
    }

    #[test]
    fn as_it_stands_no_path_is_added() {
        for (given, meant) in [
            ("http://127.0.0.1:4010", "http://127.0.0.1:4010"),
            ("http://127.0.0.1:4010//", "http://127.0.0.1:4010"),
            (
                "https://api.cometapi.com/v1/",
                "https://api.cometapi.com/v1",
            ),
            ("https://gw.example/a/b/", "https://gw.example/a/b"),
        ] {
            let base = BaseUrl::parse_as(given, true).unwrap();
            assert_eq!(base.as_str(), meant, "{given}");
        }
        assert!(BaseUrl::parse_as("https://u:p@x", true).is_err());
    }

    #[test]
    fn what_is_no_base_url_is_refused_with_a_way_on() {
        for bad in [
            "",
            "api.cometapi.com",
            "ftp://x",
            "https://u:p@x",
            "https://x?key=1",
            "https://x#a",
            "https://x../a",
            "https://.x",
        ] {
            let error = BaseUrl::parse(bad).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Config, "{bad}");
            assert!(error.to_string().contains("should look like"), "{error}");
            assert!(!error.to_string().contains("u:p"), "{error}");
        }
    }

    #[test]
    fn loopback_is_told_from_the_rest() {
        for (url, plain_and_remote) in [
            ("http://127.0.0.1:1", false),
            ("http://[::1]:1", false),
            ("http://[::ffff:127.0.0.1]:1", false),
            ("http://gateway.localhost", false),
            ("http://localhost.example", true),
            ("http://localhost", false),
            ("https://api.cometapi.com", false),
            ("http://api.cometapi.com", true),
            ("http://10.0.0.1", true),
        ] {
            let base = BaseUrl::parse(url).unwrap();
            assert_eq!(base.is_plain_and_remote(), plain_and_remote, "{url}");
        }
    }
}
