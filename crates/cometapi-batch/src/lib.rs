//! Durable, resumable runs and batches of `CometAPI`'s Replicate-style predictions: killed at
//! any instruction and started again, nothing is created twice and nothing is lost.
//!
//! A whole program, against the mock of the service:
//!
//! ```
//! use std::io::Cursor;
//! use std::sync::Arc;
//!
//! use cometapi::Client;
//! use cometapi_batch::{Batch, Event, Format, Rows, SqliteLedger};
//! use cometapi_mock::{MockServer, Pace};
//!
//! const ROWS: &str = r#"
//!     {"id": "boat", "model": "black-forest-labs/flux-schnell", "prompt": "a paper boat"}
//!     {"id": "fox", "model": "black-forest-labs/flux-schnell", "prompt": "a red fox"}
//! "#;
//!
//! #[tokio::main]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let server = MockServer::builder().pace(Pace::instant()).start().await?;
//!     let client = Client::builder().key("any").base_url(server.base_url()).build()?;
//!     let folder = tempfile::tempdir()?;
//!     let images = folder.path().join("images");
//!     let ledger = Arc::new(SqliteLedger::open(folder.path().join("ledger.sqlite3"))?);
//!
//!     // As often as it is run, each row is created once.
//!     for created in [2, 0] {
//!         let report = Batch::new(&client, ledger.clone(), &images)
//!             .concurrency(2)
//!             .on_event(|event| {
//!                 if let Event::Recorded { file, .. } = event {
//!                     println!("{}", file.path.display());
//!                 }
//!             })
//!             .run(Rows::reader(Cursor::new(ROWS), Format::JsonLines))
//!             .await?;
//!         assert!(report.is_success());
//!         assert_eq!(report.created, created);
//!     }
//!     assert!(images.join("fox.webp").exists());
//!     Ok(())
//! }
//! ```
//!
//! # Overview
//!
//! - [`Once`] runs one prediction that is created at most once for its key: a step that is safe inside
//!   a queue, a scheduler or a workflow engine; [`engines`] has a recipe for each.
//! - [`Batch`] runs a file of rows; [`Finish`] waits for what any process left and saves it.
//! - [`Ledger`] is where it is recorded, [`SqliteLedger`] the one in a file;
//!   [`Ledger::list`] is what it says.
//! - [`Resolve`] finds out what became of unresolved create requests, by the tasks of the account.
//! - [`record_charges`] records what predictions cost, and [`Ledger::costs`] sums it by model.
//! - [`Event`] reports what happens while it happens, [`Report`] the result, [`Stop`] ends a run
//!   early.
//!
//! # What is recorded, and when
//!
//! | Step | Before | After a power cut |
//! |---|---|---|
//! | every row's intent | the first create request | there |
//! | that a create request is sent | it is sent | there |
//! | its id | anything else is done with the response | there |
//! | each state, each file, the end | the next step | may be gone: one more poll |
//!
//! Killing the process loses none of it. What cannot be known is what happened to a create request whose
//! response was not recorded: killed between the second step and the third, a row is
//! **unresolved**. It is listed, with what to check, and sent again only when
//! [asked to](Batch::retry_unresolved). A create request that the service refused, or never received,
//! is not unresolved.
//!
//! # What holds a batch up
//!
//! All create requests go through one limiter. A 429 to any row pauses all of them for as long as the
//! service says and halves how many run at once, which grows back with each success; while the
//! service cannot be reached, one row tries at growing intervals. Each pause is an
//! [event](Event::Paused). A refused key, a spent quota, a wrong address, a full disk and a
//! ledger that cannot be written stop new create requests at once; a model that is not offered stops
//! its own rows.
//!
//! Files that cannot be saved stop create requests as well: the first that cannot be written for
//! good, several downloads in a row that fail until one succeeds, and too many open files until
//! some are closed. A run without progress for [ten minutes](Batch::give_up_after) gives up.
//!
//! Memory does not grow with the rows: they are in the ledger, and in a temporary file of
//! `SQLite`'s while they are being read.

#![warn(clippy::print_stderr, clippy::print_stdout)]

mod batch;
mod charges;
pub mod columns;
#[cfg(any(test, feature = "conformance"))]
pub mod conformance;
pub mod engines;
mod error;
#[cfg(any(fuzzing, test))]
#[doc(hidden)]
#[allow(
    clippy::must_use_candidate,
    reason = "called by the fuzz targets alone"
)]
pub mod fuzzing;
mod ledger;
mod lock;
mod names;
mod once;
mod owner;
mod prices;
mod resolve;
mod response;
mod rows;
mod worker;

pub use crate::batch::{
    Batch, Event, Finish, PauseReason, Report, RowInfo, Stop, Stopped, prepare_folder,
};
pub use crate::charges::record_charges;
pub use crate::error::{Error, ErrorKind};
pub use crate::ledger::sqlite::SqliteLedger;
pub use crate::ledger::{
    BatchEntry, Begun, Changed, Claimed, Cost, Entry, FileRecord, Filter, Intent, Job, Ledger,
    LedgerFuture, LoadId, Loaded, Loader, Mark, NewRow, Outcome, Plan, Planned, RecordedRow,
    Repeated, Retry, RetryAction, State, Tally, Want, WorkerId,
};
pub use cometapi_account::Usd;

pub use crate::names::{FileTemplate, NameValues, TemplateError, folded};
pub use crate::once::{Once, OnceError, OnceEvent, OnceRun};
pub use crate::resolve::{Candidate, Finding, InputMatch, Resolution, Resolve, ResolveError};
pub use crate::rows::{Format, NotText, Problem, Rows, csv_cell};

// Compiles the programs in the package's README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
