//! The second poll beside a silent one: one of the two may break while the other is on its way.

use std::time::Duration;

use cometapi::{PollPace, Status};
use cometapi_mock::{Fault, Hold, MockServer};
use integration::{FrozenClock, drive};
use tokio::time::advance;

use crate::setup::{SCHNELL, builder, input, mock, quick_wait};

const HEDGE_AFTER: Duration = Duration::from_secs(10);
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(15);

/// Runs a model until its end. `after_hedge` happens once the second poll has been received.
async fn run(server: &MockServer, after_hedge: impl Future<Output = ()>) {
    let _clock = FrozenClock::hold();
    let mut policy = quick_wait();
    policy.pace = PollPace::every(Duration::ZERO);
    policy.hedge_after = HEDGE_AFTER;
    policy.attempt_timeout = ATTEMPT_TIMEOUT;
    let client = builder(server.base_url())
        .wait_policy(policy)
        .build()
        .unwrap();
    let run = client.run_model(SCHNELL, input()).into_future();
    let done = drive(run, async {
        server.wait_for_requests(2).await;
        advance(HEDGE_AFTER).await;
        server.wait_for_requests(3).await;
        after_hedge.await;
    });
    assert_eq!(
        done.await.unwrap().prediction().status(),
        &Status::Succeeded
    );
    let requests = server.requests().len();
    assert_eq!(requests, 3, "a create request, a poll and a hedged poll");
}

#[tokio::test(start_paused = true)]
async fn a_first_poll_that_times_out_leaves_the_second_its_time() {
    let server = mock().await;
    let hold = Hold::new();
    server.on_poll(Fault::Hang);
    server.on_poll(Fault::Hold(hold.clone()));
    run(&server, async {
        advance(ATTEMPT_TIMEOUT.saturating_sub(HEDGE_AFTER)).await;
        hold.release();
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_second_poll_that_breaks_leaves_the_first_its_time() {
    let server = mock().await;
    let hold = Hold::new();
    server.on_poll(Fault::Hold(hold.clone()));
    server.on_poll(Fault::Close);
    run(&server, async {
        // The first response comes when the clock has moved, so after the second poll broke.
        advance(Duration::from_secs(1)).await;
        hold.release();
    })
    .await;
}
