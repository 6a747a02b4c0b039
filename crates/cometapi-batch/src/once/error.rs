//! What a prediction that is asked for by its key can end in.

use std::error::Error as StdError;
use std::fmt;

use cometapi::{Error as ApiError, ErrorKind as ApiErrorKind};

use crate::error::{Error, ErrorKind};
use crate::ledger::Entry;

/// Why a [`OnceRun`](crate::OnceRun) did not end in a prediction that succeeded.
#[non_exhaustive]
pub enum OnceError {
    /// The ledger. Before the create request nothing was sent; except for
    /// [`TakenId`](ErrorKind::TakenId), which leaves the request unresolved.
    Ledger(Error),
    /// The service, the wait or the prediction itself.
    Service(ApiError),
    /// An earlier call sent the create request, and it is unknown whether a prediction was created.
    /// Nothing was sent now: see [`Once::retry_unresolved`](crate::Once::retry_unresolved).
    Unresolved(Box<Entry>),
    /// Another worker that lives had the prediction until the deadline of this call.
    Elsewhere(Box<Entry>),
    /// An earlier call recorded this end, and the prediction itself cannot be returned.
    Ended(Box<Entry>),
}

impl OnceError {
    /// The prediction's id, if it is known.
    pub fn prediction_id(&self) -> Option<&str> {
        match self {
            Self::Ledger(_) => None,
            Self::Service(error) => error.prediction_id(),
            Self::Unresolved(entry) | Self::Elsewhere(entry) | Self::Ended(entry) => {
                entry.id.as_deref()
            }
        }
    }

    /// Returns whether a later call with the same key may end otherwise although nobody does anything
    /// about it: what a queue or a workflow engine retries after a pause. No call with the same key
    /// creates a second prediction, whatever this returns.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Ledger(error) => matches!(
                error.kind(),
                ErrorKind::Busy | ErrorKind::Full | ErrorKind::Ledger | ErrorKind::Lost
            ),
            Self::Service(error) => {
                // With an id, the next call waits for it.
                let is_known = error.prediction_id().is_some();
                let is_retryable = is_retryable(error.kind()) && !error.is_permanent();
                is_retryable || error.may_have_been_accepted() && is_known
            }
            Self::Elsewhere(_) => true,
            Self::Unresolved(_) | Self::Ended(_) => false,
        }
    }
}

fn is_retryable(kind: ApiErrorKind) -> bool {
    matches!(
        kind,
        ApiErrorKind::NeverReached
            | ApiErrorKind::RateLimited
            | ApiErrorKind::OutOfQuota
            | ApiErrorKind::Blocked
            | ApiErrorKind::WaitTimeout
            | ApiErrorKind::Unavailable
            | ApiErrorKind::Undecodable
            | ApiErrorKind::NotFound
            | ApiErrorKind::Download
            | ApiErrorKind::File
            | ApiErrorKind::Hook
    )
}

impl fmt::Display for OnceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ledger(error) => error.fmt(f),
            Self::Service(error) => error.fmt(f),
            Self::Unresolved(entry) => {
                f.write_str(
                    "an earlier create request may have been accepted, and was not sent again",
                )?;
                match entry.outcome.as_ref().and_then(|it| it.message.as_deref()) {
                    Some(message) => write!(f, ": {message}"),
                    None => Ok(()),
                }
            }
            Self::Elsewhere(entry) => match &entry.id {
                Some(id) => write!(f, "another process is waiting for prediction {id}"),
                None => f.write_str("another process is creating this prediction"),
            },
            Self::Ended(entry) => {
                let outcome = entry.outcome.as_ref();
                let word = outcome.map_or("unknown", |it| it.word());
                write!(f, "the prediction ended before as {word}")?;
                match outcome.and_then(|it| it.message.as_deref()) {
                    Some(message) => write!(f, ": {message}"),
                    None => Ok(()),
                }
            }
        }
    }
}

/// `{:?}` prints the message and its causes, for `fn main`; `{:#?}` prints the structure.
impl fmt::Debug for OnceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, entry) = match self {
            Self::Ledger(error) => return error.fmt(f),
            Self::Service(error) => return error.fmt(f),
            Self::Unresolved(entry) => ("Unresolved", entry),
            Self::Elsewhere(entry) => ("Elsewhere", entry),
            Self::Ended(entry) => ("Ended", entry),
        };
        if !f.alternate() {
            return write!(f, "{self}");
        }
        // Not the input: it is private, and may hold images.
        f.debug_struct(name)
            .field("seq", &entry.seq)
            .field("key", &entry.key)
            .field("id", &entry.id)
            .field("state", &entry.state)
            .field("outcome", &entry.outcome)
            .finish_non_exhaustive()
    }
}

impl StdError for OnceError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            // Their own words are this one's.
            Self::Ledger(error) => error.source(),
            Self::Service(error) => error.source(),
            Self::Unresolved(_) | Self::Elsewhere(_) | Self::Ended(_) => None,
        }
    }
}

impl From<Error> for OnceError {
    fn from(error: Error) -> Self {
        Self::Ledger(error)
    }
}

impl From<ApiError> for OnceError {
    fn from(error: ApiError) -> Self {
        Self::Service(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One line for each kind: whether an engine retries after it.
    const RETRIED: &str = "
        no_key            no
        config            no
        invalid_model     no
        invalid_input     no
        invalid_id        no
        never_reached     yes
        wrong_endpoint    no
        unauthorized      no
        blocked           yes
        out_of_quota      yes
        rate_limited      yes
        refused           no
        maybe_accepted    no
        not_found         yes
        unavailable       yes
        undecodable       yes
        unexpected_output no
        failed            no
        canceled          no
        aborted           no
        expired           no
        wait_timeout      yes
        hook              yes
        download          yes
        file              yes";

    #[test]
    fn every_kind_says_whether_a_retry_can_help() {
        let line = |kind: &ApiErrorKind| {
            let word = if is_retryable(*kind) { "yes" } else { "no" };
            format!("\n        {:<17} {word}", kind.as_str())
        };
        let table: String = ApiErrorKind::ALL.iter().map(line).collect();
        assert_eq!(table, RETRIED, "a new kind needs a line");
    }

    /// Whether to retry after an error, by the table in the documentation for engines.
    fn in_the_documentation(word: &str) -> bool {
        let document = include_str!("../../docs/engines.md");
        let word = format!("`{word}`");
        let cells = document.lines().map(|line| line.split(" | ").collect());
        let rows = cells.filter(|row: &Vec<&str>| row.len() == 4 && row[1].contains(&word));
        match rows.map(|row| row[2]).collect::<Vec<_>>()[..] {
            ["yes"] => true,
            ["no"] => false,
            ref found => panic!("the table in engines.md says {found:?} of {word}"),
        }
    }

    #[test]
    fn the_documentation_says_what_to_retry() {
        for kind in ApiErrorKind::ALL {
            let word = kind.as_str();
            assert_eq!(in_the_documentation(word), is_retryable(*kind), "{word}");
        }
        for kind in ledger_kinds() {
            let error = OnceError::Ledger(Error::new(kind, "a test"));
            let word = format!("Ledger({kind:?})");
            assert_eq!(in_the_documentation(&word), error.is_retryable(), "{word}");
        }
        assert!(in_the_documentation("Elsewhere"));
        assert!(!in_the_documentation("Unresolved"));
    }

    /// The kinds that a call with a key may end in.
    fn ledger_kinds() -> Vec<ErrorKind> {
        // A new kind does not compile until it is in one of the two lists.
        macro_rules! of_once {
            ($($kind:ident)*; besides $($other:ident)*) => {{
                let all = vec![$(ErrorKind::$kind),*];
                for kind in &all {
                    match kind {
                        $(ErrorKind::$kind)|* => {}
                        $(ErrorKind::$other)|* => unreachable!(),
                    }
                }
                all
            }};
        }
        of_once! {
            Ledger OlderLedger NewerLedger NotALedger Untrusted Incomplete Replaced Full Busy TakenId
            InvalidKey KeyReused MaxCost Lost NoRuntime; besides Rows Read Folder
        }
    }
}
