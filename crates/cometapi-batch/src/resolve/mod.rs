//! What became of create requests whose outcome is unknown, by the tasks of the account.

mod decide;
mod input;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use cometapi::{Client, ErrorKind as ApiErrorKind, Prediction};
use cometapi_account::{Account, Task, TaskFilter};

pub use self::input::InputMatch;

use self::decide::{Decision, Doubt, Known, Listed, decide};
use crate::batch::settings::service;
use crate::error::{Error, ErrorKind};
use crate::ledger::{Entry, Filter, Ledger, Mark, Outcome, State};
use crate::worker::Worker;

/// How long before the first request in doubt, and after the last, tasks are listed: one that is known is
/// to be among them.
const AROUND: Duration = Duration::from_secs(3600);

/// A page of the ledger.
const PAGE: u32 = 500;

/// Finds out what became of create requests that may have been accepted, by the tasks that the service
/// lists for the account.
///
/// A task that was submitted while the request was in flight, that the ledger does not know, and that has the
/// request's model and input is its prediction, if no other task and no other request may be.
/// [`run`](Self::run) records its id, and [`Finish`](crate::Finish) then waits for it and saves its
/// files. Everything else is left to a person: see [`Finding`].
///
/// The service shows the input for about an hour after the end (documented for outputs, inferred for
/// inputs). After that only model and time are left, which prove nothing.
///
/// ```no_run
/// # async fn example(client: cometapi::Client) -> Result<(), Box<dyn std::error::Error>> {
/// use std::sync::Arc;
/// use cometapi_account::Account;
/// use cometapi_batch::{Finding, Resolve, SqliteLedger};
///
/// let account = Account::new(&client)?.access_token("the access token");
/// let ledger = SqliteLedger::open(SqliteLedger::default_path()?)?;
/// for resolution in Resolve::new(&client, Arc::new(ledger), &account).run().await? {
///     if let Finding::Adopted(candidate) = &resolution.finding {
///         println!("{} is {}", resolution.entry.seq, candidate.task.id);
///     }
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
#[must_use = "it does nothing until it runs"]
pub struct Resolve {
    client: Client,
    ledger: Arc<dyn Ledger>,
    /// Where the tasks are listed, if anywhere.
    account: Option<Account>,
    service: String,
}

/// An unresolved prediction, and what was found of it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Resolution {
    /// What the ledger had of it.
    pub entry: Entry,
    /// What was found.
    pub finding: Finding,
}

/// What was found of an unresolved prediction.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Finding {
    /// It is this one, whose id is now recorded: it runs, until it is waited for.
    Adopted(Candidate),
    /// It may be one of these, or none: a person decides, and records it with [`Resolve::adopt`].
    Candidates(Vec<Candidate>),
    /// No task can be it, although one that was sent before it and one that was sent after it are in the
    /// same list. It was probably not created; a person confirms that with [`Resolve::not_created`].
    #[non_exhaustive]
    Absent {
        /// The id of a prediction of this ledger that was created before its request was sent.
        before: String,
        /// The id of one whose request was sent after it was given up.
        after: String,
    },
    /// No task can be it, and that proves nothing: the list may not have it yet, or be of another
    /// account.
    Unproven,
    /// Another process has settled it meanwhile.
    Settled,
}

/// A task that may be an unresolved prediction.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Candidate {
    /// The task.
    pub task: Task,
    /// Whether it has the input.
    pub input: InputMatch,
    /// The prediction of its id, if the service showed it.
    pub prediction: Option<Prediction>,
}

/// Why nothing could be found out.
#[derive(Debug)]
#[non_exhaustive]
pub enum ResolveError {
    /// The ledger.
    Ledger(Error),
    /// The account's tasks could not be listed.
    Account(cometapi_account::Error),
    /// The service refused the key, so that no candidate could be read.
    Service(cometapi::Error),
    /// There is no account to list tasks of: see [`Resolve::manual`].
    NoAccount,
}

impl Resolve {
    /// Unresolved predictions in `ledger` of the client's service, by the tasks of `account`, which needs an
    /// access token.
    pub fn new(client: &Client, ledger: Arc<dyn Ledger>, account: &Account) -> Self {
        Self {
            account: Some(account.clone()),
            ..Self::manual(client, ledger)
        }
    }

    /// The same without an account, for [`adopt`](Self::adopt) and [`not_created`](Self::not_created) alone:
    /// a person decides, or the service lists no tasks.
    pub fn manual(client: &Client, ledger: Arc<dyn Ledger>) -> Self {
        Self {
            client: client.clone(),
            ledger,
            account: None,
            service: service(client),
        }
    }

    /// What the ledger calls the service, instead of the client's base URL.
    pub fn service(mut self, name: impl Into<String>) -> Self {
        self.service = name.into();
        self
    }

    /// Examines every unresolved prediction, and records the ids of those that are certain. Costs nothing,
    /// and creates nothing.
    ///
    /// # Errors
    ///
    /// Those of the ledger and of the account, a key that the service refuses, and
    /// [`ResolveError::NoAccount`].
    pub async fn run(&self) -> Result<Vec<Resolution>, ResolveError> {
        Error::unless_in_runtime()?;
        let account = self.account.as_ref().ok_or(ResolveError::NoAccount)?;
        let open = self.entries(&[State::Unresolved]).await?;
        let open: Vec<_> = open
            .into_iter()
            .filter(|entry| entry.id.is_none() && entry.service == self.service)
            .collect();
        let Some(since) = open.iter().map(sent_at).min() else {
            return Ok(Vec::new());
        };
        let since = since.checked_sub(AROUND).unwrap_or(SystemTime::UNIX_EPOCH);
        let filter = TaskFilter::between(since, SystemTime::now() + AROUND);
        let tasks = account.tasks(filter).await?;
        let shown = self.shown(&open, &tasks.tasks).await?;
        // Read after the tasks: by now the ledger knows every request of this machine that one of them
        // may come from.
        let sending = self.entries(&[State::Sending, State::Unresolved]).await?;
        let sending: Vec<_> = sending
            .into_iter()
            .filter(|entry| entry.id.is_none())
            .collect();
        let doubts: Vec<_> = sending.iter().map(doubt).collect();
        let mut listed = Vec::new();
        for mut task in tasks.tasks {
            let known = self.known(&task.id).await?;
            let shown = shown.get(&task.id);
            task.model = task.model.or_else(|| Some(shown?.model()?.to_owned()));
            let inputs = match shown {
                Some(shown) if known.is_none() => sending
                    .iter()
                    .filter(|entry| entry.service == self.service)
                    .map(|entry| (entry.seq, input::compare(entry, shown)))
                    .collect(),
                _ => Vec::new(),
            };
            listed.push(Listed {
                task,
                known,
                inputs,
            });
        }
        let mut resolutions = Vec::new();
        for entry in open {
            let finding = match doubts.iter().find(|doubt| doubt.seq == entry.seq) {
                None => Finding::Settled,
                Some(doubt) => {
                    let decision = decide(doubt, &doubts, &listed, tasks.is_complete);
                    self.act(&entry, decision, &listed, &shown).await?
                }
            };
            resolutions.push(Resolution { entry, finding });
        }
        Ok(resolutions)
    }

    /// Records that an unresolved prediction has this id. It runs from then on, until it is waited for.
    ///
    /// # Errors
    ///
    /// [`Lost`](ErrorKind::Lost) if it is no longer unresolved, [`TakenId`](ErrorKind::TakenId) if another
    /// prediction has the id.
    pub async fn adopt(&self, seq: u64, id: &str) -> Result<(), Error> {
        let worker = Worker::register(&self.ledger, self.service.as_str()).await?;
        let mark = Mark::Created {
            id: id.to_owned(),
            request_id: None,
        };
        worker.record(seq, mark).await?;
        worker.retire().await
    }

    /// Records that an unresolved prediction was not created, which a person has confirmed. A row of a batch
    /// is created when the batch runs again, and a key can be used again.
    ///
    /// # Errors
    ///
    /// [`Lost`](ErrorKind::Lost) if it is no longer unresolved.
    pub async fn not_created(&self, seq: u64) -> Result<(), Error> {
        let worker = Worker::register(&self.ledger, self.service.as_str()).await?;
        let why = "confirmed by a person: the account's tasks do not have it";
        let outcome = Outcome::failed(ApiErrorKind::NeverReached, why);
        worker.record(seq, Mark::NotCreated(outcome)).await?;
        worker.retire().await
    }

    async fn act(
        &self,
        entry: &Entry,
        decision: Decision,
        listed: &[Listed],
        shown: &BTreeMap<String, Prediction>,
    ) -> Result<Finding, Error> {
        let candidate = |index: &usize| {
            let it = &listed[*index];
            let of = |(seq, input): &(u64, InputMatch)| (*seq == entry.seq).then_some(*input);
            Candidate {
                task: it.task.clone(),
                input: it.inputs.iter().find_map(of).unwrap_or(InputMatch::Unknown),
                prediction: shown.get(&it.task.id).cloned(),
            }
        };
        let id = |index: usize| listed[index].task.id.clone();
        Ok(match decision {
            Decision::Is(index) => match self.adopt(entry.seq, &id(index)).await {
                Ok(()) => Finding::Adopted(candidate(&index)),
                Err(e) if matches!(e.kind(), ErrorKind::Lost | ErrorKind::TakenId) => {
                    Finding::Settled
                }
                Err(e) => return Err(e),
            },
            Decision::MayBe(indexes) => {
                Finding::Candidates(indexes.iter().map(candidate).collect())
            }
            Decision::Absent { before, after } => Finding::Absent {
                before: id(before),
                after: id(after),
            },
            Decision::Unproven => Finding::Unproven,
        })
    }

    /// The predictions of the tasks that may be one in doubt, by their ids, as far as the service shows
    /// them.
    async fn shown(
        &self,
        open: &[Entry],
        tasks: &[Task],
    ) -> Result<BTreeMap<String, Prediction>, ResolveError> {
        let mut shown = BTreeMap::new();
        for task in tasks {
            let may_be = open.iter().any(|entry| {
                task.may_be_of(&entry.model) && doubt(entry).may_be_at(task.submitted_at)
            });
            if !may_be || self.known(&task.id).await?.is_some() {
                continue;
            }
            match self.client.predictions().get(&task.id).await {
                Ok(prediction) => drop(shown.insert(task.id.clone(), prediction)),
                Err(e) if e.kind() == ApiErrorKind::Unauthorized => {
                    return Err(ResolveError::Service(e));
                }
                // It may still be the one: a person decides.
                Err(_) => {}
            }
        }
        Ok(shown)
    }

    /// What the ledger knows of the prediction of this id, at any service: this one may have two addresses.
    async fn known(&self, id: &str) -> Result<Option<Known>, Error> {
        let filter = Filter {
            id: Some(id.to_owned()),
            ..Filter::default()
        };
        let found = self.ledger.list(filter).await?;
        Ok(found.first().map(|entry| Known {
            sent: sent_at(entry),
            created: entry.created_at.unwrap_or_else(|| sent_at(entry)),
        }))
    }

    /// What is recorded in these states, at any service.
    async fn entries(&self, states: &[State]) -> Result<Vec<Entry>, Error> {
        let mut entries: Vec<Entry> = Vec::new();
        let mut before = None;
        loop {
            let filter = Filter {
                states: states.to_vec(),
                before,
                limit: PAGE,
                ..Filter::default()
            };
            let page = self.ledger.list(filter).await?;
            before = page.last().map(|entry| entry.seq);
            if page.is_empty() {
                return Ok(entries);
            }
            entries.extend(page);
        }
    }
}

fn sent_at(entry: &Entry) -> SystemTime {
    entry.sending_at.unwrap_or(entry.planned_at)
}

fn doubt(entry: &Entry) -> Doubt {
    Doubt {
        seq: entry.seq,
        model: entry.model.clone(),
        hash: input::trimmed_hash(entry),
        sent: sent_at(entry),
        given_up: match entry.state {
            State::Unresolved => entry.ended_at,
            _ => None,
        },
    }
}

impl fmt::Debug for Resolve {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resolve")
            .field("service", &self.service)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for ResolveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ledger(error) => error.fmt(f),
            Self::Account(error) => error.fmt(f),
            Self::Service(error) => error.fmt(f),
            Self::NoAccount => f.write_str("there is no account to list tasks of"),
        }
    }
}

impl std::error::Error for ResolveError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            // Their own words are this one's.
            Self::Ledger(error) => error.source(),
            Self::Account(error) => error.source(),
            Self::Service(error) => error.source(),
            Self::NoAccount => None,
        }
    }
}

impl From<Error> for ResolveError {
    fn from(error: Error) -> Self {
        Self::Ledger(error)
    }
}

impl From<cometapi_account::Error> for ResolveError {
    fn from(error: cometapi_account::Error) -> Self {
        Self::Account(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SqliteLedger;

    #[tokio::test]
    async fn without_an_account_nothing_can_be_found_out() {
        let client = Client::builder().key("test").build().unwrap();
        let ledger = Arc::new(SqliteLedger::in_memory().unwrap());
        let error = Resolve::manual(&client, ledger).run().await.unwrap_err();
        assert!(matches!(error, ResolveError::NoAccount));
        assert_eq!(error.to_string(), "there is no account to list tasks of");
    }
}
