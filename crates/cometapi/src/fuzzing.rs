//! What the decoders promise of any input, for the fuzz targets in `fuzz/` and the property
//! tests below. Only there under `cfg(fuzzing)` and in tests; each function panics when a
//! promise is broken.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use cometapi_client::{Answer, PredictionId};
use http::{HeaderMap, HeaderValue, StatusCode};

use crate::base_url::BaseUrl;
use crate::data_uri;
use crate::model::ModelRef;
use crate::policy::{CreateEvent, PollEvent};
use crate::response::{AttemptOutcome, Body};
use crate::service_error::ServiceError;

/// Any body under any status is decided without a panic; an id is never lost or invented.
pub fn answer(status: u16, body: &[u8]) {
    let status = StatusCode::from_u16(100 + status % 500).unwrap_or(StatusCode::OK);
    let attempt = AttemptOutcome::whole(status, Bytes::copy_from_slice(body));
    let created = CreateEvent::of(&attempt) == CreateEvent::Created;
    let _ = PollEvent::of(&attempt);
    let AttemptOutcome::Response(_, read) = attempt else {
        panic!("an answer is an answer");
    };
    match read {
        Body::Prediction(prediction) => {
            assert!(!prediction.id().is_empty());
            assert!(status.is_success() && created);
            assert_eq!(prediction.raw(), body);
            let _ = (prediction.output().urls(), prediction.error());
            // What is written of it reads back as the same run.
            let text = serde_json::to_vec(&*prediction).unwrap_or_default();
            let again: Answer = serde_json::from_slice(&text).unwrap_or_else(|e| panic!("{e}"));
            assert_eq!(again.id(), Some(prediction.id()));
        }
        _ => assert!(!created),
    }
}

/// Any JSON is an error of a known shape or none; a delay is finite.
pub fn service_error(body: &[u8]) {
    let Ok(json) = serde_json::from_slice(body) else {
        return;
    };
    if let Some(error) = ServiceError::read(&json) {
        let _ = (
            error.is_quota(),
            error.is_quota_code(),
            error.is_refusal(),
            error.is_missing_task(),
        );
        assert!(error.request_ids.len() <= body.len());
    }
}

/// Any header value is a delay or none.
pub fn retry_after(value: &[u8]) {
    let Ok(value) = HeaderValue::from_bytes(value) else {
        return;
    };
    let mut headers = HeaderMap::new();
    headers.insert(http::header::RETRY_AFTER, value);
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_773_994_530);
    let _ = crate::retry_after::told(&headers, now);
}

/// Whatever a caller types is refused, or can be sent as it stands.
pub fn input(text: &str) {
    let plain = |text: &str| {
        let word = |c: char| c.is_ascii_alphanumeric() || "._-~".contains(c);
        !text.is_empty() && !text.starts_with('.') && text.chars().all(word)
    };
    if let Ok(model) = text.parse::<ModelRef>() {
        assert!(plain(model.owner()) && plain(model.name()));
        assert_eq!(model.to_string(), text);
    }
    if let Ok(id) = text.parse::<PredictionId>() {
        assert_eq!(id.as_str(), text);
        assert!(!id.as_str().contains(char::is_control));
    }
    if let Ok(base) = BaseUrl::parse(text) {
        let again = BaseUrl::parse(base.as_str()).unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(again.as_str(), base.as_str());
        assert!(!base.as_str().ends_with('/') && !base.as_str().contains('?'));
    }
    if let Some(rest) = data_uri::strip(text) {
        let _ = data_uri::decode(rest);
    }
    let _ = data_uri::shorten_data_uris(text);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Map, Value};

    /// Words that the decoders look for, so that chance finds the way in.
    const WORDS: [&str; 24] = [
        "id",
        "status",
        "code",
        "success",
        "message",
        "data",
        "task_id",
        "error",
        "output",
        "starting",
        "succeeded",
        "SUCCESS",
        "FAILURE",
        "fail_reason",
        "detail",
        "title",
        "retry_after",
        "invalid_request",
        "resets in ~3s",
        "(request id: a)",
        "input",
        "metrics",
        "https://a/b.png",
        "{\"id\":\"x\"}",
    ];

    fn text() -> impl Strategy<Value = String> {
        prop_oneof![
            3 => prop::sample::select(&WORDS[..]).prop_map(str::to_owned),
            1 => any::<String>(),
        ]
    }

    fn json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            text().prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 48, 8, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::vec((text(), inner), 0..8)
                    .prop_map(|fields| Value::Object(fields.into_iter().collect::<Map<_, _>>())),
            ]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1000))]

        #[test]
        fn answers(json in json(), status in 0u16..500) {
            super::answer(status, json.to_string().as_bytes());
            super::answer(100, json.to_string().as_bytes());
        }

        #[test]
        fn cut_answers(json in json(), place: prop::sample::Index) {
            let text = json.to_string();
            super::answer(100, &text.as_bytes()[..place.index(text.len())]);
        }

        #[test]
        fn errors(json in json()) {
            super::service_error(json.to_string().as_bytes());
        }

        #[test]
        fn retry_after(value: Vec<u8>) {
            super::retry_after(&value);
        }

        #[test]
        fn told_seconds_are_kept(seconds in 0u32..1_000_000) {
            super::retry_after(seconds.to_string().as_bytes());
        }

        #[test]
        fn inputs(text in prop_oneof![
            any::<String>(),
            "[a-z./\\\\%]{0,12}",
            "https?://[a-z.]{1,12}(:[0-9]{1,3})?/{0,3}[a-z0-9/]{0,9}",
            "data:[a-z/;,=]{0,20}",
        ]) {
            super::input(&text);
        }
    }
}
