//! How the work stands, on stderr: a spinner on a terminal, lines elsewhere.

use std::fmt::Display;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::print;

/// How often a batch prints a line where there is no spinner.
const LINE_EVERY: Duration = Duration::from_secs(10);

/// The display of one prediction or of a batch.
pub(crate) struct Progress {
    spinner: Option<ProgressBar>,
    work: Work,
    began: Instant,
    /// The last line that was printed, and when.
    last: Mutex<Option<(String, Instant)>>,
    /// Whether it was shown that the ledger cannot be written.
    shows_fault: AtomicBool,
}

enum Work {
    /// A line per change; where several are waited for, each begins with the label.
    Prediction {
        label: String,
        /// Whether it is created first.
        creates: bool,
    },
    Batch,
}

impl Progress {
    /// One prediction, in its first state.
    pub(crate) fn begin(state: &str) -> Self {
        let work = Work::Prediction {
            label: String::new(),
            creates: state == "creating",
        };
        let progress = Self::new(work, spinner("{spinner} {msg} {elapsed}"));
        progress.state(state);
        progress
    }

    /// One of several predictions, distinguished by `label`; in lines, also on a terminal.
    pub(crate) fn of(label: &str) -> Self {
        let work = Work::Prediction {
            label: format!("{label}: "),
            creates: false,
        };
        Self::new(work, None)
    }

    pub(crate) fn of_batch() -> Self {
        let spinner = spinner("{spinner} {wide_msg}");
        if let Some(spinner) = &spinner {
            spinner.set_message("reading");
        }
        Self::new(Work::Batch, spinner)
    }

    fn new(work: Work, spinner: Option<ProgressBar>) -> Self {
        Self {
            spinner,
            work,
            began: Instant::now(),
            last: Mutex::default(),
            shows_fault: AtomicBool::new(false),
        }
    }

    /// Shows the current state.
    pub(crate) fn state(&self, state: &str) {
        if let Some(spinner) = &self.spinner {
            return spinner.set_message(print::printable(state));
        }
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let is_due = last.as_ref().is_none_or(|(last, at)| match self.work {
            Work::Prediction { .. } => last != state,
            Work::Batch => at.elapsed() >= LINE_EVERY,
        });
        if is_due {
            match &self.work {
                Work::Prediction { label, .. } => print::stderr(format_args!(
                    "{label}{state} ({:.1} s)",
                    self.began.elapsed().as_secs_f64()
                )),
                Work::Batch => print::stderr(state),
            }
            *last = Some((state.to_owned(), Instant::now()));
        }
    }

    /// Prints a message that stays.
    pub(crate) fn say(&self, line: impl Display) {
        self.suspend(|| match &self.work {
            Work::Prediction { label, .. } => print::stderr(format_args!("{label}{line}")),
            Work::Batch => print::stderr(line),
        });
    }

    /// Prints the failure to record something.
    pub(crate) fn recorded(&self, recorded: Result<(), cometapi_batch::Error>) {
        if let Err(error) = recorded {
            self.fault(&error);
        }
    }

    /// Prints the first failure to record. A prediction that exists is worth more than its record,
    /// so the command continues.
    pub(crate) fn fault(&self, error: &cometapi_batch::Error) {
        if !self.shows_fault.swap(true, Ordering::Relaxed) {
            self.say(format_args!("note: the ledger cannot be written: {error}"));
        }
    }

    /// Whether the prediction is created first.
    pub(crate) fn creates(&self) -> bool {
        matches!(self.work, Work::Prediction { creates: true, .. })
    }

    /// Takes the spinner away for good.
    pub(crate) fn finish(&self) {
        if let Some(spinner) = &self.spinner {
            spinner.finish_and_clear();
        }
    }

    /// Takes the spinner away while something else is printed.
    pub(crate) fn suspend<T>(&self, print: impl FnOnce() -> T) -> T {
        match &self.spinner {
            Some(spinner) => spinner.suspend(print),
            None => print(),
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.finish();
    }
}

/// `None` if stderr is not a terminal, or one that cannot go back over a line.
fn spinner(template: &str) -> Option<ProgressBar> {
    let spinner = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
    if spinner.is_hidden() {
        return None;
    }
    if let Ok(style) = ProgressStyle::with_template(template) {
        spinner.set_style(style);
    }
    spinner.enable_steady_tick(Duration::from_millis(100));
    Some(spinner)
}
