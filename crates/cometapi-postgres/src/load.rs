//! Rows of a file becoming predictions.

use std::collections::BTreeMap;
use std::path::PathBuf;

use cometapi_batch::columns::{file_path, natural, now};
use cometapi_batch::{
    Error, ErrorKind, LoadId, Loaded, Outcome, Plan, Planned, Retry, RetryAction, Usd,
};
use tokio::task::spawn_blocking;

use crate::changed::{changed, leave_out};
use crate::columns::{RECORDED, recorded};
use crate::costs::{price, spent};
use crate::fault::{Fault, Result};
use crate::mark::follow;
use crate::names;
use crate::session::Session;
use crate::stage::{check, tally};
use crate::worker::release_dead;

/// A load, in a transaction that the caller commits, unless the plan is [dry](Plan::dry).
pub(crate) async fn load(session: &Session, load: LoadId, plan: &Plan) -> Result<Loaded> {
    release_dead(session).await?;
    check(session, load).await?;
    let batch = batch(session, plan).await?;
    session
        .execute(
            "UPDATE load SET batch = $2 WHERE id = $1",
            &[&load.0, &batch],
        )
        .await?;
    number(session, load).await?;
    find(session, load, batch).await?;
    retry(session, load, plan.retry()).await?;
    let (changed, changed_total) = changed(session, load, plan.update).await?;
    if changed_total > 0 && !plan.skip_changed {
        // The caller gets no tally, and the transaction is rolled back.
        return Err(Error::changed_rows(changed_total, &changed).into());
    }
    let updated_later = leave_out(session, load, plan.update).await?;
    label(session, load).await?;
    if !plan.dry {
        insert(session, load, batch).await?;
        find(session, load, batch).await?;
    }
    price(session, batch, &plan.prices).await?;
    follow_missing_files(session, load, plan).await?;
    let mut tally = tally(session, load).await?;
    if plan.dry {
        tally.planned += not_recorded(session, load).await?;
    }
    let (spent, unpriced) = spent(session, Some(batch)).await?;
    let mut loaded = Loaded::default();
    loaded.tally = tally;
    loaded.changed = changed;
    loaded.changed_total = changed_total;
    loaded.updated_later = updated_later;
    loaded.planned = to_be_created(session, load).await?;
    loaded.spent = Usd::from_nanos(spent);
    loaded.unpriced = natural(unpriced);
    if !plan.dry && loaded.tally.planned > 0 {
        // When the transaction is committed.
        session
            .rows("SELECT pg_notify(current_schema()::text, '')", &[])
            .await?;
    }
    Ok(loaded)
}

/// What is to be created, by model.
async fn to_be_created(session: &Session, load: LoadId) -> Result<BTreeMap<String, Planned>> {
    let rows = session
        .rows(
            "SELECT s.model, count(*), sum(s.files)::bigint
             FROM staged s LEFT JOIN prediction p ON p.seq = s.seq
             WHERE s.load = $1 AND (p.seq IS NULL OR p.state = 'planned') GROUP BY s.model",
            &[&load.0],
        )
        .await?;
    rows.iter()
        .map(|row| {
            let planned = Planned::new(natural(row.try_get(1)?), natural(row.try_get(2)?));
            Ok((row.try_get(0)?, planned))
        })
        .collect()
}

/// The batch of a plan, which no other load changes until the end of the transaction.
async fn batch(session: &Session, plan: &Plan) -> Result<i64> {
    let (folder, service) = (&plan.folder, &plan.service);
    let Some(folder) = folder.to_str() else {
        let what = format!("{} is not utf-8: name another folder", folder.display());
        return Err(Error::new(ErrorKind::Folder, what).into());
    };
    session
        .execute(
            "INSERT INTO batch (name, folder, service, since) VALUES ($1, $2, $3, $4)
             ON CONFLICT DO NOTHING",
            &[&plan.batch, &folder, service, &now()],
        )
        .await?;
    let row = session
        .one(
            "SELECT id, service FROM batch WHERE name = $1 FOR UPDATE",
            &[&plan.batch],
        )
        .await?;
    let (batch, began_at): (i64, String) = (row.try_get(0)?, row.try_get(1)?);
    if began_at == *service {
        session
            .execute(
                "UPDATE batch SET folder = $1, names = $3
                 WHERE id = $2 AND (folder <> $1 OR names IS DISTINCT FROM $3)",
                &[&folder, &batch, &plan.names],
            )
            .await?;
        return Ok(batch);
    }
    let what = format!(
        "the batch in {folder} was begun at {began_at}, and its predictions are not known at \
         {service}: continue there, or name another folder"
    );
    Err(Error::new(ErrorKind::Folder, what).into())
}

/// Numbers the rows without an id among their equals.
async fn number(session: &Session, load: LoadId) -> Result<()> {
    session
        .execute(
            "UPDATE staged s SET occurrence = equal.place
             FROM (SELECT number, row_number() OVER (PARTITION BY key ORDER BY number) AS place
                   FROM staged WHERE load = $1 AND row_id IS NULL) AS equal
             WHERE s.number = equal.number AND equal.place > 1 AND s.occurrence <> equal.place",
            &[&load.0],
        )
        .await?;
    Ok(())
}

/// Ties the rows to the predictions that they already are.
async fn find(session: &Session, load: LoadId, batch: i64) -> Result<()> {
    session
        .execute(
            "UPDATE staged s SET seq = p.seq FROM prediction p
             WHERE s.load = $1 AND s.seq IS NULL AND p.batch = $2 AND p.key = s.key
                 AND p.occurrence = s.occurrence AND NOT p.superseded",
            &[&load.0, &batch],
        )
        .await?;
    Ok(())
}

/// Gives the rows that are predictions already the labels that they have now.
async fn label(session: &Session, load: LoadId) -> Result<()> {
    session
        .execute(
            "UPDATE prediction p SET labels = s.labels FROM staged s
             WHERE s.load = $1 AND s.seq = p.seq AND p.labels IS DISTINCT FROM s.labels",
            &[&load.0],
        )
        .await?;
    Ok(())
}

/// How many rows are no predictions yet.
async fn not_recorded(session: &Session, load: LoadId) -> Result<u64> {
    let row = session
        .one(
            "SELECT count(*) FROM staged WHERE load = $1 AND seq IS NULL",
            &[&load.0],
        )
        .await?;
    Ok(natural(row.try_get(0)?))
}

/// Does with each recorded row that no worker holds what the retry rules say.
async fn retry(session: &Session, load: LoadId, retry: Retry) -> Result<()> {
    let which = format!(
        "SELECT p.seq, p.hash <> s.hash AS has_changed, {RECORDED}
         FROM staged s JOIN prediction p ON p.seq = s.seq
         WHERE s.load = $1 AND p.worker IS NULL"
    );
    let mut seqs = Vec::new();
    for row in session.rows(&which, &[&load.0]).await? {
        let (seq, action) = action(&row, retry)?;
        if action != RetryAction::Keep {
            seqs.push(seq);
        }
    }
    if seqs.is_empty() {
        return Ok(());
    }
    // Locked, and looked at again: a worker may have taken one of them meanwhile.
    let sql = format!("{which} AND p.seq = ANY($2) ORDER BY p.seq FOR UPDATE OF p");
    let [mut followed, mut planned, mut superseded] = [Vec::new(), Vec::new(), Vec::new()];
    for row in session.rows(&sql, &[&load.0, &seqs]).await? {
        let (seq, action) = action(&row, retry)?;
        match action {
            RetryAction::Follow => followed.push(seq),
            RetryAction::PlanAgain => planned.push(seq),
            RetryAction::Supersede => superseded.push(seq),
            _ => {}
        }
    }
    follow(session, &followed).await?;
    session
        .execute(
            "UPDATE prediction p SET state = 'planned', outcome = NULL, message = NULL,
                 request_ids = NULL, ended_at = NULL, sending_at = NULL, free = false,
                 model = s.model, hash = s.hash, input = s.input
             FROM staged s WHERE s.load = $1 AND s.seq = p.seq AND p.seq = ANY($2)",
            &[&load.0, &planned],
        )
        .await?;
    names::release(session, &planned).await?;
    session
        .execute(
            "UPDATE prediction SET superseded = true WHERE seq = ANY($1)",
            &[&superseded],
        )
        .await?;
    session
        .execute(
            "UPDATE staged SET seq = NULL WHERE load = $1 AND seq = ANY($2)",
            &[&load.0, &superseded],
        )
        .await?;
    Ok(())
}

fn action(row: &tokio_postgres::Row, retry: Retry) -> Result<(i64, RetryAction)> {
    let mut recorded = recorded(row)?;
    recorded.has_changed = row.try_get("has_changed")?;
    Ok((row.try_get("seq")?, recorded.action(retry)))
}

async fn insert(session: &Session, load: LoadId, batch: i64) -> Result<()> {
    session
        .execute(
            "INSERT INTO prediction
                 (service, batch, key, occurrence, row_id, model, input, hash, labels, state,
                  planned_at, retake)
             SELECT b.service, b.id, s.key, s.occurrence, s.row_id, s.model, s.input, s.hash,
                 s.labels, 'planned', $3,
                 coalesce((SELECT max(o.retake + 1) FROM prediction o JOIN file f ON f.seq = o.seq
                     WHERE o.batch = $2 AND o.key = s.key AND o.occurrence = s.occurrence
                         AND o.superseded), 0)
             FROM staged s JOIN batch b ON b.id = $2
             WHERE s.load = $1 AND s.seq IS NULL ORDER BY s.number",
            &[&load.0, &batch, &now()],
        )
        .await?;
    Ok(())
}

/// Follows what has succeeded and whose files are not there any more.
async fn follow_missing_files(session: &Session, load: LoadId, plan: &Plan) -> Result<()> {
    let sql = format!(
        "SELECT f.seq, f.position, f.path, f.bytes, {RECORDED}
         FROM staged s JOIN prediction p ON p.seq = s.seq JOIN file f ON f.seq = p.seq
         WHERE s.load = $1 AND p.outcome = $2 AND p.worker IS NULL"
    );
    let succeeded = Outcome::succeeded();
    let rows = session.rows(&sql, &[&load.0, &succeeded.word()]).await?;
    let mut files = Vec::with_capacity(rows.len());
    for row in &rows {
        let path = file_path(Some(&plan.folder), row.try_get("path")?);
        files.push((path, natural(row.try_get("bytes")?)));
    }
    let whole = are_whole(files).await?;
    let [mut seqs, mut positions] = [Vec::new(), Vec::new()];
    for (row, is_whole) in rows.iter().zip(whole) {
        let mut recorded = recorded(row)?;
        recorded.lacks_files = !is_whole;
        if recorded.action(plan.retry()) == RetryAction::Follow {
            seqs.push(row.try_get::<_, i64>("seq")?);
            positions.push(row.try_get::<_, i64>("position")?);
        }
    }
    session
        .execute(
            "DELETE FROM file f USING unnest($1::bigint[], $2::bigint[]) AS gone (seq, position)
             WHERE f.seq = gone.seq AND f.position = gone.position",
            &[&seqs, &positions],
        )
        .await?;
    follow(session, &seqs).await
}

/// Whether each file is there with its size.
async fn are_whole(files: Vec<(PathBuf, u64)>) -> Result<Vec<bool>> {
    let looked = spawn_blocking(move || {
        let is_whole = |(path, bytes)| std::fs::metadata(path).is_ok_and(|is| is.len() == bytes);
        files.into_iter().map(is_whole).collect()
    });
    looked.await.map_err(|e| {
        Fault::from(Error::caused_by(
            ErrorKind::Ledger,
            "the files of the batch could not be looked at",
            e,
        ))
    })
}
