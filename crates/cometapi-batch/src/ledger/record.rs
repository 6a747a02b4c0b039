//! What is recorded of a prediction.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use cometapi::{ModelRef, SavedFile};
use cometapi_account::Usd;
use serde_json::{Map, Value};

use crate::error::Error;
use crate::ledger::LoadId;
use crate::ledger::outcome::Outcome;
use crate::prices::check_cost;

/// A prediction to be made.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Intent {
    /// What names the prediction for its caller, in this ledger: the same key is the same
    /// prediction. Without one it is new each time.
    pub key: Option<String>,
    /// Whether the prediction of the key is created once more if it is unresolved. That may cost
    /// twice.
    pub retry_unresolved: bool,
    /// The model, `owner/name`.
    pub model: String,
    /// The input as canonical JSON.
    pub input: String,
    /// The hash of the two, in hex. Numbers count by their value: `1.0` is `1`.
    pub hash: String,
    /// What it is expected to cost, if that is known.
    pub price: Option<Usd>,
    /// The most that all predictions of the key may cost together.
    pub max_cost: Option<Usd>,
    /// Where its files are to be saved, absolute, if that is to be remembered.
    pub folder: Option<PathBuf>,
    /// The [template](crate::FileTemplate) of their names, if there is one.
    pub names: Option<String>,
}

impl Intent {
    /// `model` on `input`.
    pub fn new(model: &ModelRef, input: &Map<String, Value>) -> Self {
        let model = model.to_string();
        let (input, hash) = crate::rows::identify(&model, input);
        Self {
            key: None,
            retry_unresolved: false,
            model,
            input,
            hash,
            price: None,
            max_cost: None,
            folder: None,
            names: None,
        }
    }

    /// The same under `key`.
    #[must_use]
    pub fn with_key(mut self, key: impl Into<String>) -> Self {
        self.key = Some(key.into());
        self
    }

    /// The same, expected to cost `price`.
    #[must_use]
    pub fn with_price(mut self, price: Option<Usd>) -> Self {
        self.price = price;
        self
    }

    /// The same, refused if all predictions of its key would cost more than `max` together.
    #[must_use]
    pub fn with_max_cost(mut self, max: Option<Usd>) -> Self {
        self.max_cost = max;
        self
    }

    /// The same, with its files saved in `folder`, which is absolute, under names of this
    /// [template](crate::FileTemplate).
    #[must_use]
    pub fn saved_in(mut self, folder: Option<PathBuf>, names: Option<String>) -> Self {
        self.folder = folder;
        self.names = names;
        self
    }

    /// Checks that one more prediction of its key may be created, after earlier ones that cost `spent`;
    /// `None` if that is not known.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::MaxCost`](crate::ErrorKind::MaxCost) if all of them would cost more than
    /// [`max_cost`](Self::max_cost), or if it is not known what they cost.
    pub fn check_cost(&self, spent: Option<Usd>) -> Result<(), Error> {
        let price = self.price.filter(|_| spent.is_some());
        check_cost(price, spent.unwrap_or(Usd::ZERO), self.max_cost)
    }

    /// The same, and created once more if it is unresolved.
    #[must_use]
    pub fn retry_unresolved(mut self, retry: bool) -> Self {
        self.retry_unresolved = retry;
        self
    }
}

/// How the prediction of an [`Intent`] stands.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Begun {
    /// It is recorded as planned, and held: record [`Mark::Sending`], then send it.
    Send(Job),
    /// It was created before and may continue; it is held: wait for it by its id.
    Follow(Job),
    /// Another worker that lives holds it.
    Held(Box<Entry>),
    /// It is over, or unresolved. It is not held, and nothing has changed.
    Over {
        /// What is recorded of it.
        entry: Box<Entry>,
        /// The prediction as it ended, as JSON: the last that was recorded with [`Mark::Result`].
        result: Option<String>,
    },
}

/// A prediction that a worker holds.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Job {
    /// Its number in the ledger.
    pub seq: u64,
    /// What names it for its caller, when it has a key.
    pub key: Option<String>,
    /// The identity of its batch, when it is of one.
    pub batch: Option<String>,
    /// The batch's folder when it is of one, or else the [intent's](Intent::folder).
    pub folder: Option<PathBuf>,
    /// The [template](crate::FileTemplate) of its files' names: the batch's, or else the intent's.
    pub names: Option<String>,
    /// The labels of its row, as a JSON object.
    pub labels: Option<String>,
    /// The line of its row, when the load knows it.
    pub line: Option<u64>,
    /// The row's own id.
    pub row: Option<String>,
    /// The hash of model and input, in hex.
    pub hash: String,
    /// Its place among equal rows, from 1.
    pub occurrence: u64,
    /// How often files of an earlier prediction of the same row were saved.
    pub retake: u64,
    /// The model, `owner/name`.
    pub model: String,
    /// The input as canonical JSON.
    pub input: String,
    /// The prediction's id, once it is known.
    pub id: Option<String>,
    /// Whether files may have been saved already.
    pub fetching: bool,
    /// What it is expected to cost, if that is known.
    pub price: Option<Usd>,
}

impl Job {
    /// The prediction of `intent`, which has this number and is to be created.
    pub fn new(seq: u64, intent: &Intent) -> Self {
        let [model, input, hash] = [&intent.model, &intent.input, &intent.hash];
        Self {
            key: intent.key.clone(),
            folder: intent.folder.clone(),
            names: intent.names.clone(),
            price: intent.price,
            ..Self::recorded(seq, model.clone(), input.clone(), hash.clone())
        }
    }

    /// The prediction of a ledger's record. What else is recorded is set in the fields.
    pub fn recorded(seq: u64, model: String, input: String, hash: String) -> Self {
        Self {
            seq,
            key: None,
            batch: None,
            folder: None,
            names: None,
            labels: None,
            line: None,
            row: None,
            hash,
            occurrence: 1,
            retake: 0,
            model,
            input,
            id: None,
            fetching: false,
            price: None,
        }
    }
}

/// Where a prediction stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum State {
    /// Planned, not sent.
    Planned,
    /// Sent, or about to be; no response is recorded.
    Sending,
    /// Created: its id is known, its end is not, or its files are not all saved.
    Running,
    /// Over.
    Ended,
    /// May have been accepted. It is not sent again unless asked.
    Unresolved,
}

impl State {
    pub(crate) const ALL: [Self; 5] = [
        Self::Planned,
        Self::Sending,
        Self::Running,
        Self::Ended,
        Self::Unresolved,
    ];

    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Sending => "sending",
            Self::Running => "running",
            Self::Ended => "ended",
            Self::Unresolved => "unresolved",
        }
    }

    /// The state of a word.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == name)
    }
}

/// Something that happened to a prediction.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Mark {
    /// The create request is about to be sent.
    Sending,
    /// Nothing was created; the prediction is still held.
    NotSent,
    /// The create request returned this id.
    Created {
        /// The id.
        id: String,
        /// The gateway's id of the request.
        request_id: Option<String>,
    },
    /// It is expected to cost this, which was not known when it was planned.
    Priced(Usd),
    /// The service showed this state.
    Seen {
        /// Its word.
        status: String,
        /// Whether files are about to be saved.
        fetching: bool,
        /// How long the prediction took, if it has succeeded and the service says so.
        took: Option<Duration>,
    },
    /// The prediction as it ended, as JSON, for later calls with the same [key](Intent::key): the
    /// service removes its output after an hour.
    Result(String),
    /// A file is saved.
    Saved(FileRecord),
    /// It is over; it is no longer held.
    Ended(Outcome),
    /// It may have been accepted; it is no longer held.
    Unresolved(Outcome),
    /// An unresolved prediction without an id, which no worker holds, was not created: a person has
    /// confirmed it. It is over with this outcome.
    NotCreated(Outcome),
    /// It is no longer held, and it stands as it stood; one that was being sent is
    /// unresolved. The same worker is not given it again.
    Released,
}

impl Mark {
    /// Whether money hangs on it, so that it must survive a power cut: without `Sending` a
    /// create request could be sent twice, without `Created` what was paid for could not be found.
    /// Any other that is lost costs a poll at most, or leaves a row unresolved that need not
    /// be.
    pub fn is_costly(&self) -> bool {
        matches!(self, Self::Sending | Self::Created { .. })
    }
}

/// A file that was saved.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FileRecord {
    /// Its place among the prediction's files, from 0.
    pub position: u64,
    /// Where it is. A relative path is recorded as relative to the folder of the prediction's batch,
    /// wherever that is later; what a ledger returns is joined with it.
    pub path: PathBuf,
    /// Its size in bytes.
    pub bytes: u64,
    /// What it is: `image/png`.
    pub media_type: String,
}

impl FileRecord {
    /// The file of this `position`, as it was saved. Its path is made absolute: who reads it
    /// later may stand in another folder.
    pub fn new(position: usize, saved: &SavedFile) -> Self {
        Self {
            position: position as u64,
            path: std::path::absolute(&saved.path).unwrap_or_else(|_| saved.path.clone()),
            bytes: saved.bytes,
            media_type: saved.media_type.clone(),
        }
    }

    /// The file of this `position` as a ledger has recorded it: its path, its size in bytes and its
    /// media type.
    pub fn recorded(position: u64, path: PathBuf, bytes: u64, media_type: String) -> Self {
        Self {
            position,
            path,
            bytes,
            media_type,
        }
    }

    /// The same with its path relative to `folder`, if it is in there.
    #[must_use]
    pub fn relative_to(mut self, folder: &Path) -> Self {
        if let Ok(path) = self.path.strip_prefix(folder) {
            self.path = path.to_owned();
        }
        self
    }
}

/// Which predictions to list.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Filter {
    /// In one of these states; any when empty.
    pub states: Vec<State>,
    /// Failed.
    pub failed: bool,
    /// Of this model.
    pub model: Option<String>,
    /// Of the batch with this folder.
    pub folder: Option<PathBuf>,
    /// Of the batch with this identity.
    pub batch: Option<String>,
    /// Of this key.
    pub key: Option<String>,
    /// Planned at this time or later.
    pub since: Option<SystemTime>,
    /// Of this prediction id.
    pub id: Option<String>,
    /// Older than this [`seq`](Entry::seq): the last of the page before.
    pub before: Option<u64>,
    /// Newer than this [`seq`](Entry::seq), and then listed oldest first; 0 begins with the oldest.
    pub after: Option<u64>,
    /// The rows of this load, which the ledger's own process is reading.
    pub load: Option<LoadId>,
    /// With a saved file of this path, which is absolute and written as it was recorded: links are not
    /// followed.
    pub file: Option<PathBuf>,
    /// How many at most; 100 when 0.
    pub limit: u32,
}

impl Filter {
    /// How many predictions are listed at most: the [limit](Self::limit), or the default.
    pub fn page(&self) -> u32 {
        match self.limit {
            0 => 100,
            limit => limit,
        }
    }
}

/// A prediction as it is recorded.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Entry {
    /// Its number in the ledger.
    pub seq: u64,
    /// The prediction's id, once it is known.
    pub id: Option<String>,
    /// The model, `owner/name`.
    pub model: String,
    /// The input as canonical JSON.
    pub input: String,
    /// The hash of model and input, in hex.
    pub hash: String,
    /// Where it stands.
    pub state: State,
    /// Whether a worker holds it. One that has died counts until another takes over.
    pub held: bool,
    /// The service that it was sent to.
    pub service: String,
    /// What names it for its caller, when it has a key.
    pub key: Option<String>,
    /// The identity of the batch, when it is of one.
    pub batch: Option<String>,
    /// The batch's folder when it is of one, or else the [intent's](Intent::folder).
    pub folder: Option<PathBuf>,
    /// The [template](crate::FileTemplate) of its files' names: the batch's, or else the intent's.
    pub names: Option<String>,
    /// The row's own id.
    pub row: Option<String>,
    /// The labels of its row, as a JSON object.
    pub labels: Option<String>,
    /// Its place among equal rows, from 1.
    pub occurrence: u64,
    /// How often files of an earlier prediction of the same row were saved.
    pub retake: u64,
    /// What it was expected to cost when it was sent, if that was known.
    pub price: Option<Usd>,
    /// What it cost, if the service has said so.
    pub charge: Option<Usd>,
    /// What it costs or may cost as it stands: the charge, nothing if it is not charged for, or else the
    /// price. `None` if that is not known.
    pub cost: Option<Usd>,
    /// Whether another prediction of the same row has taken its place.
    pub superseded: bool,
    /// How it ended, or why it is unresolved.
    pub outcome: Option<Outcome>,
    /// When it was planned.
    pub planned_at: SystemTime,
    /// When it was last about to be sent.
    pub sending_at: Option<SystemTime>,
    /// When its id was recorded.
    pub created_at: Option<SystemTime>,
    /// When its end was recorded; of a success, the first time.
    pub ended_at: Option<SystemTime>,
    /// The gateway's id of the create request.
    pub request_id: Option<String>,
    /// Every state that was seen, with the time.
    pub seen: Vec<(SystemTime, String)>,
    /// The files that were saved.
    pub files: Vec<FileRecord>,
}

impl Entry {
    /// A planned prediction of `job` at `service`, which no worker holds. What else is recorded is
    /// set in the fields.
    pub fn new(job: Job, service: String, planned_at: SystemTime) -> Self {
        Self {
            seq: job.seq,
            id: job.id,
            model: job.model,
            input: job.input,
            hash: job.hash,
            state: State::Planned,
            held: false,
            service,
            key: job.key,
            batch: job.batch,
            folder: job.folder,
            names: job.names,
            row: job.row,
            labels: job.labels,
            occurrence: job.occurrence,
            retake: job.retake,
            price: job.price,
            charge: None,
            cost: None,
            superseded: false,
            outcome: None,
            planned_at,
            sending_at: None,
            created_at: None,
            ended_at: None,
            request_id: None,
            seen: Vec::new(),
            files: Vec::new(),
        }
    }
}
