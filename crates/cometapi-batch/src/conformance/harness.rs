//! What an implementation provides to be checked.

use std::path::PathBuf;
use std::time::Duration;

use cometapi::BoxFuture;

use crate::ledger::{Ledger, LedgerFuture};

/// A new, empty ledger of the implementation to be checked.
pub trait Harness: Send + Sync {
    /// Opens the ledger as another process does. What was opened before stays open.
    fn open(&self) -> LedgerFuture<Box<dyn Process>>;

    /// A folder that exists, where files can be written: batches save their files in it and below.
    fn folder(&self) -> PathBuf;

    /// Lets time pass for a ledger that reads a clock which a test can set, as tokio's paused one.
    /// By default nothing happens.
    fn pass_time(&self, time: Duration) -> BoxFuture<()> {
        let _ = time;
        Box::pin(std::future::ready(()))
    }
}

/// A process that has opened the ledger, or what stands for one.
pub trait Process: Send + Sync {
    /// The ledger as this process has it.
    fn ledger(&self) -> &dyn Ledger;

    /// Ends the process as a crash does: its workers are not retired. An implementation that cannot
    /// do this drops the process. [`Loader`](crate::Loader)s and futures that came from it have been
    /// dropped before. When the future is ready, the process has ended.
    fn kill(self: Box<Self>) -> BoxFuture<()>;
}
