//! The decoders, for the fuzz targets in `fuzz/`. Only there when `cfg(fuzzing)` is set; each
//! function panics when a promise is broken.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use cometapi_client::{Answer, PredictionId};
use http::{HeaderMap, HeaderValue, StatusCode};

use crate::base_url::BaseUrl;
use crate::heard::{Body, Heard};
use crate::model::ModelRef;
use crate::policy::{CreateEvent, PollEvent};
use crate::service_error::ServiceError;

/// Any body under any status is decided without a panic; an id is never lost or invented.
pub fn answer(status: u16, body: &[u8]) {
    let status = StatusCode::from_u16(100 + status % 500).unwrap_or(StatusCode::OK);
    let heard = Heard::fuzzed(status, Bytes::copy_from_slice(body));
    let created = CreateEvent::of(&heard) == CreateEvent::Created;
    let _ = PollEvent::of(&heard);
    let Heard::Answer(_, read) = heard else {
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
        Body::Unreadable { id: Some(id) } => assert!(id.parse::<PredictionId>().is_ok()),
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
        assert!(plain(id.as_str()));
    }
    if let Ok(base) = BaseUrl::parse(text) {
        let again = BaseUrl::parse(base.as_str()).unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(again.as_str(), base.as_str());
        assert!(!base.as_str().ends_with('/') && !base.as_str().contains('?'));
    }
    crate::download::fuzz_data_uri(text);
}
