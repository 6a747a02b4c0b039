//! A single prediction, recorded like a batch's row.

use std::sync::Arc;

use cometapi::{Client, Error as ApiError, ModelRef, Prediction, SavedFile};
use serde_json::{Map, Value};

use crate::batch::settings::service;
use crate::error::{Error, ErrorKind};
use crate::ledger::{FileRecord, Intent, Job, Ledger, LedgerFuture, Mark, Outcome};
use crate::response::{Sent, is_end, sent, taken};
use crate::worker::Worker;

/// The record of one prediction, for those who create and wait themselves: informed of each step,
/// it writes it down, so that no paid prediction is lost whenever the process ends.
///
/// ```no_run
/// # async fn example(client: cometapi::Client) -> Result<(), Box<dyn std::error::Error>> {
/// use std::sync::Arc;
/// use cometapi::{Input, ModelRef};
/// use cometapi_batch::{Single, SqliteLedger};
///
/// let ledger = Arc::new(SqliteLedger::open(SqliteLedger::default_path()?)?);
/// let model: ModelRef = "black-forest-labs/flux-schnell".parse()?;
/// let input = Input::from_iter([("prompt", "a red fox")]);
///
/// let mut record = Single::begin(&client, ledger, &model, input.fields()).await?;
/// let answer = client.predictions().create(&model, input).await;
/// record.answered(&answer).await?; // the id, before anything else
/// let mut wait = client.predictions().follow(answer?);
/// while let Some(update) = wait.next().await {
///     let prediction = match update {
///         Ok(prediction) => prediction,
///         Err(e) => { record.ended(Err(&e)).await?; return Err(e.into()) }
///     };
///     record.seen(&prediction).await?;
///     if prediction.is_terminal() {
///         for file in client.files(&prediction) {
///             record.saved(file.position(), &file.save_in("out").await?).await?;
///         }
///         record.ended(prediction.into_outcome().as_ref().map(drop)).await?;
///         break;
///     }
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Single {
    ledger: Arc<dyn Ledger>,
    worker: Worker,
    job: Job,
    status: Option<String>,
    /// The answer, while it could not be recorded.
    unrecorded: Option<Mark>,
}

impl Single {
    /// Records that `model` is about to be run on `input`. The create request may be sent when
    /// this is `Ok`, and not before.
    pub async fn begin(
        client: &Client,
        ledger: Arc<dyn Ledger>,
        model: &ModelRef,
        input: &Map<String, Value>,
    ) -> Result<Self, Error> {
        let worker = Worker::register(&ledger, service(client)).await?;
        let job = ledger.begin(worker.id(), Intent::new(model, input)).await?;
        Ok(Self::of(ledger, worker, job))
    }

    /// The record of the prediction of this id, to continue with. `None` when the ledger knows no
    /// such prediction of this client's service, when a process that lives is at work on it,
    /// and when it is over: a success, or a failure that no waiting can change.
    pub async fn adopt(
        client: &Client,
        ledger: Arc<dyn Ledger>,
        id: impl Into<String>,
    ) -> Result<Option<Self>, Error> {
        let worker = Worker::register(&ledger, service(client)).await?;
        let job = ledger.adopt(worker.id(), id.into()).await?;
        Ok(job.map(|job| Self::of(ledger, worker, job)))
    }

    fn of(ledger: Arc<dyn Ledger>, worker: Worker, job: Job) -> Self {
        Self {
            ledger,
            worker,
            job,
            status: None,
            unrecorded: None,
        }
    }

    /// What is recorded: the batch and row that it is of, the model, the input.
    pub fn job(&self) -> &Job {
        &self.job
    }

    /// Records what the create request was answered: its id, that it did not happen, or that
    /// nobody knows. To be called before anything else is done with the answer. An id that
    /// cannot be recorded is tried again before whatever is recorded next.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::TakenId`] when another prediction has the id already: this one is then
    /// recorded as unresolved, and the answer is not to be used.
    pub async fn answered(&mut self, answer: &Result<Prediction, ApiError>) -> Result<(), Error> {
        match sent(answer) {
            Sent::Created(mark) => {
                if let Mark::Created { id, .. } = &mark {
                    self.job.id = Some(id.clone());
                }
                let recorded = self.record(mark).await;
                if let Err(e) = &recorded
                    && e.kind() == ErrorKind::TakenId
                {
                    self.unrecorded = None;
                    let outcome = taken(self.job.id.take().unwrap_or_default());
                    self.record(Mark::Unresolved(outcome)).await?;
                }
                recorded
            }
            Sent::Doubt(outcome) => self.record(Mark::Unresolved(outcome)).await,
            Sent::Not(outcome) => self.record(Mark::Ended(outcome)).await,
        }
    }

    /// Records that an attempt had no effect and the next one has not been sent: until
    /// [`sending`](Self::sending), the process may end without leaving a doubt.
    pub async fn pausing(&mut self) -> Result<(), Error> {
        self.record(Mark::NotSent).await
    }

    /// Records that the next attempt is about to be sent. It may be sent when this is `Ok`, and
    /// not before.
    pub async fn sending(&mut self) -> Result<(), Error> {
        self.record(Mark::Sending).await
    }

    /// Records that the create request was given up while nothing was on its way.
    pub async fn not_sent(&mut self) -> Result<(), Error> {
        let why = "it was given up before it was sent";
        let outcome = Outcome::failed(cometapi::ErrorKind::NeverReached, why);
        self.record(Mark::Ended(outcome)).await
    }

    /// Records a state; the same state again is nothing new.
    pub async fn seen(&mut self, prediction: &Prediction) -> Result<(), Error> {
        let status = prediction.status().as_str();
        if self.status.as_deref() == Some(status) {
            return Ok(());
        }
        self.status = Some(status.to_owned());
        let mark = Mark::Seen {
            status: status.to_owned(),
            fetching: prediction.is_terminal(),
        };
        self.record(mark).await
    }

    /// Records a file that were saved.
    pub async fn saved(&mut self, position: usize, file: &SavedFile) -> Result<(), Error> {
        self.record(Mark::Saved(FileRecord::new(position, file)))
            .await
    }

    /// Records how it ended. An error that says something of the waiting and not of the
    /// prediction, a deadline say, leaves it running, for the next wait; one of a download
    /// leaves it to be fetched again. An output of no use is a success with a note: it has been
    /// paid for, and waiting does not change it.
    pub async fn ended(self, end: Result<(), &ApiError>) -> Result<(), Error> {
        let mark = match end {
            Ok(()) => Mark::Ended(Outcome::succeeded()),
            Err(e) if e.kind() == cometapi::ErrorKind::UnexpectedOutput => {
                Mark::Ended(Outcome::succeeded_with(e.to_string()))
            }
            Err(e) if is_end(e) => Mark::Ended(e.into()),
            Err(_) => Mark::Released,
        };
        self.end(mark).await
    }

    /// Records that it succeeded, with a `note` for a person.
    pub async fn succeeded_with(self, note: impl Into<String>) -> Result<(), Error> {
        self.end(Mark::Ended(Outcome::succeeded_with(note))).await
    }

    async fn end(mut self, mark: Mark) -> Result<(), Error> {
        self.record(mark).await?;
        self.ledger.retire(self.worker.id()).await
    }

    async fn record(&mut self, mark: Mark) -> Result<(), Error> {
        if let Some(unrecorded) = self.unrecorded.clone() {
            self.send(unrecorded).await?;
            self.unrecorded = None;
        }
        let sent = self.send(mark.clone()).await;
        if sent.is_err() && matches!(mark, Mark::Created { .. }) {
            self.unrecorded = Some(mark);
        }
        sent
    }

    fn send(&self, mark: Mark) -> LedgerFuture<()> {
        self.ledger.record(self.worker.id(), self.job.seq, mark)
    }
}

impl Drop for Single {
    fn drop(&mut self) {
        // Asked for before the worker's end is, which would make it unresolved.
        if let Some(unrecorded) = self.unrecorded.take() {
            drop(self.send(unrecorded));
        }
    }
}
