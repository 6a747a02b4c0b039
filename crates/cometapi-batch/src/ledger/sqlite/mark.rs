//! What happened to a prediction.

use rusqlite::{Connection, ToSql, named_params, params};

use crate::error::{Error, ErrorKind};
use crate::ledger::WorkerId;
use crate::ledger::outcome::Outcome;
use crate::ledger::record::{Job, Mark, State};
use crate::ledger::sqlite::columns::{integer, nanos, now, path_text};
use crate::ledger::sqlite::durations;
use crate::ledger::sqlite::fault::Result;
use crate::ledger::sqlite::writer::Writer;

/// Takes back an end: the prediction runs until it is polled again. A success keeps the time of its
/// end, because only its files are saved anew.
pub(super) fn follow(conn: &Connection, seq: i64) -> Result<()> {
    execute(
        conn,
        "UPDATE prediction SET state = 'running', outcome = NULL, message = NULL,
             request_ids = NULL, free = 0, looked = 1,
             ended_at = CASE WHEN fetching = 1 OR outcome = ?2 THEN ended_at END
         WHERE seq = ?1",
        params![seq, Outcome::succeeded().word()],
    )
}

/// Gives a prediction that no worker holds to `worker`.
pub(super) fn take(conn: &Connection, worker: WorkerId, job: &Job) -> Result<()> {
    conn.prepare_cached("UPDATE prediction SET worker = ? WHERE seq = ? AND worker IS NULL")?
        .execute([worker.0, integer(job.seq)])?;
    Ok(())
}

pub(super) fn record(writer: &mut Writer, worker: WorkerId, seq: u64, mark: &Mark) -> Result<()> {
    let conn = &writer.conn;
    let mine = |set: &str, more: &[(&str, &dyn ToSql)]| {
        let sql = format!("UPDATE prediction SET {set} WHERE seq = :seq AND worker = :worker");
        let seq = integer(seq);
        let mut params: Vec<(&str, &dyn ToSql)> = vec![(":seq", &seq), (":worker", &worker.0)];
        params.extend_from_slice(more);
        check_held(conn.prepare_cached(&sql)?.execute(&params[..])?)
    };
    let now = now();
    match mark {
        Mark::Sending => {
            writer.locks.check_ledger()?;
            // Whatever has an id, or may have one, is never sent.
            let changed = conn
                .prepare_cached(
                    "UPDATE prediction SET state = 'sending', sending_at = ?
                     WHERE seq = ? AND worker = ? AND state = 'planned' AND id IS NULL",
                )?
                .execute([now, integer(seq), worker.0])?;
            check_held(changed)
        }
        Mark::NotSent => mine("state = 'planned', sending_at = NULL", &[]),
        Mark::Created { id, request_id } => created(conn, worker, seq, id, request_id.as_deref()),
        Mark::Priced(price) => mine("price = :price", named_params! {":price": nanos(*price)}),
        Mark::Seen {
            status,
            fetching,
            took,
        } => {
            mine(
                "fetching = max(fetching, :fetching)",
                named_params! {":fetching": fetching},
            )?;
            execute(
                conn,
                "INSERT INTO seen (seq, at, status) VALUES (?, ?, ?)",
                params![integer(seq), now, status],
            )?;
            match took {
                Some(took) => durations::record(conn, seq, *took),
                None => Ok(()),
            }
        }
        Mark::Result(json) => mine("result = :result", named_params! {":result": json}),
        Mark::Saved(file) => {
            mine("fetching = 1", &[])?;
            execute(
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
        Mark::Ended(outcome) => end(conn, seq, State::Ended, outcome, Some(worker)),
        Mark::Unresolved(outcome) => end(conn, seq, State::Unresolved, outcome, Some(worker)),
        Mark::NotCreated(outcome) => not_created(conn, seq, outcome),
        Mark::Released => {
            // No worker will learn what happened to a create request that is in flight now.
            let unanswered = Outcome::unanswered();
            mine(
                "worker = NULL,
                 ended_at = CASE state WHEN 'sending' THEN :now ELSE ended_at END,
                 outcome = CASE state WHEN 'sending' THEN :outcome ELSE outcome END,
                 message = CASE state WHEN 'sending' THEN :message ELSE message END,
                 state = CASE state WHEN 'sending' THEN 'unresolved' ELSE state END",
                named_params! {
                    ":now": now,
                    ":outcome": unanswered.word(),
                    ":message": unanswered.message,
                },
            )?;
            execute(
                conn,
                "INSERT OR IGNORE INTO temp.released (worker, seq) VALUES (?, ?)",
                params![worker.0, integer(seq)],
            )
        }
    }
}

fn created(
    conn: &Connection,
    worker: WorkerId,
    seq: u64,
    id: &str,
    request_id: Option<&str>,
) -> Result<()> {
    check_id_is_free(conn, seq, id)?;
    // Another process may have taken this worker for dead and marked the prediction as
    // unresolved. The id is better knowledge; the worker then exists no more.
    let changed = conn
        .prepare_cached(
            "UPDATE prediction SET state = 'running', id = :id,
                 worker = (SELECT w.id FROM worker w WHERE w.id = :worker),
                 request_id = :request_id, created_at = :now, ended_at = NULL,
                 outcome = NULL, message = NULL
             WHERE seq = :seq AND (worker = :worker
                 OR worker IS NULL AND state = 'unresolved' AND id IS NULL)",
        )?
        .execute(named_params! {
            ":worker": worker.0,
            ":id": id,
            ":request_id": request_id,
            ":now": now(),
            ":seq": integer(seq),
        })?;
    check_held(changed)
}

/// Ends an unresolved prediction that a person knows not to have been created.
fn not_created(conn: &Connection, seq: u64, outcome: &Outcome) -> Result<()> {
    let changed = conn
        .prepare_cached(
            "UPDATE prediction SET state = 'ended', outcome = ?, message = ?, free = 1,
                 ended_at = ?
             WHERE seq = ? AND worker IS NULL AND state = 'unresolved' AND id IS NULL",
        )?
        .execute(params![
            outcome.word(),
            outcome.message,
            now(),
            integer(seq)
        ])?;
    check_held(changed)
}

/// Fails if another prediction of the service has the id: a response was then taken for another's.
fn check_id_is_free(conn: &Connection, seq: u64, id: &str) -> Result<()> {
    let is_taken = conn
        .prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM prediction other WHERE other.id = :id
                 AND other.seq <> :seq
                 AND other.service = (SELECT service FROM prediction WHERE seq = :seq))",
        )?
        .query_row(named_params! {":id": id, ":seq": integer(seq)}, |row| {
            row.get(0)
        })?;
    if is_taken {
        let what = format!("{id} is the id of another prediction in this ledger");
        return Err(Error::new(ErrorKind::TakenId, what).into());
    }
    Ok(())
}

/// Fails unless a statement that names the worker has changed its prediction.
pub(super) fn check_held(changed: usize) -> Result<()> {
    if changed == 1 {
        return Ok(());
    }
    let what = "another worker has taken the prediction over";
    Err(Error::new(ErrorKind::Lost, what).into())
}

fn execute(conn: &Connection, sql: &str, params: impl rusqlite::Params) -> Result<()> {
    conn.prepare_cached(sql)?.execute(params)?;
    Ok(())
}

/// Ends a prediction that `worker` holds, or that no worker holds.
pub(super) fn end(
    conn: &Connection,
    seq: u64,
    state: State,
    outcome: &Outcome,
    worker: Option<WorkerId>,
) -> Result<()> {
    let request_ids = match &outcome.request_ids[..] {
        [] => None,
        ids => serde_json::to_string(ids).ok(),
    };
    let changed = conn
        .prepare_cached(
            "UPDATE prediction SET state = :state, worker = NULL, outcome = :outcome,
                 message = :message, request_ids = :request_ids, free = :free,
                 ended_at = coalesce(ended_at, :now)
             WHERE seq = :seq AND worker IS :worker",
        )?
        .execute(named_params! {
            ":state": state.as_str(),
            ":outcome": outcome.word(),
            ":message": outcome.message,
            ":request_ids": request_ids,
            ":now": now(),
            ":free": state == State::Ended && outcome.is_free(),
            ":seq": integer(seq),
            ":worker": worker.map(|worker| worker.0),
        })?;
    check_held(changed)
}
