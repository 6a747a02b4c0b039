//! The main job.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use cometapi::models::flux_schnell::FluxSchnell;
use cometapi::{Create, ErrorKind, Status};
use cometapi_mock::{Ending, Pace};
use serde_json::json;

use crate::setup::{SCHNELL, checked, client, input, mock};

#[tokio::test]
async fn a_run_gives_the_whole_prediction_and_its_files() {
    let server = mock().await;
    let request = json!({"prompt": "a red fox", "num_outputs": 3, "seed": 1});
    let done = client(&server).run_model(SCHNELL, request).await.unwrap();
    assert_eq!(done.prediction().status(), &Status::Succeeded);
    assert_eq!(done.prediction().model(), Some(SCHNELL));
    assert_eq!(done.files().len(), 3);
    assert!(done.prediction().metrics().unwrap().predict_time.is_some());
    assert!(done.prediction().request_id().is_some());
    assert!(done.prediction().ignored_fields().is_empty());
    assert_eq!(server.create_requests(), 1);
    assert_eq!(server.violations(), []);
}

#[tokio::test]
async fn every_form_of_output_is_served() {
    let server = mock().await;
    let client = client(&server);
    let done = client
        .run_model("black-forest-labs/flux-1.1-pro", json!({"prompt": "x"}))
        .await
        .unwrap();
    assert_eq!(
        done.prediction().output().url(),
        Some(done.files()[0].url())
    );
    assert!(done.prediction().output().json().unwrap().is_string());

    for (output, urls) in [
        (
            json!({"a": "https://h/a.png", "b": {"c": ["https://h/c.png"]}}),
            2,
        ),
        (json!("words"), 0),
        (json!(7), 0),
        (json!([]), 0),
    ] {
        server.on_end(Ending::Output(output.clone()));
        let done = client.run_model(SCHNELL, input()).await.unwrap();
        assert_eq!(done.prediction().output().json(), Some(&output));
        assert_eq!(done.files().len(), urls, "{output}");
    }

    server.on_end(Ending::NullOutput);
    let done = client.run_model(SCHNELL, input()).await.unwrap();
    assert!(done.prediction().output().is_null());
    assert!(done.files().is_empty());
}

#[tokio::test]
async fn the_hook_has_the_id_before_the_first_poll() {
    let server = Arc::new(mock().await);
    let seen = Arc::new(AtomicUsize::new(usize::MAX));
    let (inside, count) = (Arc::clone(&server), Arc::clone(&seen));
    client(&server)
        .run_model(SCHNELL, input())
        .on_created(move |created| async move {
            assert_eq!(created.id(), inside.predictions()[0].id);
            count.store(inside.requests().len(), Ordering::SeqCst);
            Ok(())
        })
        .await
        .unwrap();
    assert_eq!(
        seen.load(Ordering::SeqCst),
        1,
        "the create request and no poll"
    );
}

#[tokio::test]
async fn an_observer_sees_every_state_from_the_first_to_the_last() {
    let server = checked().pace(Pace::polls(0, 2)).start().await.unwrap();
    for ending in [Ending::Succeeded, Ending::Canceled] {
        server.on_end(ending.clone());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let states = Arc::clone(&seen);
        let run = client(&server)
            .run(FluxSchnell::new("a red fox"))
            .on_update(move |state| states.lock().unwrap().push(state.status().to_string()))
            .completed();
        let done = run.await;
        let last = if ending == Ending::Succeeded {
            assert_eq!(done.unwrap().files().len(), 1);
            "succeeded"
        } else {
            assert_eq!(done.unwrap_err().kind(), ErrorKind::Canceled);
            "canceled"
        };
        let seen = seen.lock().unwrap();
        assert_eq!(*seen, ["starting", "processing", "processing", last]);
    }
}

#[tokio::test]
async fn a_hook_that_fails_stops_with_the_id() {
    let server = mock().await;
    let error = client(&server)
        .run_model(SCHNELL, input())
        .on_created(|_| async { Err("the database is away".into()) })
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Hook);
    assert_eq!(
        error.prediction_id(),
        Some(server.predictions()[0].id.as_str())
    );
    assert_eq!(server.requests().len(), 1, "no poll");
}

#[tokio::test]
async fn futures_can_be_spawned_and_dropping_one_sends_nothing() {
    let server = mock().await;
    let client = client(&server);
    drop(client.run_model(SCHNELL, input()));
    drop(
        client
            .predictions()
            .create_model(SCHNELL, input())
            .into_future(),
    );
    drop(client.predictions().wait("a"));
    assert_eq!(server.requests().len(), 0);
    let done = tokio::spawn(client.run_model(SCHNELL, input()).into_future())
        .await
        .unwrap();
    assert!(done.is_ok());
}

#[tokio::test]
async fn a_wrapped_service_gives_the_same() {
    let server = checked()
        .pace(Pace::polls(1, 1))
        .wrapped()
        .start()
        .await
        .unwrap();
    let done = client(&server).run_model(SCHNELL, input()).await.unwrap();
    assert_eq!(done.prediction().status(), &Status::Succeeded);
    assert_eq!(done.prediction().id(), server.predictions()[0].id);
    assert_eq!(done.files().len(), 1);
}

#[tokio::test]
async fn a_create_request_can_be_checked_before_it_is_sent() {
    let server = mock().await;
    let client = client(&server);
    let create = |model: &str, input| client.predictions().create_model(model, input);
    let quoted = || json!({"prompt": "a red fox", "num_outputs": "2"});
    let outputs = |create: &Create| create.input().unwrap().fields()["num_outputs"].clone();

    let as_written = create("flux-schnell", quoted());
    assert_eq!(outputs(&as_written), "2");
    let checked = as_written.checked().unwrap();
    assert_eq!(checked.model().unwrap().to_string(), SCHNELL);
    assert_eq!(outputs(&checked), 2);
    let unchecked = create(SCHNELL, quoted()).unchecked().checked().unwrap();
    assert_eq!(outputs(&unchecked), "2");

    for (model, input, kind) in [
        (SCHNELL, json!({"promt": "x"}), ErrorKind::InvalidInput),
        (SCHNELL, json!(["x"]), ErrorKind::InvalidInput),
        ("no model", json!({}), ErrorKind::InvalidModel),
        (
            "black-forest-labs/flux-schnel",
            json!({}),
            ErrorKind::InvalidModel,
        ),
    ] {
        let create = create(model, input.clone());
        assert_eq!(create.model().is_some(), model != "no model");
        assert_eq!(create.input().is_some(), input.is_object());
        assert_eq!(
            create.checked().unwrap_err().kind(),
            kind,
            "{model} {input}"
        );
    }
    assert_eq!(server.requests().len(), 0);
    assert_eq!(checked.await.unwrap().input().unwrap()["num_outputs"], 2);
}
