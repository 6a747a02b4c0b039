//! How the work stands, on stderr: a spinner on a terminal, lines elsewhere.

use std::fmt::Display;
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
    last: Option<(String, Instant)>,
    /// Whether it was shown that the ledger cannot be written.
    shows_fault: bool,
}

enum Work {
    /// A line per change; where several are waited for, each begins with the label.
    Prediction {
        label: String,
    },
    Batch,
}

impl Progress {
    /// One prediction, in its first state.
    pub(crate) fn begin(state: &str) -> Self {
        let label = String::new();
        let mut progress = Self::new(
            Work::Prediction { label },
            spinner("{spinner} {msg} {elapsed}"),
        );
        progress.state(state);
        progress
    }

    /// One of several predictions, distinguished by `label`; in lines, also on a terminal.
    pub(crate) fn of(label: &str) -> Self {
        let label = format!("{label}: ");
        Self::new(Work::Prediction { label }, None)
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
            last: None,
            shows_fault: false,
        }
    }

    /// Shows the current state.
    pub(crate) fn state(&mut self, state: &str) {
        if let Some(spinner) = &self.spinner {
            return spinner.set_message(print::printable(state));
        }
        let is_due = self.last.as_ref().is_none_or(|(last, at)| match self.work {
            Work::Prediction { .. } => last != state,
            Work::Batch => at.elapsed() >= LINE_EVERY,
        });
        if is_due {
            match &self.work {
                Work::Prediction { label } => print::stderr(format_args!(
                    "{label}{state} ({:.1} s)",
                    self.began.elapsed().as_secs_f64()
                )),
                Work::Batch => print::stderr(state),
            }
            self.last = Some((state.to_owned(), Instant::now()));
        }
    }

    /// Prints a message that stays.
    pub(crate) fn say(&self, line: impl Display) {
        self.suspend(|| match &self.work {
            Work::Prediction { label } => print::stderr(format_args!("{label}{line}")),
            Work::Batch => print::stderr(line),
        });
    }

    /// Prints the first failure to record. A prediction that exists is worth more than its record,
    /// so the command continues.
    pub(crate) fn recorded(&mut self, recorded: Result<(), cometapi_batch::Error>) {
        if let Err(e) = recorded
            && !std::mem::replace(&mut self.shows_fault, true)
        {
            self.say(format_args!("note: the ledger cannot be written: {e}"));
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
        if let Some(spinner) = &self.spinner {
            spinner.finish_and_clear();
        }
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
