//! What only this ledger has: the life of a process, and the limits of the server.

#![allow(clippy::unwrap_used, reason = "tests: a panic is the failure")]

use std::time::Duration;

use cometapi_batch::{
    Begun, Error, ErrorKind, Filter, Intent, Job, Ledger, Mark, NewRow, Outcome, Plan, State, Want,
    WorkerId,
};
use cometapi_postgres::PostgresLedger;
use postgres_server::{PASSWORD, Server};
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

/// A ledger in a database of its own, a worker, and a session that is none of the ledger's.
struct Opened {
    ledger: PostgresLedger,
    worker: WorkerId,
    admin: Client,
}

/// `None` where there is no server.
async fn opened() -> Option<Opened> {
    let server = Server::shared()?;
    let database = server.database().await;
    let url = server.url(&database);
    let ledger = PostgresLedger::connect(&url).await.unwrap();
    Some(Opened {
        worker: ledger.register(SERVICE.to_owned()).await.unwrap(),
        admin: server.client(&database).await,
        ledger,
    })
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
    let Some(Opened {
        ledger,
        worker,
        admin,
    }) = opened().await
    else {
        return;
    };
    let [planned, sent] = [
        begun(&ledger, worker, "a").await,
        begun(&ledger, worker, "b").await,
    ];
    ledger
        .record(worker, sent.seq, Mark::Sending)
        .await
        .unwrap();
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
    let Some(Opened {
        ledger,
        worker,
        admin,
    }) = opened().await
    else {
        return;
    };
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

/// As secret managers set logins up: each is new, and all act as the owner of the tables.
#[tokio::test]
async fn a_login_that_acts_as_another_role_is_served() {
    let Some(server) = Server::shared() else {
        return;
    };
    let database = server.database().await;
    let admin = server.client(&database).await;
    let roles = format!(
        "CREATE ROLE owner_of_{database}; GRANT CREATE ON DATABASE {database} TO owner_of_{database};
         CREATE ROLE login_of_{database} LOGIN PASSWORD '{PASSWORD}' IN ROLE owner_of_{database} NOINHERIT;
         ALTER ROLE login_of_{database} SET role = owner_of_{database}"
    );
    admin.batch_execute(&roles).await.unwrap();
    let url = server.url(&database);
    let (_, at) = url.split_once('@').unwrap();
    let url = format!("postgres://login_of_{database}:{PASSWORD}@{at}");
    let ledger = PostgresLedger::connect(&url).await.unwrap();
    let worker = ledger.register(SERVICE.to_owned()).await.unwrap();
    let job = begun(&ledger, worker, "a").await;
    // What is opened again ends the earlier session.
    end_sessions(&admin, &format!("NOT {LIFE}")).await;
    ledger.record(worker, job.seq, Mark::Sending).await.unwrap();
    let owner = "SELECT tableowner FROM pg_tables WHERE tablename = 'prediction'";
    let owner: String = admin.query_one(owner, &[]).await.unwrap().get(0);
    assert_eq!(owner, format!("owner_of_{database}"));
}

#[tokio::test]
async fn text_that_the_server_cannot_hold_is_replaced_or_refused() {
    let Some(Opened { ledger, worker, .. }) = opened().await else {
        return;
    };
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
    let Some(Opened { ledger, worker, .. }) = opened().await else {
        return;
    };
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

/// As a machine that wakes up: the server has ended its session, others have taken it for ended, and it has not
/// noticed yet.
#[tokio::test]
async fn a_process_that_others_took_for_ended_registers_nothing() {
    let Some(Opened { ledger, admin, .. }) = opened().await else {
        return;
    };
    let ended = "DELETE FROM cometapi.worker; DELETE FROM cometapi.process";
    admin.batch_execute(ended).await.unwrap();
    let e = ledger.register(SERVICE.to_owned()).await.unwrap_err();
    assert_eq!(e.kind(), ErrorKind::Lost, "{e}");
    let workers = "SELECT 1 FROM cometapi.worker";
    assert_eq!(admin.query(workers, &[]).await.unwrap().len(), 0);
    // The process begins to live again.
    let worker = ledger.register(SERVICE.to_owned()).await.unwrap();
    begun(&ledger, worker, "a").await;
    let alive = "SELECT 1 FROM cometapi.worker JOIN cometapi.process p ON p.id = process";
    assert_eq!(admin.query(alive, &[]).await.unwrap().len(), 1);
}

/// Those of programs that are started for one prediction each, and killed.
#[tokio::test]
async fn any_number_of_dead_processes_is_survived() {
    let Some(Opened {
        ledger,
        worker,
        admin,
    }) = opened().await
    else {
        return;
    };
    // More than a server has room for locks.
    let dead = "INSERT INTO cometapi.process (id, since) SELECT id, 0 FROM generate_series(1000, 31000) id";
    admin.batch_execute(dead).await.unwrap();
    let count = async || -> i64 {
        let sql = "SELECT count(*) FROM cometapi.process";
        admin.query_one(sql, &[]).await.unwrap().get(0)
    };
    let before = count().await;
    ledger.claim(worker, Want::new(None, 1, 0)).await.unwrap();
    assert!(count().await < before);
    begun(&ledger, worker, "a").await;
}

/// Another machine may hold the batch for as long as it loads rows.
#[tokio::test]
async fn a_claim_that_waits_delays_no_id() {
    let Some(Opened {
        ledger,
        worker,
        mut admin,
    }) = opened().await
    else {
        return;
    };
    let loader = ledger.loader();
    let model = "a/b".parse().unwrap();
    let rows = (1..=3).map(|line| {
        let input = json!({ "prompt": line });
        NewRow::new(line, None, &model, input.as_object().unwrap())
    });
    loader.add(rows.collect()).await.unwrap();
    let plan = Plan::new("batch", "/out", SERVICE);
    loader.load(plan).await.unwrap();
    let mut want = Want::new(Some(loader.id()), 2, 2);
    let claimed = ledger.claim(worker, want).await.unwrap();
    assert_eq!(claimed.jobs.len(), 2);
    for job in &claimed.jobs {
        ledger.record(worker, job.seq, Mark::Sending).await.unwrap();
    }

    let lock = admin.transaction().await.unwrap();
    let sql = "SELECT 1 FROM cometapi.batch FOR UPDATE";
    assert_eq!(lock.query(sql, &[]).await.unwrap().len(), 1);
    // One with a limit waits for the lock.
    want.max_cost = Some("1".parse().unwrap());
    let claim = ledger.claim(worker, want);
    for job in &claimed.jobs {
        let created = Mark::Created {
            id: format!("p{}", job.seq),
            request_id: None,
        };
        let recorded = timeout(PATIENCE, ledger.record(worker, job.seq, created));
        recorded.await.unwrap().unwrap();
    }
    let pause = ledger.pause(SERVICE.to_owned(), Duration::from_secs(60));
    timeout(PATIENCE, pause).await.unwrap().unwrap();
    drop(lock);
    let claimed = timeout(PATIENCE, claim).await.unwrap().unwrap();
    assert!(claimed.paused > Duration::ZERO, "{claimed:?}");
}
