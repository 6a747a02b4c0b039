//! A wait survives, and ends.

use std::pin::Pin;
use std::time::Duration;

use cometapi::{Client, Error, ErrorKind, PollPace, Status, WaitPolicy};
use cometapi_mock::{Ending, Fault, MockServer, Pace, Script, Step};
use futures_core::Stream;
use integration::{FrozenClock, drive};
use tokio::time::{Instant, advance};

use crate::setup::{SCHNELL, builder, checked, client, input, mock, polls_go_on, quick_wait};

const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn client_with(server: &MockServer, policy: WaitPolicy) -> Client {
    builder(server.base_url())
        .wait_policy(policy)
        .build()
        .unwrap()
}

/// Polls without a pause, for tests that move a frozen clock themselves.
fn restless_wait() -> WaitPolicy {
    let mut policy = quick_wait();
    policy.pace = PollPace::every(Duration::ZERO);
    policy
}

/// Polls every `seconds`.
fn wait_every(seconds: u64) -> WaitPolicy {
    let mut policy = quick_wait();
    policy.pace = PollPace::every(secs(seconds));
    policy
}

/// A mock whose predictions never end.
async fn endless() -> MockServer {
    let builder = checked().pace(Pace::polls(0, u32::MAX));
    builder.start().await.unwrap()
}

#[tokio::test]
async fn each_update_is_a_state_that_was_seen() {
    let server = checked().pace(Pace::polls(1, 2)).start().await.unwrap();
    let client = client(&server);
    let created = client
        .predictions()
        .create_model(SCHNELL, input())
        .await
        .unwrap();
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
    let created = client
        .predictions()
        .create_model(SCHNELL, input())
        .await
        .unwrap();
    let mut wait = client.predictions().follow(created);
    let mut states = Vec::new();
    while let Some(update) = std::future::poll_fn(|cx| Pin::new(&mut wait).poll_next(cx)).await {
        states.push(update.unwrap().status().to_string());
    }
    assert_eq!(states, ["starting", "succeeded"]);
}

#[tokio::test]
async fn a_wait_that_is_awaited_after_its_updates_gives_the_end_once_more() {
    let server = mock().await;
    let client = client(&server);
    for (ending, kind) in [
        (Ending::Succeeded, None),
        (Ending::nsfw(), Some(ErrorKind::Failed)),
    ] {
        server.on_end(ending.clone());
        let created = client
            .predictions()
            .create_model(SCHNELL, input())
            .await
            .unwrap();
        let mut wait = client.predictions().follow(created);
        while let Some(update) = wait.next().await {
            update.unwrap();
        }
        let requests = server.requests().len();
        let end = wait.await;
        assert_eq!(end.as_ref().err().map(Error::kind), kind);
        assert_eq!(server.requests().len(), requests, "nothing is sent");
        if let Ok(done) = end {
            // Over before the first poll.
            let mut wait = client.predictions().follow(done.clone());
            assert_eq!(wait.next().await.unwrap().unwrap().id(), done.id());
            assert!(wait.next().await.is_none());
            assert_eq!(wait.await.unwrap().id(), done.id());
        }
    }
}

#[tokio::test]
async fn a_wait_that_ended_in_an_error_keeps_the_id() {
    let server = mock().await;
    server.on_poll(Fault::InvalidToken);
    let client = client(&server);
    let mut wait = client.predictions().wait("p1");
    let error = wait.next().await.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthorized);
    assert!(wait.next().await.is_none());
    let error = wait.await.unwrap_err();
    assert_eq!(
        (error.kind(), error.prediction_id()),
        (ErrorKind::Unavailable, Some("p1"))
    );

    let mut wait = client.predictions().wait(" ");
    let error = wait.next().await.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidId);
    assert!(wait.next().await.is_none());
    assert_eq!(wait.await.unwrap_err().kind(), ErrorKind::Unavailable);
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
        let created = client
            .predictions()
            .create_model(SCHNELL, input())
            .await
            .unwrap();
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

#[tokio::test(start_paused = true)]
async fn the_deadline_is_kept_and_hands_back_what_is_known() {
    let server = endless().await;
    let _clock = FrozenClock::hold();
    let mut policy = wait_every(10);
    policy.timeout = secs(60);
    let client = client_with(&server, policy);
    let created = client
        .predictions()
        .create_model(SCHNELL, input())
        .await
        .unwrap();
    let began = Instant::now();
    let mut wait = client.predictions().follow(created);
    wait.next().await.unwrap().unwrap();
    // The last poll has 2 s for its response.
    for pause in [10, 10, 10, 10, 10, 8] {
        let (update, ()) = tokio::join!(biased; wait.next(), advance(secs(pause)));
        assert_eq!(update.unwrap().unwrap().status(), &Status::Processing);
    }
    let error = wait.next().await.unwrap().unwrap_err();
    assert_eq!(began.elapsed(), secs(58));
    assert_eq!(error.kind(), ErrorKind::WaitTimeout);
    assert!(error.is_timeout());
    let last = error.prediction().unwrap();
    assert_eq!(last.status(), &Status::Processing);
    assert_eq!(error.prediction_id(), Some(last.id()));
    let attempts = (error.attempts(), error.elapsed());
    assert_eq!(attempts, (Some(6), Some(secs(58))));
}

/// The error of a wait in which no poll is answered, and how long it took from the response to the create
/// request. The caller does something else for `idle` before it waits.
async fn silent_wait(policy: WaitPolicy, idle: Duration) -> (Error, Duration) {
    let server = mock().await;
    server.on_poll(Fault::Hang.always());
    let client = client_with(&server, policy);
    let clock = FrozenClock::hold();
    let created = client
        .predictions()
        .create_model(SCHNELL, input())
        .await
        .unwrap();
    let began = Instant::now();
    let wait = client.predictions().follow(created);
    advance(idle).await;
    // No response is on its way from here on: the clock may jump from timer to timer.
    drop(clock);
    let error = wait.await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::WaitTimeout);
    assert!(error.prediction_id().is_some());
    (error, began.elapsed())
}

/// How long a silent wait of 4 s takes.
async fn silent_wait_of_4_s(mut policy: WaitPolicy, idle: Duration) -> Duration {
    policy.timeout = secs(4);
    let (error, elapsed) = silent_wait(policy, idle).await;
    assert!(error.attempts().unwrap() > 0);
    elapsed
}

/// Timers of tokio fire up to a millisecond late.
fn assert_kept(elapsed: Duration) {
    let deadline = secs(4);
    assert!(
        elapsed >= deadline && elapsed < deadline + Duration::from_millis(20),
        "{elapsed:?}"
    );
}

/// The second poll begins later than the first, and ends no later.
#[tokio::test(start_paused = true)]
async fn the_deadline_is_kept_by_a_second_poll_beside_the_first() {
    let mut policy = wait_every(1);
    policy.timeout = secs(4);
    policy.hedge_after = secs(1);
    let (error, elapsed) = silent_wait(policy, Duration::ZERO).await;
    assert_kept(elapsed);
    // The first poll, the second beside it, and the last.
    assert_eq!(error.attempts(), Some(3));
}

#[tokio::test(start_paused = true)]
async fn the_deadline_is_kept_when_every_poll_hangs() {
    // Longer than the wait, and shorter.
    for attempt_timeout in [secs(100), secs(3), secs(1)] {
        let mut policy = wait_every(1);
        policy.attempt_timeout = attempt_timeout;
        assert_kept(silent_wait_of_4_s(policy, Duration::ZERO).await);
    }
}

#[tokio::test(start_paused = true)]
async fn the_deadline_counts_from_the_create_response() {
    assert_kept(silent_wait_of_4_s(wait_every(1), secs(3)).await);
}

#[tokio::test(start_paused = true)]
async fn the_pauses_between_polls_grow_also_while_nothing_is_answered() {
    let mut policy = quick_wait();
    policy.timeout = secs(60);
    policy.attempt_timeout = secs(1);
    policy.pace = PollPace {
        min: secs(1),
        share: 1.0,
        max: secs(60),
        jitter: 0.0,
    };
    let (error, _) = silent_wait(policy, Duration::ZERO).await;
    // Pauses of 1, 2, 5, 11 and 23 s, each before a poll of 1 s, and the last poll at 58 s.
    assert_eq!(error.attempts(), Some(6));
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_times_out_keeps_the_last_body_that_could_not_be_read() {
    let server = mock().await;
    let _clock = FrozenClock::hold();
    let mut policy = restless_wait();
    policy.timeout = secs(60);
    let client = client_with(&server, policy);
    let created = client
        .predictions()
        .create_model(SCHNELL, input())
        .await
        .unwrap();
    server.on_poll(Fault::BrokenJson.always());
    let wait = client.predictions().wait(created.id()).into_future();
    let error = drive(wait, async {
        polls_go_on(&server).await;
        advance(secs(58)).await;
    });
    let error = error.await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::WaitTimeout);
    let body = String::from_utf8_lossy(error.body().unwrap());
    assert!(body.starts_with(r#"{""#), "{body}");
}

#[tokio::test(start_paused = true)]
async fn a_poll_that_hangs_does_not_blind_the_wait() {
    let server = mock().await;
    let _clock = FrozenClock::hold();
    let mut policy = restless_wait();
    policy.hedge_after = secs(10);
    policy.attempt_timeout = secs(60);
    let client = client_with(&server, policy);

    server.on_poll(Fault::Hang);
    let began = Instant::now();
    let run = client.run_model(SCHNELL, input()).into_future();
    let done = drive(run, async {
        server.wait_for_requests(2).await;
        advance(secs(10)).await;
    });
    let done = done.await.unwrap();
    assert_eq!(done.prediction().status(), &Status::Succeeded);
    assert_eq!(
        server.requests().len(),
        3,
        "a create, a poll that hangs, one beside it"
    );
    assert_eq!(began.elapsed(), secs(10));

    // At most one beside it: when both hang, the next is sent after both were given up.
    server.on_poll(Fault::Hang.times(2));
    let began = Instant::now();
    let run = client.run_model(SCHNELL, input()).into_future();
    let done = drive(run, async {
        server.wait_for_requests(5).await;
        advance(secs(10)).await;
        server.wait_for_requests(6).await;
        advance(secs(50)).await;
        advance(secs(10)).await;
    });
    done.await.unwrap();
    assert_eq!((server.requests().len(), began.elapsed()), (7, secs(70)));
}

#[tokio::test(start_paused = true)]
async fn an_unknown_id_has_its_grace_and_no_more() {
    let server = mock().await;
    let _clock = FrozenClock::hold();
    let mut policy = restless_wait();
    policy.not_found_grace = secs(30);
    let client = client_with(&server, policy);
    let wait = client.predictions().wait("nobodyknowsthis").into_future();
    let error = drive(wait, async {
        polls_go_on(&server).await;
        advance(secs(29)).await;
        polls_go_on(&server).await;
        advance(secs(1)).await;
    });
    let error = error.await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert_eq!(error.prediction_id(), Some("nobodyknowsthis"));
    assert_eq!(error.elapsed().unwrap(), secs(30));
}

/// Polls before it may have failed for another reason.
#[tokio::test(start_paused = true)]
async fn the_grace_of_an_unknown_id_begins_when_the_service_first_says_so() {
    let server = mock().await;
    let _clock = FrozenClock::hold();
    let mut policy = restless_wait();
    policy.not_found_grace = secs(30);
    let client = client_with(&server, policy);
    server.on_poll(Fault::Overloaded.always());
    let wait = client.predictions().wait("nobodyknowsthis").into_future();
    let error = drive(wait, async {
        polls_go_on(&server).await;
        advance(secs(40)).await;
        server.clear_plans();
        polls_go_on(&server).await;
        advance(secs(29)).await;
        polls_go_on(&server).await;
        advance(secs(1)).await;
    });
    let error = error.await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert_eq!(error.elapsed().unwrap(), secs(70));
}

#[tokio::test(start_paused = true)]
async fn a_state_that_was_seen_gives_an_id_its_whole_grace_again() {
    let server = endless().await;
    let _clock = FrozenClock::hold();
    let mut policy = restless_wait();
    policy.not_found_grace = secs(30);
    let client = client_with(&server, policy);
    let created = client
        .predictions()
        .create_model(SCHNELL, input())
        .await
        .unwrap();
    server.on_poll(Fault::TaskNotExist.always());
    let wait = client.predictions().wait(created.id()).into_future();
    let error = drive(wait, async {
        polls_go_on(&server).await;
        advance(secs(20)).await;
        server.clear_plans();
        polls_go_on(&server).await;
        server.on_poll(Fault::TaskNotExist.always());
        polls_go_on(&server).await;
        advance(secs(29)).await;
        polls_go_on(&server).await;
        advance(secs(1)).await;
    });
    let error = error.await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert_eq!(error.elapsed().unwrap(), secs(50));
}

#[tokio::test(start_paused = true)]
async fn pages_alone_mean_the_wrong_address_unless_a_state_was_seen() {
    let server = mock().await;
    let _clock = FrozenClock::hold();
    let mut policy = restless_wait();
    policy.not_found_grace = secs(30);
    policy.timeout = secs(60);
    let client = client_with(&server, policy);
    for fault in [
        Fault::IndexPage,
        Fault::Found("https://www.example.com/".into()),
    ] {
        server.on_poll(fault.always());
        let wait = client.predictions().wait("nobodyknowsthis").into_future();
        let error = drive(wait, async {
            polls_go_on(&server).await;
            advance(secs(30)).await;
        });
        let error = error.await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::WrongEndpoint);
        assert_eq!(error.elapsed().unwrap(), secs(30));

        let run = client.run_model(SCHNELL, input()).into_future();
        let error = drive(run, async {
            // The create request and a poll, then polls after the first page has arrived.
            polls_go_on(&server).await;
            polls_go_on(&server).await;
            advance(secs(30)).await;
            polls_go_on(&server).await;
            advance(secs(28)).await;
        });
        let error = error.await.unwrap_err();
        assert_eq!(
            error.kind(),
            ErrorKind::WaitTimeout,
            "its create has shown a state"
        );
        assert_eq!(error.elapsed().unwrap(), secs(58));
        server.clear_plans();
    }
}

/// Each pause after a failure is reported; the failures are counted from the last state.
#[tokio::test]
async fn polls_that_are_repeated_are_reported() {
    let server = checked().pace(Pace::polls(1, 2)).start().await.unwrap();
    let client = client(&server);
    let created = client.predictions().create_model(SCHNELL, input());
    let created = created.await.unwrap();
    server.on_poll(Fault::BadGatewayPage);
    server.on_poll(Fault::TaskNotExist);
    let (sender, reports) = std::sync::mpsc::channel();
    let wait = client.predictions().wait(created.id());
    let wait = wait.on_retry(move |retry| {
        let left = retry.left.unwrap();
        let report = (retry.attempt, retry.cause.kind(), left <= secs(30));
        sender.send(report).unwrap();
        assert_eq!(retry.max_attempts, None);
        assert_eq!(retry.cause.prediction_id(), Some(created.id()));
    });
    wait.await.unwrap();
    let reports: Vec<_> = reports.into_iter().collect();
    assert_eq!(
        reports,
        [
            (1, ErrorKind::Unavailable, false),
            (2, ErrorKind::NotFound, true)
        ]
    );
}
