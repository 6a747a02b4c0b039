//! Many predictions out of one file of rows.

mod context;
mod downloads;
mod drive;
mod event;
mod finish;
mod folder;
pub(crate) mod history;
mod identity;
mod import;
mod known;
mod names;
mod open_files;
mod outage;
mod present;
mod reason;
mod report;
mod row;
pub(crate) mod settings;
mod stop;
mod update;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use cometapi::{Client, CreatePolicy, ModelRef};
use cometapi_account::Usd;

use crate::batch::context::Context;
pub use crate::batch::event::{Event, RowInfo};
pub use crate::batch::finish::Finish;
pub use crate::batch::folder::prepare as prepare_folder;
use crate::batch::history::History;
pub use crate::batch::reason::{PauseReason, Stopped};
pub use crate::batch::report::Report;
use crate::batch::settings::{Settings, shared_settings};
pub use crate::batch::stop::Stop;
use crate::batch::stop::Urgency;
use crate::error::{Error, ErrorKind};
use crate::ledger::{Filter, Ledger, Loaded, Loader, Plan, Planned};
use crate::names::FileTemplate;
use crate::prices::Prices;
use crate::rows::Rows;
use crate::worker::Worker;

/// A file of rows to run: every row once, however often it is started.
///
/// All rows are read and checked, and what is planned is recorded, before the first create request.
/// Started again with the same rows and the same folder it does only what is missing: rows
/// whose files are there are done, rows with an id are waited for, rows never created are
/// created. Several processes may run the same one at once and share its rows; what one of
/// them held when it ended, another takes over.
///
/// A row is identified by its `id`, or else by model and input and its place among equal rows,
/// within the batch that its folder names; never by its line.
///
/// Dropping the future of [`run`](Self::run) leaves at once. What was being sent is then
/// unresolved, and what was running is found again by its id.
///
/// ```no_run
/// # async fn example(client: cometapi::Client) -> Result<(), Box<dyn std::error::Error>> {
/// use std::sync::Arc;
/// use cometapi_batch::{Batch, Rows, SqliteLedger};
///
/// let ledger = SqliteLedger::open(SqliteLedger::default_path()?)?;
/// let report = Batch::new(&client, Arc::new(ledger), "images")
///     .concurrency(8)
///     .run(Rows::file("rows.jsonl")?)
///     .await?;
/// println!("{} of {}", report.tally.succeeded, report.tally.total());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use = "a batch does nothing until it runs"]
pub struct Batch {
    settings: Settings,
    model: Option<ModelRef>,
    name: Option<String>,
    /// How rows become predictions, except for the batch, the folder and the service.
    plan: Plan,
    unchecked: bool,
    reports_rows: bool,
    template: Option<FileTemplate>,
}

/// A batch whose intents are recorded.
struct Begun {
    settings: Settings,
    worker: Worker,
    history: History,
    plan: Plan,
    updated_later: u64,
    planned: BTreeMap<String, Planned>,
    skipped: u64,
}

impl Batch {
    /// Rows to be run by `client`, recorded in `ledger`, their files saved in `folder`, which is
    /// created if needed. A file in it, `.cometapi-batch`, identifies the batch, unless it has a
    /// [name](Self::name).
    pub fn new(client: &Client, ledger: Arc<dyn Ledger>, folder: impl Into<PathBuf>) -> Self {
        Self {
            settings: Settings::new(client, ledger, folder.into()),
            model: None,
            name: None,
            plan: Plan::default(),
            unchecked: false,
            reports_rows: false,
            template: None,
        }
    }

    shared_settings!();

    /// Identifies the batch by `name` instead of a file in its folder: the same name is the same
    /// batch, whatever its folder is. What is recorded of one that was identified otherwise is
    /// not looked at.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// The model of rows that name none.
    pub fn model(mut self, model: ModelRef) -> Self {
        self.model = Some(model);
        self
    }

    /// How many predictions are created in this run, at most. Rows beyond are left for later.
    pub fn limit(mut self, creates: u64) -> Self {
        self.settings.limit = Some(creates);
        self
    }

    /// Stops creating when this many rows have failed in this run; running predictions continue.
    pub fn max_failures(mut self, failures: u64) -> Self {
        self.settings.max_failures = Some(failures);
        self
    }

    /// What a prediction of a model, `owner/name`, is expected to cost, as far as it is known. It is asked
    /// whenever a price is needed, and must not block. The ledger records the price with each
    /// prediction.
    pub fn prices(mut self, source: impl Fn(&str) -> Option<Usd> + Send + Sync + 'static) -> Self {
        self.settings.prices = Prices::new(source);
        self
    }

    /// What the batch may cost at most, by the [prices](Self::prices): what it has spent in all runs, in
    /// this process and in others, and what is in flight never exceeds it. What failed is not
    /// counted; what is unresolved is. Rows that do not fit are passed over for those that do, and the run
    /// ends as [`Stopped::MaxCost`] when none fits.
    ///
    /// A row whose model has no known price is refused, as
    /// [`ErrorKind::MaxCost`](crate::ErrorKind::MaxCost), before anything is sent.
    pub fn max_cost(mut self, max: Usd) -> Self {
        self.settings.max_cost = Some(max);
        self
    }

    /// How many predictions may be in flight at the service at most, in all processes that share the
    /// ledger, whatever their batches are: nothing is created beyond. Predictions that were left without a
    /// process do not count, because it is not known whether they still run, and those whose files are
    /// being saved have ended. Other processes keep their own limits, if they have any.
    ///
    /// The [concurrency](Self::concurrency) is what this process runs at once.
    pub fn max_in_flight(mut self, predictions: u32) -> Self {
        self.settings.max_in_flight = Some(predictions.max(1));
        self
    }

    /// Gives up when nothing was created, no state has changed and no file was saved for this
    /// long while the service cannot be reached, is rate limiting, or files cannot be downloaded;
    /// 10 minutes unless set. A service to which no connection was ever made is given up after 30
    /// seconds, if that is sooner. The run ends as [`Stopped::GaveUp`], and running the same rows
    /// again continues.
    pub fn give_up_after(mut self, duration: Duration) -> Self {
        self.settings.give_up_after = duration;
        self
    }

    /// Pauses create requests after this many failed downloads in a row, until one succeeds; 3
    /// unless set. Only faults of the file host or of the way to it count: no connection, a busy
    /// or failing host, a file that stops coming. Meanwhile the rows whose downloads failed try
    /// again, one at a time and at growing intervals.
    pub fn max_failed_downloads(mut self, downloads: u32) -> Self {
        self.settings.max_failed_downloads = downloads;
        self
    }

    /// Creates rows once more whose prediction failed, was canceled or aborted, or whose files
    /// are gone. Each may cost again. Files that seem gone within a day of the create request are looked
    /// for once more before. Rows that the service refused need no asking: they were never
    /// created.
    pub fn retry_failed(mut self, retry: bool) -> Self {
        self.plan.retry_failed = retry;
        self
    }

    /// Creates rows once more that may have been accepted. Each may cost
    /// twice.
    pub fn retry_unresolved(mut self, retry: bool) -> Self {
        self.plan.retry_unresolved = retry;
        self
    }

    /// Creates rows anew whose id was seen with another input: the loop of changing a row and running
    /// again. The files of the earlier prediction stay as they are. Each costs again, unless nothing was
    /// created. A row that runs is waited for first, and skipped if another process holds it; one that is
    /// unresolved is created only with [`retry_unresolved`](Self::retry_unresolved).
    pub fn update(mut self, update: bool) -> Self {
        self.plan.update = update;
        self
    }

    /// Names the files by `template`, below the batch's folder whatever the template's own
    /// [folder](FileTemplate::folder) is. A field that no row has is refused. The latest run decides for the files that are saved from then on, also in
    /// other processes.
    pub fn names(mut self, template: &FileTemplate) -> Self {
        let template = template.below_folder();
        self.plan.names = Some(template.as_str().to_owned());
        self.template = Some(template);
        self
    }

    /// Skips bad rows; they are reported as [`Event::BadRow`].
    pub fn skip_bad(mut self, skip: bool) -> Self {
        self.plan.skip_changed = skip;
        self
    }

    /// Sends rows as they are written: also inputs that the known models are not known to take, numbers
    /// in quotes, and models whose names are misspellings of known ones.
    pub fn unchecked(mut self, unchecked: bool) -> Self {
        self.unchecked = unchecked;
        self
    }

    /// Reports also the rows that had ended before this run, each as [`Event::Known`], before anything is
    /// created.
    pub fn report_rows(mut self, report: bool) -> Self {
        self.reports_rows = report;
        self
    }

    /// How long a create request may take, and the pauses after a 429 that names none and while the
    /// service cannot be reached or files cannot be downloaded. Its other figures do not count here: whether to send again is
    /// decided for all rows together.
    pub fn create_policy(mut self, policy: CreatePolicy) -> Self {
        self.settings.create = policy;
        self
    }

    /// Runs the rows.
    ///
    /// # Errors
    ///
    /// [`Rows`](crate::ErrorKind::Rows), [`Read`](crate::ErrorKind::Read) and [`Folder`](crate::ErrorKind::Folder)
    /// and those of the ledger, before anything is sent. The end of a row is not an error; and a
    /// ledger that fails later is [`Stopped::Ledger`], so that what was done until then is
    /// reported. Asked to [stop](Self::stop) before the intents are recorded, it writes
    /// none.
    pub async fn run(self, rows: Rows) -> Result<Report, Error> {
        Error::unless_in_runtime()?;
        let loader = self.settings.ledger.loader();
        let stop = self.settings.stop.clone();
        let begun = tokio::select! {
            // Rows may come slowly, and the ledger may be another's for long.
            biased;
            () = stop.beyond(Urgency::None) => return Ok(self.settings.stopped_early()),
            begun = self.begin(&*loader, rows) => begun?,
        };
        let load = Some(loader.id());
        let creates = begun.settings.limit.unwrap_or(u64::MAX);
        let context = Context::new(begun.settings, begun.worker, load, begun.history);
        folder::read(&context.settings.folder, &context.present)?;
        if self.reports_rows {
            known::report(&context, loader.id()).await?;
        }
        let mut skipped = begun.skipped;
        let mut is_outdated = false;
        if begun.updated_later > 0 {
            skipped += update::update(&context, &*loader, &begun.plan).await?;
            is_outdated = context.stopped().is_some();
        }
        drive::drive(&context, creates).await?;
        let tally = async { context.settings.ledger.tally(loader.id()).await };
        let report = context.close(tally).await?;
        let is_open = is_outdated || report.tally.unfinished() > 0;
        Ok(Report {
            batch: Some(begun.plan.batch),
            planned: begun.planned,
            skipped,
            // Asked to stop when there was nothing left to do, it stopped nothing.
            stopped: report
                .stopped
                .filter(|why| is_open || !matches!(why, Stopped::Asked)),
            ..report
        })
    }

    /// Reads the rows and records the intents.
    async fn begin(&self, loader: &dyn Loader, rows: Rows) -> Result<Begun, Error> {
        let import = self.read(loader, rows).await?;
        let prices = self.prices_of(&import.models)?;
        // Not before: rows that cannot be used leave nothing behind.
        let folder = folder::prepare(&self.settings.folder)?;
        let mut settings = Settings {
            folder: folder.clone(),
            ..self.settings.clone()
        };
        settings.fit_concurrency();
        let worker = Worker::register(&settings.ledger, settings.service.as_str()).await?;
        if settings.stop.requested() > 0 {
            // All of this may be ready at once; the caller that waits for the stop ends it here.
            std::future::pending::<()>().await;
        }
        let batch = match &self.name {
            Some(name) => identity::named(name)?,
            None => identity::of_folder(&*settings.ledger, &folder).await?,
        };
        let plan = self.plan(batch, folder, prices);
        let planned = loader.load(plan.clone()).await?;
        self.check_spent(loader, &plan, &planned).await?;
        update::notify_changed(&settings, &planned);
        (settings.observer)(&Event::Planned {
            tally: &planned.tally,
        });
        let history = History::read(&*settings.ledger, &settings.service).await;
        Ok(Begun {
            settings,
            worker,
            history,
            plan,
            updated_later: planned.updated_later,
            planned: planned.planned,
            skipped: import.bad + planned.changed_total,
        })
    }

    /// What the models are expected to cost.
    ///
    /// # Errors
    ///
    /// With a limit, the price of each must be known.
    fn prices_of(&self, models: &BTreeSet<String>) -> Result<BTreeMap<String, Usd>, Error> {
        let prices = &self.settings.prices;
        let known = models.iter().filter_map(|model| {
            let price = prices.of(model)?;
            Some((model.clone(), price))
        });
        let known: BTreeMap<_, _> = known.collect();
        let unknown = models.iter().filter(|model| !known.contains_key(*model));
        let unknown: Vec<_> = unknown.map(String::as_str).collect();
        if self.settings.max_cost.is_none() || unknown.is_empty() {
            return Ok(known);
        }
        let what = format!(
            "the price of {} is not known, so that the cost cannot be limited: nothing was sent",
            unknown.join(", ")
        );
        Err(Error::new(ErrorKind::MaxCost, what))
    }

    /// Checks that it is known what the batch has spent, if that is limited. Rows that are no longer in
    /// the file may have been sent without a price.
    async fn check_spent(
        &self,
        loader: &dyn Loader,
        plan: &Plan,
        planned: &Loaded,
    ) -> Result<(), Error> {
        if self.settings.max_cost.is_none() || planned.unpriced == 0 {
            return Ok(());
        }
        let filter = Filter {
            batch: Some(plan.batch.clone()),
            ..Filter::default()
        };
        let costs = self.settings.ledger.costs(filter).await?;
        let unknown = costs.iter().filter(|(_, cost)| cost.unknown > 0);
        let plan = Plan {
            prices: self.prices_of(&unknown.map(|(model, _)| model.clone()).collect())?,
            ..plan.clone()
        };
        loader.load(plan).await?;
        Ok(())
    }

    /// Reads and checks the rows and says how they stand, without sending or writing anything.
    ///
    /// # Errors
    ///
    /// As [`run`](Self::run) before anything is sent.
    pub async fn dry_run(self, rows: Rows) -> Result<Report, Error> {
        Error::unless_in_runtime()?;
        let folder = folder::name(&self.settings.folder)?;
        let ledger = &*self.settings.ledger;
        let loader = ledger.loader();
        let import = self.read(&*loader, rows).await?;
        let batch = match &self.name {
            Some(name) => identity::named(name)?,
            None => identity::look(ledger, &folder).await?,
        };
        let plan = Plan {
            dry: true,
            ..self.plan(batch, folder, BTreeMap::new())
        };
        let batch = plan.batch.clone();
        let planned = loader.load(plan).await?;
        update::notify_changed(&self.settings, &planned);
        Ok(Report {
            batch: Some(batch),
            planned: planned.planned,
            tally: planned.tally,
            skipped: import.bad + planned.changed_total,
            ..Report::default()
        })
    }

    async fn read(&self, loader: &dyn Loader, rows: Rows) -> Result<import::Import, Error> {
        let observer = &self.settings.observer;
        let model = self.model.clone();
        let template = self.template.as_ref();
        import::read(loader, rows, model, self.unchecked, template, observer)
            .await?
            .usable(self.plan.skip_changed)
    }

    fn plan(&self, batch: String, folder: PathBuf, prices: BTreeMap<String, Usd>) -> Plan {
        Plan {
            batch,
            folder,
            prices,
            service: self.settings.service.clone(),
            ..self.plan.clone()
        }
    }
}
