//! What the tests of a crate that builds on `cometapi` may look like: its own code, held to
//! the contract without a key, a network or a copy of the spec.
//!
//! Two ways. The stateful mock for what creates, waits and downloads; `wiremock` with the
//! spec as matcher and responder for a single answer of one's choice. In both, a request
//! that the service would not understand fails the test.

#![allow(
    clippy::unwrap_used,
    reason = "the helpers of a test are tests too, which clippy does not see"
)]

use cometapi::{Client, ErrorKind, Status};
use cometapi_mock::wiremock::Contract;
use cometapi_mock::{Ending, MockServer, Pace};
use serde_json::json;

/// The code of the downstream crate: a cover picture for a title.
async fn cover(client: &Client, title: &str) -> Result<String, cometapi::Error> {
    let input = json!({"prompt": format!("cover of a book called {title}")});
    let run = client
        .run_model("black-forest-labs/flux-schnell", input)
        .await?;
    let url = run.files().first().map(|file| file.url().to_owned());
    Ok(url.unwrap_or_default())
}

fn client(base_url: &str) -> Client {
    Client::builder()
        .key("sk-any")
        .base_url(base_url)
        .build()
        .unwrap()
}

#[tokio::test]
async fn a_cover_is_made_by_one_lawful_create() {
    let server = MockServer::builder()
        .pace(Pace::instant())
        .start()
        .await
        .unwrap();
    let url = cover(&client(server.base_url()), "Glass").await.unwrap();
    assert!(url.starts_with(server.files_origin()), "{url}");
    assert_eq!(server.create_requests(), 1);
    server.assert_no_violations();
}

#[tokio::test]
async fn a_cover_that_is_refused_by_moderation_is_an_error_with_the_prediction() {
    let server = MockServer::builder()
        .pace(Pace::instant())
        .start()
        .await
        .unwrap();
    server.on_end(Ending::nsfw());
    let error = cover(&client(server.base_url()), "Glass")
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Failed);
    assert!(error.prediction_id().is_some());
    server.assert_no_violations();
}

#[tokio::test]
async fn one_answer_of_ones_choice_comes_from_the_spec() {
    let contract = Contract::shipped().unwrap();
    let server = wiremock::MockServer::start().await;
    wiremock::Mock::given(contract.operation("get_prediction"))
        .respond_with(
            contract
                .example("get_prediction", 200, "wrapped_failed")
                .unwrap(),
        )
        .mount(&server)
        .await;
    let client = client(&server.uri());
    let seen = client
        .predictions()
        .get("zk7w2m9x4drm00ctb5q8v1n6he")
        .await
        .unwrap();
    assert_eq!(seen.status(), &Status::Failed);
    contract.assert_no_violations();
}

#[tokio::test]
async fn an_error_of_the_spec_keeps_its_words() {
    let contract = Contract::shipped().unwrap();
    let server = wiremock::MockServer::start().await;
    wiremock::Mock::given(contract.operation("create_prediction"))
        .respond_with(
            contract
                .example("create_prediction", 403, "out_of_quota")
                .unwrap(),
        )
        .expect(1)
        .mount(&server)
        .await;
    let error = cover(&client(&server.uri()), "Glass").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::OutOfQuota);
    assert_eq!(error.status(), Some(403));
    contract.assert_no_violations();
}

#[tokio::test]
async fn a_request_that_is_not_allowed_is_told() {
    let contract = Contract::shipped().unwrap();
    let server = wiremock::MockServer::start().await;
    let lawful = json!({"id": "a", "status": "starting"});
    wiremock::Mock::given(contract.operation("get_prediction"))
        .respond_with(contract.json("get_prediction", 200, &lawful).unwrap())
        .mount(&server)
        .await;
    let url = format!("{}{}/predictions/a?page=2", server.uri(), contract.prefix());
    let answer = reqwest::Client::new().get(url).send().await.unwrap();
    assert_eq!(answer.status(), 400);
    let told: Vec<_> = contract
        .violations()
        .iter()
        .map(ToString::to_string)
        .collect();
    assert!(
        told.contains(&"header authorization: missing".to_owned()),
        "{told:?}"
    );
    assert!(told.iter().any(|one| one.starts_with("query")), "{told:?}");
}

#[test]
fn an_answer_that_the_service_could_not_give_is_refused_when_it_is_made() {
    let contract = Contract::shipped().unwrap();
    let unlawful = contract.json("get_prediction", 200, &json!({"state": "done"}));
    assert!(
        unlawful
            .unwrap_err()
            .to_string()
            .contains("not a response of this operation")
    );
    assert!(contract.json("get_prediction", 302, &json!({})).is_err());
    assert!(contract.example("get_prediction", 200, "no_such").is_err());
    assert!(
        contract
            .example("list_predictions", 200, "documented")
            .is_err()
    );
}
