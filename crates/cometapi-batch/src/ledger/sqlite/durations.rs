//! How long the latest predictions of each model took.

use std::collections::BTreeMap;
use std::time::Duration;

use cometapi::Durations;
use rusqlite::{Connection, params};

use crate::ledger::sqlite::columns::{integer, natural};
use crate::ledger::sqlite::fault::Result;

/// Part of every ledger; one that was created before this table existed is given it. A table of its own, so that
/// an older program still uses the ledger.
pub(super) const TABLE: &str = "
CREATE TABLE IF NOT EXISTS duration (
    service TEXT NOT NULL,
    model TEXT NOT NULL,
    seq INTEGER NOT NULL,
    -- By the service's clock.
    millis INTEGER NOT NULL,
    PRIMARY KEY (service, model, seq)
) WITHOUT ROWID;
";

/// Records how long a prediction took, and drops what is older than the last that count.
pub(super) fn record(conn: &Connection, seq: u64, took: Duration) -> Result<()> {
    let (service, model): (String, String) = conn
        .prepare_cached("SELECT service, model FROM prediction WHERE seq = ?")?
        .query_row([integer(seq)], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let millis = i64::try_from(took.as_millis()).unwrap_or(i64::MAX);
    conn.prepare_cached(
        "INSERT OR REPLACE INTO duration (service, model, seq, millis) VALUES (?, ?, ?, ?)",
    )?
    .execute(params![service, model, integer(seq), millis])?;
    conn.prepare_cached(
        "DELETE FROM duration WHERE service = ?1 AND model = ?2 AND seq <= (
             SELECT seq FROM duration WHERE service = ?1 AND model = ?2
             ORDER BY seq DESC LIMIT 1 OFFSET ?3)",
    )?
    .execute(params![service, model, integer(Durations::CAPACITY as u64)])?;
    Ok(())
}

/// The durations of every model at `service`.
pub(super) fn read(conn: &Connection, service: &str) -> Result<BTreeMap<String, Durations>> {
    let mut durations: BTreeMap<String, Durations> = BTreeMap::new();
    let sql = "SELECT model, millis FROM duration WHERE service = ? ORDER BY model, seq";
    let mut statement = conn.prepare_cached(sql)?;
    let mut rows = statement.query([service])?;
    while let Some(row) = rows.next()? {
        let took = Duration::from_millis(natural(row.get(1)?));
        durations.entry(row.get(0)?).or_default().record(took);
    }
    Ok(durations)
}
