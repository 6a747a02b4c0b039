//! Every shape an answer was seen in, and some that it was not.

use serde_json::json;

use super::*;

fn prediction(json: Value) -> Prediction {
    Answer::from_json(json).into_prediction().unwrap().0
}

fn envelope(outer: &str, reason: &str, inner: Value) -> Value {
    json!({"code": "success", "message": "", "data": {
        "task_id": "t1", "status": outer, "fail_reason": reason, "data": inner,
    }})
}

#[test]
fn a_bare_prediction_keeps_unknown_fields() {
    let p = prediction(json!({"id": "a", "status": "processing", "deadline": "soon"}));
    assert_eq!(p.status, Status::Processing);
    assert_eq!(p.extra["deadline"], "soon");
}

#[test]
fn an_id_is_enough_and_odd_fields_are_named() {
    let json = json!({
        "id": 17, "status": null, "metrics": {"predict_time": "long"}, "urls": [1],
        "input": "text", "output": {"a": 1}, "logs": 3,
    });
    let (p, odd) = Answer::from_json(json).into_prediction().unwrap();
    assert_eq!(p.id, "17");
    assert_eq!(p.status, Status::Unknown(String::new()));
    assert_eq!(p.output, Some(json!({"a": 1})));
    assert!(p.metrics.is_none() && p.urls.is_none() && p.logs.is_none());
    let mut paths: Vec<_> = odd.iter().map(|odd| odd.path.as_str()).collect();
    paths.sort_unstable();
    assert_eq!(
        paths,
        ["input", "logs", "metrics.predict_time", "status", "urls"]
    );
}

#[test]
fn an_envelope_alone_gives_a_state() {
    for (word, status) in [
        ("NOT_START", Status::Starting),
        ("IN_PROGRESS", Status::Processing),
        ("SUCCESS", Status::Succeeded),
        ("FAILURE", Status::Failed),
        ("UNKNOWN", Status::Unknown("UNKNOWN".into())),
    ] {
        let p = prediction(envelope(word, "", Value::Null));
        assert_eq!((p.id.as_str(), p.status), ("t1", status), "{word}");
    }
    let p = prediction(envelope("FAILURE", "out of time", Value::Null));
    assert_eq!(p.error, Some(json!("out of time")));
    let p = prediction(envelope("SUCCESS", "https://x/y.png", Value::Null));
    assert_eq!(p.output, Some(json!("https://x/y.png")));
    assert_eq!(p.error, None);
}

#[test]
fn what_has_ended_wins_and_an_output_is_never_given_up() {
    let inner =
        |status: &str, output: Value| json!({"id": "u", "status": status, "output": output});
    let url = json!("https://x/y.png");
    let rows = [
        ("IN_PROGRESS", "succeeded", url.clone(), Status::Succeeded),
        ("FAILURE", "processing", Value::Null, Status::Failed),
        ("FAILURE", "succeeded", url.clone(), Status::Succeeded),
        ("FAILURE", "succeeded", Value::Null, Status::Failed),
        ("SUCCESS", "failed", Value::Null, Status::Failed),
        ("SUCCESS", "processing", Value::Null, Status::Processing),
        ("SUCCESS", "processing", url, Status::Succeeded),
        ("QUEUED", "processing", Value::Null, Status::Processing),
        ("FAILURE", "canceled", Value::Null, Status::Canceled),
    ];
    for (outer, word, output, expected) in rows {
        let p = prediction(envelope(outer, "why", inner(word, output)));
        assert_eq!(p.status, expected, "outer {outer}, inner {word}");
        assert_eq!(p.id, "t1");
        let told = p.error == Some(json!("why"));
        assert_eq!(
            told,
            expected == Status::Failed,
            "outer {outer}, inner {word}"
        );
    }
}

#[test]
fn an_empty_envelope_is_told_from_an_error() {
    let answer = Answer::from_json(json!({"code": "success", "data": null}));
    assert!(answer.is_empty_envelope() && answer.id().is_none());
    let answer = Answer::from_json(json!({"code": "task_not_exist", "message": "m", "data": null}));
    assert_eq!(answer.task_error().unwrap().message, "m");
    let answer = Answer::from_json(json!({"code": null, "message": "no quota"}));
    assert!(answer.task_error().is_some());
}

#[test]
fn a_task_error_may_hold_the_prediction_as_text() {
    let text = json!({"id": "a", "status": "starting"}).to_string();
    let json = json!({"code": "fail_to_fetch_task", "message": text, "data": null});
    assert_eq!(Answer::from_json(json.clone()).id(), Some("a"));
    assert_eq!(prediction(json).status, Status::Starting);
}

#[test]
fn envelopes_in_envelopes_are_opened_to_a_depth() {
    let mut json = json!({"id": "a", "status": "succeeded", "output": "u"});
    for _ in 0..3 {
        json = json!({"code": "success", "data": json});
    }
    assert_eq!(prediction(json.clone()).status, Status::Succeeded);
    for _ in 0..100 {
        json = json!({"code": "success", "data": json});
    }
    assert!(Answer::from_json(json).into_prediction().is_none());
}

#[test]
fn anything_else_is_kept_as_it_came() {
    for json in [
        json!(null),
        json!([1]),
        json!("x"),
        json!({}),
        json!({"ok": true}),
    ] {
        assert_eq!(Answer::from_json(json.clone()).other(), Some(&json));
    }
}
