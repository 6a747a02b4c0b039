//! One poll, and the error of one that shows no state.

use std::time::{Duration, SystemTime};

use cometapi_client::{CallOptions, PredictionId, is_head_too_large, observe};
use tokio::time::Instant;

use crate::calls::policy::PollOutcome;
use crate::core::error::Error;
use crate::core::error_kind::ErrorKind;
use crate::core::prediction::Prediction;
use crate::core::response::{AttemptOutcome, Body};
use crate::core::runtime;
use crate::core::state::Core;
use crate::core::trace;

/// Checks an id before it is sent. Spaces around it come from copying.
pub(crate) fn checked_id(id: &str) -> Result<PredictionId, Error> {
    id.trim()
        .parse()
        .map_err(|e| Error::new(ErrorKind::InvalidId, format!("{e}")).with_id(id))
}

/// Polls once, for [`Predictions::get`](crate::Predictions::get).
pub(crate) async fn get(
    core: &Core,
    id: &PredictionId,
    timeout: Duration,
) -> Result<Prediction, Error> {
    runtime::check().map_err(|error| error.with_id(id.as_str()))?;
    match poll_once(core, id, 1, CallOptions::with_timeout(timeout)).await {
        AttemptOutcome::Response(_, Body::Prediction(prediction)) => Ok(prediction),
        attempt => Err(poll_error(id, attempt)),
    }
}

/// Polls; once more if the response has more headers than a kept connection has room for.
pub(crate) async fn poll_once(
    core: &Core,
    id: &PredictionId,
    attempt: u32,
    mut options: CallOptions,
) -> AttemptOutcome {
    let began = Instant::now();
    loop {
        let poll = observe(options.clone(), core.raw().get_prediction(id));
        let call = trace::poll(id, attempt, poll).await;
        let outcome = AttemptOutcome::of(call, Some(id), SystemTime::now());
        match &outcome {
            AttemptOutcome::NoResponse(error)
                if is_head_too_large(error) && !options.own_connection =>
            {
                // Both together are the attempt that the caller gave this time.
                let left = |timeout: Duration| timeout.saturating_sub(began.elapsed());
                options.timeout = options.timeout.map(left);
                options.own_connection = true;
            }
            _ => return outcome,
        }
    }
}

/// The error of a poll that showed no state.
pub(crate) fn poll_error(id: &PredictionId, attempt: AttemptOutcome) -> Error {
    let kind = match PollOutcome::of(&attempt) {
        PollOutcome::Missing => ErrorKind::NotFound,
        PollOutcome::Stop(kind) => kind,
        PollOutcome::State | PollOutcome::Nothing => match &attempt {
            attempt if attempt.is_page() => ErrorKind::WrongEndpoint,
            AttemptOutcome::Response(meta, _) if meta.status.as_u16() == 403 => ErrorKind::Blocked,
            AttemptOutcome::Response(
                meta,
                Body::OtherJson | Body::OtherPrediction { .. } | Body::UnusableId { .. },
            ) if meta.status.is_success() => ErrorKind::Undecodable,
            AttemptOutcome::Response(meta, _) if meta.status.as_u16() == 429 => {
                ErrorKind::RateLimited
            }
            _ => ErrorKind::Unavailable,
        },
    };
    let what = match kind {
        ErrorKind::NotFound => "the service knows no such prediction",
        ErrorKind::Unauthorized => "the key was refused",
        ErrorKind::Blocked => "a firewall or proxy in front of the service blocked the request",
        ErrorKind::OutOfQuota => "the account is out of quota",
        ErrorKind::NeverReached => "a proxy wants a login, so the service was not reached",
        ErrorKind::WrongEndpoint => {
            "the address answers with a web page or a redirect, so the base url looks wrong"
        }
        ErrorKind::Undecodable => "the response is JSON that does not show it",
        ErrorKind::RateLimited => "the service is rate limiting",
        ErrorKind::Refused => "the service refused the request",
        ErrorKind::InvalidId => "the request cannot be made",
        _ => "the service gave no usable response; it is safe to poll again",
    };
    attempt
        .error(kind, &format!("prediction {id}: {what}"))
        .with_id(id.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::testing;

    fn response_error(status: u16, body: &str) -> Error {
        let mut response = http::Response::new(bytes::Bytes::from(body.to_owned()));
        *response.status_mut() = http::StatusCode::from_u16(status).unwrap();
        attempt_error(testing::attempt(response, Some("a")))
    }

    fn attempt_error(attempt: AttemptOutcome) -> Error {
        poll_error(&"a".parse().unwrap(), attempt)
    }

    #[test]
    fn a_poll_without_a_state_has_the_error_kind_of_its_cause() {
        use ErrorKind as K;
        let rows = [
            (404, "", K::NotFound),
            (
                200,
                r#"{"code":"task_not_exist","message":"m"}"#,
                K::NotFound,
            ),
            (401, "", K::Unauthorized),
            (403, r#"{"error":{"message":"no"}}"#, K::Unauthorized),
            (402, "", K::OutOfQuota),
            (400, r#"{"error":{"message":"no"}}"#, K::Refused),
            (407, "", K::NeverReached),
            // A firewall's page is not what a wrong address returns.
            (403, "<html>", K::Blocked),
            (403, r#"{"message":"Forbidden"}"#, K::Blocked),
            (429, "", K::RateLimited),
            (429, "<html>", K::RateLimited),
            (200, "<html>", K::WrongEndpoint),
            (302, "", K::WrongEndpoint),
            // JSON on a success is the service's; on a 5xx it may be any gateway's.
            (200, r#"{"ok":true}"#, K::Undecodable),
            (500, r#"{"ok":true}"#, K::Unavailable),
            (200, r#"{"id":"other","status":"starting"}"#, K::Undecodable),
            (200, r#"{"code":"success","data":null}"#, K::Unavailable),
            (200, "{\"id\":\"a", K::Unavailable),
            (408, "", K::Unavailable),
            (502, "<html>", K::Unavailable),
        ];
        for (status, body, expected) in rows {
            let error = response_error(status, body);
            assert_eq!(error.kind(), expected, "{status} {body}");
            assert_eq!(error.prediction_id(), Some("a"), "{status} {body}");
            // Only where another poll may help does the message say so.
            assert_eq!(
                error.to_string().contains("safe to poll again"),
                expected == K::Unavailable,
                "{error}"
            );
        }
    }

    #[test]
    fn a_poll_that_cannot_be_made_is_not_worth_repeating() {
        let cause = cometapi_client::Error::InvalidRequest("no url".to_owned());
        let error = attempt_error(AttemptOutcome::Impossible(Box::new(cause)));
        assert_eq!(error.kind(), ErrorKind::InvalidId);
        assert!(error.to_string().contains("cannot be made"), "{error}");
    }

    #[test]
    fn an_id_that_cannot_be_sent_is_an_invalid_id() {
        assert_eq!(checked_id(" a\n").unwrap().as_str(), "a");
        let error = checked_id("").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidId);
        assert_eq!(error.prediction_id(), Some(""));
    }
}
