//! What is charged, what is refunded, and when.

use std::time::Duration;

use cometapi_mock::{AccountEndpoint, Ending, Fault, MockServer, Pace, Script, Step};
use serde_json::json;

use super::{data_of, get, rows};
use crate::client::{
    Outcome, SCHNELL, create, create_of, created, created_of, hold_clock, outcome, polled,
};

const PRICE: u64 = 1_500;

fn quotas(server: &MockServer) -> Vec<i64> {
    server.charges().iter().map(|one| one.quota).collect()
}

#[tokio::test]
async fn an_accepted_create_request_is_charged_and_a_refused_one_is_not() {
    let server = MockServer::start().await.unwrap();
    server.on_create(Fault::Reset);
    assert_eq!(outcome(create(&server)).await, Outcome::Lost);
    server.on_create(Fault::QuotaNotEnough);
    outcome(create(&server)).await;
    outcome(create_of(&server, SCHNELL, &json!({"prompt": 7}))).await;
    assert!(server.charges().is_empty());

    // Its response is lost, and it was accepted.
    server.on_create(Fault::Reset.after_accept());
    assert_eq!(outcome(create(&server)).await, Outcome::Lost);
    let charges = server.charges();
    let id = &server.predictions()[0].id;
    assert_eq!((&charges[0].id, charges[0].model.as_str()), (id, SCHNELL));
    assert_eq!(quotas(&server), [1_500]);
    let tasks = rows(&server, &[]).await;
    assert_eq!(
        (&tasks[0]["task_id"], &tasks[0]["quota"]),
        (&json!(id), &json!(PRICE))
    );
}

#[tokio::test(start_paused = true)]
async fn an_end_that_nothing_polls_is_refunded_at_its_time() {
    let _held = hold_clock();
    let pace = Pace::clock(Duration::from_secs(10), Duration::from_secs(20));
    let server = MockServer::builder().pace(pace).start().await.unwrap();
    for ending in [
        Ending::nsfw(),
        Ending::Canceled,
        Ending::Aborted,
        Ending::Succeeded,
    ] {
        server.on_end(ending);
        created(&server).await;
    }
    assert_eq!(
        (server.charged(), server.max_charged()),
        (4 * PRICE, 4 * PRICE)
    );
    tokio::time::advance(Duration::from_secs(15)).await;
    // The aborted one never ran.
    assert_eq!(server.charged(), 3 * PRICE);
    let fifth = created(&server).await;
    tokio::time::advance(Duration::from_secs(60)).await;
    assert_eq!(
        (server.charged(), server.max_charged()),
        (2 * PRICE, 4 * PRICE)
    );

    let charges = server.charges();
    let signs: Vec<_> = charges.iter().map(|one| one.quota.signum()).collect();
    assert_eq!(signs, [1, 1, 1, 1, -1, 1, -1, -1]);
    assert_eq!(charges[5].id, fifth);
    assert!(charges.is_sorted_by_key(|one| one.since_start));
    let ended = charges[6]
        .since_start
        .saturating_sub(charges[0].since_start);
    assert_eq!(ended, Duration::from_secs(30));
    // Polling one of them later changes nothing.
    let failed = charges[0].id.clone();
    assert_eq!(polled(&server, &failed).await["status"], "failed");
    assert_eq!(server.charges(), charges);
}

#[tokio::test]
async fn where_polls_set_the_pace_the_poll_that_sees_the_end_refunds_it() {
    let server = MockServer::builder()
        .pace(Pace::polls(0, 1))
        .start()
        .await
        .unwrap();
    server.on_end(Ending::nsfw());
    let failing = created(&server).await;
    let other = created(&server).await;
    polled(&server, &failing).await;
    // A poll that was not carried out saw nothing.
    server.on_poll(Fault::BadGatewayPage);
    outcome(crate::client::poll(&server, &failing)).await;
    assert_eq!(quotas(&server), [1_500, 1_500]);
    for _ in 0..2 {
        assert_eq!(polled(&server, &failing).await["status"], "failed");
        polled(&server, &other).await;
    }
    assert_eq!(quotas(&server), [1_500, 1_500, -1_500]);
    assert_eq!(server.max_charged(), 2 * PRICE);
    let tasks = rows(&server, &[]).await;
    let costs: Vec<_> = tasks.iter().map(|task| task["quota"].as_u64()).collect();
    assert_eq!(costs, [Some(PRICE), Some(0)]);
}

#[tokio::test]
async fn a_script_that_goes_on_after_its_failure_refunds_once() {
    let script = Script::new([
        Step::End(Ending::Aborted),
        Step::Processing,
        Step::End(Ending::nsfw()),
    ]);
    let server = MockServer::builder().script(script).start().await.unwrap();
    let id = created(&server).await;
    for _ in 0..4 {
        polled(&server, &id).await;
    }
    assert_eq!(quotas(&server), [1_500, -1_500]);
    assert_eq!(server.charged(), 0);
}

#[tokio::test]
async fn charges_of_failures_are_kept_where_a_test_wants_it() {
    let server = MockServer::builder()
        .pace(Pace::instant())
        .no_refunds()
        .start()
        .await
        .unwrap();
    server.on_end(Ending::nsfw());
    let id = created(&server).await;
    polled(&server, &id).await;
    assert_eq!(quotas(&server), [1_500]);
    let tasks = rows(&server, &[]).await;
    assert_eq!(
        (&tasks[0]["status"], &tasks[0]["quota"]),
        (&json!("FAILURE"), &json!(PRICE))
    );
}

#[tokio::test]
async fn the_envelope_of_a_poll_states_the_same_quota() {
    let server = MockServer::builder()
        .form(cometapi_mock::Form::WrappedNew)
        .pace(Pace::instant())
        .price("acme/a", "0.01")
        .start()
        .await
        .unwrap();
    let id = created_of(&server, "acme/a", json!({})).await;
    assert_eq!(polled(&server, &id).await["data"]["quota"], 5_000);
    server.on_end(Ending::Canceled);
    let id = created_of(&server, "acme/a", json!({})).await;
    assert_eq!(polled(&server, &id).await["data"]["quota"], 0);
}

/// The sums of what was charged, now and at most, as the list of movements has them.
fn sums(server: &MockServer) -> (u64, u64) {
    let mut sum = 0_i64;
    let mut max = 0_i64;
    for movement in server.charges() {
        sum += movement.quota;
        max = max.max(sum);
    }
    (sum.try_into().unwrap(), max.try_into().unwrap())
}

#[tokio::test(start_paused = true)]
async fn charges_tasks_and_balance_agree_whatever_happens() {
    let _held = hold_clock();
    for seed in 0..8 {
        let mut draws = fastrand::Rng::with_seed(seed);
        let pace = match seed % 2 {
            0 => Pace::clock(Duration::from_secs(2), Duration::from_secs(3)),
            _ => Pace::polls(1, 1),
        };
        let server = MockServer::builder()
            .seed(seed)
            .pace(pace)
            .start()
            .await
            .unwrap();
        let models = ["acme/a", "acme/b", SCHNELL];
        for step in 0..60 {
            match draws.u8(0..6) {
                0 | 1 => {
                    let endings = [Ending::Succeeded, Ending::Canceled, Ending::Aborted];
                    server.on_end(endings[draws.usize(0..3)].clone());
                    let model = models[draws.usize(0..3)];
                    created_of(&server, model, json!({"prompt": "p"})).await;
                }
                2 => tokio::time::advance(Duration::from_secs(draws.u64(0..4))).await,
                3 => server
                    .set_price(models[draws.usize(0..3)], ("0.5", "0.8"))
                    .unwrap(),
                _ => {
                    let predictions = server.predictions();
                    if !predictions.is_empty() {
                        let id = &predictions[draws.usize(0..predictions.len())].id;
                        polled(&server, id).await;
                    }
                }
            }
            let (sum, max) = sums(&server);
            assert_eq!(
                (server.charged(), server.max_charged()),
                (sum, max),
                "{seed} {step}"
            );
            assert!(server.charges().is_sorted_by_key(|one| one.since_start));
            let tasks = rows(&server, &[("page_size", "100")]).await;
            let costs = tasks.iter().map(|task| task["quota"].as_u64().unwrap());
            assert_eq!(costs.sum::<u64>(), sum, "{seed} {step}");
            let user = data_of(get(&server, AccountEndpoint::User)).await;
            assert_eq!(user["used_quota"], sum, "{seed} {step}");
        }
        assert!(sums(&server).1 > 0);
        server.assert_no_violations();
    }
}

#[tokio::test(start_paused = true)]
async fn a_refund_that_nothing_polled_can_be_spent_again() {
    let _held = hold_clock();
    let server = MockServer::builder()
        .pace(Pace::clock(Duration::from_secs(1), Duration::from_secs(1)))
        .balance("0.003")
        .enforce_balance()
        .start()
        .await
        .unwrap();
    // A create request that is refused for its cost uses up no plan.
    server.on_end(Ending::nsfw());
    created(&server).await;
    server.on_end(Ending::Canceled);
    let refused = outcome(create(&server)).await;
    assert!(matches!(refused, Outcome::Answer { status: 403, .. }));
    tokio::time::advance(Duration::from_secs(2)).await;
    let second = created(&server).await;
    tokio::time::advance(Duration::from_secs(2)).await;
    assert_eq!(polled(&server, &second).await["status"], "canceled");
    assert_eq!(quotas(&server), [1_500, -1_500, 1_500, -1_500]);
    assert_eq!(server.max_charged(), PRICE);
}
