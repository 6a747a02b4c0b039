//! The mock is held to the document as its clients are.

use cometapi_mock::{Ending, Fault, Form, MockServer, Pace, Spec, known_models};
use http::StatusCode;
use reqwest::RequestBuilder;
use serde_json::json;

use crate::client::{Outcome, create, create_of, created, http, outcome, poll};
use crate::inputs::least_of;

const CREATE: &str = "create_prediction";
const GET: &str = "get_prediction";

/// What the document has against an answer; `None` where none came whole.
async fn faults_of(operation: &str, request: RequestBuilder) -> Option<Vec<String>> {
    let Outcome::Answer {
        status,
        media,
        body,
        ..
    } = outcome(request).await
    else {
        return None;
    };
    let status = StatusCode::from_u16(status).unwrap();
    let violations =
        Spec::shipped()
            .unwrap()
            .check_response(operation, status, Some(&media), &body);
    Some(violations.iter().map(ToString::to_string).collect())
}

#[track_caller]
fn valid(faults: Option<Vec<String>>, what: &str) {
    assert_eq!(faults, Some(vec![]), "{what}");
}

#[tokio::test]
async fn every_state_of_every_model_in_every_form() {
    for form in [Form::Bare, Form::Wrapped, Form::WrappedNew] {
        let server = MockServer::builder()
            .form(form)
            .pace(Pace::polls(1, 1))
            .start()
            .await
            .unwrap();
        for model in known_models().chain(["a/b"]) {
            let mut input = least_of(model);
            input["nested"] = json!({"b": [1.5, null], "a": true});
            valid(
                faults_of(CREATE, create_of(&server, model, &input)).await,
                model,
            );
            let id = server.predictions().pop().unwrap().id;
            for _ in 0..3 {
                valid(faults_of(GET, poll(&server, &id)).await, model);
            }
        }
        for ending in [
            Ending::nsfw(),
            Ending::Canceled,
            Ending::Aborted,
            Ending::Removed,
            Ending::NullOutput,
            Ending::Output(json!({"image": "u"})),
        ] {
            server.on_end(ending.clone());
            let id = created(&server).await;
            for _ in 0..3 {
                valid(
                    faults_of(GET, poll(&server, &id)).await,
                    &format!("{ending:?}"),
                );
            }
        }
    }
}

#[tokio::test]
async fn every_refusal() {
    let server = MockServer::builder().models(["a/b"]).start().await.unwrap();
    let url = format!("{}/predictions/x", server.base_url());
    let large = vec![b' '; (16 << 20) + 1];
    for (operation, request) in [
        (GET, http().get(&url)),
        (GET, http().get(&url).bearer_auth("k")),
        (GET, http().get(format!("{url}%20")).bearer_auth("k")),
        (GET, http().get(format!("{url}?a=b")).bearer_auth("k")),
        (GET, http().delete(&url).bearer_auth("k")),
        (CREATE, create(&server)),
        (CREATE, create_of(&server, "a%20c/b", &json!({}))),
        (CREATE, create(&server).body("{")),
        (CREATE, create(&server).body("{}")),
        (CREATE, create(&server).body(large)),
        (CREATE, create(&server).header("content-type", "text/plain")),
    ] {
        valid(faults_of(operation, request).await, operation);
    }
    // None of them was carried out.
    assert!(server.predictions().is_empty());
    let statuses: Vec<_> = server.requests().iter().map(|one| one.status).collect();
    assert!(
        statuses
            .iter()
            .all(|status| status.unwrap().as_u16() >= 400),
        "{statuses:?}"
    );
}

/// Faults whose whole point is an answer that no document allows.
const INVALID: &[&str] = &[
    "IndexPage",
    "MovedPermanently",
    "Found",
    "SeeOther",
    "TemporaryRedirect",
    "FirewallText",
    "ProxyForbidden",
    "NoId",
    "BareTask",
    "ByteOrderMark",
    "Utf16",
    "HalfSurrogate",
    "NotANumber",
    "Gzip",
    "Deflate",
    "Encoding",
    "BrokenJson",
    "EmptyBody",
    "ContentType",
    "ShortBody",
    "FileGone",
];

/// Those that have no whole answer in a test's time.
fn is_silent(fault: &Fault) -> bool {
    matches!(
        fault,
        Fault::Hang
            | Fault::StallBody
            | Fault::Delay(_)
            | Fault::SlowBody(_)
            | Fault::Close
            | Fault::Reset
            | Fault::CutBody
            | Fault::ResetBody
    )
}

#[tokio::test]
async fn faults_break_the_document_only_where_that_is_their_point() {
    let server = MockServer::builder()
        .pace(Pace::instant())
        .start()
        .await
        .unwrap();
    let id = created(&server).await;
    for fault in Fault::catalogue().into_iter().filter(|one| !is_silent(one)) {
        let name = format!("{fault:?}");
        let invalid = INVALID
            .iter()
            .any(|one| name == *one || name.starts_with(&format!("{one}(")));
        server.on_create(fault.clone());
        let found = faults_of(CREATE, create(&server)).await.unwrap();
        assert_eq!(!found.is_empty(), invalid, "{name}: {found:?}");

        server.on_poll(fault.clone());
        let found = faults_of(GET, poll(&server, &id)).await.unwrap();
        // A poll declares no 201.
        let invalid = invalid || fault == Fault::TaskErrorWithPrediction;
        assert_eq!(!found.is_empty(), invalid, "{name}: {found:?}");
    }
}
