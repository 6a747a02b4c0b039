//! What an error of the server or of the connection means.

use std::error::Error as _;
use std::io;

use cometapi_batch::{Error, ErrorKind};
use tokio_postgres::error::SqlState;

/// An error inside this crate: what to do about it is decided before it becomes an [`Error`].
#[derive(Debug)]
pub(crate) enum Fault {
    /// Said in the words of the ledger.
    Said(Error),
    /// Of the server, or of the connection to it.
    Server(tokio_postgres::Error),
    /// No answer within the time limit of a call.
    NoAnswer,
}

pub(crate) type Result<T, E = Fault> = std::result::Result<T, E>;

impl From<Error> for Fault {
    fn from(e: Error) -> Self {
        Self::Said(e)
    }
}

impl From<tokio_postgres::Error> for Fault {
    fn from(e: tokio_postgres::Error) -> Self {
        Self::Server(e)
    }
}

impl Fault {
    /// Whether the session has ended or must be given up, so that it is unknown whether the server has
    /// done what it was asked for last.
    pub(crate) fn is_cut(&self) -> bool {
        match self {
            Self::Said(_) => false,
            Self::NoAnswer => true,
            Self::Server(e) => match e.code() {
                Some(code) => is_of_connection(code),
                None => is_of_network(e),
            },
        }
    }

    /// Whether the server has taken the transaction back because of another, so that it can be
    /// repeated.
    pub(crate) fn is_conflict(&self) -> bool {
        let Self::Server(e) = self else { return false };
        matches!(
            e.code(),
            Some(&SqlState::T_R_SERIALIZATION_FAILURE | &SqlState::T_R_DEADLOCK_DETECTED)
        )
    }

    /// Whether an attempt to connect may succeed later.
    pub(crate) fn may_pass(&self) -> bool {
        let Self::Server(e) = self else {
            return matches!(self, Self::NoAnswer);
        };
        match e.code() {
            Some(code) => *code == SqlState::TOO_MANY_CONNECTIONS || is_of_connection(code),
            None => is_of_network(e),
        }
    }
}

/// What the system says of the connection, if that is what failed.
fn io_error(e: &tokio_postgres::Error) -> Option<&io::Error> {
    e.source()?.downcast_ref()
}

/// Whether the connection has ended or could not be made. A certificate that is not trusted stays so.
fn is_of_network(e: &tokio_postgres::Error) -> bool {
    e.is_closed() || io_error(e).is_some_and(|e| e.kind() != io::ErrorKind::InvalidData)
}

/// Whether a session ends with this error, or cannot begin at present.
fn is_of_connection(code: &SqlState) -> bool {
    code.code().starts_with("08")
        || [
            SqlState::ADMIN_SHUTDOWN,
            SqlState::CRASH_SHUTDOWN,
            SqlState::CANNOT_CONNECT_NOW,
        ]
        .contains(code)
        // Sessions that were idle for too long, by a setting of the server.
        || ["57P05", "25P03", "25P04"].contains(&code.code())
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        let e = match fault {
            Fault::Said(e) => return e,
            Fault::NoAnswer => {
                return Self::new(
                    ErrorKind::Ledger,
                    "the ledger's server does not respond: check the network and the server, then \
                     run the same command again",
                );
            }
            Fault::Server(e) => e,
        };
        // What was prepared in this session is not there: it is another process's session now.
        if e.code() == Some(&SqlState::INVALID_SQL_STATEMENT_NAME) {
            return pooled();
        }
        let (kind, what) = meaning(&e);
        Self::caused_by(kind, what, e)
    }
}

/// The error of a connection pooler that shares sessions.
pub(crate) fn pooled() -> Error {
    Error::new(
        ErrorKind::Ledger,
        "a connection pooler (pgbouncer, as a rule) shares the server's sessions between transactions, so \
         the lock by which a worker lives would not last: connect to the server itself, or set \
         pool_mode = session",
    )
}

fn meaning(e: &tokio_postgres::Error) -> (ErrorKind, &'static str) {
    let Some(code) = e.code() else {
        let what = if is_of_network(e) {
            "the ledger's server cannot be reached: check its address and the network, then run the \
             same command again"
        } else if io_error(e).is_some() {
            "the certificate of the ledger's server is not trusted, or not of the host in the \
             connection string: name the certificates to trust, or the host as the certificate has it"
        } else {
            "the ledger's server cannot be logged in to as the connection string asks for: check its \
             user, its password and its sslmode"
        };
        return (ErrorKind::Ledger, what);
    };
    let what = match code.code() {
        "53100" => {
            return (
                ErrorKind::Full,
                "the disk of the ledger's server is full: free space there, then run the same \
                 command again",
            );
        }
        "55P03" | "57014" => {
            return (
                ErrorKind::Busy,
                "another session has held the ledger for too long: find out what it does, then try \
                 again",
            );
        }
        "53300" => {
            "the ledger's server allows no more connections: raise its max_connections, or run fewer \
             processes"
        }
        "25006" => {
            "the ledger's server takes no writes: it is a standby now, or its transactions are \
             read-only by default; connect to the primary"
        }
        "28000" | "28P01" => {
            "the ledger's server refuses the login: check the user and the password"
        }
        "3D000" => "the ledger's database does not exist: create it, or name another",
        "42501" => {
            "the user of the ledger lacks a right in its database: grant it, or connect as the owner \
             of the ledger's schema"
        }
        "22021" => "PostgreSQL cannot store a NUL character, which an id or a name has: remove it",
        "42P01" | "42703" | "3F000" => {
            "the ledger's tables were changed or removed while it was in use, so nothing more is \
             sent: restore them"
        }
        code if code.starts_with("08") || code.starts_with("57P") => {
            "the connection to the ledger's server was lost: check the server, then run the same \
             command again"
        }
        _ => "the ledger failed",
    };
    (ErrorKind::Ledger, what)
}
