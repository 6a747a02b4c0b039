//! The ledger: its thread, its lanes, and how it is opened and closed.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use cometapi_batch::{Error, ErrorKind, LedgerFuture};

use crate::lane::LaneHandle;
use crate::life::Life;
use crate::options::{Connector, PostgresOptions};
use crate::schema;
use crate::thread::{Ended, Opened, start};

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
pub struct PostgresLedger(pub(crate) Arc<Inner>);

/// What the clones of a ledger share.
pub(crate) struct Inner {
    /// `None` once it is closed.
    lanes: Mutex<Option<Vec<LaneHandle>>>,
    pub(crate) life: Arc<Life>,
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
    pub(crate) fn lanes(&self) -> MutexGuard<'_, Option<Vec<LaneHandle>>> {
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

    /// The lane that does everything but recording: it may wait for locks, and loads take long.
    pub(crate) fn main<T>(
        &self,
        ask: impl FnOnce(&LaneHandle) -> LedgerFuture<T>,
    ) -> LedgerFuture<T>
    where
        T: Send + 'static,
    {
        self.on(|_| 0, ask)
    }

    /// The lane of a prediction, in which its marks keep their order.
    pub(crate) fn of<T>(
        &self,
        seq: u64,
        ask: impl FnOnce(&LaneHandle) -> LedgerFuture<T>,
    ) -> LedgerFuture<T>
    where
        T: Send + 'static,
    {
        self.on(|recording| 1 + seq % recording, ask)
    }

    /// The lane with the number that `choose` returns for how many record.
    fn on<T>(
        &self,
        choose: impl FnOnce(u64) -> u64,
        ask: impl FnOnce(&LaneHandle) -> LedgerFuture<T>,
    ) -> LedgerFuture<T>
    where
        T: Send + 'static,
    {
        let lanes = self.0.lanes();
        let lanes = lanes.as_deref().unwrap_or_default();
        let recording = lanes.len().saturating_sub(1).max(1) as u64;
        let number = usize::try_from(choose(recording)).unwrap_or_default();
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
