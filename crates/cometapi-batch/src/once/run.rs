//! The stages of a prediction: created, ended, its files saved.

use std::fmt;
use std::future::IntoFuture;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use cometapi::{BoxFuture, Create, Error as ApiError, Prediction, SavedFile, Wait};
use cometapi_account::Usd;
use tokio::time::{Instant, sleep};

use crate::error::Error;
use crate::ledger::{Begun, Entry, Intent, State};
use crate::once::destination::Destination;
use crate::once::error::OnceError;
use crate::once::event::OnceEvent;
use crate::once::record::Record;
use crate::once::send::{Responded, Sending, spent};
use crate::once::settings::Settings;
use crate::prices::check_cost;
use crate::worker::Worker;

/// How soon it is noticed that another process has ended, or has recorded something.
const LOOK_AGAIN: Duration = Duration::from_millis(200);

/// How long a prediction of another process is waited for, where no other time is given.
const PATIENCE: Duration = Duration::from_secs(15 * 60);

/// A prediction on its way, from [`Once::run`](crate::Once::run) or
/// [`Once::resume`](crate::Once::resume). Awaiting it gives the prediction once it has succeeded.
///
/// The stages can be awaited one by one: [`created`](Self::created) gives the id,
/// [`finished`](Self::finished) the end. A caller that saves files itself awaits
/// [`terminal`](Self::terminal), records each file with [`saved`](Self::saved), and ends with
/// [`succeeded`](Self::succeeded) or [`failed`](Self::failed): if its process dies in between, the
/// prediction is not over, and the next call continues.
///
/// Dropping it gives it up at once: a request in flight is then unresolved, and a prediction that
/// runs is found again by its key or its id. The future of a stage can be dropped and asked for
/// again, except while the create request is being sent: that gives the request up.
#[must_use = "nothing is sent until it is awaited"]
pub struct OnceRun {
    settings: Settings,
    stage: Stage,
}

enum Stage {
    /// Nothing was done.
    New(Request),
    /// The ledger is asked how the prediction stands.
    Asking(Box<Claim>),
    /// Another worker that lives has the prediction, whose id may be known.
    Elsewhere(Box<Claim>, Box<Entry>),
    /// The create request is on its way, or the caller gave it up.
    Sending(Sending),
    /// The id is known.
    Running(Box<Running>),
    /// A poll showed the end, and it is not recorded as over.
    Terminal(Record, Prediction),
    /// It was over before.
    Over(Box<Entry>, Prediction),
    Spent,
}

enum Request {
    Create(Box<Create>),
    Id(String),
}

/// What is asked for, and who asks.
struct Claim {
    /// `None` while the ledger is asked: if that is given up, the worker ends, and what it may have
    /// been given is free again.
    worker: Option<Worker>,
    intent: Intent,
    create: Create,
}

struct Running {
    record: Record,
    id: String,
    created: Option<Prediction>,
    /// The wait that has begun.
    wait: Option<Wait>,
}

impl OnceRun {
    pub(super) fn of_create(settings: Settings, create: Create) -> Self {
        Self {
            settings,
            stage: Stage::New(Request::Create(Box::new(create))),
        }
    }

    pub(super) fn of_id(settings: Settings, id: String) -> Self {
        Self {
            settings,
            stage: Stage::New(Request::Id(id)),
        }
    }

    /// Waits until the prediction's id is known, and returns it: of one that is created now, that was
    /// created before, or that another process has created.
    ///
    /// # Errors
    ///
    /// See [`OnceError`].
    pub async fn created(&mut self) -> Result<String, OnceError> {
        let since = Instant::now();
        loop {
            match &self.stage {
                Stage::New(_) => self.begin().await?,
                Stage::Asking(_) => self.claim().await?,
                Stage::Elsewhere(_, entry) => match &entry.id {
                    Some(id) => return Ok(id.clone()),
                    None => self.look_again(since).await?,
                },
                Stage::Running(running) => return Ok(running.id.clone()),
                Stage::Terminal(_, ended) | Stage::Over(_, ended) => {
                    return Ok(ended.id().to_owned());
                }
                Stage::Sending(_) | Stage::Spent => return Err(spent().into()),
            }
        }
    }

    /// Waits until the prediction has ended, and returns it, however it ended. It is not over before
    /// [`succeeded`](Self::succeeded) or [`failed`](Self::failed) is called.
    ///
    /// # Errors
    ///
    /// See [`OnceError`].
    pub async fn terminal(&mut self) -> Result<Prediction, OnceError> {
        let since = Instant::now();
        loop {
            self.created().await?;
            match &self.stage {
                Stage::Elsewhere(..) => self.look_again(since).await?,
                Stage::Running(_) => return self.wait().await,
                Stage::Terminal(_, ended) | Stage::Over(_, ended) => return Ok(ended.clone()),
                _ => return Err(spent().into()),
            }
        }
    }

    /// Waits until the prediction has succeeded, and returns it.
    ///
    /// # Errors
    ///
    /// See [`OnceError`]. A prediction that failed is [`OnceError::Service`] with the whole
    /// prediction, in this call and in every later one.
    pub async fn finished(mut self) -> Result<Prediction, OnceError> {
        let prediction = self.terminal().await?;
        let settings = self.settings.clone();
        let (recorded, outcome) = match prediction.into_outcome() {
            Ok(prediction) => (self.succeeded(None).await, Ok(prediction)),
            Err(error) => (self.failed(&error).await, Err(OnceError::Service(error))),
        };
        note(&settings, recorded);
        outcome
    }

    /// The response to the create request, if this call sent it and the wait has not begun.
    pub fn response(&self) -> Option<&Prediction> {
        match &self.stage {
            Stage::Running(running) => running.created.as_ref(),
            _ => None,
        }
    }

    /// The model, `owner/name`, once [`terminal`](Self::terminal) has returned and if it is known.
    pub fn model(&self) -> Option<&str> {
        match &self.stage {
            Stage::Terminal(record, _) => record.model(),
            Stage::Over(entry, _) => Some(&entry.model),
            _ => None,
        }
    }

    /// Where the files of the prediction are to be saved, absolute, once [`created`](Self::created) has
    /// returned: as this call says with [`saved_in`](crate::Once::saved_in), or else as the call that
    /// created it did. For a row of a batch it is the batch's folder.
    pub fn folder(&self) -> Option<&Path> {
        self.destination().0
    }

    /// The [template](crate::FileTemplate) of their names, if there is one, from the same source as
    /// [`folder`](Self::folder).
    pub fn names(&self) -> Option<&str> {
        self.destination().1
    }

    fn destination(&self) -> (Option<&Path>, Option<&str>) {
        let own = &self.settings.destination;
        match &self.stage {
            _ if own.folder.is_some() => own.parts(),
            Stage::Running(running) => running.record.destination().parts(),
            Stage::Terminal(record, _) => record.destination().parts(),
            Stage::Elsewhere(_, entry) | Stage::Over(entry, _) => {
                (entry.folder.as_deref(), entry.names.as_deref())
            }
            _ => (None, None),
        }
    }

    /// Records a file that was saved, after [`terminal`](Self::terminal).
    ///
    /// # Errors
    ///
    /// Those of the ledger.
    pub async fn saved(&mut self, position: usize, file: &SavedFile) -> Result<(), Error> {
        match &mut self.stage {
            Stage::Terminal(record, _) => record.saved(position, file).await,
            Stage::Over(..) => Ok(()),
            _ => Err(spent()),
        }
    }

    /// Records that it is over and succeeded, with a `note` for a person.
    ///
    /// # Errors
    ///
    /// Those of the ledger.
    pub async fn succeeded(self, note: Option<String>) -> Result<(), Error> {
        match self.stage {
            Stage::Terminal(record, _) => record.succeeded(note).await,
            Stage::Over(..) => Ok(()),
            _ => Err(spent()),
        }
    }

    /// Records that it is over by `error`. An error of a download leaves it to be downloaded by the
    /// next call.
    ///
    /// # Errors
    ///
    /// Those of the ledger.
    pub async fn failed(self, error: &ApiError) -> Result<(), Error> {
        match self.stage {
            Stage::Terminal(record, _) => record.failed(error).await,
            Stage::Over(..) => Ok(()),
            _ => Err(spent()),
        }
    }

    async fn begin(&mut self) -> Result<(), OnceError> {
        Error::unless_in_runtime()?;
        self.settings.check_key()?;
        if let Stage::New(Request::Id(id)) = &self.stage {
            let id = id.clone();
            let record = self.settings.adopted(&id).await;
            self.known(record, id, true);
            return Ok(());
        }
        let Stage::New(Request::Create(create)) = self.take() else {
            return Err(spent().into());
        };
        let create = create.checked()?;
        let (Some(model), Some(input)) = (create.model(), create.input()) else {
            return Err(spent().into());
        };
        let price = self.settings.prices.of(&model.to_string());
        if self.settings.ledger.is_none() {
            check_cost(price, Usd::ZERO, self.settings.max_cost)?;
            let record = Record::unrecorded(Some(model.to_string()));
            return self.send(record, create).await;
        }
        let mut intent =
            Intent::new(model, input.fields()).retry_unresolved(self.settings.retry_unresolved);
        (intent.price, intent.max_cost) = (price, self.settings.max_cost);
        intent.key.clone_from(&self.settings.key);
        let Destination { folder, names } = self.settings.destination.clone();
        let intent = intent.saved_in(folder, names);
        self.stage = Stage::Asking(Box::new(Claim {
            worker: None,
            intent,
            create,
        }));
        Ok(())
    }

    /// Asks the ledger for the prediction, and goes on from how it stands.
    async fn claim(&mut self) -> Result<(), OnceError> {
        let (Stage::Asking(claim) | Stage::Elsewhere(claim, _), Some(ledger)) =
            (&mut self.stage, &self.settings.ledger)
        else {
            return Err(spent().into());
        };
        let worker = match claim.worker.take() {
            Some(worker) => worker,
            None => Worker::register(ledger, self.settings.service.as_str()).await?,
        };
        let begun = ledger.begin(worker.id(), claim.intent.clone()).await?;
        let (mut claim, is_new) = match self.take() {
            Stage::Asking(claim) => (claim, true),
            Stage::Elsewhere(claim, _) => (claim, false),
            _ => return Err(spent().into()),
        };
        match begun {
            Begun::Send(job) => {
                let record = Record::of(worker, job, self.settings.prices.clone());
                self.send(record, claim.create).await
            }
            Begun::Follow(job) => {
                let id = job.id.clone().unwrap_or_default();
                let record = Record::of(worker, job, self.settings.prices.clone());
                self.known(record, id, true);
                Ok(())
            }
            Begun::Held(entry) => {
                if is_new {
                    let id = entry.id.as_deref();
                    self.settings.notify(&OnceEvent::Elsewhere { id });
                }
                claim.worker = Some(worker);
                self.stage = Stage::Elsewhere(claim, entry);
                Ok(())
            }
            Begun::Over { entry, .. } if entry.state == State::Unresolved => {
                Err(OnceError::Unresolved(entry))
            }
            Begun::Over { entry, result } => {
                let result = result.and_then(|json| serde_json::from_str(&json).ok());
                match (result, entry.id.clone()) {
                    (Some(prediction), _) => self.stage = Stage::Over(entry, prediction),
                    // What is not recorded, or cannot be read, the service is asked for.
                    (None, Some(id)) => {
                        let record = Record::unrecorded(Some(entry.model));
                        self.known(record.saved_in(entry.folder, entry.names), id, true);
                    }
                    (None, None) => return Err(OnceError::Ended(entry)),
                }
                Ok(())
            }
        }
    }

    /// Waits a moment, and asks how the prediction of another worker stands.
    async fn look_again(&mut self, since: Instant) -> Result<(), OnceError> {
        let Stage::Elsewhere(_, entry) = &self.stage else {
            return Err(spent().into());
        };
        if since.elapsed() >= self.settings.timeout.unwrap_or(PATIENCE) {
            return Err(OnceError::Elsewhere(entry.clone()));
        }
        sleep(LOOK_AGAIN).await;
        // Not listed: only this also finds that the other worker has died.
        self.claim().await
    }

    fn take(&mut self) -> Stage {
        std::mem::replace(&mut self.stage, Stage::Spent)
    }

    async fn send(&mut self, record: Record, create: Create) -> Result<(), OnceError> {
        self.stage = Stage::Sending(Sending::new(record));
        let Stage::Sending(sending) = &mut self.stage else {
            return Err(spent().into());
        };
        let sent = sending.send(create, &self.settings.observer).await;
        self.stage = Stage::Spent;
        let Responded { record, response } = sent?;
        match response {
            Ok(created) => {
                let id = created.id().to_owned();
                self.known(record, id, false);
                if let Stage::Running(running) = &mut self.stage {
                    running.created = Some(created);
                }
                Ok(())
            }
            Err(error) => {
                // An id that could be read is the way to what was paid for.
                if let Some(id) = error.prediction_id().map(str::to_owned) {
                    self.known(record, id, false);
                }
                Err(error.into())
            }
        }
    }

    /// Goes on with a prediction whose id is known.
    fn known(&mut self, record: Record, id: String, earlier: bool) {
        self.settings.notify(&OnceEvent::Known { id: &id, earlier });
        self.stage = Stage::Running(Box::new(Running {
            record,
            id,
            created: None,
            wait: None,
        }));
    }

    /// Waits for the end. When the future is dropped, the next call goes on.
    async fn wait(&mut self) -> Result<Prediction, OnceError> {
        let Stage::Running(running) = &mut self.stage else {
            return Err(spent().into());
        };
        let ended = running.last_state(&self.settings).await;
        let Stage::Running(running) = self.take() else {
            return Err(spent().into());
        };
        match ended {
            Ok(prediction) => {
                self.stage = Stage::Terminal(running.record, prediction.clone());
                Ok(prediction)
            }
            Err(error) => {
                note(&self.settings, running.record.failed(&error).await);
                Err(error.into())
            }
        }
    }
}

impl Running {
    /// The terminal state; each state before it is reported and recorded.
    async fn last_state(&mut self, settings: &Settings) -> Result<Prediction, ApiError> {
        let predictions = settings.client.predictions();
        if self.wait.is_none() {
            let schedule = settings.schedule(self.record.model()).await;
            let wait = match self.created.take() {
                Some(created) => predictions.follow(created),
                None => predictions.wait(self.id.as_str()),
            };
            let observer = Arc::clone(&settings.observer);
            let wait = wait
                .schedule(schedule)
                .on_retry(move |retry| observer(&OnceEvent::Polling { retry }));
            self.wait = Some(settings.in_time(wait));
        }
        let Some(wait) = &mut self.wait else {
            return settings.in_time(predictions.wait(self.id.as_str())).await;
        };
        while let Some(update) = wait.next().await {
            let prediction = update?;
            note(settings, self.record.seen(&prediction).await);
            settings.notify(&OnceEvent::State {
                prediction: &prediction,
            });
            if prediction.is_terminal() {
                return Ok(prediction);
            }
        }
        // A wait ends with a terminal state or an error; by its own account it has.
        settings.in_time(predictions.wait(self.id.as_str())).await
    }
}

impl fmt::Debug for OnceRun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Not the input: it is private, and may hold images.
        let id = match &self.stage {
            Stage::New(Request::Id(id)) => Some(id),
            Stage::Elsewhere(_, entry) | Stage::Over(entry, _) => entry.id.as_ref(),
            Stage::Running(running) => Some(&running.id),
            _ => None,
        };
        f.debug_struct("OnceRun")
            .field("settings", &self.settings)
            .field("id", &id)
            .finish_non_exhaustive()
    }
}

impl IntoFuture for OnceRun {
    type Output = Result<Prediction, OnceError>;
    type IntoFuture = BoxFuture<Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.finished())
    }
}

/// Reports what could not be recorded.
fn note(settings: &Settings, recorded: Result<(), Error>) {
    if let Err(error) = recorded {
        settings.notify(&OnceEvent::Unrecorded { error: &error });
    }
}
