//! How a run works; the same for a batch and for finishing what was left.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use cometapi::wire::ClientInfo;
use cometapi::{Client, CreatePolicy, WaitPolicy};
use cometapi_account::Usd;

use crate::batch::event::{Event, Observer};
use crate::batch::open_files;
use crate::batch::reason::Stopped;
use crate::batch::report::Report;
use crate::batch::stop::Stop;
use crate::ledger::Ledger;
use crate::prices::Prices;

/// What the ledger calls a client's service.
pub(crate) fn service(client: &Client) -> String {
    client.raw().baseurl().to_owned()
}

/// How a run works.
#[derive(Clone)]
pub(crate) struct Settings {
    pub(crate) client: Client,
    pub(crate) ledger: Arc<dyn Ledger>,
    /// What the ledger calls the service.
    pub(crate) service: String,
    pub(crate) folder: PathBuf,
    /// Records the URLs of files instead of saving them.
    pub(crate) no_files: bool,
    pub(crate) concurrency: usize,
    pub(crate) timeout: Option<Duration>,
    pub(crate) limit: Option<u64>,
    pub(crate) max_failures: Option<u64>,
    pub(crate) max_cost: Option<Usd>,
    pub(crate) max_in_flight: Option<u32>,
    pub(crate) prices: Prices,
    pub(crate) max_failed_downloads: u32,
    pub(crate) give_up_after: Duration,
    pub(crate) create: CreatePolicy,
    pub(crate) wait: Option<WaitPolicy>,
    pub(crate) stop: Stop,
    pub(crate) observer: Observer,
}

impl Settings {
    pub(crate) fn new(client: &Client, ledger: Arc<dyn Ledger>, folder: PathBuf) -> Self {
        Self {
            client: client.clone(),
            service: service(client),
            ledger,
            folder,
            no_files: false,
            concurrency: 4,
            timeout: None,
            limit: None,
            max_failures: None,
            max_cost: None,
            max_in_flight: None,
            prices: Prices::default(),
            max_failed_downloads: 3,
            give_up_after: Duration::from_secs(600),
            create: CreatePolicy::default(),
            wait: None,
            stop: Stop::new(),
            observer: Arc::new(|_: &Event<'_>| {}),
        }
    }

    /// The report of a run that was stopped before it began.
    pub(crate) fn stopped_early(&self) -> Report {
        let reason = Stopped::Asked;
        (self.observer)(&Event::Stopping { reason: &reason });
        Report {
            stopped: Some(reason),
            ..Report::default()
        }
    }

    /// Runs no more rows at once than can have their files open.
    pub(crate) fn fit_concurrency(&mut self) {
        if let Some((concurrency, open_files)) = open_files::fit(self.concurrency) {
            self.concurrency = concurrency;
            (self.observer)(&Event::ConcurrencyLowered {
                concurrency,
                open_files,
            });
        }
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("folder", &self.folder)
            .field("concurrency", &self.concurrency)
            .field("timeout", &self.timeout)
            .field("limit", &self.limit)
            .field("max_failures", &self.max_failures)
            .finish_non_exhaustive()
    }
}

/// Methods that [`Batch`](crate::Batch) and [`Finish`](crate::Finish) share.
macro_rules! shared_settings {
    () => {
        /// Saves no files: the URLs of each prediction's files are recorded in the note of its
        /// [outcome](crate::Outcome::message), and [`Ended`](crate::Event::Ended) has the prediction.
        ///
        /// **The service removes the files about an hour after the prediction has ended**: download them
        /// before. A run that saves files does not download them later.
        pub fn no_files(mut self, no_files: bool) -> Self {
            self.settings.no_files = no_files;
            self
        }

        /// How many rows run at once, at most; 4 unless set: what a small account is given
        /// (inferred), and enough to keep a slow model busy. A 429 halves it for all rows, and
        /// it grows back as create requests succeed. Fewer run where the process may not open enough
        /// files for them, about 4 each: see
        /// [`ConcurrencyLowered`](crate::Event::ConcurrencyLowered).
        pub fn concurrency(mut self, rows: usize) -> Self {
            self.settings.concurrency = rows.max(1);
            self
        }

        /// How long each prediction is waited for, from its create request or from when it is taken up
        /// again, instead of the wait policy's.
        pub fn timeout(mut self, timeout: std::time::Duration) -> Self {
            self.settings.timeout = Some(timeout);
            self
        }

        /// Waits by `policy` instead of the client's.
        pub fn wait_policy(mut self, policy: cometapi::WaitPolicy) -> Self {
            self.settings.wait = Some(policy);
            self
        }

        /// What the ledger calls the service, instead of the client's base URL: for one whose
        /// address changes while its predictions stay.
        pub fn service(mut self, name: impl Into<String>) -> Self {
            self.settings.service = name.into();
            self
        }

        /// Ends the run early when it is asked to.
        pub fn stop(mut self, stop: &crate::batch::stop::Stop) -> Self {
            self.settings.stop = stop.clone();
            self
        }

        /// Calls `observer` with each event, synchronously: a slow observer blocks the row and the
        /// thread.
        pub fn on_event(
            mut self,
            observer: impl Fn(&crate::batch::event::Event<'_>) + Send + Sync + 'static,
        ) -> Self {
            self.settings.observer = std::sync::Arc::new(observer);
            self
        }
    };
}
pub(crate) use shared_settings;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SqliteLedger;

    #[test]
    fn the_documentation_states_the_defaults() {
        let folder = tempfile::tempdir().unwrap();
        let client = Client::builder().key("k").build().unwrap();
        let ledger = SqliteLedger::open(folder.path().join("ledger.sqlite3")).unwrap();
        let settings = Settings::new(&client, Arc::new(ledger), folder.path().to_owned());
        let docs = [include_str!("settings.rs"), include_str!("mod.rs")].concat();
        let docs: Vec<_> = docs
            .split_whitespace()
            .filter(|word| *word != "///")
            .collect();
        let docs = docs.join(" ");
        for documented in [
            format!("at most; {} unless set", settings.concurrency),
            format!(
                "{} minutes unless set",
                settings.give_up_after.as_secs_f64() / 60.0
            ),
            format!(
                "until one succeeds; {} unless set",
                settings.max_failed_downloads
            ),
        ] {
            assert!(docs.contains(&documented), "{documented}");
        }
    }
}
