//! What the decoders promise of any input, for the fuzz targets in `fuzz/` and the property
//! tests below. Only there under `cfg(fuzzing)` and in tests; each function panics when a
//! promise is broken.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use cometapi_client::{PredictionId, PredictionResponse};
#[cfg(feature = "download")]
use http::header::{ACCEPT_RANGES, CONTENT_LENGTH, ETAG, HeaderName};
use http::{HeaderMap, HeaderValue, StatusCode};

use crate::calls::policy::{CreateOutcome, PollOutcome};
use crate::core::base_url::BaseUrl;
use crate::core::model::ModelRef;
use crate::core::response::{AttemptOutcome, Body};
use crate::core::service_error::ServiceError;
use crate::core::text::shorten_data_uris;
use crate::files::data_uri;
#[cfg(feature = "download")]
use crate::files::download::range::{self, Head, Resume, Use, Version};
#[cfg(feature = "download")]
use cometapi_models::media::{self, FileType};

/// Any body under any status is decided without a panic; an id is never lost or invented.
pub fn response(status: u16, body: &[u8]) {
    let status = StatusCode::from_u16(100 + status % 500).unwrap_or(StatusCode::OK);
    let attempt = AttemptOutcome::whole(status, Bytes::copy_from_slice(body));
    let created = CreateOutcome::of(&attempt) == CreateOutcome::Created;
    let _ = PollOutcome::of(&attempt);
    let AttemptOutcome::Response(_, read) = attempt else {
        panic!("a complete response is a response");
    };
    match read {
        Body::Prediction(prediction) => {
            assert!(!prediction.id().is_empty());
            assert!(status.is_success() && created);
            assert_eq!(prediction.raw(), body);
            let _ = (prediction.output().urls(), prediction.error());
            // What is written of it reads back as the same run.
            let text = serde_json::to_vec(&prediction).unwrap_or_default();
            let again: PredictionResponse =
                serde_json::from_slice(&text).unwrap_or_else(|e| panic!("{e}"));
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
    let _ = crate::core::retry_after::from_headers(&headers, now);
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
    let _ = shorten_data_uris(text);
}

/// Reads a response of a file's host, written as in HTTP with a bare status in its first line
/// and lines that end in `\n`, as one that begins a file and as one that continues it.
#[cfg(feature = "download")]
pub fn download_response(response: &[u8]) {
    let end = response.windows(2).position(|end| end == b"\n\n");
    let (head, body) = match end {
        Some(end) => (&response[..end], &response[end + 2..]),
        None => (response, &[][..]),
    };
    let mut lines = head.split(|byte| *byte == b'\n');
    let status = lines
        .next()
        .and_then(|line| StatusCode::from_bytes(line).ok());
    let mut headers = HeaderMap::new();
    for line in lines {
        let Some(colon) = line.iter().position(|byte| *byte == b':') else {
            continue;
        };
        let name = HeaderName::from_bytes(&line[..colon]);
        let value = HeaderValue::from_bytes(line[colon + 1..].trim_ascii());
        if let (Ok(name), Ok(value)) = (name, value) {
            headers.append(name, value);
        }
    }
    part_of_file(status.unwrap_or(StatusCode::PARTIAL_CONTENT), &headers);
    file_type(&headers, body);
    let _ = crate::core::retry_after::from_headers(&headers, SystemTime::UNIX_EPOCH);
}

/// What is used of a response begins a file, or continues exactly what is there.
#[cfg(feature = "download")]
fn part_of_file(status: StatusCode, headers: &HeaderMap) {
    let length = headers
        .get(CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok());
    let Ok(url) = reqwest::Url::parse("https://a/fox.png") else {
        panic!("a url is a url");
    };
    let head = Head {
        status,
        headers,
        length: length.and_then(|length| length.parse().ok()),
        url: &url,
    };
    let alone = range::decide(head, None);
    assert_ne!(alone, Use::AskForWhole);
    if let Use::Body(extent) = alone {
        assert_eq!(extent.offset, 0);
        assert!(
            extent
                .total
                .is_none_or(|total| extent.length == Some(total))
        );
    }
    let mut first = HeaderMap::new();
    first.insert(ETAG, HeaderValue::from_static("\"v1\""));
    first.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    for known in [None, Some(1000)] {
        let whole = Head {
            status: StatusCode::OK,
            headers: &first,
            length: known,
            url: &url,
        };
        let Use::Body(extent) = range::decide(whole, None) else {
            panic!("a response with status 200 is a file");
        };
        let Some(version) = Version::of(whole, extent) else {
            panic!("a strong tag tells a version");
        };
        let resume = Resume {
            offset: 400,
            version,
        };
        match range::decide(head, Some(&resume)) {
            Use::Body(rest) if rest.offset > 0 => {
                let (Some(length), Some(total)) = (rest.length, rest.total) else {
                    panic!("a part has a length, and its file a size");
                };
                assert_eq!((status.as_u16(), rest.offset), (206, 400));
                assert!(length > 0 && 400 + length <= total);
                assert!(known.is_none_or(|known| known == total));
                assert_eq!(headers.get(ETAG), first.get(ETAG));
                assert!(!rest.is_complete(length - 1) && rest.is_exceeded(length + 1));
                assert_eq!(rest.is_complete(length), 400 + length == total);
            }
            Use::Body(_) => assert_eq!(status, StatusCode::OK),
            _ => assert_ne!(status, StatusCode::OK),
        }
    }
}

/// Any beginning of a file has a type, and an extension that can be one; enough is enough.
#[cfg(feature = "download")]
fn file_type(headers: &HeaderMap, body: &[u8]) {
    let claimed = range::media_type(headers);
    let file = FileType::of(body, claimed.as_deref(), Some("/fox.png"));
    let named = |c: char| c.is_ascii_alphanumeric() || "-_+".contains(c);
    assert!(!file.extension.is_empty() && file.extension.chars().all(named));
    assert!(file.media_type.contains('/'));
    match media::bytes_needed(body) {
        Some(needed) => assert!(needed > body.len()),
        None => assert!(body.len() >= media::HEAD),
    }
    // A comment hides no page.
    if body.starts_with(b"<") && media::media_type(body) == "text/html" {
        let hidden = [b"<!-- a --> ", body].concat();
        assert_eq!(media::media_type(&hidden), "text/html");
    }
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
        fn responses(json in json(), status in 0u16..500) {
            super::response(status, json.to_string().as_bytes());
            super::response(100, json.to_string().as_bytes());
        }

        #[test]
        fn truncated_responses(json in json(), place: prop::sample::Index) {
            let text = json.to_string();
            super::response(100, &text.as_bytes()[..place.index(text.len())]);
        }

        #[test]
        fn errors(json in json()) {
            super::service_error(json.to_string().as_bytes());
        }

        #[cfg(feature = "download")]
        #[test]
        fn download_responses(
            status in prop::sample::select(&[200u16, 206, 412, 416, 503][..]),
            headers in prop::collection::vec(prop::sample::select(&[
                "etag: \"v1\"",
                "etag: \"v2\"",
                "etag: W/\"v1\"",
                "content-range: bytes 400-999/1000",
                "content-range: bytes 400-499/1000",
                "content-range: bytes 400-999/*",
                "content-range: bytes 0-999/1000",
                "content-range: bytes */1000",
                "content-length: 600",
                "content-length: 100",
                "content-encoding: gzip",
                "content-type: image/png",
                "content-type: text/html",
            ][..]), 0..5),
            body in prop_oneof!["(<[!?a-z/-]{0,12}>?| ){0,8}", any::<Vec<u8>>().prop_map(|bytes| {
                String::from_utf8_lossy(&bytes).into_owned()
            })],
        ) {
            let response = format!("{status}\n{}\n\n{body}", headers.join("\n"));
            super::download_response(response.as_bytes());
        }

        #[test]
        fn retry_after(value: Vec<u8>) {
            super::retry_after(&value);
        }

        #[test]
        fn seconds_are_read(seconds in 0u32..1_000_000) {
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
