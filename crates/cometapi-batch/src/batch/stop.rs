//! Ending a run early.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

/// A handle that ends a run early, as Ctrl-C or SIGTERM does. Clones are the same handle.
///
/// ```
/// use cometapi_batch::Stop;
///
/// let stop = Stop::new();
/// stop.request(); // no new create requests; running predictions continue to their end
/// stop.request(); // leave at once: the ids are in the ledger
///
/// let stop = Stop::new();
/// stop.leave(Stop::RESPONSE_TIMEOUT); // leave when no create request is in flight
/// ```
#[derive(Clone, Debug)]
pub struct Stop(watch::Sender<Requested>);

/// How soon a run has to end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Urgency {
    /// The run continues.
    #[default]
    None,
    /// No new create requests; running predictions continue to their end.
    Finish,
    /// No new create requests; it ends when none is in flight.
    Leave,
    /// It ends at once.
    Now,
}

#[derive(Debug, Default)]
struct Requested {
    times: u8,
    urgency: Urgency,
    leave_by: Option<Instant>,
}

impl Default for Stop {
    fn default() -> Self {
        Self::new()
    }
}

impl Stop {
    /// How long a process that is asked to end waits for the responses to create requests in
    /// flight: 8 s. Docker kills a container 10 s after SIGTERM, so this leaves 2 s to record
    /// the ids.
    pub const RESPONSE_TIMEOUT: Duration = Duration::from_secs(8);

    /// A handle that has not been asked yet.
    pub fn new() -> Self {
        Self(watch::Sender::default())
    }

    /// The first time: nothing new is created, running predictions continue to their end. The second time:
    /// the run leaves at once.
    pub fn request(&self) {
        self.raise(None, |requested| match requested.urgency {
            Urgency::None => Urgency::Finish,
            _ => Urgency::Now,
        });
    }

    /// Asks for no new create requests. Unlike [`request`](Self::request), a second call does
    /// not make the run leave.
    pub fn stop_creating(&self) {
        self.raise(None, |requested| requested.urgency.max(Urgency::Finish));
    }

    /// Sends no new create requests, waits up to `within` for the responses to those in flight,
    /// and leaves running predictions to the next run. The second time, the run leaves at once.
    ///
    /// A create request without a response by then is unresolved.
    pub fn leave(&self, within: Duration) {
        let leave_by = Instant::now().checked_add(within);
        self.raise(leave_by, |requested| match requested.urgency {
            Urgency::None | Urgency::Finish => Urgency::Leave,
            _ => Urgency::Now,
        });
    }

    fn raise(&self, leave_by: Option<Instant>, urgency: impl FnOnce(&Requested) -> Urgency) {
        self.0.send_modify(|requested| {
            requested.urgency = urgency(requested);
            requested.times = requested.times.saturating_add(1);
            if requested.leave_by.is_none() {
                requested.leave_by = leave_by;
            }
        });
    }

    /// How often it has been asked.
    pub fn requested(&self) -> u8 {
        self.0.borrow().times
    }

    /// Waits until it has been asked `times` times.
    pub async fn asked(&self, times: u8) {
        self.until(|requested| requested.times >= times).await;
    }

    /// Waits until the run is asked to leave, by [`leave`](Self::leave) or a second
    /// [`request`](Self::request).
    pub async fn leaving(&self) {
        self.beyond(Urgency::Finish).await;
    }

    pub(crate) fn urgency(&self) -> Urgency {
        self.0.borrow().urgency
    }

    /// Waits until the run has to end sooner than by `urgency`.
    pub(crate) async fn beyond(&self, urgency: Urgency) {
        self.until(|requested| requested.urgency > urgency).await;
    }

    /// Waits for the end of the time that [`leave`](Self::leave) gave.
    pub(crate) async fn overdue(&self) {
        self.until(|requested| requested.leave_by.is_some()).await;
        let leave_by = self.0.borrow().leave_by;
        if let Some(leave_by) = leave_by {
            tokio::time::sleep_until(leave_by).await;
        }
    }

    /// Whether the run has to end without waiting for anything.
    pub(crate) fn is_due(&self) -> bool {
        let requested = self.0.borrow();
        requested.urgency == Urgency::Now
            || requested.leave_by.is_some_and(|by| by <= Instant::now())
    }

    async fn until(&self, mut reached: impl FnMut(&Requested) -> bool) {
        // Cannot fail: `self` owns the sender.
        let _ = self.0.subscribe().wait_for(|now| reached(now)).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn urgency(calls: &[fn(&Stop)]) -> Urgency {
        let stop = Stop::new();
        for call in calls {
            call(&stop);
        }
        stop.urgency()
    }

    #[tokio::test]
    async fn each_request_makes_the_end_more_urgent() {
        let request: fn(&Stop) = Stop::request;
        let once: fn(&Stop) = Stop::stop_creating;
        let leave: fn(&Stop) = |stop| stop.leave(Duration::MAX);
        for (calls, expected) in [
            (&[][..], Urgency::None),
            (&[request], Urgency::Finish),
            (&[request, request], Urgency::Now),
            (&[once, once], Urgency::Finish),
            (&[leave, once], Urgency::Leave),
            (&[leave], Urgency::Leave),
            (&[request, leave], Urgency::Leave),
            (&[leave, leave], Urgency::Now),
            (&[leave, request], Urgency::Now),
        ] {
            assert_eq!(urgency(calls), expected, "{} calls", calls.len());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_time_to_leave_is_that_of_the_first_call() {
        let stop = Stop::new();
        let began = Instant::now();
        stop.leave(Stop::RESPONSE_TIMEOUT);
        assert!(!stop.is_due());
        stop.overdue().await;
        assert_eq!(began.elapsed(), Stop::RESPONSE_TIMEOUT);
        assert!(stop.is_due());
    }
}
