//! The one thread that writes: what waits is committed together.

use std::fmt;
use std::iter;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use rusqlite::Connection;
use tokio::sync::oneshot;

use crate::error::{Error, ErrorKind};
use crate::ledger::Answer;
use crate::ledger::sqlite::fault;
use crate::ledger::sqlite::locks::Locks;

/// How many jobs one commit takes at most.
const GROUP: usize = 256;

/// What a job may touch.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Touch {
    /// Reads, and the rows put aside.
    Nothing,
    /// The ledger; a power cut may take it back.
    Ledger,
    /// The ledger, and must survive a power cut.
    Money,
}

/// The connection and what goes with it.
pub(super) struct Desk {
    pub(super) conn: Connection,
    pub(super) locks: Locks,
    /// Whether commits wait for the disk at present.
    full: bool,
    /// Workers whose files go once it is committed that they have ended.
    buried: Vec<Gone>,
    /// Workers that are there only if it is committed.
    fresh: Vec<i64>,
}

pub(super) enum Gone {
    Own(i64),
    Other(String),
}

type Reply = Box<dyn FnOnce(Result<(), Error>) + Send>;
/// Does the job, or gives up on it; says whether to keep what it did.
type Run = Box<dyn FnOnce(Result<&mut Desk, Error>) -> (bool, Reply) + Send>;

struct Work {
    touch: Touch,
    run: Run,
}

/// The way to the thread. It ends when the last of these has gone and all is done.
#[derive(Clone)]
pub(super) struct Hand(Sender<Work>);

impl fmt::Debug for Hand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hand")
    }
}

impl Hand {
    pub(super) fn start(conn: Connection, locks: Locks) -> Result<Self, Error> {
        let (send, receive) = channel();
        let mut desk = Desk {
            conn,
            locks,
            full: true,
            buried: Vec::new(),
            fresh: Vec::new(),
        };
        thread::Builder::new()
            .name("cometapi-ledger".to_owned())
            .spawn(move || desk.serve(&receive))
            .map_err(|e| {
                Error::caused_by(
                    ErrorKind::Ledger,
                    "the ledger's thread cannot be started",
                    e,
                )
            })?;
        Ok(Self(send))
    }

    /// Has `job` done in a transaction; ready when it is committed. A job that fails changes
    /// nothing. Done even if the answer is dropped.
    pub(super) fn ask<T: Send + 'static>(
        &self,
        touch: Touch,
        job: impl FnOnce(&mut Desk) -> Result<T, Error> + Send + 'static,
    ) -> Answer<T> {
        self.hand_over(touch, false, job)
    }

    /// The same for what is not done, or taken back, when the answer is dropped before.
    pub(super) fn ask_while_wanted<T: Send + 'static>(
        &self,
        touch: Touch,
        job: impl FnOnce(&mut Desk) -> Result<T, Error> + Send + 'static,
    ) -> Answer<T> {
        self.hand_over(touch, true, job)
    }

    fn hand_over<T: Send + 'static>(
        &self,
        touch: Touch,
        while_wanted: bool,
        job: impl FnOnce(&mut Desk) -> Result<T, Error> + Send + 'static,
    ) -> Answer<T> {
        let (tell, told) = oneshot::channel::<Result<T, Error>>();
        let run: Run = Box::new(move |desk| {
            let unwanted = || while_wanted && tell.is_closed();
            let result = if unwanted() {
                Err(Error::new(ErrorKind::Ledger, "nobody waits for it"))
            } else {
                desk.and_then(job)
            };
            let keep = result.is_ok() && !unwanted();
            let reply: Reply = Box::new(move |committed| {
                // Nobody listens any more where the future was dropped.
                let _ = tell.send(result.and_then(|value| committed.map(|()| value)));
            });
            (keep, reply)
        });
        // Sent before it is awaited, so that jobs keep the order in which they were asked for.
        let sent = self.0.send(Work { touch, run });
        Box::pin(async move {
            let gone = || Error::new(ErrorKind::Ledger, "the ledger's thread has ended");
            sent.map_err(|_| gone())?;
            told.await.map_err(|_| gone())?
        })
    }
}

impl Desk {
    fn serve(&mut self, work: &Receiver<Work>) {
        while let Ok(first) = work.recv() {
            let group: Vec<Work> = iter::once(first)
                .chain(work.try_iter().take(GROUP - 1))
                .collect();
            self.group(group);
        }
    }

    fn group(&mut self, group: Vec<Work>) {
        let touch = group.iter().map(|work| work.touch).max();
        let touch = touch.unwrap_or(Touch::Nothing);
        let mut replies = Vec::with_capacity(group.len());
        let mut standing = self.begin(touch);
        for work in group {
            let burials = self.buried.len();
            if standing.is_ok() {
                standing = self.execute("SAVEPOINT job");
            }
            let desk = match &standing {
                Ok(()) => Ok(&mut *self),
                Err(e) => Err(e.clone()),
            };
            let (keep, reply) = (work.run)(desk);
            replies.push(reply);
            if !keep {
                self.buried.truncate(burials);
            }
            if standing.is_ok() {
                standing = self.end(keep);
            }
        }
        let committed = standing.and_then(|()| self.execute("COMMIT"));
        if committed.is_err() && !self.conn.is_autocommit() {
            let _ = self.execute("ROLLBACK");
        }
        self.settle(committed.is_ok());
        for reply in replies {
            reply(committed.clone());
        }
    }

    fn end(&self, keep: bool) -> Result<(), Error> {
        if !keep {
            self.execute("ROLLBACK TO job")?;
        }
        self.execute("RELEASE job")
    }

    fn begin(&mut self, touch: Touch) -> Result<(), Error> {
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

    fn execute(&self, sql: &str) -> Result<(), Error> {
        let mut statement = self.conn.prepare_cached(sql).map_err(fault)?;
        statement.raw_execute().map(drop).map_err(fault)
    }

    /// What must wait for the commit, or be undone without it.
    fn settle(&mut self, committed: bool) {
        let (buried, fresh) = (
            std::mem::take(&mut self.buried),
            std::mem::take(&mut self.fresh),
        );
        if committed {
            for gone in buried {
                match gone {
                    Gone::Own(worker) => self.locks.drop_own(worker),
                    Gone::Other(name) => self.locks.bury(&name),
                }
            }
        } else {
            for worker in fresh {
                self.locks.drop_own(worker);
            }
        }
    }

    pub(super) fn bury(&mut self, gone: Gone) {
        self.buried.push(gone);
    }

    pub(super) fn is_fresh(&mut self, worker: i64) {
        self.fresh.push(worker);
    }

    /// How much there is to bury, to come back to with [`forget`](Self::forget).
    pub(super) fn burials(&self) -> usize {
        self.buried.len()
    }

    /// Takes back burials of what will not be committed.
    pub(super) fn forget(&mut self, burials: usize) {
        self.buried.truncate(burials);
    }
}
