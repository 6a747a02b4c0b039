//! Rows of a load whose prediction was created from another model or input.

use cometapi_batch::columns::natural;
use cometapi_batch::{Changed, LoadId, State};
use tokio_postgres::Row;

use crate::columns::state;
use crate::fault::Result;
use crate::session::Session;

/// How many rows are named.
const NAMED: i64 = 100;

const CHANGED: &str = "FROM staged s JOIN prediction p ON p.seq = s.seq
     WHERE s.load = $1 AND p.hash <> s.hash";

/// Selects rows that cannot be what they are now. On an update, those that run can be after their end.
const LEFT_OUT: &str = "(NOT $2 OR p.state IN ('ended', 'unresolved'))";

/// Returns the first rows that cannot be what they are now, and how many those are.
pub(crate) async fn changed(
    session: &Session,
    load: LoadId,
    update: bool,
) -> Result<(Vec<Changed>, u64)> {
    let sql = format!("SELECT count(*) {CHANGED} AND {LEFT_OUT}");
    let total = session.one(&sql, &[&load.0, &update]).await?;
    let sql = format!(
        "SELECT s.line, s.row_id, p.model, p.input, s.model, s.input, p.state
         {CHANGED} AND {LEFT_OUT} ORDER BY s.line LIMIT {NAMED}"
    );
    let named = session.rows(&sql, &[&load.0, &update]).await?;
    let named = named.iter().map(read).collect::<Result<_>>()?;
    Ok((named, natural(total.try_get(0)?)))
}

fn read(row: &Row) -> Result<Changed> {
    let id: Option<String> = row.try_get(1)?;
    let (before, now) = (
        (row.try_get(2)?, row.try_get(3)?),
        (row.try_get(4)?, row.try_get(5)?),
    );
    let fields = Changed::fields_between(before, now);
    let mut changed = Changed::new(natural(row.try_get(0)?), id.unwrap_or_default(), fields);
    let state = state(row.try_get(6)?);
    changed.is_running = matches!(state, State::Planned | State::Sending | State::Running);
    changed.is_unresolved = state == State::Unresolved;
    Ok(changed)
}

/// Takes them out of the load. Returns how many changed rows remain, which run.
pub(crate) async fn leave_out(session: &Session, load: LoadId, update: bool) -> Result<u64> {
    let sql = format!(
        "DELETE FROM staged WHERE load = $1 AND seq IN (SELECT s.seq {CHANGED} AND {LEFT_OUT})"
    );
    session.execute(&sql, &[&load.0, &update]).await?;
    let remaining = session
        .one(&format!("SELECT count(*) {CHANGED}"), &[&load.0])
        .await?;
    Ok(natural(remaining.try_get(0)?))
}
