//! Ten thousand predictions through faults at random: every one accounted for.

use std::sync::Arc;

use cometapi::{Client, Error, ErrorKind};
use cometapi_mock::{Ending, Fault, MockServer, Pace};
use serde_json::json;
use tokio::task::JoinSet;

use crate::setup::{SCHNELL, builder, checked, posts, quick_create, quick_wait};

const RUNS: usize = 10_000;
const AT_ONCE: usize = 64;

/// The outcome of a run.
#[derive(Default, Debug, PartialEq, Eq)]
struct Account {
    succeeded: usize,
    failed: usize,
    refused: usize,
    /// Named as unresolved: it may exist, and its id is unknown.
    doubtful: usize,
    /// Gave up after one 429 too many.
    limited: usize,
}

/// A create's faults: some that provably did nothing, some that leave a doubt, whether the
/// service took the request or not.
fn plan(rng: &mut fastrand::Rng, server: &MockServer) {
    match rng.u8(0..20) {
        0 => server.on_create(Fault::EmptyTooManyRequests),
        1 => server.on_create(Fault::ThrottledBody(0)),
        2 => server.on_create(Fault::Close.after_accept()),
        3 => server.on_create(Fault::Close),
        4 => server.on_create(Fault::BadGatewayPage.after_accept()),
        5 => server.on_create(Fault::FieldRequired),
        6 => server.on_create(Fault::CutBody),
        7 => server.on_create(Fault::TaskErrorWithPrediction),
        8 => server.on_poll(Fault::BadGatewayPage.times(2)),
        9 => server.on_poll(Fault::Close),
        10 => server.on_poll(Fault::TaskNotExist),
        11 => server.on_poll(Fault::OuterLags),
        12 => server.on_poll(Fault::Reset),
        13 => server.on_poll(Fault::WrappedNew),
        14 => server.on_end(Ending::nsfw()),
        15 => server.on_end(Ending::Canceled),
        _ => {}
    }
}

async fn one(client: Client, number: usize) -> Result<(), Error> {
    let input = json!({"prompt": format!("number {number}"), "seed": number});
    let predictions = client.predictions();
    let wait = match predictions.create_model(SCHNELL, input).await {
        Ok(created) => predictions.follow(created),
        // An id in a cut answer is enough to continue with.
        Err(error) => match error.prediction_id() {
            Some(id) => predictions.wait(id),
            None => return Err(error),
        },
    };
    wait.await.map(drop)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_runs_through_faults_are_all_accounted_for() {
    let server = Arc::new(
        checked()
            .pace(Pace::instant())
            .seed(11)
            .start()
            .await
            .unwrap(),
    );
    let client = builder(server.base_url())
        .create_policy(quick_create())
        .wait_policy(quick_wait())
        .build()
        .unwrap();
    let mut rng = fastrand::Rng::with_seed(7);
    let mut account = Account::default();
    let mut ids_lost = 0;
    let mut tasks = JoinSet::new();
    let mut settle = |result: Result<(), Error>| match result {
        Ok(()) => account.succeeded += 1,
        Err(error) => match error.kind() {
            ErrorKind::Failed | ErrorKind::Canceled => {
                account.failed += 1;
                ids_lost += usize::from(error.prediction_id().is_none());
            }
            ErrorKind::Refused => account.refused += 1,
            ErrorKind::RateLimited => account.limited += 1,
            ErrorKind::MaybeAccepted => account.doubtful += 1,
            _ => panic!("not accounted for: {error:?}"),
        },
    };
    for number in 0..RUNS {
        if tasks.len() >= AT_ONCE {
            settle(tasks.join_next().await.unwrap().unwrap());
        }
        plan(&mut rng, &server);
        tasks.spawn(one(client.clone(), number));
    }
    while let Some(done) = tasks.join_next().await {
        settle(done.unwrap());
    }

    let total =
        account.succeeded + account.failed + account.refused + account.doubtful + account.limited;
    assert_eq!(total, RUNS, "{account:?}");
    assert_eq!(ids_lost, 0);
    assert!(
        account.succeeded > RUNS / 2 && account.doubtful > 0 && account.failed > 0,
        "{account:?}"
    );

    // Every create that the service charged for is one that a run ended with, or one that a
    // run named as doubtful: none was charged twice unnoticed.
    let charged = server.predictions().len();
    let known = account.succeeded + account.failed;
    assert!(charged >= known, "{charged} charged, {known} known");
    assert!(
        charged - known <= account.doubtful,
        "{charged} charged, {account:?}"
    );
    // Nothing was sent again but what was answered 429.
    let limited = server
        .requests()
        .iter()
        .filter(|request| request.status.is_some_and(|status| status == 429))
        .count();
    assert_eq!(posts(&server), RUNS + limited - account.limited);
    assert_eq!(server.violations(), []);
}
