//! The rate limiter, which create requests share so that the response to one counts for all.
//!
//! How many predictions may run at once grows slowly and is halved by a 429 (additive increase,
//! multiplicative decrease); while the service is not reached, one at a time tries.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

use crate::core::backoff::Backoff;
use crate::core::error::Error;
use crate::core::error_kind::ErrorKind;
use crate::core::prediction::Prediction;

/// The longest pause, whatever the service asks for: then it is asked again.
const LONGEST: Duration = Duration::from_secs(24 * 3600);

/// A rate limiter for create requests: how many predictions may run at once, and pauses that
/// all of them keep.
///
/// A 429 to one request halves the limit and pauses all of them; each created prediction raises
/// the limit a little, up to where it began. While the service cannot be reached, one request at a
/// time tries. The clones of a limiter share its state.
///
/// Create requests that share a limiter should not retry by themselves: set
/// [`CreatePolicy::max_attempts`](crate::CreatePolicy::max_attempts) to 1.
///
/// ```no_run
/// use cometapi::models::flux_schnell::FluxSchnell;
/// use cometapi::{Client, Error, Limiter, Prediction};
///
/// async fn run(client: Client, limiter: Limiter, input: FluxSchnell) -> Result<Prediction, Error> {
///     loop {
///         let permit = limiter.acquire().await;
///         let created = client.predictions().create(&input).await;
///         if permit.record(&created).is_some() {
///             continue; // Nothing was created. The next `acquire` waits for the end of the pause.
///         }
///         return client.predictions().follow(created?).await;
///     }
/// }
/// ```
#[derive(Clone, Debug)]
pub struct Limiter(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    changed: watch::Sender<()>,
    most: f64,
    backoff: Backoff,
}

#[derive(Debug)]
struct State {
    limit: f64,
    /// What the limit was before the network went away.
    before: Option<f64>,
    running: u32,
    /// Counts the pauses. What began before the last one says nothing new.
    epoch: u64,
    until: Option<Instant>,
    /// No permit is granted until this ends, however long it takes.
    held: bool,
    troubles: u32,
}

/// Permission to create one prediction, which counts as running until the permit is dropped.
#[derive(Debug)]
#[must_use = "a permit counts until it is dropped"]
pub struct Permit {
    shared: Arc<Shared>,
    epoch: u64,
    is_first_after_pause: bool,
}

impl Limiter {
    /// Creates a limiter that lets at most `most` predictions run at once, 1 at least.
    pub fn new(most: usize) -> Self {
        Self::with_backoff(most, Backoff::default())
    }

    /// The same with other pauses, for when the service does not say how long to wait.
    pub fn with_backoff(most: usize, backoff: Backoff) -> Self {
        // Concurrency in the millions would lose precision, and nothing else.
        let most = f64::from(u32::try_from(most.max(1)).unwrap_or(u32::MAX));
        Self(Arc::new(Shared {
            state: Mutex::new(State {
                limit: most,
                before: None,
                running: 0,
                epoch: 0,
                until: None,
                held: false,
                troubles: 0,
            }),
            changed: watch::Sender::new(()),
            most,
            backoff,
        }))
    }

    /// Waits until another prediction may be created. Dropping the future gives up no permit.
    pub async fn acquire(&self) -> Permit {
        let mut changed = self.0.changed.subscribe();
        loop {
            let until = {
                let mut state = self.0.lock();
                // Without a runtime there are no timers, and the create request says so.
                let is_paused =
                    |until: &Instant| Instant::now() < *until && Handle::try_current().is_ok();
                let paused = state.until.filter(is_paused);
                if paused.is_none() && !state.held && f64::from(state.running) < state.limit.floor()
                {
                    state.running += 1;
                    return Permit {
                        shared: Arc::clone(&self.0),
                        epoch: state.epoch,
                        is_first_after_pause: state.until.take().is_some(),
                    };
                }
                paused
            };
            // Neither can fail: `self` owns the sender, and the end of a pause is no error.
            match until {
                None => _ = changed.changed().await,
                Some(until) => _ = timeout_at(until, changed.changed()).await,
            }
        }
    }

    /// Grants no permit until [`release`](Self::release).
    pub fn hold(&self) {
        self.0.lock().held = true;
    }

    /// Ends a [`hold`](Self::hold).
    pub fn release(&self) {
        let mut state = self.0.lock();
        state.held = false;
        // The next one in says that create requests continue.
        state.until.get_or_insert_with(Instant::now);
        drop(state);
        self.0.changed.send_replace(());
    }

    /// Grants no permit for this long, because the service has rate limited another process. A longer pause stays.
    /// Returns whether that is news: a pause that ends within a second of a known one is not.
    pub fn pause(&self, pause: Duration) -> bool {
        const SAME: Duration = Duration::from_secs(1);
        let mut state = self.0.lock();
        let until = Instant::now() + pause.min(LONGEST);
        let is_news = state.until.is_none_or(|known| known + SAME < until);
        if state.until.is_none_or(|known| known < until) {
            state.until = Some(until);
        }
        drop(state);
        self.0.changed.send_replace(());
        is_news
    }

    /// Returns how many predictions may run at once at present.
    pub fn limit(&self) -> u32 {
        // Between 1 and what came out of a u32.
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let limit = self.0.lock().limit.floor() as u32;
        limit
    }
}

impl Shared {
    /// A panic while the lock was held leaves the state whole: each change is a single step.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn pause(
        &self,
        epoch: u64,
        retry_after: Option<Duration>,
        narrow: impl FnOnce(&mut State),
    ) -> Option<Duration> {
        let mut state = self.lock();
        let is_news = epoch == state.epoch;
        let own = self.backoff.delay(state.troubles, fastrand::f64());
        let pause = retry_after.map_or(own, |retry_after| {
            retry_after.saturating_add(own.mul_f64(0.1))
        });
        let pause = pause.min(LONGEST);
        let until = Instant::now() + pause;
        let is_longer = state.until.is_none_or(|known| known < until);
        if is_news {
            state.epoch += 1;
            state.troubles = state.troubles.saturating_add(1);
            narrow(&mut state);
        } else if !(is_longer && retry_after.is_some()) {
            return None;
        }
        if is_longer {
            state.until = Some(until);
        }
        drop(state);
        self.changed.send_replace(());
        Some(pause)
    }
}

impl Permit {
    /// Records what the create request resulted in, for all that share the limiter. Returns
    /// `Some` if nothing was created and the request may be sent again, with a new permit: it was
    /// rate limited, or the service was not reached. The duration is the pause that began, zero
    /// if an earlier one covers it.
    pub fn record(&self, created: &Result<Prediction, Error>) -> Option<Duration> {
        let pause = match created {
            Ok(_) => {
                self.accepted();
                return None;
            }
            Err(e) if e.kind() == ErrorKind::RateLimited => self.rate_limited(e.retry_after()),
            Err(e) if e.kind() == ErrorKind::NeverReached && !e.is_permanent() => {
                self.unreachable()
            }
            Err(_) => return None,
        };
        Some(pause.unwrap_or_default())
    }

    /// Records that the service accepted the create request: a little more may run at once.
    pub fn accepted(&self) {
        let mut state = self.shared.lock();
        state.troubles = 0;
        if let Some(before) = state.before.take() {
            state.limit = before;
        }
        state.limit = (state.limit + 1.0 / state.limit).min(self.shared.most);
        drop(state);
        self.shared.changed.send_replace(());
    }

    /// Records a 429. Returns how long all create requests now pause, unless that is not new.
    pub fn rate_limited(&self, retry_after: Option<Duration>) -> Option<Duration> {
        self.shared.pause(self.epoch, retry_after, |state| {
            state.limit = (state.limit / 2.0).max(1.0);
        })
    }

    /// Records that the service was not reached. Returns how long all create requests now pause,
    /// unless that is not new.
    pub fn unreachable(&self) -> Option<Duration> {
        self.shared.pause(self.epoch, None, |state| {
            let limit = state.limit;
            state.before.get_or_insert(limit);
            state.limit = 1.0;
        })
    }

    /// Returns whether it is the first permit after a pause.
    pub fn is_first_after_pause(&self) -> bool {
        self.is_first_after_pause
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.shared.lock().running -= 1;
        self.shared.changed.send_replace(());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limiter(most: usize) -> Limiter {
        let backoff = Backoff {
            jitter: 0.0,
            ..Backoff::default()
        };
        Limiter::with_backoff(most, backoff)
    }

    #[tokio::test(start_paused = true)]
    async fn one_429_pauses_all_and_halves_once() {
        let limiter = limiter(8);
        let (one, other) = (limiter.acquire().await, limiter.acquire().await);
        let retry_after = Some(Duration::from_secs(7));
        assert_eq!(
            one.rate_limited(retry_after),
            Some(Duration::from_millis(7100))
        );
        assert_eq!(other.rate_limited(Some(Duration::from_secs(1))), None);
        assert_eq!(limiter.limit(), 4);
        drop((one, other));
        let began = Instant::now();
        let permit = limiter.acquire().await;
        assert_eq!(began.elapsed(), Duration::from_millis(7100));
        assert!(permit.is_first_after_pause() && !limiter.acquire().await.is_first_after_pause());
    }

    #[tokio::test(start_paused = true)]
    async fn the_limit_grows_back_slowly() {
        let limiter = limiter(4);
        limiter.acquire().await.rate_limited(None);
        assert_eq!(limiter.limit(), 2);
        let mut needed = 0;
        while limiter.limit() < 4 {
            limiter.acquire().await.accepted();
            needed += 1;
        }
        assert!((5..9).contains(&needed), "{needed}");
    }

    #[tokio::test(start_paused = true)]
    async fn while_the_service_is_away_one_tries_at_growing_intervals() {
        let limiter = limiter(4);
        for seconds in [1.0, 1.5, 2.25] {
            let began = Instant::now();
            let permit = limiter.acquire().await;
            if began.elapsed() > Duration::ZERO {
                assert_eq!(limiter.limit(), 1);
            }
            assert_eq!(permit.unreachable(), Some(Duration::from_secs_f64(seconds)));
        }
        limiter.acquire().await.accepted();
        assert_eq!(limiter.limit(), 4);
    }

    #[tokio::test]
    async fn a_held_limiter_grants_no_permit_until_it_is_released() {
        let limiter = limiter(2);
        limiter.hold();
        let waiting = tokio::spawn({
            let limiter = limiter.clone();
            async move { limiter.acquire().await.is_first_after_pause() }
        });
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        limiter.release();
        assert!(waiting.await.unwrap());
        assert!(!limiter.acquire().await.is_first_after_pause());
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_of_another_process_is_kept_unless_a_longer_one_is_known() {
        let limiter = limiter(8);
        assert!(limiter.pause(Duration::from_secs(5)));
        assert!(!limiter.pause(Duration::from_secs(2)));
        assert!(!limiter.pause(Duration::from_millis(5500)));
        assert_eq!(limiter.limit(), 8);
        let began = Instant::now();
        let permit = limiter.acquire().await;
        assert_eq!(began.elapsed(), Duration::from_millis(5500));
        assert!(permit.is_first_after_pause());
        permit.rate_limited(Some(Duration::from_secs(60)));
        assert!(!limiter.pause(Duration::from_secs(7)));
        assert!(limiter.pause(Duration::from_secs(600)));
    }

    #[tokio::test(start_paused = true)]
    async fn an_absurd_delay_is_capped() {
        let permit = limiter(1).acquire().await;
        assert_eq!(permit.rate_limited(Some(Duration::MAX)), Some(LONGEST));
    }

    #[tokio::test(start_paused = true)]
    async fn what_a_create_request_resulted_in_is_recorded() {
        let limiter = limiter(4);
        let error = |kind| Err(Error::new(kind, "m"));
        for (response, pause, limit) in [
            (error(ErrorKind::RateLimited), Some(1000), 2),
            (error(ErrorKind::NeverReached), Some(1500), 1),
            (error(ErrorKind::MaybeAccepted), None, 1),
            (error(ErrorKind::Refused), None, 1),
        ] {
            let pause = pause.map(Duration::from_millis);
            assert_eq!(limiter.acquire().await.record(&response), pause);
            assert_eq!(limiter.limit(), limit);
        }
        let permanent = Err(Error::new(ErrorKind::NeverReached, "m").permanent());
        assert_eq!(limiter.acquire().await.record(&permanent), None);
        let (one, other) = (limiter.clone(), limiter);
        let permit = one.acquire().await;
        permit.accepted();
        let late = other.acquire().await;
        permit.rate_limited(None);
        assert_eq!(
            late.record(&error(ErrorKind::RateLimited)),
            Some(Duration::ZERO)
        );
    }

    #[test]
    fn a_paused_limiter_does_not_panic_outside_a_runtime() {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = runtime.enable_time().build().unwrap();
        let limiter = limiter(1);
        runtime.block_on(async {
            limiter.acquire().await.rate_limited(None);
        });
        let mut acquire = std::pin::pin!(limiter.acquire());
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        assert!(acquire.as_mut().poll(&mut context).is_ready());
    }
}
