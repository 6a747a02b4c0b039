//! The thread of a ledger, which moves the bytes of its sessions.
//!
//! A runtime of its own keeps the sessions alive while the caller's is busy, paused or gone, and does
//! what was asked for although the caller has dropped the future.

use std::future::Future;
use std::sync::Arc;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use cometapi_batch::{Error, ErrorKind};
use tokio::runtime::Builder;
use tokio::sync::{oneshot, watch};
use tokio::task::{LocalSet, spawn_local};
use tokio::time::{Instant, sleep};

use crate::fault::Result;
use crate::lane::{Lane, LaneHandle, Touch};
use crate::life::Life;
use crate::options::Connector;
use crate::session::Session;
use crate::{schema, server, worker};

/// What the thread has opened.
pub(crate) struct Opened {
    pub(crate) lanes: Vec<LaneHandle>,
    pub(crate) life: Arc<Life>,
}

/// When the thread has ended.
#[derive(Debug)]
pub(crate) struct Ended {
    now: std::sync::Mutex<mpsc::Receiver<()>>,
    later: watch::Receiver<bool>,
}

impl Ended {
    /// Waits for the end of the thread, at most for `limit`.
    pub(crate) fn wait(&self, limit: Duration) {
        if let Ok(ended) = self.now.lock() {
            // A thread that has ended has dropped the sender.
            _ = ended.recv_timeout(limit);
        }
    }

    pub(crate) async fn awaited(&self) {
        // A thread that has ended has dropped the sender.
        _ = self.later.clone().wait_for(|ended| *ended).await;
    }
}

/// Starts the thread, and waits until the ledger is open.
pub(crate) async fn start(connector: Connector) -> Result<(Opened, Ended), Error> {
    let (ready, opened) = oneshot::channel();
    let (ended, now) = mpsc::channel();
    let (ended_later, later) = watch::channel(false);
    let failed = |e| {
        Error::caused_by(
            ErrorKind::Ledger,
            "the ledger's thread cannot be started",
            e,
        )
    };
    thread::Builder::new()
        .name("cometapi-ledger".to_owned())
        .spawn(move || {
            match Builder::new_current_thread()
                .enable_io()
                .enable_time()
                .build()
            {
                Ok(runtime) => LocalSet::new().block_on(&runtime, serve(connector, ready)),
                Err(e) => drop(ready.send(Err(failed(e)))),
            }
            drop((ended, ended_later));
        })
        .map_err(failed)?;
    let gone = |_| Error::new(ErrorKind::Ledger, "the ledger's thread panicked");
    let opened = opened.await.map_err(gone)??;
    let now = std::sync::Mutex::new(now);
    Ok((opened, Ended { now, later }))
}

/// Opens the ledger, and does what it is asked for until all of its handles are dropped.
async fn serve(connector: Connector, mut ready: oneshot::Sender<Result<Opened, Error>>) {
    let opening = patiently(&connector, async || open(&connector).await);
    let session = tokio::select! {
        opened = opening => opened,
        () = ready.closed() => return,
    };
    let session = match session {
        Ok(session) => session,
        Err(e) => return drop(ready.send(Err(e))),
    };
    let life = Arc::new(Life::new(connector.clone()));
    let (first, serve_first) = Lane::new(connector.clone(), Some(session)).start();
    let mut lanes = vec![first];
    let mut others = Vec::new();
    for _ in 0..connector.work_sessions() {
        let (lane, serve) = Lane::new(connector.clone(), None).start();
        lanes.push(lane);
        others.push(spawn_local(serve));
    }
    let opened = Opened {
        lanes,
        life: Arc::clone(&life),
    };
    if ready.send(Ok(opened)).is_err() {
        return;
    }
    let mut lane = serve_first.await;
    for other in others {
        // One that panicked has nothing more to do.
        _ = other.await;
    }
    close(&mut lane, &life).await;
}

/// A session of a server that can hold a ledger, with its tables.
async fn open(connector: &Connector) -> Result<Session> {
    server::examine(connector).await?;
    let session = Session::connect(connector).await?;
    schema::migrate(&session, connector).await?;
    Ok(session)
}

/// Tries again for a while what fails because the server cannot be reached.
async fn patiently<T, F, Fut>(connector: &Connector, attempt: F) -> Result<T, Error>
where
    F: Fn() -> Fut,
    Fut: Future<Output = Result<T>>,
{
    const PAUSE: Duration = Duration::from_millis(200);
    let deadline = Instant::now() + connector.patience();
    loop {
        match attempt().await {
            Err(e) if e.may_pass() && Instant::now() + PAUSE < deadline => sleep(PAUSE).await,
            result => return result.map_err(Error::from),
        }
    }
}

/// Frees what this process holds, so that others need not find out that it has ended.
async fn close(lane: &mut Lane, life: &Life) {
    let Some(process) = life.current().await else {
        return;
    };
    let workers = life.not_retired();
    let closed = lane
        .call(Touch::Transaction, &async |session: &Session, _: bool| {
            for worker in &workers {
                worker::retire(session, *worker).await?;
            }
            worker::end_process(session, process).await
        })
        .await;
    // Others find out by the lock.
    drop(closed);
}
