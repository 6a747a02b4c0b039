//! The state of a run on stderr: a spinner on a terminal, a line per change elsewhere.

use std::fmt::Display;
use std::path::Path;
use std::time::{Duration, Instant};

use cometapi::OutputText;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::failure::Failure;
use crate::print;

pub(crate) struct Progress {
    spinner: Option<ProgressBar>,
    /// What every line begins with: whose it is, where several are waited for.
    label: String,
    began: Instant,
    shown: String,
    /// Whether it was shown that the ledger cannot be written.
    shows_fault: bool,
}

impl Progress {
    pub(crate) fn begin(state: &str) -> Self {
        let spinner = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        // Not a terminal, or one that cannot go back over a line.
        let spinner = (!spinner.is_hidden()).then_some(spinner);
        if let Some(spinner) = &spinner {
            if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} {elapsed}") {
                spinner.set_style(style);
            }
            spinner.enable_steady_tick(Duration::from_millis(100));
        }
        let mut progress = Self {
            spinner,
            label: String::new(),
            began: Instant::now(),
            shown: String::new(),
            shows_fault: false,
        };
        progress.state(state);
        progress
    }

    /// One of several, distinguished by `label`; in lines, also on a terminal.
    pub(crate) fn of(label: &str) -> Self {
        Self {
            spinner: None,
            label: format!("{label}: "),
            began: Instant::now(),
            shown: String::new(),
            shows_fault: false,
        }
    }

    /// The state as it is now.
    pub(crate) fn state(&mut self, state: &str) {
        if self.shown == state {
            return;
        }
        state.clone_into(&mut self.shown);
        match &self.spinner {
            Some(spinner) => spinner.set_message(print::printable(state)),
            None => print::stderr(format_args!(
                "{}{state} ({:.1} s)",
                self.label,
                self.began.elapsed().as_secs_f64()
            )),
        }
    }

    /// Prints a message that stays.
    pub(crate) fn say(&self, line: impl Display) {
        self.clear_of_spinner(|| print::stderr(format_args!("{}{line}", self.label)));
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

    /// A path on stdout.
    pub(crate) fn path(&self, path: &Path) -> Result<(), Failure> {
        self.clear_of_spinner(|| print::path(path))
    }

    /// The text of an output on stdout.
    pub(crate) fn text(&self, text: &OutputText) -> Result<(), Failure> {
        self.clear_of_spinner(|| print::output(text))
    }

    fn clear_of_spinner<T>(&self, print: impl FnOnce() -> T) -> T {
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
