//! A queue of paid work, and the handler that pays once for each job: see the README.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use apalis::prelude::*;
use apalis_sqlite::{Config, SqliteConnectOptions, SqlitePool, SqliteStorage};
use cometapi::Client;
use cometapi_batch::{Ledger, Once, OnceError, SqliteLedger};
use serde::{Deserialize, Serialize};
use serde_json::json;

/// The model that draws covers.
pub const MODEL: &str = "black-forest-labs/flux-schnell";

/// A job: the cover of an order.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Cover {
    /// The number of the order, which never changes.
    pub order: u64,
    /// What the cover shows.
    pub prompt: String,
}

impl Cover {
    /// What names the job, in the queue and in the ledger.
    #[must_use]
    pub fn key(&self) -> String {
        format!("order-{}/cover", self.order)
    }

    /// The job, which the queue takes once.
    pub fn job(self) -> TaskBuilder<Self> {
        let key = self.key();
        TaskBuilder::new(self).idempotency_key(key)
    }
}

/// What every job needs.
#[derive(Clone, Debug)]
pub struct Studio {
    /// The client of the service.
    pub client: Client,
    /// The ledger, which every worker of the queue opens.
    pub ledger: Arc<dyn Ledger>,
}

impl Studio {
    /// Takes the key and the service from the environment; the ledger is in the file `ledger`.
    ///
    /// # Errors
    ///
    /// When there is no key, or the ledger cannot be opened.
    pub fn open(ledger: &Path) -> Result<Self, BoxDynError> {
        Ok(Self {
            client: Client::from_env()?,
            ledger: Arc::new(SqliteLedger::open(ledger)?),
        })
    }
}

/// Draws a cover, and returns the URLs of its files.
///
/// # Errors
///
/// An [`AbortError`] where the queue must not run the job again.
pub async fn draw(cover: Cover, studio: Data<Studio>) -> Result<Vec<String>, BoxDynError> {
    let mut run = Once::new(&studio.client, studio.ledger.clone())
        .key(cover.key())
        .run(MODEL, json!({"prompt": cover.prompt}));
    let id = run.created().await.map_err(for_the_queue)?;
    println!("{}: created {id}", cover.key());
    let prediction = run.finished().await.map_err(for_the_queue)?;
    let urls = prediction.output().urls();
    Ok(urls.into_iter().map(str::to_owned).collect())
}

/// An error as the queue takes it: it runs a job again, except after an [`AbortError`].
fn for_the_queue(error: OnceError) -> BoxDynError {
    if error.is_retryable() {
        return error.into();
    }
    AbortError::new(error).into()
}

/// Makes a queue in the file `path`. Call it once, before the first worker: it switches the file to
/// another journal, which other processes must not use meanwhile.
///
/// # Errors
///
/// When the file cannot be written.
pub async fn create_queue(path: &Path) -> Result<(), apalis_sqlite::Error> {
    let file = SqliteConnectOptions::new().create_if_missing(true);
    let pool = SqlitePool::connect_with(file.filename(path)).await?;
    SqliteStorage::setup(&pool).await?;
    pool.close().await;
    Ok(())
}

/// Opens the queue in the file `path`. A worker without a sign of life for twice `heartbeat` counts as
/// dead, and its jobs are given to another; `heartbeat` counts in whole seconds.
///
/// # Errors
///
/// When the file cannot be opened.
pub async fn queue(
    path: &Path,
    heartbeat: Duration,
) -> Result<SqliteStorage<Cover>, apalis_sqlite::Error> {
    let file = SqliteConnectOptions::new().filename(path);
    let pool = SqlitePool::connect_with(file).await?;
    let config = Config::default()
        .queue("covers")
        .heartbeat_interval(heartbeat);
    Ok(SqliteStorage::new(&pool).with_config(config))
}
