//! A single prediction, new or known by its key.

use std::path::Path;

use cometapi_account::Usd;
use rusqlite::{Connection, OptionalExtension, named_params, params};

use crate::error::{Error, ErrorKind};
use crate::ledger::record::{Begun, Entry, Filter, Intent, Job};
use crate::ledger::retry::{RecordedRow, Retry, RetryAction};
use crate::ledger::sqlite::columns::{JOB, RECORDED, integer, job, nanos, natural, now, recorded};
use crate::ledger::sqlite::fault::Result;
use crate::ledger::sqlite::list::list;
use crate::ledger::sqlite::mark::{check_held, follow, take};
use crate::ledger::sqlite::worker::{check_alive, release_dead};
use crate::ledger::sqlite::writer::Writer;
use crate::ledger::{Changed, WorkerId};

pub(super) fn begin(writer: &mut Writer, worker: WorkerId, intent: &Intent) -> Result<Begun> {
    writer.locks.check_ledger()?;
    if intent.key.is_some() {
        release_dead(writer)?;
    }
    check_alive(writer, worker)?;
    let conn = &writer.conn;
    let known = match &intent.key {
        Some(key) => known(conn, worker, key)?,
        None => None,
    };
    match known {
        Some(known) => again(conn, worker, intent, known),
        None => insert(conn, worker, intent).map(Begun::Send),
    }
}

/// The prediction that a key names.
struct Known {
    job: Job,
    row: RecordedRow,
    is_held: bool,
    service: String,
    is_of_this_service: bool,
}

fn known(conn: &Connection, worker: WorkerId, key: &str) -> Result<Option<Known>> {
    let sql = format!(
        "SELECT {JOB}, NULL, {RECORDED}, p.worker IS NOT NULL AS is_held, p.service AS service,
             p.service = (SELECT w.service FROM worker w WHERE w.id = :worker) AS is_here
         FROM prediction p LEFT JOIN batch b ON b.id = p.batch
         WHERE p.once = :key AND p.superseded = 0"
    );
    let mut statement = conn.prepare_cached(&sql)?;
    let params = named_params! {":key": key, ":worker": worker.0};
    let known = statement.query_row(params, |row| {
        Ok(Known {
            job: job(row)?,
            row: recorded(row)?,
            is_held: row.get("is_held")?,
            service: row.get("service")?,
            is_of_this_service: row.get("is_here")?,
        })
    });
    Ok(known.optional()?)
}

fn again(conn: &Connection, worker: WorkerId, intent: &Intent, known: Known) -> Result<Begun> {
    let Known {
        job,
        mut row,
        is_held,
        service,
        is_of_this_service,
    } = known;
    let key = intent.key.as_deref().unwrap_or_default();
    if !is_of_this_service {
        return Err(reused(key, &format!("was used at {service}")).into());
    }
    row.has_changed = job.hash != intent.hash;
    let action = row.action(Retry::Key {
        unresolved: intent.retry_unresolved,
    });
    if row.has_changed && (is_held || action != RetryAction::PlanAgain) {
        let (before, now) = ((&*job.model, &*job.input), (&*intent.model, &*intent.input));
        let differing = Changed::named(&Changed::fields_between(before, now));
        return Err(reused(key, &format!("was used with another {differing}")).into());
    }
    if is_held {
        return Ok(Begun::Held(Box::new(entry(conn, key)?)));
    }
    match action {
        RetryAction::PlanAgain => plan_again(conn, worker, job.seq, intent).map(Begun::Send),
        RetryAction::Supersede => {
            conn.prepare_cached("UPDATE prediction SET superseded = 1 WHERE seq = ?")?
                .execute([integer(job.seq)])?;
            insert(conn, worker, intent).map(Begun::Send)
        }
        RetryAction::Follow => {
            follow(conn, integer(job.seq))?;
            take(conn, worker, &job)?;
            saved_in(conn, job, intent).map(Begun::Follow)
        }
        RetryAction::Keep => Ok(Begun::Over {
            entry: Box::new(entry(conn, key)?),
            result: conn
                .prepare_cached("SELECT result FROM prediction WHERE seq = ?")?
                .query_row([integer(job.seq)], |row| row.get(0))?,
        }),
    }
}

/// Records where the files of a prediction are to be saved now, if the intent names a folder.
fn saved_in(conn: &Connection, job: Job, intent: &Intent) -> Result<Job> {
    if intent.folder.is_none() {
        return Ok(job);
    }
    conn.prepare_cached("UPDATE prediction SET folder = ?, names = ? WHERE seq = ?")?
        .execute(params![folder(intent), intent.names, integer(job.seq)])?;
    Ok(Job {
        folder: intent.folder.clone(),
        names: intent.names.clone(),
        ..job
    })
}

/// Checks that one more prediction of the key may be created.
fn check_max_cost(conn: &Connection, intent: &Intent) -> Result<()> {
    if intent.max_cost.is_none() {
        return Ok(());
    }
    let (spent, has_unknown): (i64, bool) = conn
        .prepare_cached(
            "SELECT coalesce(sum(cost), 0), count(*) > count(cost) FROM prediction WHERE once = ?",
        )?
        .query_row([&intent.key], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(intent.check_cost((!has_unknown).then_some(Usd::from_nanos(spent)))?)
}

fn reused(key: &str, how: &str) -> Error {
    let what = format!("the key {key:?} {how}: give this prediction another key");
    Error::new(ErrorKind::KeyReused, what)
}

/// The newest prediction of a key.
fn entry(conn: &Connection, key: &str) -> Result<Entry> {
    let filter = Filter {
        key: Some(key.to_owned()),
        limit: 1,
        ..Filter::default()
    };
    let found = list(conn, &filter)?.into_iter().next();
    Ok(found.ok_or(rusqlite::Error::QueryReturnedNoRows)?)
}

fn insert(conn: &Connection, worker: WorkerId, intent: &Intent) -> Result<Job> {
    check_max_cost(conn, intent)?;
    let inserted = conn.execute(
        "INSERT INTO prediction
                 (service, once, model, input, hash, folder, names, state, worker, planned_at, price)
             SELECT w.service, :once, :model, :input, :hash, :folder, :names, 'planned', :worker, :now,
                 :price
             FROM worker w WHERE w.id = :worker",
        named_params! {
            ":once": intent.key,
            ":model": intent.model,
            ":input": intent.input,
            ":hash": intent.hash,
            ":folder": folder(intent),
            ":names": intent.names,
            ":worker": worker.0,
            ":now": now(),
            ":price": intent.price.map(nanos),
        },
    )?;
    check_held(inserted)?;
    Ok(Job::new(natural(conn.last_insert_rowid()), intent))
}

/// The folder of an intent, as far as the ledger can name it.
fn folder(intent: &Intent) -> Option<&str> {
    intent.folder.as_deref().and_then(Path::to_str)
}

/// Plans again what provably had no effect, as its intent is now.
fn plan_again(conn: &Connection, worker: WorkerId, seq: u64, intent: &Intent) -> Result<Job> {
    check_max_cost(conn, intent)?;
    let changed = conn
        .prepare_cached(
            "UPDATE prediction SET state = 'planned', worker = ?1, sending_at = NULL, outcome = NULL,
                 message = NULL, request_ids = NULL, ended_at = NULL, free = 0, model = ?2,
                 input = ?3, hash = ?4, price = ?6, folder = ?7, names = ?8
             WHERE seq = ?5 AND worker IS NULL AND id IS NULL",
        )?
        .execute(params![
            worker.0,
            intent.model,
            intent.input,
            intent.hash,
            integer(seq),
            intent.price.map(nanos),
            folder(intent),
            intent.names
        ])?;
    check_held(changed)?;
    Ok(Job::new(seq, intent))
}
