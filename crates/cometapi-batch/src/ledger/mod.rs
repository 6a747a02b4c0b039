//! The ledger: what was planned, sent, answered and saved, recorded durably.

pub(crate) mod changed;
pub(crate) mod outcome;
pub(crate) mod record;
pub(crate) mod retry;
pub(crate) mod sqlite;

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use cometapi::{BoxFuture, Durations};
use cometapi_account::Usd;

pub use changed::Changed;
pub use outcome::Outcome;
pub use record::{Begun, Entry, FileRecord, Filter, Intent, Job, Mark, State};
pub use retry::{RecordedRow, Retry, RetryAction};

use crate::error::Error;

/// The result of a call to a ledger.
pub type LedgerFuture<T> = BoxFuture<Result<T, Error>>;

/// Where predictions are recorded, shared by every worker on them.
///
/// [`SqliteLedger`](crate::SqliteLedger) is the one that comes with this crate. The trait is
/// made so that a database server can be another. The module `conformance`, which the feature of that
/// name adds, checks that an implementation keeps these rules:
///
/// - **A result is a commit.** When a future is ready with `Ok`, what it did survives the
///   end of the process. What [`Mark::is_costly`] names, and the intents of rows, must survive a
///   power cut too: a prediction's money hangs on them. The rest need not; a repeated poll fixes it.
/// - **Claims are atomic.** No prediction is ever held by two workers. Every
///   [`record`](Self::record) compares the worker in the statement that writes, and is refused
///   with [`ErrorKind::Lost`](crate::ErrorKind::Lost) when the prediction is another's by now.
/// - **Life is known, not timed.** Whether a worker lives is known from something that ends with
///   its process (here a lock of the operating system, on a server the session's advisory
///   lock), never by a lease that runs out. [`claim`](Self::claim), [`adopt`](Self::adopt),
///   [`begin`](Self::begin) and [`Loader::load`] first release what dead workers held, as
///   [`retire`](Self::retire) does.
/// - **Asked is done.** What [`record`](Self::record) and [`retire`](Self::retire) ask for is asked
///   for by the call, in the order of the calls, and done even if the future is dropped.
/// - **The credential is never in it.** It is never given one.
pub trait Ledger: fmt::Debug + Send + Sync {
    /// Makes a worker, alive until it is retired or its process ends. It works for `service`,
    /// a base URL as a rule, and never sees what was sent to another: an id means nothing
    /// there.
    fn register(&self, service: String) -> LedgerFuture<WorkerId>;

    /// Ends a worker: what it had claimed and not sent is free again, what it was waiting for can be
    /// taken up by its id, and what it was sending is unresolved. Retiring a worker a second time
    /// does nothing. A worker that has ended takes nothing more: its claims, adoptions and new
    /// predictions are refused with [`ErrorKind::Lost`](crate::ErrorKind::Lost).
    fn retire(&self, worker: WorkerId) -> LedgerFuture<()>;

    /// Returns what loads the rows of one file. Nothing is recorded before [`Loader::load`].
    fn loader(&self) -> Box<dyn Loader>;

    /// Takes free predictions for `worker`: first those with an id, then those to be created;
    /// none that it has [released](Mark::Released) itself. A caller that drops the future retires the
    /// worker soon.
    ///
    /// With [`Want::max_cost`], what the batch has spent and what all workers have claimed of it is
    /// compared in the transaction that claims, so that it is never exceeded, in whichever processes. So is
    /// what is in flight, with [`Want::max_in_flight`].
    fn claim(&self, worker: WorkerId, want: Want) -> LedgerFuture<Claimed>;

    /// Ready when another process has loaded rows since this call, which may be free to
    /// [claim](Self::claim). It is a hint, so that who waits for free rows need not claim as often: it may come
    /// without a cause, late, or never, as it does by default.
    fn notified(&self) -> BoxFuture<()> {
        Box::pin(std::future::pending())
    }

    /// Pauses create requests at `service` for this long, for every worker of the ledger: the response to
    /// one of them counts for all. A longer pause stays. Workers learn of it with their next
    /// [claim](Claimed::paused), and the ledger's clock says how much time is left, because theirs
    /// may differ.
    fn pause(&self, service: String, pause: Duration) -> LedgerFuture<()>;

    /// Records a prediction that belongs to no batch, planned and claimed: [`Begun::Send`]. Without a
    /// key, nobody could take it up: if its worker ends before [`Mark::Sending`], it ends as one that
    /// was never sent.
    ///
    /// If the intent has a [key](Intent::key) that is recorded already, nothing is added to the
    /// ledger, and the result says how the prediction of that key stands. What no worker holds is
    /// decided by [`RecordedRow::action`] for [`Retry::Key`]. Two calls with one key never both get
    /// [`Begun::Send`], in whichever processes they are made.
    ///
    /// The [folder](Intent::folder) of the latest call whose prediction is sent or followed is the one that
    /// is recorded, with its names.
    ///
    /// A key whose prediction has another service, or another hash although something may have been
    /// created, is refused with [`ErrorKind::KeyReused`](crate::ErrorKind::KeyReused).
    fn begin(&self, worker: WorkerId, intent: Intent) -> LedgerFuture<Begun>;

    /// Takes the prediction of this id, unless a living worker holds it: one that runs, or that
    /// [`Retry::ById`] follows. It runs from then on. `None` for any other: a success must not be
    /// overwritten by what happens to its files later.
    fn adopt(&self, worker: WorkerId, id: String) -> LedgerFuture<Option<Job>>;

    /// Records what happened to a prediction that `worker` holds. It is asked for by the
    /// call, and done even if the future is dropped or awaited late.
    ///
    /// [`Mark::Created`] with an id that another prediction of the same service has is refused
    /// with [`ErrorKind::TakenId`](crate::ErrorKind::TakenId), and changes nothing.
    ///
    /// [`Mark::Created`] of an unresolved prediction without an id, which no worker holds, is recorded
    /// although its worker was retired meanwhile: the id proves more than the retirement. No
    /// worker holds the prediction then, and it runs.
    fn record(&self, worker: WorkerId, seq: u64, mark: Mark) -> LedgerFuture<()>;

    /// Ends every row of the load that was never created and is of `model`, at most `most` at
    /// once: the service does not offer it.
    fn refuse_model(
        &self,
        load: LoadId,
        model: String,
        outcome: Outcome,
        most: u32,
    ) -> LedgerFuture<Vec<Job>>;

    /// Reserves a name for the file at `position` of a prediction that `worker` holds and that is of a
    /// batch: the first of `names` that no other file of the batch has, ignoring case as
    /// [`folded`](crate::folded) does. Returns the name that was reserved for that file before, if one
    /// was, whatever `names` are; `None` if others have all of them. A row that is
    /// [planned again](RetryAction::PlanAgain) has no files, and gives its names back.
    ///
    /// For a prediction of no batch nothing is recorded, and the first name is returned. A prediction that
    /// the worker does not hold is refused with [`ErrorKind::Lost`](crate::ErrorKind::Lost).
    fn reserve(
        &self,
        worker: WorkerId,
        seq: u64,
        position: u64,
        names: Vec<String>,
    ) -> LedgerFuture<Option<String>>;

    /// How the rows of a load stand.
    fn tally(&self, load: LoadId) -> LedgerFuture<Tally>;

    /// Every batch, in the order in which they began.
    fn batches(&self) -> LedgerFuture<Vec<BatchEntry>>;

    /// What is recorded, newest first; page on with [`Filter::before`]. With [`Filter::after`] it is oldest
    /// first.
    fn list(&self, filter: Filter) -> LedgerFuture<Vec<Entry>>;

    /// What the predictions that match the filter cost, by model. Its page and order do not count.
    fn costs(&self, filter: Filter) -> LedgerFuture<BTreeMap<String, Cost>>;

    /// Records what predictions of `service` cost by their ids, as the service says it, whichever worker
    /// holds them. Returns how many of them are in the ledger.
    fn charge(&self, service: String, charges: Vec<(String, Usd)>) -> LedgerFuture<u64>;

    /// How long the latest predictions took that succeeded at `service`, by model: as recorded with
    /// [`Mark::Seen`], as many as [`Durations`] keeps.
    fn durations(&self, service: String) -> LedgerFuture<BTreeMap<String, Durations>>;

    /// Removes predictions that belong to no batch and ended before this time, and returns how
    /// many. Running and unresolved predictions, those with a [key](Intent::key) and the rows of
    /// batches are never removed: each would be created once more.
    fn prune(&self, before: SystemTime) -> LedgerFuture<u64>;
}

/// A worker: who holds predictions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct WorkerId(pub i64);

/// Loads the rows of one file into a ledger. While it lives, workers can [claim](Ledger::claim) those
/// rows by its [id](Self::id); dropping it ends that, and drops rows that were not loaded.
pub trait Loader: fmt::Debug + Send + Sync {
    /// The set of its rows.
    fn id(&self) -> LoadId;

    /// Adds rows of the file, where no one else sees them. Returns the rows whose `id` an earlier
    /// row has, ignoring case as [`folded`](crate::folded) does; these are not added.
    fn add(&self, rows: Vec<NewRow>) -> LedgerFuture<Vec<Repeated>>;

    /// Records the intents of all added rows that are not recorded yet, in one transaction, and says
    /// how the rows stand. On [`Plan::dry`] it says so and changes nothing. If the future is
    /// dropped before it is ready, all of them are recorded or none.
    ///
    /// [`RecordedRow::action`] decides what happens to each row that is there already and that
    /// no worker holds. A row that is planned again or superseded may have another input than
    /// last time; any other that has is [`Loaded::changed`]. On [`Plan::update`] those that run stay among
    /// the rows as they were created, to be superseded by a load after their end. For any other, nothing
    /// is written unless [`Plan::skip_changed`] leaves it out.
    ///
    /// The labels of the rows and [`Plan::names`] are recorded as they are now.
    fn load(&self, plan: Plan) -> LedgerFuture<Loaded>;
}

/// A batch as it is recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BatchEntry {
    /// Its identity.
    pub batch: String,
    /// Where its folder was when it last ran.
    pub folder: PathBuf,
    /// The service that it runs at.
    pub service: String,
    /// When it began.
    pub since: SystemTime,
}

impl BatchEntry {
    /// The batch of this identity in `folder`, at `service`, since this time.
    pub fn new(batch: String, folder: PathBuf, service: String, since: SystemTime) -> Self {
        Self {
            batch,
            folder,
            service,
            since,
        }
    }
}

/// The rows of one file, as one process reads it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LoadId(pub i64);

/// A row of a file on its way into the ledger.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct NewRow {
    /// The line that it began on.
    pub line: u64,
    /// Its own id, when it has one. Else it is identified by hash and place among its equals.
    pub id: Option<String>,
    /// The model, `owner/name`.
    pub model: String,
    /// The input as canonical JSON.
    pub input: String,
    /// The hash of model and input, in hex. Numbers count by their value: `1.0` is `1`.
    pub hash: String,
    /// How many files its prediction returns, as far as the input says it.
    pub files: u64,
    /// What the row holds besides model and input, as a JSON object. It is kept, and does not
    /// identify the row: the latest counts.
    pub labels: Option<String>,
}

impl NewRow {
    /// A row of `model` and `input`, with one file.
    pub fn new(
        line: u64,
        id: Option<String>,
        model: &cometapi::ModelRef,
        input: &serde_json::Map<String, serde_json::Value>,
    ) -> Self {
        let Intent {
            model, input, hash, ..
        } = Intent::new(model, input);
        Self {
            line,
            id,
            model,
            input,
            hash,
            files: 1,
            labels: None,
        }
    }
}

/// A row whose id another has.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Repeated {
    /// Its line.
    pub line: u64,
    /// The line of the first with this id.
    pub first: u64,
    /// The id.
    pub id: String,
    /// Whether the other has it to the letter; else they differ as [`folded`](crate::folded) ignores it,
    /// and a file system may take their files for one.
    pub exact: bool,
}

impl Repeated {
    /// The row of `line` has the `id` that the row of line `first` has.
    pub fn new(line: u64, first: u64, id: impl Into<String>) -> Self {
        Self {
            line,
            first,
            id: id.into(),
            exact: true,
        }
    }
}

/// How rows become predictions.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of its own, as people set it"
)]
pub struct Plan {
    /// The identity of the batch.
    pub batch: String,
    /// Its output folder, absolute and canonical. It may be another than last time: paths of files
    /// in it are recorded relative to it.
    pub folder: PathBuf,
    /// The service that it runs at. A batch stays at the one where it began: another is
    /// refused with [`ErrorKind::Folder`](crate::ErrorKind::Folder).
    pub service: String,
    /// Plans rows whose prediction failed once more.
    pub retry_failed: bool,
    /// Plans rows that are unresolved once more.
    pub retry_unresolved: bool,
    /// Plans rows once more that have ended and whose id was seen with another input. Their files
    /// stay as they are.
    pub update: bool,
    /// The [template](crate::FileTemplate) of the files' names, if there is one. It may be another than
    /// last time.
    pub names: Option<String>,
    /// What a prediction of each model is expected to cost, as far as it is known. Rows that no worker
    /// holds, and those that were sent without a known price, are given it.
    pub prices: BTreeMap<String, Usd>,
    /// Leaves rows out whose id was seen with another input, instead of writing nothing.
    pub skip_changed: bool,
    /// Changes nothing.
    pub dry: bool,
}

impl Plan {
    /// The batch of this identity in `folder`, at `service`.
    pub fn new(
        batch: impl Into<String>,
        folder: impl Into<PathBuf>,
        service: impl Into<String>,
    ) -> Self {
        Self {
            batch: batch.into(),
            folder: folder.into(),
            service: service.into(),
            ..Self::default()
        }
    }

    /// Which recorded rows are taken up again.
    pub fn retry(&self) -> Retry {
        Retry::Rows {
            failed: self.retry_failed,
            unresolved: self.retry_unresolved,
            changed: self.update,
        }
    }
}

/// What became of a load.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Loaded {
    /// How its rows stand.
    pub tally: Tally,
    /// Rows whose id was seen with another input and that were left out, by line; a hundred at most.
    pub changed: Vec<Changed>,
    /// How many those are in all.
    pub changed_total: u64,
    /// How many rows have another input and run: on [`Plan::update`], a load after their end supersedes
    /// them.
    pub updated_later: u64,
    /// What is to be created, by model.
    pub planned: BTreeMap<String, Planned>,
    /// What the predictions of the batch have cost or may cost, earlier rows and runs included.
    pub spent: Usd,
    /// How many predictions of the batch cost something that is not known.
    pub unpriced: u64,
}

/// The rows of one model that are to be created.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Planned {
    /// How many predictions.
    pub predictions: u64,
    /// How many files they return.
    pub files: u64,
}

impl Planned {
    /// This many predictions and files.
    pub fn new(predictions: u64, files: u64) -> Self {
        Self { predictions, files }
    }
}

/// What predictions of one model cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Cost {
    /// How many of them cost something, or may.
    pub predictions: u64,
    /// The sum of what the service says that they cost.
    pub charged: Usd,
    /// The sum of the expected prices of those for which the service has not said it. Predictions that
    /// failed, were canceled or never created are not among them.
    pub expected: Usd,
    /// How many of them have neither.
    pub unknown: u64,
    /// When the first of those was created for which the service has not said it.
    pub uncharged_since: Option<SystemTime>,
}

impl Cost {
    /// What is known of the cost: charged and expected.
    pub fn total(&self) -> Usd {
        [self.charged, self.expected].into_iter().sum()
    }

    /// The cost of both together.
    #[must_use]
    pub fn with(self, other: Self) -> Self {
        Self {
            predictions: self.predictions + other.predictions,
            charged: [self.charged, other.charged].into_iter().sum(),
            expected: [self.expected, other.expected].into_iter().sum(),
            unknown: self.unknown + other.unknown,
            uncharged_since: match (self.uncharged_since, other.uncharged_since) {
                (Some(one), Some(two)) => Some(one.min(two)),
                (one, two) => one.or(two),
            },
        }
    }
}

/// How the rows of a load stand.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Tally {
    /// Not created yet: to be created.
    pub planned: u64,
    /// Being sent by some worker that lives.
    pub sending: u64,
    /// Created and not ended.
    pub running: u64,
    /// Ended well, with every file saved.
    pub succeeded: u64,
    /// May have been accepted.
    pub unresolved: u64,
    /// Ended otherwise, by what it is.
    pub failed: BTreeMap<&'static str, u64>,
}

impl Tally {
    /// All rows.
    pub fn total(&self) -> u64 {
        self.planned
            + self.sending
            + self.running
            + self.succeeded
            + self.unresolved
            + self.failed()
    }

    /// Counts `rows` that stand so; of ended ones with the [word](Outcome::word) of their outcome.
    pub fn count(&mut self, state: State, outcome: Option<&str>, rows: u64) {
        match (state, outcome.and_then(outcome::kind)) {
            (State::Planned, _) => self.planned += rows,
            (State::Sending, _) => self.sending += rows,
            (State::Running, _) => self.running += rows,
            (State::Unresolved, _) => self.unresolved += rows,
            (State::Ended, None) => self.succeeded += rows,
            (State::Ended, Some(kind)) => *self.failed.entry(kind.as_str()).or_default() += rows,
        }
    }

    /// The rows that failed.
    pub fn failed(&self) -> u64 {
        self.failed.values().sum()
    }

    /// The rows that are not over: planned, sending or running.
    pub fn unfinished(&self) -> u64 {
        self.planned + self.sending + self.running
    }

    /// Whether a run that [retries failed rows](crate::Batch::retry_failed) takes `action` on a
    /// row that failed. Files that seem gone count as looked for already.
    pub fn retry_takes(&self, action: RetryAction) -> bool {
        let kinds = self.failed.keys().filter_map(|word| outcome::kind(word));
        kinds.map(retry::last_action).any(|it| it == action)
    }
}

/// What a worker can take.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Want {
    /// The rows of one load, or whatever was ever created and has not ended.
    pub load: Option<LoadId>,
    /// How many in all, at most.
    pub most: u32,
    /// How many of them may be predictions to be created. None without a load.
    pub creates: u32,
    /// The most that the load's batch may cost in all: what was spent, what is in flight and what is
    /// claimed. Rows that do not fit are passed over, and so are rows without a price.
    pub max_cost: Option<Usd>,
    /// The most predictions that may be in flight at the worker's service: those of all workers that are
    /// claimed to be created, being sent or running, and those of this claim. Nothing is created beyond;
    /// what has an id is taken anyway. Predictions whose files are being saved have ended, and
    /// those that no worker holds are not known to run: neither counts.
    pub max_in_flight: Option<u32>,
}

impl Want {
    /// At most `most` predictions of `load`, or of anything, `creates` of them to be created.
    pub fn new(load: Option<LoadId>, most: u32, creates: u32) -> Self {
        Self {
            load,
            most,
            creates,
            max_cost: None,
            max_in_flight: None,
        }
    }

    /// The same, with the batch costing at most `max` in all.
    #[must_use]
    pub fn within(mut self, max: Option<Usd>) -> Self {
        self.max_cost = max;
        self
    }

    /// The same, with at most `max` predictions in flight at the service.
    #[must_use]
    pub fn beside(mut self, max: Option<u32>) -> Self {
        self.max_in_flight = max;
        self
    }
}

/// What a worker got.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Claimed {
    /// The predictions that it holds from now on.
    pub jobs: Vec<Job>,
    /// How many of the load others hold, counted when nothing could be had.
    pub elsewhere: u64,
    /// How many of the load could be created if they cost less, counted when nothing could be had.
    pub unaffordable: u64,
    /// How many predictions are in flight, if they are too many to create one of the load that could be
    /// created otherwise; counted when nothing could be had, else zero.
    pub in_flight: u64,
    /// How much longer create requests at the worker's service are [paused](Ledger::pause); zero if they
    /// are not.
    pub paused: Duration,
}
