//! What a run of many shows while it goes: a bar on a terminal, lines elsewhere.

use std::fmt::Display as Show;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use cometapi_batch::{Event, PauseReason, Stop, Tally};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::{report, results};
use crate::failure::Failure;
use crate::print;

/// Where nobody sees a bar, a line this often.
const LINE_EVERY: Duration = Duration::from_secs(10);

/// The display, told by the run's events.
pub(crate) struct Display {
    bar: Option<ProgressBar>,
    json: bool,
    /// Bad rows are skipped; else they are told together, once all are known.
    skips: bool,
    stop: Stop,
    began: Instant,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    counts: Counts,
    /// Stdout could not be written; the first reason.
    fault: Option<Failure>,
    lined: Option<Instant>,
}

/// How the rows of a run stand, counted as it goes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    /// Rows of the file, where there is one.
    total: Option<u64>,
    /// Ended before this run, in whatever way.
    before: u64,
    running: u64,
    succeeded: u64,
    failed: u64,
    unresolved: u64,
}

impl Counts {
    fn planned(&mut self, tally: &Tally) {
        self.total = Some(tally.total());
        self.before = tally.succeeded + tally.failed() + tally.unresolved;
    }

    fn ended(&self) -> u64 {
        self.succeeded + self.failed + self.unresolved
    }

    /// The line for people, `elapsed` after the run began.
    fn line(&self, elapsed: Duration) -> String {
        let done = self.before + self.ended();
        let mut line = match self.total {
            Some(total) => format!("{done}/{total} done, {} running", self.running),
            None => format!("{done} done, {} running", self.running),
        };
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

/// `2m 5s`, without what nobody needs of a guess.
pub(super) fn rounded(time: Duration) -> humantime::FormattedDuration {
    let seconds = time.as_secs();
    let whole = match seconds {
        0..3600 => seconds,
        _ => seconds / 60 * 60,
    };
    humantime::format_duration(Duration::from_secs(whole))
}

impl Display {
    pub(crate) fn new(json: bool, skips: bool, stop: &Stop) -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        let bar = (!bar.is_hidden()).then_some(bar);
        if let Some(bar) = &bar {
            if let Ok(style) = ProgressStyle::with_template("{spinner} {wide_msg}") {
                bar.set_style(style);
            }
            bar.set_message("reading");
            bar.enable_steady_tick(Duration::from_millis(100));
        }
        Self {
            bar,
            json,
            skips,
            stop: stop.clone(),
            began: Instant::now(),
            state: Mutex::default(),
        }
    }

    /// How long the run has been going.
    pub(crate) fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }

    /// Why stdout could not be written, if it could not.
    pub(crate) fn fault(&self) -> Option<Failure> {
        self.state().fault.take()
    }

    /// Takes the bar away.
    pub(crate) fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    /// A line of talk that stays.
    pub(crate) fn say(&self, line: impl Show) {
        self.clear_of_bar(|| print::talk(line));
    }

    /// What happened.
    pub(crate) fn event(&self, event: &Event<'_>) {
        self.count(event);
        match event {
            Event::BadRow { problem, .. } if self.skips => {
                self.say(format_args!("skipped: {problem}"));
            }
            Event::Warning { problem, .. } => self.say(format_args!("note: {problem}")),
            Event::Paused {
                reason,
                pause,
                cause,
                limit,
                ..
            } => self.say(match reason {
                PauseReason::Unreachable => format!(
                    "the service cannot be reached ({cause}); trying again in {}",
                    precise(*pause)
                ),
                _ => format!(
                    "the service says to slow down; creating again in {}, {limit} at once",
                    precise(*pause)
                ),
            }),
            Event::Elsewhere { rows, .. } => self.say(format_args!(
                "{rows} rows are with other processes; waiting in case they end"
            )),
            Event::Stopping { reason, .. } => {
                self.say(format_args!(
                    "nothing more is created: {}",
                    report::words(reason)
                ));
            }
            Event::Unrecorded { row, id, error, .. } => {
                let id = id.unwrap_or("unknown");
                let row = results::name(row);
                self.say(format_args!(
                    "{row}: prediction {id} could not be written down: {error}"
                ));
            }
            Event::Left { row, id, error, .. } => {
                let row = results::name(row);
                self.say(format_args!("{row}: prediction {id} goes on: {error}"));
            }
            Event::Ended { row, outcome, .. } if !outcome.is_success() => {
                let why = outcome.message.as_deref().unwrap_or_default();
                self.say(format_args!(
                    "{}: {}: {why}",
                    results::name(row),
                    outcome.word()
                ));
            }
            _ => {}
        }
        self.print(event);
        self.show();
    }

    /// What of it is data.
    fn print(&self, event: &Event<'_>) {
        match event {
            Event::Recorded { file, .. } if !self.json => {
                self.written(self.clear_of_bar(|| print::path(&file.path)));
            }
            Event::Left { row, id, error, .. } if self.json => {
                self.written(self.clear_of_bar(|| print::data(results::left(row, id, error))));
            }
            Event::Ended { .. } if self.json => {
                if let Some(line) = results::ended(event) {
                    self.written(self.clear_of_bar(|| print::data(line)));
                }
            }
            _ => {}
        }
    }

    /// When results cannot be written, nothing more is made that nobody will see.
    fn written(&self, written: Result<(), Failure>) {
        if let Err(failure) = written {
            let mut state = self.state();
            if state.fault.is_none() {
                state.fault = Some(failure);
                self.stop.request();
            }
        }
    }

    fn count(&self, event: &Event<'_>) {
        let counts = &mut self.state().counts;
        match event {
            Event::Planned { tally, .. } => counts.planned(tally),
            Event::Created { .. } | Event::Claimed { id: Some(_), .. } => counts.running += 1,
            Event::Left { .. } => counts.running = counts.running.saturating_sub(1),
            Event::Ended { outcome, id, .. } => {
                if id.is_some() {
                    counts.running = counts.running.saturating_sub(1);
                }
                match outcome.kind {
                    None => counts.succeeded += 1,
                    Some(cometapi::ErrorKind::MaybeAccepted) => counts.unresolved += 1,
                    Some(_) => counts.failed += 1,
                }
            }
            _ => {}
        }
    }

    fn show(&self) {
        let mut state = self.state();
        let line = || state.counts.line(self.began.elapsed());
        if let Some(bar) = &self.bar {
            bar.set_message(line());
            return;
        }
        let due = state.lined.is_none_or(|last| last.elapsed() >= LINE_EVERY);
        if due && state.counts.total.is_some() {
            print::talk(line());
            state.lined = Some(Instant::now());
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Counts are counts, whatever became of a thread that held them.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn clear_of_bar<T>(&self, print: impl FnOnce() -> T) -> T {
        match &self.bar {
            Some(bar) => bar.suspend(print),
            None => print(),
        }
    }
}

fn precise(pause: Duration) -> String {
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
        counts.running = 4;
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
