//! Giving predictions to workers.

use cometapi_batch::columns::{integer, nanos, natural};
use cometapi_batch::{
    Claimed, Job, LoadId, Outcome, Retry, RetryAction, State, Usd, Want, WorkerId,
};

use crate::columns::{JOB, RECORDED, job, recorded, storable_option};
use crate::costs::spent;
use crate::ended::request_ids;
use crate::fault::Result;
use crate::mark::{follow, take};
use crate::pause;
use crate::session::Session;
use crate::stage::batch_of;
use crate::worker::{check_alive, release_dead};

/// A call that gives predictions to a worker.
pub(crate) struct Claim {
    pub(crate) worker: WorkerId,
    /// Recorded with them, so that it is known whether the call was done.
    pub(crate) token: i64,
    /// Whether it may have been done already.
    pub(crate) again: bool,
}

impl Claim {
    /// What an earlier attempt of this call has taken.
    pub(crate) async fn taken(&self, session: &Session, load: Option<LoadId>) -> Result<Vec<Job>> {
        if !self.again {
            return Ok(Vec::new());
        }
        let sql = format!(
            "SELECT {JOB}, (SELECT s.line FROM staged s WHERE s.load = $3 AND s.seq = p.seq LIMIT 1)
                 AS line
             FROM prediction p LEFT JOIN batch b ON b.id = p.batch
             WHERE p.worker = $1 AND p.claim = $2 ORDER BY p.id IS NULL, p.seq"
        );
        let load = load.map(|load| load.0);
        let rows = session
            .rows(&sql, &[&self.worker.0, &self.token, &load])
            .await?;
        rows.iter().map(job).collect()
    }

    pub(crate) async fn claim(&self, session: &Session, want: Want) -> Result<Claimed> {
        let mut claimed = self.jobs(session, want).await?;
        // Last, so that a pause counts which another process has received while this one waited for locks.
        claimed.paused = pause::left(session, self.worker).await?;
        Ok(claimed)
    }

    async fn jobs(&self, session: &Session, want: Want) -> Result<Claimed> {
        let mut claimed = Claimed::default();
        claimed.jobs = self.taken(session, want.load).await?;
        if !claimed.jobs.is_empty() {
            return Ok(claimed);
        }
        release_dead(session).await?;
        check_alive(session, self.worker).await?;
        let batch = match want.load {
            Some(load) => batch_of(session, load).await?,
            None => None,
        };
        if want.load.is_none() || batch.is_some() {
            claimed.jobs = self
                .take(session, Free::running(want.load, batch), want.most)
                .await?;
        }
        let (Some(load), Some(batch)) = (want.load, batch) else {
            return Ok(claimed);
        };
        let room = want
            .most
            .saturating_sub(u32::try_from(claimed.jobs.len()).unwrap_or(u32::MAX));
        let wanted = want.creates.min(room);
        if wanted > 0 && want.max_cost.is_some() {
            // Before the lock of the service, which claims of other batches need too.
            lock_batch(session, batch).await?;
        }
        let mut creates = wanted;
        let mut count = 0;
        if let (1.., Some(max)) = (wanted, want.max_in_flight) {
            count = in_flight(session, self.worker).await?;
            creates = wanted.min(max.saturating_sub(u32::try_from(count).unwrap_or(u32::MAX)));
        }
        let planned = Free::planned(load, batch);
        claimed.jobs.extend(match want.max_cost {
            None => self.take(session, planned, creates).await?,
            Some(max) => self.affordable(session, planned, creates, max).await?,
        });
        if claimed.jobs.is_empty() {
            claimed.elsewhere = self.elsewhere(session, load).await?;
            if wanted > 0 && creates == 0 {
                let is_left = self.left(session, planned, 1).await? > 0;
                claimed.in_flight = if is_left { count } else { 0 };
            } else if want.max_cost.is_some() {
                claimed.unaffordable = self.left(session, planned, i64::MAX).await?;
            }
        }
        Ok(claimed)
    }

    /// Takes free predictions, in their order. What another worker takes at this moment is passed over.
    async fn take(&self, session: &Session, free: Free, most: u32) -> Result<Vec<Job>> {
        if most == 0 {
            return Ok(Vec::new());
        }
        let sql = format!(
            "WITH free AS ({}), taken AS (
                 UPDATE prediction p SET worker = $1, claim = $6 FROM free f
                 WHERE p.seq = f.seq AND p.worker IS NULL
                 RETURNING p.*, f.line)
             SELECT {JOB}, p.line FROM taken p LEFT JOIN batch b ON b.id = p.batch
             ORDER BY p.batch NULLS FIRST, p.seq",
            free.sql("SKIP LOCKED")
        );
        let rows = session
            .rows(
                &sql,
                &[
                    &self.worker.0,
                    &free.load,
                    &free.batch,
                    &None::<i64>,
                    &i64::from(most),
                    &self.token,
                ],
            )
            .await?;
        rows.iter().map(job).collect()
    }

    /// Takes predictions to be created in their order, as long as the batch, which is locked, costs no more than
    /// `max`. What does not fit is passed over for what does.
    async fn affordable(
        &self,
        session: &Session,
        free: Free,
        creates: u32,
        max: Usd,
    ) -> Result<Vec<Job>> {
        // Rounded down: half a billionth of a dollar more would be more.
        let max = max.to_nanos_down().unwrap_or(i64::MAX);
        let mut left = max.saturating_sub(spent(session, free.batch).await?.0);
        let mut taken = Vec::new();
        loop {
            let room = creates.saturating_sub(u32::try_from(taken.len()).unwrap_or(u32::MAX));
            if room == 0 {
                return Ok(taken);
            }
            let sql = format!(
                "WITH free AS ({}) SELECT {JOB}, f.line FROM free f
                 JOIN prediction p ON p.seq = f.seq LEFT JOIN batch b ON b.id = p.batch
                 ORDER BY p.seq",
                free.sql("SKIP LOCKED")
            );
            let rows = session
                .rows(
                    &sql,
                    &[
                        &self.worker.0,
                        &free.load,
                        &free.batch,
                        &Some(left),
                        &i64::from(room),
                    ],
                )
                .await?;
            if rows.is_empty() {
                return Ok(taken);
            }
            let mut seqs = Vec::new();
            // The first of them fits; the next may not, after it.
            for row in &rows {
                let job = job(row)?;
                let Some(price) = job.price.map(nanos).filter(|price| *price <= left) else {
                    continue;
                };
                left -= price;
                seqs.push(integer(job.seq));
                taken.push(job);
            }
            take(session, self.worker, &seqs, self.token).await?;
        }
    }

    /// How many predictions this worker could create if nothing limited it, counted up to `most`.
    async fn left(&self, session: &Session, free: Free, most: i64) -> Result<u64> {
        let sql = format!("SELECT count(*) FROM ({}) AS free", free.sql(""));
        let row = session
            .one(
                &sql,
                &[&self.worker.0, &free.load, &free.batch, &None::<i64>, &most],
            )
            .await?;
        Ok(natural(row.try_get(0)?))
    }

    /// How many rows of the load others hold: from the few that are held, as the lateral joins are done one
    /// after another.
    async fn elsewhere(&self, session: &Session, load: LoadId) -> Result<u64> {
        let row = session
            .one(
                "SELECT count(*) FROM worker w
                 CROSS JOIN LATERAL (SELECT p.seq FROM prediction p
                     WHERE p.worker = w.id OFFSET 0) p
                 CROSS JOIN LATERAL (SELECT 1 FROM staged s
                     WHERE s.load = $1 AND s.seq = p.seq LIMIT 1) s
                 WHERE w.id <> $2",
                &[&load.0, &self.worker.0],
            )
            .await?;
        Ok(natural(row.try_get(0)?))
    }

    pub(crate) async fn adopt(&self, session: &Session, id: &str) -> Result<Option<Job>> {
        if let Some(job) = self.taken(session, None).await?.pop() {
            return Ok(Some(job));
        }
        release_dead(session).await?;
        check_alive(session, self.worker).await?;
        let sql = format!(
            "SELECT {JOB}, {RECORDED} FROM prediction p LEFT JOIN batch b ON b.id = p.batch
             WHERE p.id = $1 AND p.worker IS NULL
                 AND p.service = (SELECT w.service FROM worker w WHERE w.id = $2)
             ORDER BY p.seq DESC FOR UPDATE OF p"
        );
        for row in session.rows(&sql, &[&id, &self.worker.0]).await? {
            let recorded = recorded(&row)?;
            if recorded.state == State::Running
                || recorded.action(Retry::ById) == RetryAction::Follow
            {
                let job = job(&row)?;
                let seqs = [integer(job.seq)];
                follow(session, &seqs).await?;
                take(session, self.worker, &seqs, self.token).await?;
                return Ok(Some(job));
            }
        }
        Ok(None)
    }
}

/// One claim after another: what two take at once could cost more than each has compared.
async fn lock_batch(session: &Session, batch: i64) -> Result<()> {
    session
        .rows("SELECT 1 FROM batch WHERE id = $1 FOR UPDATE", &[&batch])
        .await?;
    Ok(())
}

/// How many predictions of all workers are in flight at the service of this one. Until the end of the
/// transaction, no other claim counts them: two at once could take more than each has compared.
async fn in_flight(session: &Session, worker: WorkerId) -> Result<u64> {
    // Not a lock of the row of the service's pause: one that was received elsewhere is recorded at once.
    session
        .rows(
            "SELECT pg_advisory_xact_lock('pause'::regclass::oid::int, hashtext(service))
             FROM worker WHERE id = $1",
            &[&worker.0],
        )
        .await?;
    let row = session
        .one(
            "SELECT count(*) FROM worker me JOIN worker w ON w.service = me.service
             CROSS JOIN LATERAL (SELECT p.fetching FROM prediction p
                 WHERE p.worker = w.id OFFSET 0) p
             WHERE me.id = $1 AND NOT p.fetching",
            &[&worker.0],
        )
        .await?;
    Ok(natural(row.try_get(0)?))
}

/// Predictions that no worker holds.
#[derive(Clone, Copy)]
struct Free {
    load: Option<i64>,
    batch: Option<i64>,
    state: State,
}

impl Free {
    fn running(load: Option<LoadId>, batch: Option<i64>) -> Self {
        Self {
            load: load.map(|load| load.0),
            batch,
            state: State::Running,
        }
    }

    fn planned(load: LoadId, batch: i64) -> Self {
        Self {
            load: Some(load.0),
            batch: Some(batch),
            state: State::Planned,
        }
    }

    /// Selects their numbers and lines, and locks them: of a worker `$1`, a load `$2` of a batch `$3`, at
    /// most at a price `$4`, `$5` of them. The state is in the text, so that the index of free
    /// predictions can be used; a lateral join with a limit is done from the few that are free, and
    /// not from all rows of the load.
    fn sql(self, when_locked: &str) -> String {
        let state = self.state.as_str();
        let (line, join, which, order) = if self.load.is_some() {
            (
                "s.line",
                "CROSS JOIN LATERAL (SELECT s.line FROM staged s
                     WHERE s.load = $2 AND s.seq = p.seq LIMIT 1) s",
                "p.batch = $3",
                "p.seq",
            )
        } else {
            (
                "NULL::bigint AS line",
                "",
                "p.service = (SELECT w.service FROM worker w WHERE w.id = $1)
                     AND $2::bigint IS NULL AND $3::bigint IS NULL",
                "p.batch NULLS FIRST, p.seq",
            )
        };
        let lock = if when_locked.is_empty() {
            String::new()
        } else {
            format!("FOR UPDATE OF p {when_locked}")
        };
        format!(
            "SELECT p.seq, {line} FROM prediction p {join}
             WHERE {which} AND p.state = '{state}' AND p.worker IS NULL AND NOT p.superseded
                 AND ($4::bigint IS NULL OR p.price <= $4)
                 AND NOT EXISTS (SELECT 1 FROM released r
                     WHERE r.worker = $1 AND r.seq = p.seq)
             ORDER BY {order} LIMIT $5::bigint {lock}"
        )
    }
}

/// Rows of a model that is not offered.
pub(crate) struct Refusal {
    pub(crate) load: LoadId,
    pub(crate) model: String,
    pub(crate) outcome: Outcome,
    pub(crate) most: u32,
    pub(crate) token: i64,
    pub(crate) at: i64,
}

impl Refusal {
    pub(crate) async fn run(&self, session: &Session, again: bool) -> Result<Vec<Job>> {
        let sql = format!(
            "SELECT {JOB}, s.line FROM staged s JOIN prediction p ON p.seq = s.seq
             LEFT JOIN batch b ON b.id = p.batch
             WHERE s.load = $1 AND p.model = $2 AND p.worker IS NULL
                 AND (p.state = 'planned' OR $4 AND p.state = 'ended' AND p.claim = $5)
             ORDER BY p.seq LIMIT $3 FOR UPDATE OF p SKIP LOCKED"
        );
        let rows = session
            .rows(
                &sql,
                &[
                    &self.load.0,
                    &self.model,
                    &i64::from(self.most),
                    &again,
                    &self.token,
                ],
            )
            .await?;
        let jobs = rows.iter().map(job).collect::<Result<Vec<_>>>()?;
        let seqs: Vec<i64> = jobs.iter().map(|job| integer(job.seq)).collect();
        session
            .execute(
                "UPDATE prediction SET state = 'ended', outcome = $2, message = $3,
                     request_ids = $4, ended_at = $5, free = $6, claim = $7
                 WHERE seq = ANY($1) AND worker IS NULL",
                &[
                    &seqs,
                    &self.outcome.word(),
                    &storable_option(self.outcome.message.as_deref()),
                    &request_ids(&self.outcome),
                    &self.at,
                    &self.outcome.is_free(),
                    &self.token,
                ],
            )
            .await?;
        Ok(jobs)
    }
}
