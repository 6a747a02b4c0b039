//! The record of one prediction: called at each step, it records the step.

use std::future::ready;
use std::path::PathBuf;

use cometapi::{Error as ApiError, ErrorKind as ApiErrorKind, Prediction, SavedFile, Status};

use crate::error::{Error, ErrorKind};
use crate::ledger::{FileRecord, Job, LedgerFuture, Mark, Outcome};
use crate::once::destination::Destination;
use crate::prices::Prices;
use crate::response::{CreateOutcome, create_outcome, is_end, taken_id};
use crate::worker::Worker;

#[derive(Debug)]
pub(super) struct Record {
    /// `None` where nothing is recorded.
    worker: Option<Worker>,
    seq: u64,
    has_key: bool,
    model: Option<String>,
    destination: Destination,
    status: Option<String>,
    /// Where the price comes from, until it is recorded.
    prices: Option<Prices>,
    /// The id, while it could not be recorded.
    unrecorded: Option<Mark>,
}

impl Record {
    /// The record of a prediction that `worker` holds.
    pub(super) fn of(worker: Worker, job: Job, prices: Prices) -> Self {
        Self {
            worker: Some(worker),
            seq: job.seq,
            has_key: job.key.is_some(),
            model: Some(job.model),
            destination: Destination {
                folder: job.folder,
                names: job.names,
            },
            status: None,
            prices: Some(prices).filter(|_| job.price.is_none()),
            unrecorded: None,
        }
    }

    /// A record that is not kept: each step succeeds and does nothing.
    pub(super) fn unrecorded(model: Option<String>) -> Self {
        Self {
            worker: None,
            seq: 0,
            has_key: false,
            model,
            destination: Destination::default(),
            status: None,
            prices: None,
            unrecorded: None,
        }
    }

    /// The same of a prediction whose files are to be saved there.
    pub(super) fn saved_in(mut self, folder: Option<PathBuf>, names: Option<String>) -> Self {
        self.destination = Destination { folder, names };
        self
    }

    /// Where its files are to be saved, as it is recorded.
    pub(super) fn destination(&self) -> &Destination {
        &self.destination
    }

    /// The model, `owner/name`, if it is known.
    pub(super) fn model(&self) -> Option<&str> {
        self.model.as_deref()
    }

    /// Records the response to the create request: its id, that nothing was created, or that this
    /// is unknown. An id that cannot be recorded is tried again before the next step is recorded.
    ///
    /// `show` is called with the id while it is being recorded, because another process may hold
    /// the ledger for long. The ledger is asked first, so `show` may block.
    pub(super) async fn responded(
        &mut self,
        response: &Result<Prediction, ApiError>,
        show: impl FnOnce(&str),
    ) -> Result<(), Error> {
        let (id, mark) = match create_outcome(response) {
            CreateOutcome::Created { id, mark } => (id, mark),
            CreateOutcome::Unknown(outcome) => {
                self.price().await?;
                return self.record(Mark::Unresolved(outcome)).await;
            }
            CreateOutcome::NotCreated(outcome) => return self.record(Mark::Ended(outcome)).await,
        };
        let recording = self.send(mark.clone());
        show(&id);
        let recorded = recording.await;
        match &recorded {
            Err(e) if e.kind() == ErrorKind::TakenId => {
                // Without a record it is unresolved when its worker ends.
                let _ = self.record(Mark::Unresolved(taken_id(&id))).await;
            }
            Err(_) => self.unrecorded = Some(mark),
            // The caller may leave with the id.
            Ok(()) => return self.price().await,
        }
        recorded
    }

    /// Records that an attempt had no effect and the next one has not been sent: until
    /// [`sending`](Self::sending), the process may end without leaving a doubt.
    pub(super) async fn pausing(&mut self) -> Result<(), Error> {
        self.record(Mark::NotSent).await
    }

    /// Records that the next attempt is about to be sent. It may be sent when this is `Ok`, and
    /// not before.
    pub(super) async fn sending(&mut self) -> Result<(), Error> {
        self.record(Mark::Sending).await
    }

    /// Asks to record that the create request was given up while nothing was in flight.
    pub(super) fn not_sent(&self) -> LedgerFuture<()> {
        let why = "it was given up before it was sent";
        let outcome = Outcome::failed(ApiErrorKind::NeverReached, why);
        self.send(Mark::Ended(outcome))
    }

    /// Records a state, and the prediction if it has ended. The same status again is not recorded.
    pub(super) async fn seen(&mut self, prediction: &Prediction) -> Result<(), Error> {
        if self.worker.is_none() {
            return Ok(());
        }
        let status = prediction.status().as_str();
        if self.status.as_deref() == Some(status) {
            return Ok(());
        }
        self.status = Some(status.to_owned());
        let mark = Mark::Seen {
            status: status.to_owned(),
            fetching: prediction.is_terminal(),
            took: prediction
                .duration()
                .filter(|_| *prediction.status() == Status::Succeeded),
        };
        self.record(mark).await?;
        match serde_json::to_string(prediction) {
            Ok(json) if self.has_key && prediction.is_terminal() => {
                self.record(Mark::Result(json)).await
            }
            _ => Ok(()),
        }
    }

    /// Records a file that was saved.
    pub(super) async fn saved(&mut self, position: usize, file: &SavedFile) -> Result<(), Error> {
        self.record(Mark::Saved(FileRecord::new(position, file)))
            .await
    }

    /// Records that it succeeded, with a `note` for a person.
    pub(super) async fn succeeded(self, note: Option<String>) -> Result<(), Error> {
        let outcome = note.map_or_else(Outcome::succeeded, Outcome::succeeded_with);
        self.end(Mark::Ended(outcome)).await
    }

    /// Records an error that ended it, or the wait for it: a deadline leaves the prediction running,
    /// for the next wait, and so does an error of a download. An output that cannot be used is a
    /// success with a note: it has been paid for, and waiting does not change it.
    pub(super) async fn failed(self, error: &ApiError) -> Result<(), Error> {
        let mark = match error {
            e if e.kind() == ApiErrorKind::UnexpectedOutput => {
                Mark::Ended(Outcome::succeeded_with(e.to_string()))
            }
            e if is_end(e) => Mark::Ended(e.into()),
            _ => Mark::Released,
        };
        self.end(mark).await
    }

    /// Records what it is expected to cost, if that was not known before.
    async fn price(&mut self) -> Result<(), Error> {
        let (Some(prices), Some(model)) = (&self.prices, &self.model) else {
            return Ok(());
        };
        let Some(price) = prices.of(model) else {
            return Ok(());
        };
        self.record(Mark::Priced(price)).await?;
        self.prices = None;
        Ok(())
    }

    async fn end(mut self, mark: Mark) -> Result<(), Error> {
        self.price().await?;
        self.record(mark).await?;
        match &self.worker {
            Some(worker) => worker.retire().await,
            None => Ok(()),
        }
    }

    async fn record(&mut self, mark: Mark) -> Result<(), Error> {
        if let Some(unrecorded) = self.unrecorded.clone() {
            self.send(unrecorded).await?;
            self.unrecorded = None;
        }
        self.send(mark).await
    }

    fn send(&self, mark: Mark) -> LedgerFuture<()> {
        match &self.worker {
            Some(worker) => worker.record(self.seq, mark),
            None => Box::pin(ready(Ok(()))),
        }
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        // Asked for before the worker's end is, which would make it unresolved.
        if let Some(unrecorded) = self.unrecorded.take() {
            drop(self.send(unrecorded));
        }
    }
}
