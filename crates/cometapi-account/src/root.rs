//! The root: where the account's side of a service is.

use std::net::IpAddr;

use reqwest::Url;

use crate::error::{Error, ErrorKind};

/// Where `CometAPI`'s is.
pub(crate) const DEFAULT: &str = "https://api.cometapi.com";

/// An address that requests are sent below: https, or http to this machine; no query, no
/// credentials, no slash at its end.
#[derive(Clone, Debug)]
pub(crate) struct Root {
    url: Url,
    text: String,
}

impl Root {
    /// The root of `CometAPI`.
    pub(crate) fn cometapi() -> Result<Self, Error> {
        Self::parse(DEFAULT)
    }

    /// Reads a root. Slashes at its end do not count.
    pub(crate) fn parse(text: &str) -> Result<Self, Error> {
        let refuse = |why: &str| {
            let what = format!("the account's root {why}; it should look like {DEFAULT}");
            Error::new(ErrorKind::Config, what)
        };
        let mut url = Url::parse(text.trim()).map_err(|_| refuse("is not a url"))?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(refuse("must not hold a user name or password"));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(refuse("must not hold a query or a fragment"));
        }
        // A final dot makes another Host header.
        if let Some(host) = url.host_str().and_then(|host| host.strip_suffix('.')) {
            let host = host.to_owned();
            url.set_host(Some(&host))
                .map_err(|_| refuse("has no usable host"))?;
        }
        match url.scheme() {
            "https" => {}
            "http" if is_loopback(&url) => {}
            "http" => {
                return Err(refuse(
                    "is plain http to another machine, where a secret could be read on the way",
                ));
            }
            _ => return Err(refuse("must begin with https://")),
        }
        let path = url.path().trim_end_matches('/').to_owned();
        url.set_path(&path);
        let text = url.as_str().trim_end_matches('/').to_owned();
        Ok(Self { url, text })
    }

    /// The root of a client with this base URL, if it is known.
    pub(crate) fn of_base_url(base: &Url) -> Result<Self, Error> {
        if base.scheme() == "https" && is_comet(base) {
            return Self::cometapi();
        }
        let host = base.host_str().unwrap_or("this service");
        let what = format!(
            "unknown here: whether {host} has prices, balance and tasks of an account is not known; \
             give the account's root if it does"
        );
        Err(Error::new(ErrorKind::UnknownHere, what))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether scheme, host and port are those of `other`.
    pub(crate) fn is_same_origin(&self, other: &Url) -> bool {
        self.url.origin() == other.origin()
    }

    /// Whether requests to it can be sent with the HTTP settings of a client with this base URL: both
    /// are the same service, reached in the same way.
    pub(crate) fn shares_connections(&self, base: &Url) -> bool {
        let both_comet = is_comet(&self.url) && is_comet(base);
        self.is_same_origin(base) || (both_comet && base.scheme() == "https")
    }

    pub(crate) fn is_loopback(&self) -> bool {
        is_loopback(&self.url)
    }

    pub(crate) fn is_https(&self) -> bool {
        self.url.scheme() == "https"
    }

    /// Its host, if that is a name for this machine.
    pub(crate) fn localhost_name(&self) -> Option<&str> {
        self.url.host_str().filter(|host| is_localhost(host))
    }
}

fn is_comet(url: &Url) -> bool {
    url.host_str()
        .is_some_and(|host| host == "cometapi.com" || host.ends_with(".cometapi.com"))
}

/// Whether the host of `url` is this machine.
fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let ip = host.trim_start_matches('[').trim_end_matches(']').parse();
    match ip {
        Ok::<IpAddr, _>(ip) => ip.to_canonical().is_loopback(),
        Err(_) => is_localhost(host),
    }
}

fn is_localhost(host: &str) -> bool {
    host == "localhost" || host.ends_with(".localhost")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    #[test]
    fn a_root_is_https_or_this_machine() {
        for (given, meant) in [
            ("https://api.cometapi.com/", "https://api.cometapi.com"),
            ("https://api.cometapi.com.", "https://api.cometapi.com"),
            (" https://gw.example/a// ", "https://gw.example/a"),
            ("http://127.0.0.1:80801/", ""),
            ("http://127.0.0.1:8080/", "http://127.0.0.1:8080"),
            ("http://[::1]:8080", "http://[::1]:8080"),
            ("http://gw.localhost", "http://gw.localhost"),
            ("http://gw.example", ""),
            ("http://10.0.0.1", ""),
            ("http://localhost.example", ""),
            ("ftp://127.0.0.1", ""),
            ("https://user:hunter22@gw.example", ""),
            ("https://gw.example?key=hunter22", ""),
            ("api.cometapi.com", ""),
            ("", ""),
        ] {
            match Root::parse(given) {
                Ok(root) => assert_eq!(root.as_str(), meant),
                Err(error) => {
                    assert_eq!(meant, "", "{given}: {error}");
                    assert_eq!(error.kind(), ErrorKind::Config);
                    assert!(!error.to_string().contains("hunter22"), "{error}");
                }
            }
        }
    }

    #[test]
    fn only_cometapi_has_a_root_by_itself() {
        for known in [
            "https://api.cometapi.com/replicate/v1",
            "https://cometapi.com",
            "https://eu.cometapi.com:8443/replicate/v1",
        ] {
            let root = Root::of_base_url(&url(known)).unwrap();
            assert_eq!(root.as_str(), DEFAULT);
        }
        for other in [
            "http://api.cometapi.com/replicate/v1",
            "https://notcometapi.com",
            "https://api.cometapi.com.example",
            "https://api.replicate.com/v1",
            "http://127.0.0.1:1",
        ] {
            let error = Root::of_base_url(&url(other)).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::UnknownHere, "{other}");
            assert!(error.to_string().starts_with("unknown here"), "{error}");
        }
    }

    #[test]
    fn an_origin_is_scheme_host_and_port() {
        let root = Root::parse("https://api.cometapi.com").unwrap();
        assert!(root.is_same_origin(&url("https://api.cometapi.com:443/replicate/v1")));
        for other in [
            "http://api.cometapi.com",
            "https://api.cometapi.com:8443",
            "https://eu.cometapi.com",
        ] {
            assert!(!root.is_same_origin(&url(other)), "{other}");
        }
    }
}
