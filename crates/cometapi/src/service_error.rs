//! What the service says of a fault, out of any of the shapes it says it in.

use std::time::Duration;

use serde_json::{Map, Value};

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
    /// The family, `comet_api_error` as a rule.
    pub family: Option<String>,
    /// The field at fault, such as `input.num_outputs`.
    pub field: Option<String>,
    /// The HTTP status that an upstream answer within this one names.
    pub upstream_status: Option<u16>,
    pub(crate) request_ids: Vec<String>,
    pub(crate) retry_after: Option<Duration>,
}

impl ServiceError {
    /// Reads an error body; `None` when it has none of the known shapes.
    pub(crate) fn read(json: &Value) -> Option<Self> {
        read(json, DEPTH)
    }

    /// Whether it is about money: quota or credit.
    pub(crate) fn is_quota(&self) -> bool {
        const CODES: [&str; 4] = [
            "insufficient_user_quota",
            "insufficient_quota",
            "pre_consume_token_quota_failed",
            "quota_not_enough",
        ];
        self.code
            .as_deref()
            .is_some_and(|code| CODES.contains(&code))
            || self.message.to_ascii_lowercase().contains("quota")
            || self.message.contains("额度")
    }

    /// Whether it says that nothing was done, whatever the HTTP status claims (documented:
    /// "treat `error.code` and `error.message` as the deciding signal").
    pub(crate) fn is_refusal(&self) -> bool {
        const CODES: [&str; 15] = [
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
        self.code
            .as_deref()
            .is_some_and(|code| CODES.contains(&code))
            || self
                .upstream_status
                .is_some_and(|status| (400..500).contains(&status) && status != 408)
    }

    /// Whether it says that the id is not, or not yet, known.
    pub(crate) fn is_missing_task(&self) -> bool {
        const WORDS: [&str; 2] = ["task_not_exist", "task_origin_not_exist"];
        self.code
            .as_deref()
            .is_some_and(|code| WORDS.contains(&code))
            || WORDS.contains(&self.message.as_str())
    }
}

fn read(json: &Value, depth: u8) -> Option<ServiceError> {
    let object = json.as_object()?;
    let mut error = match object.get("error") {
        Some(Value::Object(detail)) => gateway(detail)?,
        Some(Value::String(message)) => ServiceError::new(message),
        _ if object.contains_key("detail") => problem(object)?,
        _ => gateway(object)?,
    };
    error.retry_after = error
        .retry_after
        .or_else(|| seconds(object.get("retry_after")))
        .or_else(|| reset_in_text(&error.message));
    // A task error may hold the upstream's answer as text; what that says is nearer the cause.
    if let Some(inner) = depth
        .checked_sub(1)
        .zip(serde_json::from_str::<Value>(&error.message).ok())
        .and_then(|(depth, json)| read(&json, depth))
    {
        error.message = inner.message;
        error.field = inner.field.or(error.field);
        error.family = inner.family.or(error.family);
        error.upstream_status = inner.upstream_status;
        error.retry_after = inner.retry_after.or(error.retry_after);
        error.request_ids.extend(inner.request_ids);
        // Only a code that says nothing of its own gives way.
        if matches!(error.code.as_deref(), None | Some("fail_to_fetch_task")) {
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

/// `{message, type, param, code}`, nested or flat.
fn gateway(object: &Map<String, Value>) -> Option<ServiceError> {
    let message = object.get("message")?.as_str()?;
    let mut error = ServiceError::new(message);
    error.code = word(object.get("code"));
    error.family = word(object.get("type"));
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
        ids.push(id.trim().to_owned());
        rest = tail;
    }
    text.push_str(rest);
    (text.trim().to_owned(), ids)
}

#[cfg(test)]
mod tests {
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
        assert!(e.is_quota() && !e.is_refusal());

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
    fn an_answer_inside_the_message_is_nearer_the_cause() {
        let inner = json!({"title": "T", "detail": "d", "status": 422}).to_string();
        let e = of(json!({"code": "fail_to_fetch_task", "message": inner, "data": null}));
        assert_eq!(e.message, "T: d");
        assert_eq!(e.upstream_status, Some(422));
        assert!(e.is_refusal());
        let inner = json!({"error": {"message": "m", "code": "model_not_found"}}).to_string();
        let e = of(json!({"code": "fail_to_fetch_task", "message": inner}));
        assert_eq!(e.code.as_deref(), Some("model_not_found"));
    }

    #[test]
    fn a_delay_is_found_wherever_it_is_told() {
        for (json, seconds) in [
            (json!({"detail": "Your rate limit resets in ~30s."}), 30.0),
            (json!({"detail": "Expected available in 1 second."}), 1.0),
            (json!({"detail": "resets in 2.5s"}), 2.5),
            (json!({"detail": "resets in ~2 minutes"}), 120.0),
            (json!({"detail": "x", "retry_after": 5}), 5.0),
            (json!({"detail": "x", "retry_after": "7"}), 7.0),
        ] {
            let told = of(json.clone()).retry_after;
            assert_eq!(told, Some(Duration::from_secs_f64(seconds)), "{json}");
        }
        for json in [
            json!({"detail": "resets in a while"}),
            json!({"detail": "x", "retry_after": -1}),
        ] {
            assert_eq!(of(json).retry_after, None);
        }
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
