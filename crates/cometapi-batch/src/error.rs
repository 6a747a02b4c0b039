//! What a batch or a ledger can end in, besides the ends of its rows.

use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::sync::Arc;

use cometapi::causes;
use tokio::runtime::Handle;

use crate::ledger::Changed;
use crate::rows::Problem;

/// Why a batch did not run, or a ledger did not do what it was asked.
///
/// The ends of single predictions are no errors of a batch: see
/// [`Outcome`](crate::Outcome). Cheap to clone: those who waited for the same commit share it.
#[derive(Clone)]
pub struct Error(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    kind: ErrorKind,
    message: String,
    source: Option<Box<dyn StdError + Send + Sync>>,
    problems: Vec<Problem>,
}

/// The kinds of [`Error`], each with what to do about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// Rows cannot be used: see [`Error::problems`]. Nothing was sent. Fix the rows, or skip
    /// the bad ones.
    Rows,
    /// The rows could not be read to their end, or it is in doubt what the rows are: the source
    /// says where. Nothing was sent, and skipping bad rows does not help.
    Read,
    /// The output folder cannot be made, or not be named in a ledger. Nothing was sent.
    Folder,
    /// The ledger cannot be opened, read or written. What was not sent yet is not sent.
    Ledger,
    /// The ledger was made by an earlier version of this program, which distinguished rows in another
    /// way; it was left as it is. Finish its predictions with that version, or use another file.
    OlderLedger,
    /// The ledger was made by a later version of this program. Use that one.
    NewerLedger,
    /// The file is not a ledger; it was left as it is. Name another.
    NotALedger,
    /// The ledger belongs to another user, or other users can write it; it was left as it is.
    /// Use another, or make it yours.
    Untrusted,
    /// Records of the ledger have been lost, with its write-ahead log as a rule. Restore it, or
    /// accept the loss with [`SqliteLedger::accept_loss`](crate::SqliteLedger::accept_loss).
    Incomplete,
    /// The ledger's file was deleted, moved or replaced while it was in use. Nothing more is sent.
    /// Put the file back: without it, what was created is not known.
    Replaced,
    /// The ledger's disk is full.
    Full,
    /// Another process has held the ledger for too long.
    Busy,
    /// Another prediction of the same service has the id already, so that a response must have
    /// been taken for that of another request. What was sent is unresolved.
    TakenId,
    /// The key of a prediction is empty or too long. Nothing was sent.
    InvalidKey,
    /// The key of a prediction names another one already: of another model, input or service. Nothing
    /// was sent. Use another key.
    KeyReused,
    /// The prediction would cost more than is allowed, or it is not known what it costs. Nothing was
    /// sent.
    MaxCost,
    /// The row belongs to another worker by now, so that this one must leave it alone.
    Lost,
    /// No tokio runtime is running on the thread. Nothing was sent. Await the call in an async
    /// function under `#[tokio::main]`.
    NoRuntime,
}

impl Error {
    /// An error of `kind`; for those who implement [`Ledger`](crate::Ledger).
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self::with(kind, message.into(), None, Vec::new())
    }

    /// The same with what caused it.
    pub fn caused_by(
        kind: ErrorKind,
        message: impl Into<String>,
        source: impl Into<Box<dyn StdError + Send + Sync>>,
    ) -> Self {
        Self::with(kind, message.into(), Some(source.into()), Vec::new())
    }

    /// The error of a load some of whose rows have [another input](crate::Loaded::changed) than their
    /// predictions: `total` of them. `changed` holds the first.
    pub fn changed_rows(total: u64, changed: &[Changed]) -> Self {
        Self::rows(total, changed.iter().map(Problem::changed).collect())
    }

    pub(crate) fn rows(total: u64, problems: Vec<Problem>) -> Self {
        let message = match &problems[..] {
            [only] if total == 1 => format!("a row cannot be used: {only}"),
            [first, ..] => format!("{total} rows cannot be used; the first: {first}"),
            [] => format!("{total} rows cannot be used"),
        };
        Self::with(ErrorKind::Rows, message, None, problems)
    }

    /// Checks that the calling thread is in a tokio runtime, without which timers and tasks panic.
    pub(crate) fn unless_in_runtime() -> Result<(), Self> {
        let what = "no tokio runtime is running on this thread: await the call in an async \
                    function under #[tokio::main], or enter a runtime first";
        let found = Handle::try_current().map(drop);
        found.map_err(|_| Self::new(ErrorKind::NoRuntime, what))
    }

    fn with(
        kind: ErrorKind,
        message: String,
        source: Option<Box<dyn StdError + Send + Sync>>,
        problems: Vec<Problem>,
    ) -> Self {
        Self(Arc::new(Inner {
            kind,
            message,
            source,
            problems,
        }))
    }

    /// What kind of error this is.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Whether nothing was sent: the rows or the folder cannot be used.
    pub fn is_before_sending(&self) -> bool {
        matches!(
            self.kind(),
            ErrorKind::Rows | ErrorKind::Read | ErrorKind::Folder | ErrorKind::NoRuntime
        )
    }

    /// What is wrong with which rows; the first hundred.
    pub fn problems(&self) -> &[Problem] {
        &self.0.problems
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

/// `{:?}` prints the message and its causes, for `fn main`; `{:#?}` prints the structure.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if f.alternate() {
            return self.0.fmt(f);
        }
        f.write_str(&self.0.message)?;
        std::iter::successors(self.source(), |cause| (*cause).source())
            .try_for_each(|cause| write!(f, ": {cause}"))
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0
            .source
            .as_deref()
            .map(|source| source as &(dyn StdError + 'static))
    }
}

/// The I/O errors in the causes of `error`, outermost first.
fn io_errors<'e>(error: &'e (dyn StdError + 'static)) -> impl Iterator<Item = &'e io::Error> {
    causes(error).filter_map(|cause| cause.downcast_ref())
}

pub(crate) fn is_disk_full(error: &(dyn StdError + 'static)) -> bool {
    use io::ErrorKind::{QuotaExceeded, StorageFull};
    io_errors(error).any(|e| matches!(e.kind(), StorageFull | QuotaExceeded))
}

/// Whether `error` was caused by the limit of open files, of this process or of the system. It
/// passes when other files are closed.
pub(crate) fn is_out_of_files(error: &(dyn StdError + 'static)) -> bool {
    /// `EMFILE` and `ENFILE`, which are the same on every Unix; on Windows
    /// `ERROR_TOO_MANY_OPEN_FILES` and `WSAEMFILE`.
    const CODES: [i32; 2] = if cfg!(windows) { [4, 10024] } else { [24, 23] };
    io_errors(error).any(|e| e.raw_os_error().is_some_and(|code| CODES.contains(&code)))
}

/// Whether an `error` of writing a file will meet every other file of its folder too. An error
/// of the name alone will not, and neither will one that passes.
pub(crate) fn is_of_folder(error: &(dyn StdError + 'static)) -> bool {
    use io::ErrorKind::{InvalidFilename, InvalidInput, IsADirectory};
    let is_of_name =
        |e: &io::Error| matches!(e.kind(), InvalidFilename | InvalidInput | IsADirectory);
    let mut causes = io_errors(error).peekable();
    causes.peek().is_some() && !is_out_of_files(error) && !causes.any(is_of_name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_found_at_the_bottom() {
        let full = io::Error::from(io::ErrorKind::StorageFull);
        let error = Error::caused_by(ErrorKind::Ledger, "outer", full);
        assert!(is_disk_full(&error));
        assert!(!is_disk_full(&Error::new(ErrorKind::Ledger, "outer")));
    }

    #[test]
    fn only_what_meets_every_file_is_of_the_folder() {
        let of_folder = |cause: io::Error| {
            let wrapped = io::Error::other(cause);
            is_of_folder(&Error::caused_by(ErrorKind::Ledger, "outer", wrapped))
        };
        for kind in [
            io::ErrorKind::StorageFull,
            io::ErrorKind::ReadOnlyFilesystem,
            io::ErrorKind::PermissionDenied,
            io::ErrorKind::AlreadyExists,
            io::ErrorKind::NotADirectory,
            io::ErrorKind::NotFound,
            io::ErrorKind::Other,
        ] {
            assert!(of_folder(kind.into()), "{kind:?}");
        }
        for kind in [io::ErrorKind::InvalidFilename, io::ErrorKind::IsADirectory] {
            assert!(!of_folder(kind.into()), "{kind:?}");
        }
        assert!(!is_of_folder(&Error::new(ErrorKind::Ledger, "outer")));
    }

    #[cfg(unix)]
    #[test]
    fn too_many_open_files_are_found_below_and_pass() {
        for code in [23, 24] {
            let error = io::Error::other(io::Error::from_raw_os_error(code));
            assert!(is_out_of_files(&error) && !is_of_folder(&error));
        }
        assert!(!is_out_of_files(&io::Error::from_raw_os_error(5)));
    }

    #[test]
    fn display_does_not_repeat_the_source() {
        let error = Error::caused_by(ErrorKind::Ledger, "outer", "inner");
        assert_eq!(error.to_string(), "outer");
        assert_eq!(error.source().unwrap().to_string(), "inner");
        assert_eq!(format!("{error:?}"), "outer: inner");
        assert!(format!("{error:#?}").contains("kind: Ledger"));
    }
}
