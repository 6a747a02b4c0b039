//! The events of a run.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use cometapi::{Prediction, RetryProgress};

use crate::batch::reason::{PauseReason, Stopped};
use crate::error::Error;
use crate::ledger::{Entry, FileRecord, Job, Outcome, Tally};
use crate::rows::Problem;

/// A row of a run, or a single prediction.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RowInfo {
    /// Its number in the ledger.
    pub seq: u64,
    /// The line that it begins on; `None` when it does not come from a file of this run.
    pub line: Option<u64>,
    /// Its own id, when it has one.
    pub id: Option<String>,
    /// The hash of model and input, in hex.
    pub hash: String,
    /// Its place among equal rows, from 1.
    pub occurrence: u64,
    /// The model, `owner/name`.
    pub model: String,
}

impl From<&Job> for RowInfo {
    fn from(job: &Job) -> Self {
        Self {
            seq: job.seq,
            line: job.line,
            id: job.row.clone(),
            hash: job.hash.clone(),
            occurrence: job.occurrence,
            model: job.model.clone(),
        }
    }
}

/// Something that happened in a run, delivered synchronously: a slow observer blocks
/// the run.
///
/// Of a row, in this order: `Claimed`, `Sending`, `Responded`, `Created`, `State` as often as
/// it changes, `Saved` and `Recorded` for each file, `Ended`. A row that another process left
/// running begins with `Claimed` and continues with `State`.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// A row cannot be used. Nothing is sent unless bad rows are skipped.
    #[non_exhaustive]
    BadRow {
        /// What is wrong with it.
        problem: &'a Problem,
    },
    /// A row may be wrong, and is used.
    #[non_exhaustive]
    Warning {
        /// What may be wrong.
        problem: &'a Problem,
    },
    /// All rows are read and checked; their intents are not recorded yet.
    #[non_exhaustive]
    Read {
        /// How many are good.
        rows: u64,
        /// How many are not.
        bad: u64,
    },
    /// The intents are recorded.
    #[non_exhaustive]
    Planned {
        /// How the rows stand.
        tally: &'a Tally,
    },
    /// The row had ended before this run, which was asked to
    /// [report](crate::Batch::report_rows) it.
    #[non_exhaustive]
    Known {
        /// What is recorded of it.
        entry: &'a Entry,
    },
    /// This worker holds the row from now on.
    #[non_exhaustive]
    Claimed {
        /// The row.
        row: &'a Arc<RowInfo>,
        /// The prediction's id, if it has been created before.
        id: Option<&'a str>,
    },
    /// It is recorded that the create request is about to be sent.
    #[non_exhaustive]
    Sending {
        /// The row.
        row: &'a Arc<RowInfo>,
    },
    /// The response to the create request is there. An id in it is being recorded: the ledger is
    /// asked before this event, and `Created` follows the commit.
    #[non_exhaustive]
    Responded {
        /// The row.
        row: &'a Arc<RowInfo>,
        /// The prediction's id, or the error.
        response: Result<&'a str, &'a cometapi::Error>,
    },
    /// The id is recorded.
    #[non_exhaustive]
    Created {
        /// The row.
        row: &'a Arc<RowInfo>,
        /// The prediction's id.
        id: &'a str,
    },
    /// The service showed another state, and it is recorded.
    #[non_exhaustive]
    State {
        /// The row.
        row: &'a Arc<RowInfo>,
        /// The prediction's id.
        id: &'a str,
        /// The state's word.
        status: &'a str,
    },
    /// A poll of the row's prediction, or a download of a file of it, failed and is repeated after a pause.
    #[non_exhaustive]
    Retrying {
        /// The row.
        row: &'a Arc<RowInfo>,
        /// The prediction's id.
        id: &'a str,
        /// What is known of it.
        retry: RetryProgress<'a>,
    },
    /// A file has its name, and is not recorded yet.
    #[non_exhaustive]
    Saved {
        /// The row.
        row: &'a Arc<RowInfo>,
        /// Where it is.
        path: &'a Path,
    },
    /// The file is recorded.
    #[non_exhaustive]
    Recorded {
        /// The row.
        row: &'a Arc<RowInfo>,
        /// The file.
        file: &'a FileRecord,
    },
    /// The row is over, and that is recorded. Of a [`Finish`](crate::Finish), one whose
    /// files would not come is left running for the next.
    #[non_exhaustive]
    Ended {
        /// The row.
        row: &'a Arc<RowInfo>,
        /// The prediction's id, if it has one.
        id: Option<&'a str>,
        /// How it ended. A row whose kind is `MaybeAccepted` is unresolved.
        outcome: &'a Outcome,
        /// Its files.
        files: &'a [FileRecord],
        /// The prediction as it was last seen.
        prediction: Option<&'a Prediction>,
    },
    /// The row's prediction continues, and this run no longer waits for it: the next one does.
    #[non_exhaustive]
    Left {
        /// The row.
        row: &'a Arc<RowInfo>,
        /// The prediction's id.
        id: &'a str,
        /// Why.
        error: &'a cometapi::Error,
    },
    /// Something could not be recorded. The id, if there is one, is nowhere else.
    #[non_exhaustive]
    Unrecorded {
        /// The row.
        row: &'a Arc<RowInfo>,
        /// The prediction's id, if it has one.
        id: Option<&'a str>,
        /// Why.
        error: &'a Error,
    },
    /// Fewer rows run at once than was asked for, because of the process's limit of open files.
    #[non_exhaustive]
    ConcurrencyLowered {
        /// How many rows run at once, at most.
        concurrency: usize,
        /// How many files the process may open.
        open_files: u64,
    },
    /// All create requests pause.
    #[non_exhaustive]
    Paused {
        /// Why.
        reason: PauseReason,
        /// For how long.
        pause: Duration,
        /// How many rows may run at once from now on.
        limit: u32,
        /// The response.
        cause: &'a cometapi::Error,
    },
    /// The service has rate limited another process of the ledger, so that this one pauses its create
    /// requests too.
    #[non_exhaustive]
    PausedElsewhere {
        /// For how long.
        pause: Duration,
    },
    /// Create requests continue after a pause.
    #[non_exhaustive]
    Resumed {
        /// How many rows may run at once.
        limit: u32,
    },
    /// What is left is held by other processes; this one waits, in case they end.
    #[non_exhaustive]
    Elsewhere {
        /// How many rows.
        rows: u64,
    },
    /// As many predictions are in flight in other processes as [`Batch::max_in_flight`](crate::Batch::max_in_flight)
    /// allows, and none in this one, which waits until some of them end.
    #[non_exhaustive]
    InFlight {
        /// How many predictions.
        predictions: u64,
    },
    /// Nothing more is created; running predictions continue to their end.
    #[non_exhaustive]
    Stopping {
        /// Why.
        reason: &'a Stopped,
    },
}

/// Observes a run.
pub(crate) type Observer = Arc<dyn Fn(&Event<'_>) + Send + Sync>;
