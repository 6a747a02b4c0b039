//! The rules as tables.

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
/// The settings of a batch that is updated.
const UPDATES: [Retry; 4] = [
    update(false, false),
    update(true, false),
    update(false, true),
    update(true, true),
];

/// What else a batch retries: failed rows, and unresolved ones.
const SETTINGS: [(bool, bool); 4] = [(false, false), (true, false), (false, true), (true, true)];

const fn update(failed: bool, unresolved: bool) -> Retry {
    Retry::Rows {
        failed,
        unresolved,
        changed: true,
    }
}

const fn rows(failed: bool, unresolved: bool) -> Retry {
    Retry::Rows {
        failed,
        unresolved,
        changed: false,
    }
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
        add(&format!("\n    {:<17}", kind.as_str()));
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

/// As in [`ENDS`]: on an update, a row that may have been created and has changed is created anew,
/// and any other is planned again.
const CHANGED_ENDS: &str = "
    no_key            SSSpp
    config            SSSpp
    invalid_model     SSSpp
    invalid_input     SSSpp
    invalid_id        SSSpp
    never_reached     SSSpp
    wrong_endpoint    SSSpp
    unauthorized      SSSpp
    blocked           SSSpp
    out_of_quota      SSSpp
    rate_limited      SSSpp
    refused           SSSpp
    maybe_accepted    SSSSS
    not_found         SSSSS
    unavailable       SSSSS
    undecodable       SSSSS
    unexpected_output SSSSS
    failed            SSSSS
    canceled          SSSSS
    aborted           SSSSS
    expired           SSSSS
    wait_timeout      SSSSS
    hook              SSSSS
    download          SSSSS
    file              SSSSp";

#[test]
fn an_update_creates_anew_what_has_changed_and_nothing_else() {
    let mut table = String::new();
    let mut add = |text: &str| table.push_str(text);
    for kind in ErrorKind::ALL {
        add(&format!("\n    {:<17} ", kind.as_str()));
        for row in ends(*kind) {
            let changed = RecordedRow {
                has_changed: true,
                ..row
            };
            let [action, others @ ..] = UPDATES.map(|update| changed.action(update));
            assert_eq!(others, [action; 3], "{changed:?}");
            add(&letter(action).to_string());
            for (failed, unresolved) in SETTINGS {
                let unchanged = row.action(rows(failed, unresolved));
                assert_eq!(row.action(update(failed, unresolved)), unchanged, "{row:?}");
            }
        }
    }
    assert_eq!(table, CHANGED_ENDS, "a new kind needs a line");
}

#[test]
fn an_update_creates_a_success_anew_that_has_changed() {
    for (has_id, lacks_files) in [(false, false), (false, true), (true, false), (true, true)] {
        let row = RecordedRow {
            has_id,
            lacks_files,
            has_changed: true,
            ..RecordedRow::ended(None)
        };
        let actions = UPDATES.map(|update| row.action(update));
        assert_eq!(actions, [RetryAction::Supersede; 4], "{row:?}");
    }
}

#[test]
fn an_update_changes_nothing_before_the_end() {
    let states = State::ALL.into_iter().filter(|it| *it != State::Ended);
    for (state, has_changed) in states.flat_map(|state| [(state, false), (state, true)]) {
        for has_id in [false, true] {
            let row = RecordedRow {
                state,
                has_id,
                has_changed,
                ..RecordedRow::ended(None)
            };
            for (failed, unresolved) in SETTINGS {
                let expected = row.action(rows(failed, unresolved));
                assert_eq!(row.action(update(failed, unresolved)), expected, "{row:?}");
            }
        }
    }
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
        for (has_id, has_changed) in [(false, false), (false, true), (true, false), (true, true)] {
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
