//! What ends a prediction, or its being held.

use cometapi_batch::columns::integer;
use cometapi_batch::{Outcome, State};
use tokio_postgres::types::ToSql;

use crate::columns::storable_option;
use crate::fault::Result;
use crate::mark::Record;
use crate::session::{Params, Session};

impl Record<'_> {
    /// Ends a prediction that the worker holds.
    pub(crate) async fn end(
        &self,
        session: &Session,
        state: State,
        outcome: &Outcome,
    ) -> Result<u64> {
        let changed = session
            .execute(
                "UPDATE prediction SET state = $3, worker = NULL, outcome = $4, message = $5,
                     request_ids = $6, ended_at = coalesce(ended_at, $7), free = $8
                 WHERE seq = $1 AND worker = $2",
                &[
                    &integer(self.seq),
                    &self.worker.0,
                    &state.as_str(),
                    &outcome.word(),
                    &storable_option(outcome.message.as_deref()),
                    &request_ids(outcome),
                    &self.at,
                    &(state == State::Ended && outcome.is_free()),
                ],
            )
            .await?;
        if changed == 0 && self.again {
            // Of a success that was followed, the time of its end is earlier.
            let is = "worker IS NULL AND state = $3 AND outcome = $4 AND ended_at <= $5";
            let params: [&(dyn ToSql + Sync); 3] = [&state.as_str(), &outcome.word(), &self.at];
            return self.stands(session, is, &params).await;
        }
        Ok(changed)
    }

    /// Ends an unresolved prediction that a person knows not to have been created.
    pub(crate) async fn not_created(&self, session: &Session, outcome: &Outcome) -> Result<u64> {
        let changed = session
            .execute(
                "UPDATE prediction SET state = 'ended', outcome = $2, message = $3, free = true,
                     ended_at = $4
                 WHERE seq = $1 AND worker IS NULL AND state = 'unresolved' AND id IS NULL",
                &[
                    &integer(self.seq),
                    &outcome.word(),
                    &storable_option(outcome.message.as_deref()),
                    &self.at,
                ],
            )
            .await?;
        if changed == 0 && self.again {
            let is = "worker IS NULL AND state = 'ended' AND outcome = $3 AND ended_at = $4";
            return self.stands(session, is, &[&outcome.word(), &self.at]).await;
        }
        Ok(changed)
    }

    pub(crate) async fn released(&self, session: &Session) -> Result<u64> {
        let unanswered = Outcome::unanswered();
        // No worker will learn what happened to a create request that is in flight now.
        let changed = session
            .execute(
                "UPDATE prediction SET worker = NULL,
                     ended_at = CASE state WHEN 'sending' THEN $3 ELSE ended_at END,
                     outcome = CASE state WHEN 'sending' THEN $4 ELSE outcome END,
                     message = CASE state WHEN 'sending' THEN $5 ELSE message END,
                     state = CASE state WHEN 'sending' THEN 'unresolved' ELSE state END
                 WHERE seq = $1 AND worker = $2",
                &[
                    &integer(self.seq),
                    &self.worker.0,
                    &self.at,
                    &unanswered.word(),
                    &unanswered.message,
                ],
            )
            .await?;
        if changed == 0 && self.again {
            let is = "EXISTS (SELECT 1 FROM released r WHERE r.worker = $2 AND r.seq = $1)";
            let sql = format!("SELECT 1 FROM prediction WHERE seq = $1 AND {is}");
            let there = session
                .maybe(&sql, &[&integer(self.seq), &self.worker.0])
                .await?;
            return Ok(u64::from(there.is_some()));
        }
        if changed == 1 {
            session
                .execute(
                    "INSERT INTO released (worker, seq) VALUES ($1, $2) ON CONFLICT DO NOTHING",
                    &[&self.worker.0, &integer(self.seq)],
                )
                .await?;
        }
        Ok(changed)
    }

    /// Returns 1 if the prediction is as this mark leaves it, which an earlier attempt has recorded.
    pub(crate) async fn stands(
        &self,
        session: &Session,
        condition: &str,
        values: Params<'_>,
    ) -> Result<u64> {
        let seq = integer(self.seq);
        // The conditions number their values from 3, as the statements do that they repeat.
        let sql = format!(
            "SELECT 1 FROM prediction WHERE seq = $1 AND $2::bigint IS NOT NULL AND {condition}"
        );
        let mut params: Vec<&(dyn ToSql + Sync)> = vec![&seq, &self.worker.0];
        params.extend_from_slice(values);
        let there = session.maybe(&sql, &params).await?;
        Ok(u64::from(there.is_some()))
    }
}

/// The ids of the requests of an outcome, as JSON.
pub(crate) fn request_ids(outcome: &Outcome) -> Option<String> {
    match &outcome.request_ids[..] {
        [] => None,
        ids => serde_json::to_string(ids).ok(),
    }
}
