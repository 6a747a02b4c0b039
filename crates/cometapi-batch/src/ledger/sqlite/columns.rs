//! What is read from a prediction's columns.

use cometapi_account::Usd;
use rusqlite::Row;

use crate::columns::is_recent;
pub(super) use crate::columns::{file_path, integer, millis, nanos, natural, now, path_text, time};
use crate::ledger::outcome::kind;
use crate::ledger::record::{Job, State};
use crate::ledger::retry::RecordedRow;

/// What a job is read from, by [`job`].
pub(super) const JOB: &str =
    "p.seq, coalesce(b.folder, p.folder), p.row_id, p.hash, p.occurrence, p.retake, p.model,
    p.input, p.id, p.fetching, b.name, p.once, p.price,
    CASE WHEN b.id IS NULL THEN p.names ELSE b.names END, p.labels";

/// Reads a job; the column after those of [`JOB`] is its line.
pub(super) fn job(row: &Row<'_>) -> rusqlite::Result<Job> {
    let line: Option<i64> = row.get(15)?;
    Ok(Job {
        seq: natural(row.get(0)?),
        folder: row.get::<_, Option<String>>(1)?.map(Into::into),
        line: line.map(natural),
        row: row.get(2)?,
        hash: row.get(3)?,
        occurrence: natural(row.get(4)?),
        retake: natural(row.get(5)?),
        model: row.get(6)?,
        input: row.get(7)?,
        id: row.get(8)?,
        fetching: row.get(9)?,
        batch: row.get(10)?,
        key: row.get(11)?,
        price: row.get::<_, Option<i64>>(12)?.map(Usd::from_nanos),
        names: row.get(13)?,
        labels: row.get(14)?,
    })
}

/// What the retry rules need to know, read by [`recorded`].
pub(super) const RECORDED: &str = "p.state AS state, p.outcome AS outcome,
    p.id IS NOT NULL AS has_id, p.sending_at IS NOT NULL AS was_sent, p.created_at AS created_at,
    p.looked AS looked";

/// Reads what the retry rules need to know, as far as it is in the ledger.
pub(super) fn recorded(row: &Row<'_>) -> rusqlite::Result<RecordedRow> {
    let state: String = row.get("state")?;
    let outcome: Option<String> = row.get("outcome")?;
    let created_at: Option<i64> = row.get("created_at")?;
    Ok(RecordedRow {
        state: state_of(&state),
        error: outcome.as_deref().and_then(kind),
        has_id: row.get("has_id")?,
        was_sent: row.get("was_sent")?,
        is_recent: created_at.is_some_and(is_recent),
        was_followed: row.get("looked")?,
        has_changed: false,
        lacks_files: false,
    })
}

/// The state of a word. The table allows no other words.
pub(super) fn state_of(word: &str) -> State {
    State::from_name(word).unwrap_or(State::Ended)
}
