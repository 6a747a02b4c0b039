//! The rules that every [`Ledger`](crate::Ledger) keeps, as checks that any implementation can run.
//!
//! A [`Harness`] makes one empty ledger and opens it as several processes do. Each [`Rule`] is a
//! sentence of the trait's documentation; [`check_all`] runs every rule on a ledger of its own and
//! returns what is violated:
//!
//! ```
//! use std::path::PathBuf;
//!
//! use cometapi::BoxFuture;
//! use cometapi_batch::conformance::{Harness, Process, check_all};
//! use cometapi_batch::{Ledger, LedgerFuture, SqliteLedger};
//!
//! struct InFolder(tempfile::TempDir);
//!
//! impl Harness for InFolder {
//!     fn open(&self) -> LedgerFuture<Box<dyn Process>> {
//!         let ledger = SqliteLedger::open(self.folder().join("ledger.sqlite3"));
//!         Box::pin(async move { Ok(Box::new(Opened(ledger?)) as _) })
//!     }
//!
//!     fn folder(&self) -> PathBuf {
//!         self.0.path().to_owned()
//!     }
//! }
//!
//! struct Opened(SqliteLedger);
//!
//! impl Process for Opened {
//!     fn ledger(&self) -> &dyn Ledger {
//!         &self.0
//!     }
//!
//!     fn kill(self: Box<Self>) -> BoxFuture<()> {
//!         drop(self);
//!         Box::pin(async {})
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let folders = std::iter::repeat_with(tempfile::tempdir);
//! check_all(folders.map_while(Result::ok).map(InFolder)).await?;
//! # Ok(())
//! # }
//! ```
//!
//! The rules check what calls do, in one program. They do not cut the power, and they do not end real
//! processes: an implementation tests these itself, as well as what only it has.

mod all;
mod batches;
mod changes;
mod check;
mod claims;
mod commits;
mod harness;
mod in_flight;
mod keys;
mod life;
mod list;
mod loads;
mod marks;
mod money;
mod names;
mod pages;
mod peer;
mod reads;
mod retries;
mod rule;

pub use self::all::{Violations, check_all, rules};
pub use self::harness::{Harness, Process};
pub use self::rule::{Rule, Violation};
