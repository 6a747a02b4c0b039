//! The origin of a base URL: what a stored secret belongs to.

use std::fmt;

use cometapi::reqwest::Url;

/// Scheme, host and port of a service, as in `https://api.cometapi.com`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Origin {
    text: String,
    is_comet: bool,
}

impl Origin {
    /// The origin of `base_url`; `None` if it is not the address of a service.
    pub(crate) fn of(base_url: &str) -> Option<Self> {
        let mut url = Url::parse(base_url.trim()).ok()?;
        if !matches!(url.scheme(), "https" | "http") {
            return None;
        }
        // As the client does: a final dot names the same host.
        if let Some(host) = url.host_str()?.strip_suffix('.').map(str::to_owned) {
            url.set_host(Some(&host)).ok()?;
        }
        let host = url.host_str()?;
        Some(Self {
            is_comet: host == "cometapi.com" || host.ends_with(".cometapi.com"),
            text: url.origin().ascii_serialization(),
        })
    }

    /// Whether it is `CometAPI` itself: its host is `cometapi.com` or a subdomain.
    pub(crate) fn is_comet(&self) -> bool {
        self.is_comet
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_scheme_host_and_port() {
        for (base_url, text, is_comet) in [
            ("https://api.cometapi.com", "https://api.cometapi.com", true),
            (
                " https://API.cometapi.com:443/v1/ ",
                "https://api.cometapi.com",
                true,
            ),
            (
                "https://api.cometapi.com./x",
                "https://api.cometapi.com",
                true,
            ),
            ("https://cometapi.com", "https://cometapi.com", true),
            ("http://api.cometapi.com", "http://api.cometapi.com", true),
            ("https://notcometapi.com", "https://notcometapi.com", false),
            (
                "https://cometapi.com.example",
                "https://cometapi.com.example",
                false,
            ),
            ("http://127.0.0.1:8080/x", "http://127.0.0.1:8080", false),
            ("https://u:p@gw.example", "https://gw.example", false),
        ] {
            let origin = Origin::of(base_url).unwrap();
            assert_eq!(origin.as_str(), text, "{base_url}");
            assert_eq!(origin.is_comet(), is_comet, "{base_url}");
        }
        for base_url in ["", "api.cometapi.com", "ftp://cometapi.com", "file:///x"] {
            assert_eq!(Origin::of(base_url), None, "{base_url}");
        }
    }
}
