//! What a run of many shows while it goes.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use cometapi_batch::{Event, PauseReason, RowInfo, Stop, Stopped};

use super::counts::{Counts, precise};
use super::printer::{Line, Printer};
use super::{report, results};
use crate::failure::Failure;
use crate::sidecar;

/// How long a run that is asked to leave waits for a reader that does not read: what Docker's
/// 10 s leave beside the 8 s for responses, by half.
const READ_TIMEOUT: Duration = Duration::from_secs(1);

/// Shows the events of a run.
pub(crate) struct Display {
    json: bool,
    /// Bad rows are skipped; else they are reported together, once all are known.
    skips: bool,
    stop: Stop,
    began: Instant,
    counts: Mutex<Counts>,
    sidecars: bool,
    /// The folder of the files and how it was named, where its rows come from no file.
    run: Option<(PathBuf, PathBuf)>,
    printer: Arc<Printer>,
}

impl Display {
    pub(crate) fn new(json: bool, skips: bool, stop: &Stop) -> Result<Self, Failure> {
        Ok(Self {
            json,
            skips,
            stop: stop.clone(),
            began: Instant::now(),
            counts: Mutex::default(),
            sidecars: false,
            run: None,
            printer: Arc::new(Printer::start(stop.clone())?),
        })
    }

    /// The same, with the prediction as JSON beside each file.
    pub(crate) fn with_sidecars(mut self, sidecars: bool) -> Self {
        self.sidecars = sidecars;
        self
    }

    /// The same for rows that come from no file: each is called by its prediction, and its files are named
    /// from `folder`, as it was given.
    pub(crate) fn of_run(mut self, folder: &Path) -> Self {
        // Before it is there, no file is in it.
        let canonical = folder.canonicalize().unwrap_or_default();
        self.run = Some((canonical, folder.to_owned()));
        self
    }

    /// How a row is called.
    fn name(&self, row: &RowInfo, id: Option<&str>) -> String {
        match (&self.run, id) {
            (Some(_), Some(id)) => format!("prediction {id}"),
            (Some(_), None) => "a prediction".to_owned(),
            (None, _) => results::name(row),
        }
    }

    /// How a file is named on stdout.
    fn path(&self, path: &Path) -> PathBuf {
        let below = self.run.as_ref().and_then(|(canonical, given)| {
            let below = path.strip_prefix(canonical).ok()?;
            Some(given.join(below))
        });
        below.unwrap_or_else(|| path.to_owned())
    }

    /// How long the run has been going.
    pub(crate) fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }

    /// Prints what is left, as long as anybody reads it and the person does not leave.
    pub(crate) async fn end(&self) -> Result<(), Failure> {
        let printer = Arc::clone(&self.printer);
        let finish = tokio::task::spawn_blocking(move || printer.finish());
        tokio::select! {
            fault = finish => match fault.ok().flatten() {
                Some(fault) => Err(fault),
                None => Ok(()),
            },
            () = self.stop.asked(2) => Ok(()),
            () = self.left_unread() => Ok(()),
        }
    }

    /// Waits until the run is asked to leave and its reader has had time to read the rest.
    async fn left_unread(&self) {
        self.stop.leaving().await;
        tokio::time::sleep(READ_TIMEOUT).await;
    }

    /// Prints a message that stays.
    pub(crate) fn say(&self, line: impl ToString) {
        self.printer.print(Line::Message(line.to_string()));
    }

    pub(crate) fn event(&self, event: &Event<'_>) {
        self.message(event);
        self.write_sidecars(event);
        self.data(event);
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        counts.count(event);
        if counts.is_planned() {
            self.printer
                .print(Line::Status(counts.line(self.elapsed())));
        }
    }

    /// What of it is for people.
    fn message(&self, event: &Event<'_>) {
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
                PauseReason::Downloads => format!(
                    "files cannot be downloaded ({cause}); nothing is created until one can be; \
                     downloading again in {}",
                    precise(*pause)
                ),
                PauseReason::OpenFiles => format!(
                    "too many files are open in this process or system; trying again in {}",
                    precise(*pause)
                ),
                PauseReason::Unreachable => format!(
                    "the service cannot be reached ({cause}); trying again in {}",
                    precise(*pause)
                ),
                _ => format!(
                    "the service says to slow down; creating again in {}, {limit} at once",
                    precise(*pause)
                ),
            }),
            Event::ConcurrencyLowered {
                concurrency,
                open_files,
                ..
            } => self.say(format_args!(
                "note: {concurrency} rows at once instead of --concurrency, because this process \
                 may open {open_files} files (ulimit -n)"
            )),
            Event::Elsewhere { rows, .. } => self.say(format_args!(
                "{rows} rows are with other processes; waiting in case they end"
            )),
            Event::Responded {
                row,
                response: Ok(id),
                ..
            } => {
                let text = format!(
                    "{}: created {id}; it is not recorded yet, because the ledger is busy",
                    self.name(row, Some(id))
                );
                self.printer.print(Line::Unrecorded(row.seq, text));
            }
            Event::Created { row, .. } => self.printer.print(Line::Recorded(row.seq)),
            // The signal handler has reported it.
            Event::Stopping { reason, .. } if !matches!(reason, Stopped::Asked) => self.say(
                format_args!("nothing more is created: {}", report::words(reason)),
            ),
            Event::Unrecorded { row, id, error, .. } => {
                self.printer.print(Line::Recorded(row.seq));
                let row = self.name(row, *id);
                let id = id.unwrap_or("unknown");
                self.say(format_args!(
                    "{row}: prediction {id} could not be recorded: {error}"
                ));
            }
            Event::Left { row, id, error, .. } => {
                let row = self.name(row, Some(id));
                self.say(format_args!(
                    "{row}: prediction {id} is still running: {error}"
                ));
            }
            Event::Ended {
                row, id, outcome, ..
            } if !outcome.is_success() => {
                self.printer.print(Line::Recorded(row.seq));
                let why = outcome.message.as_deref().unwrap_or_default();
                let row = self.name(row, *id);
                self.say(format_args!("{row}: {}: {why}", outcome.word()));
            }
            Event::Ended {
                row, id, outcome, ..
            } => {
                if let Some(note) = &outcome.message {
                    self.say(format_args!("{}: note: {note}", self.name(row, *id)));
                }
            }
            _ => {}
        }
    }

    fn write_sidecars(&self, event: &Event<'_>) {
        if let Event::Ended {
            files,
            prediction: Some(prediction),
            ..
        } = event
            && self.sidecars
        {
            let files: Vec<_> = files.iter().map(|file| file.path.clone()).collect();
            for note in sidecar::write_all(&files, prediction) {
                self.say(format_args!("note: {note}"));
            }
        }
    }

    /// What of it is data.
    fn data(&self, event: &Event<'_>) {
        let line = match event {
            Event::Recorded { file, .. } if !self.json => Line::Path(self.path(&file.path)),
            Event::Known { entry, .. } if self.json => Line::Result(results::known(entry)),
            Event::Left { row, id, error, .. } if self.json => {
                Line::Result(results::left(row, id, error))
            }
            Event::Ended { .. } if self.json => match results::ended(event) {
                Some(json) => Line::Result(json),
                None => return,
            },
            _ => return,
        };
        self.printer.print(line);
    }
}
