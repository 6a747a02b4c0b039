//! The create request: sent once, and again only if it provably had no effect.

use std::fmt;
use std::future::IntoFuture;
use std::time::{Duration, SystemTime};

use cometapi_client::{CallOptions, PredictionId, PredictionResponse, observe, types};
use cometapi_models::Input;
#[cfg(feature = "models")]
use serde_json::{Map, Value};
use tokio::time::{Instant, sleep};

use crate::calls::policy::{CreateDecision, CreateOutcome, CreatePolicy};
use crate::core::error::Error;
use crate::core::error_kind::ErrorKind;
use crate::core::model::ModelRef;
use crate::core::prediction::Prediction;
use crate::core::response::{AttemptOutcome, Body};
use crate::core::runtime;
use crate::core::state::{BoxFuture, Core};
use crate::core::trace;

/// A create request that has not been sent; await it.
///
/// One request is sent. It is retried only if it provably had no effect:
///
/// | What happened | Outcome | Exit |
/// |---|---|---|
/// | the request cannot be made | [`InvalidInput`](ErrorKind::InvalidInput) | 2 |
/// | no connection: name not found, refused, TLS handshake cut | retried by policy, then [`NeverReached`](ErrorKind::NeverReached) | 1 |
/// | no connection, and a retry cannot help: bad certificate, proxy 407, unsupported scheme | [`NeverReached`](ErrorKind::NeverReached) | 1 |
/// | 429 of any shape | retried by policy, then [`RateLimited`](ErrorKind::RateLimited) | 6 |
/// | 2xx with an id at the top level, in `data`, or in a JSON `message` | created | 0 |
/// | 2xx or 5xx whose JSON code refuses | [`Refused`](ErrorKind::Refused) | 1 |
/// | 2xx or 5xx whose JSON code is about quota | [`OutOfQuota`](ErrorKind::OutOfQuota) | 6 |
/// | 2xx without an id; body cut or unreadable | [`MaybeAccepted`](ErrorKind::MaybeAccepted) | 7 |
/// | 302, 303 (never followed) | [`MaybeAccepted`](ErrorKind::MaybeAccepted) | 7 |
/// | 2xx with a web page; any other 3xx | [`WrongEndpoint`](ErrorKind::WrongEndpoint) | 1 |
/// | 401; 403 in the service's own JSON; neither about quota | [`Unauthorized`](ErrorKind::Unauthorized) | 5 |
/// | any other 403: a firewall or proxy answered | [`Blocked`](ErrorKind::Blocked) | 1 |
/// | 402; 401 or 403 about quota | [`OutOfQuota`](ErrorKind::OutOfQuota) | 6 |
/// | any other 4xx but 408 | [`Refused`](ErrorKind::Refused) | 1 |
/// | 408; other 5xx; connection lost or timeout after bytes left | [`MaybeAccepted`](ErrorKind::MaybeAccepted) | 7 |
///
/// On 2xx and 5xx only a JSON `code` decides: a message may quote the prompt, and a prompt may
/// hold any word. Each create request is sent on a connection of its own. "Exit" is the exit code
/// of the command `paperboat`.
#[must_use = "a create request is not sent until it is awaited"]
pub struct Create {
    core: Core,
    model: Result<ModelRef, Error>,
    input: Result<Input, Error>,
    policy: CreatePolicy,
    watcher: Option<Watcher>,
    before: Option<Before>,
    #[cfg(feature = "models")]
    unchecked: bool,
}

type Watcher = Box<dyn FnMut(CreateProgress<'_>) + Send>;
type Before = Box<dyn FnMut(CreateProgress<'_>) -> BoxFuture<()> + Send>;

/// What a create request is about to do, for the observer of [`Create::on_progress`].
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum CreateProgress<'e> {
    /// Attempt number `attempt`, counted from 1, is about to leave.
    #[non_exhaustive]
    Sending {
        /// Which attempt.
        attempt: u32,
    },
    /// Attempt number `attempt` ended in `cause`; the next follows after `pause`. Until then
    /// nothing is on its way.
    #[non_exhaustive]
    Pausing {
        /// Which attempt.
        attempt: u32,
        /// How many attempts are made at most.
        max_attempts: u32,
        /// How long nothing is sent.
        pause: Duration,
        /// What would have been the error, had this been the last attempt.
        cause: &'e Error,
    },
}

impl Create {
    pub(crate) fn new(
        core: Core,
        policy: CreatePolicy,
        model: Result<ModelRef, Error>,
        input: Result<Input, Error>,
    ) -> Self {
        Self {
            core,
            model,
            input,
            policy,
            watcher: None,
            before: None,
            #[cfg(feature = "models")]
            unchecked: false,
        }
    }

    /// The model, if it is `owner/name`.
    pub fn model(&self) -> Option<&ModelRef> {
        self.model.as_ref().ok()
    }

    /// The input, if it is a JSON object.
    pub fn input(&self) -> Option<&Input> {
        self.input.as_ref().ok()
    }

    /// Checks model and input now instead of when the request is sent, so that a caller can record
    /// what is about to be sent. The input is then as it is sent.
    ///
    /// # Errors
    ///
    /// [`InvalidModel`](ErrorKind::InvalidModel) and [`InvalidInput`](ErrorKind::InvalidInput).
    pub fn checked(mut self) -> Result<Self, Error> {
        let model = self.model?;
        #[cfg_attr(
            not(feature = "models"),
            expect(unused_mut, reason = "no model is known")
        )]
        let mut input = self.input?.into_fields();
        #[cfg(feature = "models")]
        if !self.unchecked {
            check(&model, &mut input)?;
        }
        self.model = Ok(model);
        self.input = Ok(Input::from(input));
        Ok(self)
    }

    /// Calls `watcher` before each attempt and before each pause between two.
    pub fn on_progress(mut self, watcher: impl FnMut(CreateProgress<'_>) + Send + 'static) -> Self {
        self.watcher = Some(Box::new(watcher));
        self
    }

    /// Awaits what `hook` returns before each attempt and before each pause between two, so that
    /// a caller can record durably what is about to happen. To send no further attempt, drop the
    /// create request while it awaits the hook.
    pub fn before_attempt<Fut>(
        mut self,
        mut hook: impl FnMut(CreateProgress<'_>) -> Fut + Send + 'static,
    ) -> Self
    where
        Fut: Future<Output = ()> + Send + 'static,
    {
        self.before = Some(Box::new(move |progress| Box::pin(hook(progress))));
        self
    }

    /// Retries by `policy` instead of the client's.
    pub fn policy(mut self, policy: CreatePolicy) -> Self {
        self.policy = policy;
        self
    }

    /// Whether to send the request again although it may have been accepted, instead of what the
    /// policy says ([`CreatePolicy::retry_unresolved`]).
    pub fn retry_unresolved(mut self, retry: bool) -> Self {
        self.policy.retry_unresolved = retry;
        self
    }

    /// Sends model and input as they are written. By default, the input of a known model is checked,
    /// its strings are read where numbers, booleans or choices are meant
    /// ([`Model::normalize`](crate::models::Model::normalize)), and a name that is a misspelling of a
    /// known model's is refused ([`misspelled`](crate::models::misspelled)).
    #[cfg(feature = "models")]
    pub fn unchecked(mut self) -> Self {
        self.unchecked = true;
        self
    }

    async fn send(mut self) -> Result<Prediction, Error> {
        runtime::check()?;
        self = self.checked()?;
        let model = self.model?;
        let body = types::CreatePredictionRequest {
            input: self.input?.into_fields(),
        };
        let mut tell = |progress: CreateProgress<'_>| -> Option<BoxFuture<()>> {
            if let Some(watcher) = &mut self.watcher {
                watcher(progress);
            }
            self.before.as_mut().map(|before| before(progress))
        };
        let (owner, name) = model.params();
        let mut rng = self.core.rng();
        let began = Instant::now();
        let mut sent = 0;
        loop {
            sent += 1;
            if let Some(before) = tell(CreateProgress::Sending { attempt: sent }) {
                before.await;
            }
            let attempt = observe(
                CallOptions::with_timeout(self.policy.attempt_timeout),
                self.core.raw().create_prediction(owner, name, &body),
            );
            let attempt = AttemptOutcome::of(
                trace::create(&model, sent, attempt).await,
                None,
                SystemTime::now(),
            );
            let elapsed = began.elapsed();
            let decision = CreateOutcome::of(&attempt).decision();
            let failure = match decision {
                CreateDecision::Created => match attempt {
                    AttemptOutcome::Response(_, Body::Prediction(prediction)) => {
                        return Ok(prediction);
                    }
                    // Only a response that holds a prediction is the event `Created`.
                    attempt => in_doubt(attempt),
                },
                CreateDecision::Stop(kind) => stopped(kind, attempt),
                CreateDecision::MaybeAccepted | CreateDecision::Retry(_) => {
                    let retry_after = attempt.retry_after();
                    let (cause, again) = if let CreateDecision::Retry(kind) = decision {
                        (spent(kind, attempt), true)
                    } else {
                        let doubt = in_doubt(attempt);
                        // An id that could still be read is not given up for another.
                        let again = doubt.prediction_id().is_none();
                        (doubt, again && self.policy.retry_unresolved)
                    };
                    let pause = self.policy.pause(sent, elapsed, retry_after, rng.f64());
                    match pause.filter(|_| again) {
                        Some(pause) => {
                            trace::retrying("create", sent, pause, &cause);
                            let before = tell(CreateProgress::Pausing {
                                attempt: sent,
                                max_attempts: self.policy.max_attempts,
                                pause,
                                cause: &cause,
                            });
                            if let Some(before) = before {
                                before.await;
                            }
                            sleep(pause).await;
                            continue;
                        }
                        None => cause,
                    }
                }
            };
            return Err(failure.with_attempts(sent, elapsed));
        }
    }
}

impl fmt::Debug for Create {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Not the input: it is private, and may hold images.
        f.debug_struct("Create")
            .field("model", &self.model)
            .field("policy", &self.policy)
            .finish_non_exhaustive()
    }
}

impl IntoFuture for Create {
    type Output = Result<Prediction, Error>;
    type IntoFuture = BoxFuture<Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.send())
    }
}

/// Checks the name of the model and, if it is known, its input, after reading the numbers and
/// booleans that are written as strings.
#[cfg(feature = "models")]
fn check(model: &ModelRef, input: &mut Map<String, Value>) -> Result<(), Error> {
    let name = model.to_string();
    let Some(known) = cometapi_models::find(&name) else {
        return match cometapi_models::misspelled(&name) {
            Some(meant) => {
                let meant = meant.name();
                let what = format!(
                    "the model {name} is not known: did you mean {meant}? if not, send it unchecked"
                );
                Err(Error::new(ErrorKind::InvalidModel, what))
            }
            None => Ok(()),
        };
    };
    known.normalize(input);
    for warning in known.check(input)? {
        trace::input_warning(model, warning.field());
    }
    Ok(())
}

fn in_doubt(attempt: AttemptOutcome) -> Error {
    const KIND: ErrorKind = ErrorKind::MaybeAccepted;
    let what = "the create request may have been accepted and was not sent again";
    let (why, id) = match &attempt {
        AttemptOutcome::Response(meta, body) => match body {
            // The error says why the body cannot be read.
            Body::Unreadable { id, .. } => (None, id.clone()),
            Body::UnusableId { id } => (Some(format!("its id cannot be used, {id:?}")), None),
            _ if meta.status.is_redirection() => (
                Some("it was answered with a redirect, which is not followed".to_owned()),
                None,
            ),
            Body::Empty if meta.status.is_success() => {
                (Some("the response is empty".to_owned()), None)
            }
            _ if meta.status.is_success() => (Some("the response holds no id".to_owned()), None),
            _ => (
                Some("the service failed while handling it".to_owned()),
                None,
            ),
        },
        AttemptOutcome::NoResponse(e) if e.is_timeout() => {
            (Some("no response came in time".to_owned()), None)
        }
        _ => (
            Some("the connection was lost before a response came".to_owned()),
            None,
        ),
    };
    let what = match why {
        Some(why) => format!("{what}: {why}"),
        None => what.to_owned(),
    };
    let id = id.or_else(|| match &attempt {
        AttemptOutcome::Response(meta, _) => id_in(&meta.raw),
        _ => None,
    });
    let error = attempt.error(KIND, &what);
    match id {
        Some(id) => error.with_id(id.as_str()),
        None => error,
    }
}

/// The id of the prediction that a response holds although its status is that of an error.
fn id_in(raw: &[u8]) -> Option<PredictionId> {
    let (prediction, _) = PredictionResponse::from_slice(raw)
        .ok()?
        .into_prediction()?;
    prediction.id.parse().ok()
}

/// The error of a request that had no effect and is not retried.
fn stopped(kind: ErrorKind, attempt: AttemptOutcome) -> Error {
    let is_permanent = CreateOutcome::of(&attempt) == CreateOutcome::NoConnectionPossible;
    let error = attempt.error(kind, what(kind));
    if is_permanent {
        error.permanent()
    } else {
        error
    }
}

fn what(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::NeverReached => "no connection to the service was made, so nothing was sent",
        ErrorKind::RateLimited => "the service is rate limiting; nothing was accepted",
        ErrorKind::WrongEndpoint => {
            "the address answers with a web page or a redirect, so the base url or path looks \
             wrong and nothing was accepted"
        }
        ErrorKind::Unauthorized => "the key was refused",
        ErrorKind::Blocked => {
            "a firewall or proxy in front of the service blocked the request; nothing was \
             accepted, and the key is not at fault"
        }
        ErrorKind::OutOfQuota => "the account is out of quota",
        ErrorKind::InvalidInput => "the request cannot be made",
        _ => "the service refused the request",
    }
}

/// The error of the last of several attempts.
fn spent(kind: ErrorKind, attempt: AttemptOutcome) -> Error {
    match attempt.retry_after() {
        Some(delay) if kind == ErrorKind::RateLimited => {
            let seconds = delay.as_secs_f64().ceil();
            let what = format!("{}; it asks to retry after {seconds} s", what(kind));
            attempt.error(kind, &what)
        }
        _ => attempt.error(kind, what(kind)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calls::policy::CreateDecision;
    use crate::core::testing;

    /// The prediction may exist, and its id is what finds it.
    #[test]
    fn an_error_response_that_holds_a_prediction_keeps_its_id() {
        for status in [408, 500, 502, 524] {
            for body in [
                r#"{"id":"a","status":"starting"}"#,
                r#"{"id":"a","status":"failed","error":"out of memory"}"#,
                r#"{"code":"success","data":{"task_id":"a","status":"SUBMITTED"}}"#,
                r#"{"code":"fail_to_fetch_task","message":"{\"id\":\"a\",\"status\":\"starting\"}"}"#,
                r#"{"id":"a","sta"#,
            ] {
                let mut response = http::Response::new(bytes::Bytes::from(body));
                *response.status_mut() = http::StatusCode::from_u16(status).unwrap();
                let attempt = testing::attempt(response, None);
                let decision = CreateOutcome::of(&attempt).decision();
                assert_eq!(decision, CreateDecision::MaybeAccepted, "{status} {body}");
                let error = in_doubt(attempt);
                assert_eq!(error.prediction_id(), Some("a"), "{status} {body}");
            }
        }
    }

    /// The message of a kind without an arm in `what` would say that the service refused.
    #[test]
    fn every_kind_that_a_create_request_ends_in_has_its_own_words() {
        for outcome in CreateOutcome::ALL {
            if let CreateDecision::Retry(kind) | CreateDecision::Stop(kind) = outcome.decision()
                && kind != ErrorKind::Refused
            {
                assert_ne!(
                    what(kind),
                    what(ErrorKind::Refused),
                    "add {kind:?} to `what`"
                );
            }
        }
    }
}
