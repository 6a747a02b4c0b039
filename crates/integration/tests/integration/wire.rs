//! What leaves this machine, byte for byte.

use std::collections::BTreeSet;

use cometapi::{Client, ErrorKind};
use serde_json::{Value, json};

use crate::setup::{KEY, SCHNELL, builder, client, input, mock};

fn names(headers: &http::HeaderMap) -> BTreeSet<&str> {
    headers.keys().map(http::HeaderName::as_str).collect()
}

#[tokio::test]
async fn a_create_is_exactly_the_documented_request() {
    let server = mock().await;
    let request =
        json!({"prompt": "x", "list": [1, {"a": null}], "seed": 18_446_744_073_709_551_615_u64});
    let created = client(&server)
        .predictions()
        .create_model(SCHNELL, request.clone())
        // No field of that model is a list.
        .unchecked()
        .await
        .unwrap();
    client(&server)
        .predictions()
        .get(created.id())
        .await
        .unwrap();

    let [create, poll] = &server.requests()[..] else {
        panic!("two requests, not {:?}", server.requests());
    };
    assert_eq!(create.method, http::Method::POST);
    assert_eq!(
        create.target,
        "/replicate/v1/models/black-forest-labs/flux-schnell/predictions"
    );
    let body: Value = serde_json::from_slice(&create.body).unwrap();
    assert_eq!(body, json!({"input": request}));
    assert_eq!(
        names(&create.headers),
        BTreeSet::from([
            "accept",
            "authorization",
            "content-length",
            "content-type",
            "host",
            "user-agent"
        ])
    );
    assert_eq!(create.headers["authorization"], format!("Bearer {KEY}"));
    assert_eq!(create.headers["content-type"], "application/json");
    assert_eq!(create.headers["accept"], "application/json");
    let agent = create.headers["user-agent"].to_str().unwrap();
    assert!(agent.starts_with("cometapi-rust/"), "{agent}");

    assert_eq!(poll.method, http::Method::GET);
    assert_eq!(
        poll.target,
        format!("/replicate/v1/predictions/{}", created.id())
    );
    assert_eq!(
        names(&poll.headers),
        BTreeSet::from(["accept", "authorization", "host", "user-agent"])
    );
    assert_eq!(server.violations(), []);
}

#[tokio::test]
async fn what_cannot_be_sent_is_refused_before_the_wire() {
    let server = mock().await;
    let client = client(&server);
    let predictions = client.predictions();
    for model in [
        "", "x", "/", "a/", "/b", "a/b/c", "../x", "a/..", "a/.", "a\\b/c", "a/b%2Fc", "a/b c",
        "a/b\n", "a/b:1", "å/b", "a/b?x", "a/b#x", "a/\u{0}",
    ] {
        let error = predictions.create_model(model, input()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidModel, "{model:?}");
        assert!(error.is_before_sending());
    }
    for bad in [json!(null), json!([]), json!("x"), json!(1)] {
        let error = predictions.create_model(SCHNELL, bad).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
    }
    for id in ["", " ", ".", "..", "a\u{0}", "a\nb", &"a".repeat(257)] {
        assert_eq!(
            predictions.get(id).await.unwrap_err().kind(),
            ErrorKind::InvalidId,
            "{id:?}"
        );
        assert_eq!(
            predictions.wait(id).await.unwrap_err().kind(),
            ErrorKind::InvalidId,
            "{id:?}"
        );
    }
    assert_eq!(server.requests().len(), 0);
}

/// Ids are opaque: any that is not a path of its own is sent, as one segment.
#[tokio::test]
async fn an_id_of_any_characters_is_one_segment_of_the_path() {
    use wiremock::matchers::any;
    use wiremock::{Mock, MockServer, ResponseTemplate};
    for (id, segment) in [
        ("video_bGl0ZWxsbTpjdXN0b20=", "video_bGl0ZWxsbTpjdXN0b20%3D"),
        ("a+b/c:d", "a%2Bb%2Fc%3Ad"),
        ("..\\x", "..%5Cx"),
        ("%2e%2e", "%252e%252e"),
        ("a b?c#d", "a%20b%3Fc%23d"),
        ("狐", "%E7%8B%90"),
    ] {
        let service = MockServer::start().await;
        let json = json!({"id": id, "status": "succeeded", "output": "https://a/b.png"});
        Mock::given(any())
            .respond_with(ResponseTemplate::new(200).set_body_json(json))
            .mount(&service)
            .await;
        let client = builder(&service.uri()).build().unwrap();
        let done = client.run_model(SCHNELL, input()).await.unwrap();
        assert_eq!(done.prediction().id(), id);
        // Ended in the response to the create request: there is nothing to poll for.
        assert_eq!(service.received_requests().await.unwrap().len(), 1);
        let waited = client.predictions().wait(format!(" {id}\n")).await.unwrap();
        assert_eq!(waited.id(), id);
        let requests = service.received_requests().await.unwrap();
        let path = format!("/replicate/v1/predictions/{segment}");
        assert_eq!(requests[1].url.path(), path);
    }
}

#[tokio::test]
async fn every_spelling_of_the_base_url_gives_the_documented_path() {
    let server = mock().await;
    let origin = server.origin();
    for base in [
        origin.to_owned(),
        format!("{origin}/"),
        format!("{origin}/replicate/v1"),
        format!(" {origin}/replicate/v1// "),
    ] {
        let client = builder(&base).build().unwrap();
        client
            .predictions()
            .create_model(SCHNELL, input())
            .await
            .unwrap();
    }
    let targets: BTreeSet<String> = server.requests().into_iter().map(|r| r.target).collect();
    assert_eq!(
        targets,
        BTreeSet::from([
            "/replicate/v1/models/black-forest-labs/flux-schnell/predictions".to_owned()
        ])
    );
}

#[tokio::test]
async fn the_raw_client_shares_key_and_seam() {
    let server = mock().await;
    let client: Client = client(&server);
    let body = cometapi::wire::types::CreatePredictionRequest {
        input: input().as_object().unwrap().clone(),
    };
    let answer = client
        .raw()
        .create_prediction(
            &"black-forest-labs".parse().unwrap(),
            &"flux-schnell".parse().unwrap(),
            &body,
        )
        .await
        .unwrap();
    assert!(answer.prediction().is_some());
    assert_eq!(server.violations(), []);
}
