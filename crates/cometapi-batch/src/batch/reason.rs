//! Why a run pauses, and why it stops.

use cometapi::ErrorKind;
use cometapi_account::Usd;

use crate::error::Error;

/// Why all create requests pause.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PauseReason {
    /// The service answered 429.
    RateLimited,
    /// No connection could be made.
    Unreachable,
    /// Several downloads in a row failed because of the file host or the way to it.
    Downloads,
    /// This process, or the system, has too many open files.
    OpenFiles,
}

/// Why a run stopped creating before all rows were.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Stopped {
    /// It was [asked to](crate::Stop).
    Asked,
    /// As many rows failed as were allowed to.
    TooManyFailures,
    /// None of the rows that are left fits into what the batch [may cost](crate::Batch::max_cost).
    MaxCost {
        /// What the batch may cost.
        max: Usd,
        /// How many rows are left.
        rows: u64,
    },
    /// The key was refused.
    Unauthorized(String),
    /// The account has no quota left.
    OutOfQuota(String),
    /// The address is not that of the service.
    WrongEndpoint(String),
    /// A firewall or proxy in front of the service blocks create requests.
    Blocked(String),
    /// No connection can be made, and waiting would not change that.
    NeverReached(String),
    /// The disk of the output folder is full.
    DiskFull(String),
    /// A file cannot be written for another reason that meets every file of its folder: it is
    /// read-only, not permitted, or broken.
    CannotWrite(String),
    /// There was no progress for [too long](crate::Batch::give_up_after).
    GaveUp {
        /// What held the run up.
        reason: PauseReason,
        /// The same in words, with the cause.
        message: String,
    },
    /// The ledger cannot be read or written. What was created until then is reported all the
    /// same; a row whose id could not be recorded is unresolved.
    Ledger(Error),
}

impl Stopped {
    /// The reason to stop that an error of this kind gives for all rows, if it gives one.
    pub(crate) fn by_error(kind: ErrorKind, message: String) -> Option<Self> {
        Some(match kind {
            ErrorKind::Unauthorized => Self::Unauthorized(message),
            ErrorKind::OutOfQuota => Self::OutOfQuota(message),
            ErrorKind::WrongEndpoint => Self::WrongEndpoint(message),
            ErrorKind::Blocked => Self::Blocked(message),
            ErrorKind::NeverReached => Self::NeverReached(message),
            _ => return None,
        })
    }

    /// The kind of error that it is, if it is one.
    pub fn kind(&self) -> Option<ErrorKind> {
        Some(match self {
            Self::Unauthorized(_) => ErrorKind::Unauthorized,
            Self::OutOfQuota(_) => ErrorKind::OutOfQuota,
            Self::WrongEndpoint(_) => ErrorKind::WrongEndpoint,
            Self::Blocked(_) => ErrorKind::Blocked,
            Self::NeverReached(_) => ErrorKind::NeverReached,
            Self::DiskFull(_) | Self::CannotWrite(_) => ErrorKind::File,
            Self::GaveUp { reason, .. } => match reason {
                PauseReason::Unreachable => ErrorKind::NeverReached,
                PauseReason::RateLimited => ErrorKind::RateLimited,
                PauseReason::Downloads => ErrorKind::Download,
                PauseReason::OpenFiles => ErrorKind::File,
            },
            Self::Asked | Self::TooManyFailures | Self::MaxCost { .. } | Self::Ledger(_) => {
                return None;
            }
        })
    }

    /// Whether what was created before is still waited for and saved.
    pub(crate) fn takes_up(&self) -> bool {
        matches!(
            self,
            Self::TooManyFailures | Self::MaxCost { .. } | Self::OutOfQuota(_)
        )
    }
}

#[cfg(test)]
mod tests {
    use cometapi::Creation;

    use super::*;

    #[test]
    fn every_kind_that_proves_nothing_was_created_is_decided() {
        let stops = |stop: bool| {
            let kinds = ErrorKind::ALL.iter().filter(|kind| {
                kind.creation() == Creation::NotCreated
                    && Stopped::by_error(**kind, String::new()).is_some() == stop
            });
            let words: Vec<_> = kinds.map(|kind| kind.as_str()).collect();
            words.join(" ")
        };
        assert_eq!(
            stops(true),
            "never_reached wrong_endpoint unauthorized blocked out_of_quota",
            "the kinds that stop the batch, see `Stopped::by_error`"
        );
        assert_eq!(
            stops(false),
            "no_key config invalid_model invalid_input invalid_id rate_limited refused",
            "the kinds that end their row or pause the batch: if a new kind would meet every row, \
             let it stop the batch in `Stopped::by_error` or pause it in `Row::not_created`"
        );
    }
}
