//! What a person can do after a run of many that is not finished.

use cometapi_batch::{ErrorKind as LedgerError, Report, RetryAction, Stopped};

use crate::failure::Failure;

/// The next step of a command that continues where it stopped.
pub(super) const CONTINUE: &str = "to continue, run the same command again";

const DOWNLOAD: &str = "the same command downloads files that were not saved, at no cost; the service \
                        keeps them for about an hour";

/// What a person can do about predictions that are not finished.
pub(in crate::command) struct NextSteps {
    pub(in crate::command) download: String,
    /// `None` if it cannot be continued.
    pub(in crate::command) proceed: Option<String>,
    pub(in crate::command) max_cost: String,
}

impl NextSteps {
    /// Of a command that continues where it stopped.
    pub(super) fn of_the_same_command() -> Self {
        Self {
            download: DOWNLOAD.to_owned(),
            proceed: Some(CONTINUE.to_owned()),
            max_cost: "to continue, run the same command with a higher --max-cost".to_owned(),
        }
    }

    /// The failure with the steps that follow from how a run ended.
    pub(super) fn advise(self, mut failure: Failure, report: &Report) -> Failure {
        if let Some(Stopped::Ledger(e)) = &report.stopped
            && e.kind() == LedgerError::Replaced
        {
            return failure.with_advice(
                "with another ledger, you would pay again for rows whose files are not in the folder",
        );
        }
        let tally = &report.tally;
        if tally.retry_takes(RetryAction::Follow) {
            failure = failure.with_advice(self.download);
        }
        if let Some(Stopped::MaxCost { .. }) = report.stopped {
            return failure.with_advice(self.max_cost);
        }
        if report.stopped.is_some() || tally.unfinished() > 0 {
            return self.proceed.into_iter().fold(failure, Failure::with_advice);
        }
        failure
    }
}
