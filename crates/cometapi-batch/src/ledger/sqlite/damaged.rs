//! A ledger whose columns hold any values, as damage or another program leaves it.

use std::path::PathBuf;

use rusqlite::types::Value;

use super::writer::Touch;
use crate::ledger::{Begun, Filter, Intent, Ledger, Mark, NewRow, Outcome, Plan, State, Want};
use crate::{Error, SqliteLedger};

/// The columns that are overwritten.
const COLUMNS: [(&str, &[&str]); 7] = [
    (
        "prediction",
        &[
            "service",
            "batch",
            "once",
            "key",
            "occurrence",
            "row_id",
            "superseded",
            "retake",
            "model",
            "input",
            "hash",
            "labels",
            "folder",
            "names",
            "state",
            "worker",
            "id",
            "request_id",
            "fetching",
            "outcome",
            "message",
            "request_ids",
            "planned_at",
            "sending_at",
            "created_at",
            "ended_at",
            "looked",
            "result",
        ],
    ),
    ("batch", &["name", "folder", "names", "service", "since"]),
    ("worker", &["name", "service", "since"]),
    ("seen", &["at", "status"]),
    ("file", &["position", "path", "bytes", "media_type", "at"]),
    ("name", &["batch", "folded", "seq", "position", "name"]),
    ("duration", &["service", "model", "seq", "millis"]),
];

const ROWS: &str = "
PRAGMA ignore_check_constraints = ON;
INSERT INTO batch (id, name, folder, service, since) VALUES (1, 'batch', '/batch', 's', 0);
INSERT INTO worker (id, name, service, since) VALUES (1, 'dead', 's', 0);
INSERT INTO prediction (service, batch, once, key, row_id, model, input, hash, state, planned_at,
    id, worker, outcome, result)
VALUES ('s', 1, NULL, 'id:x', 'x', 'a/b', '{}', 'h', 'running', 0, 'p1', NULL, NULL, NULL),
       ('s', 1, NULL, 'id:y', 'y', 'a/b', '{}', 'h', 'ended', 0, 'p2', NULL, 'succeeded', NULL),
       ('s', NULL, 'sending', NULL, NULL, 'a/b', '{}', 'h', 'sending', 0, NULL, 1, NULL, NULL),
       ('s', NULL, 'running', NULL, NULL, 'a/b', '{}', 'h', 'running', 0, 'p4', NULL, NULL, NULL),
       ('s', NULL, 'over', NULL, NULL, 'a/b', '{}', 'h', 'ended', 0, 'p5', NULL, 'succeeded', '1'),
       ('s', NULL, 'refused', NULL, NULL, 'a/b', '{}', 'h', 'ended', 0, NULL, NULL, 'refused', NULL);
INSERT INTO seen VALUES (1, 0, 'processing');
INSERT INTO file VALUES (2, 0, '/none', 1, 'image/png', 0);
INSERT INTO name VALUES (1, 'x.png', 1, 0, 'x.png');
INSERT INTO duration VALUES ('s', 'a/b', 2, 1000);
";

/// Overwrites columns as `data` says, and reads the ledger in every way.
pub(crate) async fn read_all(data: &[u8], folder: PathBuf) -> Vec<Result<(), Error>> {
    let Ok(ledger) = SqliteLedger::in_memory() else {
        return Vec::new();
    };
    let changes = changes(data);
    let damaged = ledger.writer.ask(Touch::Ledger, move |writer| {
        writer.conn.execute_batch(ROWS)?;
        for (sql, value) in changes {
            // A constraint that still holds refuses some.
            let _ = writer.conn.execute(&sql, [value]);
        }
        Ok(())
    });
    let mut read = vec![damaged.await];
    read.push(ledger.list(Filter::default()).await.map(drop));
    read.push(ledger.durations("s".to_owned()).await.map(drop));
    read.push(ledger.batches().await.map(drop));
    let mut all = Filter::default();
    all.states.extend(State::ALL);
    all.failed = true;
    read.push(ledger.list(all).await.map(drop));
    let of_file = Filter {
        after: Some(0),
        file: Some("/batch/none".into()),
        ..Filter::default()
    };
    read.push(ledger.list(of_file).await.map(drop));
    let worker = match ledger.register("s".to_owned()).await {
        Ok(worker) => worker,
        Err(e) => {
            read.push(Err(e));
            return read;
        }
    };
    for id in ["p1", "p2"] {
        read.push(ledger.adopt(worker, id.to_owned()).await.map(drop));
    }
    let (loader, input) = (ledger.loader(), serde_json::Map::new());
    if let Ok(model) = "a/b".parse() {
        for key in ["sending", "running", "over", "refused", "new"] {
            let mut intent = Intent::new(&model, &input).with_key(key);
            // As in the ledger, or another one.
            if data.len().is_multiple_of(2) {
                "h".clone_into(&mut intent.hash);
            }
            for retry in [false, true] {
                let intent = intent.clone().retry_unresolved(retry);
                match ledger.begin(worker, intent).await {
                    Ok(Begun::Send(job) | Begun::Follow(job)) => {
                        let result = Mark::Result("1".to_owned());
                        read.push(ledger.record(worker, job.seq, result).await);
                        read.push(ledger.record(worker, job.seq, Mark::Released).await);
                    }
                    other => read.push(other.map(drop)),
                }
            }
            let filter = Filter {
                key: Some(key.to_owned()),
                ..Filter::default()
            };
            read.push(ledger.list(filter).await.map(drop));
        }
        let rows = ["x", "y"].map(|id| NewRow::new(1, Some(id.to_owned()), &model, &input));
        read.push(loader.add(rows.into()).await.map(drop));
    }
    for (dry, retry) in [(true, false), (false, false), (false, true)] {
        let plan = Plan {
            dry,
            retry_failed: retry,
            retry_unresolved: retry,
            update: retry,
            skip_changed: retry,
            ..Plan::new("batch", &folder, "s")
        };
        read.push(loader.load(plan).await.map(drop));
    }
    read.push(ledger.tally(loader.id()).await.map(drop));
    let of_load = Filter {
        load: Some(loader.id()),
        ..Filter::default()
    };
    read.push(ledger.list(of_load).await.map(drop));
    for load in [None, Some(loader.id())] {
        match ledger.claim(worker, Want::new(load, 9, 9)).await {
            Ok(claimed) => {
                for job in claimed.jobs {
                    let names = ["x.png", "y.png"].map(str::to_owned).into();
                    let reserved = ledger.reserve(worker, job.seq, 1, names).await;
                    read.push(reserved.map(drop));
                    let end = Mark::Ended(Outcome::succeeded());
                    read.push(ledger.record(worker, job.seq, end).await);
                }
            }
            Err(e) => read.push(Err(e)),
        }
    }
    read.push(ledger.retire(worker).await);
    read
}

/// Pairs of a column and its new value: two bytes choose the column and the type, one the
/// length.
fn changes(mut data: &[u8]) -> Vec<(String, Value)> {
    let columns: Vec<(&str, &str)> = COLUMNS
        .iter()
        .flat_map(|(table, columns)| columns.iter().map(move |column| (*table, *column)))
        .collect();
    let mut changes = Vec::new();
    while let [column, kind, len, rest @ ..] = data {
        let (bytes, rest) = rest.split_at(usize::from(*len).min(rest.len()));
        let (table, column) = columns[usize::from(*column) % columns.len()];
        let number = bytes
            .iter()
            .fold(0u64, |number, byte| number << 8 | u64::from(*byte));
        // A blob that is cast to text need not be UTF-8.
        let (new, value) = match kind % 5 {
            0 => ("?", Value::Null),
            1 => ("?", Value::Integer(number.cast_signed())),
            2 => ("?", Value::Real(f64::from_bits(number))),
            3 => ("CAST(? AS TEXT)", Value::Blob(bytes.to_vec())),
            _ => ("?", Value::Blob(bytes.to_vec())),
        };
        // One row or all of them.
        let which = if kind & 8 == 0 {
            ""
        } else {
            " WHERE rowid = 1"
        };
        let which = if ["file", "name"].contains(&table) {
            ""
        } else {
            which
        };
        changes.push((format!("UPDATE {table} SET {column} = {new}{which}"), value));
        data = rest;
    }
    changes
}
