//! The course of a prediction, as a valid client sees it.

use std::time::Duration;

use cometapi_mock::{Ending, Form, MockServer, Pace, Script, Step};
use http::StatusCode;
use serde_json::json;

use crate::client::{
    KONTEXT, SCHNELL, create, create_of, created, created_of, header, json_of, poll, polled,
};

#[tokio::test]
async fn the_documented_create_is_answered_as_documented() {
    let server = MockServer::start().await.unwrap();
    let input = json!({
        "prompt": "A paper boat floating on calm water at sunrise.",
        "aspect_ratio": "1:1",
        "output_format": "webp",
        "output_quality": 80,
    });
    let response = create_of(&server, SCHNELL, &input).send().await.unwrap();
    assert_eq!(response.status(), 200);
    let request_id = header(&response, "x-cometapi-request-id");
    assert!(
        (23..=31).contains(&request_id.len())
            && request_id.bytes().all(|b| b.is_ascii_alphanumeric()),
        "{request_id}"
    );

    let text = response.text().await.unwrap();
    let body: serde_json::Value = serde_json::from_str(&text).unwrap();
    let id = body["id"].as_str().unwrap();
    assert_eq!(id.len(), 26);
    let created_at = body["created_at"].as_str().unwrap();
    assert_eq!(created_at.len(), "2026-03-12T11:27:18.258Z".len());
    assert_eq!(
        body,
        json!({
            "id": id,
            "model": SCHNELL,
            "version": "hidden",
            "input": input,
            "logs": "",
            "output": null,
            "data_removed": false,
            "error": null,
            "source": "api",
            "status": "starting",
            "created_at": created_at,
            "urls": {
                "cancel": format!("https://api.replicate.com/v1/predictions/{id}/cancel"),
                "get": format!("https://api.replicate.com/v1/predictions/{id}"),
                "stream": format!("https://stream.replicate.com/v1/files/mock-{id}"),
                "web": format!("https://replicate.com/p/{id}"),
            },
        })
    );
    // The input's keys come back in order, whatever order they were sent in.
    let at = |key: &str| text.find(&format!("\"{key}\":")).unwrap();
    assert!(at("aspect_ratio") < at("output_format") && at("output_quality") < at("prompt"));

    server.assert_no_violations();
    assert_eq!(server.create_requests(), 1);
    let received = &server.requests()[0];
    assert_eq!(received.operation.as_deref(), Some("create_prediction"));
    assert_eq!(received.model.as_deref(), Some(SCHNELL));
    assert_eq!(received.id.as_deref(), Some(id));
    assert_eq!(received.status, Some(StatusCode::OK));
    assert!(
        received
            .target
            .ends_with("/models/black-forest-labs/flux-schnell/predictions")
    );
    assert!(received.body.starts_with(br#"{"input":{"#));
    assert!(!format!("{received:?}").contains("sk-test"));
}

#[tokio::test]
async fn runs_to_success_by_polls() {
    let server = MockServer::builder()
        .pace(Pace::polls(1, 1))
        .start()
        .await
        .unwrap();
    let id = created(&server).await;
    assert_eq!(polled(&server, &id).await["status"], "starting");

    let processing = polled(&server, &id).await;
    assert_eq!(processing["status"], "processing");
    assert_eq!(processing["output"], json!(null));
    assert!(processing["started_at"].is_string());

    let done = polled(&server, &id).await;
    assert_eq!(done["status"], "succeeded");
    let url = format!("{}/xezq/{id}/out-0.webp", server.files_origin());
    assert_eq!(done["output"], json!([url]));
    assert_eq!(done["metrics"]["image_count"], 1);
    assert!(done["logs"].as_str().unwrap().contains("Using seed: 42"));
    assert!(done["completed_at"].is_string());
    // Once more gives the same.
    assert_eq!(polled(&server, &id).await, done);
    assert_eq!(server.predictions()[0].polls, 4);
    server.assert_no_violations();
}

#[tokio::test(start_paused = true)]
async fn runs_to_success_by_a_clock_that_nobody_waits_for() {
    let server = MockServer::builder()
        .pace(Pace::clock(
            Duration::from_secs(30),
            Duration::from_secs(60),
        ))
        .start()
        .await
        .unwrap();
    let id = created(&server).await;
    assert_eq!(polled(&server, &id).await["status"], "starting");
    tokio::time::advance(Duration::from_secs(31)).await;
    assert_eq!(polled(&server, &id).await["status"], "processing");
    tokio::time::advance(Duration::from_secs(60)).await;
    let done = polled(&server, &id).await;
    assert_eq!(done["status"], "succeeded");
    assert_eq!(done["metrics"]["predict_time"], 60.0);

    // The service deletes the data after an hour.
    tokio::time::advance(Duration::from_secs(3_600)).await;
    let gone = polled(&server, &id).await;
    assert_eq!(gone["status"], "succeeded");
    assert_eq!(gone["data_removed"], true);
    assert_eq!(gone["output"], json!(null));
}

#[tokio::test]
async fn a_single_file_model_answers_one_url() {
    let server = MockServer::builder()
        .pace(Pace::instant())
        .start()
        .await
        .unwrap();
    let id = created_of(&server, KONTEXT, json!({"prompt": "p"})).await;
    let output = polled(&server, &id).await["output"].clone();
    let url = output.as_str().unwrap();
    assert!(url.starts_with(server.files_origin()));
    assert_eq!(std::path::Path::new(url).extension().unwrap(), "png");
}

#[tokio::test]
async fn wrapped_from_no_inner_body_to_success() {
    let server = MockServer::builder()
        .wrapped()
        .pace(Pace::polls(1, 1))
        .start()
        .await
        .unwrap();
    // The response to a create request is bare anyway.
    let id = created(&server).await;

    let first = polled(&server, &id).await;
    assert_eq!(first["code"], "success");
    assert_eq!(first["data"]["task_id"], json!(id));
    assert_eq!(first["data"]["status"], "SUBMITTED");
    assert_eq!(first["data"]["data"], json!(null));
    assert_eq!(first["data"]["start_time"], 0);
    assert!(first["data"].get("channel_id").is_none());

    let second = polled(&server, &id).await;
    assert_eq!(second["data"]["status"], "IN_PROGRESS");
    assert_eq!(second["data"]["data"]["status"], "processing");

    let third = polled(&server, &id).await;
    assert_eq!(third["data"]["status"], "SUCCESS");
    assert_eq!(third["data"]["progress"], "100%");
    assert_eq!(third["data"]["data"]["id"], json!(id));
    assert!(third["data"]["data"]["output"][0].is_string());
    assert_ne!(third["data"]["finish_time"], 0);
}

#[tokio::test]
async fn wrapped_failures_say_why_on_the_outside() {
    let server = MockServer::builder()
        .form(Form::WrappedNew)
        .pace(Pace::instant())
        .start()
        .await
        .unwrap();
    server.on_end(Ending::failed("it rained"));
    let id = created(&server).await;
    let body = polled(&server, &id).await;
    assert_eq!(body["data"]["status"], "FAILURE");
    assert_eq!(body["data"]["fail_reason"], "it rained");
    assert_eq!(body["data"]["platform"], "replicate");
    assert_eq!(body["data"]["data"]["status"], "failed");
}

#[tokio::test]
async fn endings_follow_their_plans() {
    let server = MockServer::builder()
        .pace(Pace::instant())
        .start()
        .await
        .unwrap();
    server.on_end(Ending::flagged());
    server.on_end(Ending::Canceled);
    server.on_end(Ending::Aborted);
    server.on_end(Ending::Removed);
    let mut words = Vec::new();
    for _ in 0..5 {
        let id = created(&server).await;
        let body = polled(&server, &id).await;
        words.push(format!("{} {}", body["status"], body["data_removed"]));
    }
    assert_eq!(
        words,
        [
            r#""failed" false"#,
            r#""canceled" false"#,
            r#""aborted" false"#,
            r#""succeeded" true"#,
            r#""succeeded" false"#,
        ]
    );
}

#[tokio::test]
async fn scripts_say_every_answer() {
    let server = MockServer::start().await.unwrap();
    let words =
        |words: &[&str]| Script::new(words.iter().map(|word| Step::Word((*word).to_owned())));
    server.on_run(words(&["queued", "running"]));
    let id = created(&server).await;
    assert_eq!(polled(&server, &id).await["status"], "queued");
    assert_eq!(polled(&server, &id).await["status"], "running");
    assert_eq!(polled(&server, &id).await["status"], "running");
    // The next one is back at the server's pace.
    let id = created(&server).await;
    assert_eq!(polled(&server, &id).await["status"], "starting");
}

#[tokio::test]
async fn data_can_be_removed_on_purpose() {
    let server = MockServer::builder()
        .pace(Pace::instant())
        .start()
        .await
        .unwrap();
    let id = created(&server).await;
    polled(&server, &id).await;
    assert!(server.remove_data(&id));
    assert!(!server.remove_data("other"));
    let body = polled(&server, &id).await;
    assert_eq!(body["data_removed"], true);
    assert_eq!(body["input"], json!({}));
}

#[tokio::test]
async fn accepted_may_be_201_or_202() {
    for status in [StatusCode::CREATED, StatusCode::ACCEPTED] {
        let server = MockServer::builder()
            .create_status(status)
            .start()
            .await
            .unwrap();
        assert_eq!(json_of(create(&server)).await.0, status.as_u16());
    }
}

#[tokio::test]
async fn models_and_keys_can_be_limited() {
    let server = MockServer::builder()
        .models([SCHNELL])
        .key("sk-test")
        .start()
        .await
        .unwrap();
    created(&server).await;

    let other = create_of(&server, KONTEXT, &json!({"prompt": "p"}));
    let (status, body) = json_of(other).await;
    assert_eq!(status, 503);
    assert_eq!(body["error"]["code"], "model_not_found");
    assert!(body["error"]["message"].as_str().unwrap().contains(KONTEXT));

    let (status, body) = json_of(create(&server).header("authorization", "Bearer sk-test")).await;
    assert_eq!(status, 401, "{body}");
    let wrong = reqwest::Client::new()
        .get(format!("{}/predictions/x", server.base_url()))
        .bearer_auth("sk-tes");
    assert_eq!(json_of(wrong).await.0, 401);
    assert!(!format!("{server:?}").contains("sk-test"));
}

#[tokio::test]
async fn unknown_ids_do_not_exist() {
    let server = MockServer::start().await.unwrap();
    let (status, body) = json_of(poll(&server, "q4chw5rey9rmt0cww76t4h3ma4")).await;
    assert_eq!(status, 400);
    assert_eq!(
        body,
        json!({"code": "task_not_exist", "message": "task_not_exist", "data": null})
    );
    server.assert_no_violations();
}

#[tokio::test]
async fn inputs_that_the_provider_refuses() {
    let server = MockServer::start().await.unwrap();
    let input = json!({"num_outputs": 5, "aspect_ratio": "7:1"});
    let (status, body) = json_of(create_of(&server, SCHNELL, &input)).await;
    assert_eq!(status, 422);
    assert_eq!(body["title"], "Input validation failed");
    let detail = body["detail"].as_str().unwrap();
    assert!(detail.contains("- input: prompt is required\n"), "{detail}");
    assert!(detail.contains("- input.num_outputs: Must be less than or equal to 4\n"));
    assert_eq!(body["invalid_fields"].as_array().unwrap().len(), 3);
    assert_eq!(server.create_requests(), 1);
    assert!(server.predictions().is_empty());
    // The document allows any input: it is the model that does not.
    server.assert_no_violations();
}

#[tokio::test]
async fn the_same_seed_gives_the_same_ids_and_draws() {
    let mut seen = Vec::new();
    for seed in [7, 7, 8] {
        let server = MockServer::builder().seed(seed).start().await.unwrap();
        let id = created_of(&server, "a/b", json!({})).await;
        seen.push((id, server.predictions()[0].seed));
    }
    assert_eq!(seen[0], seen[1]);
    assert_ne!(seen[0], seen[2]);
}
