//! Rows put aside, and how they stand.

use rusqlite::{Connection, OptionalExtension, params};

use crate::error::Error;
use crate::ledger::outcome::kind;
use crate::ledger::sqlite::writer::Writer;
use crate::ledger::sqlite::{fault, integer, natural};
use crate::ledger::{LoadId, Repeated, StagedRow, Tally};

pub(super) fn stage(
    writer: &mut Writer,
    load: LoadId,
    rows: &[StagedRow],
) -> Result<Vec<Repeated>, Error> {
    let mut place = writer
        .conn
        .prepare_cached(
            "SELECT coalesce(max(occurrence), 0) + 1 FROM temp.staged WHERE load = ? AND key = ?",
        )
        .map_err(fault)?;
    let mut first = writer
        .conn
        // Capitals aside: their files would have one name where file systems see none.
        .prepare_cached(
            "SELECT line, row_id = ?3 FROM temp.staged
             WHERE load = ?1 AND key = ?2 COLLATE NOCASE",
        )
        .map_err(fault)?;
    let mut put = writer
        .conn
        .prepare_cached(
            "INSERT INTO temp.staged (load, line, key, occurrence, row_id, hash, model, input)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        )
        .map_err(fault)?;
    let mut repeated = Vec::new();
    for row in rows {
        // The two kinds of key cannot be taken for each other.
        let key = match &row.id {
            Some(id) => format!("id:{id}"),
            None => format!("#{}", row.hash),
        };
        let occurrence: i64 = if let Some(id) = &row.id {
            let earlier: Option<(i64, bool)> = first
                .query_row(params![load.0, key, id], |row| {
                    Ok((row.get(0)?, row.get(1)?))
                })
                .optional()
                .map_err(fault)?;
            if let Some((line, exact)) = earlier {
                let mut again = Repeated::new(row.line, natural(line), id.clone());
                again.exact = exact;
                repeated.push(again);
                continue;
            }
            1
        } else {
            place
                .query_row(params![load.0, key], |row| row.get(0))
                .map_err(fault)?
        };
        put.execute(params![
            load.0,
            integer(row.line),
            key,
            occurrence,
            row.id,
            row.hash,
            row.model,
            row.input
        ])
        .map_err(fault)?;
    }
    Ok(repeated)
}

pub(super) fn unload(writer: &mut Writer, load: LoadId) -> Result<(), Error> {
    writer
        .conn
        .execute("DELETE FROM temp.staged WHERE load = ?", [load.0])
        .map(drop)
        .map_err(fault)
}

pub(super) fn tally(conn: &Connection, load: LoadId) -> Result<Tally, Error> {
    let mut statement = conn
        .prepare_cached(
            "SELECT p.state, p.outcome, count(*)
             FROM temp.staged s JOIN prediction p ON p.seq = s.seq
             WHERE s.load = ? GROUP BY 1, 2",
        )
        .map_err(fault)?;
    let mut rows = statement.query([load.0]).map_err(fault)?;
    let mut tally = Tally::default();
    while let Some(row) = rows.next().map_err(fault)? {
        let state: String = row.get(0).map_err(fault)?;
        let outcome: Option<String> = row.get(1).map_err(fault)?;
        let count = natural(row.get(2).map_err(fault)?);
        match (state.as_str(), outcome.as_deref().and_then(kind)) {
            ("planned", _) => tally.planned += count,
            ("sending", _) => tally.sending += count,
            ("running", _) => tally.running += count,
            ("unresolved", _) => tally.unresolved += count,
            (_, None) => tally.succeeded += count,
            (_, Some(kind)) => *tally.failed.entry(kind.as_str()).or_default() += count,
        }
    }
    Ok(tally)
}
