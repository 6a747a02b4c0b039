//! An event per request, when the feature `tracing` is on; nothing at all when it is off. Names follow
//! OpenTelemetry's conventions for HTTP. Neither a body nor a query is in it, and no header that may hold a
//! secret.

#[cfg(feature = "tracing")]
mod events {
    use std::time::Instant;

    use http::header::{AUTHORIZATION, COOKIE, PROXY_AUTHORIZATION, SET_COOKIE};
    use http::{HeaderMap, Method, StatusCode};
    use tracing::Level;

    /// A request on its way.
    pub(crate) struct Sent {
        method: Method,
        path: String,
        headers: Option<String>,
        began: Instant,
    }

    impl Sent {
        pub(crate) fn new(request: &reqwest::Request) -> Self {
            let headers = tracing::enabled!(Level::TRACE).then(|| shown(request.headers()));
            Self {
                method: request.method().clone(),
                path: request.url().path().to_owned(),
                headers,
                began: Instant::now(),
            }
        }

        fn milliseconds(&self) -> u64 {
            u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
        }

        /// The response is read, whole or in part; the headers have no key in them.
        pub(crate) fn answered(&self, status: StatusCode, headers: &HeaderMap) {
            let id = ["x-cometapi-request-id", "x-oneapi-request-id"]
                .iter()
                .find_map(|name| headers.get(*name)?.to_str().ok());
            tracing::debug!(
                "http.request.method" = self.method.as_str(),
                "url.path" = self.path,
                "http.response.status_code" = status.as_u16(),
                duration_ms = self.milliseconds(),
                "cometapi.request_id" = id,
                "request"
            );
            if let Some(sent) = &self.headers {
                tracing::trace!(sent, received = shown(headers), "headers");
            }
        }

        /// There is no response.
        pub(crate) fn failed(&self, error: &reqwest::Error) {
            let kind = if error.is_timeout() {
                "timeout"
            } else if error.is_connect() {
                "no_connection"
            } else {
                "no_response"
            };
            tracing::debug!(
                "http.request.method" = self.method.as_str(),
                "url.path" = self.path,
                duration_ms = self.milliseconds(),
                "error.type" = kind,
                "request"
            );
            if let Some(sent) = &self.headers {
                tracing::trace!(sent, "headers");
            }
        }
    }

    /// Each header as `name: value`.
    fn shown(headers: &HeaderMap) -> String {
        let secret = [&AUTHORIZATION, &COOKIE, &PROXY_AUTHORIZATION, &SET_COOKIE];
        let lines = headers.iter().map(|(name, value)| {
            if value.is_sensitive() || secret.contains(&name) {
                return format!("{name}: [hidden]");
            }
            format!("{name}: {}", String::from_utf8_lossy(value.as_bytes()))
        });
        lines.collect::<Vec<_>>().join("; ")
    }

    #[cfg(test)]
    mod tests {
        use http::HeaderValue;

        use super::*;

        #[test]
        fn a_header_that_may_hold_a_secret_is_hidden() {
            let mut headers = HeaderMap::new();
            for name in [AUTHORIZATION, COOKIE, PROXY_AUTHORIZATION, SET_COOKIE] {
                headers.insert(name, HeaderValue::from_static("sk-1"));
            }
            let mut own = HeaderValue::from_static("sk-2");
            own.set_sensitive(true);
            headers.insert("x-own", own);
            headers.insert("x-other", HeaderValue::from_static("shown"));
            let shown = shown(&headers);
            assert!(!shown.contains("sk-"), "{shown}");
            assert!(shown.contains("x-other: shown"), "{shown}");
        }
    }
}

#[cfg(not(feature = "tracing"))]
mod events {
    use http::{HeaderMap, StatusCode};

    pub(crate) struct Sent;

    #[expect(clippy::unused_self, reason = "it does something with the feature")]
    impl Sent {
        pub(crate) fn new(_request: &reqwest::Request) -> Self {
            Self
        }

        pub(crate) fn answered(&self, _status: StatusCode, _headers: &HeaderMap) {}

        pub(crate) fn failed(&self, _error: &reqwest::Error) {}
    }
}

pub(crate) use events::Sent;
