//! Faults of the account's endpoints.

use std::time::Duration;

use cometapi_mock::{AccountEndpoint, Fault, Hold, MockServer, Plan};
use serde_json::json;

use super::{body_of, get};
use crate::client::{Outcome, json_of, outcome, poll};

#[tokio::test]
async fn each_endpoint_has_faults_of_its_own() {
    let server = MockServer::start().await.unwrap();
    for planned in AccountEndpoint::ALL {
        server.on_account(planned, Fault::BadGatewayPage);
        for endpoint in AccountEndpoint::ALL {
            let response = get(&server, endpoint).send().await.unwrap();
            let wanted = if endpoint == planned { 502 } else { 200 };
            assert_eq!(response.status(), wanted, "{planned:?} {endpoint:?}");
        }
    }
    // Nor do they touch predictions.
    server.on_account(AccountEndpoint::Usage, Fault::Close.always());
    assert_eq!(json_of(poll(&server, "x")).await.0, 400);
    server.clear_plans();
    body_of(get(&server, AccountEndpoint::Usage)).await;
    server.assert_no_violations();
}

#[tokio::test]
async fn pages_refusals_limits_and_broken_connections() {
    let server = MockServer::start().await.unwrap();
    let endpoint = AccountEndpoint::Models;
    for (fault, status) in [
        (Fault::IndexPage, 200),
        (Fault::FirewallPage, 403),
        (Fault::EmptyTooManyRequests, 429),
        (Fault::Overloaded, 503),
        (Fault::json(200, &json!({"success": true})), 200),
    ] {
        server.on_account(endpoint, fault.clone());
        let seen = outcome(get(&server, endpoint)).await;
        let Outcome::Answer { status: seen, .. } = seen else {
            panic!("{fault:?}: {seen:?}");
        };
        assert_eq!(seen, status, "{fault:?}");
    }
    for fault in [Fault::Close, Fault::Reset] {
        server.on_account(endpoint, fault);
        assert_eq!(outcome(get(&server, endpoint)).await, Outcome::Lost);
    }
    server.on_account(endpoint, Fault::CutBody);
    let seen = outcome(get(&server, endpoint)).await;
    assert_eq!(seen, Outcome::Broken { status: 200 });
    server.on_account(endpoint, Fault::BrokenJson);
    let Outcome::Answer { body, .. } = outcome(get(&server, endpoint)).await else {
        panic!("no response");
    };
    assert!(serde_json::from_slice::<serde_json::Value>(&body).is_err());
}

#[tokio::test]
async fn a_response_that_is_held_or_never_comes_can_be_waited_for() {
    let server = MockServer::start().await.unwrap();
    let hold = Hold::new();
    server.on_account(AccountEndpoint::Tasks, Fault::Hold(hold.clone()));
    let waiting = tokio::spawn(get(&server, AccountEndpoint::Tasks).send());
    server.wait_for_requests(1).await;
    assert!(!waiting.is_finished());
    hold.release();
    assert_eq!(waiting.await.unwrap().unwrap().status(), 200);

    server.on_account(AccountEndpoint::User, Fault::Hang);
    let hung = tokio::spawn(get(&server, AccountEndpoint::User).send());
    server.wait_for_requests(2).await;
    assert_eq!(server.requests()[1].operation.as_deref(), Some("get_user"));
    assert_eq!(server.requests()[1].status, None);
    server.shutdown().await;
    assert!(hung.await.unwrap().is_err());
}

#[tokio::test]
async fn a_plan_is_for_a_model_or_a_task_and_a_refused_request_uses_up_none() {
    let server = MockServer::start().await.unwrap();
    let flex = "black-forest-labs/flux-2-flex";
    server.on_account(AccountEndpoint::Model, Plan::of(Fault::Panic).model("a/b"));
    assert_eq!(json_of(get(&server, AccountEndpoint::Model)).await.0, 200);
    server.on_account(AccountEndpoint::Model, Plan::of(Fault::Panic).model(flex));
    assert_eq!(json_of(get(&server, AccountEndpoint::Model)).await.0, 500);

    server.on_account(AccountEndpoint::Tasks, Plan::of(Fault::Panic).id("one"));
    let tasks = |id: &str| get(&server, AccountEndpoint::Tasks).query(&[("task_id", id)]);
    assert_eq!(json_of(tasks("other")).await.0, 200);
    let refused = tasks("one").query(&[("x", "y")]);
    assert_eq!(json_of(refused).await.0, 400);
    assert_eq!(json_of(tasks("one")).await.0, 500);
}

#[tokio::test(start_paused = true)]
async fn a_slow_response_takes_its_time() {
    let server = MockServer::start().await.unwrap();
    let start = tokio::time::Instant::now();
    let delay = Duration::from_secs(50);
    server.on_account(AccountEndpoint::Models, Fault::Delay(delay));
    body_of(get(&server, AccountEndpoint::Models)).await;
    assert!(start.elapsed() >= delay);
}
