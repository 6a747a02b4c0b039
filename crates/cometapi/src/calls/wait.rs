//! The wait: polls until the run has ended or the deadline has come.

use std::fmt;
use std::future::{Future, IntoFuture, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use cometapi_client::{CallOptions, PredictionId};
use futures_core::Stream;
use tokio::time::{Instant, sleep};

use crate::calls::last_state::LastState;
use crate::calls::policy::{NextPoll, PollOutcome, PollPace, PollSchedule, WaitPolicy};
use crate::calls::poll::{checked_id, poll_error, poll_once};
use crate::core::error::Error;
use crate::core::error_kind::ErrorKind;
use crate::core::prediction::Prediction;
use crate::core::response::{AttemptOutcome, Body};
use crate::core::retry_progress::{RetryObserver, RetryProgress};
use crate::core::state::{BoxFuture, Core};
use crate::core::{runtime, trace};

/// A wait for a prediction to end: await it, or take its updates one by one.
///
/// Awaited, it gives the prediction that succeeded, or the error that its end is. As a
/// [`Stream`], or by [`next`](Wait::next), it gives each state that was really seen, the
/// terminal one last; a run that failed is then an update like any other. Awaited after its
/// updates, it gives what it would have given without them.
///
/// It continues through 408, 429, 5xx, web pages, broken responses and lost connections until
/// its deadline, which is always there ([`WaitPolicy::timeout`]). It ends at once when the
/// run has, and on 401, 403 and other 4xx; and after [`WaitPolicy::not_found_grace`] when the
/// service does not know the id, or returns web pages and has never shown a state.
/// Dropping it only stops the wait.
///
/// ```no_run
/// # async fn example(client: cometapi::Client) -> Result<(), cometapi::Error> {
/// let mut wait = client.predictions().wait("q4chw5rey9rmt0cww76t4h3ma4");
/// while let Some(update) = wait.next().await {
///     println!("{}", update?.status());
/// }
/// let done = wait.await?; // An error if it failed, and its output if it succeeded.
/// # Ok(())
/// # }
/// ```
#[must_use = "a wait does not poll until it is awaited"]
pub struct Wait(State);

/// A poller after a step, and what the step brought.
type Stepped = (Box<Poller>, Result<Prediction, Error>);

enum State {
    Idle(Box<Poller>),
    Busy(BoxFuture<Stepped>),
    Refused(Error),
    /// Over before the first poll.
    Ended(Prediction),
    /// All updates were given. The last was this one, or an error about this id.
    Done(Result<Prediction, Option<String>>),
}

impl Wait {
    pub(crate) fn new(
        core: Core,
        policy: impl Into<Arc<WaitPolicy>>,
        id: Result<PredictionId, Error>,
    ) -> Self {
        Self(match id {
            Ok(id) => State::Idle(Box::new(Poller::new(core, policy.into(), id))),
            Err(error) => State::Refused(error),
        })
    }

    /// A wait for what has just been created: its clock runs from the response to the create request, and
    /// the first poll leaves the run a moment.
    pub(crate) fn created(
        core: Core,
        policy: impl Into<Arc<WaitPolicy>>,
        created: Prediction,
    ) -> Self {
        if created.is_terminal() {
            return Self(State::Ended(created));
        }
        let id = checked_id(created.id());
        let mut wait = Self::new(core, policy, id);
        match &mut wait.0 {
            State::Idle(poller) => {
                poller.began = Some(Instant::now());
                poller.is_service = true;
                poller.created = Some(created);
            }
            State::Refused(error) => {
                // Not refused before sending: the prediction exists and has been paid for.
                let what = format!(
                    "prediction {:?} exists, but its id cannot be sent back to the service",
                    created.id()
                );
                let refused = Error::new(ErrorKind::Undecodable, what);
                *error = refused.with_prediction(created);
            }
            _ => {}
        }
        wait
    }

    /// Polls by `policy` instead of the client's.
    pub fn policy(mut self, policy: WaitPolicy) -> Self {
        if let State::Idle(poller) = &mut self.0 {
            poller.policy = Arc::new(policy);
        }
        self
    }

    /// Stops after `timeout` instead of the policy's.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        if let State::Idle(poller) = &mut self.0 {
            Arc::make_mut(&mut poller.policy).timeout = timeout;
        }
        self
    }

    /// Polls by `schedule`, made from how long past runs of the model took. It has no effect if the policy
    /// has a schedule, or another pace than by default.
    pub fn schedule(mut self, schedule: impl Into<Option<PollSchedule>>) -> Self {
        if let State::Idle(poller) = &mut self.0
            && poller.policy.pace == PollPace::default()
        {
            let policy = Arc::make_mut(&mut poller.policy);
            policy.schedule = policy.schedule.take().or_else(|| schedule.into());
        }
        self
    }

    /// Calls `observer` before each pause after a poll that showed no state. The wait continues; what it
    /// ends in if the last poll fails is its error.
    ///
    /// ```no_run
    /// # async fn example(client: cometapi::Client) -> Result<(), cometapi::Error> {
    /// let wait = client.predictions().wait("q4chw5rey9rmt0cww76t4h3ma4");
    /// wait.on_retry(|retry| println!("{}; polling again in {:?}", retry.cause, retry.pause))
    ///     .await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn on_retry(mut self, observer: impl FnMut(RetryProgress<'_>) + Send + 'static) -> Self {
        if let State::Idle(poller) = &mut self.0 {
            poller.observer = Some(Box::new(observer));
        }
        self
    }

    /// The next state that is seen; `None` once the last has been given.
    pub async fn next(&mut self) -> Option<Result<Prediction, Error>> {
        poll_fn(|context| Pin::new(&mut *self).poll_next(context)).await
    }

    async fn end(mut self) -> Result<Prediction, Error> {
        while let Some(update) = self.next().await {
            update?;
        }
        match self.0 {
            State::Done(Ok(prediction)) => prediction.into_outcome(),
            ended => {
                let what = "the wait has already ended in an error, which was its last update";
                let error = Error::new(ErrorKind::Unavailable, what);
                Err(match ended {
                    State::Done(Err(Some(id))) => error.with_id(&id),
                    _ => error,
                })
            }
        }
    }
}

impl Stream for Wait {
    type Item = Result<Prediction, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let done = |error: &Error| State::Done(Err(error.prediction_id().map(str::to_owned)));
        loop {
            match std::mem::replace(&mut self.0, State::Done(Err(None))) {
                State::Idle(poller) => self.0 = State::Busy(Box::pin(poller.step())),
                State::Busy(mut future) => {
                    let Poll::Ready((poller, update)) = future.as_mut().poll(context) else {
                        self.0 = State::Busy(future);
                        return Poll::Pending;
                    };
                    self.0 = match &update {
                        Ok(prediction) if !prediction.is_terminal() => State::Idle(poller),
                        Ok(prediction) => State::Done(Ok(prediction.clone())),
                        Err(error) => done(error),
                    };
                    return Poll::Ready(Some(update));
                }
                State::Refused(error) => {
                    self.0 = done(&error);
                    return Poll::Ready(Some(Err(error)));
                }
                State::Ended(created) => {
                    self.0 = State::Done(Ok(created.clone()));
                    return Poll::Ready(Some(Ok(created)));
                }
                ended @ State::Done(_) => {
                    self.0 = ended;
                    return Poll::Ready(None);
                }
            }
        }
    }
}

impl IntoFuture for Wait {
    type Output = Result<Prediction, Error>;
    type IntoFuture = BoxFuture<Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.end())
    }
}

impl fmt::Debug for Wait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Wait");
        if let State::Idle(poller) = &self.0 {
            debug
                .field("id", &poller.id)
                .field("policy", &poller.policy);
        }
        debug.finish_non_exhaustive()
    }
}

/// What goes from one poll to the next.
struct Poller {
    core: Core,
    id: PredictionId,
    /// The client's, unless it was changed for this wait.
    policy: Arc<WaitPolicy>,
    /// When the wait began: at the response to the create request, or at the first step.
    began: Option<Instant>,
    /// How old the prediction was then, as far as it is known.
    age: Duration,
    /// The created prediction, until it is returned as the first update.
    created: Option<Prediction>,
    last: Option<LastState>,
    rng: fastrand::Rng,
    requests: u32,
    retry_after: Option<Duration>,
    /// Whether a response was of another prediction: its connection may stay one response out
    /// of step, so the polls that follow have connections of their own.
    is_out_of_step: bool,
    /// Whether anything has come that only this API sends.
    is_service: bool,
    /// Since when the service has said that it does not know the id.
    missing_since: Option<Instant>,
    last_poll_done: bool,
    observer: Option<RetryObserver<'static>>,
}

/// A poll that showed no state.
struct FailedPoll {
    error: Error,
    /// Whether there was a response.
    has_response: bool,
}

impl FailedPoll {
    fn new(id: &PredictionId, attempt: AttemptOutcome) -> Self {
        Self {
            has_response: matches!(attempt, AttemptOutcome::Response(..)),
            error: poll_error(id, attempt),
        }
    }
}

impl Poller {
    fn new(core: Core, policy: Arc<WaitPolicy>, id: PredictionId) -> Self {
        let rng = core.rng();
        Self {
            core,
            id,
            policy,
            began: None,
            age: Duration::ZERO,
            created: None,
            last: None,
            rng,
            requests: 0,
            retry_after: None,
            is_out_of_step: false,
            is_service: false,
            missing_since: None,
            last_poll_done: false,
            observer: None,
        }
    }

    /// Goes on to the next state that is seen, or to the end.
    async fn step(mut self: Box<Self>) -> Stepped {
        let update = self.update().await;
        (self, update)
    }

    async fn update(&mut self) -> Result<Prediction, Error> {
        runtime::check().map_err(|error| self.known(error))?;
        let began = *self.began.get_or_insert_with(Instant::now);
        if let Some(created) = self.created.take() {
            self.last = Some(LastState::of(&created));
            return Ok(created);
        }
        let mut last_failure: Option<FailedPoll> = None;
        let mut failed = 0;
        while !self.last_poll_done {
            let left = self.policy.timeout.saturating_sub(began.elapsed());
            // Nothing is known yet of a run that another process created: poll at once.
            let next = if self.last.is_none() && self.requests == 0 {
                NextPoll::at_once()
            } else {
                let age = self.age + began.elapsed();
                self.policy
                    .next_poll(age, left, self.retry_after, self.rng.f64())
            };
            if let Some(FailedPoll { error, .. }) = &last_failure {
                self.retrying(failed, next.pause, left, error);
            }
            // A timer takes a millisecond, also for nothing; after a failure even that is better than none.
            if !next.pause.is_zero() || last_failure.is_some() {
                sleep(next.pause).await;
            }
            self.last_poll_done = next.is_last;
            let left = self.policy.timeout.saturating_sub(began.elapsed());
            // Boxed, so that a wait at rest is small.
            let attempt = Box::pin(self.poll(left)).await;
            self.retry_after = attempt.retry_after();
            self.is_service |= attempt.is_from_service();
            self.is_out_of_step |= attempt.is_of_another();
            let event = match PollOutcome::of(&attempt) {
                // Pages and nothing else, ever: more likely the wrong address than a passing
                // fault. It has the same grace as an id that is not known.
                PollOutcome::Nothing if !self.is_service && attempt.is_page() => {
                    PollOutcome::Missing
                }
                event => event,
            };
            match (event, attempt) {
                (
                    PollOutcome::State,
                    AttemptOutcome::Response(meta, Body::Prediction(prediction)),
                ) => {
                    self.missing_since = None;
                    if self.last.is_none() {
                        // The first that is known of a prediction that was created elsewhere.
                        let age = prediction.age_at(meta.sent_at()).unwrap_or_default();
                        self.age = age.saturating_sub(began.elapsed());
                    }
                    self.last = Some(LastState::of(&prediction));
                    return Ok(prediction);
                }
                (PollOutcome::Missing, attempt) => {
                    // Not from the wait's beginning: polls before may have hung or failed.
                    let since = *self.missing_since.get_or_insert_with(Instant::now);
                    if since.elapsed() >= self.policy.not_found_grace {
                        return Err(self.known(poll_error(&self.id, attempt)));
                    }
                    last_failure = Some(FailedPoll::new(&self.id, attempt));
                }
                (PollOutcome::Stop(_), attempt) => {
                    return Err(self.known(poll_error(&self.id, attempt)));
                }
                (_, attempt) => last_failure = Some(FailedPoll::new(&self.id, attempt)),
            }
            failed += 1;
        }
        Err(self.timed_out(last_failure))
    }

    /// Reports that the next poll follows after `pause`; `left` is left until the deadline.
    fn retrying(&mut self, attempt: u32, pause: Duration, left: Duration, cause: &Error) {
        trace::retrying("poll", attempt, pause, cause);
        let grace = self.missing_since.map(|since| {
            let grace = self.policy.not_found_grace;
            grace.saturating_sub(since.elapsed())
        });
        if let Some(observer) = &mut self.observer {
            observer(RetryProgress {
                attempt,
                max_attempts: None,
                pause,
                left: Some(grace.map_or(left, |grace| grace.min(left))),
                cause,
            });
        }
    }

    /// One poll; when it stays silent, a second beside it. The first response wins.
    async fn poll(&mut self, left: Duration) -> AttemptOutcome {
        let options = |left: Duration| {
            let timeout = self.policy.attempt_timeout.min(left);
            CallOptions::with_timeout(timeout).own_connection(self.is_out_of_step)
        };
        let (core, id) = (&self.core, &self.id);
        self.requests += 1;
        let mut first = pin!(poll_once(core, id, self.requests, options(left)));
        if let Some(attempt) = before(&mut first, sleep(self.policy.hedge_after)).await {
            return attempt;
        }
        // It begins later, and must not end later than the wait.
        let left = left.saturating_sub(self.policy.hedge_after);
        self.requests += 1;
        let mut second = Box::pin(poll_once(core, id, self.requests, options(left)));
        match either(&mut first, &mut second).await {
            Ok(attempt @ AttemptOutcome::Response(..))
            | Err(attempt @ AttemptOutcome::Response(..)) => attempt,
            // One broke without a response; the other may still bring one.
            Ok(_) => second.await,
            Err(_) => first.await,
        }
    }

    fn timed_out(&self, last_failure: Option<FailedPoll>) -> Error {
        let seconds = self.policy.timeout.as_secs_f64();
        let state = match self.last() {
            Some(prediction) => format!(
                "had not ended after {seconds:.0} s (last status: {}); it goes on",
                prediction.status()
            ),
            None => format!("was not seen in {seconds:.0} s; it may well be running"),
        };
        let error = Error::new(
            ErrorKind::WaitTimeout,
            format!(
                "prediction {} {state}: wait for it again by its id",
                self.id
            ),
        );
        let Some(failed) = last_failure else {
            return self.known(error);
        };
        let error = match failed.error.body() {
            // It may hold the end of the prediction: shown, so that a person can read it.
            Some(body) if failed.has_response => error.with_body(body),
            _ => error,
        };
        self.known(error.with_source(failed.error))
    }

    fn last(&self) -> Option<Prediction> {
        self.last.as_ref()?.prediction(&self.id)
    }

    /// Adds what the wait knows to `error`.
    fn known(&self, error: Error) -> Error {
        let elapsed = self.began.map(|began| began.elapsed()).unwrap_or_default();
        let error = error
            .with_id(self.id.as_str())
            .with_attempts(self.requests, elapsed);
        match self.last() {
            Some(prediction) => error.with_prediction(prediction),
            None => error,
        }
    }
}

/// What `future` gives, if it does before `alarm`.
async fn before<F: Future + Unpin>(future: &mut F, alarm: impl Future) -> Option<F::Output> {
    let mut alarm = pin!(alarm);
    poll_fn(|context| {
        if let Poll::Ready(output) = Pin::new(&mut *future).poll(context) {
            return Poll::Ready(Some(output));
        }
        alarm.as_mut().poll(context).map(|_| None)
    })
    .await
}

/// What the first of two to finish gives: `Ok` of the one, `Err` of the other.
async fn either<A: Future + Unpin, B: Future + Unpin>(
    a: &mut A,
    b: &mut B,
) -> Result<A::Output, B::Output> {
    poll_fn(|context| {
        if let Poll::Ready(output) = Pin::new(&mut *a).poll(context) {
            return Poll::Ready(Ok(output));
        }
        Pin::new(&mut *b).poll(context).map(Err)
    })
    .await
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;
    use crate::calls::policy::Durations;
    use crate::core::testing;

    /// It cannot come from a response, but from whatever stored it.
    #[tokio::test]
    async fn a_prediction_whose_id_cannot_be_polled_is_an_error_that_keeps_it() {
        let created = testing::prediction(r#"{"id":"a\u0007","status":"starting"}"#);
        let wait = Wait::created(
            testing::core("http://127.0.0.1:1"),
            WaitPolicy::default(),
            created.clone(),
        );
        let error = wait.await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Undecodable);
        assert_eq!(error.prediction().unwrap().id(), created.id());
        assert!(error.to_string().contains("exists"), "{error}");
    }

    #[tokio::test]
    async fn an_id_that_cannot_be_polled_is_refused_once() {
        let id = checked_id("");
        let mut wait = Wait::new(
            testing::core("http://127.0.0.1:1"),
            WaitPolicy::default(),
            id,
        );
        let error = wait.next().await.unwrap().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidId);
        assert!(wait.next().await.is_none());
    }

    #[test]
    fn the_debug_form_names_what_is_waited_for() {
        let core = testing::core("http://127.0.0.1:1");
        let wait = Wait::new(core, WaitPolicy::default(), checked_id("abc"));
        let printed = format!("{wait:?}");
        assert!(
            printed.contains("abc") && printed.contains("hedge_after"),
            "{printed}"
        );
    }

    /// Answers every poll: created at 08:15:30, still running, and 100 s later by its own clock.
    async fn slow_service() -> String {
        const BODY: &str =
            r#"{"id":"p","status":"processing","created_at":"2026-03-20T08:15:30.000Z"}"#;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut request = vec![];
                while !request.ends_with(b"\r\n\r\n") {
                    request.push(stream.read_u8().await.unwrap());
                }
                let head = "HTTP/1.1 200 OK\r\nDate: Fri, 20 Mar 2026 08:17:10 GMT\r\n\
                    Content-Type: application/json\r\nConnection: close";
                let response = format!("{head}\r\nContent-Length: {}\r\n\r\n{BODY}", BODY.len());
                stream.write_all(response.as_bytes()).await.unwrap();
            }
        });
        format!("http://{address}")
    }

    #[tokio::test]
    async fn the_pace_of_a_wait_for_an_id_begins_with_the_age_that_the_service_tells() {
        let policy = WaitPolicy {
            // The last poll is due after 0.1 s.
            timeout: Duration::from_millis(600),
            pace: PollPace {
                min: Duration::ZERO,
                share: 0.1,
                max: Duration::MAX,
                jitter: 0.0,
            },
            ..WaitPolicy::default()
        };
        let core = testing::core(&slow_service().await);
        let error = Wait::new(core, policy, checked_id("p")).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::WaitTimeout);
        // A tenth of the age is beyond that; a tenth of the time waited would be many polls.
        assert_eq!(error.attempts(), Some(2));
    }

    #[test]
    fn a_schedule_or_a_pace_of_its_own_is_kept() {
        let schedule = |seconds| {
            let durations: Durations = [Duration::from_secs(seconds)].into_iter().collect();
            durations.schedule()
        };
        let kept = |policy: WaitPolicy| {
            let core = testing::core("http://127.0.0.1:1");
            let wait = Wait::new(core, policy, checked_id("p")).schedule(schedule(1));
            let State::Idle(poller) = wait.0 else {
                panic!("it waits");
            };
            poller.policy.schedule.clone()
        };
        let mut policy = WaitPolicy::default();
        assert_eq!(kept(policy.clone()), schedule(1));
        policy.schedule = schedule(2);
        assert_eq!(kept(policy.clone()), schedule(2));
        policy.schedule = None;
        policy.pace = PollPace::every(Duration::from_secs(1));
        assert_eq!(kept(policy), None);
    }
}
