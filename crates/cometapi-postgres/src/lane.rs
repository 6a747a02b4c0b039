//! A session that does one thing after another, and is opened again when it is cut.

use std::fmt;
use std::pin::Pin;
use std::time::Duration;

use cometapi_batch::{Error, ErrorKind, LedgerFuture};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep, timeout};

use crate::fault::{Fault, Result};
use crate::options::Connector;
use crate::session::{Backend, Session};

/// How a call is committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Touch {
    /// Statements that change nothing, or that stand for themselves.
    Statements,
    /// Statements that stand for themselves and must survive a power cut.
    Money,
    /// A transaction.
    Transaction,
    /// A transaction that must survive a power cut, and may take long.
    Load,
    /// A transaction that is taken back at its end.
    Dry,
}

impl Touch {
    fn is_durable(self) -> bool {
        matches!(self, Self::Money | Self::Load)
    }

    fn is_transaction(self) -> bool {
        matches!(self, Self::Transaction | Self::Load | Self::Dry)
    }

    /// Begins the transaction. Loads of one batch wait for each other, and each may take long. Others wait for
    /// no more than 30 seconds, so a process that is stopped in one must lose its locks before.
    fn begin(self) -> &'static str {
        match self {
            Self::Load | Self::Dry => {
                "BEGIN; SET LOCAL lock_timeout = '10min';
                 SET LOCAL idle_in_transaction_session_timeout = '10min'"
            }
            Self::Statements | Self::Money | Self::Transaction => "BEGIN",
        }
    }

    /// When the session is given up, although it may still be open. Locks are waited for for 30 seconds.
    fn limit(self) -> Duration {
        Duration::from_secs(match self {
            Self::Money => 60,
            Self::Statements | Self::Transaction => 120,
            Self::Load | Self::Dry => 3600,
        })
    }
}

type Work<'w> = Pin<Box<dyn Future<Output = ()> + 'w>>;

/// Something to be done on a session.
trait Job: Send {
    fn run(self: Box<Self>, lane: &mut Lane) -> Work<'_>;
}

/// The way to a lane, from any thread.
#[derive(Clone)]
pub(crate) struct LaneHandle(mpsc::UnboundedSender<Box<dyn Job>>);

impl fmt::Debug for LaneHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LaneHandle")
    }
}

impl LaneHandle {
    /// The way to a lane that has ended.
    pub(crate) fn closed() -> Self {
        let (send, _) = mpsc::unbounded_channel();
        Self(send)
    }

    /// Has `call` done after everything that was asked for before, whether or not the future is
    /// polled. `call` gets a session, and whether it may have been done before: when a session is
    /// cut, it is unknown what the server did last. It is then called again, after the earlier one has
    /// ended for certain.
    pub(crate) fn ask<T, F>(&self, touch: Touch, call: F) -> LedgerFuture<T>
    where
        T: Send + 'static,
        F: AsyncFn(&Session, bool) -> Result<T> + Send + 'static,
    {
        self.put(touch, false, call)
    }

    /// The same for what is not done if the future is dropped before it begins.
    pub(crate) fn ask_while_wanted<T, F>(&self, touch: Touch, call: F) -> LedgerFuture<T>
    where
        T: Send + 'static,
        F: AsyncFn(&Session, bool) -> Result<T> + Send + 'static,
    {
        self.put(touch, true, call)
    }

    fn put<T, F>(&self, touch: Touch, while_wanted: bool, call: F) -> LedgerFuture<T>
    where
        T: Send + 'static,
        F: AsyncFn(&Session, bool) -> Result<T> + Send + 'static,
    {
        let (reply, replied) = oneshot::channel();
        // Sent before it is awaited, so that calls keep the order in which they were made.
        let sent = self.0.send(Box::new(Asked {
            touch,
            while_wanted,
            call,
            reply,
        }));
        Box::pin(async move {
            let closed = || Error::new(ErrorKind::Ledger, "the ledger is closed");
            if sent.is_err() {
                return Err(closed());
            }
            replied.await.map_err(|_| closed())?
        })
    }

    /// Ready when everything that was asked for before is done.
    pub(crate) fn flush(&self) -> oneshot::Receiver<()> {
        let (reply, replied) = oneshot::channel();
        // A lane that has ended has done everything.
        _ = self.0.send(Box::new(Flush(reply)));
        replied
    }
}

struct Asked<T, F> {
    touch: Touch,
    while_wanted: bool,
    call: F,
    reply: oneshot::Sender<Result<T, Error>>,
}

impl<T, F> Job for Asked<T, F>
where
    T: Send + 'static,
    F: AsyncFn(&Session, bool) -> Result<T> + Send + 'static,
{
    fn run(self: Box<Self>, lane: &mut Lane) -> Work<'_> {
        Box::pin(async move {
            if self.while_wanted && self.reply.is_closed() {
                return;
            }
            let result = lane.call(self.touch, &self.call).await;
            // The receiver is gone where the future was dropped.
            _ = self.reply.send(result);
        })
    }
}

struct Flush(oneshot::Sender<()>);

impl Job for Flush {
    fn run(self: Box<Self>, _: &mut Lane) -> Work<'_> {
        Box::pin(async move { _ = self.0.send(()) })
    }
}

/// A session of the ledger, which is opened when it is needed.
#[derive(Debug)]
pub(crate) struct Lane {
    connector: Connector,
    session: Option<Session>,
    /// The process that served the session that was cut, until it has ended for certain.
    earlier: Option<Backend>,
}

/// How soon a server that cannot be reached is tried again: first and at most.
const PAUSE: (Duration, Duration) = (Duration::from_millis(20), Duration::from_secs(2));

/// How long the server may take to end the process of a session that was cut.
const END_LIMIT: Duration = Duration::from_secs(60);

impl Lane {
    pub(crate) fn new(connector: Connector, session: Option<Session>) -> Self {
        Self {
            connector,
            session,
            earlier: None,
        }
    }

    /// The way to this lane, and what it does until all of those are dropped.
    pub(crate) fn start(mut self) -> (LaneHandle, impl Future<Output = Self>) {
        let (send, mut receive) = mpsc::unbounded_channel::<Box<dyn Job>>();
        let serve = async move {
            while let Some(job) = receive.recv().await {
                job.run(&mut self).await;
            }
            self
        };
        (LaneHandle(send), serve)
    }

    /// Does a call, again and again until its result is known, as long as there is patience.
    pub(crate) async fn call<T, F>(&mut self, touch: Touch, call: &F) -> Result<T, Error>
    where
        F: AsyncFn(&Session, bool) -> Result<T>,
    {
        let deadline = Instant::now() + self.connector.patience();
        let mut again = false;
        let mut pause = PAUSE.0;
        loop {
            let result = match self.session().await {
                Ok(session) => {
                    let attempt = timeout(touch.limit(), perform(session, touch, call, again));
                    attempt.await.unwrap_or(Err(Fault::NoAnswer))
                }
                Err(e) if e.may_pass() && Instant::now() + pause < deadline => {
                    sleep(pause).await;
                    pause = (pause * 2).min(PAUSE.1);
                    continue;
                }
                Err(e) => return Err(e.into()),
            };
            match result {
                Ok(value) => return Ok(value),
                Err(e) if e.is_cut() => {
                    let cut = self.session.take();
                    self.earlier = cut.map(|session| session.backend());
                    if Instant::now() >= deadline {
                        return Err(e.into());
                    }
                    again = true;
                    sleep(pause).await;
                    pause = (pause * 2).min(PAUSE.1);
                }
                Err(e) if e.is_conflict() && Instant::now() < deadline => {}
                Err(e) => return Err(e.into()),
            }
        }
    }

    /// An open session, on which nothing that was asked for before is still being done.
    async fn session(&mut self) -> Result<&Session> {
        if let Some(session) = &self.session
            && session.is_closed()
        {
            self.earlier = Some(session.backend());
            self.session = None;
        }
        if self.session.is_none() {
            let session = Session::connect(&self.connector).await?;
            if let Some(earlier) = self.earlier {
                let ended = timeout(END_LIMIT, async {
                    while !session.end(earlier).await? {
                        sleep(PAUSE.0).await;
                    }
                    Ok(())
                });
                ended.await.unwrap_or(Err(Fault::NoAnswer))?;
                self.earlier = None;
            }
            self.session = Some(session);
        }
        self.session.as_ref().ok_or(Fault::NoAnswer)
    }
}

async fn perform<T, F>(session: &Session, touch: Touch, call: &F, again: bool) -> Result<T>
where
    F: AsyncFn(&Session, bool) -> Result<T>,
{
    session.set_durable(touch.is_durable()).await?;
    if !touch.is_transaction() {
        return call(session, again).await;
    }
    session.batch(touch.begin()).await?;
    let result = call(session, again).await;
    if result.is_ok() && touch != Touch::Dry {
        session.batch("COMMIT").await?;
    } else if !matches!(&result, Err(e) if e.is_cut()) {
        session.batch("ROLLBACK").await?;
    }
    result
}
