//! Every known fault, at every endpoint it can meet: how often the create request was sent, the
//! outcome, what lies in the folder, how long it took, where the key went.

use std::collections::BTreeSet;
use std::mem::{Discriminant, discriminant};
use std::time::Duration;

use cometapi::{Backoff, Client, CreateProgress, Error, ErrorKind, PollPace};
use cometapi_mock::{Fault, MockServer};
use integration::{FrozenClock, drive};
use tokio::net::TcpSocket;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, advance};

use crate::fault_table::Endpoint::{self, Create, File, Poll};
use crate::fault_table::{Case, Phase, creates, files, polls};
use crate::setup::{
    KEY, NO_PAUSE, SCHNELL, builder, client, input, mock, posts, quick_create, quick_download,
    quick_wait,
};

/// The limits of the cases in which time passes, on a frozen clock.
const ATTEMPT: Duration = Duration::from_secs(60);
const HEDGE: Duration = Duration::from_secs(10);
const STALL: Duration = Duration::from_secs(15);
const TIMEOUT: Duration = Duration::from_secs(300);
/// When the last poll is due: 2 s before the deadline.
const LAST_POLL: Duration = Duration::from_secs(298);

/// Whether the case only continues when time passes.
fn needs_time(fault: &Fault) -> bool {
    matches!(
        fault,
        Fault::Hang
            | Fault::StallBody
            | Fault::ThrottledSeconds(_)
            | Fault::ThrottledDate(_)
            | Fault::ThrottledBody(_)
            | Fault::ThrottledText(_)
    )
}

/// A client whose limits can be reached, without pauses of its own.
fn limited_client(server: &MockServer) -> Client {
    let mut create = quick_create();
    create.backoff = NO_PAUSE;
    create.attempt_timeout = ATTEMPT;
    let mut wait = quick_wait();
    wait.pace = PollPace::every(Duration::ZERO);
    wait.timeout = TIMEOUT;
    wait.hedge_after = HEDGE;
    let mut download = quick_download();
    download.backoff = NO_PAUSE;
    download.stall_timeout = STALL;
    download.max_attempts = u32::MAX;
    builder(server.base_url())
        .create_policy(create)
        .wait_policy(wait)
        .download_policy(download)
        .build()
        .unwrap()
}

/// Lets the time pass that a case waits for, once the server has received the request.
/// Afterwards the clock stands still.
async fn pass_time(
    clock: FrozenClock,
    server: &MockServer,
    endpoint: Endpoint,
    fault: &Fault,
) -> FrozenClock {
    let silent = matches!(fault, Fault::Hang | Fault::StallBody);
    match endpoint {
        Create => {
            server.wait_for_requests(1).await;
            if silent {
                advance(ATTEMPT).await;
            }
            clock
        }
        Poll => {
            server.wait_for_requests(2).await;
            advance(if silent { HEDGE } else { LAST_POLL }).await;
            clock
        }
        // Jumps until the file is asked for again. A jump may also come while a response is on
        // its way, which costs one of many attempts.
        File => {
            server.wait_for_file_requests(1).await;
            drop(clock);
            server.wait_for_file_requests(2).await;
            FrozenClock::hold()
        }
    }
}

/// Runs one to the end: create, wait, save.
async fn job(client: &Client, folder: &std::path::Path) -> Result<(), Error> {
    let done = client.run_model(SCHNELL, input()).await?;
    for file in done.files() {
        file.save_in(folder).await?;
    }
    Ok(())
}

async fn check(case: Case) {
    let Case {
        endpoint,
        phase,
        fault,
        name,
        outcome,
        posts: expected,
    } = case;
    let server = mock().await;
    match endpoint {
        Create => server.on_create(fault.clone()),
        Poll => server.on_poll(fault.clone()),
        File => server.on_file(fault.clone()),
    }
    let folder = tempfile::tempdir().unwrap();
    let result = if needs_time(&fault) {
        let clock = FrozenClock::hold();
        let client = limited_client(&server);
        let job = job(&client, folder.path());
        drive(job, pass_time(clock, &server, endpoint, &fault)).await
    } else {
        job(&client(&server), folder.path()).await
    };

    let kind = result.as_ref().err().map(Error::kind);
    assert_eq!(kind, outcome, "{name} ({phase:?}): {result:?}");
    assert_eq!(posts(&server), expected, "{name}: creates sent");

    let held: Vec<_> = std::fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    match outcome {
        None => {
            assert_eq!(held.len(), 1, "{name}: {held:?}");
            assert!(image::open(&held[0]).is_ok(), "{name}: {held:?}");
        }
        Some(_) => assert!(held.is_empty(), "{name}: {held:?}"),
    }

    // After a create, every error has the id.
    let after_create = !matches!(endpoint, Create) || outcome == Some(ErrorKind::Failed);
    if let (Err(error), true) = (&result, after_create) {
        let id = server.predictions()[0].id.clone();
        assert_eq!(error.prediction_id(), Some(id.as_str()), "{name}");
    }

    // The key went to the API, once per request, and to the files never.
    for request in server.requests() {
        let sent: Vec<_> = request.headers.get_all("authorization").iter().collect();
        assert_eq!(sent.len(), 1, "{name}");
        assert_eq!(sent[0], &format!("Bearer {KEY}"), "{name}");
    }
    for request in server.file_requests() {
        let carries = request.headers.values().any(|value| {
            value
                .as_bytes()
                .windows(KEY.len())
                .any(|window| window == KEY.as_bytes())
        });
        assert!(!carries && !request.target.contains(KEY), "{name}");
    }
    assert_eq!(server.violations(), [], "{name}");
}

/// Every case that needs no time, a few side by side; all failures together.
async fn check_all(cases: Vec<Case>) {
    let mut tasks = tokio::task::JoinSet::new();
    let mut failures = Vec::new();
    for case in cases.into_iter().filter(|case| !needs_time(&case.fault)) {
        if tasks.len() >= 8 {
            failures.extend(tasks.join_next().await.and_then(Result::err));
        }
        tasks.spawn(check(case));
    }
    while let Some(done) = tasks.join_next().await {
        failures.extend(done.err());
    }
    assert!(
        failures.is_empty(),
        "{} cases failed; each is said above",
        failures.len()
    );
}

#[tokio::test]
async fn creates_keep_to_the_table() {
    check_all(creates()).await;
}

#[tokio::test]
async fn polls_keep_to_the_table() {
    check_all(polls()).await;
}

#[tokio::test]
async fn files_keep_to_the_table() {
    check_all(files()).await;
}

/// One after the other, since they share a clock.
#[tokio::test(start_paused = true)]
async fn silence_and_long_delays_keep_to_the_table() {
    let cases = creates().into_iter().chain(polls()).chain(files());
    let mut checked = 0;
    for case in cases.filter(|case| needs_time(&case.fault)) {
        check(case).await;
        checked += 1;
    }
    assert!(checked >= 15, "{checked} cases");
}

fn kinds(faults: impl IntoIterator<Item = Fault>) -> Vec<Discriminant<Fault>> {
    faults
        .into_iter()
        .map(|fault| discriminant(&fault))
        .collect()
}

#[test]
fn the_table_is_large_and_leaves_no_known_fault_out() {
    let cases: Vec<Case> = creates()
        .into_iter()
        .chain(polls())
        .chain(files())
        .collect();
    let names: BTreeSet<&str> = cases.iter().map(|case| case.name.as_str()).collect();
    assert_eq!(names.len(), cases.len(), "a case is there twice");
    assert!(cases.len() >= 80, "{} cases", cases.len());
    for endpoint in [Create, Poll, File] {
        let phases: BTreeSet<Phase> = cases
            .iter()
            .filter(|case| case.endpoint == endpoint)
            .map(|case| case.phase)
            .collect();
        assert_eq!(phases.len(), 4, "{endpoint:?}: {phases:?}");
    }
    // Of files alone: what a create or poll has no use for.
    let of_files = kinds([Fault::FileGone, Fault::FileMoved]);
    // Of polls alone: a create request asks for no id.
    let of_polls = kinds([Fault::OtherPrediction]);
    for (endpoint, table) in [(Create, creates()), (Poll, polls())] {
        for fault in Fault::catalogue() {
            let kind = discriminant(&fault);
            let there = table.iter().any(|case| discriminant(&case.fault) == kind);
            let has_no_case =
                of_files.contains(&kind) || endpoint == Create && of_polls.contains(&kind);
            assert!(
                there || has_no_case,
                "{fault:?} is not in the table of {endpoint:?}"
            );
        }
    }
}

/// Before there is a connection: no name, a closed port. Again by policy, then never reached.
#[tokio::test]
async fn before_a_connection_is_made_nothing_was_accepted() {
    // A port that is taken, so that no other process gets it, and where nothing listens.
    let port = TcpSocket::new_v4().unwrap();
    port.bind(([127, 0, 0, 1], 0).into()).unwrap();
    let closed = format!("http://{}", port.local_addr().unwrap());
    for base in [closed.as_str(), "http://no-such-host.localhost.invalid"] {
        let client = builder(base).allow_plain_http(true).build().unwrap();
        let error = client
            .predictions()
            .create_model(SCHNELL, input())
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NeverReached, "{base}: {error:?}");
        assert_eq!(
            error.attempts().unwrap(),
            quick_create().max_attempts,
            "{base}"
        );
    }
}

/// The create request was carried out and its response lost: one POST, one prediction, and an error that says so.
#[tokio::test(start_paused = true)]
async fn an_accepted_create_whose_answer_is_lost_is_in_doubt_and_not_repeated() {
    for fault in [
        Fault::Close,
        Fault::Reset,
        Fault::CdnTimeoutPage,
        Fault::Hang,
        Fault::EmptyBody,
    ] {
        let server = mock().await;
        server.on_create(fault.clone().after_accept());
        let clock = FrozenClock::hold();
        let client = limited_client(&server);
        let run = client.run_model(SCHNELL, input()).into_future();
        let error = drive(run, pass_time(clock, &server, Create, &fault));
        let error = error.await.unwrap_err();
        assert!(error.may_have_been_accepted(), "{fault:?}: {error:?}");
        assert_eq!(
            (posts(&server), server.predictions().len()),
            (1, 1),
            "{fault:?}"
        );
    }
}

#[tokio::test]
async fn an_id_in_a_cut_answer_is_kept() {
    let server = mock().await;
    server.on_create(Fault::CutBody);
    let client = client(&server);
    let error = client.run_model(SCHNELL, input()).await.unwrap_err();
    assert!(error.may_have_been_accepted());
    let id = server.predictions()[0].id.clone();
    assert_eq!(error.prediction_id(), Some(id.as_str()));
    // And it is enough to continue with.
    assert!(client.predictions().wait(id).await.is_ok());
}

/// Creates a prediction while the clock passes each pause between two attempts; what came of
/// it, the pauses, and the time that it took.
async fn create_with_pauses(
    server: &MockServer,
    policy: cometapi::CreatePolicy,
) -> (Result<(), Error>, Vec<Duration>, Duration) {
    let client = builder(server.base_url())
        .create_policy(policy)
        .build()
        .unwrap();
    let (sender, mut pauses) = mpsc::unbounded_channel();
    let create = client.predictions().create_model(SCHNELL, input());
    let create = create.on_progress(move |progress| {
        if let CreateProgress::Pausing { pause, .. } = progress {
            sender.send(pause).unwrap();
        }
    });
    let mut passed = Vec::new();
    let _clock = FrozenClock::hold();
    let began = Instant::now();
    let result = drive(create.into_future(), async {
        while let Some(pause) = pauses.recv().await {
            passed.push(pause);
            advance(pause).await;
        }
    });
    let result = result.await.map(drop);
    (result, passed, began.elapsed())
}

/// No attempt leaves, and no pause begins, before what the hook returned is ready; dropped in
/// the hook, the create request sends nothing more.
#[tokio::test]
async fn a_create_request_awaits_its_hook_before_each_attempt_and_pause() {
    let server = mock().await;
    server.on_create(Fault::EmptyTooManyRequests);
    let client = builder(server.base_url())
        .create_policy(quick_create())
        .build()
        .unwrap();
    let (sender, mut steps) = mpsc::unbounded_channel();
    let create = client.predictions().create_model(SCHNELL, input());
    let create = create.before_attempt(move |progress| {
        let (go_on, awaited) = oneshot::channel::<()>();
        let step = match progress {
            CreateProgress::Sending { attempt, .. } => ("sending", attempt),
            CreateProgress::Pausing { attempt, .. } => ("pausing", attempt),
            _ => unreachable!(),
        };
        sender.send((step, go_on)).unwrap();
        async { drop(awaited.await) }
    });
    let mut create = create.into_future();
    for (expected, sent) in [
        (("sending", 1), 0),
        (("pausing", 1), 1),
        (("sending", 2), 1),
    ] {
        let go_on = tokio::select! {
            result = &mut create => panic!("{result:?} before {expected:?}"),
            Some((step, go_on)) = steps.recv() => {
                assert_eq!((step, server.create_requests()), (expected, sent));
                go_on
            }
        };
        tokio::select! {
            biased;
            result = &mut create => panic!("{result:?} in the hook"),
            () = std::future::ready(()) => {}
        }
        if expected == ("sending", 2) {
            break;
        }
        go_on.send(()).unwrap();
    }
    drop(create);
    assert_eq!(server.create_requests(), 1);
}

fn create_every(seconds: u64) -> cometapi::CreatePolicy {
    let pause = Duration::from_secs(seconds);
    let mut policy = quick_create();
    policy.backoff = Backoff {
        first: pause,
        factor: 1.0,
        max: pause,
        jitter: 0.0,
    };
    policy
}

#[tokio::test(start_paused = true)]
async fn a_retry_after_is_waited_for() {
    let server = mock().await;
    server.on_create(Fault::ThrottledSeconds(50));
    let (result, pauses, _) = create_with_pauses(&server, create_every(10)).await;
    result.unwrap();
    // A tenth of its own pause more, so that clients do not return together.
    assert_eq!(pauses, [Duration::from_secs(51)]);
    let [first, second] = &server.requests()[..] else {
        panic!("two creates");
    };
    assert_eq!(
        second.since_start,
        first.since_start + Duration::from_secs(51)
    );
}

#[tokio::test(start_paused = true)]
async fn a_limit_that_stays_ends_by_the_policy() {
    let server = mock().await;
    server.on_create(Fault::EmptyTooManyRequests.always());
    let (result, pauses, _) = create_with_pauses(&server, create_every(10)).await;
    assert_eq!(result.unwrap_err().kind(), ErrorKind::RateLimited);
    assert_eq!((posts(&server), pauses.len()), (5, 4));

    // As many attempts as fit into the time limit.
    let mut policy = create_every(10);
    policy.max_attempts = 100;
    policy.timeout = Duration::from_secs(35);
    let server = mock().await;
    server.on_create(Fault::EmptyTooManyRequests.always());
    let (result, _, elapsed) = create_with_pauses(&server, policy).await;
    assert_eq!(result.unwrap_err().kind(), ErrorKind::RateLimited);
    assert_eq!((posts(&server), elapsed), (4, Duration::from_secs(30)));

    // A delay beyond the policy is not waited at all.
    let server = mock().await;
    server.on_create(Fault::ThrottledSeconds(90));
    let (result, pauses, _) = create_with_pauses(&server, create_every(10)).await;
    let error = result.unwrap_err();
    assert_eq!(error.retry_after(), Some(Duration::from_secs(90)));
    assert!(error.to_string().contains("retry after 90 s"), "{error}");
    assert_eq!((posts(&server), pauses.len()), (1, 0));
}

#[tokio::test]
async fn a_refusal_carries_all_that_the_service_said() {
    let server = mock().await;
    server.on_create(Fault::FieldRequired);
    let error = client(&server)
        .run_model(SCHNELL, input())
        .await
        .unwrap_err();
    assert_eq!(error.status(), Some(500));
    assert_eq!(
        error.service().unwrap().code.as_deref(),
        Some("invalid_request")
    );
    assert!(error.request_id().is_some());
    assert!(error.body().unwrap().starts_with(b"{"));
    assert!(
        !error.to_string().contains("request id: "),
        "said once, at the end: {error}"
    );

    server.on_create(Fault::InputRefusedNested);
    let error = client(&server)
        .run_model(SCHNELL, input())
        .await
        .unwrap_err();
    assert_eq!(error.status(), Some(422));
    assert!(error.to_string().contains("num_outputs"), "{error}");
}

#[tokio::test]
async fn doubt_is_repeated_only_where_the_caller_says_so() {
    let server = mock().await;
    server.on_create(Fault::Close.times(2));
    let mut policy = quick_create();
    policy.retry_unresolved = true;
    let client = builder(server.base_url())
        .create_policy(policy)
        .build()
        .unwrap();
    assert!(
        client
            .predictions()
            .create_model(SCHNELL, input())
            .await
            .is_ok()
    );
    assert_eq!(posts(&server), 3);
    // An id that could still be read is never given up for a second run.
    server.on_create(Fault::CutBody);
    let error = client
        .predictions()
        .create_model(SCHNELL, input())
        .await
        .unwrap_err();
    assert!(error.may_have_been_accepted() && error.prediction_id().is_some());
    assert_eq!(posts(&server), 4);
    // One request can be sent otherwise than the policy says.
    server.on_create(Fault::Close);
    let create = client.predictions().create_model(SCHNELL, input());
    let error = create.retry_unresolved(false).await.unwrap_err();
    assert!(error.may_have_been_accepted());
    assert_eq!(posts(&server), 5);
}
