//! One row on its way: create, wait, files, end, each step recorded.

mod existing;
mod follow;
mod no_files;
mod own_files;
mod place;

use std::sync::Arc;
use std::sync::atomic::Ordering;

use cometapi::{Error, ErrorKind, ModelRef, Permit, Prediction};
use serde_json::Value;

use crate::batch::context::{Context, Recorded};
use crate::batch::event::{Event, RowInfo};
use crate::batch::reason::{PauseReason, Stopped};
use crate::error::is_out_of_files;
use crate::ledger::retry::{RetryAction, last_action};
use crate::ledger::{FileRecord, Job, Mark, Outcome};
use crate::response::{CreateOutcome, create_outcome, taken_id};

/// Whether a row used its permission to create.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Spent {
    /// It sent a create request, or needed none.
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
    row.context.notify(&Event::Claimed {
        row: &row.info,
        id: row.job.id.as_deref(),
    });
    if row.job.id.is_some() {
        row.follow_until_left(None).await;
        return Spent::Yes;
    }
    match row.create().await {
        Created::Yes(created, permit) => {
            row.follow_until_left(created.map(|created| *created)).await;
            drop(permit);
            Spent::Yes
        }
        Created::No => Spent::Yes,
        Created::NotSent => Spent::No,
    }
}

/// The result of a create request.
enum Created {
    /// The prediction, unless no more than its id could be read.
    Yes(Option<Box<Prediction>>, Permit),
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
        if let Some(outcome) = self.existing_file().await {
            self.end(outcome, &[], None).await;
            return Created::NotSent;
        }
        let mut policy = self.context.settings.create.clone();
        // Whether and when to send again is decided by the limiter.
        policy.max_attempts = 1;
        loop {
            if let Some(outcome) = self.context.is_model_gone(&self.job.model) {
                self.end(outcome, &[], None).await;
                return Created::NotSent;
            }
            let Some(permit) = self.context.acquire().await else {
                self.record(Mark::Released).await;
                return Created::NotSent;
            };
            if permit.is_first_after_pause() {
                let limit = self.context.limiter.limit();
                self.context.notify(&Event::Resumed { limit });
            }
            if self.record(Mark::Sending).await != Recorded::Yes {
                return Created::NotSent;
            }
            self.context.begin();
            self.context.notify(&Event::Sending { row: &self.info });
            if self.context.is_stopping() {
                // Stopped while the above was recorded: nothing has left.
                if self.record(Mark::NotSent).await == Recorded::Yes {
                    self.record(Mark::Released).await;
                }
                return Created::NotSent;
            }
            let response = self
                .context
                .settings
                .client
                .predictions()
                .create_model(&model, input.clone())
                // Checked with all the others, before the first was created.
                .unchecked()
                .policy(policy.clone())
                .await;
            match create_outcome(&response) {
                CreateOutcome::Created { id, mark } => {
                    if !self.created(&permit, id, mark, &response).await {
                        return Created::No;
                    }
                    return Created::Yes(response.ok().map(Box::new), permit);
                }
                CreateOutcome::Unknown(outcome) => {
                    self.responded(&response);
                    self.unresolved(&outcome).await;
                    return Created::No;
                }
                CreateOutcome::NotCreated(outcome) => {
                    self.responded(&response);
                    if !self.not_created(&permit, outcome, &response).await {
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

    fn responded(&self, response: &Result<Prediction, Error>) {
        self.context.notify(&Event::Responded {
            row: &self.info,
            response: response.as_ref().map(Prediction::id),
        });
    }

    /// Records what the prediction is expected to cost, if that was not known when it was claimed.
    async fn price(&self) {
        let price = match self.job.price {
            None => self.context.settings.prices.of(&self.job.model),
            Some(_) => None,
        };
        if let Some(price) = price {
            self.record(Mark::Priced(price)).await;
        }
    }

    async fn unresolved(&self, outcome: &Outcome) {
        self.price().await;
        if self.record(Mark::Unresolved(outcome.clone())).await != Recorded::Lost {
            self.over(outcome, true, &[], None);
        }
    }

    /// Records the id before anything else. Returns whether it is this row's.
    async fn created(
        &mut self,
        permit: &Permit,
        id: String,
        mark: Mark,
        response: &Result<Prediction, Error>,
    ) -> bool {
        let notify = || self.responded(response);
        let recorded = self.context.record_id(&self.info, &id, mark, notify).await;
        permit.accepted();
        self.context.outage.responded();
        self.context.outage.progress();
        self.context.created.fetch_add(1, Ordering::Relaxed);
        if recorded == Recorded::TakenId {
            self.unresolved(&taken_id(&id)).await;
            return false;
        }
        if recorded == Recorded::Yes {
            let row = &self.info;
            self.context.notify(&Event::Created { row, id: &id });
        }
        self.job.id = Some(id);
        true
    }

    /// Nothing was created. Returns whether to try again.
    async fn not_created(
        &self,
        permit: &Permit,
        outcome: Outcome,
        response: &Result<Prediction, Error>,
    ) -> bool {
        let Err(error) = response else { return false };
        let pause = match error.kind() {
            ErrorKind::RateLimited => Some((
                PauseReason::RateLimited,
                permit.rate_limited(error.retry_after()),
            )),
            ErrorKind::NeverReached if is_out_of_files(error) => {
                Some((PauseReason::OpenFiles, permit.unreachable()))
            }
            ErrorKind::NeverReached if !error.is_permanent() => {
                Some((PauseReason::Unreachable, permit.unreachable()))
            }
            _ => None,
        };
        if let Some((reason, pause)) = pause {
            self.context.outage.begin(reason, error);
            // A process that is killed in the pause leaves no doubt.
            let written = self.record(Mark::NotSent).await;
            if let Some(pause) = pause {
                if reason == PauseReason::RateLimited {
                    self.context.share_pause(pause).await;
                }
                self.context.notify(&Event::Paused {
                    reason,
                    pause,
                    limit: self.context.limiter.limit(),
                    cause: error,
                });
            }
            return written == Recorded::Yes;
        }
        self.context.outage.responded();
        let message = outcome.message.clone().unwrap_or_default();
        let Some(reason) = Stopped::by_error(error.kind(), message) else {
            let code = error.service().and_then(|service| service.code.as_deref());
            if code == Some("model_not_found") {
                self.context.model_gone(&self.job.model, &outcome);
            }
            self.end(outcome, &[], None).await;
            return false;
        };
        self.context.halt(reason);
        if self.record(Mark::NotSent).await == Recorded::Yes {
            self.record(Mark::Released).await;
        }
        false
    }

    async fn end(&self, outcome: Outcome, files: &[FileRecord], prediction: Option<&Prediction>) {
        self.price().await;
        let is_followed = |kind| last_action(kind) == RetryAction::Follow;
        // Without rows that are run again, nothing would follow it after its end.
        let mark = if self.context.load.is_none() && outcome.kind.is_some_and(is_followed) {
            Mark::Released
        } else {
            Mark::Ended(outcome.clone())
        };
        if let (Some(_), Some(prediction)) = (&self.job.key, prediction)
            && let Ok(json) = serde_json::to_string(prediction)
        {
            self.record(Mark::Result(json)).await;
        }
        if self.record(mark).await != Recorded::Lost {
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
        self.context.notify(&Event::Ended {
            row: &self.info,
            id: self.job.id.as_deref(),
            outcome,
            files,
            prediction,
        });
        self.context.count(outcome, unresolved);
    }

    async fn record(&self, mark: Mark) -> Recorded {
        let id = self.job.id.as_deref();
        self.context.record(&self.info, id, mark).await
    }

    fn id(&self) -> &str {
        self.job.id.as_deref().unwrap_or_default()
    }
}
