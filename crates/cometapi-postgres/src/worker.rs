//! Workers: who lives, and what becomes of the predictions of those that have ended.

use cometapi_batch::columns::now;
use cometapi_batch::{Error, ErrorKind, Outcome, WorkerId};

use crate::fault::Result;
use crate::session::Session;

/// Registers a worker that lives by `process`; `None` if others have taken the process for ended, which it
/// may be the last to notice. Nobody would retire its workers.
pub(crate) async fn register(
    session: &Session,
    process: i64,
    service: &str,
) -> Result<Option<WorkerId>> {
    let row = session
        .maybe(
            "INSERT INTO worker (process, service, since)
             SELECT id, $2, $3 FROM process WHERE id = $1 FOR KEY SHARE RETURNING id",
            &[&process, &service, &now()],
        )
        .await?;
    row.map(|row| Ok(WorkerId(row.try_get(0)?))).transpose()
}

/// Frees what `worker` held. In a transaction: its number never comes back, so a worker that was
/// taken for dead finds itself refused.
pub(crate) async fn retire(session: &Session, worker: WorkerId) -> Result<()> {
    // First, because it waits for the claims of the worker, which lock this row, and refuses later ones.
    session
        .execute("DELETE FROM worker WHERE id = $1", &[&worker.0])
        .await?;
    let (unanswered, not_sent) = (Outcome::unanswered(), Outcome::not_sent());
    // One statement, which looks at a row again when another transaction has changed it meanwhile. A
    // prediction of a row or a key the next worker takes up; one without either nobody could.
    session
        .execute(
            "UPDATE prediction SET worker = NULL,
                 state = CASE WHEN state = 'sending' THEN 'unresolved'
                     WHEN state = 'planned' AND batch IS NULL AND once IS NULL THEN 'ended'
                     ELSE state END,
                 outcome = CASE WHEN state = 'sending' THEN $3
                     WHEN state = 'planned' AND batch IS NULL AND once IS NULL THEN $5
                     ELSE outcome END,
                 message = CASE WHEN state = 'sending' THEN $4
                     WHEN state = 'planned' AND batch IS NULL AND once IS NULL THEN $6
                     ELSE message END,
                 ended_at = CASE WHEN state = 'sending'
                         OR state = 'planned' AND batch IS NULL AND once IS NULL THEN $2
                     ELSE ended_at END
             WHERE worker = $1",
            &[
                &worker.0,
                &now(),
                &unanswered.word(),
                &unanswered.message,
                &not_sent.word(),
                &not_sent.message,
            ],
        )
        .await?;
    session
        .execute("DELETE FROM released WHERE worker = $1", &[&worker.0])
        .await?;
    Ok(())
}

/// Frees what workers held whose process has ended. In a transaction.
pub(crate) async fn release_dead(session: &Session) -> Result<()> {
    // A lock that can be had is not held. Shared, so that those who look do not stop each other. Some at a
    // time: a server has room for a limited number of locks.
    let dead = session
        .rows(
            "SELECT id FROM (SELECT id FROM process ORDER BY id OFFSET 0) p
             WHERE pg_try_advisory_xact_lock_shared('process'::regclass::oid::int, id::int)
             LIMIT 500",
            &[],
        )
        .await?;
    if dead.is_empty() {
        return Ok(());
    }
    for process in dead {
        let process: i64 = process.try_get(0)?;
        // First, because it waits for workers that are being registered, and refuses later ones.
        end_process(session, process).await?;
        let workers = session
            .rows(
                "SELECT id FROM worker WHERE process = $1 ORDER BY id",
                &[&process],
            )
            .await?;
        for worker in workers {
            retire(session, WorkerId(worker.try_get(0)?)).await?;
        }
    }
    release_lost(session).await
}

/// Forgets a process, and the rows that it was reading.
pub(crate) async fn end_process(session: &Session, process: i64) -> Result<()> {
    for sql in [
        "DELETE FROM process WHERE id = $1",
        "DELETE FROM staged WHERE load IN (SELECT id FROM load WHERE process = $1)",
        "DELETE FROM load WHERE process = $1",
    ] {
        session.execute(sql, &[&process]).await?;
    }
    Ok(())
}

/// Frees what no worker can release any more: there should be nothing.
async fn release_lost(session: &Session) -> Result<()> {
    let lost = session
        .rows(
            "SELECT DISTINCT worker FROM prediction p WHERE worker IS NOT NULL
                 AND NOT EXISTS (SELECT 1 FROM worker w WHERE w.id = p.worker)",
            &[],
        )
        .await?;
    for worker in lost {
        retire(session, WorkerId(worker.try_get(0)?)).await?;
    }
    let unanswered = Outcome::unanswered();
    session
        .execute(
            "UPDATE prediction SET state = 'unresolved', ended_at = $1, outcome = $2, message = $3
             WHERE worker IS NULL AND state = 'sending'",
            &[&now(), &unanswered.word(), &unanswered.message],
        )
        .await?;
    Ok(())
}

/// Fails if `worker` was taken for dead: it must not take anything. Until the end of the transaction,
/// it is not.
pub(crate) async fn check_alive(session: &Session, worker: WorkerId) -> Result<()> {
    let alive = session
        .maybe(
            "SELECT 1 FROM worker WHERE id = $1 FOR KEY SHARE",
            &[&worker.0],
        )
        .await?;
    if alive.is_some() {
        return Ok(());
    }
    let what = "this worker was retired, or another process took it for ended: to continue, register \
                another";
    Err(Error::new(ErrorKind::Lost, what).into())
}
