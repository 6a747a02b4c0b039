//! The way home of what was created: its states, its files, its end.

use std::path::{Path, PathBuf};

use cometapi::{Error, ErrorKind, Prediction, SavedFile, Wait};

use crate::batch::context::Written;
use crate::batch::event::Event;
use crate::batch::names;
use crate::batch::report::Stopped;
use crate::batch::row::Row;
use crate::error::is_disk_full;
use crate::ledger::{FileRecord, Mark, Outcome};
use crate::verdict::is_end;

impl Row {
    /// Waits for the end, and brings it home.
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
        match settings.timeout {
            Some(timeout) => wait.timeout(timeout),
            None => wait,
        }
    }

    /// The terminal state, each one before it written down; `None` when the row is another's.
    async fn last_state(&self, mut wait: Wait) -> Result<Option<Prediction>, Error> {
        let mut last = None;
        while let Some(update) = wait.next().await {
            let prediction = update?;
            if prediction.is_terminal() {
                return Ok(Some(prediction));
            }
            let status = prediction.status().as_str().to_owned();
            if last.as_ref() != Some(&status) {
                if !self.seen(&status, false).await {
                    return Ok(None);
                }
                last = Some(status);
            }
        }
        // A wait ends with a terminal state or an error; by its own account it has.
        wait.await.map(Some)
    }

    /// Writes a state down. Whether to go on.
    async fn seen(&self, status: &str, fetching: bool) -> bool {
        let mark = Mark::Seen {
            status: status.to_owned(),
            fetching,
        };
        let written = self.record(mark).await;
        if written == Written::Yes {
            self.context.tell(&Event::State {
                row: &self.info,
                id: self.id(),
                status,
            });
        }
        written != Written::Lost
    }

    async fn finish(&mut self, prediction: Prediction) {
        let status = prediction.status().as_str().to_owned();
        let prediction = match prediction.into_outcome() {
            Ok(prediction) => prediction,
            Err(error) => {
                if self.seen(&status, false).await {
                    self.end((&error).into(), &[], error.prediction()).await;
                }
                return;
            }
        };
        let client = &self.context.settings.client;
        let files = client.files(&prediction);
        let stems: Vec<String> = (0..files.len())
            .map(|position| names::stem(&self.job, position))
            .collect();
        let folder = self.folder();
        let there = there(&folder, stems.clone()).await;
        if !self.job.fetching
            && let Some(stranger) = there.iter().flatten().next()
        {
            // Not this prediction's: it was there before the first file could be saved.
            let path = stranger.path.display();
            let what = format!("{path} is there already and was left as it is: move it away");
            let outcome = Outcome::failed(ErrorKind::File, what);
            return self.end(outcome, &[], Some(&prediction)).await;
        }
        if !self.seen(&status, true).await {
            return;
        }
        let mut records = Vec::new();
        let mut fault = None;
        for ((file, stem), there) in files.iter().zip(&stems).zip(there) {
            let saved = match there {
                Some(saved) => Ok(saved),
                None => file.save_as(&folder, stem).await,
            };
            match saved {
                Ok(saved) => {
                    let record = FileRecord::new(file.position(), &saved);
                    if !self.saved(&record).await {
                        return;
                    }
                    records.push(record);
                }
                Err(error) => {
                    if is_disk_full(&error) {
                        self.context.halt(Stopped::DiskFull(error.to_string()));
                    }
                    // The first one's reason; the others still come home.
                    fault.get_or_insert_with(|| Outcome::from(&error));
                }
            }
        }
        let outcome = fault.unwrap_or_else(Outcome::succeeded);
        self.end(outcome, &records, Some(&prediction)).await;
    }

    async fn saved(&self, record: &FileRecord) -> bool {
        let row = &self.info;
        self.context.tell(&Event::Saved {
            row,
            path: &record.path,
        });
        let written = self.record(Mark::Saved(record.clone())).await;
        if written == Written::Yes {
            self.context.tell(&Event::Recorded { row, file: record });
        }
        written != Written::Lost
    }

    /// Gives up waiting; the prediction goes on.
    async fn leave(&self, error: &Error) {
        let message = error.to_string();
        match error.kind() {
            ErrorKind::Unauthorized => self.context.halt(Stopped::Unauthorized(message)),
            ErrorKind::OutOfQuota => self.context.halt(Stopped::OutOfQuota(message)),
            ErrorKind::WrongEndpoint => self.context.halt(Stopped::WrongEndpoint(message)),
            _ => {}
        }
        if self.record(Mark::Released).await != Written::Lost {
            self.context.tell(&Event::Left {
                row: &self.info,
                id: self.id(),
                error,
            });
            self.context.count_left();
        }
    }

    /// Why the row is not to be sent: a file with its name is in the folder, though this
    /// ledger knows of no create. It is a stranger's, or was made with another ledger.
    pub(super) async fn is_there(&self) -> Option<Outcome> {
        let stem = names::stem(&self.job, 0);
        let there = there(&self.folder(), vec![stem]).await;
        let path = there.into_iter().flatten().next()?.path;
        let what = format!(
            "{} is there already, and this ledger knows of no create for it, so nothing was \
             sent: move the file away, or name the ledger that it was made with",
            path.display()
        );
        Some(Outcome::failed(ErrorKind::File, what))
    }

    fn folder(&self) -> PathBuf {
        let own = self.job.folder.as_deref();
        own.unwrap_or(&self.context.settings.folder).to_owned()
    }
}

/// The files that are there under these stems.
async fn there(folder: &Path, stems: Vec<String>) -> Vec<Option<SavedFile>> {
    let count = stems.len();
    let folder = folder.to_owned();
    let looked = tokio::task::spawn_blocking(move || {
        let find = |stem: &String| SavedFile::find(&folder, stem);
        stems.iter().map(find).collect()
    });
    // Not looked at when the runtime is going down, and this with it.
    looked.await.unwrap_or_else(|_| vec![None; count])
}
