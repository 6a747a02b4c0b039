//! Staged rows, and how they stand.

use rusqlite::{Connection, OptionalExtension, params};

use crate::ledger::sqlite::columns::{integer, natural, state_of};
use crate::ledger::sqlite::fault::Result;
use crate::ledger::sqlite::writer::Writer;
use crate::ledger::{LoadId, NewRow, Repeated, Tally};
use crate::names::folded;

pub(super) fn stage(writer: &mut Writer, load: LoadId, rows: &[NewRow]) -> Result<Vec<Repeated>> {
    let mut first = writer.conn.prepare_cached(
        "SELECT line, row_id = ?3 FROM temp.staged WHERE load = ?1 AND folded = ?2",
    )?;
    let mut put = writer.conn.prepare_cached(
        "INSERT INTO temp.staged (load, line, key, row_id, folded, hash, model, input, labels, files)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )?;
    let mut repeated = Vec::new();
    for row in rows {
        // The two kinds of key cannot be taken for each other.
        let key = match &row.id {
            Some(id) => format!("id:{id}"),
            None => format!("#{}", row.hash),
        };
        let folded = row.id.as_deref().map(folded);
        if let Some(id) = &row.id {
            let earlier: Option<(i64, bool)> = first
                .query_row(params![load.0, folded, id], |row| {
                    Ok((row.get(0)?, row.get(1)?))
                })
                .optional()?;
            if let Some((line, exact)) = earlier {
                let mut again = Repeated::new(row.line, natural(line), id.clone());
                again.exact = exact;
                repeated.push(again);
                continue;
            }
        }
        put.execute(params![
            load.0,
            integer(row.line),
            key,
            row.id,
            folded,
            row.hash,
            row.model,
            row.input,
            row.labels,
            integer(row.files)
        ])?;
    }
    Ok(repeated)
}

pub(super) fn unload(writer: &mut Writer, load: LoadId) -> Result<()> {
    writer
        .conn
        .execute("DELETE FROM temp.staged WHERE load = ?", [load.0])?;
    Ok(())
}

pub(super) fn tally(conn: &Connection, load: LoadId) -> Result<Tally> {
    let mut statement = conn.prepare_cached(
        "SELECT p.state, p.outcome, count(*)
         FROM temp.staged s JOIN prediction p ON p.seq = s.seq
         WHERE s.load = ? GROUP BY 1, 2",
    )?;
    let mut rows = statement.query([load.0])?;
    let mut tally = Tally::default();
    while let Some(row) = rows.next()? {
        let state: String = row.get(0)?;
        let outcome: Option<String> = row.get(1)?;
        let count = natural(row.get(2)?);
        tally.count(state_of(&state), outcome.as_deref(), count);
    }
    Ok(tally)
}
