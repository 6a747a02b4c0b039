//! What a prediction is asked for with.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use cometapi::{Client, PollSchedule, Wait};
use cometapi_account::Usd;

use crate::batch::history::History;
use crate::batch::settings::service;
use crate::error::{Error, ErrorKind};
use crate::ledger::{Filter, Ledger};
use crate::once::destination::Destination;
use crate::once::event::{Observer, OnceEvent};
use crate::once::record::Record;
use crate::prices::Prices;
use crate::worker::Worker;

/// The longest key, in bytes.
pub(super) const MAX_KEY_LEN: usize = 512;

#[derive(Clone)]
pub(super) struct Settings {
    pub(super) client: Client,
    /// `None` where nothing is recorded.
    pub(super) ledger: Option<Arc<dyn Ledger>>,
    /// What the ledger calls the service.
    pub(super) service: String,
    pub(super) key: Option<String>,
    pub(super) retry_unresolved: bool,
    pub(super) timeout: Option<Duration>,
    pub(super) prices: Prices,
    pub(super) max_cost: Option<Usd>,
    pub(super) destination: Destination,
    pub(super) observer: Observer,
}

impl Settings {
    pub(super) fn new(client: &Client, ledger: Option<Arc<dyn Ledger>>) -> Self {
        Self {
            client: client.clone(),
            ledger,
            service: service(client),
            key: None,
            retry_unresolved: false,
            timeout: None,
            prices: Prices::default(),
            max_cost: None,
            destination: Destination::default(),
            observer: Arc::new(|_: &OnceEvent<'_>| {}),
        }
    }

    pub(super) fn check_key(&self) -> Result<(), Error> {
        let Some(key) = &self.key else { return Ok(()) };
        if !key.trim().is_empty() && key.len() <= MAX_KEY_LEN {
            return Ok(());
        }
        let what = format!(
            "a key has 1 to {MAX_KEY_LEN} bytes, not only spaces: name the prediction by what it is for"
        );
        Err(Error::new(ErrorKind::InvalidKey, what))
    }

    pub(super) fn notify(&self, event: &OnceEvent<'_>) {
        (self.observer)(event);
    }

    pub(super) fn in_time(&self, wait: Wait) -> Wait {
        match self.timeout {
            Some(timeout) => wait.timeout(timeout),
            None => wait,
        }
    }

    /// When to poll a prediction of `model`.
    pub(super) async fn schedule(&self, model: Option<&str>) -> Option<PollSchedule> {
        let (ledger, model) = (self.ledger.as_ref()?, model?);
        let history = History::read(&**ledger, &self.service).await;
        history.schedule(model)
    }

    /// The record of the prediction of this id. A prediction is waited for also without one.
    pub(super) async fn adopted(&self, id: &str) -> Record {
        let Some(ledger) = &self.ledger else {
            return Record::unrecorded(None);
        };
        let adopted = async {
            let worker = Worker::register(ledger, self.service.as_str()).await?;
            if let Some(job) = ledger.adopt(worker.id(), id.to_owned()).await? {
                return Ok(Record::of(worker, job, self.prices.clone()));
            }
            // It has ended, or another worker has it.
            let filter = Filter {
                id: Some(id.to_owned()),
                ..Filter::default()
            };
            let mut found = ledger.list(filter).await?;
            found.retain(|entry| entry.service == self.service);
            let record = Record::unrecorded(None);
            Ok::<_, Error>(match found.into_iter().next() {
                Some(entry) => record.saved_in(entry.folder, entry.names),
                None => record,
            })
        };
        match adopted.await {
            Ok(record) => record,
            Err(error) => {
                self.notify(&OnceEvent::Unrecorded { error: &error });
                Record::unrecorded(None)
            }
        }
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("key", &self.key)
            .field("retry_unresolved", &self.retry_unresolved)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}
