//! The one error: what happened, what is known of it, what to do next.

use std::error::Error as StdError;
use std::fmt::{self, Write as _};
use std::time::Duration;

use bytes::Bytes;
use cometapi_models::{InputError, InputErrorKind};
#[cfg(feature = "models")]
use cometapi_models::{InputProblem, InvalidInput};
use http::StatusCode;

use crate::core::error_kind::ErrorKind;
use crate::core::prediction::Prediction;
use crate::core::service_error::ServiceError;
use crate::core::text::shorten;

type Source = Box<dyn StdError + Send + Sync>;

/// How much of a response body an error keeps, in bytes.
const BODY_CAP: usize = 16 * 1024;

/// What a call can end in besides success.
///
/// One type for all of it: match on [`kind`](Error::kind), or ask one of the predicates.
/// Whatever was known when it happened is reachable: the prediction or its id, the HTTP
/// status, the request ids, the service's own words, the raw body (capped at 16 KiB). The message
/// and the service's words are cut at 64 KiB, with a note of how much is missing. No credential is ever in it.
pub struct Error(Box<Inner>);

struct Inner {
    kind: ErrorKind,
    message: String,
    source: Option<Source>,
    id: Option<String>,
    prediction: Option<Prediction>,
    status: Option<StatusCode>,
    request_ids: Vec<String>,
    service: Option<ServiceError>,
    body: Option<Bytes>,
    retry_after: Option<Duration>,
    attempts: Option<u32>,
    elapsed: Option<Duration>,
    permanent: bool,
    transient: bool,
    #[cfg(feature = "models")]
    problems: Vec<InputProblem>,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            kind,
            message: shorten(message.into()),
            source: None,
            id: None,
            prediction: None,
            status: None,
            request_ids: Vec::new(),
            service: None,
            body: None,
            retry_after: None,
            attempts: None,
            elapsed: None,
            permanent: false,
            transient: false,
            #[cfg(feature = "models")]
            problems: Vec::new(),
        }))
    }

    pub(crate) fn with_source(mut self, source: impl Into<Source>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    pub(crate) fn with_id(mut self, id: &str) -> Self {
        self.0.id = Some(id.to_owned());
        self
    }

    pub(crate) fn with_prediction(mut self, prediction: Prediction) -> Self {
        self.0.prediction = Some(prediction);
        self
    }

    pub(crate) fn with_status(mut self, status: StatusCode) -> Self {
        self.0.status = Some(status);
        self
    }

    pub(crate) fn with_request_ids(mut self, ids: Vec<String>) -> Self {
        self.0.request_ids = ids;
        self
    }

    pub(crate) fn with_service(mut self, service: Option<ServiceError>) -> Self {
        self.0.service = service;
        self
    }

    pub(crate) fn with_body(mut self, body: &[u8]) -> Self {
        // A slice of a large body would keep all of it alive.
        self.0.body = Some(Bytes::copy_from_slice(&body[..body.len().min(BODY_CAP)]));
        self
    }

    pub(crate) fn with_retry_after(mut self, delay: Option<Duration>) -> Self {
        self.0.retry_after = delay;
        self
    }

    pub(crate) fn with_attempts(mut self, attempts: u32, elapsed: Duration) -> Self {
        self.0.attempts = Some(attempts);
        self.0.elapsed = Some(elapsed);
        self
    }

    pub(crate) fn permanent(mut self) -> Self {
        self.0.permanent = true;
        self
    }

    #[cfg(feature = "download")]
    pub(crate) fn transient(mut self) -> Self {
        self.0.transient = true;
        self
    }

    /// What kind of end this is.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The prediction as it was last seen, when one was.
    pub fn prediction(&self) -> Option<&Prediction> {
        self.0.prediction.as_ref()
    }

    /// The prediction's id. There on every error after a create request, and on a create request of which
    /// only the id could be read.
    pub fn prediction_id(&self) -> Option<&str> {
        self.0
            .id
            .as_deref()
            .or_else(|| self.0.prediction.as_ref().map(Prediction::id))
    }

    /// The HTTP status, if there was a response.
    pub fn status(&self) -> Option<u16> {
        self.0.status.map(|status| status.as_u16())
    }

    /// The gateway's id of the request, to give to support: from a header, else from the
    /// message (`x-cometapi-request-id`, `x-oneapi-request-id` and `(request id: …)`, all
    /// observed).
    pub fn request_id(&self) -> Option<&str> {
        self.0.request_ids.first().map(String::as_str)
    }

    /// Every request id that was found. Chained gateways give one each.
    pub fn request_ids(&self) -> &[String] {
        &self.0.request_ids
    }

    /// What the service itself said, in whatever shape it came.
    pub fn service(&self) -> Option<&ServiceError> {
        self.0.service.as_ref()
    }

    /// Returns the first 16 KiB of the response body.
    pub fn body(&self) -> Option<&[u8]> {
        self.0.body.as_deref()
    }

    /// How long the service asked to wait, when it did.
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// Returns how many requests were sent: attempts of a create request, or polls of a wait.
    pub fn attempts(&self) -> Option<u32> {
        self.0.attempts
    }

    /// Returns the time from the beginning of the call to the error.
    pub fn elapsed(&self) -> Option<Duration> {
        self.0.elapsed
    }

    /// What is wrong with the input, field by field, when its model is known.
    #[cfg(feature = "models")]
    pub fn problems(&self) -> &[InputProblem] {
        &self.0.problems
    }

    /// Returns whether the create request may have been accepted, and charged, although no response says
    /// so.
    ///
    /// # Troubleshooting
    ///
    /// It was sent once and not repeated. Look at the account's task list before sending it
    /// again; [`prediction_id`](Self::prediction_id) is set if the response, or the part of it that
    /// arrived, holds one.
    pub fn may_have_been_accepted(&self) -> bool {
        self.0.kind == ErrorKind::MaybeAccepted
    }

    /// Whether no connection was made and a retry alone cannot make one: the certificate is
    /// not trusted, a proxy wants a login, or the URL's scheme is not supported.
    ///
    /// # Troubleshooting
    ///
    /// The causes ([`source`](StdError::source)) say which.
    pub fn is_permanent(&self) -> bool {
        self.0.permanent
    }

    /// Whether a download failed for a reason that lies with its host or the way to it and may
    /// pass: no connection, a busy or failing host, a file that stopped coming. A file that is
    /// gone, or is a web page, is not transient.
    ///
    /// # Troubleshooting
    ///
    /// All attempts of the policy have been made; download it again later.
    pub fn is_transient(&self) -> bool {
        self.0.transient
    }

    /// Whether nothing left this machine.
    ///
    /// # Troubleshooting
    ///
    /// The message says which argument or setting to fix.
    pub fn is_before_sending(&self) -> bool {
        matches!(
            self.0.kind,
            ErrorKind::NoKey
                | ErrorKind::Config
                | ErrorKind::InvalidModel
                | ErrorKind::InvalidInput
                | ErrorKind::InvalidId
        )
    }

    /// Whether the key was refused.
    ///
    /// # Troubleshooting
    ///
    /// A wrong base URL is the most common cause of "invalid token" (documented): a key is
    /// good at the service that gave it alone.
    pub fn is_auth(&self) -> bool {
        self.0.kind == ErrorKind::Unauthorized
    }

    /// Whether the limit of requests or of money was met.
    ///
    /// # Troubleshooting
    ///
    /// [`retry_after`](Self::retry_after) says when to come back, if the service did.
    pub fn is_limit(&self) -> bool {
        matches!(self.0.kind, ErrorKind::RateLimited | ErrorKind::OutOfQuota)
    }

    /// Whether the run itself ended without success: failed, canceled or aborted.
    ///
    /// # Troubleshooting
    ///
    /// [`prediction`](Self::prediction) is whole; its `error` and `logs` say why.
    pub fn is_prediction_failure(&self) -> bool {
        matches!(
            self.0.kind,
            ErrorKind::Failed | ErrorKind::Canceled | ErrorKind::Aborted
        )
    }

    /// Whether waiting stopped while the run continues.
    ///
    /// # Troubleshooting
    ///
    /// Wait again with [`prediction_id`](Self::prediction_id).
    pub fn is_timeout(&self) -> bool {
        self.0.kind == ErrorKind::WaitTimeout
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = &*self.0;
        f.write_str(&inner.message)?;
        match (inner.status, inner.request_ids.first()) {
            (Some(status), Some(id)) => write!(f, " (http {}, request id {id})", status.as_u16()),
            (Some(status), None) => write!(f, " (http {})", status.as_u16()),
            (None, Some(id)) => write!(f, " (request id {id})"),
            (None, None) => Ok(()),
        }
    }
}

/// `{:?}` prints what a person needs, so that `fn main() -> Result<(), cometapi::Error>` does: the
/// message, its causes, the prediction, and what to do next. `{:#?}` prints the structure.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !f.alternate() {
            return self.fmt_sentence(f);
        }
        let inner = &*self.0;
        f.debug_struct("Error")
            .field("kind", &inner.kind)
            .field("message", &inner.message)
            .field("id", &self.prediction_id())
            .field("status", &self.status())
            .field("request_ids", &inner.request_ids)
            .field("service", &inner.service)
            .field("retry_after", &inner.retry_after)
            .field("attempts", &inner.attempts)
            .field("elapsed", &inner.elapsed)
            .field("source", &inner.source)
            .finish_non_exhaustive()
    }
}

impl Error {
    fn fmt_sentence(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = self.to_string();
        for cause in std::iter::successors(self.source(), |cause| (*cause).source()) {
            let cause = cause.to_string();
            // Some errors repeat their cause.
            if !text.ends_with(&cause) {
                text += ": ";
                text += &cause;
            }
        }
        // The text of others must not control a terminal.
        for c in text.chars() {
            if c.is_control() {
                write!(f, "{}", c.escape_default())?;
            } else {
                f.write_char(c)?;
            }
        }
        if let Some(id) = self.prediction_id().filter(|id| !text.contains(id)) {
            write!(f, "\n  prediction: {}", id.escape_debug())?;
        }
        match self.next_step() {
            Some(step) => write!(f, "\n  next: {step}"),
            None => Ok(()),
        }
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0
            .source
            .as_deref()
            .map(|source| source as &(dyn StdError + 'static))
    }
}

#[cfg(feature = "models")]
impl From<InvalidInput> for Error {
    fn from(invalid: InvalidInput) -> Self {
        let mut error = Self::new(ErrorKind::InvalidInput, invalid.to_string());
        error.0.problems = invalid.into_problems();
        error
    }
}

impl From<InputError> for Error {
    fn from(error: InputError) -> Self {
        let kind = match error.kind() {
            InputErrorKind::File => ErrorKind::File,
            _ => ErrorKind::InvalidInput,
        };
        let converted = Self::new(kind, error.to_string());
        match error.into_source() {
            Some(source) => converted.with_source(source),
            None => converted,
        }
    }
}

impl From<cometapi_client::InvalidKey> for Error {
    fn from(invalid: cometapi_client::InvalidKey) -> Self {
        Self::new(ErrorKind::Config, invalid.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn display_does_not_repeat_the_source() {
        let error = Error::new(ErrorKind::NeverReached, "the service was never reached")
            .with_source("connection refused");
        assert_eq!(error.to_string(), "the service was never reached");
        assert_eq!(error.source().unwrap().to_string(), "connection refused");
    }

    #[test]
    fn debug_prints_a_sentence_and_its_alternate_form_the_structure() {
        let error = Error::new(ErrorKind::NeverReached, "no connection was made")
            .with_source(std::io::Error::other("connection\u{1b}[2J refused"))
            .with_id("p1");
        assert_eq!(
            format!("{error:?}"),
            "no connection was made: connection\\u{1b}[2J refused\n  prediction: p1\n  next: check \
             the network and the base url, then call again"
        );
        let error = Error::new(ErrorKind::NoKey, "no API key: set COMETAPI_KEY");
        assert_eq!(format!("{error:?}"), error.to_string());
        assert!(format!("{error:#?}").contains("kind: NoKey"));
    }

    #[test]
    fn display_names_the_status_and_the_request_id() {
        let error = Error::new(ErrorKind::Refused, "refused: no")
            .with_status(StatusCode::BAD_REQUEST)
            .with_request_ids(vec!["abc".into(), "def".into()]);
        assert_eq!(error.to_string(), "refused: no (http 400, request id abc)");
    }

    #[test]
    fn an_input_error_keeps_its_kind_message_and_source() {
        use cometapi_models::{Input, IntoInput};

        let keys_are_lists = std::collections::BTreeMap::from([(vec![1], 2)]);
        let error = Error::from(Input::serialize(&keys_are_lists).unwrap_err());
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert_eq!(error.to_string(), "the input cannot be written as json");
        assert_eq!(error.source().unwrap().to_string(), "key must be a string");

        let error = Error::from(serde_json::json!(7).into_input().unwrap_err());
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert!(error.to_string().starts_with("the input is a number;"));
        assert!(error.source().is_none());
    }

    #[cfg(feature = "models")]
    #[test]
    fn a_file_that_cannot_be_read_keeps_the_cause() {
        let error = Error::from(cometapi_models::ImageInput::from_path("no/such.png").unwrap_err());
        assert_eq!(error.kind(), ErrorKind::File);
        assert_eq!(error.to_string(), "no/such.png cannot be read");
        let source = error.source().unwrap().downcast_ref::<std::io::Error>();
        assert_eq!(source.unwrap().kind(), std::io::ErrorKind::NotFound);
    }

    #[test]
    fn an_error_is_small_and_can_be_sent() {
        fn sendable<T: Send + Sync + 'static>() {}
        sendable::<Error>();
        assert_eq!(size_of::<Error>(), size_of::<usize>());
    }

    #[test]
    fn only_the_head_of_a_body_is_kept() {
        let body = Bytes::from(vec![b'x'; BODY_CAP * 2]);
        let error = Error::new(ErrorKind::Undecodable, "m").with_body(&body);
        assert_eq!(error.body().unwrap().len(), BODY_CAP);
    }
}
