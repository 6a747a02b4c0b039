//! Why a run makes no progress at present, since when, and when that is long enough to give up.

use std::sync::Mutex;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use crate::batch::reason::PauseReason;
use crate::ledger::Outcome;
use crate::lock::lock;

/// How long a run tries to reach a service to which it has never made a connection: the base URL
/// is more likely wrong than the service away.
const FIRST_CONNECTION: Duration = Duration::from_secs(30);

/// What holds a run up, if anything does.
#[derive(Debug)]
pub(crate) struct Outage {
    inner: Mutex<Inner>,
    changed: watch::Sender<()>,
    give_up_after: Duration,
}

#[derive(Debug)]
struct Inner {
    began: Instant,
    /// Whether a connection to the service was ever made.
    is_reached: bool,
    progress: Instant,
    current: Option<Current>,
}

#[derive(Debug)]
struct Current {
    reason: PauseReason,
    since: Instant,
    cause: String,
}

impl Outage {
    pub(crate) fn new(give_up_after: Duration) -> Self {
        let now = Instant::now();
        Self {
            inner: Mutex::new(Inner {
                began: now,
                is_reached: false,
                progress: now,
                current: None,
            }),
            changed: watch::Sender::new(()),
            give_up_after,
        }
    }

    /// Notes that `reason` holds the run up, because of `cause`.
    pub(crate) fn begin(&self, reason: PauseReason, cause: &cometapi::Error) {
        let mut inner = lock(&self.inner);
        inner.is_reached |= reason == PauseReason::RateLimited;
        let since = match &inner.current {
            Some(current) => current.since,
            None => Instant::now(),
        };
        inner.current = Some(Current {
            reason,
            since,
            cause: Outcome::from(cause).message.unwrap_or_default(),
        });
        drop(inner);
        self.changed.send_replace(());
    }

    /// Notes that none of `reasons` holds the run up any more.
    pub(crate) fn end(&self, reasons: &[PauseReason]) {
        let mut inner = lock(&self.inner);
        inner.current = inner
            .current
            .take()
            .filter(|current| !reasons.contains(&current.reason));
    }

    /// Notes that the service has responded to a create request.
    pub(crate) fn responded(&self) {
        lock(&self.inner).is_reached = true;
        self.end(&[PauseReason::Unreachable, PauseReason::RateLimited]);
    }

    /// Notes that a prediction was created, has a new state, or has another file saved.
    pub(crate) fn progress(&self) {
        let mut inner = lock(&self.inner);
        inner.is_reached = true;
        inner.progress = Instant::now();
    }

    /// When to give up unless there is progress until then.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        let inner = lock(&self.inner);
        let current = inner.current.as_ref()?;
        let (from, limit) = if inner.never_reached() {
            (inner.began, self.give_up_after.min(FIRST_CONNECTION))
        } else {
            (current.since.max(inner.progress), self.give_up_after)
        };
        from.checked_add(limit)
    }

    /// The reason to give up now, in a word and in words; `None` before the deadline.
    pub(crate) fn expired(&self) -> Option<(PauseReason, String)> {
        let now = Instant::now();
        self.deadline().filter(|deadline| *deadline <= now)?;
        let inner = lock(&self.inner);
        let current = inner.current.as_ref()?;
        let seconds = self.give_up_after.as_secs_f64().ceil();
        let what = match current.reason {
            PauseReason::Unreachable => "the service could not be reached",
            PauseReason::RateLimited => "the service is rate limiting",
            PauseReason::Downloads => "files could not be downloaded",
            PauseReason::OpenFiles => "too many files are open",
        };
        let what = if inner.never_reached() {
            "no connection to the service could be made".to_owned()
        } else {
            format!("{what}, and no progress in {seconds} s")
        };
        Some((current.reason, format!("{what}: {}", current.cause)))
    }

    /// Is notified when something begins to hold the run up.
    pub(crate) fn subscribe(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }
}

impl Inner {
    fn never_reached(&self) -> bool {
        let unreachable = |current: &Current| current.reason == PauseReason::Unreachable;
        !self.is_reached && self.current.as_ref().is_some_and(unreachable)
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    const LIMIT: Duration = Duration::from_secs(600);

    async fn error() -> cometapi::Error {
        let client = cometapi::Client::builder().key("k").build().unwrap();
        // Any error will do: its kind is not looked at.
        client.predictions().get("a b").await.unwrap_err()
    }

    #[tokio::test(start_paused = true)]
    async fn a_service_never_reached_is_given_up_after_thirty_seconds() {
        let outage = Outage::new(LIMIT);
        assert_eq!(outage.deadline(), None);
        advance(Duration::from_secs(10)).await;
        outage.begin(PauseReason::Unreachable, &error().await);
        advance(Duration::from_secs(19)).await;
        assert!(outage.expired().is_none());
        advance(Duration::from_secs(1)).await;
        let (reason, words) = outage.expired().unwrap();
        assert_eq!(reason, PauseReason::Unreachable);
        assert!(words.starts_with("no connection to the service could be made: "));
    }

    #[tokio::test(start_paused = true)]
    async fn progress_and_the_end_of_the_outage_put_it_off() {
        let outage = Outage::new(LIMIT);
        outage.progress();
        // Nothing holds it up: a slow model is not a reason to give up.
        advance(LIMIT * 3).await;
        assert_eq!(outage.deadline(), None);
        for reason in [PauseReason::Unreachable, PauseReason::RateLimited] {
            outage.begin(reason, &error().await);
            advance(LIMIT / 2).await;
            outage.begin(reason, &error().await);
            outage.progress();
            advance(LIMIT / 2).await;
            assert!(outage.expired().is_none());
            advance(LIMIT / 2).await;
            assert_eq!(outage.expired().unwrap().0, reason);
            outage.responded();
            assert!(outage.expired().is_none());
        }
        // A response to a create request does not bring a file host back.
        outage.begin(PauseReason::Downloads, &error().await);
        outage.responded();
        advance(LIMIT).await;
        assert!(outage.expired().is_some());
        outage.end(&[PauseReason::Downloads]);
        assert!(outage.expired().is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn a_limit_without_end_never_expires() {
        let outage = Outage::new(Duration::MAX);
        outage.progress();
        outage.begin(PauseReason::RateLimited, &error().await);
        advance(LIMIT * 100).await;
        assert!(outage.expired().is_none());
    }
}
