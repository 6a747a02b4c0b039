//! A wait survives, and ends.

use std::pin::Pin;
use std::time::Duration;

use cometapi::{ErrorKind, Status};
use cometapi_mock::{Ending, Fault, Pace, Script, Step};
use futures_core::Stream;

use crate::setup::{SCHNELL, builder, checked, client, input, mock, quick_wait};

#[tokio::test]
async fn each_update_is_a_state_that_was_seen() {
    let server = checked().pace(Pace::polls(1, 2)).start().await.unwrap();
    let client = client(&server);
    let created = client.predictions().create(SCHNELL, input()).await.unwrap();
    let mut wait = client.predictions().wait(created.id());
    let mut seen = Vec::new();
    while let Some(update) = wait.next().await {
        seen.push(update.unwrap().status().clone());
    }
    assert_eq!(
        seen,
        [
            Status::Starting,
            Status::Processing,
            Status::Processing,
            Status::Succeeded
        ]
    );
    assert!(wait.next().await.is_none());
    assert_eq!(server.requests().len(), 5);
}

#[tokio::test]
async fn a_wait_is_a_stream() {
    let server = mock().await;
    let client = client(&server);
    let created = client.predictions().create(SCHNELL, input()).await.unwrap();
    let mut wait = client.predictions().follow(created);
    let mut states = Vec::new();
    while let Some(update) = std::future::poll_fn(|cx| Pin::new(&mut wait).poll_next(cx)).await {
        states.push(update.unwrap().status().to_string());
    }
    assert_eq!(states, ["starting", "succeeded"]);
}

#[tokio::test]
async fn a_wait_goes_on_through_all_that_may_pass() {
    let server = mock().await;
    let steps = [
        Fault::BadGatewayPage,
        Fault::CdnTimeoutPage,
        Fault::EmptyTooManyRequests,
        Fault::IndexPage,
        Fault::FirewallPage,
        Fault::RequestTimeout,
        Fault::TaskNotExist,
        Fault::EmptyEnvelope,
        Fault::BrokenJson,
        Fault::EmptyBody,
        Fault::NoId,
        Fault::FieldRequired,
        Fault::UnknownStatus("reticulating".into()),
        Fault::Close,
        Fault::CutBody,
        Fault::OuterLags,
    ];
    for fault in steps {
        server.on_run(Script::new([
            Step::Fault(fault.clone()),
            Step::Processing,
            Step::Fault(fault.clone()),
            Step::End(Ending::Succeeded),
        ]));
        let done = client(&server).run_model(SCHNELL, input()).await;
        let done = done.unwrap_or_else(|e| panic!("{fault:?}: {e}"));
        assert_eq!(done.files().len(), 1, "{fault:?}");
    }
}

#[tokio::test]
async fn a_wait_ends_at_once_where_nothing_will_change() {
    let server = mock().await;
    let client = client(&server);
    for (fault, kind) in [
        (Fault::InvalidToken, ErrorKind::Unauthorized),
        (Fault::AccessDenied, ErrorKind::Unauthorized),
        (Fault::QuotaFlat, ErrorKind::OutOfQuota),
        (Fault::ModelNameMissing, ErrorKind::Refused),
    ] {
        let created = client.predictions().create(SCHNELL, input()).await.unwrap();
        let before = server.requests().len();
        server.on_poll(fault);
        let error = client.predictions().wait(created.id()).await.unwrap_err();
        assert_eq!(error.kind(), kind);
        assert_eq!(error.prediction_id(), Some(created.id()));
        assert_eq!(server.requests().len() - before, 1);
    }
}

#[tokio::test]
async fn every_end_but_success_is_its_own_error_with_the_prediction() {
    let server = mock().await;
    for (ending, kind) in [
        (Ending::nsfw(), ErrorKind::Failed),
        (Ending::Canceled, ErrorKind::Canceled),
        (Ending::Aborted, ErrorKind::Aborted),
        (Ending::Removed, ErrorKind::Expired),
    ] {
        server.on_end(ending);
        let error = client(&server)
            .run_model(SCHNELL, input())
            .await
            .unwrap_err();
        assert_eq!(error.kind(), kind);
        assert_eq!(
            error.prediction().unwrap().id(),
            error.prediction_id().unwrap()
        );
    }
}

#[tokio::test]
async fn the_deadline_is_kept_and_hands_back_what_is_known() {
    let server = checked()
        .pace(Pace::polls(0, 1_000_000))
        .start()
        .await
        .unwrap();
    let client = client(&server);
    let began = std::time::Instant::now();
    let error = client
        .run_model(SCHNELL, input())
        .timeout(Duration::from_millis(300))
        .await
        .unwrap_err();
    assert!(began.elapsed() < Duration::from_secs(3));
    assert_eq!(error.kind(), ErrorKind::WaitTimeout);
    assert!(error.is_timeout());
    let last = error.prediction().unwrap();
    assert_eq!(last.status(), &Status::Processing);
    assert_eq!(error.prediction_id(), Some(last.id()));
    let effort = error.effort().unwrap();
    assert!(
        effort.requests > 1 && effort.elapsed >= Duration::from_millis(250),
        "{effort:?}"
    );
}

#[tokio::test]
async fn the_deadline_is_kept_when_every_poll_hangs() {
    let server = mock().await;
    server.on_poll(Fault::Hang.always());
    let error = client(&server)
        .run_model(SCHNELL, input())
        .timeout(Duration::from_millis(300))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::WaitTimeout);
    assert!(error.prediction_id().is_some());
}

#[tokio::test]
async fn a_poll_that_hangs_does_not_blind_the_wait() {
    let server = mock().await;
    server.on_poll(Fault::Hang);
    let mut policy = quick_wait();
    policy.hedge_after = Duration::from_millis(50);
    let client = builder(server.base_url())
        .wait_policy(policy)
        .build()
        .unwrap();
    let done = client.run_model(SCHNELL, input()).await.unwrap();
    assert_eq!(done.prediction().status(), &Status::Succeeded);
    assert_eq!(
        server.requests().len(),
        3,
        "a create, a poll that hangs, one beside it"
    );
}

#[tokio::test]
async fn an_unknown_id_has_its_grace_and_no_more() {
    let server = mock().await;
    let mut policy = quick_wait();
    policy.missing_grace = Duration::from_millis(100);
    let client = builder(server.base_url())
        .wait_policy(policy)
        .build()
        .unwrap();
    let error = client
        .predictions()
        .wait("nobodyknowsthis")
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert_eq!(error.prediction_id(), Some("nobodyknowsthis"));
    assert!(error.effort().unwrap().elapsed >= Duration::from_millis(100));
    assert!(server.requests().len() > 1);
}

#[tokio::test]
async fn pages_alone_mean_the_wrong_address_unless_a_state_was_seen() {
    let server = mock().await;
    let mut policy = quick_wait();
    policy.missing_grace = Duration::from_millis(100);
    policy.timeout = Duration::from_millis(600);
    let client = builder(server.base_url())
        .wait_policy(policy)
        .build()
        .unwrap();
    for fault in [
        Fault::IndexPage,
        Fault::Found("https://www.example.com/".into()),
    ] {
        server.on_poll(fault.always());
        let error = client
            .predictions()
            .wait("nobodyknowsthis")
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::WrongEndpoint);
        let error = client.run_model(SCHNELL, input()).await.unwrap_err();
        assert_eq!(
            error.kind(),
            ErrorKind::WaitTimeout,
            "its create has shown a state"
        );
        server.clear_plans();
    }
}
