//! One row on its way: create, wait, files, end, each step written down.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use cometapi::{Error, ErrorKind, ModelRef, Prediction, SavedFile, Wait};
use serde_json::Value;

use crate::batch::context::{Context, Written};
use crate::batch::event::{Event, PauseReason, RowInfo};
use crate::batch::gate::Pass;
use crate::batch::names;
use crate::batch::report::Stopped;
use crate::error::is_disk_full;
use crate::ledger::{FileRecord, Job, Mark, Outcome};
use crate::verdict::{Sent, is_end, sent};

/// What a row did with the leave to create.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Spent {
    /// It sent a create, or needed none.
    Yes,
    /// It sent none, so that another may.
    No,
}

pub(crate) async fn work(context: Arc<Context>, job: Job) -> Spent {
    let mut row = Row {
        info: Arc::new(RowInfo::from(&job)),
        context,
        job,
    };
    row.context.tell(&Event::Claimed {
        row: &row.info,
        id: row.job.id.as_deref(),
    });
    if row.job.id.is_some() {
        row.follow(None).await;
        return Spent::Yes;
    }
    match row.create().await {
        Created::Yes(created, pass) => {
            row.follow(created.map(|created| *created)).await;
            drop(pass);
            Spent::Yes
        }
        Created::No => Spent::Yes,
        Created::NotSent => Spent::No,
    }
}

/// What came of the create.
enum Created {
    /// The prediction, unless no more than its id could be read.
    Yes(Option<Box<Prediction>>, Pass),
    No,
    NotSent,
}

struct Row {
    context: Arc<Context>,
    job: Job,
    info: Arc<RowInfo>,
}

impl Row {
    async fn create(&mut self) -> Created {
        let (model, input) = match self.request() {
            Ok(request) => request,
            // Checked when it was read; an earlier program may have known other rules.
            Err(outcome) => {
                self.end(outcome, &[], None).await;
                return Created::NotSent;
            }
        };
        let mut policy = self.context.settings.create.clone();
        // Whether and when to send again is the gate's to say.
        policy.attempts = 1;
        loop {
            if let Some(outcome) = self.context.is_model_gone(&self.job.model) {
                self.end(outcome, &[], None).await;
                return Created::NotSent;
            }
            let Some(pass) = self.context.gate.enter().await else {
                self.record(Mark::Released).await;
                return Created::NotSent;
            };
            if pass.resumed {
                let limit = self.context.gate.limit();
                self.context.tell(&Event::Resumed { limit });
            }
            if self.record(Mark::Sending).await != Written::Yes {
                return Created::NotSent;
            }
            self.context.tell(&Event::Sending { row: &self.info });
            let answer = self
                .context
                .settings
                .client
                .predictions()
                .create(&model, input.clone())
                // Checked with all the others, before the first was created.
                .unchecked()
                .policy(policy.clone())
                .await;
            self.context.tell(&Event::Answered {
                row: &self.info,
                answer: answer.as_ref().map(Prediction::id),
            });
            match sent(&answer) {
                Sent::Created(mark) => {
                    self.created(&pass, mark).await;
                    return Created::Yes(answer.ok().map(Box::new), pass);
                }
                Sent::Doubt(outcome) => {
                    if self.record(Mark::Unresolved(outcome.clone())).await != Written::Lost {
                        self.over(&outcome, true, &[], None);
                    }
                    return Created::No;
                }
                Sent::Not(outcome) => {
                    if !self.not_sent(&pass, outcome, &answer).await {
                        return Created::No;
                    }
                }
            }
        }
    }

    fn request(&self) -> Result<(ModelRef, Value), Outcome> {
        let model = self.job.model.parse::<ModelRef>();
        let model = model.map_err(|e| Outcome::from(&e))?;
        let input = serde_json::from_str(&self.job.input)
            .map_err(|e| Outcome::failed(ErrorKind::InvalidInput, e.to_string()))?;
        Ok((model, input))
    }

    /// Writes the id down before anything else.
    async fn created(&mut self, pass: &Pass, mark: Mark) {
        if let Mark::Created { id, .. } = &mark {
            self.job.id = Some(id.clone());
        }
        let written = self.record(mark).await;
        pass.accepted();
        self.context.created.fetch_add(1, Ordering::Relaxed);
        if let (Written::Yes, Some(id)) = (written, &self.job.id) {
            let row = &self.info;
            self.context.tell(&Event::Created { row, id });
        }
    }

    /// The create did not happen. Whether to try again.
    async fn not_sent(
        &self,
        pass: &Pass,
        outcome: Outcome,
        answer: &Result<Prediction, Error>,
    ) -> bool {
        let Err(error) = answer else { return false };
        let pause = match error.kind() {
            ErrorKind::RateLimited => {
                Some((PauseReason::RateLimited, pass.limited(error.retry_after())))
            }
            ErrorKind::NeverReached => Some((PauseReason::Unreachable, pass.away())),
            _ => None,
        };
        if let Some((reason, pause)) = pause {
            if let Some(pause) = pause {
                self.context.tell(&Event::Paused {
                    reason,
                    pause,
                    limit: self.context.gate.limit(),
                    cause: error,
                });
            }
            return self.record(Mark::NotSent).await == Written::Yes;
        }
        let message = outcome.message.clone().unwrap_or_default();
        let halt = match error.kind() {
            ErrorKind::Unauthorized => Stopped::Unauthorized(message),
            ErrorKind::OutOfQuota => Stopped::OutOfQuota(message),
            ErrorKind::WrongEndpoint => Stopped::WrongEndpoint(message),
            _ => {
                let code = error.service().and_then(|service| service.code.as_deref());
                if code == Some("model_not_found") {
                    self.context.model_gone(&self.job.model, &outcome);
                }
                self.end(outcome, &[], None).await;
                return false;
            }
        };
        self.context.halt(halt);
        if self.record(Mark::NotSent).await == Written::Yes {
            self.record(Mark::Released).await;
        }
        false
    }

    /// Waits for the end, and brings it home.
    async fn follow(&mut self, created: Option<Prediction>) {
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

    /// Ends the row.
    async fn end(&self, outcome: Outcome, files: &[FileRecord], prediction: Option<&Prediction>) {
        if self.record(Mark::Ended(outcome.clone())).await != Written::Lost {
            self.over(&outcome, false, files, prediction);
        }
    }

    fn over(
        &self,
        outcome: &Outcome,
        unresolved: bool,
        files: &[FileRecord],
        prediction: Option<&Prediction>,
    ) {
        self.context.tell(&Event::Ended {
            row: &self.info,
            id: self.job.id.as_deref(),
            outcome,
            files,
            prediction,
        });
        self.context.count(outcome, unresolved);
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

    async fn record(&self, mark: Mark) -> Written {
        let id = self.job.id.as_deref();
        self.context.record(&self.info, id, mark).await
    }

    fn id(&self) -> &str {
        self.job.id.as_deref().unwrap_or_default()
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
