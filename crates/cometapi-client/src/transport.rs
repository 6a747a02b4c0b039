//! The one place that requests pass: credential, headers, time limit, body cap.

use std::error::Error as _;
use std::fmt;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_LENGTH};
use http::{HeaderMap, HeaderValue, StatusCode};
use progenitor_client::{ClientHooks, ClientInfo, OperationInfo};
use reqwest::ResponseBuilderExt;

use crate::call::{self, BodyState, Exchange};
use crate::encoding::{ContentDecoder, DecodeError};
use crate::generated::Client;
use crate::key_finder::KeyFinder;
use crate::trace::Sent;

/// How long an attempt may take when the caller says nothing. The reference's own check of
/// the poll saw no response within 45 seconds.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(60);

/// The most that is read of a body. A response repeats its input, and an input may hold
/// images as text.
const BODY_CAP: usize = 64 * 1024 * 1024;

/// A connection that has been idle longer than this is not used again: a stale one breaks
/// under a create request, and leaves it unknown whether money was spent.
const POOL_IDLE: Duration = Duration::from_secs(4);

const SCHEME: &str = "Bearer ";

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// The most headers that a response may have. One with more cannot be read at all, and leaves the
/// outcome of a create request unknown. The room for them, about 20 KiB, is cleared for each response,
/// so reads have hyper's own limit of 100, and can be repeated.
const MAX_HEADERS: usize = 320;

/// A `reqwest` client as this API wants it: no redirects (one would turn a create request into
/// something else, or carry the key away), no repeats of its own, no compression, no connection that
/// has been idle for more than 4 s, 10 s to connect.
///
/// ```
/// let http = cometapi_client::http_client().user_agent("my-service/1.0").build();
/// ```
pub fn http_client() -> reqwest::ClientBuilder {
    with_required_settings(reqwest::Client::builder())
}

/// The same on top of other settings: those that [`http_client`] names replace what `builder` has.
pub fn with_required_settings(builder: reqwest::ClientBuilder) -> reqwest::ClientBuilder {
    builder
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        // Another crate of the same binary may turn reqwest's features on, which would ask for
        // compression and hide from a resumed download that the file came encoded.
        .no_gzip()
        .no_brotli()
        .no_zstd()
        .no_deflate()
        .connect_timeout(CONNECT_TIMEOUT)
        .pool_idle_timeout(POOL_IDLE)
}

/// The settings for [`Transport::with_unpooled_client`] on top of others: no connection is kept, and a
/// response may have at most 320 headers instead of 100.
pub fn with_unpooled_settings(builder: reqwest::ClientBuilder) -> reqwest::ClientBuilder {
    with_required_settings(builder)
        .pool_max_idle_per_host(0)
        .http1_max_headers(MAX_HEADERS)
}

/// The same without loading certificate roots, for a client that speaks plain http alone. It
/// can be built where the system has none; any `https` request of it fails.
pub fn without_tls_roots(builder: reqwest::ClientBuilder) -> reqwest::ClientBuilder {
    #[cfg(any(
        feature = "rustls",
        feature = "rustls-no-provider",
        feature = "native-tls"
    ))]
    let builder = builder.tls_certs_only([]);
    builder
}

/// The credential and the limits that every request of a [`Client`] is sent under.
///
/// It serves any client that the same generator made: see [`execute`](Self::execute).
#[derive(Clone)]
pub struct Transport {
    /// `None` sends no credential.
    authorization: Option<HeaderValue>,
    key: KeyFinder,
    body_cap: usize,
    unpooled: Option<reqwest::Client>,
}

impl Transport {
    /// A transport that sends `key` as a bearer token, to the client's base URL and nowhere
    /// else.
    pub fn new(key: &str) -> Result<Self, InvalidKey> {
        let key = key.trim();
        if key.is_empty() || !key.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(InvalidKey(()));
        }
        let mut authorization =
            HeaderValue::try_from(format!("{SCHEME}{key}")).map_err(|_| InvalidKey(()))?;
        authorization.set_sensitive(true);
        Ok(Self {
            authorization: Some(authorization),
            key: KeyFinder::new(key),
            body_cap: BODY_CAP,
            unpooled: None,
        })
    }

    /// A transport that sends no credential, for operations that anybody may call.
    #[must_use]
    pub fn without_credential() -> Self {
        Self {
            authorization: None,
            key: KeyFinder::of_nothing(),
            body_cap: BODY_CAP,
            unpooled: None,
        }
    }

    /// Reads at most `bytes` of a response body; 64 MiB by default.
    #[must_use]
    pub fn with_max_body_size(mut self, bytes: usize) -> Self {
        self.body_cap = bytes;
        self
    }

    /// Sends what is not safe to repeat through `client`, which should keep no connections
    /// ([`with_unpooled_settings`]), and what asks for a connection of its own
    /// ([`CallOptions::own_connection`](crate::CallOptions::own_connection)).
    ///
    /// A kept connection may have been closed by the server, or be one response out of step.
    /// Under a create request, the one leaves it unknown whether money was spent, and the other
    /// gives it the id of another prediction. Reads use the client's own connections.
    #[must_use]
    pub fn with_unpooled_client(mut self, client: reqwest::Client) -> Self {
        self.unpooled = Some(client);
        self
    }
}

impl Transport {
    /// Finds the key in URLs.
    #[doc(hidden)]
    pub fn key_finder(&self) -> &KeyFinder {
        &self.key
    }
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transport")
            .field("body_cap", &self.body_cap)
            .finish_non_exhaustive()
    }
}

/// A key that is empty or holds characters a header cannot carry. The key is not in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidKey(());

impl fmt::Display for InvalidKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the key is empty or contains spaces or characters that a header cannot carry")
    }
}

impl std::error::Error for InvalidKey {}

impl Transport {
    /// Sends `request` with the credential and under the limits, through `client`, and reads the
    /// response. For [`ClientHooks::exec`] of a client that was generated from another spec; the
    /// caller makes sure that the request's address may have the credential.
    ///
    /// The options of [`observe`](crate::observe) apply, and the exchange is kept for it. The body of
    /// the response that is returned is in memory already.
    ///
    /// # Errors
    ///
    /// Fails without a connection, without a whole response in time, and when it breaks off.
    ///
    /// ```
    /// # mod generated {
    /// #     #[derive(Clone, Debug)]
    /// #     pub struct Client(pub reqwest::Client, pub cometapi_client::Transport);
    /// #     impl cometapi_client::ClientInfo<cometapi_client::Transport> for Client {
    /// #         fn api_version() -> &'static str { "" }
    /// #         fn baseurl(&self) -> &str { "" }
    /// #         fn client(&self) -> &reqwest::Client { &self.0 }
    /// #         fn inner(&self) -> &cometapi_client::Transport { &self.1 }
    /// #     }
    /// # }
    /// # use generated::Client;
    /// use cometapi_client::{ClientInfo, Transport};
    /// use progenitor_client::{ClientHooks, OperationInfo};
    ///
    /// impl ClientHooks<Transport> for Client {
    ///     async fn exec(
    ///         &self,
    ///         request: reqwest::Request,
    ///         _operation: &OperationInfo,
    ///     ) -> reqwest::Result<reqwest::Response> {
    ///         self.inner().execute(self.client(), request).await
    ///     }
    /// }
    /// ```
    pub async fn execute(
        &self,
        client: &reqwest::Client,
        mut request: reqwest::Request,
    ) -> reqwest::Result<reqwest::Response> {
        if let Some(authorization) = &self.authorization {
            let headers = request.headers_mut();
            headers.insert(AUTHORIZATION, authorization.clone());
        }
        let options = call::options();
        *request.timeout_mut() = Some(options.timeout.unwrap_or(ATTEMPT_TIMEOUT));

        let sent = Sent::new(&request);
        let response = match &self.unpooled {
            Some(unpooled) if options.own_connection || !request.method().is_safe() => {
                unpooled.execute(request).await
            }
            _ => client.execute(request).await,
        };
        let mut response = response.inspect_err(|error| sent.failed(error))?;
        let status = response.status();
        let mut headers = std::mem::take(response.headers_mut());
        let (read, error) = match read(&mut response, self.body_cap).await {
            Ok(read) => (read, None),
            Err((body, error)) => ((body, BodyState::Truncated), Some(error)),
        };
        let (body, state) = decoded(&headers, read, self.body_cap);
        self.key.redact_headers(&mut headers);
        sent.answered(status, &headers);
        let body = self.key.redact_bytes(&body).map_or(body, Bytes::from);
        let headers = call::record(Exchange {
            status,
            headers,
            body: body.clone(),
            state,
        });
        match error {
            Some(error) => Err(error),
            None => Ok(rebuild(response.url().clone(), status, headers, body)),
        }
    }
}

impl ClientHooks<Transport> for Client {
    async fn exec(
        &self,
        request: reqwest::Request,
        _operation: &OperationInfo,
    ) -> reqwest::Result<reqwest::Response> {
        self.inner().execute(self.client(), request).await
    }
}

/// Returns whether the response has more headers than its connection has room for: a client with
/// [`with_unpooled_settings`] has room for more.
pub fn is_head_too_large(error: &reqwest::Error) -> bool {
    // Only the text of hyper's error says so; its type is private to reqwest.
    let mut cause = error.source();
    while let Some(error) = cause {
        if error.to_string() == "message head is too large" {
            return true;
        }
        cause = error.source();
    }
    false
}

/// Undoes the content encoding of a body that was compressed without being asked for, as far
/// as it goes.
fn decoded(headers: &HeaderMap, read: (Bytes, BodyState), cap: usize) -> (Bytes, BodyState) {
    /// What of a damaged or cut body is decoded is kept up to the last whole piece.
    const PIECE: usize = 4096;

    let (body, state) = read;
    let mut decoder = match ContentDecoder::from_headers(headers) {
        Ok(None) => return (body, state),
        Ok(Some(decoder)) => decoder,
        Err(_) => return (body, BodyState::Undecoded),
    };
    let stopped = |error: DecodeError| match error {
        DecodeError::TooLarge { .. } => BodyState::TooLarge,
        DecodeError::Truncated => BodyState::Truncated,
        _ => BodyState::Undecoded,
    };
    let mut plain = BytesMut::new();
    for piece in body.chunks(PIECE) {
        match decoder.push(piece, cap) {
            Ok(piece) => plain.extend_from_slice(&piece),
            // A proxy that decodes a body and leaves the header was observed.
            Err(DecodeError::Corrupt) if plain.is_empty() && is_plain(&body) => {
                return (body, state);
            }
            Err(error) => return (plain.freeze(), stopped(error)),
        }
    }
    if state != BodyState::Complete {
        return (plain.freeze(), state);
    }
    match decoder.finish() {
        Ok(end) => {
            plain.extend_from_slice(&end);
            (plain.freeze(), BodyState::Complete)
        }
        Err(error) => (plain.freeze(), stopped(error)),
    }
}

/// A body below this is copied, in bytes. It is less than a read buffer of hyper, which begins with 8 KiB.
const COPIED: usize = 4096;

/// Reads the body once, up to `cap`. On a fault, what had come until then goes with it.
async fn read(
    response: &mut reqwest::Response,
    cap: usize,
) -> Result<(Bytes, BodyState), (Bytes, reqwest::Error)> {
    let mut first = Bytes::new();
    let mut rest = BytesMut::new();
    loop {
        let so_far = first.len() + rest.len();
        match response.chunk().await {
            // A piece is part of the connection's read buffer, which a kept body would keep as well.
            Ok(Some(chunk)) if so_far == 0 && chunk.len() < COPIED => {
                first = Bytes::copy_from_slice(&chunk);
            }
            // Most responses come in one piece, which then needs no copy.
            Ok(Some(chunk)) if so_far == 0 => first = chunk,
            Ok(Some(chunk)) => {
                if rest.is_empty() {
                    rest.extend_from_slice(&first);
                    first = Bytes::new();
                }
                rest.extend_from_slice(&chunk);
            }
            Ok(None) => return Ok((joined(first, rest), BodyState::Complete)),
            Err(error) => return Err((joined(first, rest), error)),
        }
        if first.len() + rest.len() > cap {
            let mut body = joined(first, rest);
            body.truncate(cap);
            return Ok((body, BodyState::TooLarge));
        }
    }
}

fn joined(first: Bytes, rest: BytesMut) -> Bytes {
    if rest.is_empty() {
        first
    } else {
        rest.freeze()
    }
}

/// Whether a body that claims to be compressed begins as JSON or a page does.
fn is_plain(body: &[u8]) -> bool {
    matches!(body.trim_ascii_start().first(), Some(b'{' | b'[' | b'<'))
}

/// The same response with its body in memory, for the generated code to decode.
fn rebuild(
    url: reqwest::Url,
    status: StatusCode,
    mut headers: HeaderMap,
    body: Bytes,
) -> reqwest::Response {
    if headers.remove(CONTENT_ENCODING).is_some() {
        // That of the encoded body.
        headers.remove(CONTENT_LENGTH);
    }
    // Without a URL, reqwest parses a placeholder each time.
    let response = http::Response::builder().url(url).body(());
    let mut response = response.unwrap_or_default().map(|()| body);
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    reqwest::Response::from(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limits_are_the_documented_ones() {
        let docs = [include_str!("call.rs"), include_str!("transport.rs")].concat();
        let docs = docs.replace("\n    /// ", " ").replace("\n/// ", " ");
        let seconds = |time: Duration| time.as_secs_f64();
        for documented in [
            format!(
                "the last received; {} s by default",
                seconds(ATTEMPT_TIMEOUT)
            ),
            format!("idle for more than {} s,", seconds(POOL_IDLE)),
            format!("{} s to connect.", seconds(CONNECT_TIMEOUT)),
            format!("at most {MAX_HEADERS} headers instead of 100"),
            format!("{} MiB by default", BODY_CAP >> 20),
        ] {
            assert!(docs.contains(&documented), "{documented}");
        }
        assert!(format!("{:?}", http_client()).contains("connect_timeout: 10s"));
    }

    #[test]
    fn a_key_is_never_printed() {
        let transport = Transport::new(" sk-very-secret\n").unwrap();
        assert_eq!(
            transport.authorization.as_ref().unwrap(),
            "Bearer sk-very-secret"
        );
        assert!(!format!("{transport:?}").contains("secret"));
        let client = Client::new_with_client("http://x", reqwest::Client::new(), transport);
        assert!(!format!("{client:?}").contains("secret"));
    }

    #[test]
    fn a_transport_without_a_credential_finds_none() {
        let transport = Transport::without_credential();
        assert!(transport.authorization.is_none());
        let text = "what anybody may read: sk-0123456789abcdef";
        assert_eq!(transport.key.redact(text), text);
        assert!(!transport.key.is_in_url("https://x/?a=0123456789abcdef"));
    }

    #[test]
    fn a_key_that_a_header_cannot_carry_is_refused_without_being_repeated() {
        for key in ["", "  ", "two words", "line\nbreak", "schlüssel"] {
            let error = Transport::new(key).unwrap_err().to_string();
            assert!(key.trim().is_empty() || !error.contains(key), "{error}");
        }
    }
}
