//! What came of a run.

use cometapi::ErrorKind;

use crate::batch::event::PauseReason;
use crate::error::Error;
use crate::ledger::Tally;
use crate::ledger::outcome;

/// Why a run stopped creating before all rows were.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Stopped {
    /// It was [asked to](crate::Stop).
    Asked,
    /// As many rows failed as were allowed to.
    TooManyFailures,
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
    /// What kind of error it goes by, where it is one.
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
            Self::Asked | Self::TooManyFailures | Self::Ledger(_) => return None,
        })
    }

    /// Whether what was created before is still waited for and saved.
    pub(crate) fn takes_up(&self) -> bool {
        matches!(self, Self::TooManyFailures | Self::OutOfQuota(_))
    }
}

/// What came of a run, and how all rows of its file stand now.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Report {
    /// How the rows stand, whichever run did them. Of a [`Finish`](crate::Finish), what it
    /// took up itself; so, too, when the ledger can no longer be read.
    pub tally: Tally,
    /// How many predictions this run created.
    pub created: u64,
    /// How many rows were bad, and skipped.
    pub skipped: u64,
    /// How many predictions succeeded in this run with an output that cannot be used, such as
    /// `[null]`. They count as succeeded and are never created again.
    pub unusable: u64,
    /// Why it stopped early, when it did.
    pub stopped: Option<Stopped>,
}

impl Report {
    /// Whether every row succeeded, and each output of this run could be used.
    pub fn is_success(&self) -> bool {
        self.skipped + self.unusable == 0
            && self.stopped.is_none()
            && self.tally.succeeded == self.tally.total()
    }

    /// The [most severe](ErrorKind::severity) error kind among the rows, if any. A row that still
    /// runs counts as [`WaitTimeout`](ErrorKind::WaitTimeout); rows that were not created because
    /// of a limit do not count.
    pub fn most_severe(&self) -> Option<ErrorKind> {
        let rows = self
            .tally
            .failed
            .keys()
            .filter_map(|word| outcome::kind(word));
        let unresolved = (self.tally.unresolved > 0).then_some(ErrorKind::MaybeAccepted);
        let unusable = (self.unusable > 0).then_some(ErrorKind::UnexpectedOutput);
        let running = self.tally.running + self.tally.sending;
        let running = (running > 0).then_some(ErrorKind::WaitTimeout);
        let stopped = self.stopped.as_ref().and_then(Stopped::kind);
        rows.chain(unresolved)
            .chain(unusable)
            .chain(running)
            .chain(stopped)
            .max_by_key(|kind| kind.severity())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_severe_kind_wins() {
        let mut report = Report::default();
        assert_eq!(report.most_severe(), None);
        report.tally.running = 1;
        assert_eq!(report.most_severe(), Some(ErrorKind::WaitTimeout));
        report.unusable = 1;
        assert_eq!(report.most_severe(), Some(ErrorKind::UnexpectedOutput));
        assert!(!report.is_success());
        report.unusable = 0;
        report.tally.failed.insert("failed", 3);
        assert_eq!(report.most_severe(), Some(ErrorKind::Failed));
        report.tally.failed.insert("download", 1);
        assert_eq!(report.most_severe(), Some(ErrorKind::Download));
        report.tally.failed.insert("expired", 1);
        assert_eq!(report.most_severe(), Some(ErrorKind::Expired));
        report.stopped = Some(Stopped::OutOfQuota(String::new()));
        assert_eq!(report.most_severe(), Some(ErrorKind::OutOfQuota));
        report.tally.unresolved = 1;
        assert_eq!(report.most_severe(), Some(ErrorKind::MaybeAccepted));
    }
}
