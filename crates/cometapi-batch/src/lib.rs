//! Durable, resumable runs and batches of `CometAPI`'s Replicate-style predictions.

mod batch;
mod error;
mod ledger;
mod rows;
mod single;
mod verdict;
mod worker;

pub use crate::batch::{Batch, Event, Finish, PauseReason, Report, RowInfo, Stop, Stopped};
pub use crate::error::{Error, ErrorKind};
pub use crate::ledger::sqlite::SqliteLedger;
pub use crate::ledger::{
    Answer, Claimed, Entry, FileRecord, Filter, Intent, Job, Ledger, LoadId, Loaded, Mark, Outcome,
    Plan, Repeated, StagedRow, State, Tally, Want, WorkerId,
};
pub use crate::rows::{Format, Problem, Rows};
pub use crate::single::Single;
