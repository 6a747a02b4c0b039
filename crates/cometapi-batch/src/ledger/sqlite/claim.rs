//! Who holds what.

use rusqlite::{Connection, OptionalExtension, Row, named_params, params};

use crate::error::{Error, ErrorKind};
use crate::ledger::sqlite::mark::RUNNING;
use crate::ledger::sqlite::writer::{Gone, Writer};
use crate::ledger::sqlite::{fault, natural, now};
use crate::ledger::{Claimed, Job, LoadId, Outcome, Want, WorkerId};

/// What a job is read from, by [`job`].
pub(super) const JOB: &str = "p.seq, b.folder, p.row_id, p.hash, p.occurrence, p.retake, p.model,
    p.input, p.id, p.fetching";

/// Reads a job; an eleventh column is its line.
pub(super) fn job(row: &Row<'_>) -> rusqlite::Result<Job> {
    let line: Option<i64> = row.get(10)?;
    Ok(Job {
        seq: natural(row.get(0)?),
        folder: row.get::<_, Option<String>>(1)?.map(Into::into),
        line: line.map(natural),
        row: row.get(2)?,
        hash: row.get(3)?,
        occurrence: natural(row.get(4)?),
        retake: natural(row.get(5)?),
        model: row.get(6)?,
        input: row.get(7)?,
        id: row.get(8)?,
        fetching: row.get(9)?,
    })
}

pub(super) fn register(writer: &mut Writer, service: &str) -> Result<WorkerId, Error> {
    let locked = writer.locks.make().map_err(|e| {
        let what = "the ledger's folder of workers cannot be written";
        Error::caused_by(ErrorKind::Ledger, what, e)
    })?;
    let (name, lock) = locked;
    let inserted = writer.conn.execute(
        "INSERT INTO worker (name, service, since) VALUES (?, ?, ?)",
        params![name, service, now()],
    );
    if let Err(e) = inserted {
        writer.locks.release_after_commit(&name);
        return Err(fault(e));
    }
    let worker = writer.conn.last_insert_rowid();
    writer.locks.hold(worker, lock);
    writer.is_fresh(worker);
    Ok(WorkerId(worker))
}

pub(super) fn retire(writer: &mut Writer, worker: WorkerId) -> Result<(), Error> {
    let_go(&writer.conn, worker.0)?;
    writer
        .conn
        .execute("DELETE FROM temp.released WHERE worker = ?", [worker.0])
        .map_err(fault)?;
    writer.release_after_commit(Gone::Own(worker.0));
    Ok(())
}

/// Frees what workers held whose process has ended.
pub(super) fn let_go_of_the_dead(writer: &mut Writer) -> Result<(), Error> {
    let workers: Vec<(i64, String)> = {
        let mut statement = writer
            .conn
            .prepare_cached("SELECT id, name FROM worker")
            .map_err(fault)?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)));
        rows.map_err(fault)?
            .collect::<Result<_, _>>()
            .map_err(fault)?
    };
    for (worker, name) in workers {
        // What is unknown counts as alive.
        if !writer.locks.is_own(worker) && writer.locks.is_dead(&name).unwrap_or(false) {
            let_go(&writer.conn, worker)?;
            writer.release_after_commit(Gone::Other(name));
        }
    }
    // What is held by nobody who ever can let go of it: there should be none.
    unanswered(&writer.conn, "prediction_lost", "worker IS NULL", &[])?;
    unanswered(&writer.conn, "prediction_held", LOST, &[])?;
    writer
        .conn
        .prepare_cached(&format!(
            "UPDATE prediction INDEXED BY prediction_held SET worker = NULL WHERE {LOST}"
        ))
        .and_then(|mut statement| statement.execute([]))
        .map(drop)
        .map_err(fault)
}

/// Held by a worker that is none.
const LOST: &str = "worker IS NOT NULL AND worker NOT IN (SELECT id FROM worker)";

/// What is said of a row that was being sent by who has let go of it.
pub(super) const UNANSWERED: &str = "the program ended after the create request was sent, or \
    was about to be, and before a response was recorded";

/// Rows that were being sent, of those that are meant, are unresolved. The index is named:
/// this is done at each claim, and must not look at all rows.
fn unanswered(
    conn: &Connection,
    index: &str,
    which: &str,
    more: &[(&str, &dyn rusqlite::ToSql)],
) -> Result<(), Error> {
    let sql = format!(
        "UPDATE prediction INDEXED BY {index} SET state = 'unresolved', worker = NULL, ended_at = :now,
             outcome = :outcome, message = :message
         WHERE {which} AND state = 'sending'"
    );
    let (now, outcome) = (now(), cometapi::ErrorKind::MaybeAccepted.as_str());
    let mut params: Vec<(&str, &dyn rusqlite::ToSql)> = vec![
        (":now", &now),
        (":outcome", &outcome),
        (":message", &UNANSWERED),
    ];
    params.extend_from_slice(more);
    conn.prepare_cached(&sql)
        .and_then(|mut statement| statement.execute(&params[..]))
        .map(drop)
        .map_err(fault)
}

/// Frees what `worker` held: all is still in one transaction, and its number never comes
/// back, so a worker that was taken for dead finds itself refused.
fn let_go(conn: &Connection, worker: i64) -> Result<(), Error> {
    let execute = |sql: &str, params: &[(&str, &dyn rusqlite::ToSql)]| {
        conn.prepare_cached(sql)
            .and_then(|mut statement| statement.execute(params))
            .map_err(fault)
    };
    let params = named_params! {":worker": worker};
    unanswered(conn, "prediction_held", "worker = :worker", params)?;
    execute(
        "UPDATE prediction SET worker = NULL WHERE worker = :worker",
        named_params! {":worker": worker},
    )?;
    execute(
        "DELETE FROM worker WHERE id = :worker",
        named_params! {":worker": worker},
    )?;
    Ok(())
}

/// A worker that was taken for dead must not take anything.
pub(super) fn alive(writer: &Writer, worker: WorkerId) -> Result<(), Error> {
    let alive = writer
        .conn
        .prepare_cached("SELECT 1 FROM worker WHERE id = ?")
        .and_then(|mut statement| statement.exists([worker.0]))
        .map_err(fault)?;
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
    Err(Error::new(ErrorKind::Lost, what))
}

pub(super) fn claim(writer: &mut Writer, worker: WorkerId, want: Want) -> Result<Claimed, Error> {
    writer.locks.check_ledger()?;
    let_go_of_the_dead(writer)?;
    alive(writer, worker)?;
    let conn = &writer.conn;
    let mut jobs = free(conn, worker, want.load, "running", want.most)?;
    if want.load.is_some() {
        let room = want
            .most
            .saturating_sub(u32::try_from(jobs.len()).unwrap_or(u32::MAX));
        let creates = want.creates.min(room);
        jobs.extend(free(conn, worker, want.load, "planned", creates)?);
    }
    for job in &jobs {
        take(conn, worker, job)?;
    }
    let elsewhere = match want.load {
        Some(load) if jobs.is_empty() => elsewhere(conn, worker, load)?,
        _ => 0,
    };
    Ok(Claimed { jobs, elsewhere })
}

fn take(conn: &Connection, worker: WorkerId, job: &Job) -> Result<(), Error> {
    conn.prepare_cached("UPDATE prediction SET worker = ? WHERE seq = ? AND worker IS NULL")
        .and_then(|mut statement| statement.execute(params![worker.0, job.seq.cast_signed()]))
        .map(drop)
        .map_err(fault)
}

/// Predictions that nobody holds. The index has only those, so that this costs what it gives.
fn free(
    conn: &Connection,
    worker: WorkerId,
    load: Option<LoadId>,
    state: &str,
    most: u32,
) -> Result<Vec<Job>, Error> {
    if most == 0 {
        return Ok(Vec::new());
    }
    let sql = free_sql(load.is_some());
    let mut statement = conn.prepare_cached(&sql).map_err(fault)?;
    let rows = statement.query_map(
        named_params! {
            ":worker": worker.0,
            ":load": load.map(|load| load.0),
            ":state": state,
            ":most": most,
        },
        job,
    );
    rows.map_err(fault)?
        .collect::<Result<_, _>>()
        .map_err(fault)
}

/// A cross join is done in the order in which it is written: from the few that are free, and
/// not from all rows of the load.
pub(super) fn free_sql(of_load: bool) -> String {
    let (line, join, order) = if of_load {
        (
            "s.line",
            "CROSS JOIN temp.staged s ON s.load = :load AND s.seq = p.seq",
            "p.seq",
        )
    } else {
        ("NULL + :load", "", "p.batch, p.seq")
    };
    let which = if of_load {
        "AND p.batch = (SELECT o.batch FROM temp.staged s CROSS JOIN prediction o ON o.seq = s.seq
             WHERE s.load = :load LIMIT 1)"
    } else {
        "AND p.service = (SELECT w.service FROM worker w WHERE w.id = :worker)"
    };
    format!(
        "SELECT {JOB}, {line}
         FROM prediction p INDEXED BY prediction_free {join}
         LEFT JOIN batch b ON b.id = p.batch
         WHERE p.state = :state AND p.state IN ('planned', 'running')
             AND p.worker IS NULL AND p.superseded = 0 {which}
             AND NOT EXISTS (SELECT 1 FROM temp.released r
                 WHERE r.worker = :worker AND r.seq = p.seq)
         ORDER BY {order} LIMIT :most"
    )
}

/// How many rows of the load others hold.
fn elsewhere(conn: &Connection, worker: WorkerId, load: LoadId) -> Result<u64, Error> {
    conn.prepare_cached(
        "SELECT count(*) FROM prediction p INDEXED BY prediction_held
         CROSS JOIN temp.staged s ON s.load = ? AND s.seq = p.seq
         WHERE p.worker IS NOT NULL AND p.worker <> ?",
    )
    .and_then(|mut statement| statement.query_row([load.0, worker.0], |row| row.get(0)))
    .map(natural)
    .map_err(fault)
}

pub(super) fn adopt(writer: &mut Writer, worker: WorkerId, id: &str) -> Result<Option<Job>, Error> {
    let_go_of_the_dead(writer)?;
    alive(writer, worker)?;
    let sql = format!(
        "SELECT {JOB}, NULL FROM prediction p LEFT JOIN batch b ON b.id = p.batch
         WHERE p.id = :id AND p.worker IS NULL
             AND p.service = (SELECT w.service FROM worker w WHERE w.id = :worker)
             AND (p.state = 'running' OR p.state = 'ended'
                 AND p.outcome IN (:download, :file, :not_found, :expired))
         ORDER BY p.seq DESC LIMIT 1"
    );
    let found = writer
        .conn
        .prepare_cached(&sql)
        .and_then(|mut statement| {
            use cometapi::ErrorKind as Kind;
            let params = named_params! {
                ":id": id,
                ":worker": worker.0,
                ":download": Kind::Download.as_str(),
                ":file": Kind::File.as_str(),
                ":not_found": Kind::NotFound.as_str(),
                ":expired": Kind::Expired.as_str(),
            };
            statement.query_row(params, job).optional()
        })
        .map_err(fault)?;
    if let Some(job) = &found {
        // Held as one that runs: an end that is looked at again is none meanwhile.
        let sql = format!("UPDATE prediction SET {RUNNING} WHERE seq = ? AND worker IS NULL");
        writer
            .conn
            .prepare_cached(&sql)
            .and_then(|mut statement| statement.execute([job.seq.cast_signed()]))
            .map_err(fault)?;
        take(&writer.conn, worker, job)?;
    }
    Ok(found)
}

pub(super) fn refuse_model(
    writer: &mut Writer,
    load: LoadId,
    model: &str,
    outcome: &Outcome,
    most: u32,
) -> Result<Vec<Job>, Error> {
    let conn = &writer.conn;
    let sql = format!(
        "SELECT {JOB}, s.line
         FROM temp.staged s JOIN prediction p ON p.seq = s.seq
         LEFT JOIN batch b ON b.id = p.batch
         WHERE s.load = ? AND p.state = 'planned' AND p.worker IS NULL AND p.model = ?
         ORDER BY p.seq LIMIT ?"
    );
    let mut statement = conn.prepare_cached(&sql).map_err(fault)?;
    let jobs: Vec<Job> = statement
        .query_map(params![load.0, model, most], job)
        .map_err(fault)?
        .collect::<Result<_, _>>()
        .map_err(fault)?;
    for job in &jobs {
        super::mark::end(conn, job.seq, "ended", outcome, None)?;
    }
    Ok(jobs)
}
