//! Giving predictions to workers.

use cometapi_account::Usd;
use rusqlite::{Connection, named_params, params};

use crate::ledger::outcome::Outcome;
use crate::ledger::record::{Job, State};
use crate::ledger::retry::{Retry, RetryAction};
use crate::ledger::sqlite::columns::{JOB, RECORDED, integer, job, nanos, natural, recorded};
use crate::ledger::sqlite::costs::spent;
use crate::ledger::sqlite::fault::Result;
use crate::ledger::sqlite::mark::{end, follow, take};
use crate::ledger::sqlite::pause;
use crate::ledger::sqlite::worker::{check_alive, release_dead};
use crate::ledger::sqlite::writer::Writer;
use crate::ledger::{Claimed, LoadId, Want, WorkerId};

pub(super) fn claim(writer: &mut Writer, worker: WorkerId, want: Want) -> Result<Claimed> {
    writer.locks.check_ledger()?;
    release_dead(writer)?;
    check_alive(writer, worker)?;
    let conn = &writer.conn;
    let jobs = free(conn, worker, want.load, "running", None, want.most)?;
    for job in &jobs {
        take(conn, worker, job)?;
    }
    let room = want
        .most
        .saturating_sub(u32::try_from(jobs.len()).unwrap_or(u32::MAX));
    let mut claimed = Claimed {
        jobs,
        paused: pause::left(conn, worker)?,
        ..Claimed::default()
    };
    let Some(load) = want.load else {
        return Ok(claimed);
    };
    let wanted = want.creates.min(room);
    let mut creates = wanted;
    let mut count = 0;
    if let (1.., Some(max)) = (wanted, want.max_in_flight) {
        count = in_flight(conn, worker)?;
        creates = wanted.min(max.saturating_sub(u32::try_from(count).unwrap_or(u32::MAX)));
    }
    claimed.jobs.extend(match want.max_cost {
        None => planned(conn, worker, load, creates)?,
        Some(max) => affordable(conn, worker, load, creates, max)?,
    });
    if claimed.jobs.is_empty() {
        claimed.elsewhere = elsewhere(conn, worker, load)?;
        if wanted > 0 && creates == 0 {
            let is_left = !free(conn, worker, Some(load), "planned", None, 1)?.is_empty();
            claimed.in_flight = if is_left { count } else { 0 };
        } else if want.max_cost.is_some() {
            claimed.unaffordable = left(conn, worker, load)?;
        }
    }
    Ok(claimed)
}

/// Takes predictions to be created, in their order.
fn planned(conn: &Connection, worker: WorkerId, load: LoadId, creates: u32) -> Result<Vec<Job>> {
    let found = free(conn, worker, Some(load), "planned", None, creates)?;
    for job in &found {
        take(conn, worker, job)?;
    }
    Ok(found)
}

/// Takes predictions to be created in their order, as long as the batch costs no more than `max`. What
/// does not fit is passed over for what does.
fn affordable(
    conn: &Connection,
    worker: WorkerId,
    load: LoadId,
    creates: u32,
    max: Usd,
) -> Result<Vec<Job>> {
    // Rounded down: half a billionth of a dollar more would be more.
    let max = max.to_nanos_down().unwrap_or(i64::MAX);
    let mut left = max.saturating_sub(spent(conn, load)?);
    let mut taken = Vec::new();
    loop {
        let room = creates.saturating_sub(u32::try_from(taken.len()).unwrap_or(u32::MAX));
        let found = free(conn, worker, Some(load), "planned", Some(left), room)?;
        if found.is_empty() {
            return Ok(taken);
        }
        // The first of them fits; the next may not, after it.
        for job in found {
            let Some(price) = job.price.map(nanos).filter(|price| *price <= left) else {
                continue;
            };
            take(conn, worker, &job)?;
            left -= price;
            taken.push(job);
        }
    }
}

/// Predictions that no worker holds, at most at a `price` if there is one. The index has only those, so that this costs what it
/// returns.
fn free(
    conn: &Connection,
    worker: WorkerId,
    load: Option<LoadId>,
    state: &str,
    price: Option<i64>,
    most: u32,
) -> Result<Vec<Job>> {
    if most == 0 {
        return Ok(Vec::new());
    }
    let params = named_params! {
        ":worker": worker.0,
        ":load": load.map(|load| load.0),
        ":state": state,
        ":price": price,
        ":most": most,
    };
    let jobs = conn
        .prepare_cached(&free_sql(load.is_some()))?
        .query_map(params, job)?
        .collect::<rusqlite::Result<_>>();
    Ok(jobs?)
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
             AND (:price IS NULL OR p.price <= :price)
             AND NOT EXISTS (SELECT 1 FROM temp.released r
                 WHERE r.worker = :worker AND r.seq = p.seq)
         ORDER BY {order} LIMIT :most"
    )
}

/// How many predictions of the load this worker could create, if they cost less.
fn left(conn: &Connection, worker: WorkerId, load: LoadId) -> Result<u64> {
    let sql = format!("SELECT count(*) FROM ({})", free_sql(true));
    let params = named_params! {
        ":worker": worker.0,
        ":load": load.0,
        ":state": "planned",
        ":price": None::<i64>,
        ":most": -1,
    };
    let count = conn
        .prepare_cached(&sql)?
        .query_row(params, |row| row.get(0))?;
    Ok(natural(count))
}

/// How many predictions of all workers are in flight at the service of this one.
fn in_flight(conn: &Connection, worker: WorkerId) -> Result<u64> {
    let count = conn
        .prepare_cached(
            "SELECT count(*) FROM worker me CROSS JOIN worker w ON w.service = me.service
             CROSS JOIN prediction p INDEXED BY prediction_held ON p.worker = w.id
             WHERE me.id = ? AND p.worker IS NOT NULL AND p.fetching = 0",
        )?
        .query_row([worker.0], |row| row.get(0))?;
    Ok(natural(count))
}

/// How many rows of the load others hold.
fn elsewhere(conn: &Connection, worker: WorkerId, load: LoadId) -> Result<u64> {
    let count = conn
        .prepare_cached(
            "SELECT count(*) FROM prediction p INDEXED BY prediction_held
             CROSS JOIN temp.staged s ON s.load = ? AND s.seq = p.seq
             WHERE p.worker IS NOT NULL AND p.worker <> ?",
        )?
        .query_row([load.0, worker.0], |row| row.get(0))?;
    Ok(natural(count))
}

pub(super) fn adopt(writer: &mut Writer, worker: WorkerId, id: &str) -> Result<Option<Job>> {
    release_dead(writer)?;
    check_alive(writer, worker)?;
    let conn = &writer.conn;
    let sql = format!(
        "SELECT {JOB}, NULL, {RECORDED} FROM prediction p LEFT JOIN batch b ON b.id = p.batch
         WHERE p.id = :id AND p.worker IS NULL
             AND p.service = (SELECT w.service FROM worker w WHERE w.id = :worker)
         ORDER BY p.seq DESC"
    );
    let mut statement = conn.prepare_cached(&sql)?;
    let params = named_params! {":id": id, ":worker": worker.0};
    let mut rows = statement.query_map(params, |row| Ok((job(row)?, recorded(row)?)))?;
    while let Some((job, row)) = rows.next().transpose()? {
        if row.state == State::Running || row.action(Retry::ById) == RetryAction::Follow {
            follow(conn, integer(job.seq))?;
            take(conn, worker, &job)?;
            return Ok(Some(job));
        }
    }
    Ok(None)
}

pub(super) fn refuse_model(
    writer: &mut Writer,
    load: LoadId,
    model: &str,
    outcome: &Outcome,
    most: u32,
) -> Result<Vec<Job>> {
    let conn = &writer.conn;
    let sql = format!(
        "SELECT {JOB}, s.line
         FROM temp.staged s JOIN prediction p ON p.seq = s.seq
         LEFT JOIN batch b ON b.id = p.batch
         WHERE s.load = ? AND p.state = 'planned' AND p.worker IS NULL AND p.model = ?
         ORDER BY p.seq LIMIT ?"
    );
    let jobs: Vec<Job> = conn
        .prepare_cached(&sql)?
        .query_map(params![load.0, model, most], job)?
        .collect::<rusqlite::Result<_>>()?;
    for job in &jobs {
        end(conn, job.seq, State::Ended, outcome, None)?;
    }
    Ok(jobs)
}
