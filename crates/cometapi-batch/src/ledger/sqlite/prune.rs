//! Removes records of single predictions that have ended.

use std::time::SystemTime;

use rusqlite::{Connection, named_params};

use crate::ledger::sqlite::columns::millis;
use crate::ledger::sqlite::fault::Result;

/// Selects what is removed. A batch and a key need what has ended, so that it is not created again.
const PRUNED: &str = "SELECT seq FROM prediction
    WHERE batch IS NULL AND once IS NULL AND worker IS NULL AND state = 'ended' AND ended_at < :before";

pub(super) fn prune(conn: &Connection, before: SystemTime) -> Result<u64> {
    let before = millis(before);
    let mut removed = 0;
    // The predictions last: the others are found by them.
    for table in ["seen", "file", "prediction"] {
        let sql = format!("DELETE FROM {table} WHERE seq IN ({PRUNED})");
        removed = conn
            .prepare_cached(&sql)?
            .execute(named_params! {":before": before})?;
    }
    Ok(removed as u64)
}
