//! What was found of an unresolved prediction, in lines of at most 80 characters where ids and inputs allow it.

use std::time::{SystemTime, UNIX_EPOCH};

use cometapi_batch::{Candidate, Entry, Finding, InputMatch};
use serde_json::Value;

use crate::advice::{command, shell_word};
use crate::command::batch;
use crate::command::list::{age, input};
use crate::print::printable;

/// Model, time and input of the request, and the row of a batch that it is of.
pub(super) fn head(entry: &Entry, now: SystemTime) -> Vec<String> {
    let mut lines = vec![
        format!("{}, sent {} ago", entry.model, age(sent(entry), now)),
        input(&entry.input),
    ];
    if let (Some(folder), Some(_)) = (&entry.folder, &entry.batch) {
        let row = batch::name_of(entry);
        lines.push(format!("{row} of the batch in {}", folder.display()));
    }
    if let Some(key) = &entry.key {
        lines.push(format!("--once {key}"));
    }
    lines
}

fn sent(entry: &Entry) -> SystemTime {
    entry.sending_at.unwrap_or(entry.planned_at)
}

/// What was found, and what the person can do.
pub(super) fn lines(entry: &Entry, finding: &Finding) -> Vec<String> {
    let seq = entry.seq;
    match finding {
        Finding::Adopted(it) => {
            let mut lines = vec![format!("is {}: no other task or request fits", it.task.id)];
            if entry.superseded {
                // Only the newest prediction of a row or a key is waited for with all others.
                let id = shell_word(&it.task.id);
                let wait = command("wait", &id);
                lines.push(format!(
                    "it was created again since; to save its files: {wait}"
                ));
            }
            lines
        }
        Finding::Candidates(candidates) => {
            let (what, id, otherwise) = match &candidates[..] {
                [only] => ("this task", shell_word(&only.task.id), "it is not"),
                _ => ("one of these tasks", "ID".to_owned(), "none of them is"),
            };
            let mut lines = vec![format!("may be {what}, or was not created:")];
            lines.extend(table(entry, candidates));
            let adopt = command("resolve", &format!("--adopt {seq}={id}"));
            lines.push(format!("to record that it is: {adopt}"));
            let refuse = command("resolve", &format!("--force --not-created {seq}"));
            lines.push(format!("if {otherwise}: {refuse}"));
            lines
        }
        Finding::Absent { before, after, .. } => vec![
            "was probably not created: the account has no task that fits between".to_owned(),
            format!("  {before}, sent before it, and"),
            format!("  {after}, sent after it"),
            format!(
                "to record that: {}",
                command("resolve", &format!("--not-created {seq}"))
            ),
        ],
        Finding::Unproven => vec![
            "no task fits, which proves nothing yet: the account must list a prediction".to_owned(),
            "that was sent before it and one that was sent after it".to_owned(),
            format!(
                "try again after the next prediction: {}",
                command("resolve", "")
            ),
        ],
        Finding::Settled => vec!["another process has settled it".to_owned()],
        _ => Vec::new(),
    }
}

/// The candidates, a line each.
fn table(entry: &Entry, candidates: &[Candidate]) -> Vec<String> {
    let head = ["ID", "SUBMITTED", "STATUS", "CHARGE", "INPUT"].map(str::to_owned);
    let rows = candidates.iter().map(|it| {
        let charge = it.task.charge.map(|charge| charge.to_string());
        let cells = [
            it.task.id.clone(),
            submitted(sent(entry), it.task.submitted_at),
            it.task.status.clone().unwrap_or_default(),
            charge.unwrap_or_default(),
            likeness(it),
        ];
        cells.map(|cell| printable(&cell))
    });
    let rows: Vec<_> = [head].into_iter().chain(rows).collect();
    let width = |column: usize| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        cells.max().unwrap_or_default()
    };
    let widths: Vec<_> = (0..5).map(width).collect();
    let line = |row: &[String; 5]| {
        let cells = row.iter().zip(&widths);
        let cells = cells.map(|(cell, width)| format!("  {cell:<width$}"));
        cells.collect::<String>().trim_end().to_owned()
    };
    rows.iter().map(line).collect()
}

/// When a task was submitted, from the time the request was sent: the service's clock counts seconds.
fn submitted(sent: SystemTime, submitted: Option<SystemTime>) -> String {
    let second = |at: SystemTime| at.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let (sent, submitted) = match submitted {
        Some(submitted) => (second(sent), second(submitted)),
        None => return "unknown".to_owned(),
    };
    if submitted < sent {
        format!("{}s before", sent - submitted)
    } else {
        format!("{}s after", submitted - sent)
    }
}

/// How the input of a task compares with the request's.
fn likeness(candidate: &Candidate) -> String {
    let shown = candidate.prediction.as_ref().and_then(|it| it.input());
    match (candidate.input, shown) {
        (InputMatch::Same, _) => "the same".to_owned(),
        (_, Some(shown)) if !shown.is_empty() => input(&Value::from(shown.clone()).to_string()),
        _ => "no longer shown".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_task_is_dated_from_its_request() {
        let at = |millis| UNIX_EPOCH + Duration::from_millis(millis);
        for (sent, task, shown) in [
            (1_900, Some(1_000), "0s after"),
            (1_900, Some(2_000), "1s after"),
            (5_000, Some(2_000), "3s before"),
            (5_000, None, "unknown"),
        ] {
            assert_eq!(submitted(at(sent), task.map(at)), shown);
        }
    }
}
