//! The rows that failed, for the end of a run.

use std::collections::BTreeSet;
use std::io;

use cometapi::ErrorKind;
use cometapi_batch::{Entry, Outcome, RecordedRow, Retry, RetryAction, State};
use serde_json::{Map, Value, json};
use terminal_size::{Width, terminal_size_of};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::results;
use crate::print;

/// How many are listed.
const SHOWN: usize = 20;

/// The columns of a line where stderr is not a terminal.
const USUAL_WIDTH: usize = 120;

/// The columns to which the row and the model are cut before the reason gets less.
const LEAST: usize = 20;

/// The columns between two others.
const GAP: usize = 2;

/// The rows that failed, counted as the run goes.
#[derive(Default)]
pub(super) struct Failures {
    shown: Vec<Failed>,
    count: usize,
    /// The numbers of those that are worth an edit: they would be created anew.
    editable: BTreeSet<u64>,
}

struct Failed {
    row: String,
    model: String,
    kind: String,
    reason: String,
}

impl Failures {
    /// A row that ended in this run.
    pub(super) fn add(
        &mut self,
        row: String,
        seq: u64,
        model: &str,
        id: Option<&str>,
        outcome: &Outcome,
    ) {
        if is_editable(outcome) {
            self.editable.insert(seq);
        }
        self.count += 1;
        if self.shown.len() < SHOWN {
            let reason = outcome.message.as_deref().unwrap_or_default();
            self.shown.push(Failed {
                row,
                model: model.to_owned(),
                kind: kind(outcome),
                reason: short(reason, id).to_owned(),
            });
        }
    }

    /// A row that had ended before.
    pub(super) fn add_known(&mut self, entry: &Entry) {
        if let Some(outcome) = entry.outcome.as_ref().filter(|it| !it.is_success()) {
            let row = results::name_of(entry);
            self.add(row, entry.seq, &entry.model, entry.id.as_deref(), outcome);
        }
    }

    pub(super) fn editable(&self) -> &BTreeSet<u64> {
        &self.editable
    }

    /// Prints them, aligned. `more` is the command that lists all.
    pub(super) fn print(&self, more: &str) {
        if print::is_json() {
            for failed in &self.shown {
                print::emit(print::Level::Error, &failed.reason, failed.fields());
            }
        } else {
            let width = terminal_size_of(io::stderr())
                .map_or(USUAL_WIDTH, |(Width(columns), _)| columns.into());
            table(&self.shown, width).into_iter().for_each(print::error);
        }
        if self.count > self.shown.len() {
            let left = self.count - self.shown.len();
            print::error(format_args!("and {left} more: {more}"));
        }
    }
}

impl Failed {
    fn fields(&self) -> Map<String, Value> {
        let fields = [
            ("row", json!(self.row)),
            ("model", json!(self.model)),
            ("kind", json!(self.kind)),
        ];
        let fields = fields.into_iter();
        fields
            .map(|(name, value)| (name.to_owned(), value))
            .collect()
    }
}

/// The first line of a reason, without the prediction that it begins with.
pub(super) fn short<'r>(reason: &'r str, id: Option<&str>) -> &'r str {
    let line = reason.lines().next().unwrap_or_default();
    let begins = format!("prediction {} ", id.unwrap_or_default());
    match line
        .strip_prefix(&begins)
        .and_then(|rest| rest.split_once(": "))
    {
        Some((_, reason)) => reason,
        None => line,
    }
}

/// The state of a row that may have been accepted is called so everywhere.
pub(super) fn kind(outcome: &Outcome) -> String {
    let word = match outcome.kind {
        Some(ErrorKind::MaybeAccepted) => State::Unresolved.as_str(),
        _ => outcome.word(),
    };
    word.replace('_', " ")
}

/// Whether the row would be created anew, so that a change of it makes a difference. Files that were not
/// saved are downloaded by the next run as it is.
fn is_editable(outcome: &Outcome) -> bool {
    if outcome.kind == Some(ErrorKind::MaybeAccepted) {
        return false;
    }
    let ended = RecordedRow::ended(outcome.kind);
    let action = ended.action(Retry::Rows {
        failed: true,
        unresolved: false,
        changed: false,
    });
    matches!(action, RetryAction::Supersede | RetryAction::PlanAgain)
}

/// A line for each, of at most `width` columns.
fn table(rows: &[Failed], width: usize) -> Vec<String> {
    let printable = |text: &String| print::printable(text);
    let rows: Vec<[String; 4]> = rows
        .iter()
        .map(|it| [&it.row, &it.model, &it.kind, &it.reason].map(printable))
        .collect();
    let widest = |column: usize| rows.iter().map(|row| row[column].width()).max();
    let mut widths = [0, 1, 2].map(|column| widest(column).unwrap_or(0));
    let needed = widths.iter().map(|width| width + GAP).sum::<usize>() + LEAST;
    let mut excess = needed.saturating_sub(width);
    for column in [1, 0] {
        let less = excess.min(widths[column].saturating_sub(LEAST));
        widths[column] -= less;
        excess -= less;
    }
    let line = |row: &[String; 4]| {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(widths) {
            let cell = cut(cell, width);
            let padding = " ".repeat(width - cell.width() + GAP);
            line = format!("{line}{cell}{padding}");
        }
        cut(&format!("{line}{}", row[3]), width)
            .trim_end()
            .to_owned()
    };
    rows.iter().map(line).collect()
}

/// `text` in at most `columns` columns.
fn cut(text: &str, columns: usize) -> String {
    if text.width() <= columns {
        return text.to_owned();
    }
    let mut cut = String::new();
    let mut taken = 1;
    for c in text.chars() {
        taken += c.width().unwrap_or(0);
        if taken > columns {
            break;
        }
        cut.push(c);
    }
    format!("{cut}…")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_aligned_and_fit() {
        let mut failures = Failures::default();
        for (row, kind, reason) in [
            (
                "line 2 (fox)",
                ErrorKind::Failed,
                "prediction q4 failed: NSFW content was found\nmore",
            ),
            ("line 13 (狐)", ErrorKind::Refused, "no"),
        ] {
            let outcome = Outcome::failed(kind, reason);
            failures.add(row.to_owned(), 1, "acme/painter", Some("q4"), &outcome);
        }
        assert_eq!(
            table(&failures.shown, 60),
            [
                "line 2 (fox)  acme/painter  failed   NSFW content was found",
                "line 13 (狐)  acme/painter  refused  no",
            ]
        );
        let narrow = table(&failures.shown, 58);
        assert!(narrow[0].ends_with("NSFW content was fou…"), "{narrow:?}");
    }

    #[test]
    fn long_names_leave_room_for_the_reason() {
        let mut failures = Failures::default();
        let outcome = Outcome::failed(ErrorKind::UnexpectedOutput, "the file is gone for good");
        let model = "black-forest-labs/flux-kontext-pro";
        failures.add(
            "line 2 (a-fox-in-the-snow)".to_owned(),
            1,
            model,
            None,
            &outcome,
        );
        for width in [120, 90, 80, 60, 10] {
            let lines = table(&failures.shown, width);
            assert!(lines[0].width() <= width, "{width}: {lines:?}");
        }
        assert!(table(&failures.shown, 80)[0].contains("  the file"));
    }

    #[test]
    fn what_the_next_run_downloads_need_not_be_edited() {
        for (kind, expected) in [
            (ErrorKind::Failed, true),
            (ErrorKind::Refused, true),
            (ErrorKind::Download, false),
            (ErrorKind::MaybeAccepted, false),
        ] {
            assert_eq!(
                is_editable(&Outcome::failed(kind, "x")),
                expected,
                "{kind:?}"
            );
        }
    }
}
