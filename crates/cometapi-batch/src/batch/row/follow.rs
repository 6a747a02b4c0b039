//! What happens to a created prediction: its states, its files, its end.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use cometapi::{
    Error, ErrorKind, OutputFile, OutputText, Prediction, RetryProgress, SavedFile, Wait,
};

use crate::batch::context::Recorded;
use crate::batch::event::Event;
use crate::batch::identity::is_named;
use crate::batch::reason::{PauseReason, Stopped};
use crate::batch::row::Row;
use crate::batch::row::place::Place;
use crate::error::{is_disk_full, is_of_folder};
use crate::ledger::{FileRecord, Mark, Outcome};
use crate::response::is_end;

impl Row {
    /// Waits for the end, and saves its files.
    pub(super) async fn follow(&mut self, created: Option<Prediction>) {
        let wait = self.wait(created);
        match self.last_state(wait).await {
            Ok(Some(prediction)) => self.finish(prediction).await,
            Ok(None) => {}
            Err(error) if is_end(&error) => {
                self.end((&error).into(), &[], error.prediction()).await;
            }
            Err(error) => self.leave(&error).await,
        }
    }

    fn wait(&self, created: Option<Prediction>) -> Wait {
        let settings = &self.context.settings;
        let predictions = settings.client.predictions();
        let mut wait = match created {
            Some(created) => predictions.follow(created),
            None => predictions.wait(self.id()),
        };
        if let Some(policy) = &settings.wait {
            wait = wait.policy(policy.clone());
        }
        wait = wait
            .schedule(self.context.history.schedule(&self.job.model))
            .on_retry(self.retry_observer());
        match settings.timeout {
            Some(timeout) => wait.timeout(timeout),
            None => wait,
        }
    }

    /// The terminal state, each one before it recorded; `None` when the row is another's.
    async fn last_state(&self, mut wait: Wait) -> Result<Option<Prediction>, Error> {
        let mut last = None;
        loop {
            let update = tokio::select! {
                update = wait.next() => update,
                () = self.context.left() => {
                    if self.record(Mark::Released).await != Recorded::Lost {
                        self.context.count_left();
                    }
                    return Ok(None);
                }
            };
            let Some(update) = update else { break };
            let prediction = update?;
            if prediction.is_terminal() {
                return Ok(Some(prediction));
            }
            let status = prediction.status().as_str().to_owned();
            if last.as_ref() != Some(&status) {
                if !self.seen(&status, false, None).await {
                    return Ok(None);
                }
                last = Some(status);
            }
        }
        // A wait ends with a terminal state or an error; by its own account it has.
        wait.await.map(Some)
    }

    /// Records a state. Returns whether to continue.
    pub(super) async fn seen(&self, status: &str, fetching: bool, took: Option<Duration>) -> bool {
        let mark = Mark::Seen {
            status: status.to_owned(),
            fetching,
            took,
        };
        let written = self.record(mark).await;
        self.context.outage.progress();
        if written == Recorded::Yes {
            self.context.notify(&Event::State {
                row: &self.info,
                id: self.id(),
                status,
            });
        }
        written != Recorded::Lost
    }

    async fn finish(&mut self, prediction: Prediction) {
        let status = prediction.status().as_str().to_owned();
        let prediction = match prediction.into_outcome() {
            Ok(prediction) => prediction,
            Err(error) => {
                if self.seen(&status, false, None).await {
                    self.end((&error).into(), &[], error.prediction()).await;
                }
                return;
            }
        };
        let took = prediction.duration();
        self.context.history.record(&self.job.model, &prediction);
        let client = &self.context.settings.client;
        let contents = match client.contents(&prediction, Some(&self.job.model)) {
            Ok(contents) => contents,
            Err(error) => {
                // It has been paid for, and waiting does not change it.
                if self.seen(&status, false, took).await {
                    self.context.unusable.fetch_add(1, Ordering::Relaxed);
                    let outcome = Outcome::succeeded_with(error.to_string());
                    self.end(outcome, &[], Some(&prediction)).await;
                }
                return;
            }
        };
        if self.context.settings.no_files {
            let seen = (status.as_str(), took);
            return self.finish_without_files(seen, contents, &prediction).await;
        }
        let (files, text) = contents.into_parts();
        let folder = self.folder();
        if let Some(outcome) = self.refused_folder(&folder) {
            return self.end(outcome, &[], Some(&prediction)).await;
        }
        let parts = files.len() + usize::from(text.is_some());
        let Some(mut places) = self.places(&folder, 0..parts).await else {
            return;
        };
        let mut found = self.existing(&places).await;
        if !self.job.fetching
            && let Some(outcome) = found.conflict(&files, text.as_ref()).await
        {
            return self.end(outcome, &[], Some(&prediction)).await;
        }
        if !self.seen(&status, true, took).await {
            return;
        }
        let mut kept = Kept::default();
        for (file, place) in files.iter().zip(&places) {
            let saved = match found.remove(file.position()) {
                Some(saved) => Ok(saved),
                None => self.save(Content::File(file), place).await,
            };
            if let Err(error) = &saved
                && file.is_link(error)
            {
                // Its query may hold a signature.
                let address = file.url().split(['?', '#']).next().unwrap_or_default();
                kept.notes
                    .push(format!("{address} was left as a link: {error}"));
            } else if !self.keep(file.position(), saved, &mut kept).await {
                return;
            }
        }
        // What was left as a link stands in the text.
        let text = match text {
            None if !kept.notes.is_empty() => Some(OutputText::of(&prediction)),
            text => text,
        };
        if let Some(text) = text {
            if places.len() == files.len() {
                let Some(place) = self.places(&folder, parts..parts + 1).await else {
                    return;
                };
                found.extend(self.existing(&place).await);
                places.extend(place);
            }
            let saved = match (found.remove(files.len()), places.last()) {
                (Some(saved), _) => Ok(saved),
                (None, Some(place)) => self.save(Content::Text(&text), place).await,
                (None, None) => return,
            };
            if !self.keep(files.len(), saved, &mut kept).await {
                return;
            }
        }
        kept.notes.extend(missing(&prediction));
        let outcome = match kept.fault {
            Some(fault) => fault,
            None if kept.notes.is_empty() => Outcome::succeeded(),
            None => Outcome::succeeded_with(kept.notes.join("; ")),
        };
        self.end(outcome, &kept.records, Some(&prediction)).await;
    }

    /// Returns why nothing is saved in a folder that the ledger names, if that belongs to another user.
    fn refused_folder(&self, folder: &Path) -> Option<Outcome> {
        if folder == self.context.settings.folder {
            return None;
        }
        let why = crate::owner::check_folder(folder).err()?;
        let what = format!(
            "nothing is saved in {}, which the ledger names for this prediction's files: it {why}; \
             wait for the prediction by its id to save them elsewhere",
            folder.display()
        );
        Some(Outcome::failed(ErrorKind::File, what))
    }

    /// Reports polls and downloads that are repeated.
    fn retry_observer(&self) -> impl FnMut(RetryProgress<'_>) + Send + use<> {
        let (context, row) = (Arc::clone(&self.context), Arc::clone(&self.info));
        let id = self.id().to_owned();
        move |retry| {
            context.notify(&Event::Retrying {
                row: &row,
                id: &id,
                retry,
            });
        }
    }

    /// Saves it, and tries again after each pause as long as create requests pause for it.
    async fn save(&self, content: Content<'_>, place: &Place) -> Result<SavedFile, Error> {
        let (mut turn, mut is_waiting) = (None, false);
        loop {
            let error = match content.save(place, self.retry_observer()).await {
                Ok(saved) => {
                    self.context.downloaded(content.is_download(), is_waiting);
                    return Ok(saved);
                }
                Err(error) => error,
            };
            // Another row's, if this one pauses again.
            drop(turn.take());
            turn = self.context.download_failed(&error, &mut is_waiting).await;
            if turn.is_none() {
                if is_waiting {
                    self.context.download_given_up();
                }
                return Err(error);
            }
        }
    }

    /// Records a file that was saved, or was not. Returns whether to continue.
    async fn keep(
        &self,
        position: usize,
        saved: Result<SavedFile, Error>,
        kept: &mut Kept,
    ) -> bool {
        match saved {
            Ok(saved) => {
                let record = FileRecord::new(position, &saved);
                if !self.saved(&record).await {
                    return false;
                }
                kept.records.push(record);
            }
            Err(error) => {
                if error.kind() == ErrorKind::File && is_of_folder(&error) {
                    let outcome = Outcome::from(&error);
                    let message = outcome.message.unwrap_or_default();
                    self.context.halt(if is_disk_full(&error) {
                        Stopped::DiskFull(message)
                    } else {
                        Stopped::CannotWrite(message)
                    });
                }
                // The first one's reason; the others are still saved.
                kept.fault.get_or_insert_with(|| Outcome::from(&error));
            }
        }
        true
    }

    async fn saved(&self, record: &FileRecord) -> bool {
        self.context.outage.progress();
        let row = &self.info;
        self.context.notify(&Event::Saved {
            row,
            path: &record.path,
        });
        let written = self.record(Mark::Saved(self.in_ledger(record))).await;
        if written == Recorded::Yes {
            self.context.notify(&Event::Recorded { row, file: record });
        }
        written != Recorded::Lost
    }

    /// A file as it is recorded: with its batch's folder, it can be moved.
    fn in_ledger(&self, record: &FileRecord) -> FileRecord {
        let record = record.clone();
        match (&self.job.batch, &self.job.folder) {
            (Some(batch), Some(folder)) if !is_named(batch) => record.relative_to(folder),
            _ => record,
        }
    }

    /// Gives up waiting; the prediction continues.
    async fn leave(&self, error: &Error) {
        if let Some(reason) = Stopped::by_error(error.kind(), error.to_string()) {
            self.context.halt(reason);
        } else if error.kind() == ErrorKind::WaitTimeout && is_unanswered(error) {
            // Also when it has only rows to wait for, a run ends in time.
            self.context.outage.begin(PauseReason::Unreachable, error);
        }
        if self.record(Mark::Released).await != Recorded::Lost {
            self.context.notify(&Event::Left {
                row: &self.info,
                id: self.id(),
                error,
            });
            self.context.count_left();
        }
    }

    pub(super) fn folder(&self) -> PathBuf {
        let own = self.job.folder.as_deref();
        own.unwrap_or(&self.context.settings.folder).to_owned()
    }
}

/// What the output of a success lacks.
fn missing(prediction: &Prediction) -> impl Iterator<Item = String> {
    let none = prediction.output().is_null();
    let none = none.then(|| "the run succeeded without an output".to_owned());
    let ignored = prediction.ignored_output();
    let ignored = ignored.map(|ignored| format!("the output may not be complete: {ignored}"));
    none.into_iter().chain(ignored)
}

/// Whether the last poll of a wait that timed out got no response at all.
fn is_unanswered(error: &Error) -> bool {
    let last = std::error::Error::source(error).and_then(|last| last.downcast_ref::<Error>());
    last.is_some_and(|last| last.kind() == ErrorKind::Unavailable && last.status().is_none())
}

/// A part of an output that is to be saved.
#[derive(Clone, Copy)]
enum Content<'a> {
    File(&'a OutputFile),
    Text(&'a OutputText),
}

impl Content<'_> {
    async fn save(
        self,
        place: &Place,
        observer: impl FnMut(RetryProgress<'_>) + Send,
    ) -> Result<SavedFile, Error> {
        let (folder, stem) = (&place.folder, &place.stem);
        match self {
            Self::File(file) => file.save_in(folder).name(stem).on_retry(observer).await,
            Self::Text(text) => text.save_in(folder).name(stem).await,
        }
    }

    /// Whether it comes from a file host.
    fn is_download(self) -> bool {
        match self {
            Self::File(file) => {
                let scheme = file.url().get(..5);
                !scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case("data:"))
            }
            Self::Text(_) => false,
        }
    }
}

/// What was kept of an output.
#[derive(Default)]
struct Kept {
    records: Vec<FileRecord>,
    fault: Option<Outcome>,
    /// What was not kept, and need not be.
    notes: Vec<String>,
}
