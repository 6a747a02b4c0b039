//! What pruning removes, and what it leaves.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use cometapi::ErrorKind;
use rusqlite::Connection;

use super::{SERVICE, begun, loaded, row};
use crate::SqliteLedger;
use crate::ledger::{FileRecord, Filter, Ledger, Mark, Outcome, Plan, State, Want, WorkerId};

fn created(id: &str) -> Mark {
    Mark::Created {
        id: id.to_owned(),
        request_id: None,
    }
}

async fn record(ledger: &SqliteLedger, worker: WorkerId, seq: u64, marks: Vec<Mark>) {
    for mark in marks {
        ledger.record(worker, seq, mark).await.unwrap();
    }
}

/// A single prediction that has gone through `marks`.
async fn single(ledger: &SqliteLedger, prompt: &str, marks: Vec<Mark>) {
    let (worker, job) = begun(ledger, prompt).await;
    record(ledger, worker, job.seq, marks).await;
}

fn succeeded(id: &str) -> Vec<Mark> {
    let saved = FileRecord {
        position: 0,
        path: "x".into(),
        bytes: 1,
        media_type: "image/png".to_owned(),
    };
    let seen = Mark::Seen {
        status: "succeeded".to_owned(),
        fetching: true,
        took: None,
    };
    let end = Mark::Ended(Outcome::succeeded());
    vec![created(id), seen, Mark::Saved(saved), end]
}

#[tokio::test]
async fn only_ended_single_predictions_are_removed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.sqlite3");
    let ledger = SqliteLedger::open(&path).unwrap();

    single(&ledger, "ended", succeeded("p1")).await;
    let refused = Outcome::failed(ErrorKind::Refused, "no");
    single(&ledger, "refused", vec![Mark::Ended(refused)]).await;
    single(&ledger, "sending", vec![]).await;
    single(&ledger, "running", vec![created("p2")]).await;
    single(&ledger, "released", vec![created("p3"), Mark::Released]).await;
    let unknown = Outcome::failed(ErrorKind::MaybeAccepted, "cut");
    single(&ledger, "unresolved", vec![Mark::Unresolved(unknown)]).await;

    // Two rows of a batch: one has ended, one is planned.
    let rows = vec![row(1, None, "row"), row(2, None, "planned row")];
    let plan = Plan::new("batch", folder.path(), SERVICE);
    let loader = loaded(&ledger, rows, plan).await;
    let worker = ledger.register(SERVICE.to_owned()).await.unwrap();
    let want = Want::new(Some(loader.id()), 1, 1);
    let seq = ledger.claim(worker, want).await.unwrap().jobs[0].seq;
    record(&ledger, worker, seq, vec![Mark::Sending]).await;
    record(&ledger, worker, seq, succeeded("p4")).await;

    let all = ledger.list(Filter::default()).await.unwrap();
    assert_eq!(all.len(), 8);
    assert_eq!(ledger.prune(UNIX_EPOCH).await.unwrap(), 0);
    // Not before: it ended at this time.
    let ended = Filter {
        id: Some("p1".to_owned()),
        ..Filter::default()
    };
    let ended_at = ledger.list(ended).await.unwrap()[0].ended_at.unwrap();
    assert_eq!(ledger.prune(ended_at).await.unwrap(), 0);

    let later = SystemTime::now() + Duration::from_secs(60);
    assert_eq!(ledger.prune(later).await.unwrap(), 2);
    assert_eq!(ledger.prune(later).await.unwrap(), 0);
    let left = ledger.list(Filter::default()).await.unwrap();
    let is_removed = |entry: &crate::Entry| entry.batch.is_none() && entry.state == State::Ended;
    let expected: Vec<_> = all.iter().filter(|it| !is_removed(it)).collect();
    assert_eq!(format!("{left:?}"), format!("{expected:?}"));

    // What was recorded beside them is removed too; the batch's is left.
    ledger.close().unwrap();
    let conn = Connection::open(&path).unwrap();
    for table in ["seen", "file"] {
        let sql = format!("SELECT seq FROM {table}");
        let seqs: Vec<i64> = conn
            .prepare(&sql)
            .unwrap()
            .query_map([], |row| row.get(0))
            .unwrap()
            .collect::<Result<_, _>>()
            .unwrap();
        assert_eq!(seqs, [i64::try_from(seq).unwrap()], "{table}");
    }
}
