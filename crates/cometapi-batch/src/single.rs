//! A single prediction, recorded like a batch's row.

use std::future::ready;
use std::sync::Arc;

use cometapi::{
    Client, Error as ApiError, ErrorKind as ApiErrorKind, ModelRef, PollSchedule, Prediction,
    SavedFile, Status,
};
use serde_json::{Map, Value};

use crate::batch::history::History;
use crate::batch::settings::service;
use crate::error::{Error, ErrorKind};
use crate::ledger::{FileRecord, Intent, Job, Ledger, LedgerFuture, Mark, Outcome};
use crate::response::{CreateOutcome, create_outcome, is_end, taken_id};
use crate::worker::Worker;

/// The record of one prediction, for those who create and wait themselves. Called at each step, it
/// records the step, so that no paid prediction is lost whenever the process ends.
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
/// let response = client.predictions().create_model(&model, input).await;
/// record.responded(&response, |id| println!("{id}")).await?; // before anything else
/// let mut wait = client.predictions().follow(response?).schedule(record.schedule());
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
    /// `None` where nothing is recorded.
    worker: Option<Worker>,
    seq: u64,
    model: Option<String>,
    status: Option<String>,
    schedule: Option<PollSchedule>,
    /// The id, while it could not be recorded.
    unrecorded: Option<Mark>,
}

impl Single {
    /// Records that `model` is about to be run on `input`. The create request may be sent when
    /// this is `Ok`, and not before.
    ///
    /// # Errors
    ///
    /// Those of the ledger.
    pub async fn begin(
        client: &Client,
        ledger: Arc<dyn Ledger>,
        model: &ModelRef,
        input: &Map<String, Value>,
    ) -> Result<Self, Error> {
        let worker = Worker::register(&ledger, service(client)).await?;
        let job = ledger.begin(worker.id(), Intent::new(model, input)).await?;
        Ok(Self::of(worker, job, &*ledger, &service(client)).await)
    }

    /// The record of the prediction of this id, to continue with. `None` when the ledger knows no
    /// such prediction of this client's service, when a living process holds it, and when it is
    /// over: a success, or a failure that no waiting can change.
    ///
    /// # Errors
    ///
    /// Those of the ledger.
    pub async fn adopt(
        client: &Client,
        ledger: Arc<dyn Ledger>,
        id: impl Into<String>,
    ) -> Result<Option<Self>, Error> {
        let worker = Worker::register(&ledger, service(client)).await?;
        let job = ledger.adopt(worker.id(), id.into()).await?;
        Ok(match job {
            Some(job) => Some(Self::of(worker, job, &*ledger, &service(client)).await),
            None => None,
        })
    }

    /// A record that is not kept, for a prediction without a ledger: each step succeeds and does
    /// nothing.
    pub fn unrecorded(model: Option<&ModelRef>) -> Self {
        Self {
            worker: None,
            seq: 0,
            model: model.map(ModelRef::to_string),
            status: None,
            schedule: None,
            unrecorded: None,
        }
    }

    async fn of(worker: Worker, job: Job, ledger: &dyn Ledger, service: &str) -> Self {
        let history = History::read(ledger, service).await;
        Self {
            worker: Some(worker),
            seq: job.seq,
            schedule: history.schedule(&job.model),
            model: Some(job.model),
            status: None,
            unrecorded: None,
        }
    }

    /// The model, `owner/name`, if it is known.
    pub fn model(&self) -> Option<&str> {
        self.model.as_deref()
    }

    /// When to poll the prediction, from how long the model's past predictions took that the ledger
    /// knows; `None` if it knows none. To be given to [`Wait::schedule`](cometapi::Wait::schedule).
    pub fn schedule(&self) -> Option<PollSchedule> {
        self.schedule.clone()
    }

    /// Records the response to the create request: its id, that nothing was created, or that this
    /// is unknown. To be called before anything else is done with the response. An id that cannot
    /// be recorded is tried again before the next step is recorded.
    ///
    /// `show` is called with the id while it is being recorded, because another process may hold
    /// the ledger for long. The ledger is asked first, so `show` may block.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::TakenId`] when another prediction has the id already: this one is then
    /// recorded as unresolved, and the response must not be used. Otherwise those of the ledger.
    pub async fn responded(
        &mut self,
        response: &Result<Prediction, ApiError>,
        show: impl FnOnce(&str),
    ) -> Result<(), Error> {
        let (id, mark) = match create_outcome(response) {
            CreateOutcome::Created { id, mark } => (id, mark),
            CreateOutcome::Unknown(outcome) => return self.record(Mark::Unresolved(outcome)).await,
            CreateOutcome::NotCreated(outcome) => return self.record(Mark::Ended(outcome)).await,
        };
        let recording = self.send(mark.clone());
        show(&id);
        let recorded = recording.await;
        match &recorded {
            Err(e) if e.kind() == ErrorKind::TakenId => {
                self.record(Mark::Unresolved(taken_id(&id))).await?;
            }
            Err(_) => self.unrecorded = Some(mark),
            Ok(()) => {}
        }
        recorded
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

    /// Records that the create request was given up while nothing was in flight.
    pub async fn not_sent(&mut self) -> Result<(), Error> {
        let why = "it was given up before it was sent";
        let outcome = Outcome::failed(ApiErrorKind::NeverReached, why);
        self.record(Mark::Ended(outcome)).await
    }

    /// Records a status. The same status again is not recorded.
    pub async fn seen(&mut self, prediction: &Prediction) -> Result<(), Error> {
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
        self.record(mark).await
    }

    /// Records a file that was saved.
    pub async fn saved(&mut self, position: usize, file: &SavedFile) -> Result<(), Error> {
        self.record(Mark::Saved(FileRecord::new(position, file)))
            .await
    }

    /// Records how it ended. An error of the wait, such as a deadline, leaves the prediction
    /// running, for the next wait; one of a download leaves it to be
    /// downloaded again. An output that cannot be used is a success with a note: it has been paid
    /// for, and waiting does not change it.
    pub async fn ended(self, end: Result<(), &ApiError>) -> Result<(), Error> {
        let mark = match end {
            Ok(()) => Mark::Ended(Outcome::succeeded()),
            Err(e) if e.kind() == ApiErrorKind::UnexpectedOutput => {
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

impl Drop for Single {
    fn drop(&mut self) {
        // Asked for before the worker's end is, which would make it unresolved.
        if let Some(unrecorded) = self.unrecorded.take() {
            drop(self.send(unrecorded));
        }
    }
}
