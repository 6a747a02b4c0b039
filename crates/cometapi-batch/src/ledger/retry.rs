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
            State::Ended => match self.error {
                // What has succeeded is downloaded again, and not created again.
                None if self.has_id && self.lacks_files => RetryAction::Follow,
                None => RetryAction::Keep,
                Some(kind) => self.action_after(kind, retry),
            },
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
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The settings of a batch, and those for a single prediction.
    const RETRIES: [Retry; 7] = [
        rows(false, false),
        rows(true, false),
        Retry::ById,
        KEY,
        BOTH,
        LAST,
        KEY_LAST,
    ];
    const BOTH: Retry = rows(true, true);
    const LAST: Retry = rows(false, true);
    const KEY: Retry = Retry::Key { unresolved: false };
    const KEY_LAST: Retry = Retry::Key { unresolved: true };

    const fn rows(failed: bool, unresolved: bool) -> Retry {
        Retry::Rows { failed, unresolved }
    }

    fn letter(action: RetryAction) -> char {
        match action {
            RetryAction::Keep => '.',
            RetryAction::Follow => 'f',
            RetryAction::PlanAgain => 'p',
            RetryAction::Supersede => 'S',
        }
    }

    /// A prediction that ended in `kind`, with its id or without, in each state of the other
    /// facts that count.
    fn ends(kind: ErrorKind) -> [RecordedRow; 5] {
        let created = RecordedRow {
            has_id: true,
            ..RecordedRow::ended(Some(kind))
        };
        let without_id = RecordedRow {
            has_id: false,
            is_recent: false,
            ..created
        };
        [
            created,
            RecordedRow {
                was_followed: true,
                ..created
            },
            RecordedRow {
                is_recent: false,
                ..created
            },
            without_id,
            RecordedRow {
                was_sent: false,
                ..without_id
            },
        ]
    }

    /// One column for each prediction of [`ends`]; in a column, the actions when nothing is
    /// retried, when failed rows are, when the prediction is waited for by its id, and when it is
    /// asked for by its key.
    const ENDS: &str = "
        no_key            .S.. .S.. .S.. pppp pppp
        config            .S.. .S.. .S.. pppp pppp
        invalid_model     .S.. .S.. .S.. pppp pppp
        invalid_input     .S.. .S.. .S.. pppp pppp
        invalid_id        .S.. .S.. .S.. pppp pppp
        never_reached     .S.. .S.. .S.. pppp pppp
        wrong_endpoint    .S.. .S.. .S.. pppp pppp
        unauthorized      .S.. .S.. .S.. pppp pppp
        blocked           .S.. .S.. .S.. pppp pppp
        out_of_quota      .S.. .S.. .S.. pppp pppp
        rate_limited      .S.. .S.. .S.. pppp pppp
        refused           .S.. .S.. .S.. pppp pppp
        maybe_accepted    .S.. .S.. .S.. .S.. .S..
        not_found         ffff ffff ffff .... ....
        unavailable       .S.. .S.. .S.. .S.. .S..
        undecodable       .S.. .S.. .S.. .S.. .S..
        unexpected_output .S.. .S.. .S.. .S.. .S..
        failed            .S.. .S.. .S.. .S.. .S..
        canceled          .S.. .S.. .S.. .S.. .S..
        aborted           .S.. .S.. .S.. .S.. .S..
        expired           ffff fSff .Sff .S.. .S..
        wait_timeout      .S.. .S.. .S.. .S.. .S..
        hook              .S.. .S.. .S.. .S.. .S..
        download          ffff ffff ffff .... ....
        file              ffff ffff ffff .... pppp";

    #[test]
    fn each_end_has_its_action() {
        let mut table = String::new();
        let mut add = |text: &str| table.push_str(text);
        for kind in ErrorKind::ALL {
            add(&format!("\n        {:<17}", kind.as_str()));
            for row in ends(*kind) {
                let actions = RETRIES[..4].iter().map(|retry| letter(row.action(*retry)));
                add(&format!(" {}", actions.collect::<String>()));
            }
        }
        assert_eq!(
            table, ENDS,
            "a new kind needs a line: what is done with its rows?"
        );
    }

    #[test]
    fn facts_that_say_nothing_of_a_failure_change_nothing() {
        for row in ErrorKind::ALL.iter().flat_map(|kind| ends(*kind)) {
            for retry in RETRIES {
                let action = row.action(retry);
                for (has_changed, lacks_files) in [(true, false), (false, true)] {
                    let other = RecordedRow {
                        has_changed,
                        lacks_files,
                        ..row
                    };
                    assert_eq!(other.action(retry), action, "{other:?}");
                }
            }
            // Unresolved rows are others than failed ones.
            assert_eq!(row.action(BOTH), row.action(rows(true, false)));
            assert_eq!(row.action(LAST), row.action(rows(false, false)));
            assert_eq!(row.action(KEY_LAST), row.action(KEY));
        }
    }

    #[test]
    fn nothing_that_may_have_been_created_is_planned_again() {
        for kind in ErrorKind::ALL {
            for row in ends(*kind) {
                let is_free = kind.creation() == Creation::NotCreated
                    || *kind == ErrorKind::File && !row.was_sent;
                for retry in RETRIES {
                    let is_planned = row.action(retry) == RetryAction::PlanAgain;
                    assert_eq!(is_planned, is_free && !row.has_id, "{row:?}");
                }
            }
        }
    }

    #[test]
    fn a_success_is_followed_only_for_files_that_are_missing() {
        for (has_id, lacks_files) in [(false, false), (false, true), (true, false), (true, true)] {
            let row = RecordedRow {
                has_id,
                lacks_files,
                ..RecordedRow::ended(None)
            };
            let expected = if has_id && lacks_files { 'f' } else { '.' };
            for retry in RETRIES {
                assert_eq!(letter(row.action(retry)), expected, "{row:?}");
            }
        }
    }

    #[test]
    fn before_its_end_a_prediction_is_kept_unless_it_changed_is_unresolved_or_has_a_key() {
        let errors = ErrorKind::ALL.iter().copied().map(Some).chain([None]);
        for (error, state) in errors.flat_map(|error| State::ALL.map(|state| (error, state))) {
            for (has_id, has_changed) in
                [(false, false), (false, true), (true, false), (true, true)]
            {
                let row = RecordedRow {
                    state,
                    has_id,
                    has_changed,
                    ..RecordedRow::ended(error)
                };
                let actions: String = RETRIES.map(|it| letter(row.action(it))).iter().collect();
                let expected = match state {
                    State::Planned if has_changed && !has_id => "ppppppp",
                    // Under a key it is sent by the call, and followed by it.
                    State::Planned if !has_id => "...p..p",
                    State::Running => "...f..f",
                    State::Planned | State::Sending => ".......",
                    State::Unresolved => "....SSS",
                    State::Ended => continue,
                };
                assert_eq!(actions, expected, "{row:?}");
            }
        }
    }

    #[test]
    fn what_the_summary_says_follows_from_the_rules() {
        let kinds = |action| {
            let words = ErrorKind::ALL
                .iter()
                .filter(|kind| last_action(**kind) == action);
            let words: Vec<_> = words.map(|kind| kind.as_str()).collect();
            words.join(" ")
        };
        assert_eq!(kinds(RetryAction::Follow), "download file");
        assert_eq!(
            kinds(RetryAction::Supersede),
            "maybe_accepted unavailable undecodable unexpected_output failed canceled aborted \
             expired wait_timeout hook"
        );
        assert_eq!(kinds(RetryAction::Keep), "not_found");
    }
}
