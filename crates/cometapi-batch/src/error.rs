//! What a batch or a ledger can end in, besides the ends of its rows.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

use crate::rows::Problem;

/// Why a batch did not run, or a ledger did not do what it was asked.
///
/// The ends of single predictions are no errors of a batch: see
/// [`Outcome`](crate::Outcome). Cheap to clone: those who waited for the same commit share it.
#[derive(Clone, Debug)]
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
    /// Rows cannot be used: see [`Error::problems`]. Nothing was sent. Mend the rows, or skip
    /// the bad ones.
    Rows,
    /// The rows could not be read to their end, or it is in doubt what the rows are: the source
    /// says where. Nothing was sent, and skipping bad rows does not help.
    Read,
    /// The output folder cannot be made, or not be named in a ledger. Nothing was sent.
    Folder,
    /// The ledger cannot be opened, read or written. What was not sent yet is not sent.
    Ledger,
    /// The ledger was made by an earlier version of this program, which told rows apart in another
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
    /// The ledger's disk is full.
    Full,
    /// Another process has held the ledger for too long.
    Busy,
    /// Another prediction of the same service has the id already, so that a response must have
    /// been taken for that of another request. What was sent is unresolved.
    TakenId,
    /// The row belongs to another worker by now, so that this one must leave it alone.
    Lost,
}

impl Error {
    /// An error of `kind`; for those who implement [`Ledger`](crate::Ledger).
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Arc::new(Inner {
            kind,
            message: message.into(),
            source: None,
            problems: Vec::new(),
        }))
    }

    /// The same with what caused it.
    pub fn caused_by(
        kind: ErrorKind,
        message: impl Into<String>,
        source: impl Into<Box<dyn StdError + Send + Sync>>,
    ) -> Self {
        Self(Arc::new(Inner {
            kind,
            message: message.into(),
            source: Some(source.into()),
            problems: Vec::new(),
        }))
    }

    pub(crate) fn rows(total: u64, problems: Vec<Problem>) -> Self {
        let message = match &problems[..] {
            [only] if total == 1 => format!("a row cannot be used: {only}"),
            [first, ..] => format!("{total} rows cannot be used; the first: {first}"),
            [] => format!("{total} rows cannot be used"),
        };
        Self(Arc::new(Inner {
            kind: ErrorKind::Rows,
            message,
            source: None,
            problems,
        }))
    }

    /// What kind of error this is.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
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

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0
            .source
            .as_deref()
            .map(|source| source as &(dyn StdError + 'static))
    }
}

/// Whether a full disk is at the bottom of `error`.
pub(crate) fn is_disk_full(error: &(dyn StdError + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(io) = error.downcast_ref::<std::io::Error>()
            && matches!(
                io.kind(),
                std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded
            )
        {
            return true;
        }
        cause = error.source();
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_found_at_the_bottom() {
        let full = std::io::Error::from(std::io::ErrorKind::StorageFull);
        let error = Error::caused_by(ErrorKind::Ledger, "outer", full);
        assert!(is_disk_full(&error));
        assert!(!is_disk_full(&Error::new(ErrorKind::Ledger, "outer")));
    }

    #[test]
    fn display_does_not_repeat_the_source() {
        let error = Error::caused_by(ErrorKind::Ledger, "outer", "inner");
        assert_eq!(error.to_string(), "outer");
        assert_eq!(error.source().unwrap().to_string(), "inner");
    }
}
