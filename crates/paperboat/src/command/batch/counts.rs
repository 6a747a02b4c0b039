//! How the rows of a run stand, in a line for people.

use std::collections::BTreeMap;
use std::time::Duration;

use cometapi::ErrorKind;
use cometapi_batch::{Event, Tally};

use crate::progress::counted;

/// How the rows of a run stand, counted as it goes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    /// Rows of the file, where there is one.
    total: Option<u64>,
    /// Ended before this run, with any outcome.
    before: u64,
    /// The states of those that run, by their numbers.
    running: BTreeMap<u64, String>,
    /// Whether each state is counted for itself.
    is_wait: bool,
    succeeded: u64,
    failed: u64,
    unresolved: u64,
}

impl Counts {
    /// Of a wait for `total` predictions, which creates none.
    pub(super) fn of_wait(total: u64) -> Self {
        Self {
            total: Some(total),
            is_wait: true,
            ..Self::default()
        }
    }

    /// Whether it is known how much there is to do.
    pub(super) fn is_planned(&self) -> bool {
        self.total.is_some()
    }

    pub(super) fn count(&mut self, event: &Event<'_>) {
        match event {
            Event::Planned { tally, .. } => self.planned(tally),
            Event::Created { row, .. } => self.set(row.seq, "created"),
            Event::Claimed {
                row, id: Some(_), ..
            } => self.set(row.seq, "waiting"),
            Event::State { row, status, .. } => self.set(row.seq, status),
            Event::Retrying { row, .. } => self.set(row.seq, "retrying"),
            Event::Left { row, .. } => _ = self.running.remove(&row.seq),
            Event::Ended { row, outcome, .. } => {
                self.running.remove(&row.seq);
                match outcome.kind {
                    None => self.succeeded += 1,
                    Some(ErrorKind::MaybeAccepted) => self.unresolved += 1,
                    Some(_) => self.failed += 1,
                }
            }
            _ => {}
        }
    }

    fn set(&mut self, seq: u64, state: &str) {
        self.running.insert(seq, state.to_owned());
    }

    fn planned(&mut self, tally: &Tally) {
        self.total = Some(tally.total());
        self.before = tally.succeeded + tally.failed() + tally.unresolved;
    }

    fn ended(&self) -> u64 {
        self.succeeded + self.failed + self.unresolved
    }

    /// The line for people, `elapsed` after the run began.
    pub(super) fn line(&self, elapsed: Duration) -> String {
        let done = self.before + self.ended();
        let mut line = match self.total {
            // Another process may have created more since.
            Some(total) => format!("{done}/{} done", total.max(done)),
            None => format!("{done} done"),
        };
        if self.is_wait {
            let states = counted(self.running.values());
            line = states.fold(line, |line, state| format!("{line}, {state}"));
        } else {
            line = format!("{line}, {} running", self.running.len());
        }
        for (count, what) in [(self.failed, "failed"), (self.unresolved, "unresolved")] {
            if count > 0 {
                line = format!("{line}, {count} {what}");
            }
        }
        let seconds = elapsed.as_secs_f64();
        if self.ended() > 0 && seconds >= 1.0 {
            #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
            let rate = self.ended() as f64 / seconds;
            line = format!("{line}, {rate:.1}/s");
            let left = self.total.map_or(0, |total| total.saturating_sub(done));
            #[expect(clippy::cast_precision_loss, reason = "a guess for people")]
            let left = Duration::try_from_secs_f64(left as f64 / rate).unwrap_or_default();
            if left >= Duration::from_secs(1) {
                line = format!("{line}, {} left", rounded(left));
            }
        }
        line
    }
}

/// `2m 5s`, without the digits that an estimate does not need.
pub(super) fn rounded(time: Duration) -> humantime::FormattedDuration {
    let seconds = time.as_secs();
    let whole = match seconds {
        0..3600 => seconds,
        _ => seconds / 60 * 60,
    };
    humantime::format_duration(Duration::from_secs(whole))
}

/// A pause for people: tenths while it is short.
pub(super) fn precise(pause: Duration) -> String {
    if pause < Duration::from_secs(10) {
        format!("{:.1}s", pause.as_secs_f64())
    } else {
        rounded(pause).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_says_what_is_done_and_guesses_what_is_left() {
        let mut counts = Counts {
            total: Some(500),
            before: 100,
            ..Counts::default()
        };
        assert_eq!(
            counts.line(Duration::from_secs(9)),
            "100/500 done, 0 running"
        );
        counts.running = (1..=4).map(|seq| (seq, "starting".to_owned())).collect();
        counts.succeeded = 38;
        counts.failed = 2;
        assert_eq!(
            counts.line(Duration::from_secs(20)),
            "140/500 done, 4 running, 2 failed, 2.0/s, 3m left"
        );
        counts.unresolved = 1;
        counts.total = None;
        assert_eq!(
            counts.line(Duration::from_millis(500)),
            "141 done, 4 running, 2 failed, 1 unresolved"
        );
    }

    #[test]
    fn a_guess_of_hours_has_no_seconds() {
        assert_eq!(rounded(Duration::from_secs(3723)).to_string(), "1h 2m");
        assert_eq!(precise(Duration::from_millis(1500)), "1.5s");
        assert_eq!(precise(Duration::from_secs(75)), "1m 15s");
    }
}
