//! Which commits wait for the disk.

use std::sync::Arc;

use super::super::writer::Touch;
use super::{SERVICE, loaded, planned, row};
use crate::Usd;
use crate::ledger::{FileRecord, Ledger, Mark, Outcome, Plan, Want, WorkerId};
use crate::{Error, SqliteLedger};

/// `PRAGMA synchronous`: FULL waits for the disk at each commit.
const FULL: i64 = 2;
const NORMAL: i64 = 1;

/// Notes the setting inside each transaction that writes a prediction, seen from within it.
const WATCH: &str = "
CREATE TEMP TABLE observed (synchronous INTEGER);
CREATE TEMP TRIGGER on_insert AFTER INSERT ON main.prediction
    BEGIN INSERT INTO observed SELECT synchronous FROM pragma_synchronous; END;
CREATE TEMP TRIGGER on_update AFTER UPDATE ON main.prediction
    BEGIN INSERT INTO observed SELECT synchronous FROM pragma_synchronous; END;
";

async fn in_thread<T: Send + 'static>(
    ledger: &SqliteLedger,
    job: impl FnOnce(&rusqlite::Connection) -> rusqlite::Result<T> + Send + 'static,
) -> T {
    let asked = ledger
        .writer
        .ask(Touch::Nothing, move |writer| Ok(job(&writer.conn)?));
    asked.await.unwrap()
}

/// The settings of the transactions since the last call.
async fn observed(ledger: &SqliteLedger) -> Vec<i64> {
    in_thread(ledger, |conn| {
        conn.prepare("DELETE FROM observed RETURNING synchronous")?
            .query_map([], |row| row.get(0))?
            .collect()
    })
    .await
}

async fn watched() -> (tempfile::TempDir, Arc<SqliteLedger>, WorkerId) {
    let folder = tempfile::tempdir().unwrap();
    let ledger = SqliteLedger::open(folder.path().join("ledger")).unwrap();
    in_thread(&ledger, |conn| conn.execute_batch(WATCH)).await;
    let worker = ledger.register(SERVICE.to_owned()).await.unwrap();
    (folder, Arc::new(ledger), worker)
}

fn created() -> Mark {
    Mark::Created {
        id: "p".to_owned(),
        request_id: None,
    }
}

/// Has the setting be the other one before each step, so that none is right by chance.
async fn relax(ledger: &SqliteLedger, worker: WorkerId) {
    let want = Want::new(None, 0, 0);
    ledger.claim(worker, want).await.unwrap();
}

#[tokio::test]
async fn intents_sending_and_ids_wait_for_the_disk() {
    let (folder, ledger, worker) = watched().await;
    let plan = Plan::new("batch", folder.path(), SERVICE);
    relax(&ledger, worker).await;
    let loader = loaded(&*ledger, vec![row(1, None, "a")], plan).await;
    assert_eq!(observed(&ledger).await, [FULL], "the intents of rows");

    let want = Want::new(Some(loader.id()), 1, 1);
    let seq = ledger.claim(worker, want).await.unwrap().jobs[0].seq;
    observed(&ledger).await;
    for (name, mark) in [("sending", Mark::Sending), ("the id", created())] {
        relax(&ledger, worker).await;
        ledger.record(worker, seq, mark).await.unwrap();
        assert_eq!(observed(&ledger).await, [FULL], "{name}");
    }

    // Nothing is sent before the next mark, which waits for this one too.
    let seq = planned(&*ledger, worker, "b").await.seq;
    let settings = observed(&ledger).await;
    assert_eq!(settings, [NORMAL], "the plan of a single prediction");
    ledger.record(worker, seq, Mark::Sending).await.unwrap();
    let settings = observed(&ledger).await;
    assert_eq!(settings, [FULL], "its sending");
}

/// A mark that costs a poll at most when it is lost does not wait: waiting for it would cost a
/// batch several times its time. Each mark is here, so that a new one is a decision.
#[tokio::test]
async fn only_costly_marks_wait_for_the_disk() {
    let saved = FileRecord {
        position: 0,
        path: "x".into(),
        bytes: 1,
        media_type: "image/png".to_owned(),
    };
    let seen = Mark::Seen {
        status: "processing".to_owned(),
        fetching: true,
        took: None,
    };
    let marks = [
        Mark::Sending,
        created(),
        Mark::NotSent,
        seen,
        Mark::Priced(Usd::ZERO),
        Mark::Result("{}".to_owned()),
        Mark::Saved(saved),
        Mark::Ended(Outcome::succeeded()),
        Mark::Unresolved(Outcome::succeeded()),
        Mark::NotCreated(Outcome::succeeded()),
        Mark::Released,
    ];
    for mark in marks {
        let is_costly = match mark {
            Mark::Sending | Mark::Created { .. } => true,
            Mark::NotSent
            | Mark::Seen { .. }
            | Mark::Priced(_)
            | Mark::NotCreated(_)
            | Mark::Result(_)
            | Mark::Saved(_)
            | Mark::Ended(_)
            | Mark::Unresolved(_)
            | Mark::Released => false,
        };
        assert_eq!(mark.is_costly(), is_costly, "{mark:?}");
        let (_folder, ledger, worker) = watched().await;
        let seq = planned(&*ledger, worker, "a").await.seq;
        if matches!(mark, Mark::NotCreated(_)) {
            let unresolved = Mark::Unresolved(Outcome::succeeded());
            ledger.record(worker, seq, unresolved).await.unwrap();
        }
        relax(&ledger, worker).await;
        observed(&ledger).await;
        ledger.record(worker, seq, mark.clone()).await.unwrap();
        let settings = observed(&ledger).await;
        assert_eq!(
            settings,
            [if is_costly { FULL } else { NORMAL }],
            "{mark:?}"
        );
    }
}

/// A costly mark makes the whole commit that it is part of wait.
#[tokio::test]
async fn what_is_committed_together_waits_for_the_costliest() -> Result<(), Error> {
    let (_folder, ledger, worker) = watched().await;
    let first = planned(&*ledger, worker, "a").await.seq;
    let second = planned(&*ledger, worker, "b").await.seq;
    relax(&ledger, worker).await;
    observed(&ledger).await;
    let (release, busy_until) = std::sync::mpsc::channel::<()>();
    // Keeps the thread busy, so that what follows is one group.
    let busy = ledger.writer.ask(Touch::Nothing, move |_| {
        let _ = busy_until.recv();
        Ok(())
    });
    let cheap = ledger.record(worker, first, Mark::NotSent);
    let costly = ledger.record(worker, second, created());
    drop(release);
    busy.await?;
    cheap.await?;
    costly.await?;
    let settings = observed(&ledger).await;
    assert!(settings.contains(&FULL), "{settings:?}");
    assert_eq!(settings.len(), 2);
    Ok(())
}
