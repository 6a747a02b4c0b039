//! Who lives: a process holds an advisory lock, on a session that does nothing else than to listen.
//!
//! The server releases the lock when the session ends, however the process ends. A lease would have to
//! run out first, and a clock to be right. The lock's class is the number of the table of processes,
//! so that ledgers in other schemas have other locks.

use std::collections::HashMap;
use std::future::pending;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cometapi_batch::columns::now;
use cometapi_batch::{Error, ErrorKind, WorkerId};
use tokio::sync::Mutex as AsyncMutex;

use crate::fault::Result;
use crate::options::{Connector, Notices};
use crate::session::Session;

/// The life of this process in the ledger, and the workers that live by it.
#[derive(Debug)]
pub(crate) struct Life {
    connector: Connector,
    session: AsyncMutex<Option<Held>>,
    /// The workers that are not retired, with the processes that they live by.
    workers: Mutex<HashMap<i64, Held>>,
    notices: Notices,
}

/// A lock that is held as long as the session is open.
#[derive(Clone, Debug)]
struct Held(Arc<(Session, i64)>);

impl Held {
    fn is_lost(&self) -> bool {
        self.0.0.is_closed()
    }
}

impl Life {
    pub(crate) fn new(connector: Connector) -> Self {
        Self {
            connector,
            session: AsyncMutex::default(),
            workers: Mutex::default(),
            notices: Notices::new(0),
        }
    }

    /// Ready when another process has loaded rows since this call.
    pub(crate) fn notified(&self) -> impl Future<Output = ()> + use<> {
        let mut notices = self.notices.subscribe();
        async move {
            if notices.changed().await.is_err() {
                // The ledger is gone.
                pending::<()>().await;
            }
        }
    }

    /// Begins to live, unless this process does.
    async fn held(&self) -> Result<Held> {
        let mut session = self.session.lock().await;
        if let Some(held) = session.as_ref().filter(|held| !held.is_lost()) {
            return Ok(held.clone());
        }
        let held = self.begin().await?;
        *session = Some(held.clone());
        Ok(held)
    }

    async fn begin(&self) -> Result<Held> {
        let session = Session::listen(&self.connector, self.notices.clone()).await?;
        loop {
            let row = session
                .one(
                    "WITH n AS MATERIALIZED (SELECT nextval('process_id') AS id)
                 SELECT id, pg_try_advisory_lock('process'::regclass::oid::int, id::int) FROM n",
                    &[],
                )
                .await?;
            let id: i64 = row.try_get(0)?;
            // Another program holds it, which would keep this process alive.
            if !row.try_get::<_, bool>(1)? {
                continue;
            }
            session
                .execute(
                    "INSERT INTO process (id, since) VALUES ($1, $2)",
                    &[&id, &now()],
                )
                .await?;
            return Ok(Held(Arc::new((session, id))));
        }
    }

    /// The number of this process, which lives.
    pub(crate) async fn process(&self) -> Result<i64> {
        Ok(self.held().await?.0.1)
    }

    /// Makes `worker` live as long as this process, if it could be registered for it. Else the process begins
    /// to live anew at the next call.
    pub(crate) async fn register(
        &self,
        worker: Option<WorkerId>,
        process: i64,
    ) -> Result<WorkerId> {
        let mut session = self.session.lock().await;
        let held = session.take_if(|held| held.0.1 != process || worker.is_none());
        if let (Some(worker), None, Some(held)) = (worker, held, session.as_ref()) {
            self.workers().insert(worker.0, held.clone());
            return Ok(worker);
        }
        Err(lost().into())
    }

    pub(crate) fn retired(&self, worker: WorkerId) {
        self.workers().remove(&worker.0);
    }

    /// Fails if `worker` is of this process and has lost its lock: others take over what it held.
    pub(crate) fn check(&self, worker: WorkerId) -> Result<()> {
        match self.workers().get(&worker.0) {
            Some(held) if held.is_lost() => Err(lost().into()),
            _ => Ok(()),
        }
    }

    /// The workers that are not retired.
    pub(crate) fn not_retired(&self) -> Vec<WorkerId> {
        self.workers().keys().copied().map(WorkerId).collect()
    }

    fn workers(&self) -> MutexGuard<'_, HashMap<i64, Held>> {
        // They are added and removed in one step, so a panic elsewhere leaves them whole.
        self.workers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The number of this process, if it lives.
    pub(crate) async fn current(&self) -> Option<i64> {
        let session = self.session.lock().await;
        session.as_ref().map(|held| held.0.1)
    }
}

fn lost() -> Error {
    Error::new(
        ErrorKind::Lost,
        "the connection by which this process lives in the ledger was lost, so others take over what it \
         held: to continue, run the same command again",
    )
}
