//! The ledger, and what each call is.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use cometapi::Durations;
use cometapi_batch::columns::now;
use cometapi_batch::{
    BatchEntry, Begun, Claimed, Cost, Entry, Error, ErrorKind, Filter, Intent, Job, Ledger,
    LedgerFuture, LoadId, Loader, Mark, Outcome, Tally, Usd, Want, WorkerId,
};

use crate::claim::{Claim, Refusal};
use crate::columns::token;
use crate::fault::Result;
use crate::lane::{LaneHandle, Touch};
use crate::life::Life;
use crate::loader::PostgresLoader;
use crate::mark::{Record, is_durable, is_one_statement};
use crate::options::{Connector, PostgresOptions};
use crate::session::Session;
use crate::thread::{Ended, Opened, start};
use crate::{costs, durations, list, names, pause, prune, schema, stage, worker};

/// A ledger on `PostgreSQL`, safe for any number of processes on any number of machines.
///
/// A thread of its own serves its sessions: one that holds the lock by which its workers live, and a
/// few that record. Cheap to clone: the clones share the thread.
///
/// ```no_run
/// use cometapi_postgres::PostgresLedger;
///
/// # async fn example() -> Result<(), cometapi_batch::Error> {
/// let ledger = PostgresLedger::connect("postgres://painter@db.example/studio").await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct PostgresLedger(Arc<Inner>);

struct Inner {
    /// `None` once it is closed.
    lanes: Mutex<Option<Vec<LaneHandle>>>,
    life: Arc<Life>,
    ended: Ended,
    connector: Connector,
}

/// How long dropping the last handle waits for what was asked for.
const PATIENCE_AT_DROP: Duration = Duration::from_secs(5);

impl Drop for Inner {
    fn drop(&mut self) {
        drop(self.lanes().take());
        self.ended.wait(PATIENCE_AT_DROP);
    }
}

impl Inner {
    fn lanes(&self) -> MutexGuard<'_, Option<Vec<LaneHandle>>> {
        // They are taken in one step, so a panic elsewhere leaves them whole.
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Without the password.
impl fmt::Debug for PostgresLedger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PostgresLedger")
            .field(&self.0.connector)
            .finish()
    }
}

impl PostgresLedger {
    /// The version of the tables. Earlier ones are brought to it, later ones are refused.
    pub const VERSION: i32 = schema::VERSION;

    /// Opens the ledger in a database, with default [options](PostgresOptions), and makes its tables if
    /// they are not there. Any number of processes may do so at once.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Ledger`] if the server cannot be reached or refuses the login, and if it cannot hold
    /// a ledger: it runs with `fsync = off`, it is a standby or older than `PostgreSQL` 14, a connection
    /// pooler shares its sessions between transactions, or the database is not in UTF-8. The message
    /// says which. [`ErrorKind::NewerLedger`] and [`ErrorKind::NotALedger`] leave the tables that are
    /// there as they are.
    pub async fn connect(connection: &str) -> Result<Self, Error> {
        PostgresOptions::new(connection)?.connect().await
    }

    async fn open(connector: Connector) -> Result<Self, Error> {
        let (Opened { lanes, life }, ended) = start(connector.clone()).await?;
        Ok(Self(Arc::new(Inner {
            lanes: Mutex::new(Some(lanes)),
            life,
            ended,
            connector,
        })))
    }

    /// Waits until everything that was asked for is done, retires the workers that were not retired, and
    /// ends the sessions. All clones are closed with this one, and refuse everything from then on.
    ///
    /// Dropping the last clone does the same, and blocks for at most five seconds.
    pub async fn close(&self) {
        drop(self.0.lanes().take());
        self.0.ended.awaited().await;
    }

    /// The lane that does everything but recording.
    fn main<T>(&self, ask: impl FnOnce(&LaneHandle) -> LedgerFuture<T>) -> LedgerFuture<T>
    where
        T: Send + 'static,
    {
        self.on(0, ask)
    }

    /// The lane of a prediction, in which its marks keep their order.
    fn of<T>(&self, seq: u64, ask: impl FnOnce(&LaneHandle) -> LedgerFuture<T>) -> LedgerFuture<T>
    where
        T: Send + 'static,
    {
        self.on(seq, ask)
    }

    fn on<T>(
        &self,
        number: u64,
        ask: impl FnOnce(&LaneHandle) -> LedgerFuture<T>,
    ) -> LedgerFuture<T>
    where
        T: Send + 'static,
    {
        let lanes = self.0.lanes();
        let lanes = lanes.as_deref().unwrap_or_default();
        let count = lanes.len().max(1) as u64;
        let number = usize::try_from(number % count).unwrap_or_default();
        if let Some(lane) = lanes.get(number) {
            return ask(lane);
        }
        let closed = Error::new(ErrorKind::Ledger, "the ledger is closed");
        Box::pin(async { Err(closed) })
    }
}

impl PostgresOptions {
    /// Opens the ledger, and makes its tables if they are not there.
    ///
    /// # Errors
    ///
    /// As [`PostgresLedger::connect`].
    pub async fn connect(self) -> Result<PostgresLedger, Error> {
        PostgresLedger::open(self.connector()?).await
    }
}

impl Ledger for PostgresLedger {
    fn register(&self, service: String) -> LedgerFuture<WorkerId> {
        let life = Arc::clone(&self.0.life);
        // Durable, so that a number is never given out twice.
        self.main(|lane| {
            lane.ask(Touch::Money, async move |session: &Session, _| {
                let process = life.process().await?;
                let worker = worker::register(session, process, &service).await?;
                life.register(worker, process).await?;
                Ok(worker)
            })
        })
    }

    fn retire(&self, worker: WorkerId) -> LedgerFuture<()> {
        let life = Arc::clone(&self.0.life);
        // What was asked for before must be done before, in every lane.
        let flushed: Vec<_> = self
            .0
            .lanes()
            .iter()
            .flatten()
            .skip(1)
            .map(LaneHandle::flush)
            .collect();
        let flushed = tokio::sync::Mutex::new(flushed);
        self.main(|lane| {
            lane.ask(Touch::Transaction, async move |session: &Session, _| {
                for flushed in flushed.lock().await.drain(..) {
                    // A lane that has ended has done everything.
                    _ = flushed.await;
                }
                worker::retire(session, worker).await?;
                life.retired(worker);
                Ok(())
            })
        })
    }

    fn loader(&self) -> Box<dyn Loader> {
        // Chance, because all processes share the table; from 0 on, as databases count.
        let id = LoadId(fastrand::i64(0..));
        let life = Arc::clone(&self.0.life);
        let begun = self.main(|lane| {
            lane.ask(Touch::Statements, async move |session: &Session, _| {
                stage::begin(session, life.process().await?, id).await
            })
        });
        // If it fails, adding rows fails.
        drop(begun);
        match self.0.lanes().as_deref() {
            Some([lane, ..]) => Box::new(PostgresLoader::new(lane.clone(), id)),
            _ => Box::new(PostgresLoader::new(LaneHandle::closed(), id)),
        }
    }

    fn claim(&self, worker: WorkerId, want: Want) -> LedgerFuture<Claimed> {
        let (life, token) = (Arc::clone(&self.0.life), token());
        self.main(|lane| {
            lane.ask_while_wanted(Touch::Transaction, async move |session: &Session, again| {
                life.check(worker)?;
                let claim = Claim {
                    worker,
                    token,
                    again,
                };
                claim.claim(session, want).await
            })
        })
    }

    fn pause(&self, service: String, pause: Duration) -> LedgerFuture<()> {
        self.main(|lane| {
            lane.ask(Touch::Statements, async move |session: &Session, _| {
                pause::pause(session, &service, pause).await
            })
        })
    }

    fn begin(&self, worker: WorkerId, intent: Intent) -> LedgerFuture<Begun> {
        let (life, token) = (Arc::clone(&self.0.life), token());
        self.main(|lane| {
            lane.ask(Touch::Transaction, async move |session: &Session, again| {
                life.check(worker)?;
                let claim = Claim {
                    worker,
                    token,
                    again,
                };
                claim.begin(session, &intent).await
            })
        })
    }

    fn adopt(&self, worker: WorkerId, id: String) -> LedgerFuture<Option<Job>> {
        let (life, token) = (Arc::clone(&self.0.life), token());
        self.main(|lane| {
            lane.ask(Touch::Transaction, async move |session: &Session, again| {
                life.check(worker)?;
                let claim = Claim {
                    worker,
                    token,
                    again,
                };
                claim.adopt(session, &id).await
            })
        })
    }

    fn record(&self, worker: WorkerId, seq: u64, mark: Mark) -> LedgerFuture<()> {
        let (life, at) = (Arc::clone(&self.0.life), now());
        let touch = if is_durable(&mark) {
            Touch::Money
        } else if is_one_statement(&mark) {
            Touch::Statements
        } else {
            Touch::Transaction
        };
        self.of(seq, |lane| {
            lane.ask(touch, async move |session: &Session, again| {
                let record = Record {
                    worker,
                    seq,
                    mark: &mark,
                    at,
                    again,
                };
                if matches!(mark, Mark::Sending)
                    && let Err(lost) = life.check(worker)
                {
                    if again {
                        record.take_back(session).await?;
                    }
                    return Err(lost);
                }
                record.run(session).await
            })
        })
    }

    fn refuse_model(
        &self,
        load: LoadId,
        model: String,
        outcome: Outcome,
        most: u32,
    ) -> LedgerFuture<Vec<Job>> {
        let refusal = Refusal {
            load,
            model,
            outcome,
            most,
            token: token(),
            at: now(),
        };
        self.main(|lane| {
            lane.ask(Touch::Transaction, async move |session: &Session, again| {
                refusal.run(session, again).await
            })
        })
    }

    fn reserve(
        &self,
        worker: WorkerId,
        seq: u64,
        position: u64,
        names: Vec<String>,
    ) -> LedgerFuture<Option<String>> {
        // Durable: a file that is written under a name that the server forgets could be overwritten.
        self.of(seq, |lane| {
            lane.ask(Touch::Money, async move |session: &Session, _| {
                names::reserve(session, worker, seq, position, &names).await
            })
        })
    }

    fn tally(&self, load: LoadId) -> LedgerFuture<Tally> {
        self.main(|lane| {
            lane.ask(Touch::Statements, async move |session: &Session, _| {
                stage::tally(session, load).await
            })
        })
    }

    fn batches(&self) -> LedgerFuture<Vec<BatchEntry>> {
        self.main(|lane| {
            lane.ask(Touch::Statements, async |session: &Session, _| {
                list::batches(session).await
            })
        })
    }

    fn list(&self, filter: Filter) -> LedgerFuture<Vec<Entry>> {
        self.main(|lane| {
            lane.ask(Touch::Transaction, async move |session: &Session, _| {
                // A create request of a process that ended is unresolved from then on, and a list must
                // show this before the next run writes.
                worker::release_dead(session).await?;
                list::list(session, &filter).await
            })
        })
    }

    fn costs(&self, filter: Filter) -> LedgerFuture<BTreeMap<String, Cost>> {
        self.main(|lane| {
            lane.ask(Touch::Statements, async move |session: &Session, _| {
                costs::costs(session, &filter).await
            })
        })
    }

    fn charge(&self, service: String, charges: Vec<(String, Usd)>) -> LedgerFuture<u64> {
        self.main(|lane| {
            lane.ask(Touch::Statements, async move |session: &Session, _| {
                costs::charge(session, &service, &charges).await
            })
        })
    }

    fn durations(&self, service: String) -> LedgerFuture<BTreeMap<String, Durations>> {
        self.main(|lane| {
            lane.ask(Touch::Statements, async move |session: &Session, _| {
                durations::read(session, &service).await
            })
        })
    }

    fn prune(&self, before: SystemTime) -> LedgerFuture<u64> {
        self.main(|lane| {
            lane.ask(Touch::Transaction, async move |session: &Session, _| {
                prune::prune(session, before).await
            })
        })
    }
}
