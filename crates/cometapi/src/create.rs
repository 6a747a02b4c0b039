//! The create: one request, and another only when the first provably did not happen.

use std::fmt;
use std::future::IntoFuture;
use std::time::{Duration, SystemTime};

use cometapi_client::{CallOptions, observe, types};
use tokio::time::{Instant, sleep};

use crate::BoxFuture;
use crate::client::Client;
use crate::error::{Effort, Error, ErrorKind};
use crate::heard::{Body, Heard};
use crate::input::Input;
use crate::model::ModelRef;
#[cfg(feature = "models")]
use crate::models;
use crate::policy::{CreateEvent, CreatePolicy, Verdict, verdict};
use crate::prediction::Prediction;
use crate::trace;

/// A create that has not been sent; await it.
///
/// What becomes of it:
///
/// | What happened | Outcome |
/// |---|---|
/// | no connection made | again, by [`CreatePolicy`]; then [`NeverReached`](ErrorKind::NeverReached) |
/// | 429 | again after the told or own delay; then [`RateLimited`](ErrorKind::RateLimited) |
/// | 2xx with an id | the prediction |
/// | 2xx JSON without an id, or a body cut short | [`MaybeAccepted`](ErrorKind::MaybeAccepted) |
/// | 2xx HTML, 3xx | [`WrongEndpoint`](ErrorKind::WrongEndpoint) |
/// | 401; 403 not about quota | [`Unauthorized`](ErrorKind::Unauthorized) |
/// | 402; 403 about quota | [`OutOfQuota`](ErrorKind::OutOfQuota) |
/// | other 4xx but 408; a 5xx whose body refuses | [`Refused`](ErrorKind::Refused) |
/// | 408, other 5xx, connection lost, time out | [`MaybeAccepted`](ErrorKind::MaybeAccepted) |
#[must_use = "a create is not sent until it is awaited"]
pub struct Create {
    client: Client,
    model: Result<ModelRef, Error>,
    input: Result<Input, Error>,
    policy: CreatePolicy,
    watcher: Option<Watcher>,
    #[cfg(feature = "models")]
    unchecked: bool,
}

type Watcher = Box<dyn FnMut(CreateProgress<'_>) + Send>;

/// What a create is about to do, for whoever watches it by [`Create::on_progress`].
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum CreateProgress<'e> {
    /// Attempt number `attempt`, counted from 1, is about to leave.
    #[non_exhaustive]
    Sending {
        /// Which attempt.
        attempt: u32,
    },
    /// Attempt number `attempt` came to `cause`; the next follows after `pause`. Until then
    /// nothing is on its way.
    #[non_exhaustive]
    Pausing {
        /// Which attempt.
        attempt: u32,
        /// How long nothing is sent.
        pause: Duration,
        /// What would have been the error, had this been the last attempt.
        cause: &'e Error,
    },
}

impl Create {
    pub(crate) fn new(
        client: &Client,
        model: Result<ModelRef, Error>,
        input: Result<Input, Error>,
    ) -> Self {
        Self {
            client: client.clone(),
            model,
            input,
            policy: client.create_policy().clone(),
            watcher: None,
            #[cfg(feature = "models")]
            unchecked: false,
        }
    }

    /// Calls `watcher` before each attempt and before each pause between two.
    pub fn on_progress(mut self, watcher: impl FnMut(CreateProgress<'_>) + Send + 'static) -> Self {
        self.watcher = Some(Box::new(watcher));
        self
    }

    /// Repeats by `policy` in place of the client's.
    pub fn policy(mut self, policy: CreatePolicy) -> Self {
        self.policy = policy;
        self
    }

    /// Sends the input whatever the known models' list says of it. See
    /// [`models`](mod@crate::models).
    #[cfg(feature = "models")]
    pub fn unchecked(mut self) -> Self {
        self.unchecked = true;
        self
    }

    async fn send(mut self) -> Result<Prediction, Error> {
        let model = self.model?;
        let input = self.input?;
        #[cfg(feature = "models")]
        if !self.unchecked {
            checked(&model, &input)?;
        }
        let body = types::CreatePredictionRequest {
            input: input.into_fields(),
        };
        let mut tell = |progress: CreateProgress<'_>| {
            if let Some(watcher) = &mut self.watcher {
                watcher(progress);
            }
        };
        let (owner, name) = model.params();
        let mut rng = self.client.rng();
        let began = Instant::now();
        let mut sent = 0;
        loop {
            sent += 1;
            tell(CreateProgress::Sending { attempt: sent });
            let attempt = observe(
                CallOptions::with_timeout(self.policy.attempt_timeout),
                self.client.raw().create_prediction(owner, name, &body),
            );
            let heard = Heard::of(
                trace::create(&model, sent, attempt).await,
                SystemTime::now(),
            );
            let effort = Effort::new(sent, began.elapsed());
            let verdict = verdict(CreateEvent::of(&heard));
            let failure = match verdict {
                Verdict::Created => match heard {
                    Heard::Answer(_, Body::Prediction(prediction)) => return Ok(*prediction),
                    // Only an answer that holds a prediction is the event `Created`.
                    heard => in_doubt(heard),
                },
                Verdict::Stop(kind) => stopped(kind, heard),
                Verdict::MaybeAccepted | Verdict::Again(_) => {
                    let told = heard.told_delay();
                    let (cause, again) = if let Verdict::Again(kind) = verdict {
                        (spent(kind, heard), true)
                    } else {
                        let doubt = in_doubt(heard);
                        // An id that could still be read is not given up for another.
                        let again = doubt.prediction_id().is_none();
                        (doubt, again && self.policy.repeat_when_in_doubt)
                    };
                    let pause = self.policy.pause(sent, effort.elapsed, told, rng.f64());
                    match pause.filter(|_| again) {
                        Some(pause) => {
                            tell(CreateProgress::Pausing {
                                attempt: sent,
                                pause,
                                cause: &cause,
                            });
                            sleep(pause).await;
                            continue;
                        }
                        None => cause,
                    }
                }
            };
            return Err(failure.with_effort(effort));
        }
    }
}

impl fmt::Debug for Create {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Not the input: it is private, and may hold pictures.
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

/// Holds the input of a known model to what that takes.
#[cfg(feature = "models")]
fn checked(model: &ModelRef, input: &Input) -> Result<(), Error> {
    let Some(known) = models::find(&model.to_string()) else {
        return Ok(());
    };
    for warning in known.check(input.fields())? {
        trace::input_warning(model, warning.field());
    }
    Ok(())
}

impl Heard {
    fn told_delay(&self) -> Option<Duration> {
        match self {
            Self::Answer(heading, _) => heading.retry_after,
            _ => None,
        }
    }
}

fn in_doubt(heard: Heard) -> Error {
    const KIND: ErrorKind = ErrorKind::MaybeAccepted;
    let what = "the create may have been accepted and was not sent again";
    match heard {
        Heard::Answer(heading, body) => {
            let id = match &body {
                Body::Unreadable { id } => id.clone(),
                _ => None,
            };
            let why = match &body {
                Body::Unreadable { .. } => "its answer broke off or is not json",
                Body::Empty if heading.status.is_success() => "its answer is empty",
                Body::EmptyEnvelope | Body::OtherJson if heading.status.is_success() => {
                    "its answer holds no id"
                }
                _ => "the service failed while it was on its way",
            };
            let error = heading.error(KIND, &format!("{what}: {why}"), body);
            match id {
                Some(id) => error.with_id(&id),
                None => error,
            }
        }
        Heard::NoAnswer(e) if e.is_timeout() => {
            Error::new(KIND, format!("{what}: no answer came in time")).with_source(e.without_url())
        }
        Heard::NoAnswer(e) | Heard::NoConnection(e) => Error::new(
            KIND,
            format!("{what}: the connection was lost before an answer came"),
        )
        .with_source(e.without_url()),
        Heard::Impossible(e) => Error::new(KIND, what).with_source(e.to_string()),
    }
}

fn stopped(kind: ErrorKind, heard: Heard) -> Error {
    let what = match kind {
        ErrorKind::WrongEndpoint => {
            "the address answers with a web page or a redirect, so the base url or path looks \
             wrong and nothing was accepted"
        }
        ErrorKind::Unauthorized => "the key was refused",
        ErrorKind::OutOfQuota => "the account is out of quota",
        ErrorKind::InvalidInput => "the request cannot be made",
        _ => "the service refused the request",
    };
    match heard {
        Heard::Answer(heading, body) => heading.error(kind, what, body),
        Heard::Impossible(e) => Error::new(kind, what).with_source(e.to_string()),
        Heard::NoConnection(e) | Heard::NoAnswer(e) => {
            Error::new(kind, what).with_source(e.without_url())
        }
    }
}

fn spent(kind: ErrorKind, heard: Heard) -> Error {
    match heard {
        Heard::Answer(heading, body) => {
            let what = match heading.retry_after {
                Some(delay) => format!(
                    "the service is rate limiting and asks to come back in {} s; nothing was \
                     accepted",
                    delay.as_secs_f64().ceil()
                ),
                None => "the service is rate limiting; nothing was accepted".to_owned(),
            };
            heading.error(kind, &what, body)
        }
        Heard::NoConnection(e) | Heard::NoAnswer(e) => Error::new(
            kind,
            "the service was never reached, so nothing was accepted: look at the network and \
             the base url",
        )
        .with_source(e.without_url()),
        Heard::Impossible(e) => {
            Error::new(kind, "the request cannot be made").with_source(e.to_string())
        }
    }
}
