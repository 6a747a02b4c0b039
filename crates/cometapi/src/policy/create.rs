//! What becomes of a create, by what was heard of it. Money hangs on this, so it is a table.

use std::time::Duration;

use crate::error::ErrorKind;
use crate::heard::{Body, Heading, Heard};
use crate::policy::Backoff;

/// How a create is repeated when it provably did not happen: no connection was made, or the
/// service answered 429. Nothing else is ever sent again.
///
/// ```
/// use std::time::Duration;
/// use cometapi::CreatePolicy;
///
/// let mut policy = CreatePolicy::default();
/// policy.max_told_delay = Duration::from_secs(10);
/// assert_eq!(policy.attempts, 5);
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct CreatePolicy {
    /// Requests at most; 5 by default, 1 for no repeats at all.
    pub attempts: u32,
    /// How long one attempt may take; 120 s by default. The gateway repeats a failed submit
    /// through other channels by itself (observed), so a create may be slow, and one given
    /// up is in doubt.
    pub attempt_timeout: Duration,
    /// How long all attempts and pauses may take together; 5 minutes by default.
    pub time_limit: Duration,
    /// The longest delay that the service may ask for and be given; 60 s by default. Asked
    /// for more, the create stops at once and says when to come back.
    pub max_told_delay: Duration,
    /// The pauses when the service names none.
    pub backoff: Backoff,
    /// Sends the create again although it may have been accepted; off by default. Each such
    /// repeat may be charged once more: for those to whom a missing picture costs more than
    /// two.
    pub repeat_when_in_doubt: bool,
}

impl Default for CreatePolicy {
    fn default() -> Self {
        Self {
            attempts: 5,
            attempt_timeout: Duration::from_secs(120),
            time_limit: Duration::from_secs(300),
            max_told_delay: Duration::from_secs(60),
            backoff: Backoff {
                factor: 2.0,
                max: Duration::from_secs(30),
                ..Backoff::default()
            },
            repeat_when_in_doubt: false,
        }
    }
}

impl CreatePolicy {
    /// The pause before attempt `sent + 1`, when `sent` have been made and `elapsed` has
    /// passed; `None` to stop.
    pub(crate) fn pause(
        &self,
        sent: u32,
        elapsed: Duration,
        told: Option<Duration>,
        chance: f64,
    ) -> Option<Duration> {
        if sent >= self.attempts || told.is_some_and(|told| told > self.max_told_delay) {
            return None;
        }
        let own = self.backoff.delay(sent.saturating_sub(1), chance);
        // Never earlier than told; a little later, so that all who were told do not return
        // together.
        let pause = match told {
            Some(told) => told.saturating_add(own.mul_f64(0.1)),
            None => own,
        };
        (elapsed.saturating_add(pause) <= self.time_limit).then_some(pause)
    }
}

/// What was heard of a create, in the terms that decide about money.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CreateEvent {
    NotSendable,
    NoConnection,
    TooManyRequests,
    Created,
    SuccessWithoutId,
    WebPageOrRedirect,
    KeyRefused,
    OutOfQuota,
    RefusedByStatus,
    RefusedByBody,
    QuotaByBody,
    Doubt,
}

/// What to do about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It exists.
    Created,
    /// It provably did not happen: again, by policy; when the policy is spent, this.
    Again(ErrorKind),
    /// It did not happen and will not.
    Stop(ErrorKind),
    /// Nobody knows. Never again by itself.
    MaybeAccepted,
}

/// A row of the table: what was heard, in words and as it is told apart, and what follows.
pub(crate) struct Row {
    pub(crate) event: CreateEvent,
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "for people: the README is held to it")
    )]
    pub(crate) words: &'static str,
    pub(crate) verdict: Verdict,
}

const fn row(event: CreateEvent, verdict: Verdict, words: &'static str) -> Row {
    Row {
        event,
        words,
        verdict,
    }
}

/// The table. The README shows it; a test holds the two together.
pub(crate) const TABLE: [Row; 12] = {
    use CreateEvent as Heard;
    use Verdict::{Again, Created, MaybeAccepted, Stop};
    [
        row(
            Heard::NotSendable,
            Stop(ErrorKind::InvalidInput),
            "the request cannot be made",
        ),
        row(
            Heard::NoConnection,
            Again(ErrorKind::NeverReached),
            "no connection was made",
        ),
        row(
            Heard::TooManyRequests,
            Again(ErrorKind::RateLimited),
            "429, in any shape",
        ),
        row(Heard::Created, Created, "2xx with an id, in any shape"),
        row(
            Heard::SuccessWithoutId,
            MaybeAccepted,
            "2xx without an id; a body cut or unreadable",
        ),
        row(
            Heard::WebPageOrRedirect,
            Stop(ErrorKind::WrongEndpoint),
            "2xx with a web page; any 3xx",
        ),
        row(
            Heard::KeyRefused,
            Stop(ErrorKind::Unauthorized),
            "401; 403 not about quota",
        ),
        row(
            Heard::OutOfQuota,
            Stop(ErrorKind::OutOfQuota),
            "402; 403 about quota",
        ),
        row(
            Heard::RefusedByStatus,
            Stop(ErrorKind::Refused),
            "any other 4xx but 408",
        ),
        row(
            Heard::RefusedByBody,
            Stop(ErrorKind::Refused),
            "2xx or 5xx whose body refuses",
        ),
        row(
            Heard::QuotaByBody,
            Stop(ErrorKind::OutOfQuota),
            "2xx or 5xx whose body names quota",
        ),
        row(
            Heard::Doubt,
            MaybeAccepted,
            "408; any other 5xx; connection lost, time out",
        ),
    ]
};

/// The table's row for `event`. An event without a row would be a doubt, the careful reading.
pub(crate) fn verdict(event: CreateEvent) -> Verdict {
    TABLE
        .iter()
        .find(|row| row.event == event)
        .map_or(Verdict::MaybeAccepted, |row| row.verdict)
}

impl CreateEvent {
    pub(crate) fn of(heard: &Heard) -> Self {
        match heard {
            Heard::Impossible(_) => Self::NotSendable,
            Heard::NoConnection(_) => Self::NoConnection,
            Heard::NoAnswer(_) => Self::Doubt,
            Heard::Answer(heading, body) => Self::answered(heading, body),
        }
    }

    fn answered(heading: &Heading, body: &Body) -> Self {
        let status = heading.status.as_u16();
        match (status, body) {
            (200..=299, Body::Prediction(_)) => Self::Created,
            (200..=299, Body::Html) | (300..=399, _) => Self::WebPageOrRedirect,
            // A success in name only: the body says that it was refused.
            (200..=299, Body::Error(e)) if e.is_quota() => Self::QuotaByBody,
            (200..=299, Body::Error(e)) if e.is_refusal() => Self::RefusedByBody,
            (200..=299, _) => Self::SuccessWithoutId,
            (429, _) => Self::TooManyRequests,
            (402, _) => Self::OutOfQuota,
            (401 | 403, Body::Error(e)) if e.is_quota() => Self::OutOfQuota,
            (401 | 403, _) => Self::KeyRefused,
            (408, _) => Self::Doubt,
            (400..=499, _) => Self::RefusedByStatus,
            (_, Body::Error(e)) if e.is_quota() => Self::QuotaByBody,
            (_, Body::Error(e)) if e.is_refusal() => Self::RefusedByBody,
            _ => Self::Doubt,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(status: u16, body: &str) -> Heard {
        let mut response = http::Response::new(bytes::Bytes::from(body.to_owned()));
        *response.status_mut() = http::StatusCode::from_u16(status).unwrap();
        crate::testing::heard(response)
    }

    /// The rows of design's table that come with an answer, and what each must mean.
    #[test]
    fn every_answer_is_decided_as_the_table_of_the_design_says() {
        use CreateEvent as E;
        let id = r#"{"id":"a","status":"starting"}"#;
        let gateway = |code: &str| {
            format!(r#"{{"error":{{"message":"m","type":"comet_api_error","code":"{code}"}}}}"#)
        };
        let rows: Vec<(u16, String, E)> = vec![
            (200, id.into(), E::Created),
            (201, id.into(), E::Created),
            (202, id.into(), E::Created),
            (203, id.into(), E::Created),
            (201, r#"{"code":"fail_to_fetch_task","message":"{\"id\":\"a\",\"status\":\"starting\"}","data":null}"#.into(), E::Created),
            (200, r#"{"code":"success","data":{"task_id":"t","status":"SUBMITTED","data":null}}"#.into(), E::Created),
            (200, r#"{"ok":true}"#.into(), E::SuccessWithoutId),
            (200, String::new(), E::SuccessWithoutId),
            (200, r#"{"id":"abc","mod"#.into(), E::SuccessWithoutId),
            (200, gateway("invalid_request"), E::RefusedByBody),
            (200, "<!doctype html>".into(), E::WebPageOrRedirect),
            (301, String::new(), E::WebPageOrRedirect),
            (302, "<html>".into(), E::WebPageOrRedirect),
            (429, String::new(), E::TooManyRequests),
            (429, r#"{"detail":"throttled"}"#.into(), E::TooManyRequests),
            (429, "<html>".into(), E::TooManyRequests),
            (401, gateway(""), E::KeyRefused),
            (403, gateway("access_denied"), E::KeyRefused),
            (403, "<html>".into(), E::KeyRefused),
            (403, r#"{"code":null,"message":"user quota is not enough"}"#.into(), E::OutOfQuota),
            (402, r#"{"title":"Insufficient credit","detail":"d","status":402}"#.into(), E::OutOfQuota),
            (400, gateway("invalid_request"), E::RefusedByStatus),
            (404, String::new(), E::RefusedByStatus),
            (413, gateway("read_request_body_failed"), E::RefusedByStatus),
            (422, r#"{"detail":"d"}"#.into(), E::RefusedByStatus),
            (408, String::new(), E::Doubt),
            (500, gateway("invalid_request"), E::RefusedByBody),
            (503, gateway("model_not_found"), E::RefusedByBody),
            (500, gateway("prompt_blocked"), E::RefusedByBody),
            (500, gateway("model_price_error"), E::RefusedByBody),
            (500, gateway("insufficient_user_quota"), E::QuotaByBody),
            (500, gateway("do_request_failed"), E::Doubt),
            (502, "<html>".into(), E::Doubt),
            (503, gateway(""), E::Doubt),
            (504, String::new(), E::Doubt),
            (524, "<!DOCTYPE html>".into(), E::Doubt),
            (520, "x".into(), E::Doubt),
        ];
        for (status, body, event) in rows {
            assert_eq!(
                CreateEvent::of(&heard(status, &body)),
                event,
                "{status} {body}"
            );
        }
    }

    #[test]
    fn only_two_events_are_ever_sent_again() {
        let again: Vec<_> = TABLE
            .iter()
            .filter(|row| matches!(row.verdict, Verdict::Again(_)))
            .map(|row| row.event)
            .collect();
        assert_eq!(
            again,
            [CreateEvent::NoConnection, CreateEvent::TooManyRequests]
        );
    }

    /// The README's table is this one.
    #[test]
    fn the_readme_shows_the_table() {
        let readme = concat!(env!("CARGO_MANIFEST_DIR"), "/../../README.md");
        let readme = std::fs::read_to_string(readme).unwrap();
        for row in &TABLE {
            let outcome = match row.verdict {
                Verdict::Created => "created".to_owned(),
                Verdict::Again(kind) => format!("sent again, then `{kind:?}`"),
                Verdict::Stop(kind) => format!("`{kind:?}`"),
                Verdict::MaybeAccepted => "`MaybeAccepted`".to_owned(),
            };
            let line = format!("| {} | {outcome} |", row.words);
            assert!(readme.contains(&line), "the readme lacks {line}");
        }
    }

    #[test]
    fn a_told_delay_is_kept_or_ends_it() {
        let policy = CreatePolicy::default();
        let secs = Duration::from_secs;
        let pause = policy.pause(1, secs(0), Some(secs(7)), 0.5).unwrap();
        assert!(pause >= secs(7) && pause < secs(8), "{pause:?}");
        assert!(policy.pause(1, secs(0), Some(secs(60)), 0.5).is_some());
        assert_eq!(policy.pause(1, secs(0), Some(secs(61)), 0.5), None);
        assert_eq!(policy.pause(1, secs(290), Some(secs(11)), 0.5), None);
        assert_eq!(policy.pause(5, secs(0), None, 0.5), None);
        // A policy without bounds and a service without sense do not overflow.
        let boundless = CreatePolicy {
            max_told_delay: Duration::MAX,
            ..CreatePolicy::default()
        };
        assert_eq!(boundless.pause(1, secs(1), Some(Duration::MAX), 0.5), None);
        assert_eq!(policy.pause(1, secs(0), None, 0.5), Some(secs(1)));
        assert_eq!(policy.pause(2, secs(0), None, 0.5), Some(secs(2)));
    }
}
