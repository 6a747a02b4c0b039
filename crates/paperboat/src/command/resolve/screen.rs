//! What `resolve` prints of a prediction: for people, or a line of JSON.

use std::time::SystemTime;

use cometapi_batch::{Candidate, Entry, Finding, InputMatch};
use serde_json::{Value, json};

use super::finding;
use crate::args::Resolve;
use crate::command::list::time;
use crate::failure::Failure;
use crate::print;

/// Shows an unresolved prediction with what was found of it; `None` if nothing could be looked for.
pub(super) fn show(
    args: &Resolve,
    entry: &Entry,
    finding: Option<&Finding>,
) -> Result<(), Failure> {
    let lines = || finding.map_or_else(Vec::new, |it| finding::lines(entry, it));
    let (word, candidates) = match finding {
        Some(Finding::Adopted(it)) => ("adopted", std::slice::from_ref(it)),
        Some(Finding::Candidates(candidates)) => ("candidates", &candidates[..]),
        Some(Finding::Absent { .. }) => ("absent", &[][..]),
        Some(Finding::Unproven) => ("unproven", &[][..]),
        Some(Finding::Settled) => ("settled", &[][..]),
        _ => ("unknown", &[][..]),
    };
    let between = match finding {
        Some(Finding::Absent { before, after, .. }) => json!([before, after]),
        _ => Value::Null,
    };
    let more = json!({
        "finding": word,
        "candidates": candidates.iter().map(candidate_json).collect::<Vec<_>>(),
        "between": between,
    });
    print_entry(args, entry, lines, more)
}

/// Shows a prediction whose id the person gave.
pub(super) fn show_adopted(args: &Resolve, entry: &Entry, id: &str) -> Result<(), Failure> {
    let lines = || vec![format!("recorded: it is {id}")];
    let candidates = [json!({"id": id})];
    let more = json!({"finding": "adopted", "candidates": candidates, "between": null});
    print_entry(args, entry, lines, more)
}

/// Shows a prediction that the person says was not created.
pub(super) fn show_not_created(args: &Resolve, entry: &Entry) -> Result<(), Failure> {
    let lines = || {
        let next = match entry {
            Entry { batch: Some(_), .. } => "; the same batch command creates it",
            Entry { key: Some(_), .. } => "; the same command creates it",
            _ => "",
        };
        vec![format!("recorded: it was not created{next}")]
    };
    let more = json!({"finding": "not_created", "candidates": [], "between": null});
    print_entry(args, entry, lines, more)
}

fn print_entry(
    args: &Resolve,
    entry: &Entry,
    lines: impl FnOnce() -> Vec<String>,
    more: Value,
) -> Result<(), Failure> {
    if args.outputs.json {
        let mut json = json!({
            "number": entry.seq,
            "model": entry.model,
            "input": serde_json::from_str::<Value>(&entry.input).unwrap_or_default(),
            "batch": entry.folder.as_ref().filter(|_| entry.batch.is_some()).map(|folder| folder.to_string_lossy()),
            "row": entry.row,
            "once": entry.key,
            "sent_at": time(entry.sending_at),
            "given_up_at": time(entry.ended_at),
        });
        if let (Value::Object(json), Value::Object(more)) = (&mut json, more) {
            json.extend(more);
        }
        return print::json(json);
    }
    let number = format!("{}  ", entry.seq);
    let mut indent = number.as_str();
    let spaces = " ".repeat(number.len());
    for line in finding::head(entry, SystemTime::now())
        .iter()
        .chain(&lines())
    {
        print::stdout(format_args!("{indent}{line}"))?;
        indent = &spaces;
    }
    Ok(())
}

fn candidate_json(candidate: &Candidate) -> Value {
    json!({
        "id": candidate.task.id,
        "submitted_at": time(candidate.task.submitted_at),
        "status": candidate.task.status,
        "charge_usd": candidate.task.charge,
        "input": match candidate.input {
            InputMatch::Same => "same",
            InputMatch::Different => "different",
            _ => "unknown",
        },
    })
}
