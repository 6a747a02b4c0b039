//! The one thread that writes: what waits is committed together.

use std::fmt;
use std::iter;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle, ThreadId, sleep};
use std::time::Duration;

use rusqlite::Connection;
use tokio::sync::oneshot;

use crate::error::{Error, ErrorKind};
use crate::ledger::sqlite::fault::{Fault, Result};
use crate::ledger::sqlite::locks::Locks;
use crate::ledger::sqlite::log::Log;
use crate::ledger::{LedgerFuture, WorkerId};
use crate::lock::lock;

/// How many jobs one commit takes at most.
const GROUP: usize = 256;

/// How long another process may hold the ledger before this one gives up.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

/// How long closing waits for another process, which otherwise does what is left when it closes.
const PATIENCE_AT_CLOSE: Duration = Duration::from_secs(2);

/// What a job may touch.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Touch {
    /// Reads, and the staged rows.
    Nothing,
    /// The ledger; a power cut may take it back.
    Ledger,
    /// The ledger, and must survive a power cut.
    Money,
}

/// The connection and what goes with it.
pub(super) struct Writer {
    pub(super) conn: Connection,
    pub(super) locks: Locks,
    log: Log,
    /// Retires a worker, when the ledger is closed.
    retire: Retire,
    /// Whether commits wait for the disk at present.
    full: bool,
    /// Workers whose files go once it is committed that they have ended.
    released: Vec<Gone>,
    /// Workers that are there only if it is committed.
    fresh: Vec<i64>,
}

pub(super) enum Gone {
    Own(i64),
    Other(String),
}

type Retire = fn(&mut Writer, WorkerId) -> Result<()>;
type Reply = Box<dyn FnOnce(Result<()>) + Send>;
/// Does the job, or gives up on it; says whether to keep what it did.
type Run = Box<dyn FnOnce(Result<&mut Writer>) -> (bool, Reply) + Send>;

struct Work {
    touch: Touch,
    run: Run,
}

/// The way to the thread. When the last of these is dropped, the thread does what was asked for,
/// closes the ledger and ends.
#[derive(Clone)]
pub(super) struct WriterHandle(Arc<Thread>);

struct Thread {
    /// `None` once it is closed.
    work: Mutex<Option<Sender<Work>>>,
    id: ThreadId,
    handle: Mutex<Option<JoinHandle<Result<(), Error>>>>,
}

impl Thread {
    /// Waits until everything that was asked for is done and the ledger is closed.
    fn close(&self) -> Result<(), Error> {
        drop(lock(&self.work).take());
        // A reply can drop the last handle on the thread itself, which then ends without being joined.
        if thread::current().id() == self.id {
            return Ok(());
        }
        let mut handle = lock(&self.handle);
        let Some(thread) = handle.take() else {
            return Ok(());
        };
        let ended = |_| {
            Err(Error::new(
                ErrorKind::Ledger,
                "the ledger's thread panicked",
            ))
        };
        thread.join().unwrap_or_else(ended)
    }
}

impl Drop for Thread {
    fn drop(&mut self) {
        // The records are committed; only the log may not be in the ledger itself yet.
        let _ = self.close();
    }
}

/// Waits a moment for another process, often: `SQLite`'s own waiting sleeps up to 100 ms.
pub(super) fn be_patient(times: i32) -> bool {
    wait(times, PATIENCE)
}

/// The same for what another process does in its turn.
fn wait_briefly(times: i32) -> bool {
    wait(times, PATIENCE_AT_CLOSE)
}

fn wait(times: i32, patience: Duration) -> bool {
    const PAUSE: Duration = Duration::from_millis(2);
    if PAUSE.saturating_mul(times.unsigned_abs()) > patience {
        return false;
    }
    sleep(PAUSE);
    true
}

impl fmt::Debug for WriterHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WriterHandle")
    }
}

impl WriterHandle {
    pub(super) fn start(
        conn: Connection,
        locks: Locks,
        log: Log,
        retire: Retire,
    ) -> Result<Self, Error> {
        let (send, receive) = channel();
        let writer = Writer {
            conn,
            locks,
            log,
            retire,
            full: true,
            released: Vec::new(),
            fresh: Vec::new(),
        };
        let thread = thread::Builder::new()
            .name("cometapi-ledger".to_owned())
            .spawn(move || writer.serve(&receive))
            .map_err(|e| {
                Error::caused_by(
                    ErrorKind::Ledger,
                    "the ledger's thread cannot be started",
                    e,
                )
            })?;
        Ok(Self(Arc::new(Thread {
            work: Mutex::new(Some(send)),
            id: thread.thread().id(),
            handle: Mutex::new(Some(thread)),
        })))
    }

    /// Waits until everything that was asked for is done and the ledger is closed. Nothing can
    /// be asked for afterwards.
    pub(super) fn close(&self) -> Result<(), Error> {
        self.0.close()
    }

    /// Has `job` done in a transaction; ready when it is committed. A job that fails changes
    /// nothing. Done even if the future is dropped.
    pub(super) fn ask<T: Send + 'static>(
        &self,
        touch: Touch,
        job: impl FnOnce(&mut Writer) -> Result<T> + Send + 'static,
    ) -> LedgerFuture<T> {
        self.hand_over(touch, false, job)
    }

    /// The same for what is not done, or taken back, when the future is dropped before.
    pub(super) fn ask_while_wanted<T: Send + 'static>(
        &self,
        touch: Touch,
        job: impl FnOnce(&mut Writer) -> Result<T> + Send + 'static,
    ) -> LedgerFuture<T> {
        self.hand_over(touch, true, job)
    }

    fn hand_over<T: Send + 'static>(
        &self,
        touch: Touch,
        while_wanted: bool,
        job: impl FnOnce(&mut Writer) -> Result<T> + Send + 'static,
    ) -> LedgerFuture<T> {
        let (reply, replied) = oneshot::channel::<Result<T, Error>>();
        let run: Run = Box::new(move |writer| {
            let unwanted = || while_wanted && reply.is_closed();
            let result = if unwanted() {
                Err(Error::new(ErrorKind::Ledger, "the request was dropped"))
            } else {
                writer.and_then(job).map_err(Error::from)
            };
            let keep = result.is_ok() && !unwanted();
            let reply: Reply = Box::new(move |committed| {
                // The receiver is gone where the future was dropped.
                let committed = committed.map_err(Error::from);
                let _ = reply.send(result.and_then(|value| committed.map(|()| value)));
            });
            (keep, reply)
        });
        // Sent before it is awaited, so that jobs keep the order in which they were asked for.
        let sent = lock(&self.0.work)
            .as_ref()
            .is_some_and(|work| work.send(Work { touch, run }).is_ok());
        Box::pin(async move {
            let gone = || Error::new(ErrorKind::Ledger, "the ledger is closed");
            if !sent {
                return Err(gone());
            }
            replied.await.map_err(|_| gone())?
        })
    }
}

impl Writer {
    fn serve(mut self, work: &Receiver<Work>) -> Result<(), Error> {
        while let Ok(first) = work.recv() {
            let group: Vec<Work> = iter::once(first)
                .chain(work.try_iter().take(GROUP - 1))
                .collect();
            self.group(group);
        }
        self.close().map_err(Error::from)
    }

    /// Leaves everything in the ledger itself, as far as other processes allow.
    fn close(mut self) -> Result<()> {
        self.conn.busy_handler(Some(wait_briefly))?;
        let own = self.locks.own();
        if !own.is_empty() {
            let standing = self.begin(Touch::Ledger).and_then(|()| {
                own.into_iter()
                    .try_for_each(|worker| (self.retire)(&mut self, WorkerId(worker)))
            });
            self.commit(standing, Touch::Ledger, true)?;
        }
        self.log.close(&self.conn)?;
        self.conn.close().map_err(|(_, e)| Fault::from(e))
    }

    fn group(&mut self, group: Vec<Work>) {
        let touch = group.iter().map(|work| work.touch).max();
        let touch = touch.unwrap_or(Touch::Nothing);
        let mut replies = Vec::with_capacity(group.len());
        let unchanged = self.conn.total_changes();
        let mut standing = self.begin(touch);
        for work in group {
            let releases = self.released.len();
            if standing.is_ok() {
                standing = self.execute("SAVEPOINT job");
            }
            let writer = match &standing {
                Ok(()) => Ok(&mut *self),
                Err(e) => Err(e.clone()),
            };
            let (keep, reply) = (work.run)(writer);
            replies.push(reply);
            if !keep {
                self.released.truncate(releases);
            }
            if standing.is_ok() {
                standing = self.end(keep);
            }
        }
        let changed = self.conn.total_changes() != unchanged;
        let committed = self.commit(standing, touch, changed);
        for reply in replies {
            reply(committed.clone());
        }
    }

    fn commit(&mut self, standing: Result<()>, touch: Touch, changed: bool) -> Result<()> {
        let changed = changed && touch != Touch::Nothing;
        let committed = standing
            .and_then(|()| changed.then(|| self.log.mark(&self.conn)).transpose())
            .and_then(|mark| self.execute("COMMIT").map(|()| mark));
        if committed.is_err() && !self.conn.is_autocommit() {
            let _ = self.execute("ROLLBACK");
        }
        if let Ok(Some(commits)) = committed {
            let durable = touch == Touch::Money;
            self.log.committed(&self.conn, commits, durable);
        }
        self.settle(committed.is_ok());
        committed.map(drop)
    }

    fn end(&self, keep: bool) -> Result<()> {
        if !keep {
            self.execute("ROLLBACK TO job")?;
        }
        self.execute("RELEASE job")
    }

    fn begin(&mut self, touch: Touch) -> Result<()> {
        // FULL waits for the disk at each commit, NORMAL at checkpoints alone. Either way the
        // end of a process loses nothing that was committed; a power cut could take back what
        // was committed under NORMAL, and a later FULL keeps that as well.
        let full = touch == Touch::Money;
        if full != self.full && touch != Touch::Nothing {
            self.execute(if full {
                "PRAGMA synchronous = FULL"
            } else {
                "PRAGMA synchronous = NORMAL"
            })?;
            self.full = full;
        }
        self.execute(if touch == Touch::Nothing {
            "BEGIN"
        } else {
            // A deferred one that reads first could not write once another has written.
            "BEGIN IMMEDIATE"
        })
    }

    fn execute(&self, sql: &str) -> Result<()> {
        self.conn.prepare_cached(sql)?.raw_execute()?;
        Ok(())
    }

    /// What must wait for the commit, or be undone without it.
    fn settle(&mut self, committed: bool) {
        let (released, fresh) = (
            std::mem::take(&mut self.released),
            std::mem::take(&mut self.fresh),
        );
        if committed {
            for gone in released {
                match gone {
                    Gone::Own(worker) => self.locks.drop_own(worker),
                    Gone::Other(name) => self.locks.release_after_commit(&name),
                }
            }
        } else {
            for worker in fresh {
                self.locks.drop_own(worker);
            }
        }
    }

    pub(super) fn release_after_commit(&mut self, gone: Gone) {
        self.released.push(gone);
    }

    pub(super) fn is_fresh(&mut self, worker: i64) {
        self.fresh.push(worker);
    }

    /// How many releases there are, to return to with [`truncate_releases`](Self::truncate_releases).
    pub(super) fn releases(&self) -> usize {
        self.released.len()
    }

    /// Takes back releases of what will not be committed.
    pub(super) fn truncate_releases(&mut self, releases: usize) {
        self.released.truncate(releases);
    }
}
