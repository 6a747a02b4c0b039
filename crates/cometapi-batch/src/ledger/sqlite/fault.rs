//! What an error of `SQLite`'s means.

use std::io;

use rusqlite::ErrorCode;

use crate::error::{Error, ErrorKind};

pub(super) const DAMAGED: &str = "the ledger is damaged: restore a copy of it, or use another";

/// An [`Error`] that `?` also makes of `SQLite`'s errors, whose type is not part of the API.
#[derive(Clone, Debug)]
pub(super) struct Fault(Error);

pub(super) type Result<T, E = Fault> = std::result::Result<T, E>;

impl From<Error> for Fault {
    fn from(e: Error) -> Self {
        Self(e)
    }
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        fault.0
    }
}

impl From<rusqlite::Error> for Fault {
    fn from(e: rusqlite::Error) -> Self {
        let (kind, what) = match e.sqlite_error_code() {
            Some(ErrorCode::NotADatabase) => return Self(not_a_ledger()),
            Some(ErrorCode::DiskFull) => (
                ErrorKind::Full,
                "the ledger's disk is full: free space, then run the same command again",
            ),
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => (
                ErrorKind::Busy,
                "another process has held the ledger for too long: find out what it does, then try again",
            ),
            Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied | ErrorCode::CannotOpen) => (
                ErrorKind::Ledger,
                "the ledger cannot be written: check its permissions, or name another",
            ),
            Some(ErrorCode::DatabaseCorrupt) => (ErrorKind::Ledger, DAMAGED),
            None if is_unreadable(&e) => (
                ErrorKind::Ledger,
                "a record of the ledger cannot be read: it was damaged, or changed by another program",
            ),
            _ => (ErrorKind::Ledger, "the ledger failed"),
        };
        Self(Error::caused_by(kind, what, e))
    }
}

/// Whether a value in the ledger is not of the type that this program writes there.
fn is_unreadable(e: &rusqlite::Error) -> bool {
    matches!(
        e,
        rusqlite::Error::FromSqlConversionFailure(..)
            | rusqlite::Error::InvalidColumnType(..)
            | rusqlite::Error::IntegralValueOutOfRange(..)
            | rusqlite::Error::Utf8Error(..)
    )
}

pub(super) fn not_a_ledger() -> Error {
    Error::new(
        ErrorKind::NotALedger,
        "the file is not a ledger of this program and was left as it is: name another",
    )
}

pub(super) fn cannot_open(e: io::Error) -> Error {
    Error::caused_by(ErrorKind::Ledger, "the ledger cannot be opened", e)
}
