//! One row on its way: create, wait, files, end, each step written down.

mod home;
mod same;

use std::sync::Arc;
use std::sync::atomic::Ordering;

use cometapi::{Error, ErrorKind, ModelRef, Prediction};
use serde_json::Value;

use crate::batch::context::{Context, Written};
use crate::batch::event::{Event, PauseReason, RowInfo};
use crate::batch::gate::Pass;
use crate::batch::report::Stopped;
use crate::error::is_out_of_files;
use crate::ledger::{FileRecord, Job, Mark, Outcome};
use crate::verdict::{Sent, sent, taken};

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
        row.follow_until_left(None).await;
        return Spent::Yes;
    }
    match row.create().await {
        Created::Yes(created, pass) => {
            row.follow_until_left(created.map(|created| *created)).await;
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
        if let Some(outcome) = self.is_there().await {
            self.end(outcome, &[], None).await;
            return Created::NotSent;
        }
        let mut policy = self.context.settings.create.clone();
        // Whether and when to send again is the gate's to say.
        policy.max_attempts = 1;
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
            self.context.begin();
            self.context.tell(&Event::Sending { row: &self.info });
            if self.context.is_stopping() {
                // Stopped while the above was recorded: nothing has left.
                if self.record(Mark::NotSent).await == Written::Yes {
                    self.record(Mark::Released).await;
                }
                return Created::NotSent;
            }
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
            match sent(&answer) {
                Sent::Created(mark) => {
                    if !self.created(&pass, mark, &answer).await {
                        return Created::No;
                    }
                    return Created::Yes(answer.ok().map(Box::new), pass);
                }
                Sent::Doubt(outcome) => {
                    self.answered(&answer);
                    if self.record(Mark::Unresolved(outcome.clone())).await != Written::Lost {
                        self.over(&outcome, true, &[], None);
                    }
                    return Created::No;
                }
                Sent::Not(outcome) => {
                    self.answered(&answer);
                    if !self.not_sent(&pass, outcome, &answer).await {
                        return Created::No;
                    }
                }
            }
        }
    }

    /// Waits for the end, unless the run leaves before: the next one finds it by its id.
    async fn follow_until_left(&mut self, created: Option<Prediction>) {
        let stop = self.context.settings.stop.clone();
        tokio::select! {
            biased;
            () = stop.leaving() => {}
            () = self.follow(created) => {}
        }
    }

    fn request(&self) -> Result<(ModelRef, Value), Outcome> {
        let model = self.job.model.parse::<ModelRef>();
        let model = model.map_err(|e| Outcome::from(&e))?;
        let input = serde_json::from_str(&self.job.input)
            .map_err(|e| Outcome::failed(ErrorKind::InvalidInput, e.to_string()))?;
        Ok((model, input))
    }

    fn answered(&self, answer: &Result<Prediction, Error>) {
        self.context.tell(&Event::Answered {
            row: &self.info,
            answer: answer.as_ref().map(Prediction::id),
        });
    }

    /// Records the id before anything else. Returns whether it is this row's.
    async fn created(
        &mut self,
        pass: &Pass,
        mark: Mark,
        answer: &Result<Prediction, Error>,
    ) -> bool {
        if let Mark::Created { id, .. } = &mark {
            self.job.id = Some(id.clone());
        }
        let id = self.job.id.as_deref();
        let tell = || self.answered(answer);
        let written = self.context.record_answer(&self.info, id, mark, tell).await;
        pass.accepted();
        self.context.outage.answered();
        self.context.outage.progress();
        self.context.created.fetch_add(1, Ordering::Relaxed);
        if written == Written::TakenId {
            let outcome = taken(self.job.id.take().unwrap_or_default());
            if self.record(Mark::Unresolved(outcome.clone())).await != Written::Lost {
                self.over(&outcome, true, &[], None);
            }
            return false;
        }
        if let (Written::Yes, Some(id)) = (written, &self.job.id) {
            let row = &self.info;
            self.context.tell(&Event::Created { row, id });
        }
        true
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
            ErrorKind::NeverReached if is_out_of_files(error) => {
                Some((PauseReason::OpenFiles, pass.away()))
            }
            ErrorKind::NeverReached if !error.is_permanent() => {
                Some((PauseReason::Unreachable, pass.away()))
            }
            _ => None,
        };
        if let Some((reason, pause)) = pause {
            self.context.outage.begin(reason, error);
            // A process that is killed in the pause leaves no doubt.
            let written = self.record(Mark::NotSent).await;
            if let Some(pause) = pause {
                self.context.tell(&Event::Paused {
                    reason,
                    pause,
                    limit: self.context.gate.limit(),
                    cause: error,
                });
            }
            return written == Written::Yes;
        }
        self.context.outage.answered();
        let message = outcome.message.clone().unwrap_or_default();
        let halt = match error.kind() {
            ErrorKind::Unauthorized => Stopped::Unauthorized(message),
            ErrorKind::OutOfQuota => Stopped::OutOfQuota(message),
            ErrorKind::WrongEndpoint => Stopped::WrongEndpoint(message),
            ErrorKind::Blocked => Stopped::Blocked(message),
            ErrorKind::NeverReached => Stopped::NeverReached(message),
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

    /// Ends the row.
    async fn end(&self, outcome: Outcome, files: &[FileRecord], prediction: Option<&Prediction>) {
        let not_home = matches!(outcome.kind, Some(ErrorKind::Download | ErrorKind::File));
        // Without rows to be given again it would never be looked at again if it ended.
        let mark = if not_home && self.context.load.is_none() {
            Mark::Released
        } else {
            Mark::Ended(outcome.clone())
        };
        if self.record(mark).await != Written::Lost {
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

    async fn record(&self, mark: Mark) -> Written {
        let id = self.job.id.as_deref();
        self.context.record(&self.info, id, mark).await
    }

    fn id(&self) -> &str {
        self.job.id.as_deref().unwrap_or_default()
    }
}
