//! The pauses of create requests, which all processes keep.

use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, params};

use crate::ledger::WorkerId;
use crate::ledger::sqlite::columns::{natural, now};
use crate::ledger::sqlite::fault::Result;

/// Part of every ledger; one that was created before this table existed is given it. A table of its own,
/// so that an older program still uses the ledger.
pub(super) const TABLE: &str = "
CREATE TABLE IF NOT EXISTS pause (
    service TEXT PRIMARY KEY,
    until INTEGER NOT NULL
) WITHOUT ROWID;
";

pub(super) fn pause(conn: &Connection, service: &str, pause: Duration) -> Result<()> {
    let pause = i64::try_from(pause.as_millis()).unwrap_or(i64::MAX);
    conn.prepare_cached(
        "INSERT INTO pause (service, until) VALUES (?, ?)
         ON CONFLICT (service) DO UPDATE SET until = max(until, excluded.until)",
    )?
    .execute(params![service, now().saturating_add(pause)])?;
    Ok(())
}

/// How much longer create requests at the worker's service are paused.
pub(super) fn left(conn: &Connection, worker: WorkerId) -> Result<Duration> {
    let until: Option<i64> = conn
        .prepare_cached(
            "SELECT p.until FROM worker w JOIN pause p ON p.service = w.service WHERE w.id = ?",
        )?
        .query_row([worker.0], |row| row.get(0))
        .optional()?;
    let left = until.map_or(0, |until| until.saturating_sub(now()));
    Ok(Duration::from_millis(natural(left)))
}
