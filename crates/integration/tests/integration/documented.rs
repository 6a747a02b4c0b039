//! Answers as others wrote them down.

use cometapi::Status;
use cometapi_mock::wiremock::Contract;
use serde_json::{Value, json};
use wiremock::matchers::{body_json, header, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::setup::{KEY, SCHNELL, builder};

const CREATE: &str = include_str!("../../../contract/fixtures/create-documented-2026-03-12.json");
const REQUEST: &str =
    include_str!("../../../contract/fixtures/create-request-documented-2026-03-12.json");
const ID: &str = "q4chw5rey9rmt0cww76t4h3ma4";

/// A server that takes the documented create under `root`, and answers polls with `poll`.
async fn server(root: &str, poll: Value) -> MockServer {
    let server = MockServer::start().await;
    let request: Value = serde_json::from_str(REQUEST).unwrap();
    Mock::given(method("POST"))
        .and(path(format!("{root}/models/{SCHNELL}/predictions")))
        .and(header("authorization", format!("Bearer {KEY}")))
        .and(header("content-type", "application/json"))
        .and(body_json(request))
        .respond_with(ResponseTemplate::new(200).set_body_raw(CREATE, "application/json"))
        .expect(1)
        .mount(&server)
        .await;
    Mock::given(method("GET"))
        .and(path(format!("{root}/predictions/{ID}")))
        .and(header("authorization", format!("Bearer {KEY}")))
        .respond_with(ResponseTemplate::new(200).set_body_json(poll))
        .mount(&server)
        .await;
    server
}

fn input() -> Value {
    let request: Value = serde_json::from_str(REQUEST).unwrap();
    request["input"].clone()
}

#[tokio::test]
async fn the_create_documented_on_2026_03_12_is_read_whole() {
    let server = server("/replicate/v1", json!({"id": ID, "status": "succeeded"})).await;
    let client = builder(&server.uri()).build().unwrap();
    let created = client
        .predictions()
        .create_model(SCHNELL, input())
        .await
        .unwrap();
    assert_eq!(created.raw(), CREATE.as_bytes());
    assert_eq!(created.id(), ID);
    assert_eq!(created.status(), &Status::Starting);
    assert_eq!(created.model(), Some(SCHNELL));
    assert_eq!(created.input(), input().as_object());
    assert_eq!(created.logs(), Some(""));
    assert!(created.output().is_null() && !created.data_removed() && created.error().is_none());
    assert_eq!(created.created_at(), Some("2026-03-12T11:27:18.258Z"));
    assert!(created.ignored_fields().is_empty());
    let wire = created.wire();
    assert_eq!(wire.version.as_deref(), Some("hidden"));
    assert_eq!(wire.source.as_deref(), Some("api"));
    let urls = wire.urls.as_ref().unwrap();
    assert!(
        [&urls.cancel, &urls.get, &urls.stream, &urls.web]
            .iter()
            .all(|url| url.is_some())
    );
    assert!(wire.extra.is_empty(), "{:?}", wire.extra);
}

#[tokio::test]
async fn a_service_with_replicates_own_paths_works_by_its_base_url() {
    let poll =
        json!({"id": ID, "status": "succeeded", "output": ["https://replicate.delivery/x.webp"]});
    let server = server("/v1", poll).await;
    let client = builder(&format!("{}/v1/", server.uri())).build().unwrap();
    let done = client.run_model(SCHNELL, input()).await.unwrap();
    assert_eq!(done.files()[0].url(), "https://replicate.delivery/x.webp");
}

/// Every poll answer that the spec shows, through the public API.
#[tokio::test]
async fn the_examples_of_the_spec_come_out_as_what_they_are() {
    let rows = [
        (
            json!({"code": "success", "message": "", "data": {"task_id": ID, "action": "", "status": "SUBMITTED", "fail_reason": "", "submit_time": 1_773_994_530, "start_time": 0, "finish_time": 0, "progress": "10%", "data": null}}),
            Status::Starting,
        ),
        (
            json!({"id": ID, "status": "reticulating"}),
            Status::Unknown("reticulating".into()),
        ),
        (
            json!({"code": "success", "data": {"task_id": ID, "status": "FAILURE", "fail_reason": "任务超时（1440分钟）", "data": {"id": ID, "status": "processing", "output": null}}}),
            Status::Failed,
        ),
    ];
    for (poll, status) in rows {
        let server = MockServer::start().await;
        // The spec as a matcher: a request that it does not allow would not be answered.
        let contract = Contract::shipped().unwrap();
        Mock::given(contract.operation("get_prediction"))
            .respond_with(ResponseTemplate::new(200).set_body_json(poll))
            .mount(&server)
            .await;
        let client = builder(&server.uri()).build().unwrap();
        let seen = client.predictions().get(ID).await.unwrap();
        assert_eq!((seen.id(), seen.status()), (ID, &status));
        contract.assert_no_violations();
    }
}
