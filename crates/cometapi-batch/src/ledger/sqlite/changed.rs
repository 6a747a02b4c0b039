//! Rows of a load whose prediction was created from another model or input.

use rusqlite::{Connection, Row, named_params};

use crate::ledger::record::State;
use crate::ledger::sqlite::columns::{natural, state_of};
use crate::ledger::sqlite::fault::Result;
use crate::ledger::{Changed, LoadId};

/// How many rows are named.
const NAMED: i64 = 100;

const CHANGED: &str = "FROM temp.staged s JOIN prediction p ON p.seq = s.seq
     WHERE s.load = :load AND p.hash <> s.hash";

/// Selects rows that cannot be what they are now. On an update, those that run can be after their end.
const LEFT_OUT: &str = "(:update = 0 OR p.state IN ('ended', 'unresolved'))";

/// Returns the first rows that cannot be what they are now, and how many those are.
pub(super) fn changed(
    conn: &Connection,
    load: LoadId,
    update: bool,
) -> Result<(Vec<Changed>, u64)> {
    let params = named_params! {":load": load.0, ":update": update};
    let sql = format!("SELECT count(*) {CHANGED} AND {LEFT_OUT}");
    let total = conn.query_row(&sql, params, |row| row.get(0))?;
    let sql = format!(
        "SELECT s.line, s.row_id, p.model, p.input, s.model, s.input, p.state
         {CHANGED} AND {LEFT_OUT} ORDER BY s.line LIMIT {NAMED}"
    );
    let named = conn
        .prepare(&sql)?
        .query_map(params, read)?
        .collect::<rusqlite::Result<_>>()?;
    Ok((named, natural(total)))
}

fn read(row: &Row<'_>) -> rusqlite::Result<Changed> {
    let id: Option<String> = row.get(1)?;
    let text = |column| row.get::<_, String>(column);
    let (before, now) = ((text(2)?, text(3)?), (text(4)?, text(5)?));
    let fields = Changed::fields_between((&before.0, &before.1), (&now.0, &now.1));
    let mut changed = Changed::new(natural(row.get(0)?), id.unwrap_or_default(), fields);
    let state = state_of(&text(6)?);
    changed.is_running = matches!(state, State::Planned | State::Sending | State::Running);
    changed.is_unresolved = state == State::Unresolved;
    Ok(changed)
}

/// Takes them out of the load. Returns how many changed rows remain, which run.
pub(super) fn leave_out(conn: &Connection, load: LoadId, update: bool) -> Result<u64> {
    conn.execute(
        &format!(
            "DELETE FROM temp.staged WHERE load = :load AND seq IN (
                 SELECT s.seq {CHANGED} AND {LEFT_OUT})"
        ),
        named_params! {":load": load.0, ":update": update},
    )?;
    let sql = format!("SELECT count(*) {CHANGED}");
    let remaining = conn.query_row(&sql, named_params! {":load": load.0}, |row| row.get(0))?;
    Ok(natural(remaining))
}
