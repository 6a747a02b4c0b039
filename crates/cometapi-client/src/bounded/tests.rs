use std::fmt::Write as _;

use serde_json::json;

use super::*;
use crate::{MAX_TEXT_LEN, PredictionResponse};

/// A list of more values than fit. Objects need the most memory for their length.
fn too_many() -> String {
    let count = LIMIT / (VALUE + OBJECT + MEMBER);
    format!("[{}1]", r#"{"":1},"#.repeat(count))
}

fn decode(body: &str) -> PredictionResponse {
    PredictionResponse::from_slice(body.as_bytes()).unwrap()
}

fn left_out(response: &PredictionResponse) -> Vec<&str> {
    response
        .ignored_fields()
        .iter()
        .map(|ignored| ignored.path.as_str())
        .collect()
}

#[test]
fn a_member_that_is_too_large_is_left_out_and_listed() {
    let large = too_many();
    for name in [
        "logs", "input", "error", "metrics", "urls", "trace", "model",
    ] {
        let body = format!(
            r#"{{"{name}":{large},"id":"a1","status":"succeeded","output":["https://a/0"]}}"#
        );
        let response = decode(&body);
        assert_eq!(left_out(&response), [name]);
        let prediction = response.prediction().unwrap();
        assert_eq!(prediction.id, "a1");
        assert_eq!(prediction.output, Some(json!(["https://a/0"])));
        assert!(!prediction.extra.contains_key(name));
    }
}

#[test]
fn members_inside_are_left_out_alone() {
    let large = too_many();
    for (member, path) in [
        (
            format!(r#""metrics":{{"trace":{large},"total_time":2}}"#),
            "metrics.trace",
        ),
        (
            format!(r#""metrics":{{"total_time":{large}}}"#),
            "metrics.total_time",
        ),
        (format!(r#""urls":{{"get":{large}}}"#), "urls.get"),
        (
            format!(r#""input":{{"a":{large},"prompt":"a fox"}}"#),
            "input.a",
        ),
        (format!(r#""trace":{{"a":{{"b":{large}}}}}"#), "trace.a.b"),
    ] {
        let body = format!(r#"{{"id":"a1","status":"succeeded",{member}}}"#);
        assert_eq!(left_out(&decode(&body)), [path]);
    }
}

#[test]
fn an_envelope_keeps_its_id_and_its_output() {
    let large = too_many();
    let body = format!(
        r#"{{"code":"success","data":{{"trace":{large},"task_id":"t1","status":"SUCCESS",
            "data":{{"logs":{large},"id":"a1","status":"succeeded","output":["https://a/0"]}}}}}}"#
    );
    let response = decode(&body);
    assert_eq!(response.id(), Some("t1"));
    assert_eq!(left_out(&response), ["data.trace", "data.data.logs"]);
    let (prediction, _) = response.into_prediction().unwrap();
    assert_eq!(prediction.output, Some(json!(["https://a/0"])));
}

#[test]
fn the_largest_of_many_members_are_left_out_first() {
    let half = too_many();
    let half = format!("{}1]", &half[..=half.len() / 14 * 7]);
    let body =
        format!(r#"{{"a":{half},"b":[1],"c":{half},"d":{half},"id":"a1","status":"succeeded"}}"#);
    let response = decode(&body);
    let extra = &response.prediction().unwrap().extra;
    assert_eq!(extra.get("b"), Some(&json!([1])));
    assert_eq!(extra.len() + response.ignored_fields().len(), 4);
    assert!(!response.ignored_fields().is_empty());
}

#[test]
fn the_urls_of_an_output_that_is_too_large_are_kept() {
    let large = too_many();
    for (output, kept) in [
        (
            format!(r#"{{"mask":{large},"image":"https://a/0"}}"#),
            json!({"image": "https://a/0"}),
        ),
        (
            format!(r#"[{{"url":"https://a/0","n":1}},{large},{{"url":"data:,x","n":2}}]"#),
            json!([{"url": "https://a/0"}, {"url": "data:,x"}]),
        ),
        (large.clone(), json!(null)),
        // Words that are text together; a URL among them is not a file.
        (
            format!(r#"[{}"https://a/0"]"#, r#""a","#.repeat(LIMIT / VALUE + 2)),
            json!(null),
        ),
    ] {
        let body = format!(r#"{{"id":"a1","status":"succeeded","output":{output}}}"#);
        let bare = decode(&body);
        assert_eq!(left_out(&bare), ["output"]);
        let found = bare
            .prediction()
            .unwrap()
            .output
            .clone()
            .unwrap_or_default();
        assert_eq!(found, kept);
        let wrapped = decode(&format!(r#"{{"code":"success","data":{body}}}"#));
        assert_eq!(left_out(&wrapped), ["data.output"]);
        let found = wrapped.prediction().unwrap().output.clone();
        assert_eq!(found.unwrap_or_default(), kept);
    }
}

#[test]
fn json_in_a_string_is_limited_too() {
    let large = too_many();
    let inner = format!(r#"{{"id":"a1","status":"succeeded","trace":{large}}}"#);
    let data = decode(&json!({"code": "success", "data": inner}).to_string());
    assert_eq!(data.id(), Some("a1"));
    assert!(data.prediction().unwrap().extra.is_empty());
    let error = decode(&json!({"code": "fail_to_fetch_task", "message": inner}).to_string());
    assert_eq!(error.id(), Some("a1"));
}

#[test]
fn an_error_keeps_its_code_beside_a_member_that_is_too_large() {
    let large = too_many();
    let body =
        format!(r#"{{"trace":{large},"error":{{"data":{large},"code":"invalid_request"}}}}"#);
    let json = crate::json_from_slice(body.as_bytes()).unwrap();
    assert_eq!(json, json!({"error": {"code": "invalid_request"}}));
}

#[test]
fn a_list_that_is_too_large_is_refused() {
    let large = too_many();
    assert!(PredictionResponse::from_slice(large.as_bytes()).is_err());
    assert!(crate::json_from_slice(large.as_bytes()).is_err());
}

#[test]
fn countless_small_members_end_with_the_limit() {
    let mut members = String::new();
    for n in 0..LIMIT / MEMBER {
        write!(members, r#""{n}":1,"#).unwrap();
    }
    let body = format!(r#"{{{members}"id":"a1","status":"succeeded"}}"#);
    let response = decode(&body);
    assert_eq!(response.id(), Some("a1"));
    assert_eq!(response.ignored_fields().len(), LISTED);
}

#[test]
fn a_status_and_an_id_are_cut() {
    let long = "x".repeat(MAX_TEXT_LEN + 1000);
    let body = json!({"id": long, "status": long}).to_string();
    let bare = decode(&body);
    let task = decode(&json!({"task_id": "t1", "status": long}).to_string());
    let prediction = bare.prediction().unwrap();
    for text in [
        prediction.id.as_str(),
        prediction.status.as_str(),
        task.task().unwrap().status.as_str(),
    ] {
        assert_eq!(text.len(), MAX_TEXT_LEN + "… (1000 bytes more)".len());
    }
    assert!(prediction.id.parse::<crate::PredictionId>().is_err());
}
