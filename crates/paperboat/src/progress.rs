//! How the work stands, on stderr: a live line on a terminal, lines elsewhere.

mod several;
mod view;

use std::fmt::Display;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use cometapi::ErrorKind;

use self::several::Shared;
pub(crate) use self::several::{Several, counted};
use self::view::{View, whole};
use crate::live::{self, Live};
use crate::print;

/// How often a batch prints a line where there is no live line.
const LINE_EVERY: Duration = Duration::from_secs(10);

/// The display of one prediction or of a batch.
pub(crate) struct Progress {
    /// Taken away at the end.
    live: Mutex<Option<Live>>,
    is_live: bool,
    view: Arc<Mutex<View>>,
    work: Work,
    began: Instant,
    /// The last line that was printed, and when.
    last: Mutex<Option<(String, Instant)>>,
    /// The causes of retries that were said.
    causes: Mutex<Vec<Cause>>,
    /// Whether it was shown that the ledger cannot be written.
    shows_fault: AtomicBool,
}

enum Work {
    /// A line per change.
    Prediction {
        /// Whether it is created first.
        creates: bool,
    },
    /// One of several, whose lines begin with the label.
    OneOfSeveral {
        label: String,
        all: Arc<Shared>,
    },
    Batch,
}

/// What a request is repeated for, as far as it is said once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cause {
    pub(crate) kind: ErrorKind,
    pub(crate) status: Option<u16>,
}

impl Cause {
    pub(crate) fn of(error: &cometapi::Error) -> Self {
        Self {
            kind: error.kind(),
            status: error.status(),
        }
    }
}

/// A request that is repeated.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Retrying<'r> {
    pub(crate) cause: Cause,
    /// What happened: a line that stays.
    pub(crate) message: &'r str,
    /// For how long it is repeated, where that is short.
    pub(crate) left: Option<Duration>,
    pub(crate) pause: Duration,
    /// Which attempt follows.
    pub(crate) next: u32,
    /// How many there are at most.
    pub(crate) of: Option<u32>,
}

impl Retrying<'_> {
    /// What follows; a live line says when.
    fn follows(&self, is_live: bool) -> String {
        if let Some(left) = self.left {
            return format!("polling again for {}", whole(left));
        }
        if is_live {
            return "retrying".to_owned();
        }
        let pause = self.pause.as_secs_f64();
        match self.of {
            Some(of) => format!("retrying in {pause:.1} s ({} of {of})", self.next),
            None => format!("retrying in {pause:.1} s"),
        }
    }
}

impl Progress {
    /// One prediction, in its first state.
    pub(crate) fn begin(state: &str) -> Self {
        let work = Work::Prediction {
            creates: state == "creating",
        };
        let progress = Self::new(work, state);
        progress.state(state);
        progress
    }

    pub(crate) fn of_batch() -> Self {
        Self::new(Work::Batch, "reading")
    }

    fn new(work: Work, state: &str) -> Self {
        let view = Arc::new(Mutex::new(View::new(state)));
        let live = match &work {
            Work::Prediction { .. } => {
                let view = Arc::clone(&view);
                Live::show(move || lock(&view).of_one())
            }
            Work::Batch => {
                let view = Arc::clone(&view);
                Live::show(move || lock(&view).of_many())
            }
            Work::OneOfSeveral { .. } => None,
        };
        let is_live = match &work {
            Work::OneOfSeveral { all, .. } => all.is_live(),
            _ => live.is_some(),
        };
        Self {
            is_live,
            live: Mutex::new(live),
            view,
            work,
            began: Instant::now(),
            last: Mutex::default(),
            causes: Mutex::default(),
            shows_fault: AtomicBool::new(false),
        }
    }

    /// How long a prediction of the model usually takes.
    pub(crate) fn set_usual(&self, usual: Option<Duration>) {
        lock(&self.view).usual = usual;
    }

    /// Shows the current state.
    pub(crate) fn state(&self, state: &str) {
        lock(&self.view).set_state(state);
        if let Work::OneOfSeveral { label, all } = &self.work {
            all.set_state(label, state);
        }
        if self.is_live {
            return;
        }
        let is_due = {
            let mut last = lock(&self.last);
            let is_due = last.as_ref().is_none_or(|(last, at)| match self.work {
                Work::Batch => at.elapsed() >= LINE_EVERY,
                _ => last != state,
            });
            if is_due {
                *last = Some((state.to_owned(), Instant::now()));
            }
            is_due
        };
        if is_due {
            let elapsed = self.elapsed().as_secs_f64();
            match self.work {
                Work::Batch => print::stderr(state),
                _ => self.say(format_args!("{state} ({elapsed:.1} s)")),
            }
        }
    }

    /// Shows that a request is repeated. Its cause is said once.
    pub(crate) fn retrying(&self, retrying: &Retrying<'_>) {
        lock(&self.view).set_retry(retrying);
        if let Work::OneOfSeveral { label, all } = &self.work {
            all.set_state(label, "retrying");
        }
        let is_new = {
            let mut causes = lock(&self.causes);
            let is_new = !causes.contains(&retrying.cause);
            if is_new {
                causes.push(retrying.cause);
            }
            is_new
        };
        if is_new {
            let follows = retrying.follows(self.is_live);
            self.say(format_args!("{}; {follows}", retrying.message));
        } else {
            live::redraw();
        }
    }

    /// Shows that nothing is sent for so long.
    pub(crate) fn pausing(&self, pause: Duration) {
        lock(&self.view).set_pause(pause);
        live::redraw();
    }

    /// Prints a message that stays.
    pub(crate) fn say(&self, line: impl Display) {
        match &self.work {
            Work::OneOfSeveral { label, .. } => print::stderr(format_args!("{label}: {line}")),
            _ => print::stderr(line),
        }
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
        matches!(self.work, Work::Prediction { creates: true })
    }

    /// How long it has been going.
    pub(crate) fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }

    /// Takes the live line away for good.
    pub(crate) fn finish(&self) {
        lock(&self.live).take();
        if let Work::OneOfSeveral { label, all } = &self.work {
            all.end(label);
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.finish();
    }
}

/// Locks what a panic leaves as good as it was.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
