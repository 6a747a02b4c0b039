//! Whether a host sends too slowly. Only the time counts in which the reader waits for the host:
//! a reader that takes its time between two reads does not make the host slow.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use tokio::time::{Instant, Sleep};

/// Adds up the bytes of one window of waiting after the other.
#[derive(Clone, Debug)]
struct Speed {
    /// Bytes per second.
    min: u64,
    window: Duration,
    waited: Duration,
    bytes: u64,
}

impl Speed {
    fn new(min: u64, window: Duration) -> Self {
        Self {
            min,
            window,
            waited: Duration::ZERO,
            bytes: 0,
        }
    }

    /// Adds bytes and the time it took until they arrived. Returns whether a window is over in
    /// which too few bytes arrived.
    fn is_too_slow_after(&mut self, waited: Duration, bytes: u64) -> bool {
        self.waited += waited;
        self.bytes = self.bytes.saturating_add(bytes);
        if self.waited < self.window {
            return false;
        }
        let expected = u128::from(self.min).saturating_mul(self.waited.as_nanos());
        let is_too_slow = u128::from(self.bytes).saturating_mul(1_000_000_000) < expected;
        (self.waited, self.bytes) = (Duration::ZERO, 0);
        is_too_slow
    }

    fn left(&self) -> Duration {
        self.window.saturating_sub(self.waited)
    }
}

/// Measures how long a stream of bytes keeps its reader waiting.
pub(super) struct Meter {
    speed: Speed,
    /// Since when the reader waits.
    since: Option<Instant>,
    /// Ends the window while nothing comes.
    alarm: Option<Pin<Box<Sleep>>>,
    observer: Option<Arc<WakeTime>>,
}

/// The host sends less than it must.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TooSlow {
    /// Bytes per second.
    pub(super) expected: u64,
}

impl Meter {
    /// Accepts at least `min` bytes per second on average over each `window` of waiting. With a
    /// `min` of 0 nothing is too slow.
    pub(super) fn new(min: u64, window: Duration) -> Self {
        Self {
            speed: Speed::new(min, window),
            since: None,
            alarm: None,
            observer: None,
        }
    }

    /// Polls a stream by `poll`, and counts the bytes by `size`.
    pub(super) fn poll<T>(
        &mut self,
        context: &mut Context<'_>,
        poll: impl FnOnce(&mut Context<'_>) -> Poll<T>,
        size: impl FnOnce(&T) -> u64,
    ) -> Poll<Result<T, TooSlow>> {
        if self.speed.min == 0 {
            return poll(context).map(Ok);
        }
        let observer = self.observe(context.waker());
        let woken = observer.take();
        match poll(&mut Context::from_waker(&Waker::from(observer))) {
            Poll::Ready(item) => {
                let waited = self.since.take().map_or(Duration::ZERO, |since| {
                    // When it was ready, however much later it is asked for.
                    let until = woken.unwrap_or_else(Instant::now);
                    until.saturating_duration_since(since)
                });
                self.alarm = None;
                let is_too_slow = self.speed.is_too_slow_after(waited, size(&item));
                Poll::Ready(if is_too_slow {
                    Err(self.too_slow())
                } else {
                    Ok(item)
                })
            }
            Poll::Pending => self.poll_alarm(context).map(Err),
        }
    }

    /// Returns ready when the window ends while the reader waits and too little came in it.
    fn poll_alarm(&mut self, context: &mut Context<'_>) -> Poll<TooSlow> {
        loop {
            let since = *self.since.get_or_insert_with(Instant::now);
            let left = self.speed.left();
            let alarm = self
                .alarm
                .get_or_insert_with(|| Box::pin(tokio::time::sleep_until(since + left)));
            std::task::ready!(alarm.as_mut().poll(context));
            self.alarm = None;
            let now = Instant::now();
            self.since = Some(now);
            let waited = now.saturating_duration_since(since);
            if self.speed.is_too_slow_after(waited, 0) {
                return Poll::Ready(self.too_slow());
            }
        }
    }

    fn too_slow(&self) -> TooSlow {
        TooSlow {
            expected: self.speed.min,
        }
    }

    fn observe(&mut self, waker: &Waker) -> Arc<WakeTime> {
        match &self.observer {
            Some(observer) if observer.waker.will_wake(waker) => Arc::clone(observer),
            _ => {
                let woken = self.observer.take().and_then(|observer| observer.take());
                let observer = Arc::new(WakeTime {
                    waker: waker.clone(),
                    woken: Mutex::new(woken),
                });
                Arc::clone(self.observer.insert(observer))
            }
        }
    }
}

/// Passes a wake-up on and remembers when it was.
struct WakeTime {
    waker: Waker,
    woken: Mutex<Option<Instant>>,
}

impl WakeTime {
    fn take(&self) -> Option<Instant> {
        self.woken
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
    }
}

impl Wake for WakeTime {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.woken
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get_or_insert_with(Instant::now);
        self.waker.wake_by_ref();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tokio::sync::mpsc;

    use super::*;

    const WINDOW: Duration = Duration::from_secs(30);

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn the_average_over_a_window_decides() {
        // A byte in each second.
        let mut speed = Speed::new(1000, WINDOW);
        assert!((1..30).all(|_| !speed.is_too_slow_after(seconds(1), 1)));
        assert_eq!(speed.left(), seconds(1));
        assert!(speed.is_too_slow_after(seconds(1), 1));
        // 1000 bytes per second, however they are spread.
        let mut speed = Speed::new(1000, WINDOW);
        assert!((0..300).all(|_| !speed.is_too_slow_after(seconds(1), 1000)));
        assert!(!speed.is_too_slow_after(seconds(29), 0));
        assert!(!speed.is_too_slow_after(seconds(1), 30_000));
        assert!(!speed.is_too_slow_after(seconds(29), 0));
        assert!(speed.is_too_slow_after(seconds(1), 29_999));
        // One wait longer than the window.
        assert!(speed.is_too_slow_after(seconds(60), 59_999));
        assert!(!speed.is_too_slow_after(seconds(60), 60_000));
        let mut extreme = Speed::new(u64::MAX, Duration::ZERO);
        assert!(extreme.is_too_slow_after(Duration::MAX, u64::MAX));
    }

    proptest! {
        /// A host is too slow within two windows of the time when it becomes too slow, and
        /// never while it is fast enough.
        #[test]
        fn slow_hosts_are_found_and_fast_ones_are_not(
            before in 0..100u64, per_second in 0..1000u64, fast in 1000..1_000_000u64,
        ) {
            let mut speed = Speed::new(1000, WINDOW);
            for _ in 0..before {
                prop_assert!(!speed.is_too_slow_after(seconds(1), fast));
            }
            let mut slow = (0..60).map(|_| speed.is_too_slow_after(seconds(1), per_second));
            prop_assert!(slow.any(|is_slow| is_slow));
        }
    }

    /// Reads pieces from a channel, as a download reads them from a socket.
    async fn read(
        meter: &mut Meter,
        pieces: &mut mpsc::Receiver<u64>,
    ) -> Result<Option<u64>, TooSlow> {
        std::future::poll_fn(|context| {
            meter.poll(
                context,
                |context| pieces.poll_recv(context),
                |piece| piece.unwrap_or(0),
            )
        })
        .await
    }

    #[tokio::test(start_paused = true)]
    async fn a_trickle_is_too_slow_after_one_window() {
        let (host, mut pieces) = mpsc::channel(1);
        tokio::spawn(async move {
            while host.send(1).await.is_ok() {
                tokio::time::sleep(seconds(7)).await;
            }
        });
        let mut meter = Meter::new(1000, WINDOW);
        let start = Instant::now();
        for _ in 0..5 {
            assert_eq!(read(&mut meter, &mut pieces).await, Ok(Some(1)));
        }
        let slow = Err(TooSlow { expected: 1000 });
        assert_eq!(read(&mut meter, &mut pieces).await, slow);
        assert_eq!(start.elapsed(), WINDOW);
        // Silence counts as well.
        let (host, mut silent) = mpsc::channel(1);
        tokio::spawn(async move {
            tokio::time::sleep(10 * WINDOW).await;
            host.send(1).await
        });
        let mut meter = Meter::new(1000, WINDOW);
        let start = Instant::now();
        assert_eq!(read(&mut meter, &mut silent).await, slow);
        assert_eq!(start.elapsed(), WINDOW);
    }

    #[tokio::test(start_paused = true)]
    async fn a_minimum_of_zero_never_ends_a_download() {
        let (host, mut pieces) = mpsc::channel(1);
        tokio::spawn(async move {
            tokio::time::sleep(seconds(3600)).await;
            host.send(1).await
        });
        let mut meter = Meter::new(0, WINDOW);
        assert_eq!(read(&mut meter, &mut pieces).await, Ok(Some(1)));
        assert_eq!(read(&mut meter, &mut pieces).await, Ok(None));
    }

    /// The reader begins to wait, a byte arrives a second later, and the reader comes back for
    /// it after a minute; or it does not wait at all.
    #[tokio::test(start_paused = true)]
    async fn a_slow_reader_does_not_make_a_host_slow() {
        let (host, mut pieces) = mpsc::channel(1);
        let mut meter = Meter::new(10, WINDOW);
        for _ in 0..20 {
            {
                let mut reading = std::pin::pin!(read(&mut meter, &mut pieces));
                let polled = std::future::poll_fn(|context| {
                    Poll::Ready(reading.as_mut().poll(context).is_pending())
                });
                assert!(polled.await);
            }
            tokio::time::advance(seconds(1)).await;
            host.send(20).await.unwrap();
            tokio::time::advance(seconds(60)).await;
            assert_eq!(read(&mut meter, &mut pieces).await, Ok(Some(20)));
            host.send(1).await.unwrap();
            tokio::time::advance(seconds(60)).await;
            assert_eq!(read(&mut meter, &mut pieces).await, Ok(Some(1)));
        }
    }
}
