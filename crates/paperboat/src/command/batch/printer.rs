//! What a run of many prints, on a thread of its own: a reader who does not read must not hold
//! up the rows, whose ids are yet to be recorded.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use cometapi_batch::Stop;
use serde_json::Value;

use crate::failure::Failure;
use crate::progress::Progress;
use crate::{draw, print};

/// How long an id may take to be recorded before it is printed: another process that holds the
/// ledger must not hide it.
const UNRECORDED_AFTER: Duration = Duration::from_secs(1);

/// Something to print.
pub(super) enum Line {
    Path(PathBuf),
    /// An image to draw.
    Image(PathBuf),
    Result(Value),
    Message(String),
    /// What went wrong, also for those who want to read nothing else.
    Error(String),
    /// Nothing is sent for so long.
    Pause(Duration),
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
        let writer = Writer::new(stop);
        let thread = thread::Builder::new()
            .name("paperboat-print".to_owned())
            .spawn(move || writer.write(&receiver))
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

/// The printing thread's side.
struct Writer {
    progress: Progress,
    stop: Stop,
    fault: Option<Failure>,
    unrecorded: BTreeMap<u64, (Instant, String)>,
}

impl Writer {
    fn new(stop: Stop) -> Self {
        Self {
            progress: Progress::of_batch(),
            stop,
            fault: None,
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
                print::error(text);
            }
            let line = match line {
                Ok(line) => line,
                Err(RecvTimeoutError::Timeout) => continue,
                Err(RecvTimeoutError::Disconnected) => break,
            };
            match line {
                Line::Path(path) => self.data(|| print::path(&path)),
                Line::Image(path) => draw::show(&path),
                Line::Result(json) => self.data(|| print::json(json)),
                Line::Message(text) => self.progress.say(text),
                Line::Error(text) => print::error(text),
                Line::Pause(pause) => self.progress.pausing(pause),
                Line::Status(text) => self.progress.state(&text),
                Line::Unrecorded(seq, text) => {
                    self.unrecorded.insert(seq, (now + UNRECORDED_AFTER, text));
                }
                Line::Recorded(seq) => {
                    self.unrecorded.remove(&seq);
                }
            }
        }
        self.fault
    }

    fn data(&mut self, print: impl FnOnce() -> Result<(), Failure>) {
        if let Err(failure) = print()
            && self.fault.is_none()
        {
            self.fault = Some(failure);
            self.stop.stop_creating();
        }
    }
}
