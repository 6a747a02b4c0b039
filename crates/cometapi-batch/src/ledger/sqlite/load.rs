//! Rows of a file becoming predictions.

use std::collections::BTreeMap;

use cometapi_account::Usd;
use rusqlite::{Connection, named_params, params};

use crate::error::{Error, ErrorKind};
use crate::ledger::outcome::SUCCEEDED;
use crate::ledger::retry::{RecordedRow, Retry, RetryAction};
use crate::ledger::sqlite::changed::{changed, leave_out};
use crate::ledger::sqlite::columns::{RECORDED, file_path, natural, now, recorded};
use crate::ledger::sqlite::costs::price;
use crate::ledger::sqlite::fault::Result;
use crate::ledger::sqlite::mark::follow;
use crate::ledger::sqlite::names;
use crate::ledger::sqlite::stage::tally;
use crate::ledger::sqlite::worker::release_dead;
use crate::ledger::sqlite::writer::Writer;
use crate::ledger::{LoadId, Loaded, Plan, Planned};

pub(super) fn load(writer: &mut Writer, load: LoadId, plan: &Plan) -> Result<Loaded> {
    if !plan.dry {
        return planned(writer, load, plan);
    }
    let releases = writer.releases();
    writer.conn.execute_batch("SAVEPOINT dry")?;
    let loaded = planned(writer, load, plan);
    writer.truncate_releases(releases);
    writer.conn.execute_batch("ROLLBACK TO dry; RELEASE dry")?;
    loaded
}

fn planned(writer: &mut Writer, load: LoadId, plan: &Plan) -> Result<Loaded> {
    release_dead(writer)?;
    let conn = &writer.conn;
    let batch = batch(conn, plan)?;
    number(conn, load)?;
    find(conn, load, batch)?;
    retry(conn, load, plan.retry())?;
    let (changed, changed_total) = changed(conn, load, plan.update)?;
    if changed_total > 0 && !plan.skip_changed {
        // The caller gets no tally, and the transaction is rolled back.
        return Err(Error::changed_rows(changed_total, &changed).into());
    }
    let updated_later = leave_out(conn, load, plan.update)?;
    label(conn, load)?;
    if !plan.dry {
        insert(conn, load, batch)?;
        find(conn, load, batch)?;
        // They are in the ledger now, and may be large.
        conn.execute(
            "UPDATE temp.staged SET input = '' FROM prediction p
             WHERE load = ? AND p.seq = staged.seq AND p.hash = staged.hash",
            [load.0],
        )?;
    }
    price(conn, batch, &plan.prices)?;
    follow_missing_files(conn, load, plan)?;
    let mut tally = tally(conn, load)?;
    if plan.dry {
        tally.planned += not_recorded(conn, load)?;
    }
    let (spent, unpriced) = conn.query_row(
        "SELECT spent, unpriced FROM batch WHERE id = ?",
        [batch],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    Ok(Loaded {
        tally,
        changed,
        changed_total,
        updated_later,
        planned: to_be_created(conn, load)?,
        spent: Usd::from_nanos(spent),
        unpriced: natural(unpriced),
    })
}

/// What is to be created, by model.
fn to_be_created(conn: &Connection, load: LoadId) -> Result<BTreeMap<String, Planned>> {
    let mut statement = conn.prepare_cached(
        "SELECT s.model, count(*), sum(s.files)
         FROM temp.staged s LEFT JOIN prediction p ON p.seq = s.seq
         WHERE s.load = ? AND (p.seq IS NULL OR p.state = 'planned') GROUP BY s.model",
    )?;
    let planned = |row: &rusqlite::Row<'_>| {
        let planned = Planned::new(natural(row.get(1)?), natural(row.get(2)?));
        Ok((row.get(0)?, planned))
    };
    let found = statement.query_map([load.0], planned)?;
    Ok(found.collect::<rusqlite::Result<_>>()?)
}

fn batch(conn: &Connection, plan: &Plan) -> Result<i64> {
    let (folder, service) = (&plan.folder, &plan.service);
    let Some(folder) = folder.to_str() else {
        let what = format!("{} is not utf-8: name another folder", folder.display());
        return Err(Error::new(ErrorKind::Folder, what).into());
    };
    conn.execute(
        "INSERT INTO batch (name, folder, service, since) VALUES (?, ?, ?, ?)
         ON CONFLICT DO NOTHING",
        params![plan.batch, folder, service, now()],
    )?;
    let (batch, began_at): (_, String) = conn.query_row(
        "SELECT id, service FROM batch WHERE name = ?",
        [&plan.batch],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    if began_at == *service {
        conn.execute(
            "UPDATE batch SET folder = ?1, names = ?3
             WHERE id = ?2 AND (folder <> ?1 OR names IS NOT ?3)",
            params![folder, batch, plan.names],
        )?;
        return Ok(batch);
    }
    let what = format!(
        "the batch in {folder} was begun at {began_at}, and its predictions are not known at \
         {service}: continue there, or name another folder"
    );
    Err(Error::new(ErrorKind::Folder, what).into())
}

/// Numbers the rows without an id among their equals.
fn number(conn: &Connection, load: LoadId) -> Result<()> {
    conn.execute(
        "UPDATE temp.staged SET occurrence = equal.place
         FROM (SELECT rowid AS row, row_number() OVER (PARTITION BY key ORDER BY rowid) AS place
               FROM temp.staged WHERE load = ? AND row_id IS NULL) AS equal
         WHERE staged.rowid = equal.row AND equal.place > 1",
        [load.0],
    )?;
    Ok(())
}

/// Ties the rows to the predictions that they already are.
fn find(conn: &Connection, load: LoadId, batch: i64) -> Result<()> {
    // A join changes the rows that it finds alone; a subquery would write all of them.
    conn.execute(
        "UPDATE temp.staged SET seq = p.seq FROM prediction p
         WHERE load = :load AND staged.seq IS NULL AND p.batch = :batch AND p.key = staged.key
             AND p.occurrence = staged.occurrence AND p.superseded = 0",
        named_params! {":batch": batch, ":load": load.0},
    )?;
    Ok(())
}

/// Gives the rows that are predictions already the labels that they have now.
fn label(conn: &Connection, load: LoadId) -> Result<()> {
    conn.execute(
        "UPDATE prediction SET labels = s.labels FROM temp.staged s
         WHERE s.load = ? AND s.seq = prediction.seq AND prediction.labels IS NOT s.labels",
        [load.0],
    )?;
    Ok(())
}

/// How many rows are no predictions yet.
fn not_recorded(conn: &Connection, load: LoadId) -> Result<u64> {
    let count = conn.query_row(
        "SELECT count(*) FROM temp.staged WHERE load = ? AND seq IS NULL",
        [load.0],
        |row| row.get(0),
    )?;
    Ok(natural(count))
}

/// Does with each recorded row that no worker holds what the retry rules say.
fn retry(conn: &Connection, load: LoadId, retry: Retry) -> Result<()> {
    let sql = format!(
        "SELECT p.seq, p.hash <> s.hash AS has_changed, {RECORDED}
         FROM temp.staged s JOIN prediction p ON p.seq = s.seq
         WHERE s.load = ? AND p.worker IS NULL"
    );
    let action = |row: &rusqlite::Row<'_>| {
        let mut recorded = recorded(row)?;
        recorded.has_changed = row.get("has_changed")?;
        Ok((row.get("seq")?, recorded.action(retry)))
    };
    // Read to the end before anything is written: the statements below change the same tables.
    let actions: Vec<(i64, RetryAction)> = conn
        .prepare_cached(&sql)?
        .query_map([load.0], action)?
        .filter(|row| !matches!(row, Ok((_, RetryAction::Keep))))
        .collect::<rusqlite::Result<_>>()?;
    for (seq, action) in actions {
        match action {
            RetryAction::Keep => {}
            RetryAction::Follow => follow(conn, seq)?,
            RetryAction::PlanAgain => {
                // The input of a row that this loader has recorded before is in the ledger alone.
                let sql = "UPDATE prediction SET state = 'planned', outcome = NULL, message = NULL,
                         request_ids = NULL, ended_at = NULL, sending_at = NULL, free = 0,
                         model = CASE s.input WHEN '' THEN prediction.model ELSE s.model END,
                         hash = CASE s.input WHEN '' THEN prediction.hash ELSE s.hash END,
                         input = CASE s.input WHEN '' THEN prediction.input ELSE s.input END
                     FROM temp.staged s
                     WHERE s.load = ?1 AND s.seq = ?2 AND prediction.seq = ?2";
                conn.prepare_cached(sql)?.execute([load.0, seq])?;
                names::release(conn, seq)?;
            }
            RetryAction::Supersede => {
                conn.prepare_cached("UPDATE prediction SET superseded = 1 WHERE seq = ?")?
                    .execute([seq])?;
                let sql = "UPDATE temp.staged SET seq = NULL, input = CASE s.input
                         WHEN '' THEN p.input ELSE s.input END
                     FROM temp.staged s JOIN prediction p ON p.seq = s.seq
                     WHERE s.load = ?1 AND s.seq = ?2 AND staged.load = ?1 AND staged.seq = ?2";
                conn.prepare_cached(sql)?.execute([load.0, seq])?;
            }
        }
    }
    Ok(())
}

fn insert(conn: &Connection, load: LoadId, batch: i64) -> Result<()> {
    conn.execute(
        "INSERT INTO prediction
             (service, batch, key, occurrence, row_id, model, input, hash, labels, state,
              planned_at, retake)
         SELECT (SELECT b.service FROM batch b WHERE b.id = :batch), :batch, s.key, s.occurrence,
             s.row_id, s.model, s.input, s.hash, s.labels, 'planned', :now,
             coalesce((SELECT max(o.retake + 1) FROM prediction o JOIN file f ON f.seq = o.seq
                 WHERE o.batch = :batch AND o.key = s.key AND o.occurrence = s.occurrence
                     AND o.superseded = 1), 0)
         FROM temp.staged s WHERE s.load = :load AND s.seq IS NULL ORDER BY s.rowid",
        named_params! {":batch": batch, ":load": load.0, ":now": now()},
    )?;
    Ok(())
}

/// Follows what has succeeded and whose files are not there any more.
fn follow_missing_files(conn: &Connection, load: LoadId, plan: &Plan) -> Result<()> {
    let sql = format!(
        "SELECT f.seq, f.position, f.path, f.bytes, {RECORDED}
         FROM temp.staged s JOIN prediction p ON p.seq = s.seq JOIN file f ON f.seq = p.seq
         WHERE s.load = ? AND p.outcome = ?"
    );
    let mut statement = conn.prepare(&sql)?;
    let mut missing: Vec<(i64, i64)> = Vec::new();
    let mut rows = statement.query(params![load.0, SUCCEEDED])?;
    while let Some(row) = rows.next()? {
        let path: String = row.get("path")?;
        let bytes = natural(row.get("bytes")?);
        let path = file_path(Some(&plan.folder), &path);
        let is_whole = std::fs::metadata(path).is_ok_and(|is| is.len() == bytes);
        let row_with_files = RecordedRow {
            lacks_files: !is_whole,
            ..recorded(row)?
        };
        if row_with_files.action(plan.retry()) == RetryAction::Follow {
            missing.push((row.get("seq")?, row.get("position")?));
        }
    }
    for (seq, position) in missing {
        conn.execute(
            "DELETE FROM file WHERE seq = ? AND position = ?",
            [seq, position],
        )?;
        follow(conn, seq)?;
    }
    Ok(())
}
