//! A row's end as a line of JSON.

use cometapi_batch::{Entry, Event, FileRecord, Outcome, RowInfo};
use serde_json::{Value, json};

use crate::rows::Places;

/// How a row is called in messages: by its place, by its id, or by its hash.
pub(super) fn name(row: &RowInfo, places: &Places) -> String {
    match (row.line.map(|line| places.of(line)), &row.id) {
        (Some(place), Some(id)) => format!("{place} ({id})"),
        (Some(place), None) => place,
        (None, Some(id)) => format!("row {id}"),
        (None, None) => format!("row {}", row.hash.get(..12).unwrap_or(&row.hash)),
    }
}

/// How a row is called that is not of a file of this run.
pub(crate) fn name_of(entry: &Entry) -> String {
    match &entry.row {
        Some(id) => format!("row {id}"),
        None => format!("row {}", entry.hash.get(..12).unwrap_or(&entry.hash)),
    }
}

pub(super) fn ended(event: &Event<'_>) -> Option<Value> {
    let Event::Ended {
        row,
        id,
        outcome,
        files,
        prediction,
        ..
    } = event
    else {
        return None;
    };
    Some(json!({
        "row": place(row),
        "model": row.model,
        "id": id,
        "outcome": outcome.word(),
        "error": outcome.message.as_ref().filter(|_| !outcome.is_success()),
        "note": outcome.message.as_ref().filter(|_| outcome.is_success()),
        "request_ids": outcome.request_ids,
        "files": files.iter().map(file).collect::<Vec<_>>(),
        "prediction": prediction,
        "earlier": false,
    }))
}

/// A row that had ended before the run.
pub(super) fn known(entry: &Entry) -> Value {
    let outcome = entry.outcome.as_ref();
    let message = |success| {
        let outcome = outcome.filter(|outcome| outcome.is_success() == success);
        outcome.and_then(|outcome| outcome.message.as_ref())
    };
    json!({
        "row": {
            "line": null,
            "id": entry.row,
            "hash": entry.hash,
            "occurrence": entry.occurrence,
        },
        "model": entry.model,
        "id": entry.id,
        "outcome": outcome.map_or(entry.state.as_str(), Outcome::word),
        "error": message(false),
        "note": message(true),
        "request_ids": outcome.map(|outcome| &outcome.request_ids),
        "files": entry.files.iter().map(file).collect::<Vec<_>>(),
        "prediction": null,
        "earlier": true,
    })
}

/// A row whose prediction continues without this process.
pub(super) fn left(row: &RowInfo, id: &str, error: &cometapi::Error) -> Value {
    json!({
        "row": place(row),
        "model": row.model,
        "id": id,
        "outcome": "running",
        "error": error.to_string(),
        "note": null,
        "request_ids": error.request_ids(),
        "files": [],
        "prediction": error.prediction(),
        "earlier": false,
    })
}

fn place(row: &RowInfo) -> Value {
    json!({
        "line": row.line,
        "id": row.id,
        "hash": row.hash,
        "occurrence": row.occurrence,
    })
}

pub(in crate::command) fn file(file: &FileRecord) -> Value {
    json!({
        "position": file.position,
        // JSON is Unicode and a path need not be.
        "path": file.path.to_string_lossy(),
        "bytes": file.bytes,
        "media_type": file.media_type,
    })
}
