//! Values as the ledger writes them, and what is read from a prediction's columns.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use cometapi_account::Usd;
use rusqlite::Row;

use crate::ledger::outcome::kind;
use crate::ledger::record::{Job, State};
use crate::ledger::retry::RecordedRow;

/// A day in milliseconds.
const DAY: i64 = 24 * 3600 * 1000;

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
        is_recent: created_at.is_some_and(|at| at > now() - DAY),
        was_followed: row.get("looked")?,
        has_changed: false,
        lacks_files: false,
    })
}

/// The state of a word. The table allows no other words.
pub(super) fn state_of(word: &str) -> State {
    State::read(word).unwrap_or(State::Ended)
}

/// Now, as the ledger writes it.
pub(super) fn now() -> i64 {
    millis(SystemTime::now())
}

pub(super) fn millis(time: SystemTime) -> i64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

pub(super) fn time(millis: i64) -> SystemTime {
    let since = Duration::from_millis(natural(millis));
    // A damaged ledger may hold a time that the system cannot represent.
    UNIX_EPOCH.checked_add(since).unwrap_or(UNIX_EPOCH)
}

/// A path as the ledger writes it.
pub(super) fn path_text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

/// The path of a file whose batch, if it is of one, has this folder.
pub(super) fn file_path(folder: Option<&Path>, path: &str) -> PathBuf {
    folder.map_or_else(|| path.into(), |folder| folder.join(path))
}

/// Money as the ledger writes it: billionths of a dollar, rounded up where it is finer.
pub(super) fn nanos(amount: Usd) -> i64 {
    /// A million dollars. No prediction costs that, and `SQLite` adds integers that overflow as floats.
    const MOST: i64 = 1_000_000_000_000_000;

    amount.to_nanos().map_or(MOST, |nanos| nanos.clamp(0, MOST))
}

/// A count or a position as `SQLite` has it.
pub(super) fn integer(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// And back.
pub(super) fn natural(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}
