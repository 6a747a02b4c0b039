//! A single prediction, new or known by its key.

use std::path::Path;

use cometapi_batch::columns::{integer, nanos, natural, now};
use cometapi_batch::{
    Begun, Changed, Entry, Error, ErrorKind, Filter, Intent, Job, RecordedRow, Retry, RetryAction,
    State, Usd,
};

use crate::claim::Claim;
use crate::columns::{JOB, RECORDED, job, recorded};
use crate::fault::Result;
use crate::list::list;
use crate::mark::{check_held, follow, take};
use crate::session::Session;
use crate::worker::{check_alive, release_dead};

/// The prediction that a key names.
struct Known {
    job: Job,
    row: RecordedRow,
    is_held: bool,
    service: String,
    is_of_this_service: bool,
}

impl Claim {
    pub(crate) async fn begin(&self, session: &Session, intent: &Intent) -> Result<Begun> {
        if let Some(job) = self.taken(session, None).await?.pop() {
            return Ok(if job.id.is_some() {
                Begun::Follow(job)
            } else {
                Begun::Send(job)
            });
        }
        let Some(key) = &intent.key else {
            check_alive(session, self.worker).await?;
            return self.insert(session, intent).await.map(Begun::Send);
        };
        // One call after another: two that find no prediction of a key would both add one.
        session
            .rows(
                "SELECT pg_advisory_xact_lock(hashtextextended($1, 'prediction'::regclass::oid::bigint))",
                &[key],
            )
            .await?;
        release_dead(session).await?;
        check_alive(session, self.worker).await?;
        match self.known(session, key).await? {
            Some(known) => self.again(session, intent, key, known).await,
            None => self.insert(session, intent).await.map(Begun::Send),
        }
    }

    async fn known(&self, session: &Session, key: &str) -> Result<Option<Known>> {
        let sql = format!(
            "SELECT {JOB}, {RECORDED}, p.worker IS NOT NULL AS is_held, p.service,
                 p.service = (SELECT w.service FROM worker w WHERE w.id = $2) AS is_here
             FROM prediction p LEFT JOIN batch b ON b.id = p.batch
             WHERE p.once = $1 AND NOT p.superseded FOR UPDATE OF p"
        );
        let row = session.maybe(&sql, &[&key, &self.worker.0]).await?;
        row.map(|row| {
            Ok(Known {
                job: job(&row)?,
                row: recorded(&row)?,
                is_held: row.try_get("is_held")?,
                service: row.try_get("service")?,
                is_of_this_service: row.try_get("is_here")?,
            })
        })
        .transpose()
    }

    async fn again(
        &self,
        session: &Session,
        intent: &Intent,
        key: &str,
        known: Known,
    ) -> Result<Begun> {
        let Known {
            job,
            mut row,
            is_held,
            service,
            is_of_this_service,
        } = known;
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
            return Ok(Begun::Held(Box::new(entry(session, key).await?)));
        }
        let seqs = [integer(job.seq)];
        match action {
            RetryAction::PlanAgain => self
                .plan_again(session, job.seq, intent)
                .await
                .map(Begun::Send),
            RetryAction::Supersede => {
                session
                    .execute(
                        "UPDATE prediction SET superseded = true WHERE seq = ANY($1)",
                        &[&&seqs[..]],
                    )
                    .await?;
                self.insert(session, intent).await.map(Begun::Send)
            }
            RetryAction::Follow => {
                follow(session, &seqs).await?;
                take(session, self.worker, &seqs, self.token).await?;
                saved_in(session, job, intent).await.map(Begun::Follow)
            }
            // An action of a later version, too: leaving it costs nothing.
            _ => {
                let result = session
                    .one("SELECT result FROM prediction WHERE seq = $1", &[&seqs[0]])
                    .await?;
                Ok(Begun::Over {
                    entry: Box::new(entry(session, key).await?),
                    result: result.try_get(0)?,
                })
            }
        }
    }

    async fn insert(&self, session: &Session, intent: &Intent) -> Result<Job> {
        check_max_cost(session, intent).await?;
        let row = session
            .maybe(
                "INSERT INTO prediction (service, once, model, input, hash, folder, names, state, worker,
                     planned_at, price, claim)
                 SELECT w.service, $2, $3, $4, $5, $6, $7, 'planned', w.id, $8, $9, $10
                 FROM worker w WHERE w.id = $1 RETURNING seq",
                &[
                    &self.worker.0,
                    &intent.key,
                    &intent.model,
                    &intent.input,
                    &intent.hash,
                    &folder(intent),
                    &intent.names,
                    &now(),
                    &intent.price.map(nanos),
                    &self.token,
                ],
            )
            .await?;
        check_held(u64::from(row.is_some()))?;
        let seq = row.map_or(Ok(0), |row| row.try_get(0))?;
        Ok(Job::new(natural(seq), intent))
    }

    /// Plans again what provably had no effect, as its intent is now.
    async fn plan_again(&self, session: &Session, seq: u64, intent: &Intent) -> Result<Job> {
        check_max_cost(session, intent).await?;
        let changed = session
            .execute(
                "UPDATE prediction SET state = $10, worker = $1, sending_at = NULL, outcome = NULL,
                     message = NULL, request_ids = NULL, ended_at = NULL, free = false, model = $2,
                     input = $3, hash = $4, price = $6, folder = $7, names = $8, claim = $9
                 WHERE seq = $5 AND worker IS NULL AND id IS NULL",
                &[
                    &self.worker.0,
                    &intent.model,
                    &intent.input,
                    &intent.hash,
                    &integer(seq),
                    &intent.price.map(nanos),
                    &folder(intent),
                    &intent.names,
                    &self.token,
                    &State::Planned.as_str(),
                ],
            )
            .await?;
        check_held(changed)?;
        Ok(Job::new(seq, intent))
    }
}

/// Records where the files of a prediction are to be saved now, if the intent names a folder.
async fn saved_in(session: &Session, mut job: Job, intent: &Intent) -> Result<Job> {
    if intent.folder.is_none() {
        return Ok(job);
    }
    session
        .execute(
            "UPDATE prediction SET folder = $1, names = $2 WHERE seq = $3",
            &[&folder(intent), &intent.names, &integer(job.seq)],
        )
        .await?;
    job.folder.clone_from(&intent.folder);
    job.names.clone_from(&intent.names);
    Ok(job)
}

/// Checks that one more prediction of the key may be created.
async fn check_max_cost(session: &Session, intent: &Intent) -> Result<()> {
    if intent.max_cost.is_none() {
        return Ok(());
    }
    let row = session
        .one(
            "SELECT coalesce(sum(cost), 0)::bigint, count(*) > count(cost) FROM prediction
             WHERE once = $1",
            &[&intent.key],
        )
        .await?;
    let (spent, has_unknown): (i64, bool) = (row.try_get(0)?, row.try_get(1)?);
    Ok(intent.check_cost((!has_unknown).then_some(Usd::from_nanos(spent)))?)
}

fn reused(key: &str, how: &str) -> Error {
    let what = format!("the key {key:?} {how}: give this prediction another key");
    Error::new(ErrorKind::KeyReused, what)
}

/// The newest prediction of a key.
async fn entry(session: &Session, key: &str) -> Result<Entry> {
    let mut filter = Filter::default();
    filter.key = Some(key.to_owned());
    filter.limit = 1;
    let found = list(session, &filter).await?.into_iter().next();
    Ok(found.ok_or_else(|| {
        let what = format!("the prediction of the key {key:?} was removed while it was asked for");
        Error::new(ErrorKind::Ledger, what)
    })?)
}

/// The folder of an intent, as far as the ledger can name it.
fn folder(intent: &Intent) -> Option<&str> {
    intent.folder.as_deref().and_then(Path::to_str)
}
