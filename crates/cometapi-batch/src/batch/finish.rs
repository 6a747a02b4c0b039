//! Finishing what any process left.

use std::path::PathBuf;
use std::sync::Arc;

use cometapi::Client;

use crate::batch::context::Context;
use crate::batch::history::History;
use crate::batch::report::Report;
use crate::batch::settings::{Settings, shared_settings};
use crate::batch::stop::Urgency;
use crate::batch::{drive, folder};
use crate::error::Error;
use crate::ledger::Ledger;
use crate::worker::Worker;

/// Waits for every prediction of a ledger that was created, has not ended, and is held by no
/// process that lives; and saves its files. Creates nothing.
///
/// ```no_run
/// # async fn example(client: cometapi::Client) -> Result<(), Box<dyn std::error::Error>> {
/// use std::sync::Arc;
/// use cometapi_batch::{Finish, SqliteLedger};
///
/// let ledger = SqliteLedger::open(SqliteLedger::default_path()?)?;
/// let report = Finish::new(&client, Arc::new(ledger), "images").run().await?;
/// println!("{} finished", report.tally.succeeded);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use = "it does nothing until it runs"]
pub struct Finish {
    settings: Settings,
}

impl Finish {
    /// Predictions in `ledger`, waited for by `client`. Files of a batch go to its folder, those of a
    /// single prediction to the folder that is [recorded](crate::Once::saved_in) with it, all others
    /// to `folder`.
    pub fn new(client: &Client, ledger: Arc<dyn Ledger>, folder: impl Into<PathBuf>) -> Self {
        Self {
            settings: Settings::new(client, ledger, folder.into()),
        }
    }

    shared_settings!();

    /// Waits for all of them. One whose files could not be saved is reported as ended, and
    /// left running in the ledger: the next run takes it up again.
    ///
    /// # Errors
    ///
    /// Those of the folder, and of the ledger before anything is taken up. The end of a
    /// prediction is not an error; a ledger that fails later is [`Stopped::Ledger`](crate::Stopped::Ledger).
    pub async fn run(mut self) -> Result<Report, Error> {
        Error::unless_in_runtime()?;
        self.settings.folder = folder::prepare(&self.settings.folder)?;
        self.settings.fit_concurrency();
        let settings = &self.settings;
        let stop = settings.stop.clone();
        let begun = async {
            let worker = Worker::register(&settings.ledger, settings.service.as_str()).await?;
            let history = History::read(&*settings.ledger, &settings.service).await;
            Ok::<_, Error>((worker, history))
        };
        let (worker, history) = tokio::select! {
            biased;
            () = stop.beyond(Urgency::None) => return Ok(settings.stopped_early()),
            begun = begun => begun?,
        };
        let context = Context::new(self.settings, worker, None, history);
        drive::drive(&context, 0).await?;
        context.close(async { Ok(context.ends()) }).await
    }
}
