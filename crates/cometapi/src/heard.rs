//! What one attempt told: the exchange of a call, read once and named.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use cometapi_client::{Answer, Exchange, Extent};
use http::{HeaderMap, StatusCode};
use serde_json::Value;

use crate::error::{Error, ErrorKind};
use crate::prediction::Prediction;
use crate::retry_after;
use crate::service_error::ServiceError;

/// The result of a generated method, with the exchange beside it.
type Outcome = (
    Result<cometapi_client::ResponseValue<Answer>, cometapi_client::Error<()>>,
    Option<Exchange>,
);

/// One attempt, by how far it came.
#[derive(Debug)]
pub(crate) enum Heard {
    /// Nothing was sent, because nothing could be: the request itself is impossible.
    Impossible(Box<cometapi_client::Error<()>>),
    /// No connection was made: name not found, refused, no TLS.
    NoConnection(reqwest::Error),
    /// The request left, at least in part, and no answer came.
    NoAnswer(reqwest::Error),
    /// An answer came, whole or in part.
    Answer(Box<Heading>, Body),
}

/// What stands above the body of an answer.
#[derive(Debug)]
pub(crate) struct Heading {
    pub(crate) status: StatusCode,
    pub(crate) request_ids: Vec<String>,
    pub(crate) retry_after: Option<Duration>,
    pub(crate) raw: Bytes,
}

/// What the body of an answer is.
#[derive(Debug)]
pub(crate) enum Body {
    /// A 2xx answer that holds a prediction.
    Prediction(Box<Prediction>),
    /// An envelope that knows nothing yet.
    EmptyEnvelope,
    /// An error in a known shape, whatever the status.
    Error(ServiceError),
    /// A web page.
    Html,
    /// Nothing at all.
    Empty,
    /// It ended early, or is not JSON; the id that could still be read.
    Unreadable { id: Option<String> },
    /// JSON of no known shape.
    OtherJson,
}

impl Heard {
    pub(crate) fn of((result, exchange): Outcome, now: SystemTime) -> Self {
        use cometapi_client::Error as Wire;

        let Some(exchange) = exchange else {
            return match result {
                Err(Wire::CommunicationError(error)) if error.is_builder() => {
                    Self::Impossible(Box::new(Wire::CommunicationError(error)))
                }
                Err(Wire::CommunicationError(error)) if error.is_connect() => {
                    Self::NoConnection(error)
                }
                Err(Wire::CommunicationError(error)) => Self::NoAnswer(error),
                Err(error) => Self::Impossible(Box::new(error)),
                Ok(value) => {
                    let mut heading =
                        Heading::new(value.status(), value.headers(), Bytes::new(), now);
                    let body = answered(&mut heading, value.into_inner());
                    Self::Answer(Box::new(heading), body)
                }
            };
        };
        let decoded = result.ok().map(cometapi_client::ResponseValue::into_inner);
        let mut heading = Heading::new(exchange.status, &exchange.headers, exchange.body, now);
        let body = body(&mut heading, decoded, exchange.extent);
        Self::Answer(Box::new(heading), body)
    }
}

#[cfg(any(fuzzing, test))]
impl Heard {
    /// What would be heard of an answer that came whole.
    pub(crate) fn fuzzed(status: StatusCode, raw: Bytes) -> Self {
        let named = matches!(status.as_u16(), 200..=202);
        let decoded = serde_json::from_slice(&raw).ok().filter(|_| named);
        let mut heading = Heading::new(status, &HeaderMap::new(), raw, SystemTime::UNIX_EPOCH);
        let body = body(&mut heading, decoded, Extent::Whole);
        Self::Answer(Box::new(heading), body)
    }
}

fn body(heading: &mut Heading, decoded: Option<Answer>, extent: Extent) -> Body {
    let raw = heading.raw.trim_ascii();
    if extent != Extent::Whole {
        return Body::Unreadable { id: cut_id(raw) };
    }
    if let Some(answer) = decoded {
        return answered(heading, answer);
    }
    if raw.is_empty() {
        return Body::Empty;
    }
    if raw.starts_with(b"<") {
        return Body::Html;
    }
    let Ok(json) = serde_json::from_slice::<Value>(raw) else {
        return Body::Unreadable { id: cut_id(raw) };
    };
    if heading.status.is_success() {
        // A success that the spec does not name, such as 203.
        return answered(heading, Answer::from_json(json));
    }
    match ServiceError::read(&json) {
        Some(error) => service_error(heading, error),
        None => Body::OtherJson,
    }
}

fn answered(heading: &mut Heading, answer: Answer) -> Body {
    if answer.is_empty_envelope() && answer.prediction().is_none() {
        return Body::EmptyEnvelope;
    }
    let error = match (answer.task_error(), answer.other()) {
        (Some(error), _) => serde_json::to_value(error).ok(),
        (None, other) => other.cloned(),
    };
    if let Some((wire, odd)) = answer.into_prediction() {
        let request_id = heading.request_ids.first().cloned();
        let prediction = Prediction::new(wire, odd, heading.raw.clone(), request_id);
        return Body::Prediction(Box::new(prediction));
    }
    match error.as_ref().and_then(ServiceError::read) {
        Some(error) => service_error(heading, error),
        None => Body::OtherJson,
    }
}

fn service_error(heading: &mut Heading, error: ServiceError) -> Body {
    for id in &error.request_ids {
        if !heading.request_ids.contains(id) {
            heading.request_ids.push(id.clone());
        }
    }
    heading.retry_after = heading.retry_after.or(error.retry_after);
    Body::Error(error)
}

/// Every header that names the request, `CometAPI`'s own first (observed).
fn request_ids(headers: &HeaderMap) -> Vec<String> {
    let mut ids: Vec<String> = Vec::new();
    for name in ["x-cometapi-request-id", "x-oneapi-request-id"] {
        for id in headers.get_all(name) {
            match id.to_str() {
                Ok(id) if !id.trim().is_empty() && !ids.iter().any(|known| known == id) => {
                    ids.push(id.to_owned());
                }
                _ => {}
            }
        }
    }
    ids
}

/// The top-level `id` of a prediction whose JSON breaks off: it is the first thing that the
/// service writes, and all that is needed to find the run again.
fn cut_id(raw: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(raw);
    let rest = text.trim_start().strip_prefix('{')?;
    let rest = rest.trim_start().strip_prefix("\"id\"")?;
    let rest = rest.trim_start().strip_prefix(':')?;
    let rest = rest.trim_start().strip_prefix('"')?;
    let (id, _) = rest.split_once('"')?;
    id.parse::<cometapi_client::PredictionId>()
        .is_ok()
        .then(|| id.to_owned())
}

impl Heard {
    /// Whether it is what an address answers that is not this API: a web page, a redirect.
    pub(crate) fn is_page(&self) -> bool {
        match self {
            Self::Answer(heading, Body::Html) if heading.status.is_success() => true,
            Self::Answer(heading, _) => heading.status.is_redirection(),
            _ => false,
        }
    }
}

impl Heading {
    fn new(status: StatusCode, headers: &HeaderMap, raw: Bytes, now: SystemTime) -> Self {
        Self {
            status,
            request_ids: request_ids(headers),
            retry_after: retry_after::told(headers, now),
            raw,
        }
    }

    /// An error of `kind` with everything that this heading and `body` know.
    pub(crate) fn error(self, kind: ErrorKind, what: &str, body: Body) -> Error {
        let service = match body {
            Body::Error(error) => Some(error),
            _ => None,
        };
        let message = match &service {
            Some(service) if !service.message.is_empty() => {
                let field = service.field.as_deref();
                match field.filter(|field| !service.message.contains(field)) {
                    Some(field) => format!("{what}: {} (field {field})", service.message),
                    None => format!("{what}: {}", service.message),
                }
            }
            _ => what.to_owned(),
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
mod tests {
    use super::*;

    #[test]
    fn an_id_is_read_out_of_a_body_that_breaks_off() {
        for (raw, id) in [
            (r#"{"id":"abc123","model":"bl"#, Some("abc123")),
            ("{ \"id\" : \"abc\" ,", Some("abc")),
            (r#"{"id":"abc12"#, None),
            (r#"{"model":"x","id":"abc"#, None),
            (r#"{"id":"../x","#, None),
            ("", None),
        ] {
            assert_eq!(cut_id(raw.as_bytes()).as_deref(), id, "{raw}");
        }
    }

    #[test]
    fn request_ids_come_from_both_headers_once_each() {
        let mut headers = HeaderMap::new();
        headers.append("x-oneapi-request-id", "b".parse().unwrap());
        headers.append("x-oneapi-request-id", "a".parse().unwrap());
        headers.append("x-cometapi-request-id", "a".parse().unwrap());
        assert_eq!(request_ids(&headers), ["a", "b"]);
    }
}
