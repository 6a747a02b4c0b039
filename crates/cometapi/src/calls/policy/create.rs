//! What follows from what happened to a create request. Money depends on it, so it is a table.

use std::time::Duration;

use crate::core::backoff::Backoff;
use crate::core::error_kind::ErrorKind;
use crate::core::response::{AttemptOutcome, Body};
use crate::core::retry_after;

/// How a create request is repeated when it provably did not happen: no connection was made, or the
/// service answered 429. Nothing else is ever sent again.
///
/// ```
/// use std::time::Duration;
/// use cometapi::CreatePolicy;
///
/// let mut policy = CreatePolicy::default();
/// policy.max_retry_after = Duration::from_secs(10);
/// assert_eq!(policy.max_attempts, 5);
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct CreatePolicy {
    /// Requests at most; 5 by default, 1 for no repeats at all.
    pub max_attempts: u32,
    /// How long one attempt may take; 120 s by default. The gateway repeats a failed submit
    /// through other channels by itself (observed), so a create request may be slow, and one given
    /// up is in doubt.
    pub attempt_timeout: Duration,
    /// How long all attempts and pauses may take together; 5 minutes by default.
    pub timeout: Duration,
    /// The longest delay that the service may ask for and be given; 60 s by default. Asked
    /// for more, the create request stops at once and says when to come back.
    pub max_retry_after: Duration,
    /// The pauses when the service names none; 1 s, then times 2 each up to 30 s by default.
    pub backoff: Backoff,
    /// Sends the create request again although it may have been accepted; off by default. Each such
    /// repeat may be charged once more: for those to whom a missing image costs more than
    /// two.
    pub retry_unresolved: bool,
}

impl Default for CreatePolicy {
    fn default() -> Self {
        Self {
            max_attempts: 5,
            attempt_timeout: Duration::from_secs(120),
            timeout: Duration::from_secs(300),
            max_retry_after: Duration::from_secs(60),
            backoff: Backoff {
                factor: 2.0,
                max: Duration::from_secs(30),
                ..Backoff::default()
            },
            retry_unresolved: false,
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
        retry_after: Option<Duration>,
        chance: f64,
    ) -> Option<Duration> {
        if sent >= self.max_attempts
            || retry_after.is_some_and(|delay| delay > self.max_retry_after)
        {
            return None;
        }
        let own = self.backoff.delay(sent.saturating_sub(1), chance);
        let pause = retry_after::pause(retry_after, own);
        (elapsed.saturating_add(pause) <= self.timeout).then_some(pause)
    }
}

/// Declares the outcomes, each with the words of its row of the table that the documentation of
/// [`Create`](crate::Create) shows.
macro_rules! outcomes {
    ($($outcome:ident = $words:literal,)+) => {
        /// What happened to a create request, in the terms that decide about money.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum CreateOutcome {
            $($outcome,)+
        }

        #[cfg(test)]
        impl CreateOutcome {
            pub(crate) const ALL: &[Self] = &[$(Self::$outcome),+];

            pub(crate) fn words(self) -> &'static str {
                match self {
                    $(Self::$outcome => $words),+
                }
            }
        }
    };
}

outcomes! {
    NotSendable = "the request cannot be made",
    NoConnection = "no connection: name not found, refused, TLS handshake cut",
    NoConnectionPossible = "no connection, and a retry cannot help: bad certificate, proxy 407, unsupported scheme",
    TooManyRequests = "429 of any shape",
    Created = "2xx with an id at the top level, in `data`, or in a JSON `message`",
    RefusedByCode = "2xx or 5xx whose JSON code refuses",
    OutOfQuotaByCode = "2xx or 5xx whose JSON code is about quota",
    SuccessWithoutId = "2xx without an id; body cut or unreadable",
    SeeOther = "302, 303 (never followed)",
    WrongEndpoint = "2xx with a web page; any other 3xx",
    KeyRefused = "401; 403 in the service's own JSON; neither about quota",
    Blocked = "any other 403: a firewall or proxy answered",
    OutOfQuota = "402; 401 or 403 about quota",
    RefusedByStatus = "any other 4xx but 408",
    Unknown = "408; other 5xx; connection lost or timeout after bytes left",
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CreateDecision {
    /// The prediction exists.
    Created,
    /// The request provably had no effect: retry by policy; when the policy is spent, this.
    Retry(ErrorKind),
    /// Nothing was created, and a retry would not change that.
    Stop(ErrorKind),
    /// The outcome is unknown. Never retried by itself.
    MaybeAccepted,
}

impl CreateDecision {
    #[cfg(test)]
    fn outcome(self) -> String {
        match self {
            Self::Created => "created".to_owned(),
            Self::Retry(kind) => {
                format!("retried by policy, then [`{kind:?}`](ErrorKind::{kind:?})")
            }
            Self::Stop(kind) => format!("[`{kind:?}`](ErrorKind::{kind:?})"),
            Self::MaybeAccepted => Self::Stop(ErrorKind::MaybeAccepted).outcome(),
        }
    }
}

impl CreateOutcome {
    /// The money table.
    pub(crate) fn decision(self) -> CreateDecision {
        use CreateDecision::{Created, MaybeAccepted, Retry, Stop};
        match self {
            Self::NotSendable => Stop(ErrorKind::InvalidInput),
            Self::NoConnection => Retry(ErrorKind::NeverReached),
            Self::NoConnectionPossible => Stop(ErrorKind::NeverReached),
            Self::TooManyRequests => Retry(ErrorKind::RateLimited),
            Self::Created => Created,
            Self::RefusedByCode | Self::RefusedByStatus => Stop(ErrorKind::Refused),
            Self::OutOfQuotaByCode | Self::OutOfQuota => Stop(ErrorKind::OutOfQuota),
            Self::WrongEndpoint => Stop(ErrorKind::WrongEndpoint),
            Self::KeyRefused => Stop(ErrorKind::Unauthorized),
            Self::Blocked => Stop(ErrorKind::Blocked),
            Self::SuccessWithoutId | Self::SeeOther | Self::Unknown => MaybeAccepted,
        }
    }

    pub(crate) fn of(attempt: &AttemptOutcome) -> Self {
        match attempt {
            AttemptOutcome::Impossible(_) => Self::NotSendable,
            AttemptOutcome::NoConnection(_) => Self::NoConnection,
            AttemptOutcome::NoConnectionPossible(_) => Self::NoConnectionPossible,
            AttemptOutcome::NoResponse(_) => Self::Unknown,
            AttemptOutcome::Response(meta, body) => Self::of_response(meta.status.as_u16(), body),
        }
    }

    fn of_response(status: u16, body: &Body) -> Self {
        match (status, body) {
            (200..=299, Body::Prediction(_)) => Self::Created,
            (302 | 303, _) => Self::SeeOther,
            (200..=299, Body::Html) | (300..=399, _) => Self::WrongEndpoint,
            (200..=299 | 500.., Body::Error(e)) if e.is_quota_code() => Self::OutOfQuotaByCode,
            (200..=299 | 500.., Body::Error(e)) if e.is_refusal() => Self::RefusedByCode,
            (200..=299, _) => Self::SuccessWithoutId,
            (429, _) => Self::TooManyRequests,
            (402, _) => Self::OutOfQuota,
            (401 | 403, Body::Error(e)) if e.is_quota() => Self::OutOfQuota,
            (401, _) => Self::KeyRefused,
            (403, Body::Error(e)) if e.is_own() => Self::KeyRefused,
            (403, _) => Self::Blocked,
            // A proxy's: the request never reached the service.
            (407, _) => Self::NoConnectionPossible,
            (408, _) => Self::Unknown,
            (400..=499, _) => Self::RefusedByStatus,
            _ => Self::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::error_kind::Creation;

    fn event(status: u16, body: &str) -> CreateOutcome {
        let mut response = http::Response::new(bytes::Bytes::from(body.to_owned()));
        *response.status_mut() = http::StatusCode::from_u16(status).unwrap();
        CreateOutcome::of(&crate::core::testing::attempt(response, None))
    }

    /// The rows of the table that come with a response, and what each must mean.
    #[test]
    #[expect(clippy::too_many_lines, reason = "a table is as long as it is")]
    fn every_response_is_decided_by_the_table() {
        use CreateOutcome as E;
        let id = r#"{"id":"a","status":"starting"}"#;
        let gateway = |code: &str| {
            format!(r#"{{"error":{{"message":"m","type":"comet_api_error","code":"{code}"}}}}"#)
        };
        let quoting = |code: &str, quoted: &str| {
            serde_json::json!({"error": {"code": code, "message": quoted}}).to_string()
        };
        let passed_on = |inner: &str| {
            serde_json::json!({"code": "fail_to_fetch_task", "message": inner, "data": null})
                .to_string()
        };
        let inner_422 = r#"{"title":"T","detail":"d","status":422}"#;
        let rows: Vec<(u16, String, E)> = vec![
            (200, id.into(), E::Created),
            (201, id.into(), E::Created),
            (202, id.into(), E::Created),
            (203, id.into(), E::Created),
            (200, format!("\u{feff}{id}"), E::Created),
            (
                200,
                r#"{"id":"a","status":"starting","logs":"\ud83d"}"#.into(),
                E::Created,
            ),
            (201, passed_on(id), E::Created),
            (
                200,
                r#"{"code":"success","data":{"task_id":"t","status":"SUBMITTED","data":null}}"#
                    .into(),
                E::Created,
            ),
            (
                200,
                r#"{"task_id":"t","status":"SUBMITTED"}"#.into(),
                E::Created,
            ),
            (
                200,
                r#"{"code":200,"data":{"task_id":"t","status":"SUBMITTED"}}"#.into(),
                E::Created,
            ),
            (
                200,
                r#"{"code":0,"data":"{\"task_id\":\"t\",\"status\":\"SUBMITTED\"}"}"#.into(),
                E::Created,
            ),
            (
                200,
                r#"{"id":"video_bGl0=","status":"starting"}"#.into(),
                E::Created,
            ),
            (
                200,
                r#"{"id":"a\u0007","status":"starting"}"#.into(),
                E::SuccessWithoutId,
            ),
            (
                200,
                r#"{"id":"a\u0007","status":"succeeded","output":"https://a/b"}"#.into(),
                E::Created,
            ),
            (200, r#"{"ok":true}"#.into(), E::SuccessWithoutId),
            (200, String::new(), E::SuccessWithoutId),
            (200, "accepted".into(), E::SuccessWithoutId),
            (200, r#"{"id":"abc","mod"#.into(), E::SuccessWithoutId),
            (200, gateway("invalid_request"), E::RefusedByCode),
            (200, gateway("insufficient_user_quota"), E::OutOfQuotaByCode),
            (
                200,
                quoting("do_request_failed", "a poster about fishing quotas"),
                E::SuccessWithoutId,
            ),
            // A refusal that quotes a prompt which looks like a prediction.
            (
                200,
                serde_json::json!({"code": "prompt_blocked", "message": id}).to_string(),
                E::RefusedByCode,
            ),
            (200, "<!doctype html>".into(), E::WrongEndpoint),
            (301, String::new(), E::WrongEndpoint),
            (307, "<html>".into(), E::WrongEndpoint),
            (302, "<html>".into(), E::SeeOther),
            (303, String::new(), E::SeeOther),
            (303, id.into(), E::SeeOther),
            (429, String::new(), E::TooManyRequests),
            (429, r#"{"detail":"throttled"}"#.into(), E::TooManyRequests),
            (429, gateway("insufficient_user_quota"), E::TooManyRequests),
            (429, "<html>".into(), E::TooManyRequests),
            (401, gateway(""), E::KeyRefused),
            (401, String::new(), E::KeyRefused),
            (401, "<html>".into(), E::KeyRefused),
            (401, gateway("insufficient_user_quota"), E::OutOfQuota),
            (
                401,
                r#"{"code":null,"message":"user quota is not enough"}"#.into(),
                E::OutOfQuota,
            ),
            (403, gateway("access_denied"), E::KeyRefused),
            (
                403,
                r#"{"error":{"code":"access_denied"}}"#.into(),
                E::KeyRefused,
            ),
            (403, r#"{"detail":"no"}"#.into(), E::KeyRefused),
            (
                403,
                r#"{"code":null,"message":"no access"}"#.into(),
                E::KeyRefused,
            ),
            (
                403,
                quoting("", "prompt blocked: fishing quotas"),
                E::KeyRefused,
            ),
            (403, "<html>".into(), E::Blocked),
            (403, "error code: 1010".into(), E::Blocked),
            (403, String::new(), E::Blocked),
            (403, r#"{"message":"Forbidden"}"#.into(), E::Blocked),
            (
                403,
                r#"{"message":"quota exceeded at the proxy"}"#.into(),
                E::Blocked,
            ),
            (403, r#"{"error":"Forbidden"}"#.into(), E::Blocked),
            (
                403,
                r#"{"code":null,"message":"user quota is not enough"}"#.into(),
                E::OutOfQuota,
            ),
            (
                402,
                r#"{"title":"Insufficient credit","detail":"d","status":402}"#.into(),
                E::OutOfQuota,
            ),
            (402, String::new(), E::OutOfQuota),
            (400, gateway("invalid_request"), E::RefusedByStatus),
            (404, String::new(), E::RefusedByStatus),
            (407, "<html>".into(), E::NoConnectionPossible),
            (413, gateway("read_request_body_failed"), E::RefusedByStatus),
            (422, r#"{"detail":"d"}"#.into(), E::RefusedByStatus),
            (408, String::new(), E::Unknown),
            (408, gateway("invalid_request"), E::Unknown),
            (500, gateway("invalid_request"), E::RefusedByCode),
            (
                500,
                format!("\u{feff}{}", gateway("invalid_request")),
                E::RefusedByCode,
            ),
            (503, gateway("model_not_found"), E::RefusedByCode),
            (500, gateway("prompt_blocked"), E::RefusedByCode),
            (500, gateway("model_price_error"), E::RefusedByCode),
            (502, passed_on(inner_422), E::RefusedByCode),
            (502, passed_on(r#"{"detail":"d","status":408}"#), E::Unknown),
            (502, quoting("do_request_failed", inner_422), E::Unknown),
            (502, quoting("", inner_422), E::Unknown),
            (500, gateway("insufficient_user_quota"), E::OutOfQuotaByCode),
            (
                502,
                quoting(
                    "do_request_failed",
                    "upstream timed out, prompt: a poster about fishing quotas",
                ),
                E::Unknown,
            ),
            (500, quoting("", "user quota is not enough"), E::Unknown),
            (500, gateway("do_request_failed"), E::Unknown),
            (502, "<html>".into(), E::Unknown),
            (503, gateway(""), E::Unknown),
            (504, String::new(), E::Unknown),
            (524, "<!DOCTYPE html>".into(), E::Unknown),
            (520, "x".into(), E::Unknown),
        ];
        for (status, body, expected) in &rows {
            assert_eq!(event(*status, body), *expected, "{status} {body}");
        }
        for outcome in CreateOutcome::ALL {
            let is_shown = rows.iter().any(|(_, _, expected)| expected == outcome);
            let has_no_response = matches!(outcome, E::NotSendable | E::NoConnection);
            assert!(
                is_shown || has_no_response,
                "add a row for {outcome:?} above"
            );
        }
    }

    #[test]
    fn without_a_response_only_a_request_that_left_is_in_doubt() {
        let lost = || reqwest::Client::new().get("x:").build().unwrap_err();
        let impossible = cometapi_client::Error::InvalidRequest("no url".to_owned());
        for (attempt, expected) in [
            (
                AttemptOutcome::Impossible(Box::new(impossible)),
                CreateOutcome::NotSendable,
            ),
            (
                AttemptOutcome::NoConnection(lost()),
                CreateOutcome::NoConnection,
            ),
            (
                AttemptOutcome::NoConnectionPossible(lost()),
                CreateOutcome::NoConnectionPossible,
            ),
            (AttemptOutcome::NoResponse(lost()), CreateOutcome::Unknown),
        ] {
            assert_eq!(CreateOutcome::of(&attempt), expected, "{attempt:?}");
        }
    }

    #[test]
    fn what_an_error_says_of_the_prediction_is_what_the_table_says() {
        for event in CreateOutcome::ALL.iter().copied() {
            let (kind, creation) = match event.decision() {
                CreateDecision::Created => continue,
                CreateDecision::Retry(kind) | CreateDecision::Stop(kind) => {
                    (kind, Creation::NotCreated)
                }
                CreateDecision::MaybeAccepted => (ErrorKind::MaybeAccepted, Creation::Unknown),
            };
            assert_eq!(kind.creation(), creation, "{event:?}");
        }
    }

    /// The kinds that prove that nothing was created, except those that are found before there is a
    /// request.
    #[test]
    fn every_kind_that_says_nothing_was_created_has_a_row() {
        use ErrorKind as K;
        let ends: Vec<_> = CreateOutcome::ALL
            .iter()
            .filter_map(|outcome| match outcome.decision() {
                CreateDecision::Retry(kind) | CreateDecision::Stop(kind) => Some(kind),
                CreateDecision::Created | CreateDecision::MaybeAccepted => None,
            })
            .collect();
        for kind in ErrorKind::ALL {
            if kind.creation() != Creation::NotCreated
                || matches!(kind, K::NoKey | K::Config | K::InvalidModel | K::InvalidId)
            {
                continue;
            }
            assert!(
                ends.contains(kind),
                "no create request ends in {kind:?}: add a row to outcomes! in this file, decide it \
                 in `decision` and recognize it in `of_response`"
            );
        }
    }

    #[test]
    fn only_two_events_are_ever_retried() {
        let retried: Vec<_> = CreateOutcome::ALL
            .iter()
            .copied()
            .filter(|event| matches!(event.decision(), CreateDecision::Retry(_)))
            .collect();
        assert_eq!(
            retried,
            [CreateOutcome::NoConnection, CreateOutcome::TooManyRequests]
        );
    }

    /// The documentation of `Create` shows this table. `paperboat` holds the exit codes.
    #[test]
    fn the_documentation_shows_the_table() {
        let docs = concat!(env!("CARGO_MANIFEST_DIR"), "/src/calls/create.rs");
        let docs = std::fs::read_to_string(docs).unwrap();
        let (_, table) = docs
            .split_once("/// | What happened | Outcome | Exit |\n/// |---|---|---|\n")
            .unwrap();
        let rows: Vec<_> = table
            .lines()
            .map_while(|line| line.strip_prefix("/// | "))
            .collect();
        for event in CreateOutcome::ALL.iter().copied() {
            let row = format!("{} | {} | ", event.words(), event.decision().outcome());
            assert!(
                rows.iter().any(|it| it.starts_with(&row)),
                "the documentation of Create lacks\n/// | {row}"
            );
        }
        assert_eq!(
            rows.len(),
            CreateOutcome::ALL.len(),
            "the documentation of Create has a row that is not in outcomes!, or has one twice"
        );
    }

    #[test]
    fn a_retry_after_is_respected_up_to_the_limit() {
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
            max_retry_after: Duration::MAX,
            ..CreatePolicy::default()
        };
        assert_eq!(boundless.pause(1, secs(1), Some(Duration::MAX), 0.5), None);
        assert_eq!(policy.pause(1, secs(0), None, 0.5), Some(secs(1)));
        assert_eq!(policy.pause(2, secs(0), None, 0.5), Some(secs(2)));
    }
}
