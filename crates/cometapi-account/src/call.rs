//! One request: sent by a generated method within its time limit, and its response classified.

use std::fmt;
use std::future::Future;
use std::time::Duration;

use cometapi_client::{BodyState, CallOptions, Exchange, ResponseValue, observe, truncate};
use serde_json::{Map, Value};

use crate::error::{Error, ErrorKind};
use crate::generated::types;
use crate::json;
use crate::root::Root;

/// The most that is quoted of the service's message, in bytes.
const QUOTED: usize = 300;

/// What a request is sent with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Credential {
    None,
    Key,
    Token,
}

impl Credential {
    /// What to do when it is refused.
    fn refused(self) -> &'static str {
        match self {
            Self::None => "a request without a credential was refused; try again later",
            Self::Key => {
                "the API key was refused; check it, or create one at \
                 https://www.cometapi.com/console/token"
            }
            Self::Token => {
                "the access token was refused; it is not an API key: create one at \
                 https://www.cometapi.com/console/personal"
            }
        }
    }
}

/// A response that can report a failure with status 200.
pub(crate) trait Envelope {
    fn success(&self) -> Option<&Value>;
    fn message(&self) -> Option<&Value>;
    fn extra(&self) -> &Map<String, Value>;
}

macro_rules! envelopes {
    ($($name:ident),+) => {$(
        impl Envelope for types::$name {
            fn success(&self) -> Option<&Value> {
                self.success.as_ref()
            }
            fn message(&self) -> Option<&Value> {
                self.message.as_ref()
            }
            fn extra(&self) -> &Map<String, Value> {
                &self.extra
            }
        }
    )+};
}

/// The fields that the spec does not name.
macro_rules! bare {
    ($($name:ident),+) => {$(
        impl Envelope for types::$name {
            fn success(&self) -> Option<&Value> {
                self.extra.get("success")
            }
            fn message(&self) -> Option<&Value> {
                self.extra.get("message")
            }
            fn extra(&self) -> &Map<String, Value> {
                &self.extra
            }
        }
    )+};
}

envelopes!(ModelList, ModelEnvelope, UserEnvelope, TaskList);
bare!(Subscription, Usage);

/// Where and how a request is sent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Call<'a> {
    pub(crate) root: &'a Root,
    pub(crate) credential: Credential,
    pub(crate) timeout: Duration,
}

impl Call<'_> {
    /// Awaits `operation` and returns its response, if that reports a success.
    pub(crate) async fn send<T: Envelope>(
        self,
        operation: impl Future<Output = Result<ResponseValue<T>, cometapi_client::Error<()>>>,
    ) -> Result<T, Error> {
        let options = CallOptions::with_timeout(self.timeout);
        let (result, exchange) = observe(options, operation).await;
        match result {
            Ok(response) => self.succeeded(response.into_inner()),
            Err(error) => Err(self.failed(error, exchange)),
        }
    }

    fn succeeded<T: Envelope>(self, response: T) -> Result<T, Error> {
        let is_failure = match response.success() {
            Some(Value::Bool(success)) => !success,
            Some(Value::String(success)) => success.eq_ignore_ascii_case("false"),
            _ => false,
        };
        let error = response.extra().get("error").filter(|it| is_something(it));
        if !is_failure && error.is_none() {
            return Ok(response);
        }
        let message = message_of(error, response.message());
        let what = format!("{} refused the request{}", self.host(), said(message));
        Err(Error::new(ErrorKind::Refused, what))
    }

    fn failed(self, error: cometapi_client::Error<()>, exchange: Option<Exchange>) -> Error {
        use cometapi_client::Error as Wire;
        let host = self.host();
        match (error, exchange) {
            (Wire::CommunicationError(error), exchange) => self.broken(error, exchange.as_ref()),
            (Wire::UnexpectedResponse(_), Some(exchange)) => self.refused(&exchange),
            (Wire::InvalidRequest(_) | Wire::Custom(_), _) => Error::new(
                ErrorKind::Config,
                format!("the request to {host} cannot be made; check the account's root"),
            ),
            (Wire::InvalidResponsePayload(..), Some(exchange)) => self.unreadable(&exchange),
            // A response has an exchange, and its body is in memory when it is decoded.
            _ => Error::new(
                ErrorKind::Unreadable,
                format!("the response of {host} cannot be read; check the account's root"),
            ),
        }
    }

    /// There was no whole response.
    fn broken(self, error: reqwest::Error, exchange: Option<&Exchange>) -> Error {
        let host = self.host();
        let error = error.without_url();
        let (kind, what) = if error.is_timeout() {
            let seconds = self.timeout.as_secs_f64();
            (
                ErrorKind::Unreachable,
                format!("no response from {host} within {seconds} s; check the network"),
            )
        } else if exchange.is_some() {
            (
                ErrorKind::Unreadable,
                format!("the response of {host} was cut off; try again"),
            )
        } else if error.is_builder() {
            (
                ErrorKind::Config,
                format!("the request to {host} cannot be made; check the account's root"),
            )
        } else {
            let cause = cometapi::causes(&error).last().map(ToString::to_string);
            let cause = cause.unwrap_or_default();
            (
                ErrorKind::Unreachable,
                format!("cannot connect to {host} ({cause}); check the network"),
            )
        };
        Error::new(kind, what).with_source(error)
    }

    /// The status is no success.
    fn refused(self, exchange: &Exchange) -> Error {
        let host = self.host();
        let status = exchange.status;
        let own = json::read::<types::AccountError>(&exchange.body).ok();
        let own = own.filter(|error| {
            let fields = [&error.error, &error.code, &error.message, &error.success];
            fields.iter().any(|field| field.is_some())
        });
        let said = said(own.as_ref().and_then(|error| {
            let details = error.error.as_ref();
            message_of(details, error.message.as_ref())
        }));
        let has_secret = self.credential != Credential::None;
        let (kind, what) = match status.as_u16() {
            401 if has_secret => (
                ErrorKind::Unauthorized,
                format!("{}{said}", self.credential.refused()),
            ),
            // Anything else is of a firewall or a proxy, and not about the secret.
            403 if has_secret && own.is_some() => (
                ErrorKind::Unauthorized,
                format!("{}{said}", self.credential.refused()),
            ),
            403 if own.is_none() => (
                ErrorKind::Refused,
                format!("403 before {host}: a firewall or a proxy refused the request"),
            ),
            429 => (
                ErrorKind::Unavailable,
                format!("{host} is busy (429){said}; try again later"),
            ),
            408 | 500..=599 => (
                ErrorKind::Unavailable,
                format!("{host} failed ({}){said}; try again later", status.as_u16()),
            ),
            300..=399 => (
                ErrorKind::Unreadable,
                format!(
                    "{host} redirects elsewhere ({}), which is not followed; check the account's root",
                    status.as_u16()
                ),
            ),
            400..=499 => (
                ErrorKind::Refused,
                format!("{host} refused the request ({}){said}", status.as_u16()),
            ),
            other => (
                ErrorKind::Unreadable,
                format!("{host} responds with status {other}; check the account's root"),
            ),
        };
        Error::new(kind, what)
    }

    /// The status is a success, and the body is not what it should be.
    fn unreadable(self, exchange: &Exchange) -> Error {
        let host = self.host();
        let what = match exchange.state {
            BodyState::TooLarge => format!("the response of {host} is too large"),
            BodyState::Truncated => format!("the response of {host} was cut off; try again"),
            _ if exchange.body.trim_ascii_start().starts_with(b"<") => {
                format!("{host} returned a web page, not JSON; check the account's root")
            }
            _ => format!("the response of {host} is not the JSON that it should be"),
        };
        Error::new(ErrorKind::Unreadable, what)
    }

    /// An error about a response that is JSON and lacks what it should have.
    pub(crate) fn lacks(self, what: &str) -> Error {
        let text = format!("the response of {} has no {what}", self.host());
        Error::new(ErrorKind::Unreadable, text)
    }

    fn host(&self) -> Host<'_> {
        Host(self.root)
    }
}

struct Host<'a>(&'a Root);

impl fmt::Display for Host<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let address = self.0.as_str();
        let address = address.split_once("://").map_or(address, |(_, rest)| rest);
        f.write_str(address)
    }
}

fn is_something(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => false,
        Value::String(text) => !text.is_empty(),
        Value::Object(fields) => !fields.is_empty(),
        _ => true,
    }
}

/// The message in an error, which may be a string itself, or else the one beside it.
fn message_of(error: Option<&Value>, beside: Option<&Value>) -> Option<String> {
    let inside = error.and_then(|error| json::text(error.get("message").or(Some(error))));
    inside.or_else(|| json::text(beside))
}

/// The service's message as a part of ours, on one line.
fn said(message: Option<String>) -> String {
    let Some(message) = message else {
        return String::new();
    };
    let message: String = message
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    format!(": {}", truncate(&message, QUOTED))
}
