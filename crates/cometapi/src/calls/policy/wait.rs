//! What follows for a wait from what happened to a poll.

use std::time::Duration;

use crate::calls::policy::next_poll::NextPoll;
use crate::calls::policy::pace::PollPace;
use crate::calls::policy::schedule::PollSchedule;
use crate::core::error_kind::ErrorKind;
use crate::core::response::{AttemptOutcome, Body};

/// How a wait polls and when it stops. The deadline is always finite.
///
/// ```
/// use std::time::Duration;
/// use cometapi::WaitPolicy;
///
/// let mut policy = WaitPolicy::default();
/// policy.timeout = Duration::from_secs(60);
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct WaitPolicy {
    /// How long to wait in all; 15 minutes by default. For a run just created it counts from
    /// the response to the create request. The last poll is sent before the deadline, early by a fifth of the
    /// timeout, but by at least 0.5 s and at most 2 s.
    pub timeout: Duration,
    /// How long one poll may take; 60 s by default. The reference's own check saw none
    /// answered within 45 s.
    pub attempt_timeout: Duration,
    /// When a poll has been silent this long, a second is sent beside it and the first
    /// answer wins; 10 s by default. At most one is sent beside.
    pub hedge_after: Duration,
    /// How long the service may say that it does not know the id; 30 s by default. It was
    /// observed to do so for a few seconds after a create request.
    pub not_found_grace: Duration,
    /// The pauses between polls: a tenth of the prediction's age, from 0.51 to 10 s, by default. A delay that
    /// the service names wins over a shorter one.
    pub pace: PollPace,
    /// When to poll a run of a model whose past durations are known, instead of the pace; none by
    /// default. It never polls more often than every 250 ms.
    pub schedule: Option<PollSchedule>,
}

impl Default for WaitPolicy {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(15 * 60),
            attempt_timeout: Duration::from_secs(60),
            hedge_after: Duration::from_secs(10),
            not_found_grace: Duration::from_secs(30),
            pace: PollPace::default(),
            schedule: None,
        }
    }
}

/// What happened to a poll, in the terms that decide whether to continue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PollOutcome {
    /// A state was seen.
    State,
    /// No state this time; the next poll may bring one.
    Nothing,
    /// The id is not known.
    Missing,
    /// It will not get better.
    Stop(ErrorKind),
}

impl PollOutcome {
    pub(crate) fn of(attempt: &AttemptOutcome) -> Self {
        let (meta, body) = match attempt {
            AttemptOutcome::Impossible(_) => return Self::Stop(ErrorKind::InvalidId),
            AttemptOutcome::Response(meta, body) => (meta, body),
            _ => return Self::Nothing,
        };
        match (meta.status.as_u16(), body) {
            (200..=299, Body::Prediction(_)) => Self::State,
            // It may have been something else before it broke off.
            (_, Body::Unreadable { .. }) => Self::Nothing,
            (_, Body::Error(e)) if e.is_missing_task() => Self::Missing,
            (404, _) => Self::Missing,
            (402, _) => Self::Stop(ErrorKind::OutOfQuota),
            (401 | 403, Body::Error(e)) if e.is_quota() => Self::Stop(ErrorKind::OutOfQuota),
            (401, _) => Self::Stop(ErrorKind::Unauthorized),
            (403, Body::Error(e)) if e.is_own() => Self::Stop(ErrorKind::Unauthorized),
            // A firewall's 403 says nothing of the key, and may pass.
            (403 | 408 | 429, _) => Self::Nothing,
            (407, _) => Self::Stop(ErrorKind::NeverReached),
            (400..=499, _) => Self::Stop(ErrorKind::Refused),
            _ => Self::Nothing,
        }
    }
}

impl WaitPolicy {
    /// The time kept for the last poll, so that its response can arrive before the deadline:
    /// a fifth of the timeout, between 0.5 and 2 s. A timeout below that is kept whole, which
    /// leaves one poll, sent at once.
    fn reserve(&self) -> Duration {
        (self.timeout / 5)
            .clamp(Duration::from_millis(500), Duration::from_secs(2))
            .min(self.timeout)
    }

    /// When to poll next: what every wait does. The prediction was created `age` ago, `left` is left until
    /// the deadline, and the service asked for a delay of `retry_after`. `chance`, from 0 to 1,
    /// decides the jitter; 0.5 gives none.
    pub fn next_poll(
        &self,
        age: Duration,
        left: Duration,
        retry_after: Option<Duration>,
        chance: f64,
    ) -> NextPoll {
        let schedule = self.schedule.as_ref();
        let own = schedule
            .and_then(|schedule| schedule.pause(age, self.pace.swing(chance)))
            .unwrap_or_else(|| self.pace.pause(age, chance));
        let pause = retry_after.map_or(own, |delay| delay.max(own));
        let latest = left.saturating_sub(self.reserve());
        NextPoll {
            pause: pause.min(latest),
            is_last: pause >= latest,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::calls::policy::Durations;

    fn event(status: u16, body: &str) -> PollOutcome {
        let mut response = http::Response::new(bytes::Bytes::from(body.to_owned()));
        *response.status_mut() = http::StatusCode::from_u16(status).unwrap();
        PollOutcome::of(&crate::core::testing::attempt(response, Some("a")))
    }

    #[test]
    fn every_answer_is_decided_as_the_design_says() {
        use ErrorKind as K;
        use PollOutcome::{Missing, Nothing, State, Stop};
        let rows = [
            (200, r#"{"id":"a","status":"resting"}"#, State),
            (200, r#"{"code":"success","data":null}"#, Nothing),
            (200, "<!doctype html>", Nothing),
            (200, "{\"id\":\"a", Nothing),
            (200, "", Nothing),
            (200, r#"{"code":"task_not_exist","message":"m"}"#, Missing),
            (400, r#"{"code":"task_not_exist","message":"m"}"#, Missing),
            (404, "", Missing),
            (404, "<html>", Missing),
            (401, "", Stop(K::Unauthorized)),
            (403, r#"{"error":{"message":"no"}}"#, Stop(K::Unauthorized)),
            (402, "", Stop(K::OutOfQuota)),
            (401, "{\"error\":{\"mess", Nothing),
            (401, "unauthorized", Stop(K::Unauthorized)),
            (
                401,
                r#"{"error":{"message":"m","code":"insufficient_user_quota"}}"#,
                Stop(K::OutOfQuota),
            ),
            (403, r#"{"detail":"no"}"#, Stop(K::Unauthorized)),
            (403, "", Nothing),
            (403, "<html>", Nothing),
            (403, "error code: 1010", Nothing),
            (403, r#"{"message":"Forbidden"}"#, Nothing),
            (403, r#"{"message":"quota exceeded"}"#, Nothing),
            (404, "{\"co", Nothing),
            (400, "{\"co", Nothing),
            (407, "", Stop(K::NeverReached)),
            (200, r#"{"id":"other","status":"succeeded"}"#, Nothing),
            (
                200,
                r#"{"code":"success","data":{"task_id":"other","status":"SUCCESS"}}"#,
                Nothing,
            ),
            // The id inside an envelope may be the provider's.
            (
                200,
                r#"{"code":"success","data":{"id":"other","status":"succeeded"}}"#,
                State,
            ),
            (
                200,
                r#"{"code":"success","data":{"task_id":"a","status":"SUCCESS","data":{"id":"other","status":"succeeded"}}}"#,
                State,
            ),
            (
                200,
                "\u{feff}{\"id\":\"a\",\"status\":\"succeeded\"}",
                State,
            ),
            (
                200,
                r#"{"id":"a","status":"succeeded","logs":"\ud83d"}"#,
                State,
            ),
            (
                200,
                r#"{"task_id":"a","status":"FAILURE","fail_reason":"no"}"#,
                State,
            ),
            (
                403,
                r#"{"code":null,"message":"user quota is not enough"}"#,
                Stop(K::OutOfQuota),
            ),
            (400, r#"{"error":{"message":"no"}}"#, Stop(K::Refused)),
            (408, "", Nothing),
            (429, "", Nothing),
            (
                500,
                r#"{"error":{"message":"m","code":"invalid_request"}}"#,
                Nothing,
            ),
            (502, "<html>", Nothing),
            (524, "<html>", Nothing),
            (302, "", Nothing),
        ];
        for (status, body, expected) in rows {
            assert_eq!(event(status, body), expected, "{status} {body}");
        }
    }

    #[test]
    fn only_a_poll_that_cannot_be_made_ends_a_wait_without_a_response() {
        let impossible = cometapi_client::Error::InvalidRequest("no url".to_owned());
        assert_eq!(
            PollOutcome::of(&AttemptOutcome::Impossible(Box::new(impossible))),
            PollOutcome::Stop(ErrorKind::InvalidId)
        );
        let lost = || reqwest::Client::new().get("x:").build().unwrap_err();
        for attempt in [
            AttemptOutcome::NoConnection(lost()),
            AttemptOutcome::NoConnectionPossible(lost()),
            AttemptOutcome::NoResponse(lost()),
        ] {
            assert_eq!(
                PollOutcome::of(&attempt),
                PollOutcome::Nothing,
                "{attempt:?}"
            );
        }
    }

    #[test]
    fn the_last_poll_has_a_fifth_of_the_timeout_within_limits() {
        for (timeout, reserve) in [
            (0, 0),
            (1, 1),
            (499, 499),
            (500, 500),
            (501, 500),
            (2_000, 500),
            (2_500, 500),
            (5_000, 1_000),
            (9_999, 1_999),
            (10_000, 2_000),
            (60_000, 2_000),
            (900_000, 2_000),
        ] {
            let policy = WaitPolicy {
                timeout: Duration::from_millis(timeout),
                ..WaitPolicy::default()
            };
            assert_eq!(policy.reserve().as_millis(), reserve, "{timeout} ms");
        }
        let endless = WaitPolicy {
            timeout: Duration::MAX,
            ..WaitPolicy::default()
        };
        assert_eq!(endless.reserve(), Duration::from_secs(2));
    }

    #[test]
    fn a_timeout_below_the_reserve_leaves_one_poll_that_is_sent_at_once() {
        let policy = WaitPolicy {
            timeout: Duration::from_millis(300),
            ..WaitPolicy::default()
        };
        assert_eq!(
            policy.next_poll(Duration::ZERO, policy.timeout, None, 0.5),
            last(Duration::ZERO)
        );
    }

    fn poll(pause: Duration) -> NextPoll {
        NextPoll {
            pause,
            is_last: false,
        }
    }

    fn last(pause: Duration) -> NextPoll {
        NextPoll {
            pause,
            is_last: true,
        }
    }

    #[test]
    fn the_last_poll_comes_before_the_deadline() {
        let policy = WaitPolicy::default();
        let secs = Duration::from_secs;
        for (age, left, retry_after, expected) in [
            (0, 900, None, poll(Duration::from_millis(510))),
            (0, 900, Some(20), poll(secs(20))),
            (200, 900, Some(2), poll(secs(10))),
            (200, 11, None, last(secs(9))),
            (200, 1, None, last(secs(0))),
            (0, 30, Some(500), last(secs(28))),
            // A pause that ends when the last poll is due leaves no time for one more.
            (0, 30, Some(28), last(secs(28))),
        ] {
            assert_eq!(
                policy.next_poll(secs(age), secs(left), retry_after.map(secs), 0.5),
                expected,
                "{age} {left} {retry_after:?}"
            );
        }
    }

    proptest! {
        /// Whatever a history says, however wrong.
        #[test]
        fn a_schedule_polls_every_250_ms_at_most_and_keeps_the_deadline(
            history in proptest::collection::vec(any::<u64>(), 1..80),
            scale in 0u32..64, age in any::<u64>(), left in any::<u64>(),
            retry_after in proptest::option::of(any::<u64>()), chance in any::<f64>(),
        ) {
            let millis = Duration::from_millis;
            let durations: Durations = history.iter().map(|it| millis(it >> scale)).collect();
            let policy = WaitPolicy {
                schedule: durations.schedule(),
                ..WaitPolicy::default()
            };
            let (age, left) = (millis(age >> scale), millis(left));
            let retry_after = retry_after.map(millis);
            let next = policy.next_poll(age, left, retry_after, chance);
            prop_assert!(next.is_last || next.pause >= millis(250), "{next:?}");
            prop_assert!(next.is_last || next.pause >= retry_after.unwrap_or_default());
            prop_assert!(next.pause <= left.saturating_sub(policy.reserve()));
            // Twelve times the pace, and its jitter.
            let most = policy.pace.pause(age + next.pause, 1.0) * 13;
            prop_assert!(next.is_last || next.pause <= most.max(retry_after.unwrap_or_default()), "{next:?} {most:?}");
        }
    }
}
