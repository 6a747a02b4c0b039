//! Workers: who lives, and what becomes of the predictions of those that have ended.

use rusqlite::{Connection, named_params, params};

use crate::error::{Error, ErrorKind};
use crate::ledger::sqlite::columns::now;
use crate::ledger::sqlite::fault::Result;
use crate::ledger::sqlite::writer::{Gone, Writer};
use crate::ledger::{Outcome, WorkerId};

pub(super) fn register(writer: &mut Writer, service: &str) -> Result<WorkerId> {
    let (name, lock) = writer.locks.make().map_err(|e| {
        let what = "the ledger's folder of workers cannot be written";
        Error::caused_by(ErrorKind::Ledger, what, e)
    })?;
    let inserted = writer.conn.execute(
        "INSERT INTO worker (name, service, since) VALUES (?, ?, ?)",
        params![name, service, now()],
    );
    if let Err(e) = inserted {
        writer.locks.release_after_commit(&name);
        return Err(e.into());
    }
    let worker = writer.conn.last_insert_rowid();
    writer.locks.hold(worker, lock);
    writer.is_fresh(worker);
    Ok(WorkerId(worker))
}

pub(super) fn retire(writer: &mut Writer, worker: WorkerId) -> Result<()> {
    release(&writer.conn, worker.0)?;
    writer
        .conn
        .execute("DELETE FROM temp.released WHERE worker = ?", [worker.0])?;
    writer.release_after_commit(Gone::Own(worker.0));
    Ok(())
}

/// Frees what workers held whose process has ended.
pub(super) fn release_dead(writer: &mut Writer) -> Result<()> {
    let workers: Vec<(i64, String)> = writer
        .conn
        .prepare_cached("SELECT id, name FROM worker")?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<rusqlite::Result<_>>()?;
    for (worker, name) in workers {
        // A worker of unknown state counts as alive.
        if !writer.locks.is_own(worker) && writer.locks.is_dead(&name).unwrap_or(false) {
            release(&writer.conn, worker)?;
            writer.release_after_commit(Gone::Other(name));
        }
    }
    // What no worker can release any more: there should be none.
    unanswered(&writer.conn, "prediction_lost", "worker IS NULL", &[])?;
    unanswered(&writer.conn, "prediction_held", LOST, &[])?;
    let sql =
        format!("UPDATE prediction INDEXED BY prediction_held SET worker = NULL WHERE {LOST}");
    writer.conn.prepare_cached(&sql)?.execute([])?;
    Ok(())
}

/// Held by a worker that does not exist.
const LOST: &str = "worker IS NOT NULL AND worker NOT IN (SELECT id FROM worker)";

/// Marks rows that were being sent, of those that `which` selects, as unresolved. The index is
/// named: this is done at each claim, and must not read all rows.
fn unanswered(
    conn: &Connection,
    index: &str,
    which: &str,
    more: &[(&str, &dyn rusqlite::ToSql)],
) -> Result<()> {
    let sql = format!(
        "UPDATE prediction INDEXED BY {index} SET state = 'unresolved', worker = NULL, ended_at = :now,
             outcome = :outcome, message = :message
         WHERE {which} AND state = 'sending'"
    );
    let (now, unanswered) = (now(), Outcome::unanswered());
    let outcome = unanswered.word();
    let mut params: Vec<(&str, &dyn rusqlite::ToSql)> = vec![
        (":now", &now),
        (":outcome", &outcome),
        (":message", &unanswered.message),
    ];
    params.extend_from_slice(more);
    conn.prepare_cached(&sql)?.execute(&params[..])?;
    Ok(())
}

/// Frees what `worker` held: all is still in one transaction, and its number never comes
/// back, so a worker that was taken for dead finds itself refused.
fn release(conn: &Connection, worker: i64) -> Result<()> {
    let params = named_params! {":worker": worker};
    unanswered(conn, "prediction_held", "worker = :worker", params)?;
    // Of a row or a key the next worker takes it up; of one without either nobody could.
    let not_sent = Outcome::not_sent();
    conn.prepare_cached(
        "UPDATE prediction INDEXED BY prediction_held
         SET state = 'ended', worker = NULL, ended_at = ?, outcome = ?, message = ?
         WHERE worker = ? AND state = 'planned' AND batch IS NULL AND once IS NULL",
    )?
    .execute(params![now(), not_sent.word(), not_sent.message, worker])?;
    conn.prepare_cached("UPDATE prediction SET worker = NULL WHERE worker = ?")?
        .execute([worker])?;
    conn.prepare_cached("DELETE FROM worker WHERE id = ?")?
        .execute([worker])?;
    Ok(())
}

/// Fails if `worker` was taken for dead: it must not take anything.
pub(super) fn check_alive(writer: &Writer, worker: WorkerId) -> Result<()> {
    let alive = writer
        .conn
        .prepare_cached("SELECT 1 FROM worker WHERE id = ?")?
        .exists([worker.0])?;
    if alive {
        return Ok(());
    }
    let what = match writer.locks.removed(worker.0) {
        Some(lock) => format!(
            "another process took this one for ended, because its lock file {} was removed: keep \
             that folder while a command runs; to continue, run the same command again",
            lock.display()
        ),
        None => "this worker was retired, or another process took it for ended: to continue, \
                 register another"
            .to_owned(),
    };
    Err(Error::new(ErrorKind::Lost, what).into())
}
