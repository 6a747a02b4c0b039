//! Every shape an response was seen in, and some that it was not.

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn prediction(json: Value) -> Prediction {
    PredictionResponse::from_json(json)
        .into_prediction()
        .unwrap()
        .0
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
fn an_id_is_enough_and_ignored_fields_are_named() {
    let json = json!({
        "id": 17, "status": null, "metrics": {"predict_time": "long"}, "urls": [1],
        "input": "text", "output": {"a": 1}, "logs": 3,
    });
    let (p, ignored) = PredictionResponse::from_json(json)
        .into_prediction()
        .unwrap();
    assert_eq!(p.id, "17");
    assert_eq!(p.status, Status::Unknown(String::new()));
    assert_eq!(p.output, Some(json!({"a": 1})));
    assert!(p.metrics.unwrap().predict_time.is_none());
    assert!(p.urls.is_none() && p.logs.is_none());
    let mut paths: Vec<_> = ignored
        .iter()
        .map(|ignored| ignored.path.as_str())
        .collect();
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
        let decoded = p.error == Some(json!("why"));
        assert_eq!(
            decoded,
            expected == Status::Failed,
            "outer {outer}, inner {word}"
        );
    }
}

#[test]
fn an_empty_envelope_is_distinguished_from_an_error() {
    let response = PredictionResponse::from_json(json!({"code": "success", "data": null}));
    assert!(response.is_empty_envelope() && response.id().is_none());
    let response = PredictionResponse::from_json(
        json!({"code": "task_not_exist", "message": "m", "data": null}),
    );
    assert_eq!(response.task_error().unwrap().message, "m");
    let response = PredictionResponse::from_json(json!({"code": null, "message": "no quota"}));
    assert!(response.task_error().is_some());
}

#[test]
fn a_task_error_may_hold_the_prediction_as_text() {
    let text = json!({"id": "a", "status": "starting"}).to_string();
    let json = json!({"code": "fail_to_fetch_task", "message": text, "data": null});
    assert_eq!(PredictionResponse::from_json(json.clone()).id(), Some("a"));
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
    assert!(
        PredictionResponse::from_json(json)
            .into_prediction()
            .is_none()
    );
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
        assert_eq!(
            PredictionResponse::from_json(json.clone()).other(),
            Some(&json)
        );
    }
}

#[test]
fn a_task_needs_no_envelope() {
    let json = json!({
        "task_id": "t1", "status": "FAILURE", "fail_reason": "no", "progress": "100%",
    });
    let p = prediction(json);
    assert_eq!((p.id.as_str(), &p.status), ("t1", &Status::Failed));
    assert_eq!(p.error, Some(json!("no")));
    let created = PredictionResponse::from_json(json!({"task_id": "t1", "status": "SUBMITTED"}));
    assert_eq!(created.outer_id(), Some("t1"));
    assert_eq!(
        created.into_prediction().unwrap().0.status,
        Status::Starting
    );
    // What is inside needs no id of its own.
    let json = envelope("SUCCESS", "", json!({"status": "succeeded", "output": "u"}));
    let p = prediction(json);
    assert_eq!((p.id.as_str(), p.output), ("t1", Some(json!("u"))));
    // A row number beside it is not the id.
    let p = prediction(json!({"id": 7, "task_id": "t1", "status": "QUEUED"}));
    assert_eq!(p.id, "t1");
    let p = prediction(json!({"id": "a", "task_id": null, "status": "starting"}));
    assert_eq!(p.id, "a");
}

#[test]
fn an_envelope_may_say_success_in_numbers_and_hold_text() {
    let task = json!({"task_id": "t1", "status": "SUCCESS", "data":
        json!({"id": "u", "status": "succeeded", "output": "https://x/y.png"}).to_string()});
    for code in [
        json!(200),
        json!(0),
        json!("200"),
        json!("SUCCESS"),
        json!(true),
    ] {
        for data in [task.clone(), json!(task.to_string())] {
            let response =
                PredictionResponse::from_json(json!({"code": code, "message": "", "data": data}));
            assert_eq!(response.outer_id(), Some("t1"), "{code}");
            let (p, ignored) = response.into_prediction().unwrap();
            assert_eq!((p.id.as_str(), p.status), ("t1", Status::Succeeded));
            assert_eq!(p.output, Some(json!("https://x/y.png")));
            assert!(ignored.is_empty(), "{ignored:?}");
        }
    }
    // A code that says something else does not make an id of a request id.
    let error =
        PredictionResponse::from_json(json!({"code": "bad", "message": "m", "data": {"id": "r"}}));
    assert!(error.id().is_none() && error.task_error().is_some());
}

#[test]
fn only_the_outermost_id_is_the_gateways_own() {
    let inner = json!({"id": "u", "status": "starting"});
    let wrapped = PredictionResponse::from_json(json!({"code": "success", "data": inner}));
    assert_eq!((wrapped.id(), wrapped.outer_id()), (Some("u"), None));
    assert_eq!(PredictionResponse::from_json(inner).outer_id(), Some("u"));
}

#[test]
fn an_id_or_a_status_that_was_changed_is_none() {
    let body = br#"{"id":"a\ud83d","status":"succeeded"}"#;
    assert!(PredictionResponse::from_slice(body).is_err());
    let body = br#"{"id":"a","status":"succeeded\ud83d"}"#;
    let (p, ignored) = PredictionResponse::from_slice(body)
        .unwrap()
        .into_prediction()
        .unwrap();
    assert_eq!(p.status, Status::Unknown(String::new()));
    assert!(
        ignored.iter().any(|field| field.path == "status"),
        "{ignored:?}"
    );
    // The same character as the service's own.
    let body = "{\"id\":\"a\u{fffd}\",\"status\":\"succeeded\"}";
    assert_eq!(
        PredictionResponse::from_slice(body.as_bytes())
            .unwrap()
            .id(),
        Some("a\u{fffd}")
    );
}

/// Any JSON; often a member of the type that it should have.
fn member() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<i32>().prop_map(|eighths| Value::from(f64::from(eighths) / 8.0)),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(name(), inner, 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

fn name() -> impl Strategy<Value = String> {
    const KNOWN: [&str; 24] = [
        "id",
        "status",
        "output",
        "error",
        "input",
        "logs",
        "metrics",
        "urls",
        "model",
        "version",
        "source",
        "created_at",
        "started_at",
        "completed_at",
        "data_removed",
        "predict_time",
        "image_count",
        "get",
        "web",
        "task_id",
        "data",
        "code",
        "message",
        "fail_reason",
    ];
    prop_oneof![
        4 => prop::sample::select(&KNOWN[..]).prop_map(str::to_owned),
        1 => any::<String>(),
    ]
}

fn decoded(response: PredictionResponse) -> (Option<String>, Option<Value>, Vec<IgnoredField>) {
    let outer = response.outer_id().map(str::to_owned);
    let other = response.other().cloned();
    match response.into_prediction() {
        Some((p, ignored)) => (outer, serde_json::to_value(p).ok(), ignored),
        None => (outer, other, Vec::new()),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// From bytes, from a value, and by the derived decode where that succeeds: the same.
    #[test]
    fn every_way_of_decoding_gives_the_same(
        members in prop::collection::btree_map(name(), member(), 0..12),
        id in prop::option::of("[a-z0-9]{1,9}"), status in prop::option::of("succeeded|starting"),
    ) {
        let mut object: Map<String, Value> = members.into_iter().collect();
        if let Some(id) = &id {
            object.insert("id".into(), id.clone().into());
        }
        if let Some(status) = status {
            object.insert("status".into(), status.into());
        }
        let json = Value::Object(object);
        let body = json.to_string();
        let read = decoded(PredictionResponse::from_slice(body.as_bytes()).unwrap());
        prop_assert_eq!(&read, &decoded(PredictionResponse::from_json(json.clone())));
        let bare = PredictionResponse::from_json(json.clone()).task().is_none();
        if let (Some(id), true, Ok(derived)) =
            (id, bare, serde_json::from_value::<Prediction>(json))
        {
            let derived = serde_json::to_value(derived).unwrap();
            prop_assert_eq!(&read.0, &Some(id));
            prop_assert_eq!(&read.1, &Some(derived));
            prop_assert!(read.2.is_empty());
        }
    }
}

/// What a response holds, comparable whatever the order of its fields.
fn contents(response: &PredictionResponse) -> Value {
    let words = (
        response.task().map(|task| format!("{:?}", task.status)),
        response.prediction().map(|it| format!("{:?}", it.status)),
    );
    json!({
        "task": response.task(),
        "prediction": response.prediction(),
        "error": response.task_error(),
        "other": response.other(),
        "is_bare": matches!(response.shape, Shape::Bare(_)),
        "words": words,
        "ignored": response.ignored.iter().map(|field| &field.path).collect::<Vec<_>>(),
    })
}

/// What both decoders give.
fn both(json: &Value) -> (Option<Value>, Value) {
    let body = json.to_string();
    let typed = typed::from_slice(body.as_bytes()).map(|typed| PredictionResponse {
        shape: typed.into(),
        ignored: Vec::new(),
    });
    let lenient = PredictionResponse::lenient_from_slice(body.as_bytes()).unwrap();
    (typed.as_ref().map(contents), contents(&lenient))
}

#[test]
fn what_the_spec_describes_is_decoded_by_type() {
    let bare = json!({
        "id": "a", "status": "succeeded", "model": "m/n", "version": "hidden",
        "input": {"prompt": "p", "seed": 1, "images": ["https://a/0"]},
        "output": ["https://a/0.png"], "error": null, "logs": "", "data_removed": false,
        "created_at": "2026-01-01T00:00:00Z", "metrics": {"predict_time": 1, "of_tomorrow": []},
        "urls": {"get": "https://a", "cancel": null}, "deadline": null,
    });
    let mut wrapped = envelope("SUCCESS", "", bare.clone());
    wrapped["data"]["progress"] = "100%".into();
    wrapped["data"]["finish_time"] = 1_772_000_000.into();
    wrapped["data"]["id"] = 17.into();
    wrapped["data"]["created_at"] = 1_772_000_000.into();
    wrapped["data"]["input"] = Value::Null;
    wrapped["data"]["channel_id"] = Value::Null;
    for json in [bare, wrapped, envelope("IN_PROGRESS", "", Value::Null)] {
        let (typed, lenient) = both(&json);
        assert_eq!(typed, Some(lenient), "{json}");
    }
}

/// A member as the spec describes it, or nearly.
fn value_of(name: &str) -> BoxedStrategy<Value> {
    let usual = match name {
        "id" | "task_id" => "[a-z]{0,3}".prop_map(Value::from).boxed(),
        "status" => prop_oneof![Just("succeeded".into()), Just("SUCCESS".into())].boxed(),
        "code" => prop_oneof![
            Just("success".into()),
            Just("fail".into()),
            Just(200.into())
        ]
        .boxed(),
        "metrics" | "urls" | "input" => prop_oneof![
            Just(json!({})),
            Just(json!({"predict_time": 1, "get": "u"})),
            Just(json!({"predict_time": "x", "get": 1, "image_count": 1.0})),
        ]
        .boxed(),
        _ => any::<u8>().prop_map(|n| json!(n.to_string())).boxed(),
    };
    prop_oneof![
        8 => usual,
        1 => Just(Value::Null),
        1 => Just(json!(17)),
        1 => Just(json!(1.5)),
        1 => Just(json!(["a", {"b": null}])),
        1 => Just(json!("{\"id\":\"a\",\"status\":\"failed\"}")),
    ]
    .boxed()
}

fn object_of(names: &'static [&'static str]) -> impl Strategy<Value = Value> {
    let names = prop::sample::subsequence(names, 1..=names.len()).prop_shuffle();
    names
        .prop_flat_map(|names| {
            let values: Vec<_> = names.iter().map(|name| value_of(name)).collect();
            (Just(names), values)
        })
        .prop_map(|(names, values)| {
            let names = names.into_iter().map(str::to_owned);
            Value::Object(names.zip(values).collect())
        })
}

const PREDICTION: &[&str] = &[
    "id",
    "status",
    "output",
    "error",
    "input",
    "metrics",
    "urls",
    "logs",
    "data_removed",
    "created_at",
    "of_tomorrow",
    "code",
    "task_id",
    "data",
];
const TASK: &[&str] = &[
    "task_id",
    "status",
    "fail_reason",
    "finish_time",
    "progress",
    "action",
    "id",
    "error",
    "metrics",
    "urls",
    "input",
    "created_at",
    "platform",
    "quota",
];

proptest! {
    /// The decoder by type may refuse anything, and must give what the lenient one gives.
    #[test]
    fn both_decoders_agree(
        prediction in object_of(PREDICTION),
        task in object_of(TASK),
        outer in object_of(&["code", "message", "data", "id", "request_id"]),
        nesting in 0..4,
    ) {
        let with_data = |mut outer: Value, data: Value| {
            outer["data"] = data;
            outer
        };
        let json = match nesting {
            0 => prediction,
            1 => with_data(task, prediction),
            2 => with_data(outer, prediction),
            _ => with_data(outer, with_data(task, prediction)),
        };
        let (typed, lenient) = both(&json);
        if let Some(typed) = typed {
            prop_assert_eq!(typed, lenient, "{}", json);
        }
    }
}
