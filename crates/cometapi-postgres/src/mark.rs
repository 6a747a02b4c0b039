//! What happened to a prediction.

use std::time::Duration;

use cometapi::{Creation, Durations};
use cometapi_batch::columns::{integer, nanos, path_text};
use cometapi_batch::{Error, ErrorKind, Mark, Outcome, State, WorkerId};

use tokio_postgres::types::ToSql;

use crate::columns::{storable, storable_option};
use crate::fault::Result;
use crate::session::Session;

/// A mark on its way into the ledger.
pub(crate) struct Record<'m> {
    pub(crate) worker: WorkerId,
    pub(crate) seq: u64,
    pub(crate) mark: &'m Mark,
    /// When it was asked for.
    pub(crate) at: i64,
    /// Whether it may have been recorded already.
    pub(crate) again: bool,
}

/// Takes back an end: the prediction runs until it is polled again. A success keeps the time of its
/// end, because only its files are saved anew.
pub(crate) async fn follow(session: &Session, seqs: &[i64]) -> Result<()> {
    session
        .execute(
            "UPDATE prediction SET state = 'running', outcome = NULL, message = NULL,
                 request_ids = NULL, free = false, looked = true,
                 ended_at = CASE WHEN fetching OR outcome = $2 THEN ended_at END
             WHERE seq = ANY($1)",
            &[&seqs, &Outcome::succeeded().word()],
        )
        .await?;
    Ok(())
}

/// Gives predictions that no worker holds to `worker`, in the call of this token.
pub(crate) async fn take(
    session: &Session,
    worker: WorkerId,
    seqs: &[i64],
    token: i64,
) -> Result<()> {
    session
        .execute(
            "UPDATE prediction SET worker = $1, claim = $3 WHERE seq = ANY($2) AND worker IS NULL",
            &[&worker.0, &seqs, &token],
        )
        .await?;
    Ok(())
}

/// Whether a mark must survive a crash of the server. A process that goes on after one does not repeat
/// what the server has confirmed and then lost: a file without a record would never be found again, and
/// a request that was not sent, or was refused, would be taken for one that may have been accepted.
pub(crate) fn is_durable(mark: &Mark) -> bool {
    match mark {
        Mark::NotSent | Mark::NotCreated(_) | Mark::Result(_) | Mark::Saved(_) => true,
        Mark::Ended(outcome) => {
            let kind = outcome.kind;
            kind.is_some_and(|kind| kind.creation() == Creation::NotCreated)
        }
        mark => mark.is_costly(),
    }
}

/// Whether a mark is recorded by one statement.
pub(crate) fn is_one_statement(mark: &Mark) -> bool {
    match mark {
        Mark::Seen { took, .. } => took.is_none(),
        Mark::Released => false,
        _ => true,
    }
}

impl Record<'_> {
    /// Records the mark: in a transaction, unless it [is one statement](is_one_statement).
    pub(crate) async fn run(&self, session: &Session) -> Result<()> {
        let (worker, seq) = (self.worker.0, integer(self.seq));
        let changed = match self.mark {
            // Whatever has an id, or may have one, is never sent.
            Mark::Sending => {
                let sql = "UPDATE prediction SET state = 'sending', sending_at = $3
                     WHERE seq = $1 AND worker = $2 AND id IS NULL
                         AND (state = 'planned' OR $4 AND state = 'sending' AND sending_at = $3)";
                let params: [&(dyn ToSql + Sync); 4] = [&seq, &worker, &self.at, &self.again];
                session.execute(sql, &params).await?
            }
            Mark::NotSent => {
                let sql = "UPDATE prediction SET state = 'planned', sending_at = NULL
                     WHERE seq = $1 AND worker = $2";
                session.execute(sql, &[&seq, &worker]).await?
            }
            Mark::Created { id, request_id } => {
                self.created(session, id, request_id.as_deref()).await?
            }
            Mark::Priced(price) => {
                let sql = "UPDATE prediction SET price = $3 WHERE seq = $1 AND worker = $2";
                session
                    .execute(sql, &[&seq, &worker, &nanos(*price)])
                    .await?
            }
            Mark::Seen {
                status,
                fetching,
                took,
            } => {
                let seen = self.seen(session, status, *fetching).await?;
                if let (1, Some(took)) = (seen, took) {
                    self.took(session, *took).await?;
                }
                seen
            }
            Mark::Result(json) => {
                let sql = "UPDATE prediction SET result = $3 WHERE seq = $1 AND worker = $2";
                session
                    .execute(sql, &[&seq, &worker, &storable(json)])
                    .await?
            }
            Mark::Saved(file) => {
                let sql = "WITH held AS (
                         UPDATE prediction SET fetching = true WHERE seq = $1 AND worker = $2
                         RETURNING seq)
                     INSERT INTO file (seq, position, path, bytes, media_type, at)
                     SELECT seq, $3, $4, $5, $6, $7 FROM held
                     ON CONFLICT (seq, position) DO UPDATE SET path = excluded.path,
                         bytes = excluded.bytes, media_type = excluded.media_type,
                         at = excluded.at";
                let (position, bytes) = (integer(file.position), integer(file.bytes));
                let (path, media_type) = (path_text(&file.path), storable(&file.media_type));
                session
                    .execute(
                        sql,
                        &[
                            &seq,
                            &worker,
                            &position,
                            &path,
                            &bytes,
                            &media_type,
                            &self.at,
                        ],
                    )
                    .await?
            }
            Mark::Ended(outcome) => self.end(session, State::Ended, outcome).await?,
            Mark::Unresolved(outcome) => self.end(session, State::Unresolved, outcome).await?,
            Mark::NotCreated(outcome) => self.not_created(session, outcome).await?,
            Mark::Released => self.released(session).await?,
            other => {
                let what = format!("this version of the ledger cannot record {other:?}");
                return Err(Error::new(ErrorKind::Ledger, what).into());
            }
        };
        check_held(changed)
    }

    /// Takes back that the create request is sent, if the call whose answer was lost has recorded it.
    pub(crate) async fn take_back(&self, session: &Session) -> Result<()> {
        session
            .execute(
                "UPDATE prediction SET state = 'planned', sending_at = NULL
                 WHERE seq = $1 AND worker = $2 AND state = 'sending' AND sending_at = $3",
                &[&integer(self.seq), &self.worker.0, &self.at],
            )
            .await?;
        Ok(())
    }

    async fn created(&self, session: &Session, id: &str, request_id: Option<&str>) -> Result<u64> {
        // Another process may have taken this worker for dead and marked the prediction as unresolved. The
        // id is better knowledge; the worker then exists no more. Locking its row waits for those who
        // remove it.
        let row = session
            .one(
                "WITH taken AS (
                     SELECT EXISTS (SELECT 1 FROM prediction other WHERE other.id = $3
                         AND other.seq <> $1
                         AND other.service = (SELECT service FROM prediction WHERE seq = $1)) AS is_taken
                 ), changed AS (
                     UPDATE prediction SET state = 'running', id = $3,
                         worker = (SELECT w.id FROM worker w WHERE w.id = $2 FOR KEY SHARE),
                         request_id = $4, created_at = $5, ended_at = NULL, outcome = NULL,
                         message = NULL
                     WHERE seq = $1 AND NOT (SELECT is_taken FROM taken)
                         AND (worker = $2 OR worker IS NULL AND state = 'unresolved'
                             AND (id IS NULL OR $6 AND id = $3))
                     RETURNING 1
                 )
                 SELECT (SELECT is_taken FROM taken), (SELECT count(*) FROM changed)",
                &[
                    &integer(self.seq),
                    &self.worker.0,
                    &id,
                    &storable_option(request_id),
                    &self.at,
                    &self.again,
                ],
            )
            .await?;
        if row.try_get(0)? {
            let what = format!("{id} is the id of another prediction in this ledger");
            return Err(Error::new(ErrorKind::TakenId, what).into());
        }
        let changed: i64 = row.try_get(1)?;
        if changed == 0 && self.again {
            // Recorded by the call whose answer was lost, and no worker held it then either.
            return self.stands(session, "id = $3", &[&id]).await;
        }
        Ok(changed.unsigned_abs())
    }

    async fn seen(&self, session: &Session, status: &str, fetching: bool) -> Result<u64> {
        let row = session
            .one(
                "WITH held AS (
                     UPDATE prediction SET fetching = fetching OR $3
                     WHERE seq = $1 AND worker = $2 RETURNING seq
                 ), added AS (
                     INSERT INTO seen (seq, at, status) SELECT seq, $4, $5 FROM held
                     WHERE NOT $6 OR NOT EXISTS (SELECT 1 FROM seen s
                         WHERE s.seq = $1 AND s.at = $4 AND s.status = $5)
                 )
                 SELECT count(*) FROM held",
                &[
                    &integer(self.seq),
                    &self.worker.0,
                    &fetching,
                    &self.at,
                    &storable(status),
                    &self.again,
                ],
            )
            .await?;
        Ok(row.try_get::<_, i64>(0)?.unsigned_abs())
    }

    /// Records how long the prediction took, and drops what is older than the last that count.
    async fn took(&self, session: &Session, took: Duration) -> Result<()> {
        let (seq, last) = (integer(self.seq), integer(Durations::CAPACITY as u64));
        let millis = i64::try_from(took.as_millis()).unwrap_or(i64::MAX);
        session
            .execute(
                "INSERT INTO duration (service, model, seq, millis)
                 SELECT service, model, seq, $2 FROM prediction WHERE seq = $1
                 ON CONFLICT (service, model, seq) DO UPDATE SET millis = excluded.millis",
                &[&seq, &millis],
            )
            .await?;
        // What another worker removes at this moment need not be waited for.
        session
            .execute(
                "DELETE FROM duration WHERE ctid = ANY(ARRAY(
                     SELECT d.ctid FROM duration d
                     JOIN prediction p ON p.service = d.service AND p.model = d.model
                     WHERE p.seq = $1
                     ORDER BY d.seq DESC OFFSET $2 FOR UPDATE OF d SKIP LOCKED))",
                &[&seq, &last],
            )
            .await?;
        Ok(())
    }
}

/// Fails unless a statement that names the worker has changed its prediction.
pub(crate) fn check_held(changed: u64) -> Result<()> {
    if changed == 1 {
        return Ok(());
    }
    let what = "another worker has taken the prediction over";
    Err(Error::new(ErrorKind::Lost, what).into())
}

#[cfg(test)]
mod tests {
    use cometapi_batch::Outcome;

    use super::*;

    #[test]
    fn an_end_is_durable_if_nothing_was_created() {
        for &kind in cometapi::ErrorKind::ALL {
            let outcome = Outcome::failed(kind, "why");
            let is_refused = kind.creation() == Creation::NotCreated;
            assert_eq!(
                is_durable(&Mark::Ended(outcome.clone())),
                is_refused,
                "{kind:?}"
            );
            assert!(is_durable(&Mark::NotCreated(outcome)), "{kind:?}");
        }
        assert!(!is_durable(&Mark::Ended(Outcome::succeeded())));
    }
}
