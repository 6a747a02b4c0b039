//! Removes records of single predictions that have ended.

use std::time::SystemTime;

use cometapi_batch::columns::millis;

use crate::fault::Result;
use crate::session::Session;

/// Removes what neither a batch nor a key needs, so that it is not created again.
pub(crate) async fn prune(session: &Session, before: SystemTime) -> Result<u64> {
    let removed = session
        .rows(
            "DELETE FROM prediction WHERE batch IS NULL AND once IS NULL AND worker IS NULL
                 AND state = 'ended' AND ended_at < $1 RETURNING seq",
            &[&millis(before)],
        )
        .await?;
    let seqs = removed
        .iter()
        .map(|row| Ok(row.try_get(0)?))
        .collect::<Result<Vec<i64>>>()?;
    for sql in [
        "DELETE FROM seen WHERE seq = ANY($1)",
        "DELETE FROM file WHERE seq = ANY($1)",
    ] {
        session.execute(sql, &[&seqs]).await?;
    }
    Ok(seqs.len() as u64)
}
