//! What happens to a recorded prediction when its row is run again. Money hangs on this.

use cometapi::{Creation, ErrorKind};

use crate::ledger::record::State;

/// What an implementation of [`Ledger`](crate::Ledger) does with a recorded prediction when its
/// row is run again, or when it is waited for by its id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RetryAction {
    /// Leaves it as it is.
    Keep,
    /// Polls it again by its id and downloads its files, which costs nothing.
    Follow,
    /// Plans it again as the row is now: nothing was created, so nothing was paid.
    PlanAgain,
    /// Keeps it and plans another prediction of the same row, which costs again.
    Supersede,
}

/// Why recorded predictions are taken up again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Retry {
    /// The rows of a batch are run again.
    Rows {
        /// Also create rows again whose prediction failed.
        failed: bool,
        /// Also create unresolved rows again.
        unresolved: bool,
        /// Also create rows again that have ended and whose input is another now.
        changed: bool,
    },
    /// One prediction is waited for by its id.
    ById,
    /// A prediction is asked for by its key.
    Key {
        /// Also create it again if it is unresolved.
        unresolved: bool,
    },
}

/// What a ledger knows of a prediction that no worker holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub struct RecordedRow {
    /// Where it stands.
    pub state: State,
    /// The error that it ended in; `None` for a success, and before the end.
    pub error: Option<ErrorKind>,
    /// Whether its id is known.
    pub has_id: bool,
    /// Whether its create request was ever about to be sent.
    pub was_sent: bool,
    /// Whether it was created within the last day.
    pub is_recent: bool,
    /// Whether it was polled again after it had ended.
    pub was_followed: bool,
    /// Whether the row's input is another now.
    pub has_changed: bool,
    /// Whether a file that was saved is missing or has another size.
    pub lacks_files: bool,
}

impl RecordedRow {
    /// A prediction as a run records it that ends in `error`: with an id if the kind proves that
    /// it was created, and without any of the facts that change later.
    pub fn ended(error: Option<ErrorKind>) -> Self {
        let creation = error.map_or(Creation::Created, ErrorKind::creation);
        Self {
            state: State::Ended,
            error,
            has_id: creation == Creation::Created,
            was_sent: true,
            is_recent: true,
            was_followed: false,
            has_changed: false,
            lacks_files: false,
        }
    }

    /// A prediction in this state without anything else: what else is recorded is set in
    /// the fields.
    pub fn new(state: State) -> Self {
        Self {
            state,
            error: None,
            has_id: false,
            was_sent: false,
            is_recent: false,
            was_followed: false,
            has_changed: false,
            lacks_files: false,
        }
    }

    /// Returns what to do with it.
    pub fn action(self, retry: Retry) -> RetryAction {
        match self.state {
            // It has cost nothing, so it need not be what it was.
            State::Planned if self.has_changed && !self.has_id => RetryAction::PlanAgain,
            State::Planned if matches!(retry, Retry::Key { .. }) && !self.has_id => {
                RetryAction::PlanAgain
            }
            State::Running if matches!(retry, Retry::Key { .. }) => RetryAction::Follow,
            // The worker that claims it continues from there.
            State::Planned | State::Sending | State::Running => RetryAction::Keep,
            State::Unresolved => match retry {
                Retry::Rows {
                    unresolved: true, ..
                }
                | Retry::Key { unresolved: true } => RetryAction::Supersede,
                Retry::Rows { .. } | Retry::ById | Retry::Key { .. } => RetryAction::Keep,
            },
            State::Ended
                if self.has_changed && matches!(retry, Retry::Rows { changed: true, .. }) =>
            {
                self.action_after_change()
            }
            State::Ended => match self.error {
                // What has succeeded is downloaded again, and not created again.
                None if self.has_id && self.lacks_files => RetryAction::Follow,
                None => RetryAction::Keep,
                Some(kind) => self.action_after(kind, retry),
            },
        }
    }

    /// Its own files count no more.
    fn action_after_change(self) -> RetryAction {
        match self.error {
            Some(kind) if !self.has_id && self.was_not_created(kind) => RetryAction::PlanAgain,
            _ => RetryAction::Supersede,
        }
    }

    fn action_after(self, kind: ErrorKind, retry: Retry) -> RetryAction {
        let retries_failed = matches!(retry, Retry::Rows { failed: true, .. });
        if !self.has_id && self.was_not_created(kind) {
            return RetryAction::PlanAgain;
        }
        match kind {
            // Its files may still be there. An id that is not found may be so for another key.
            ErrorKind::Download | ErrorKind::File | ErrorKind::NotFound if self.has_id => {
                RetryAction::Follow
            }
            ErrorKind::Download | ErrorKind::File | ErrorKind::NotFound => RetryAction::Keep,
            ErrorKind::Expired if self.has_id && self.may_still_be_there(retry) => {
                RetryAction::Follow
            }
            _ if retries_failed => RetryAction::Supersede,
            _ => RetryAction::Keep,
        }
    }

    /// A missing id does not prove that nothing was created: recording it may have failed. An
    /// error of a file proves it only if no create request was about to be sent.
    fn was_not_created(self, kind: ErrorKind) -> bool {
        kind.creation() == Creation::NotCreated || kind == ErrorKind::File && !self.was_sent
    }

    /// A file host that refuses for a moment looks as if the files were gone, which takes an hour
    /// at the service. They are looked for within a day, and once more before they are paid for
    /// again.
    fn may_still_be_there(self, retry: Retry) -> bool {
        match retry {
            Retry::Rows { failed, .. } => self.is_recent && !(failed && self.was_followed),
            Retry::ById | Retry::Key { .. } => true,
        }
    }
}

/// Returns what a run that retries failed rows does with a prediction that ended in `kind`, after
/// everything that costs nothing was tried once.
pub(crate) fn last_action(kind: ErrorKind) -> RetryAction {
    let ended = RecordedRow {
        was_followed: true,
        ..RecordedRow::ended(Some(kind))
    };
    ended.action(Retry::Rows {
        failed: true,
        unresolved: false,
        changed: false,
    })
}

#[cfg(test)]
mod tests;
