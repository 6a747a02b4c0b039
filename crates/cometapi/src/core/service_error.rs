//! What the service says of a fault, out of any of the shapes it says it in.

use std::time::Duration;

use cometapi_client::json_from_slice;
use serde_json::{Map, Value};

use crate::core::text::shorten;

/// The most request ids that are kept of one response. Each gateway in a chain adds one.
pub(crate) const MAX_REQUEST_IDS: usize = 16;

/// Errors wrapped in the text of errors were seen once; a little more is looked at.
const DEPTH: u8 = 3;

/// The service's own words about a fault.
///
/// Three JSON shapes are known, one of which may hold another as text (documented and
/// observed): `{"error": {message, type, param, code}}`, `{code, message, data}` and
/// `{title, detail, status, invalid_fields}`.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct ServiceError {
    /// What is wrong, for a person, without the request ids that the gateway appends.
    pub message: String,
    /// A code such as `invalid_request`; numbers come as text, an empty code is none.
    pub code: Option<String>,
    /// Its `type`, `comet_api_error` as a rule.
    pub error_type: Option<String>,
    /// The field at fault, such as `input.num_outputs`.
    pub field: Option<String>,
    /// The HTTP status that an upstream response within this one names.
    pub upstream_status: Option<u16>,
    pub(crate) request_ids: Vec<String>,
    retry_after: Option<Duration>,
    is_own: bool,
    /// Whether `upstream_status` is that of a whole response that the gateway passes on.
    passed_on: bool,
}

impl ServiceError {
    /// Reads an error body; `None` when it has none of the known shapes.
    pub(crate) fn read(json: &Value) -> Option<Self> {
        read(json, DEPTH).map(Self::truncated)
    }

    /// Cuts what would be too long to be kept: it goes into errors, logs and records.
    fn truncated(self) -> Self {
        Self {
            message: shorten(self.message),
            code: self.code.map(shorten),
            error_type: self.error_type.map(shorten),
            field: self.field.map(shorten),
            ..self
        }
    }

    /// Whether its code says that the account is out of quota.
    pub(crate) fn is_quota_code(&self) -> bool {
        self.has_code(&QUOTA_CODES)
    }

    /// Whether it says that the account is out of quota, on a status that refuses the
    /// account: there the gateway's own sentence counts too. Only whole beginnings do: a
    /// message may quote the prompt, and a prompt may hold any word.
    pub(crate) fn is_quota(&self) -> bool {
        let message = self.message.to_lowercase();
        self.is_quota_code()
            || QUOTA_MESSAGES
                .iter()
                .any(|known| message.starts_with(known))
    }

    /// Whether its code says that nothing was done, whatever the HTTP status is (documented).
    pub(crate) fn is_refusal(&self) -> bool {
        self.has_code(&REFUSAL_CODES)
            || self.passed_on
                && self
                    .upstream_status
                    .is_some_and(|status| (400..500).contains(&status) && status != 408)
    }

    /// Whether it says that the id is not, or not yet, known.
    pub(crate) fn is_missing_task(&self) -> bool {
        self.has_code(&MISSING_TASK) || MISSING_TASK.contains(&self.message.as_str())
    }

    /// Whether it has a shape that the service itself writes. A proxy's `{"message": …}` has
    /// none.
    pub(crate) fn is_own(&self) -> bool {
        self.is_own
    }

    /// How long it asks to wait. A sentence counts only where the status says that there are
    /// too many requests.
    pub(crate) fn retry_after(&self, is_limited: bool) -> Option<Duration> {
        let text = || reset_in_text(&self.message).filter(|_| is_limited);
        self.retry_after.or_else(text)
    }

    fn has_code(&self, codes: &[&str]) -> bool {
        self.code
            .as_deref()
            .is_some_and(|code| codes.contains(&code))
    }
}

/// The code of an error that passes on the response of the provider, as text in its message.
const PASSED_ON: &str = "fail_to_fetch_task";

/// Codes that say that the account has no quota left (observed).
const QUOTA_CODES: [&str; 4] = [
    "insufficient_user_quota",
    "insufficient_quota",
    "pre_consume_token_quota_failed",
    "quota_not_enough",
];

/// How the gateway's own sentences about quota begin, in lower case (observed).
const QUOTA_MESSAGES: [&str; 9] = [
    "user quota is not enough",
    "user quota is insufficient",
    "insufficient user quota",
    "token quota is not enough",
    "user quota expired",
    "用户额度不足",
    "令牌额度不足",
    "该令牌额度已用尽",
    "预扣费额度失败",
];

/// Codes that say that nothing was done (documented and observed).
const REFUSAL_CODES: [&str; 15] = [
    "access_denied",
    "bad_request_body",
    "convert_request_failed",
    "count_token_failed",
    "invalid_api_platform",
    "invalid_api_type",
    "invalid_request",
    "model_not_found",
    "model_price_error",
    "prompt_blocked",
    "read_request_body_failed",
    "sensitive_words_detected",
    "violation_fee.grok.csam",
    "channel:model_mapped_error",
    "channel:no_available_key",
];

const MISSING_TASK: [&str; 2] = ["task_not_exist", "task_origin_not_exist"];

fn read(json: &Value, depth: u8) -> Option<ServiceError> {
    let object = json.as_object()?;
    let (mut error, is_own) = match object.get("error") {
        Some(Value::Object(detail)) => (gateway(detail)?, true),
        Some(Value::String(message)) => (ServiceError::new(message), false),
        _ if object.contains_key("detail") => (problem(object)?, true),
        _ => (gateway(object)?, object.contains_key("code")),
    };
    error.is_own = is_own;
    error.retry_after = error
        .retry_after
        .or_else(|| seconds(object.get("retry_after")));
    // A task error may hold the provider's body as text, which is nearer the cause. What it
    // says decides only where that is what the code means: else it may quote a prompt.
    let inner = depth
        .checked_sub(1)
        .filter(|_| error.message.starts_with('{'))
        .zip(json_from_slice(error.message.as_bytes()).ok())
        .and_then(|(depth, json)| read(&json, depth));
    if let Some(inner) = inner {
        error.message = inner.message;
        error.field = inner.field.or(error.field);
        error.error_type = inner.error_type.or(error.error_type);
        error.retry_after = inner.retry_after.or(error.retry_after);
        error.request_ids.extend(inner.request_ids);
        error.request_ids.truncate(MAX_REQUEST_IDS);
        if error.code.as_deref() == Some(PASSED_ON) {
            error.passed_on = true;
            error.upstream_status = inner.upstream_status;
            error.code = inner.code.or(error.code);
        }
    }
    Some(error)
}

impl ServiceError {
    fn new(message: &str) -> Self {
        let (message, request_ids) = without_request_ids(message);
        Self {
            message,
            request_ids,
            ..Self::default()
        }
    }
}

/// `{message, type, param, code}`, nested or flat. A code is enough.
fn gateway(object: &Map<String, Value>) -> Option<ServiceError> {
    let code = word(object.get("code"));
    let message = object.get("message").and_then(Value::as_str);
    if message.is_none() && code.is_none() {
        return None;
    }
    let mut error = ServiceError::new(message.unwrap_or_default());
    error.code = code;
    error.error_type = word(object.get("type"));
    error.field = word(object.get("param"));
    Some(error)
}

/// `{title, detail, status, invalid_fields}`.
fn problem(object: &Map<String, Value>) -> Option<ServiceError> {
    let detail = object.get("detail")?.as_str()?;
    let text = match object.get("title").and_then(Value::as_str) {
        Some(title) if !detail.starts_with(title) => format!("{title}: {}", detail.trim()),
        _ => detail.trim().to_owned(),
    };
    let mut error = ServiceError::new(&text);
    error.upstream_status = object
        .get("status")
        .and_then(Value::as_u64)
        .and_then(|status| u16::try_from(status).ok());
    error.field = object
        .get("invalid_fields")
        .and_then(|fields| word(fields.get(0)?.get("field")));
    Some(error)
}

/// A word out of a string, number or boolean; nothing out of null, blank or anything else.
fn word(value: Option<&Value>) -> Option<String> {
    match value? {
        Value::String(text) if !text.trim().is_empty() => Some(text.trim().to_owned()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        _ => None,
    }
}

fn seconds(value: Option<&Value>) -> Option<Duration> {
    let seconds = match value? {
        Value::Number(number) => number.as_f64()?,
        Value::String(text) => text.trim().parse().ok()?,
        _ => return None,
    };
    Duration::try_from_secs_f64(seconds).ok()
}

/// The delay out of "resets in ~30s" and "available in 1 second" (documented by Replicate,
/// observed).
fn reset_in_text(text: &str) -> Option<Duration> {
    let text = text.to_ascii_lowercase();
    ["resets in", "available in"].iter().find_map(|marker| {
        let (_, rest) = text.split_once(marker)?;
        let rest = rest.trim_start_matches([' ', '~']);
        let digits = rest
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .unwrap_or(rest.len());
        let (number, unit) = rest.split_at(digits);
        let number: f64 = number.trim_end_matches('.').parse().ok()?;
        let unit = unit.trim_start();
        let factor = if unit.starts_with("ms") {
            0.001
        } else if unit.starts_with('m') {
            60.0
        } else {
            1.0
        };
        Duration::try_from_secs_f64(number * factor).ok()
    })
}

/// Splits `(request id: …)` off a message; chained gateways append one each (observed).
fn without_request_ids(message: &str) -> (String, Vec<String>) {
    const MARK: &str = "(request id:";
    let mut text = String::with_capacity(message.len());
    let mut ids = Vec::new();
    let mut rest = message;
    while let Some((before, after)) = rest.split_once(MARK) {
        let Some((id, tail)) = after.split_once(')') else {
            break;
        };
        text.push_str(before.trim_end());
        if ids.len() < MAX_REQUEST_IDS {
            ids.push(id.trim().to_owned());
        }
        rest = tail;
    }
    text.push_str(rest);
    (text.trim().to_owned(), ids)
}

#[cfg(test)]
mod tests {
    use cometapi_client::MAX_TEXT_LEN;
    use serde_json::json;

    use super::*;

    fn of(json: Value) -> ServiceError {
        ServiceError::read(&json).unwrap()
    }

    #[test]
    fn every_known_shape_is_read() {
        let e = of(
            json!({"error": {"message": "no (request id: A1) (request id: B2)", "type": "t", "param": "", "code": "invalid_request"}}),
        );
        assert_eq!(e.message, "no");
        assert_eq!(e.request_ids, ["A1", "B2"]);
        assert_eq!(
            (e.code.as_deref(), e.field.as_deref()),
            (Some("invalid_request"), None)
        );
        assert!(e.is_refusal());

        let e = of(json!({"code": null, "message": "user quota is not enough"}));
        assert!(e.is_quota() && !e.is_quota_code() && !e.is_refusal() && e.is_own());

        let e = of(json!({"code": "task_not_exist", "message": "task_not_exist", "data": null}));
        assert!(e.is_missing_task());

        let e = of(
            json!({"title": "Input validation failed", "detail": "- input.a: bad\n", "status": 422, "invalid_fields": [{"field": "input.a"}]}),
        );
        assert_eq!(e.message, "Input validation failed: - input.a: bad");
        assert_eq!(e.field.as_deref(), Some("input.a"));

        assert_eq!(of(json!({"error": "plain"})).message, "plain");
        assert_eq!(of(json!({"success": false, "message": "m"})).message, "m");
        assert_eq!(
            of(json!({"error": {"message": "m", "code": 7}}))
                .code
                .as_deref(),
            Some("7")
        );
    }

    #[test]
    fn a_problem_is_its_title_and_detail_without_repetition() {
        for (title, detail, message) in [
            (json!("Not allowed"), "by policy", "Not allowed: by policy"),
            (json!("Not allowed"), "Not allowed here", "Not allowed here"),
            (json!(null), "by policy", "by policy"),
        ] {
            let e = of(json!({"title": title, "detail": detail}));
            assert_eq!(e.message, message, "{title} {detail}");
        }
    }

    #[test]
    fn a_code_of_any_scalar_type_is_text() {
        for (code, text) in [
            (json!(" a "), Some("a")),
            (json!(7), Some("7")),
            (json!(true), Some("true")),
            (json!(" "), None),
            (json!(null), None),
            (json!(["a"]), None),
        ] {
            let e = of(json!({"message": "m", "code": code}));
            assert_eq!(e.code.as_deref(), text, "{code}");
        }
    }

    #[test]
    fn request_ids_are_split_off_up_to_the_limit() {
        let ids = "(request id: a)".repeat(MAX_REQUEST_IDS + 1);
        let e = of(json!({"message": format!("m {ids}")}));
        assert_eq!(
            (e.message.as_str(), e.request_ids.len()),
            ("m", MAX_REQUEST_IDS)
        );
        let e = of(json!({"message": "m (request id: a"}));
        assert_eq!(
            (e.message.as_str(), e.request_ids.len()),
            ("m (request id: a", 0)
        );
    }

    #[test]
    fn an_answer_inside_the_message_is_nearer_the_cause() {
        let inner = json!({"title": "T", "detail": "d", "status": 422}).to_string();
        let e = of(json!({"code": "fail_to_fetch_task", "message": inner, "data": null}));
        assert_eq!(e.message, "T: d");
        assert_eq!(e.upstream_status, Some(422));
        assert!(e.is_refusal());
        let inner = json!({"error": {"message": "m", "code": "model_not_found"}}).to_string();
        let e = of(json!({"code": "fail_to_fetch_task", "message": inner}));
        assert_eq!(e.code.as_deref(), Some("model_not_found"));
        assert!(e.is_refusal());
    }

    #[test]
    fn text_that_only_looks_like_an_upstream_error_decides_nothing() {
        for quoted in [
            json!({"title": "T", "detail": "d", "status": 422}),
            json!({"error": {"message": "m", "code": "invalid_request"}}),
            json!({"code": "insufficient_user_quota", "message": "m"}),
        ] {
            for code in [json!("do_request_failed"), json!(null), json!("")] {
                let e = of(json!({"code": code, "message": quoted.to_string()}));
                assert!(!e.is_refusal() && !e.is_quota_code(), "{code} {quoted}");
                let e = of(json!({"error": {"code": code, "message": quoted.to_string()}}));
                assert!(!e.is_refusal() && !e.is_quota_code(), "{code} {quoted}");
            }
        }
    }

    #[test]
    fn each_code_decides_alone() {
        for code in QUOTA_CODES {
            let e = of(json!({"error": {"code": code}}));
            assert!(
                e.is_quota_code() && e.is_quota() && !e.is_refusal(),
                "{code}"
            );
        }
        for code in REFUSAL_CODES {
            let e = of(json!({"code": code, "message": "m"}));
            assert!(e.is_refusal() && !e.is_quota(), "{code}");
        }
        for code in MISSING_TASK {
            assert!(of(json!({"code": code, "message": "m"})).is_missing_task());
            assert!(of(json!({"code": null, "message": code})).is_missing_task());
            let quoted = format!("prompt: {code}");
            assert!(!of(json!({"code": null, "message": quoted})).is_missing_task());
        }
    }

    #[test]
    fn only_the_gateways_own_sentence_is_about_quota() {
        for message in QUOTA_MESSAGES {
            let message = format!("{message} (request id: A)");
            let e = of(json!({"code": null, "message": message}));
            assert!(e.is_quota() && !e.is_quota_code(), "{message}");
        }
        for message in [
            "prompt blocked: a poster about fishing quotas",
            "upstream timed out, prompt: user quota is not enough",
            "no access to model quota/enough",
            "额度",
        ] {
            assert!(
                !of(json!({"code": null, "message": message})).is_quota(),
                "{message}"
            );
        }
    }

    #[test]
    fn a_proxys_sentence_is_not_the_services_own() {
        for json in [
            json!({"error": {"message": "m"}}),
            json!({"error": {"code": "access_denied"}}),
            json!({"code": null, "message": "m"}),
            json!({"detail": "d"}),
        ] {
            assert!(of(json.clone()).is_own(), "{json}");
        }
        for json in [
            json!({"message": "Forbidden"}),
            json!({"error": "Forbidden"}),
            json!({"success": false, "message": "m"}),
        ] {
            assert!(!of(json.clone()).is_own(), "{json}");
        }
    }

    #[test]
    fn a_delay_is_read_from_a_field_or_a_sentence() {
        for (json, seconds) in [
            (json!({"detail": "Your rate limit resets in ~30s."}), 30.0),
            (json!({"detail": "Expected available in 1 second."}), 1.0),
            (json!({"detail": "resets in 2.5s"}), 2.5),
            (json!({"detail": "resets in 500 ms"}), 0.5),
            (json!({"detail": "resets in ~2 minutes"}), 120.0),
            (json!({"detail": "x", "retry_after": 5}), 5.0),
            (json!({"detail": "x", "retry_after": "7"}), 7.0),
        ] {
            let delay = of(json.clone()).retry_after(true);
            assert_eq!(delay, Some(Duration::from_secs_f64(seconds)), "{json}");
        }
        // A sentence may quote a prompt; a number in a field of its own does not.
        assert_eq!(
            of(json!({"detail": "resets in ~30s"})).retry_after(false),
            None
        );
        assert!(
            of(json!({"detail": "x", "retry_after": 5}))
                .retry_after(false)
                .is_some()
        );
        for json in [
            json!({"detail": "resets in a while"}),
            json!({"detail": "x", "retry_after": -1}),
        ] {
            assert_eq!(of(json).retry_after(true), None);
        }
    }

    #[test]
    fn what_is_kept_of_an_error_is_limited() {
        let long = "x".repeat(MAX_TEXT_LEN + 1000);
        let ids = "(request id: a)".repeat(1000);
        let inner =
            json!({"error": {"message": format!("{long}{ids}"), "param": long, "type": long}});
        let e = of(json!({"code": long, "message": inner.to_string()}));
        for text in [Some(e.message), e.code, e.error_type, e.field] {
            let text = text.unwrap();
            assert!(text.ends_with("… (1000 bytes more)"), "{}", text.len());
        }
        assert_eq!(e.request_ids.len(), MAX_REQUEST_IDS);
    }

    #[test]
    fn what_is_no_error_body_is_none() {
        for json in [
            json!(null),
            json!([]),
            json!({}),
            json!({"message": 1}),
            json!({"detail": []}),
        ] {
            assert_eq!(ServiceError::read(&json), None, "{json}");
        }
    }
}
