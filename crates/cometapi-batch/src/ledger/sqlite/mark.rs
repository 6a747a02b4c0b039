//! What happened to a prediction.

use rusqlite::{Connection, ToSql, named_params, params};

use crate::error::{Error, ErrorKind};
use crate::ledger::sqlite::claim::{UNANSWERED, alive};
use crate::ledger::sqlite::writer::Writer;
use crate::ledger::sqlite::{fault, integer, natural, now, path_text};
use crate::ledger::{FileRecord, Intent, Job, Mark, Outcome, WorkerId};

/// Takes back an end.
pub(super) const RUNNING: &str = "state = 'running', outcome = NULL, message = NULL,
    request_ids = NULL, ended_at = NULL, looked = 1";

pub(super) fn begin(writer: &mut Writer, worker: WorkerId, intent: &Intent) -> Result<Job, Error> {
    writer.locks.check_ledger()?;
    alive(writer, worker)?;
    let inserted = writer
        .conn
        .execute(
            "INSERT INTO prediction
                 (service, model, input, hash, state, worker, planned_at, sending_at)
             SELECT w.service, :model, :input, :hash, 'sending', :worker, :now, :now
             FROM worker w WHERE w.id = :worker",
            named_params! {
                ":model": intent.model,
                ":input": intent.input,
                ":hash": intent.hash,
                ":worker": worker.0,
                ":now": now(),
            },
        )
        .map_err(fault)?;
    held(inserted)?;
    Ok(Job {
        seq: natural(writer.conn.last_insert_rowid()),
        folder: None,
        line: None,
        row: None,
        hash: intent.hash.clone(),
        occurrence: 1,
        retake: 0,
        model: intent.model.clone(),
        input: intent.input.clone(),
        id: None,
        fetching: false,
    })
}

pub(super) fn record(
    writer: &mut Writer,
    worker: WorkerId,
    seq: u64,
    mark: &Mark,
) -> Result<(), Error> {
    let conn = &writer.conn;
    let mine = |set: &str, more: &[(&str, &dyn ToSql)]| {
        let sql = format!("UPDATE prediction SET {set} WHERE seq = :seq AND worker = :worker");
        let seq = integer(seq);
        let mut params: Vec<(&str, &dyn ToSql)> = vec![(":seq", &seq), (":worker", &worker.0)];
        params.extend_from_slice(more);
        let changed = conn
            .prepare_cached(&sql)
            .and_then(|mut statement| statement.execute(&params[..]));
        held(changed.map_err(fault)?)
    };
    let now = now();
    match mark {
        Mark::Sending => {
            writer.locks.check_ledger()?;
            // Whatever has an id, or may have one, is never sent.
            let changed = conn
                .prepare_cached(
                    "UPDATE prediction SET state = 'sending', sending_at = :now
                     WHERE seq = :seq AND worker = :worker AND state = 'planned' AND id IS NULL",
                )
                .and_then(|mut statement| {
                    statement.execute(named_params! {
                        ":now": now,
                        ":seq": integer(seq),
                        ":worker": worker.0,
                    })
                });
            held(changed.map_err(fault)?)
        }
        Mark::NotSent => mine("state = 'planned', sending_at = NULL", &[]),
        Mark::Created { id, request_id } => {
            untaken(conn, seq, id)?;
            // Known better than by the process that took this worker for dead and called it unresolved.
            // It is none any more then, and nobody could take from it what it held.
            let changed = conn
                .prepare_cached(
                    "UPDATE prediction SET state = 'running', id = :id,
                         worker = (SELECT w.id FROM worker w WHERE w.id = :worker),
                         request_id = :request_id, created_at = :now, ended_at = NULL,
                         outcome = NULL, message = NULL
                     WHERE seq = :seq AND (worker = :worker
                         OR worker IS NULL AND state = 'unresolved' AND id IS NULL)",
                )
                .and_then(|mut statement| {
                    statement.execute(named_params! {
                        ":worker": worker.0,
                        ":id": id,
                        ":request_id": request_id,
                        ":now": now,
                        ":seq": integer(seq),
                    })
                });
            held(changed.map_err(fault)?)
        }
        Mark::Seen { status, fetching } => {
            mine(
                "fetching = max(fetching, :fetching)",
                named_params! {":fetching": fetching},
            )?;
            insert(
                conn,
                "INSERT INTO seen (seq, at, status) VALUES (?, ?, ?)",
                params![integer(seq), now, status],
            )
        }
        Mark::Saved(file) => {
            mine("fetching = 1", &[])?;
            saved(conn, seq, file, now)
        }
        Mark::Ended(outcome) => end(conn, seq, "ended", outcome, Some(worker)),
        Mark::Unresolved(outcome) => end(conn, seq, "unresolved", outcome, Some(worker)),
        Mark::Released => {
            // A worker that lets go while a create request may be on its way knows nothing of it any more.
            mine(
                "worker = NULL,
                 ended_at = CASE state WHEN 'sending' THEN :now ELSE ended_at END,
                 outcome = CASE state WHEN 'sending' THEN :outcome ELSE outcome END,
                 message = CASE state WHEN 'sending' THEN :message ELSE message END,
                 state = CASE state WHEN 'sending' THEN 'unresolved' ELSE state END",
                named_params! {
                    ":now": now,
                    ":outcome": cometapi::ErrorKind::MaybeAccepted.as_str(),
                    ":message": UNANSWERED,
                },
            )?;
            insert(
                conn,
                "INSERT OR IGNORE INTO temp.released (worker, seq) VALUES (?, ?)",
                params![worker.0, integer(seq)],
            )
        }
    }
}

/// No two predictions of a service have one id: else a response was taken for another's.
fn untaken(conn: &Connection, seq: u64, id: &str) -> Result<(), Error> {
    let taken = conn
        .prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM prediction other WHERE other.id = :id
                 AND other.seq <> :seq
                 AND other.service = (SELECT service FROM prediction WHERE seq = :seq))",
        )
        .and_then(|mut statement| {
            statement.query_row(named_params! {":id": id, ":seq": integer(seq)}, |row| {
                row.get(0)
            })
        });
    if taken.map_err(fault)? {
        let what = format!("{id} is the id of another prediction in this ledger");
        return Err(Error::new(ErrorKind::TakenId, what));
    }
    Ok(())
}

fn held(changed: usize) -> Result<(), Error> {
    if changed == 1 {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Lost,
        "another worker has taken the prediction over",
    ))
}

fn insert(conn: &Connection, sql: &str, params: impl rusqlite::Params) -> Result<(), Error> {
    conn.prepare_cached(sql)
        .and_then(|mut statement| statement.execute(params))
        .map(drop)
        .map_err(fault)
}

fn saved(conn: &Connection, seq: u64, file: &FileRecord, now: i64) -> Result<(), Error> {
    insert(
        conn,
        "INSERT OR REPLACE INTO file (seq, position, path, bytes, media_type, at)
         VALUES (?, ?, ?, ?, ?, ?)",
        params![
            integer(seq),
            integer(file.position),
            path_text(&file.path),
            integer(file.bytes),
            file.media_type,
            now
        ],
    )
}

/// Ends a prediction that `worker` holds, or nobody.
pub(super) fn end(
    conn: &Connection,
    seq: u64,
    state: &str,
    outcome: &Outcome,
    worker: Option<WorkerId>,
) -> Result<(), Error> {
    let request_ids = match &outcome.request_ids[..] {
        [] => None,
        ids => serde_json::to_string(ids).ok(),
    };
    let changed = conn
        .prepare_cached(
            "UPDATE prediction SET state = :state, worker = NULL, outcome = :outcome,
                 message = :message, request_ids = :request_ids, ended_at = :now
             WHERE seq = :seq AND worker IS :worker",
        )
        .and_then(|mut statement| {
            statement.execute(named_params! {
                ":state": state,
                ":outcome": outcome.word(),
                ":message": outcome.message,
                ":request_ids": request_ids,
                ":now": now(),
                ":seq": integer(seq),
                ":worker": worker.map(|worker| worker.0),
            })
        });
    held(changed.map_err(fault)?)
}
