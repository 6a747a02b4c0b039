//! One limiter that all create requests of a run go through, so that what the service answers to one row
//! counts for all.
//!
//! How many may be inside grows slowly and is halved by a 429 (additive increase,
//! multiplicative decrease); while the service is not reached, one at a time tries.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use cometapi::Backoff;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use crate::lock::lock;

/// The longest pause, whatever the service asks for: then it is asked again.
const LONGEST: Duration = Duration::from_secs(24 * 3600);

#[derive(Debug)]
pub(crate) struct Limiter {
    inner: Mutex<Inner>,
    changed: watch::Sender<()>,
    most: f64,
    backoff: Backoff,
}

#[derive(Debug)]
struct Inner {
    limit: f64,
    /// What the limit was before the network went away.
    before: Option<f64>,
    inside: u32,
    /// Counts the pauses. What began before the last one says nothing new.
    epoch: u64,
    until: Option<Instant>,
    /// No permit is granted until this ends, however long it takes.
    held: bool,
    troubles: u32,
    closed: bool,
}

/// Leave to create, and to run until it is dropped.
#[derive(Debug)]
pub(crate) struct Permit {
    limiter: Arc<Limiter>,
    epoch: u64,
    /// Whether this is the first after a pause.
    pub(crate) resumed: bool,
}

impl Limiter {
    pub(crate) fn new(most: usize, backoff: Backoff) -> Arc<Self> {
        // Concurrency in the millions would lose precision, and nothing else.
        let most = f64::from(u32::try_from(most.max(1)).unwrap_or(u32::MAX));
        Arc::new(Self {
            inner: Mutex::new(Inner {
                limit: most,
                before: None,
                inside: 0,
                epoch: 0,
                until: None,
                held: false,
                troubles: 0,
                closed: false,
            }),
            changed: watch::Sender::new(()),
            most,
            backoff,
        })
    }

    /// Waits for its turn; `None` once the limiter is closed.
    pub(crate) async fn acquire(self: &Arc<Self>) -> Option<Permit> {
        let mut changed = self.changed.subscribe();
        loop {
            let until = {
                let mut inner = lock(&self.inner);
                if inner.closed {
                    return None;
                }
                let paused = inner.until.filter(|until| Instant::now() < *until);
                if paused.is_none() && !inner.held && f64::from(inner.inside) < inner.limit.floor()
                {
                    inner.inside += 1;
                    return Some(Permit {
                        limiter: Arc::clone(self),
                        epoch: inner.epoch,
                        resumed: inner.until.take().is_some(),
                    });
                }
                paused
            };
            match until {
                // Cannot fail: `self` owns the sender.
                None => _ = changed.changed().await,
                Some(until) => tokio::select! {
                    _ = changed.changed() => {}
                    () = sleep_until(until) => {}
                },
            }
        }
    }

    /// Grants no permit any more.
    pub(crate) fn close(&self) {
        lock(&self.inner).closed = true;
        self.changed.send_replace(());
    }

    /// Grants no permit until [`release`](Self::release).
    pub(crate) fn hold(&self) {
        lock(&self.inner).held = true;
    }

    /// Ends a [`hold`](Self::hold).
    pub(crate) fn release(&self) {
        let mut inner = lock(&self.inner);
        inner.held = false;
        // The next one in says that create requests continue.
        inner.until.get_or_insert_with(Instant::now);
        drop(inner);
        self.changed.send_replace(());
    }

    /// How many may be inside at present.
    pub(crate) fn limit(&self) -> u32 {
        // Between 1 and what came out of a u32.
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let limit = lock(&self.inner).limit.floor() as u32;
        limit
    }

    fn pause(
        &self,
        epoch: u64,
        retry_after: Option<Duration>,
        narrow: impl FnOnce(&mut Inner),
    ) -> Option<Duration> {
        let mut inner = lock(&self.inner);
        let news = epoch == inner.epoch;
        let own = self.backoff.delay(inner.troubles, fastrand::f64());
        let pause = retry_after.map_or(own, |retry_after| {
            retry_after.saturating_add(own.mul_f64(0.1))
        });
        let pause = pause.min(LONGEST);
        let until = Instant::now() + pause;
        let longer = inner.until.is_none_or(|known| known < until);
        if news {
            inner.epoch += 1;
            inner.troubles = inner.troubles.saturating_add(1);
            narrow(&mut inner);
        } else if !(longer && retry_after.is_some()) {
            return None;
        }
        if longer {
            inner.until = Some(until);
        }
        drop(inner);
        self.changed.send_replace(());
        Some(pause)
    }
}

impl Permit {
    /// The service accepted the create request: a little more may run at once.
    pub(crate) fn accepted(&self) {
        let mut inner = lock(&self.limiter.inner);
        inner.troubles = 0;
        if let Some(before) = inner.before.take() {
            inner.limit = before;
        }
        inner.limit = (inner.limit + 1.0 / inner.limit).min(self.limiter.most);
        drop(inner);
        self.limiter.changed.send_replace(());
    }

    /// The service answered 429. How long all create requests now pause, unless that is not new.
    pub(crate) fn limited(&self, retry_after: Option<Duration>) -> Option<Duration> {
        self.limiter.pause(self.epoch, retry_after, |inner| {
            inner.limit = (inner.limit / 2.0).max(1.0);
        })
    }

    /// The service was not reached. How long all create requests now pause, unless that is not new.
    pub(crate) fn away(&self) -> Option<Duration> {
        self.limiter.pause(self.epoch, None, |inner| {
            let limit = inner.limit;
            inner.before.get_or_insert(limit);
            inner.limit = 1.0;
        })
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        lock(&self.limiter.inner).inside -= 1;
        self.limiter.changed.send_replace(());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limiter(most: usize) -> Arc<Limiter> {
        let backoff = Backoff {
            jitter: 0.0,
            ..Backoff::default()
        };
        Limiter::new(most, backoff)
    }

    #[tokio::test(start_paused = true)]
    async fn one_429_pauses_all_and_halves_once() {
        let limiter = limiter(8);
        let (one, other) = (
            limiter.acquire().await.unwrap(),
            limiter.acquire().await.unwrap(),
        );
        let retry_after = Some(Duration::from_secs(7));
        assert_eq!(one.limited(retry_after), Some(Duration::from_millis(7100)));
        assert_eq!(other.limited(Some(Duration::from_secs(1))), None);
        assert_eq!(limiter.limit(), 4);
        drop((one, other));
        let began = Instant::now();
        let permit = limiter.acquire().await.unwrap();
        assert_eq!(began.elapsed(), Duration::from_millis(7100));
        assert!(permit.resumed && !limiter.acquire().await.unwrap().resumed);
    }

    #[tokio::test(start_paused = true)]
    async fn the_limit_grows_back_slowly() {
        let limiter = limiter(4);
        limiter.acquire().await.unwrap().limited(None);
        assert_eq!(limiter.limit(), 2);
        let mut needed = 0;
        while limiter.limit() < 4 {
            limiter.acquire().await.unwrap().accepted();
            needed += 1;
        }
        assert!((5..9).contains(&needed), "{needed}");
    }

    #[tokio::test(start_paused = true)]
    async fn while_the_service_is_away_one_tries_at_growing_intervals() {
        let limiter = limiter(4);
        for seconds in [1.0, 1.5, 2.25] {
            let began = Instant::now();
            let permit = limiter.acquire().await.unwrap();
            if began.elapsed() > Duration::ZERO {
                assert_eq!(limiter.limit(), 1);
            }
            assert_eq!(permit.away(), Some(Duration::from_secs_f64(seconds)));
        }
        limiter.acquire().await.unwrap().accepted();
        assert_eq!(limiter.limit(), 4);
    }

    #[tokio::test]
    async fn a_held_limiter_grants_no_permit_until_it_is_released() {
        let limiter = limiter(2);
        limiter.hold();
        let waiting = tokio::spawn({
            let limiter = Arc::clone(&limiter);
            async move { limiter.acquire().await.unwrap().resumed }
        });
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        limiter.release();
        assert!(waiting.await.unwrap());
        assert!(!limiter.acquire().await.unwrap().resumed);
    }

    #[tokio::test(start_paused = true)]
    async fn an_absurd_delay_is_capped() {
        let permit = limiter(1).acquire().await.unwrap();
        assert_eq!(permit.limited(Some(Duration::MAX)), Some(LONGEST));
    }

    #[tokio::test]
    async fn a_closed_limiter_refuses_those_that_wait() {
        let limiter = limiter(1);
        let permit = limiter.acquire().await.unwrap();
        let waiting = tokio::spawn({
            let limiter = Arc::clone(&limiter);
            async move { limiter.acquire().await.is_none() }
        });
        tokio::task::yield_now().await;
        limiter.close();
        assert!(waiting.await.unwrap());
        drop(permit);
    }
}
