//! One attempt at a request: how far it came, and what the response is, read once.

use std::fmt;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use cometapi_client::{
    BodyState, Exchange, PredictionId, PredictionResponse, id_in_truncated_body, truncate,
};
use http::header::{CONTENT_ENCODING, DATE};
use http::{HeaderMap, HeaderValue, StatusCode};

use crate::core::connection;
use crate::core::error::Error;
use crate::core::error_kind::ErrorKind;
use crate::core::prediction::Prediction;
use crate::core::retry_after;
use crate::core::service_error::{MAX_REQUEST_IDS, ServiceError};

/// The longest request id that is kept, in bytes. They have about forty.
const MAX_REQUEST_ID: usize = 1024;

/// The result of a generated method, with the exchange beside it.
type Call = (
    Result<cometapi_client::ResponseValue<PredictionResponse>, cometapi_client::Error<()>>,
    Option<Exchange>,
);

/// One attempt, by how far it came.
#[derive(Debug)]
pub(crate) enum AttemptOutcome {
    /// Nothing was sent, because nothing could be: the request itself is impossible.
    Impossible(Box<cometapi_client::Error<()>>),
    /// No connection was made: name not found, refused, TLS handshake cut.
    NoConnection(reqwest::Error),
    /// No connection was made, and another attempt cannot make one.
    NoConnectionPossible(reqwest::Error),
    /// The request left, at least in part, and no response came.
    NoResponse(reqwest::Error),
    /// A response came, whole or in part.
    Response(Box<ResponseMeta>, Body),
}

/// What is known of a response besides its decoded body.
#[derive(Debug)]
pub(crate) struct ResponseMeta {
    pub(crate) status: StatusCode,
    pub(crate) request_ids: Vec<String>,
    pub(crate) retry_after: Option<Duration>,
    /// When it was sent, as the service wrote it: most of the time nobody asks.
    date: Option<HeaderValue>,
    pub(crate) raw: Bytes,
}

/// What the body of a response is.
#[derive(Debug)]
pub(crate) enum Body {
    /// A 2xx response that holds a prediction.
    Prediction(Prediction),
    /// The prediction of another id than the one that was asked for.
    OtherPrediction { id: String },
    /// A prediction that has not ended, and whose id cannot be sent back to the service.
    UnusableId { id: String },
    /// An envelope that knows nothing yet.
    EmptyEnvelope,
    /// An error in a known shape, whatever the status.
    Error(ServiceError),
    /// A web page.
    Html,
    /// Nothing at all.
    Empty,
    /// Plain text.
    Text,
    /// It cannot be read; the id that could be.
    Unreadable {
        id: Option<PredictionId>,
        why: Unreadable,
    },
    /// JSON of no known shape.
    OtherJson,
}

/// Why a body cannot be read.
#[derive(Debug)]
pub(crate) enum Unreadable {
    Cut,
    TooLarge,
    Encoding(String),
    Json(serde_json::Error),
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cut => f.write_str("it breaks off"),
            Self::TooLarge => f.write_str("it is too large"),
            Self::Encoding(name) => {
                write!(
                    f,
                    "its content encoding {name:?} is damaged or not supported"
                )
            }
            Self::Json(error) => write!(f, "it is not JSON: {error}"),
        }
    }
}

impl AttemptOutcome {
    /// Reads what came of a call. A response to a poll for `polled` must be of that prediction.
    pub(crate) fn of(
        (result, exchange): Call,
        polled: Option<&PredictionId>,
        now: SystemTime,
    ) -> Self {
        use cometapi_client::Error as Wire;

        let Some(exchange) = exchange else {
            return match result {
                Err(Wire::CommunicationError(error)) if error.is_builder() => {
                    Self::Impossible(Box::new(Wire::CommunicationError(error)))
                }
                Err(Wire::CommunicationError(error)) if error.is_connect() => {
                    if connection::can_be_retried(&error) {
                        Self::NoConnection(error)
                    } else {
                        Self::NoConnectionPossible(error)
                    }
                }
                Err(Wire::CommunicationError(error)) => Self::NoResponse(error),
                Err(error) => Self::Impossible(Box::new(error)),
                Ok(value) => {
                    let mut meta =
                        ResponseMeta::new(value.status(), value.headers(), Bytes::new(), now);
                    let body = decoded(&mut meta, value.into_inner(), polled);
                    Self::Response(Box::new(meta), body)
                }
            };
        };
        let response = match result {
            Ok(value) => Some(Ok(value.into_inner())),
            Err(Wire::InvalidResponsePayload(_, error)) => Some(Err(error)),
            // Not decoded: another status than a success of the spec.
            Err(_) => None,
        };
        let unreadable = match exchange.state {
            BodyState::Complete => None,
            BodyState::TooLarge => Some(Unreadable::TooLarge),
            BodyState::Undecoded => Some(Unreadable::Encoding(encoding(&exchange.headers))),
            _ => Some(Unreadable::Cut),
        };
        let mut meta = ResponseMeta::new(exchange.status, &exchange.headers, exchange.body, now);
        let body = match unreadable {
            Some(why) => Body::Unreadable {
                id: id_in_truncated_body(&meta.raw),
                why,
            },
            None => body(&mut meta, response, polled),
        };
        Self::Response(Box::new(meta), body)
    }

    /// How long the service asked to wait.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Response(meta, _) => meta.retry_after,
            _ => None,
        }
    }

    /// Whether it is what an address answers that is not this API: a web page, a redirect.
    pub(crate) fn is_page(&self) -> bool {
        match self {
            Self::Response(meta, Body::Html) if meta.status.is_success() => true,
            Self::Response(meta, _) => meta.status.is_redirection(),
            _ => false,
        }
    }

    /// Whether it is the prediction of another id than the one that was asked for.
    pub(crate) fn is_of_another(&self) -> bool {
        matches!(self, Self::Response(_, Body::OtherPrediction { .. }))
    }

    /// Whether it shows that this API is there: JSON, whatever it says.
    pub(crate) fn is_from_service(&self) -> bool {
        matches!(
            self,
            Self::Response(
                _,
                Body::Prediction(_)
                    | Body::OtherPrediction { .. }
                    | Body::UnusableId { .. }
                    | Body::EmptyEnvelope
                    | Body::Error(_)
                    | Body::OtherJson
            )
        )
    }

    /// An error of `kind` with everything that is known of the attempt.
    pub(crate) fn error(self, kind: ErrorKind, what: &str) -> Error {
        match self {
            Self::Response(meta, body) => meta.error(kind, what, body),
            Self::NoConnection(e) | Self::NoConnectionPossible(e) | Self::NoResponse(e) => {
                // Its address may hold an id; the causes below say what happened.
                Error::new(kind, what).with_source(e.without_url())
            }
            Self::Impossible(e) => Error::new(kind, what).with_source(e.to_string()),
        }
    }
}

#[cfg(any(fuzzing, test))]
impl AttemptOutcome {
    /// What a response is that came whole.
    pub(crate) fn whole(status: StatusCode, raw: Bytes) -> Self {
        let mut meta = ResponseMeta::new(status, &HeaderMap::new(), raw, SystemTime::UNIX_EPOCH);
        let body = body(&mut meta, None, None);
        Self::Response(Box::new(meta), body)
    }
}

fn encoding(headers: &HeaderMap) -> String {
    let names = headers.get_all(CONTENT_ENCODING).iter();
    let names: Vec<_> = names
        .map(|name| String::from_utf8_lossy(name.as_bytes()))
        .collect();
    names.join(", ")
}

fn body(
    meta: &mut ResponseMeta,
    response: Option<Result<PredictionResponse, serde_json::Error>>,
    polled: Option<&PredictionId>,
) -> Body {
    let raw = meta.raw.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&meta.raw);
    let unreadable = |error: serde_json::Error| match raw.trim_ascii_start().first() {
        None => Body::Empty,
        Some(b'<') => Body::Html,
        // JSON that is not terminated, or holds what no parser accepts.
        Some(b'{' | b'[' | 0) => Body::Unreadable {
            id: id_in_truncated_body(raw),
            why: Unreadable::Json(error),
        },
        Some(_) => Body::Text,
    };
    if meta.status.is_success() {
        let response = response.unwrap_or_else(|| PredictionResponse::from_slice(&meta.raw));
        return match response {
            Ok(response) => decoded(meta, response, polled),
            Err(error) => unreadable(error),
        };
    }
    match cometapi_client::json_from_slice(&meta.raw) {
        Ok(json) => match ServiceError::read(&json) {
            Some(error) => service_error(meta, error),
            None => Body::OtherJson,
        },
        Err(error) => unreadable(error),
    }
}

fn decoded(
    meta: &mut ResponseMeta,
    response: PredictionResponse,
    polled: Option<&PredictionId>,
) -> Body {
    if response.is_empty_envelope() && response.prediction().is_none() {
        return Body::EmptyEnvelope;
    }
    let error = response.task_error();
    let error = error.and_then(|error| serde_json::to_value(error).ok());
    let error = error
        .as_ref()
        .or(response.other())
        .and_then(ServiceError::read);
    // A message may quote the prompt, and a prompt may look like a prediction.
    let is_refused = error
        .as_ref()
        .is_some_and(|error| error.is_refusal() || error.is_quota_code());
    if let Some(polled) = polled
        && let Some(id) = response.outer_id()
        && id.trim() != polled.as_str()
    {
        return Body::OtherPrediction { id: id.to_owned() };
    }
    let request_id = meta.request_ids.first().cloned();
    if !is_refused
        && let Some(prediction) =
            Prediction::from_response(response, polled, meta.raw.clone(), request_id)
    {
        let is_new = polled.is_none() && !prediction.is_terminal();
        if is_new && prediction.id().parse::<PredictionId>().is_err() {
            let id = prediction.id().to_owned();
            return Body::UnusableId { id };
        }
        return Body::Prediction(prediction);
    }
    match error {
        Some(error) => service_error(meta, error),
        None => Body::OtherJson,
    }
}

fn service_error(meta: &mut ResponseMeta, error: ServiceError) -> Body {
    for id in &error.request_ids {
        push_request_id(&mut meta.request_ids, id);
    }
    let limited = meta.status == StatusCode::TOO_MANY_REQUESTS;
    meta.retry_after = meta.retry_after.or(error.retry_after(limited));
    Body::Error(error)
}

/// Every header that names the request, `CometAPI`'s own first (observed).
fn request_ids(headers: &HeaderMap) -> Vec<String> {
    let mut ids: Vec<String> = Vec::new();
    for name in ["x-cometapi-request-id", "x-oneapi-request-id"] {
        for id in headers.get_all(name) {
            match id.to_str() {
                Ok(id) if !id.trim().is_empty() => push_request_id(&mut ids, id),
                _ => {}
            }
        }
    }
    ids
}

/// Adds a request id unless it is known, or there are many already.
fn push_request_id(ids: &mut Vec<String>, id: &str) {
    let id = truncate(id, MAX_REQUEST_ID);
    if ids.len() < MAX_REQUEST_IDS && !ids.iter().any(|known| *known == id) {
        ids.push(id.into_owned());
    }
}

impl ResponseMeta {
    fn new(status: StatusCode, headers: &HeaderMap, raw: Bytes, now: SystemTime) -> Self {
        Self {
            status,
            request_ids: request_ids(headers),
            retry_after: retry_after::from_headers(headers, now),
            date: headers.get(DATE).cloned(),
            raw,
        }
    }

    /// When the response was sent, by the service's clock.
    pub(crate) fn sent_at(&self) -> Option<SystemTime> {
        self.date.as_ref().and_then(retry_after::sent_at)
    }

    fn error(self, kind: ErrorKind, what: &str, body: Body) -> Error {
        let (message, service) = match body {
            Body::Error(service) if !service.message.is_empty() => {
                let field = service.field.as_deref();
                let message = match field.filter(|field| !service.message.contains(field)) {
                    Some(field) => format!("{what}: {} (field {field})", service.message),
                    None => format!("{what}: {}", service.message),
                };
                (message, Some(service))
            }
            Body::Error(service) => (what.to_owned(), Some(service)),
            Body::Unreadable { why, .. } => {
                let message = format!("{what}: the response body cannot be read, {why}");
                (message, None)
            }
            Body::OtherPrediction { id } => {
                let message = format!("{what}: the response is of another prediction, {id:?}");
                (message, None)
            }
            _ => (what.to_owned(), None),
        };
        Error::new(kind, message)
            .with_status(self.status)
            .with_request_ids(self.request_ids)
            .with_retry_after(self.retry_after)
            .with_body(&self.raw)
            .with_service(service)
    }
}

#[cfg(test)]
mod generated_bodies;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn request_ids_come_from_both_headers_once_each() {
        let mut headers = HeaderMap::new();
        headers.append("x-oneapi-request-id", "b".parse().unwrap());
        headers.append("x-oneapi-request-id", "a".parse().unwrap());
        headers.append("x-cometapi-request-id", "a".parse().unwrap());
        assert_eq!(request_ids(&headers), ["a", "b"]);
    }

    #[test]
    fn few_and_short_request_ids_are_kept() {
        let mut headers = HeaderMap::new();
        for n in 0..100 {
            headers.append("x-oneapi-request-id", n.into());
        }
        assert_eq!(request_ids(&headers).len(), MAX_REQUEST_IDS);
        let long = "x".repeat(MAX_REQUEST_ID + 1);
        headers.insert("x-cometapi-request-id", long.parse().unwrap());
        assert!(request_ids(&headers)[0].ends_with("x… (1 bytes more)"));
    }
}
