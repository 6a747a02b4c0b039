//! The result of a run.

use std::collections::BTreeMap;

use cometapi::ErrorKind;

use crate::batch::reason::Stopped;
use crate::ledger::outcome;
use crate::ledger::{Planned, Tally};

/// The result of a run, and how all rows of its file stand now.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Report {
    /// How the rows stand, whichever run did them. Of a [`Finish`](crate::Finish), what it
    /// took up itself; so, too, when the ledger can no longer be read.
    pub tally: Tally,
    /// The identity of the batch, if it is one.
    pub batch: Option<String>,
    /// What is to be created, by model, as the run or the [dry run](crate::Batch::dry_run) began.
    pub planned: BTreeMap<String, Planned>,
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
