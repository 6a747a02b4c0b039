//! What a run of many prints, on a thread of its own: a reader who does not read must not hold
//! up the rows, whose ids are yet to be recorded.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use cometapi_batch::Stop;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::Value;

use crate::failure::Failure;
use crate::print;

/// How often a line is printed where no progress bar can be shown.
const LINE_EVERY: Duration = Duration::from_secs(10);

/// How long an id may take to be recorded before it is printed: another process that holds the
/// ledger must not hide it.
const UNRECORDED_AFTER: Duration = Duration::from_secs(1);

/// Something to print.
pub(super) enum Line {
    /// A path, as data.
    Path(PathBuf),
    /// A result, as data.
    Result(Value),
    /// A message that stays.
    Message(String),
    /// How the rows stand; only the newest counts.
    Status(String),
    /// To be printed unless the row of this number is recorded soon.
    Unrecorded(u64, String),
    /// The row of this number is recorded.
    Recorded(u64),
}

/// The printing thread.
pub(super) struct Printer {
    lines: Mutex<Option<Sender<Line>>>,
    thread: Mutex<Option<JoinHandle<Option<Failure>>>>,
}

impl Printer {
    /// Begins to print. When data cannot be written, `stop` is asked: nothing more is to be
    /// created that cannot be shown.
    pub(super) fn start(stop: Stop) -> Result<Self, Failure> {
        let (lines, receiver) = channel();
        let thread = thread::Builder::new()
            .name("paperboat-print".to_owned())
            .spawn(move || Pen::new(stop).write(&receiver))
            .map_err(|e| Failure::other("the printing thread cannot be started", &e))?;
        Ok(Self {
            lines: Mutex::new(Some(lines)),
            thread: Mutex::new(Some(thread)),
        })
    }

    pub(super) fn print(&self, line: Line) {
        let lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(lines) = &*lines {
            // The printer is gone after the end.
            let _ = lines.send(line);
        }
    }

    /// Waits until all is printed; why data could not be, if it could not.
    pub(super) fn finish(&self) -> Option<Failure> {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.take();
        drop(lines);
        let mut thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
        thread.take()?.join().ok().flatten()
    }
}

struct Pen {
    bar: Option<ProgressBar>,
    stop: Stop,
    fault: Option<Failure>,
    last: Option<Instant>,
    unrecorded: BTreeMap<u64, (Instant, String)>,
}

impl Pen {
    fn new(stop: Stop) -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        // Not a terminal, or one that cannot go back over a line.
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
            stop,
            fault: None,
            last: None,
            unrecorded: BTreeMap::new(),
        }
    }

    fn write(mut self, lines: &Receiver<Line>) -> Option<Failure> {
        loop {
            let due = self.unrecorded.values().map(|(due, _)| *due).min();
            let line = match due {
                Some(due) => lines.recv_timeout(due.saturating_duration_since(Instant::now())),
                None => lines.recv().map_err(|_| RecvTimeoutError::Disconnected),
            };
            let now = Instant::now();
            let ended = matches!(line, Err(RecvTimeoutError::Disconnected));
            let (due, waiting) = std::mem::take(&mut self.unrecorded)
                .into_iter()
                .partition(|(_, (due, _))| ended || *due <= now);
            self.unrecorded = waiting;
            for (_, text) in BTreeMap::into_values(due) {
                self.clear_of_bar(|| print::stderr(text));
            }
            let line = match line {
                Ok(line) => line,
                Err(RecvTimeoutError::Timeout) => continue,
                Err(RecvTimeoutError::Disconnected) => break,
            };
            match line {
                Line::Path(path) => self.data(|| print::path(&path)),
                Line::Result(json) => self.data(|| print::json(json)),
                Line::Message(text) => self.clear_of_bar(|| print::stderr(text)),
                Line::Status(text) => self.status(text),
                Line::Unrecorded(seq, text) => {
                    self.unrecorded.insert(seq, (now + UNRECORDED_AFTER, text));
                }
                Line::Recorded(seq) => {
                    self.unrecorded.remove(&seq);
                }
            }
        }
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        self.fault
    }

    fn data(&mut self, print: impl FnOnce() -> Result<(), Failure>) {
        let written = self.clear_of_bar(print);
        if let Err(failure) = written
            && self.fault.is_none()
        {
            self.fault = Some(failure);
            self.stop.stop_creating();
        }
    }

    fn status(&mut self, text: String) {
        if let Some(bar) = &self.bar {
            bar.set_message(print::printable(&text));
        } else if self.last.is_none_or(|last| last.elapsed() >= LINE_EVERY) {
            print::stderr(text);
            self.last = Some(Instant::now());
        }
    }

    fn clear_of_bar<T>(&self, print: impl FnOnce() -> T) -> T {
        match &self.bar {
            Some(bar) => bar.suspend(print),
            None => print(),
        }
    }
}
