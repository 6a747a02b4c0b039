//! What the live line shows.

use std::time::{Duration, Instant};

use super::Retrying;

/// The state of the work.
pub(super) struct View {
    state: String,
    began: Instant,
    /// How long a prediction of the model usually takes.
    pub(super) usual: Option<Duration>,
    retry: Option<Retry>,
    /// Until when nothing is sent.
    paused_until: Option<Instant>,
}

/// A request that is repeated.
struct Retry {
    at: Instant,
    next: u32,
    of: Option<u32>,
}

impl View {
    pub(super) fn new(state: &str) -> Self {
        Self {
            state: state.to_owned(),
            began: Instant::now(),
            usual: None,
            retry: None,
            paused_until: None,
        }
    }

    pub(super) fn set_pause(&mut self, pause: Duration) {
        self.paused_until = Some(Instant::now() + pause);
    }

    pub(super) fn set_state(&mut self, state: &str) {
        state.clone_into(&mut self.state);
        self.retry = None;
    }

    pub(super) fn set_retry(&mut self, retrying: &Retrying<'_>) {
        self.retry = Some(Retry {
            at: Instant::now() + retrying.pause,
            next: retrying.next,
            of: retrying.of,
        });
    }

    /// The line of one prediction.
    pub(super) fn of_one(&self) -> String {
        let state = self.retry_at(Instant::now());
        let state = state.as_deref().unwrap_or(&self.state);
        one(state, self.began.elapsed(), self.usual)
    }

    /// The line of a batch, whose state is a line already.
    pub(super) fn of_many(&self) -> String {
        let now = Instant::now();
        let left = self
            .paused_until
            .map(|until| until.saturating_duration_since(now));
        match left.filter(|left| !left.is_zero()) {
            Some(left) => format!("{}, retrying in {}", self.state, whole(left)),
            None => self.state.clone(),
        }
    }

    fn retry_at(&self, now: Instant) -> Option<String> {
        let retry = self.retry.as_ref()?;
        let left = retry.at.saturating_duration_since(now);
        let number = match retry.of {
            Some(of) => format!(" ({} of {of})", retry.next),
            None => String::new(),
        };
        if left.is_zero() {
            return Some(format!("retrying{number}"));
        }
        Some(format!("retrying in {}{number}", whole(left)))
    }
}

fn one(state: &str, elapsed: Duration, usual: Option<Duration>) -> String {
    let elapsed = elapsed.as_secs_f64();
    match usual {
        Some(usual) => format!("{state} {elapsed:.1} s (usually {})", rounded(usual)),
        None => format!("{state} {elapsed:.1} s"),
    }
}

/// Whole seconds, at least one: what is left.
pub(super) fn whole(time: Duration) -> String {
    format!("{} s", time.as_secs_f64().ceil().max(1.0))
}

/// A time in the digits that an estimate has: `0.8 s`, `4 s`, `2 min`.
fn rounded(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    if seconds < 0.95 {
        format!("{seconds:.1} s")
    } else if seconds < 99.5 {
        format!("{seconds:.0} s")
    } else {
        format!("{:.0} min", seconds / 60.0)
    }
}

#[cfg(test)]
mod tests {
    use cometapi::ErrorKind;

    use super::*;
    use crate::progress::Cause;

    fn retrying(pause: Duration, of: Option<u32>) -> Retrying<'static> {
        Retrying {
            cause: Cause {
                kind: ErrorKind::Unavailable,
                status: None,
            },
            message: "",
            left: None,
            pause,
            next: 2,
            of,
        }
    }

    #[test]
    fn the_line_of_one_says_how_long_it_takes_and_usually_takes() {
        let seconds = Duration::from_secs_f64;
        for (usual, expected) in [
            (None, "processing 3.2 s"),
            (Some(seconds(0.84)), "processing 3.2 s (usually 0.8 s)"),
            (Some(seconds(4.3)), "processing 3.2 s (usually 4 s)"),
            (Some(seconds(130.0)), "processing 3.2 s (usually 2 min)"),
        ] {
            assert_eq!(one("processing", seconds(3.21), usual), expected);
        }
    }

    #[test]
    fn a_retry_counts_down_until_there_is_a_state() {
        let mut view = View::new("creating");
        view.set_retry(&retrying(Duration::from_millis(1700), Some(5)));
        let now = Instant::now();
        assert_eq!(view.retry_at(now).unwrap(), "retrying in 2 s (2 of 5)");
        let later = now + Duration::from_secs(3);
        assert_eq!(view.retry_at(later).unwrap(), "retrying (2 of 5)");
        view.set_retry(&retrying(Duration::from_millis(100), None));
        assert!(view.of_one().starts_with("retrying"));
        view.set_state("starting");
        assert!(view.of_one().starts_with("starting "));
    }

    #[test]
    fn a_pause_of_a_batch_is_beside_its_state() {
        let mut view = View::new("0/2 done");
        assert_eq!(view.of_many(), "0/2 done");
        view.set_pause(Duration::from_secs(60));
        view.set_state("1/2 done");
        assert_eq!(view.of_many(), "1/2 done, retrying in 60 s");
        view.set_pause(Duration::ZERO);
        assert_eq!(view.of_many(), "1/2 done");
    }
}
