//! The pauses of create requests, which all processes keep.

use std::time::Duration;

use cometapi_batch::WorkerId;
use cometapi_batch::columns::natural;

use crate::fault::Result;
use crate::session::Session;

/// Now, in milliseconds since 1970, by the clock of the server: those of the machines may differ.
const NOW: &str = "(extract(epoch FROM clock_timestamp()) * 1000)::bigint";

/// Longer than any service asks for, and far from the end of 64 bits.
const LONGEST: Duration = Duration::from_secs(366 * 24 * 3600);

pub(crate) async fn pause(session: &Session, service: &str, pause: Duration) -> Result<()> {
    let pause = i64::try_from(pause.min(LONGEST).as_millis()).unwrap_or_default();
    let sql = format!(
        "INSERT INTO pause AS p (service, until) VALUES ($1, {NOW} + $2)
         ON CONFLICT (service) DO UPDATE SET until = greatest(p.until, excluded.until)"
    );
    session.execute(&sql, &[&service, &pause]).await?;
    Ok(())
}

/// How much longer create requests at the worker's service are paused.
pub(crate) async fn left(session: &Session, worker: WorkerId) -> Result<Duration> {
    let sql = format!(
        "SELECT p.until - {NOW} FROM worker w JOIN pause p ON p.service = w.service WHERE w.id = $1"
    );
    let row = session.maybe(&sql, &[&worker.0]).await?;
    let left = row.map_or(Ok(0), |row| row.try_get(0))?;
    Ok(Duration::from_millis(natural(left)))
}
