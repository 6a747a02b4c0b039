//! One look at a prediction, and what it means when it shows none.

use std::time::{Duration, SystemTime};

use cometapi_client::{CallOptions, PredictionId, observe};

use crate::client::Client;
use crate::error::{Error, ErrorKind};
use crate::heard::{Body, Heard};
use crate::policy::PollEvent;
use crate::prediction::Prediction;
use crate::trace;

pub(crate) async fn get(client: &Client, id: &PredictionId) -> Result<Prediction, Error> {
    let timeout = client.wait_policy().attempt_timeout;
    match look(client, id, 1, timeout).await {
        Heard::Answer(_, Body::Prediction(prediction)) => Ok(*prediction),
        heard => Err(unseen(id, heard)),
    }
}

/// Sends one poll.
pub(crate) async fn look(
    client: &Client,
    id: &PredictionId,
    attempt: u32,
    timeout: Duration,
) -> Heard {
    let poll = observe(
        CallOptions::with_timeout(timeout),
        client.raw().get_prediction(id),
    );
    Heard::of(trace::poll(id, attempt, poll).await, SystemTime::now())
}

/// The error of a look that showed no state.
pub(crate) fn unseen(id: &PredictionId, heard: Heard) -> Error {
    let kind = match PollEvent::of(&heard) {
        PollEvent::Missing => ErrorKind::NotFound,
        PollEvent::Stop(kind) => kind,
        PollEvent::State | PollEvent::Nothing => match &heard {
            heard if heard.is_page() => ErrorKind::WrongEndpoint,
            Heard::Answer(heading, Body::OtherJson) if heading.status.is_success() => {
                ErrorKind::Undecodable
            }
            Heard::Answer(heading, _) if heading.status.as_u16() == 429 => ErrorKind::RateLimited,
            _ => ErrorKind::Unavailable,
        },
    };
    let what = match kind {
        ErrorKind::NotFound => "the service knows no such prediction",
        ErrorKind::Unauthorized => "the key was refused",
        ErrorKind::OutOfQuota => "the account is out of quota",
        ErrorKind::WrongEndpoint => {
            "the address answers with a web page or a redirect, so the base url looks wrong"
        }
        ErrorKind::Undecodable => "the answer is json of no known shape",
        ErrorKind::RateLimited => "the service is rate limiting",
        ErrorKind::Refused => "the service refused the request",
        ErrorKind::InvalidId => "the request cannot be made",
        _ => "the service gave no usable answer; it is safe to ask again",
    };
    let what = format!("prediction {id}: {what}");
    let error = match heard {
        Heard::Answer(heading, body) => heading.error(kind, &what, body),
        Heard::NoConnection(e) | Heard::NoAnswer(e) => {
            Error::new(kind, what).with_source(e.without_url())
        }
        Heard::Impossible(e) => Error::new(kind, what).with_source(e.to_string()),
    };
    error.with_id(id.as_str())
}
