//! What only this ledger has: the life of a process, and the limits of the server.

#![allow(clippy::unwrap_used, reason = "tests: a panic is the failure")]

use std::time::Duration;

use cometapi_batch::{
    Begun, Error, ErrorKind, Filter, Intent, Job, Ledger, Mark, NewRow, Outcome, Plan, State, Want,
    WorkerId,
};
use cometapi_postgres::PostgresLedger;
use postgres_server::Server;
use serde_json::json;
use tokio::time::timeout;
use tokio_postgres::Client;

/// A limit that no test reaches, on however busy a machine.
const PATIENCE: Duration = Duration::from_secs(600);

const SERVICE: &str = "https://service.example";

fn intent(prompt: &str) -> Intent {
    let input = json!({ "prompt": prompt });
    Intent::new(&"a/b".parse().unwrap(), input.as_object().unwrap())
}

async fn begun(ledger: &PostgresLedger, worker: WorkerId, prompt: &str) -> Job {
    match ledger.begin(worker, intent(prompt)).await.unwrap() {
        Begun::Send(job) => job,
        other => panic!("{other:?}"),
    }
}

/// Ends the sessions that `which` selects, and waits for their end.
async fn end_sessions(admin: &Client, which: &str) {
    let sql = format!(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE datname = current_database() AND pid <> pg_backend_pid() AND {which}"
    );
    let mut ended = 0;
    while !admin.query(&sql, &[]).await.unwrap().is_empty() {
        ended += 1;
        tokio::task::yield_now().await;
    }
    assert!(ended > 0);
}

const LIFE: &str = "pid IN (SELECT l.pid FROM pg_locks l WHERE l.locktype = 'advisory')";

/// Waits until the ledger has noticed that the session of its life has ended.
async fn lost(ledger: &PostgresLedger, worker: WorkerId) -> Error {
    loop {
        match ledger.claim(worker, Want::new(None, 1, 0)).await {
            Ok(claimed) => assert!(claimed.jobs.is_empty()),
            Err(e) => return e,
        }
    }
}

#[tokio::test]
async fn a_process_is_notified_of_the_loads_of_others() {
    let Some(server) = Server::shared() else {
        return;
    };
    let url = server.url(&server.database().await);
    let waiting = PostgresLedger::connect(&url).await.unwrap();
    let loading = PostgresLedger::connect(&url).await.unwrap();
    waiting.register(SERVICE.to_owned()).await.unwrap();
    let notified = waiting.notified();
    let loader = loading.loader();
    let input = json!({ "prompt": "a" });
    let input = input.as_object().unwrap();
    let row = NewRow::new(1, None, &"a/b".parse().unwrap(), input);
    loader.add(vec![row]).await.unwrap();
    let plan = Plan::new("batch", "/out", SERVICE);
    loader.load(plan).await.unwrap();
    timeout(PATIENCE, notified).await.unwrap();
}

#[tokio::test]
async fn a_process_that_has_lost_its_session_takes_nothing_and_sends_nothing() {
    let Some(server) = Server::shared() else {
        return;
    };
    let database = server.database().await;
    let ledger = PostgresLedger::connect(&server.url(&database))
        .await
        .unwrap();
    let worker = ledger.register(SERVICE.to_owned()).await.unwrap();
    let [planned, sent] = [
        begun(&ledger, worker, "a").await,
        begun(&ledger, worker, "b").await,
    ];
    ledger
        .record(worker, sent.seq, Mark::Sending)
        .await
        .unwrap();
    let admin = server.client(&database).await;
    end_sessions(&admin, LIFE).await;
    let e = lost(&ledger, worker).await;
    assert_eq!(e.kind(), ErrorKind::Lost);
    for e in [
        ledger.begin(worker, intent("c")).await.unwrap_err(),
        ledger.adopt(worker, "p".to_owned()).await.unwrap_err(),
        ledger
            .record(worker, planned.seq, Mark::Sending)
            .await
            .unwrap_err(),
    ] {
        assert_eq!(e.kind(), ErrorKind::Lost, "{e}");
    }
    // What was sent is recorded, also by a worker that others have taken for dead.
    let created = Mark::Created {
        id: "p".to_owned(),
        request_id: None,
    };
    ledger.record(worker, sent.seq, created).await.unwrap();
    // The process can begin to live again.
    let worker = ledger.register(SERVICE.to_owned()).await.unwrap();
    let claimed = ledger.claim(worker, Want::new(None, 9, 0)).await.unwrap();
    assert_eq!(claimed.jobs.len(), 1);
    assert_eq!(claimed.jobs[0].id.as_deref(), Some("p"));
}

#[tokio::test]
async fn sessions_that_record_are_opened_again() {
    let Some(server) = Server::shared() else {
        return;
    };
    let database = server.database().await;
    let ledger = PostgresLedger::connect(&server.url(&database))
        .await
        .unwrap();
    let worker = ledger.register(SERVICE.to_owned()).await.unwrap();
    let admin = server.client(&database).await;
    for prompt in ["a", "b", "c"] {
        let job = begun(&ledger, worker, prompt).await;
        for mark in [
            Mark::Sending,
            Mark::NotSent,
            Mark::Sending,
            Mark::Ended(Outcome::succeeded()),
        ] {
            end_sessions(&admin, &format!("NOT {LIFE}")).await;
            ledger.record(worker, job.seq, mark).await.unwrap();
        }
    }
    let listed = ledger.list(Filter::default()).await.unwrap();
    assert!(listed.iter().all(|entry| entry.state == State::Ended));
    assert_eq!(listed.len(), 3);
}

#[tokio::test]
async fn text_that_the_server_cannot_hold_is_replaced_or_refused() {
    let Some(server) = Server::shared() else {
        return;
    };
    let database = server.database().await;
    let ledger = PostgresLedger::connect(&server.url(&database))
        .await
        .unwrap();
    let worker = ledger.register(SERVICE.to_owned()).await.unwrap();
    let job = begun(&ledger, worker, "a\0b").await;
    let end = Outcome::failed(cometapi::ErrorKind::Refused, "no\0");
    ledger.record(worker, job.seq, Mark::Sending).await.unwrap();
    ledger
        .record(worker, job.seq, Mark::Ended(end))
        .await
        .unwrap();
    let listed = ledger.list(Filter::default()).await.unwrap();
    assert_eq!(listed[0].input, job.input);
    let message = listed[0].outcome.clone().unwrap().message;
    assert_eq!(message.as_deref(), Some("no\u{fffd}"));
    let with_key = intent("c").with_key("a\0b");
    let e = ledger.begin(worker, with_key).await.unwrap_err();
    assert!(
        e.to_string().starts_with("PostgreSQL cannot store a NUL"),
        "{e}"
    );
    // The session is still good.
    begun(&ledger, worker, "d").await;
}

#[tokio::test]
async fn long_ids_and_paths_are_recorded() {
    let Some(server) = Server::shared() else {
        return;
    };
    let database = server.database().await;
    let ledger = PostgresLedger::connect(&server.url(&database))
        .await
        .unwrap();
    let worker = ledger.register(SERVICE.to_owned()).await.unwrap();
    let model = "a/b".parse().unwrap();
    let input = json!({"prompt": "x"});
    // Random, because the server compresses what repeats.
    let long = |n: u64| {
        let mut rng = fastrand::Rng::with_seed(n);
        std::iter::repeat_with(|| rng.alphanumeric())
            .take(20_000)
            .collect::<String>()
    };
    let rows = (1..=2).map(|line| {
        let id = Some(long(line));
        NewRow::new(line, id, &model, input.as_object().unwrap())
    });
    let loader = ledger.loader();
    assert_eq!(loader.add(rows.clone().collect()).await.unwrap(), []);
    assert_eq!(loader.add(rows.collect()).await.unwrap().len(), 2);
    let folder = std::path::Path::new("/nowhere");
    let plan = || Plan::new("batch", folder, SERVICE);
    assert_eq!(loader.load(plan()).await.unwrap().tally.planned, 2);
    let want = Want::new(Some(loader.id()), 9, 9);
    let jobs = ledger.claim(worker, want).await.unwrap().jobs;
    assert_eq!(jobs[1].row, Some(long(2)));
    let created = Mark::Created {
        id: long(3),
        request_id: None,
    };
    let path = std::path::PathBuf::from(format!("/{}", long(4)));
    let file = cometapi_batch::FileRecord::recorded(0, path.clone(), 1, "image/png".to_owned());
    for mark in [Mark::Sending, created, Mark::Saved(file)] {
        ledger.record(worker, jobs[0].seq, mark).await.unwrap();
    }
    let mut filter = Filter::default();
    filter.id = Some(long(3));
    filter.file = Some(path);
    assert_eq!(ledger.list(filter).await.unwrap().len(), 1);
}
