//! Every known fault, at every endpoint it can meet: how often the create was sent, what it
//! came to, what lies in the folder, how long it took, where the key went.

use std::collections::BTreeSet;
use std::mem::{Discriminant, discriminant};
use std::time::{Duration, Instant};

use cometapi::{Client, Error, ErrorKind};
use cometapi_mock::{Fault, MockServer};

use crate::fault_table::Endpoint::{self, Create, File, Poll};
use crate::fault_table::{Case, Phase, creates, files, polls};
use crate::setup::{
    KEY, QUICK, SCHNELL, builder, input, mock, posts, quick_create, quick_download, quick_wait,
};

/// How long an attempt may hang here, in place of the policy's minutes.
const PATIENCE: Duration = Duration::from_millis(1500);

/// The longest delay that is slept; every canned throttle asks for more.
const TOLD: Duration = Duration::from_millis(900);

/// No case may take longer: it would mean that something waits for nothing.
const CEILING: Duration = Duration::from_secs(30);

/// A client with little patience where `fault` is silence, and with enough elsewhere that a
/// busy machine is not taken for one.
fn client(server: &MockServer, endpoint: Endpoint, fault: &Fault) -> Client {
    let silent = matches!(fault, Fault::Hang | Fault::StallBody);
    let patience = |of: Endpoint| {
        if silent && of == endpoint {
            PATIENCE
        } else {
            CEILING
        }
    };
    let mut create = quick_create();
    create.attempt_timeout = patience(Create);
    create.max_told_delay = TOLD;
    let mut wait = quick_wait();
    wait.attempt_timeout = patience(Poll);
    wait.hedge_after = patience(Poll) / 2;
    if let Fault::ThrottledSeconds(_)
    | Fault::ThrottledDate(_)
    | Fault::ThrottledBody(_)
    | Fault::ThrottledText(_) = fault
    {
        // The told delay is far beyond it.
        wait.timeout = Duration::from_secs(2);
    }
    let mut download = quick_download();
    // A picture is rendered when it is first asked for, by eight cases at a time.
    download.stall_timeout = patience(File) * 2;
    builder(server.base_url())
        .create_policy(create)
        .wait_policy(wait)
        .download_policy(download)
        .build()
        .unwrap()
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
    let client = client(&server, endpoint, &fault);
    match endpoint {
        Create => server.on_create(fault),
        Poll => server.on_poll(fault),
        File => server.on_file(fault),
    }
    let folder = tempfile::tempdir().unwrap();
    let began = Instant::now();
    let result = tokio::time::timeout(CEILING, job(&client, folder.path())).await;
    let result = result.unwrap_or_else(|_| panic!("{name}: not over after {CEILING:?}"));
    let elapsed = began.elapsed();

    let kind = result.as_ref().err().map(Error::kind);
    assert_eq!(kind, outcome, "{name} ({phase:?}): {result:?}");
    assert_eq!(posts(&server), expected, "{name}: creates sent");
    assert!(elapsed < CEILING, "{name}: took {elapsed:?}");

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

/// Every case, a few side by side since most of a case is waiting; all failures together.
async fn check_all(cases: Vec<Case>) {
    let mut tasks = tokio::task::JoinSet::new();
    let mut failures = Vec::new();
    for case in cases {
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
    for (endpoint, table) in [("create", creates()), ("poll", polls())] {
        for fault in Fault::catalogue() {
            let kind = discriminant(&fault);
            let there = table.iter().any(|case| discriminant(&case.fault) == kind);
            assert!(
                there || of_files.contains(&kind),
                "{fault:?} is not in the table of the {endpoint}"
            );
        }
    }
}

/// Before there is a connection: no name, a closed port. Again by policy, then never reached.
#[tokio::test]
async fn before_a_connection_is_made_nothing_was_accepted() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let closed = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    for base in [closed.as_str(), "http://no-such-host.localhost.invalid"] {
        let client = builder(base).allow_plain_http(true).build().unwrap();
        let error = client
            .predictions()
            .create(SCHNELL, input())
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NeverReached, "{base}: {error:?}");
        assert_eq!(
            error.effort().unwrap().requests,
            quick_create().attempts,
            "{base}"
        );
    }
}

/// A connection that fails its handshake carried nothing.
#[tokio::test]
async fn a_failed_handshake_is_no_connection() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("https://{}", listener.local_addr().unwrap());
    let server = tokio::spawn(async move {
        loop {
            drop(listener.accept().await.unwrap());
        }
    });
    let client = builder(&base).build().unwrap();
    let error = client
        .predictions()
        .create(SCHNELL, input())
        .await
        .unwrap_err();
    server.abort();
    assert_eq!(error.kind(), ErrorKind::NeverReached, "{error:?}");
    assert_eq!(error.effort().unwrap().requests, quick_create().attempts);
}

/// The create was carried out, its answer lost: one POST, one prediction, and doubt is said.
#[tokio::test]
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
        let error = client(&server, Create, &fault)
            .run_model(SCHNELL, input())
            .await
            .unwrap_err();
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
    let error = client(&server, Create, &Fault::Close)
        .run_model(SCHNELL, input())
        .await
        .unwrap_err();
    assert!(error.may_have_been_accepted());
    let id = server.predictions()[0].id.clone();
    assert_eq!(error.prediction_id(), Some(id.as_str()));
    // And it is enough to go on with.
    assert!(
        client(&server, Create, &Fault::Close)
            .predictions()
            .wait(id)
            .await
            .is_ok()
    );
}

#[tokio::test]
async fn a_told_delay_is_really_waited() {
    let server = mock().await;
    server.on_create(Fault::ThrottledSeconds(1));
    let mut policy = quick_create();
    policy.backoff = QUICK;
    let client = builder(server.base_url())
        .create_policy(policy)
        .build()
        .unwrap();
    client.predictions().create(SCHNELL, input()).await.unwrap();
    let [first, second] = &server.requests()[..] else {
        panic!("two creates");
    };
    assert!(second.since_start >= first.since_start + Duration::from_secs(1));
}

#[tokio::test]
async fn a_limit_that_stays_ends_by_the_policy() {
    let server = mock().await;
    server.on_create(Fault::EmptyTooManyRequests.always());
    let error = client(&server, Create, &Fault::Close)
        .run_model(SCHNELL, input())
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::RateLimited);
    assert_eq!(posts(&server), 5);

    let server = mock().await;
    server.on_create(Fault::ThrottledSeconds(90));
    let error = client(&server, Create, &Fault::Close)
        .run_model(SCHNELL, input())
        .await
        .unwrap_err();
    assert_eq!(error.retry_after(), Some(Duration::from_secs(90)));
    assert!(error.to_string().contains("come back in 90 s"), "{error}");
}

#[tokio::test]
async fn a_refusal_carries_all_that_the_service_said() {
    let server = mock().await;
    server.on_create(Fault::FieldRequired);
    let error = client(&server, Create, &Fault::Close)
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
    let error = client(&server, Create, &Fault::Close)
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
    policy.repeat_when_in_doubt = true;
    let client = builder(server.base_url())
        .create_policy(policy)
        .build()
        .unwrap();
    assert!(client.predictions().create(SCHNELL, input()).await.is_ok());
    assert_eq!(posts(&server), 3);
    // An id that could still be read is never given up for a second run.
    server.on_create(Fault::CutBody);
    let error = client
        .predictions()
        .create(SCHNELL, input())
        .await
        .unwrap_err();
    assert!(error.may_have_been_accepted() && error.prediction_id().is_some());
    assert_eq!(posts(&server), 4);
}
