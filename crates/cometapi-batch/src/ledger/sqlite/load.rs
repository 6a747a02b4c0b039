//! Rows of a file becoming predictions.

use std::path::Path;

use rusqlite::{Connection, named_params, params};

use crate::error::{Error, ErrorKind};
use crate::ledger::outcome::{SUCCEEDED, not_created};
use crate::ledger::sqlite::claim::let_go_of_the_dead;
use crate::ledger::sqlite::mark::RUNNING;
use crate::ledger::sqlite::stage::tally;
use crate::ledger::sqlite::writer::Writer;
use crate::ledger::sqlite::{fault, natural, now};
use crate::ledger::{LoadId, Loaded, Plan};
use crate::rows::Problem;

/// How many rows with another input are named.
const NAMED: i64 = 100;

/// A day in milliseconds.
const DAY: i64 = 24 * 3600 * 1000;

pub(super) fn load(writer: &mut Writer, load: LoadId, plan: &Plan) -> Result<Loaded, Error> {
    if !plan.dry {
        return planned(writer, load, plan);
    }
    let releases = writer.releases();
    writer.conn.execute_batch("SAVEPOINT dry").map_err(fault)?;
    let loaded = planned(writer, load, plan);
    writer.truncate_releases(releases);
    writer
        .conn
        .execute_batch("ROLLBACK TO dry; RELEASE dry")
        .map_err(fault)?;
    loaded
}

fn planned(writer: &mut Writer, load: LoadId, plan: &Plan) -> Result<Loaded, Error> {
    let_go_of_the_dead(writer)?;
    let batch = batch(&writer.conn, &plan.folder, &plan.service)?;
    find(&writer.conn, load, batch)?;
    renew_uncreated(&writer.conn, load)?;
    follow_again(&writer.conn, load, plan)?;
    supersede(&writer.conn, load, plan)?;
    find(&writer.conn, load, batch)?;
    let (changed, changed_total) = changed(&writer.conn, load)?;
    if changed_total > 0 && !plan.skip_changed {
        // Nothing of this is kept: the caller gets no tally, and the job is taken back.
        return Err(Error::rows(
            changed_total,
            changed
                .iter()
                .map(|(line, id)| Problem::changed(*line, id))
                .collect(),
        ));
    }
    writer
        .conn
        .execute(
            "DELETE FROM temp.staged WHERE load = :load AND seq IN (
                 SELECT s.seq FROM temp.staged s JOIN prediction p ON p.seq = s.seq
                 WHERE s.load = :load AND p.hash <> s.hash)",
            named_params! {":load": load.0},
        )
        .map_err(fault)?;
    insert(&writer.conn, load, batch)?;
    find(&writer.conn, load, batch)?;
    look_for_files(&writer.conn, load)?;
    // They are in the ledger now, and may be large.
    writer
        .conn
        .execute("UPDATE temp.staged SET input = '' WHERE load = ?", [load.0])
        .map_err(fault)?;
    Ok(Loaded {
        tally: tally(&writer.conn, load)?,
        changed,
        changed_total,
    })
}

fn batch(conn: &Connection, folder: &Path, service: &str) -> Result<i64, Error> {
    let Some(folder) = folder.to_str() else {
        let what = format!("{} is not utf-8: name another folder", folder.display());
        return Err(Error::new(ErrorKind::Folder, what));
    };
    conn.execute(
        "INSERT INTO batch (folder, service, since) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
        params![folder, service, now()],
    )
    .map_err(fault)?;
    let (batch, began_at): (_, String) = conn
        .query_row(
            "SELECT id, service FROM batch WHERE folder = ?",
            [folder],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .map_err(fault)?;
    if began_at == service {
        return Ok(batch);
    }
    let what = format!(
        "the batch in {folder} was begun at {began_at}, and its predictions are not known at \
         {service}: continue there, or name another folder"
    );
    Err(Error::new(ErrorKind::Folder, what))
}

/// Ties the rows to the predictions that they already are.
fn find(conn: &Connection, load: LoadId, batch: i64) -> Result<(), Error> {
    conn.execute(
        "UPDATE temp.staged SET seq = (
             SELECT p.seq FROM prediction p
             WHERE p.batch = :batch AND p.key = staged.key
                 AND p.occurrence = staged.occurrence AND p.superseded = 0)
         WHERE load = :load AND seq IS NULL",
        named_params! {":batch": batch, ":load": load.0},
    )
    .map(drop)
    .map_err(fault)
}

/// What was never created is planned as the row is now: it has cost nothing. Without an id is
/// not enough: an id may be missing because it could not be recorded. A file that was in
/// the way is enough only of what was never about to be sent.
fn renew_uncreated(conn: &Connection, load: LoadId) -> Result<(), Error> {
    // They are this program's own words, so that they can stand in the statement.
    let words: Vec<_> = not_created().map(|word| format!("'{word}'")).collect();
    let words = words.join(", ");
    let sql = format!(
        "UPDATE prediction SET state = 'planned', outcome = NULL, message = NULL,
             request_ids = NULL, ended_at = NULL, sending_at = NULL,
             model = s.model, input = s.input, hash = s.hash
         FROM temp.staged s
         WHERE s.load = :load AND prediction.seq = s.seq AND prediction.id IS NULL
             AND prediction.worker IS NULL
             AND (prediction.state = 'ended' AND (prediction.outcome IN ({words})
                     OR prediction.outcome = :file AND prediction.sending_at IS NULL)
                 OR prediction.state = 'planned' AND prediction.hash <> s.hash)"
    );
    conn.execute(
        &sql,
        named_params! {":load": load.0, ":file": cometapi::ErrorKind::File.as_str()},
    )
    .map(drop)
    .map_err(fault)
}

/// Makes room for another prediction of rows that are to be retried. What was is kept.
fn supersede(conn: &Connection, load: LoadId, plan: &Plan) -> Result<(), Error> {
    use cometapi::ErrorKind as Kind;
    conn.execute(
        "UPDATE prediction SET superseded = 1
         WHERE seq IN (SELECT seq FROM temp.staged WHERE load = :load) AND worker IS NULL
             AND (:failed AND state = 'ended'
                     AND outcome NOT IN (:succeeded, :download, :file, :not_found)
                 OR :unresolved AND state = 'unresolved')",
        named_params! {
            ":load": load.0,
            ":failed": plan.retry_failed,
            ":unresolved": plan.retry_unresolved,
            // What has succeeded is fetched again, not made again.
            ":succeeded": SUCCEEDED,
            ":download": Kind::Download.as_str(),
            ":file": Kind::File.as_str(),
            // What an earlier program called an end is looked for again.
            ":not_found": Kind::NotFound.as_str(),
        },
    )
    .map_err(fault)?;
    conn.execute(
        "UPDATE temp.staged SET seq = NULL WHERE load = :load
             AND seq IN (SELECT seq FROM prediction WHERE superseded = 1)",
        named_params! {":load": load.0},
    )
    .map(drop)
    .map_err(fault)
}

/// Rows whose prediction was made of something else.
fn changed(conn: &Connection, load: LoadId) -> Result<(Vec<(u64, String)>, u64), Error> {
    const FROM: &str = "FROM temp.staged s JOIN prediction p ON p.seq = s.seq
         WHERE s.load = ? AND p.hash <> s.hash";
    let total: i64 = conn
        .query_row(&format!("SELECT count(*) {FROM}"), [load.0], |row| {
            row.get(0)
        })
        .map_err(fault)?;
    let sql = format!("SELECT s.line, s.row_id {FROM} ORDER BY s.line LIMIT {NAMED}");
    let mut statement = conn.prepare(&sql).map_err(fault)?;
    let named = statement
        .query_map([load.0], |row| {
            let id: Option<String> = row.get(1)?;
            Ok((natural(row.get(0)?), id.unwrap_or_default()))
        })
        .map_err(fault)?
        .collect::<Result<Vec<_>, _>>()
        .map_err(fault)?;
    Ok((named, natural(total)))
}

fn insert(conn: &Connection, load: LoadId, batch: i64) -> Result<(), Error> {
    conn.execute(
        "INSERT INTO prediction
             (service, batch, key, occurrence, row_id, model, input, hash, state, planned_at,
              retake)
         SELECT (SELECT b.service FROM batch b WHERE b.id = :batch), :batch, s.key, s.occurrence, s.row_id, s.model, s.input, s.hash, 'planned', :now,
             coalesce((SELECT max(o.retake + 1) FROM prediction o JOIN file f ON f.seq = o.seq
                 WHERE o.batch = :batch AND o.key = s.key AND o.occurrence = s.occurrence
                     AND o.superseded = 1), 0)
         FROM temp.staged s WHERE s.load = :load AND s.seq IS NULL ORDER BY s.line",
        named_params! {":batch": batch, ":load": load.0, ":now": now()},
    )
    .map(drop)
    .map_err(fault)
}

/// Takes up again, by its id and for nothing, what has ended and may not be over: before
/// anything is made room for that costs once more.
///
/// A file host that refuses in passing looks as if files had gone, which takes an hour at the
/// service; so they are looked for within a day, and once more before they are retried.
fn follow_again(conn: &Connection, load: LoadId, plan: &Plan) -> Result<(), Error> {
    use cometapi::ErrorKind as Kind;
    let sql = format!(
        "UPDATE prediction SET {RUNNING}
         WHERE seq IN (SELECT seq FROM temp.staged WHERE load = :load)
             AND state = 'ended' AND id IS NOT NULL AND worker IS NULL
             AND (outcome IN (:download, :file, :not_found)
                 OR outcome = :expired AND created_at > :yesterday
                     AND (looked = 0 OR NOT :retry))"
    );
    conn.execute(
        &sql,
        named_params! {
            ":load": load.0,
            ":download": Kind::Download.as_str(),
            ":file": Kind::File.as_str(),
            ":not_found": Kind::NotFound.as_str(),
            ":expired": Kind::Expired.as_str(),
            ":yesterday": now() - DAY,
            ":retry": plan.retry_failed,
        },
    )
    .map(drop)
    .map_err(fault)
}

/// Takes up again what has succeeded and whose files are not there any more.
fn look_for_files(conn: &Connection, load: LoadId) -> Result<(), Error> {
    let mut statement = conn
        .prepare(
            "SELECT f.seq, f.position, f.path, f.bytes
             FROM temp.staged s JOIN prediction p ON p.seq = s.seq JOIN file f ON f.seq = p.seq
             WHERE s.load = ? AND p.state = 'ended' AND p.outcome = ? AND p.id IS NOT NULL",
        )
        .map_err(fault)?;
    let mut missing: Vec<(i64, i64)> = Vec::new();
    let mut rows = statement.query(params![load.0, SUCCEEDED]).map_err(fault)?;
    while let Some(row) = rows.next().map_err(fault)? {
        let path: String = row.get(2).map_err(fault)?;
        let bytes: i64 = row.get(3).map_err(fault)?;
        let whole = std::fs::metadata(path).is_ok_and(|is| is.len() == natural(bytes));
        if !whole {
            let seq = row.get(0).map_err(fault)?;
            missing.push((seq, row.get(1).map_err(fault)?));
        }
    }
    for (seq, position) in missing {
        conn.execute(
            "DELETE FROM file WHERE seq = ? AND position = ?",
            [seq, position],
        )
        .map_err(fault)?;
        let sql = format!("UPDATE prediction SET {RUNNING} WHERE seq = ?");
        conn.execute(&sql, [seq]).map_err(fault)?;
    }
    Ok(())
}
