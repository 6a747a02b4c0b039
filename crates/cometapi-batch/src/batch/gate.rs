//! One gate that all creates of a run go through, so that what the service says to one row
//! counts for all.
//!
//! How many may be inside grows slowly and is halved by a 429 (additive increase,
//! multiplicative decrease); while the service is not reached, one at a time tries.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use cometapi::Backoff;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

/// The longest pause, whatever the service asks for: then it is asked again.
const LONGEST: Duration = Duration::from_secs(24 * 3600);

#[derive(Debug)]
pub(crate) struct Gate {
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
    /// Nobody is let in until this is over, however long it takes.
    held: bool,
    troubles: u32,
    closed: bool,
}

/// Leave to create, and to run until it is dropped.
#[derive(Debug)]
pub(crate) struct Pass {
    gate: Arc<Gate>,
    epoch: u64,
    /// Whether this is the first after a pause.
    pub(crate) resumed: bool,
}

impl Gate {
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

    /// Waits for its turn; `None` once the gate is closed.
    pub(crate) async fn enter(self: &Arc<Self>) -> Option<Pass> {
        let mut changed = self.changed.subscribe();
        loop {
            let until = {
                let mut inner = self.lock();
                if inner.closed {
                    return None;
                }
                let paused = inner.until.filter(|until| Instant::now() < *until);
                if paused.is_none() && !inner.held && f64::from(inner.inside) < inner.limit.floor()
                {
                    inner.inside += 1;
                    return Some(Pass {
                        gate: Arc::clone(self),
                        epoch: inner.epoch,
                        resumed: inner.until.take().is_some(),
                    });
                }
                paused
            };
            match until {
                // An error would be that the gate is gone, which this holds.
                None => _ = changed.changed().await,
                Some(until) => tokio::select! {
                    _ = changed.changed() => {}
                    () = sleep_until(until) => {}
                },
            }
        }
    }

    /// Lets nobody in any more.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.changed.send_replace(());
    }

    /// Lets nobody in until [`release`](Self::release).
    pub(crate) fn hold(&self) {
        self.lock().held = true;
    }

    /// Ends a [`hold`](Self::hold).
    pub(crate) fn release(&self) {
        let mut inner = self.lock();
        inner.held = false;
        // The next one in says that create requests go on.
        inner.until.get_or_insert_with(Instant::now);
        drop(inner);
        self.changed.send_replace(());
    }

    /// How many may be inside at present.
    pub(crate) fn limit(&self) -> u32 {
        // Between 1 and what came out of a u32.
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let limit = self.lock().limit.floor() as u32;
        limit
    }

    fn pause(
        &self,
        epoch: u64,
        told: Option<Duration>,
        narrow: impl FnOnce(&mut Inner),
    ) -> Option<Duration> {
        let mut inner = self.lock();
        let news = epoch == inner.epoch;
        let own = self.backoff.delay(inner.troubles, fastrand::f64());
        let pause = told.map_or(own, |told| told.saturating_add(own.mul_f64(0.1)));
        let pause = pause.min(LONGEST);
        let until = Instant::now() + pause;
        let longer = inner.until.is_none_or(|known| known < until);
        if news {
            inner.epoch += 1;
            inner.troubles = inner.troubles.saturating_add(1);
            narrow(&mut inner);
        } else if !(longer && told.is_some()) {
            return None;
        }
        if longer {
            inner.until = Some(until);
        }
        drop(inner);
        self.changed.send_replace(());
        Some(pause)
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Nothing in here panics half-way.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pass {
    /// The service took the create: a little more may run at once.
    pub(crate) fn accepted(&self) {
        let mut inner = self.gate.lock();
        inner.troubles = 0;
        if let Some(before) = inner.before.take() {
            inner.limit = before;
        }
        inner.limit = (inner.limit + 1.0 / inner.limit).min(self.gate.most);
        drop(inner);
        self.gate.changed.send_replace(());
    }

    /// The service said 429. How long all creates now pause, unless that is no news.
    pub(crate) fn limited(&self, told: Option<Duration>) -> Option<Duration> {
        self.gate.pause(self.epoch, told, |inner| {
            inner.limit = (inner.limit / 2.0).max(1.0);
        })
    }

    /// The service was not reached. How long all creates now pause, unless that is no news.
    pub(crate) fn away(&self) -> Option<Duration> {
        self.gate.pause(self.epoch, None, |inner| {
            let limit = inner.limit;
            inner.before.get_or_insert(limit);
            inner.limit = 1.0;
        })
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        self.gate.lock().inside -= 1;
        self.gate.changed.send_replace(());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gate(most: usize) -> Arc<Gate> {
        let backoff = Backoff {
            jitter: 0.0,
            ..Backoff::default()
        };
        Gate::new(most, backoff)
    }

    #[tokio::test(start_paused = true)]
    async fn one_429_pauses_all_and_halves_once() {
        let gate = gate(8);
        let (one, other) = (gate.enter().await.unwrap(), gate.enter().await.unwrap());
        let told = Some(Duration::from_secs(7));
        assert_eq!(one.limited(told), Some(Duration::from_millis(7100)));
        assert_eq!(other.limited(Some(Duration::from_secs(1))), None);
        assert_eq!(gate.limit(), 4);
        drop((one, other));
        let began = Instant::now();
        let pass = gate.enter().await.unwrap();
        assert_eq!(began.elapsed(), Duration::from_millis(7100));
        assert!(pass.resumed && !gate.enter().await.unwrap().resumed);
    }

    #[tokio::test(start_paused = true)]
    async fn the_limit_grows_back_slowly() {
        let gate = gate(4);
        gate.enter().await.unwrap().limited(None);
        assert_eq!(gate.limit(), 2);
        let mut needed = 0;
        while gate.limit() < 4 {
            gate.enter().await.unwrap().accepted();
            needed += 1;
        }
        assert!((5..9).contains(&needed), "{needed}");
    }

    #[tokio::test(start_paused = true)]
    async fn while_the_service_is_away_one_tries_at_growing_intervals() {
        let gate = gate(4);
        for seconds in [1.0, 1.5, 2.25] {
            let began = Instant::now();
            let pass = gate.enter().await.unwrap();
            if began.elapsed() > Duration::ZERO {
                assert_eq!(gate.limit(), 1);
            }
            assert_eq!(pass.away(), Some(Duration::from_secs_f64(seconds)));
        }
        gate.enter().await.unwrap().accepted();
        assert_eq!(gate.limit(), 4);
    }

    #[tokio::test]
    async fn a_held_gate_lets_nobody_in_until_it_is_released() {
        let gate = gate(2);
        gate.hold();
        let waiting = tokio::spawn({
            let gate = Arc::clone(&gate);
            async move { gate.enter().await.unwrap().resumed }
        });
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        gate.release();
        assert!(waiting.await.unwrap());
        assert!(!gate.enter().await.unwrap().resumed);
    }

    #[tokio::test(start_paused = true)]
    async fn an_absurd_delay_is_capped() {
        let pass = gate(1).enter().await.unwrap();
        assert_eq!(pass.limited(Some(Duration::MAX)), Some(LONGEST));
    }

    #[tokio::test]
    async fn a_closed_gate_turns_away_who_waits() {
        let gate = gate(1);
        let pass = gate.enter().await.unwrap();
        let waiting = tokio::spawn({
            let gate = Arc::clone(&gate);
            async move { gate.enter().await.is_none() }
        });
        tokio::task::yield_now().await;
        gate.close();
        assert!(waiting.await.unwrap());
        drop(pass);
    }
}
