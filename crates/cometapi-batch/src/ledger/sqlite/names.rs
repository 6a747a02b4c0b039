//! The names that are reserved for the files of batches.

use rusqlite::{Connection, OptionalExtension, named_params};

use crate::ledger::WorkerId;
use crate::ledger::sqlite::columns::integer;
use crate::ledger::sqlite::fault::Result;
use crate::ledger::sqlite::mark::check_held;
use crate::names::folded;

pub(super) fn reserve(
    conn: &Connection,
    worker: WorkerId,
    seq: u64,
    position: u64,
    names: Vec<String>,
) -> Result<Option<String>> {
    let (seq, position) = (integer(seq), integer(position));
    let held: Option<Option<i64>> = conn
        .prepare_cached("SELECT batch FROM prediction WHERE seq = ? AND worker = ?")?
        .query_row([seq, worker.0], |row| row.get(0))
        .optional()?;
    check_held(usize::from(held.is_some()))?;
    if held.flatten().is_none() {
        return Ok(names.into_iter().next());
    }
    let reserved = conn
        .prepare_cached("SELECT name FROM name WHERE seq = ? AND position = ?")?
        .query_row([seq, position], |row| row.get(0))
        .optional()?;
    if reserved.is_some() {
        return Ok(reserved);
    }
    let mut insert = conn.prepare_cached(
        "INSERT INTO name (batch, folded, seq, position, name)
         SELECT p.batch, :folded, p.seq, :position, :name FROM prediction p
         WHERE p.seq = :seq AND p.worker = :worker
         ON CONFLICT DO NOTHING",
    )?;
    for name in names {
        let inserted = insert.execute(named_params! {
            ":folded": folded(&name),
            ":position": position,
            ":name": name,
            ":seq": seq,
            ":worker": worker.0,
        })?;
        if inserted == 1 {
            return Ok(Some(name));
        }
    }
    Ok(None)
}

/// Gives back the names of a prediction that was not created, and so has no files.
pub(super) fn release(conn: &Connection, seq: i64) -> Result<()> {
    conn.prepare_cached("DELETE FROM name WHERE seq = ?")?
        .execute([seq])?;
    Ok(())
}
