//! What a run of many shows while it goes.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use cometapi::RetryProgress;
use cometapi_batch::{Event, PauseReason, RowInfo, Stop, Stopped};

use super::counts::{Counts, precise};
use super::failures::{self, Failures};
use super::printer::{Line, Printer};
use super::{report, results};
use crate::args::Look;
use crate::failure::Failure;
use crate::progress::{Cause, lock};
use crate::rows::Places;
use crate::watched;
use crate::{advice, print, sidecar, viewer};

/// How long a run that is asked to leave waits for a reader that does not read: what Docker's
/// 10 s leave beside the 8 s for responses, by half.
const READ_TIMEOUT: Duration = Duration::from_secs(1);

/// What was said once, and is not said again until it has passed.
#[derive(Default)]
struct Causes {
    pauses: Vec<PauseReason>,
    retries: Vec<Cause>,
}

/// Shows the events of a run.
pub(crate) struct Display {
    json: bool,
    /// Bad rows are skipped; else they are reported together, once all are known.
    skips: bool,
    stop: Stop,
    began: Instant,
    counts: Mutex<Counts>,
    failures: Mutex<Failures>,
    /// The command that lists all that failed.
    list: String,
    /// What to do about them.
    advice: Mutex<Option<String>>,
    /// The causes of pauses and retries that were said.
    causes: Mutex<Causes>,
    sidecars: bool,
    look: Look,
    /// What was saved, to be opened at the end.
    saved: Mutex<Vec<PathBuf>>,
    /// The folder of the files and how it was named, where its rows come from no file.
    run: Option<(PathBuf, PathBuf)>,
    /// Where the rows are.
    places: Places,
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
            failures: Mutex::default(),
            list: advice::command("list", "--failed"),
            advice: Mutex::default(),
            causes: Mutex::default(),
            sidecars: false,
            look: Look::default(),
            saved: Mutex::default(),
            run: None,
            places: Places::default(),
            printer: Arc::new(Printer::start(stop.clone())?),
        })
    }

    /// The same, with the prediction as JSON beside each file.
    pub(crate) fn with_sidecars(mut self, sidecars: bool) -> Self {
        self.sidecars = sidecars;
        self
    }

    /// The same, with the saved files looked at.
    pub(crate) fn with_look(mut self, look: Look) -> Self {
        self.look = look;
        self
    }

    /// The same, with the command that lists the rows that failed.
    pub(crate) fn listed_by(mut self, list: String) -> Self {
        self.list = list;
        self
    }

    /// The same for rows at these places.
    pub(crate) fn with_places(mut self, places: Places) -> Self {
        self.places = places;
        self
    }

    pub(super) fn places(&self) -> &Places {
        &self.places
    }

    /// The same for rows that come from no file: each is called by its prediction, and its files are named
    /// from `folder`, as it was given.
    pub(crate) fn of_run(mut self, folder: &Path) -> Self {
        // Before it is there, no file is in it.
        let canonical = folder.canonicalize().unwrap_or_default();
        self.run = Some((canonical, folder.to_owned()));
        self
    }

    /// The same for a wait for `total` predictions.
    pub(crate) fn of_wait(mut self, total: u64) -> Self {
        let counts = Counts::of_wait(total);
        self.printer
            .print(Line::Status(counts.line(Duration::ZERO)));
        self.counts = Mutex::new(counts);
        self
    }

    /// How a row is called.
    fn name(&self, row: &RowInfo, id: Option<&str>) -> String {
        match (&self.run, id) {
            (Some(_), Some(id)) => format!("prediction {id}"),
            (Some(_), None) => "a prediction".to_owned(),
            (None, _) => results::name(row, &self.places),
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

    /// Prints the rows that failed, and what to do about them.
    pub(crate) fn print_failures(&self) {
        lock(&self.failures).print(&self.list);
        if let Some(advice) = &*lock(&self.advice) {
            print::stderr(advice);
        }
    }

    /// Prints this after the rows that failed.
    pub(crate) fn advise(&self, advice: String) {
        *lock(&self.advice) = Some(advice);
    }

    /// The numbers of failed rows that can be edited and run again.
    pub(crate) fn editable(&self) -> BTreeSet<u64> {
        lock(&self.failures).editable().clone()
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
        self.look_at(event);
        self.count_failures(event);
        let mut counts = lock(&self.counts);
        counts.count(event);
        if counts.is_planned() {
            self.printer
                .print(Line::Status(counts.line(self.elapsed())));
        }
    }

    fn count_failures(&self, event: &Event<'_>) {
        match event {
            Event::Ended {
                row, id, outcome, ..
            } if !outcome.is_success() => {
                let name = self.name(row, *id);
                lock(&self.failures).add(name, row.seq, &row.model, *id, outcome);
            }
            Event::Known { entry, .. } => lock(&self.failures).add_known(entry),
            _ => {}
        }
    }

    /// Shows that nothing is created for a while; why, once until something was.
    fn pause(&self, reason: PauseReason, pause: Duration, line: String) {
        self.printer.print(Line::Pause(pause));
        let mut causes = lock(&self.causes);
        if !causes.pauses.contains(&reason) {
            causes.pauses.push(reason);
            self.say(line);
        }
    }

    /// Shows that a poll or a download is repeated; why, once.
    fn retry(&self, row: &RowInfo, id: &str, retry: &RetryProgress<'_>) {
        let cause = Cause::of(retry.cause);
        let mut causes = lock(&self.causes);
        if !causes.retries.contains(&cause) {
            causes.retries.push(cause);
            let row = self.name(row, Some(id));
            let message = watched::describe_retry(retry.cause);
            self.say(format_args!("{row}: {message}; retrying"));
        }
    }

    /// What other processes of the ledger do that this one waits for.
    fn others(&self, event: &Event<'_>) {
        match event {
            Event::PausedElsewhere { pause, .. } => self.say(format_args!(
                "another process was rate limited; creating again in {}",
                precise(*pause)
            )),
            Event::InFlight { predictions, .. } => self.say(format_args!(
                "other processes have {} in flight; waiting until fewer are than --max-in-flight",
                report::number(*predictions, "prediction")
            )),
            Event::Elsewhere { rows, .. } => self.say(format_args!(
                "other processes have {}; waiting in case they end",
                report::number(*rows, "row")
            )),
            _ => {}
        }
    }

    /// What of it is for people.
    fn message(&self, event: &Event<'_>) {
        match event {
            Event::BadRow { problem, .. } if self.skips => {
                self.say(format_args!("skipped: {}", self.places.describe(problem)));
            }
            Event::Warning { problem, .. } => {
                self.say(format_args!("note: {}", self.places.describe(problem)));
            }
            Event::PausedElsewhere { .. } | Event::InFlight { .. } | Event::Elsewhere { .. } => {
                self.others(event);
            }
            Event::Paused {
                reason,
                pause,
                cause,
                limit,
                ..
            } => self.pause(*reason, *pause, match reason {
                PauseReason::Downloads => format!(
                    "files cannot be downloaded ({cause}); nothing is created until one can be; \
                     downloading again in {}",
                    precise(*pause)
                ),
                PauseReason::OpenFiles => format!(
                    "too many files are open in this process or system; retrying in {}",
                    precise(*pause)
                ),
                PauseReason::Unreachable => format!(
                    "the service cannot be reached ({cause}); retrying in {}",
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
                "note: {concurrency} rows at once instead of --jobs, because this process \
                 may open {open_files} files (ulimit -n)"
            )),
            Event::Retrying { row, id, retry, .. } => self.retry(row, id, retry),
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
            Event::Created { row, .. } => {
                self.printer.print(Line::Recorded(row.seq));
                // Being slowed down is no outage, and goes on and on.
                self.passed(&[PauseReason::Unreachable]);
            }
            Event::Recorded { .. } => {
                self.passed(&[PauseReason::Downloads, PauseReason::OpenFiles]);
            }
            // The signal handler has reported it.
            Event::Stopping { reason, .. } if !matches!(reason, Stopped::Asked) => {
                let what = self.run.as_ref().map_or("row", |_| "prediction");
                let why = report::words(reason, what);
                self.say(format_args!("nothing more is created: {why}"));
            }
            Event::Unrecorded { row, id, error, .. } => {
                self.printer.print(Line::Recorded(row.seq));
                let row = self.name(row, *id);
                let id = id.unwrap_or("unknown");
                self.printer.print(Line::Error(format!(
                    "{row}: prediction {id} could not be recorded: {error}"
                )));
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
                self.say(format_args!("{row}: {}: {why}", failures::kind(outcome)));
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

    /// These reasons to pause are over: the next time, the cause is said again.
    fn passed(&self, reasons: &[PauseReason]) {
        let mut causes = lock(&self.causes);
        causes.pauses.retain(|it| !reasons.contains(it));
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

    fn look_at(&self, event: &Event<'_>) {
        let Event::Recorded { file, .. } = event else {
            return;
        };
        if self.look.show {
            self.printer.print(Line::Image(file.path.clone()));
        }
        if self.look.open {
            let mut saved = lock(&self.saved);
            saved.push(file.path.clone());
        }
    }

    /// Opens what was saved, where that was asked for.
    pub(crate) fn open_saved(&self) {
        let saved = lock(&self.saved);
        viewer::open_saved(&saved);
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
