//! One poll, and the error of one that shows no state.

use std::time::{Duration, SystemTime};

use cometapi_client::{CallOptions, PredictionId, observe};

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
        AttemptOutcome::Response(_, Body::Prediction(prediction)) => Ok(*prediction),
        attempt => Err(poll_error(id, attempt)),
    }
}

pub(crate) async fn poll_once(
    core: &Core,
    id: &PredictionId,
    attempt: u32,
    options: CallOptions,
) -> AttemptOutcome {
    let poll = observe(options, core.raw().get_prediction(id));
    let call = trace::poll(id, attempt, poll).await;
    AttemptOutcome::of(call, Some(id), SystemTime::now())
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
