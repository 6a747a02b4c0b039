//! The names that are reserved for the files of batches.

use cometapi_batch::columns::integer;
use cometapi_batch::{WorkerId, folded};

use crate::columns::key;
use crate::fault::Result;
use crate::mark::check_held;
use crate::session::Session;

/// Reserves the first name that is free. Each statement stands for itself.
pub(crate) async fn reserve(
    session: &Session,
    worker: WorkerId,
    seq: u64,
    position: u64,
    names: &[String],
) -> Result<Option<String>> {
    let (seq, position) = (integer(seq), integer(position));
    let held = session
        .maybe(
            "SELECT p.batch, n.name FROM prediction p
             LEFT JOIN name n ON n.seq = p.seq AND n.position = $3
             WHERE p.seq = $1 AND p.worker = $2",
            &[&seq, &worker.0, &position],
        )
        .await?;
    check_held(u64::from(held.is_some()))?;
    let Some(held) = held else { return Ok(None) };
    if held.try_get::<_, Option<i64>>(0)?.is_none() {
        return Ok(names.first().cloned());
    }
    let reserved: Option<String> = held.try_get(1)?;
    if reserved.is_some() {
        return Ok(reserved);
    }
    for name in names {
        let inserted = session
            .execute(
                "INSERT INTO name (batch, folded, seq, position, name)
                 SELECT p.batch, $3, p.seq, $4, $5 FROM prediction p
                 WHERE p.seq = $1 AND p.worker = $2
                 ON CONFLICT DO NOTHING",
                &[&seq, &worker.0, &key(&folded(name)), &position, name],
            )
            .await?;
        if inserted == 1 {
            return Ok(Some(name.clone()));
        }
    }
    Ok(None)
}

/// Gives back the names of predictions that were not created, and so have no files.
pub(crate) async fn release(session: &Session, seqs: &[i64]) -> Result<()> {
    session
        .execute("DELETE FROM name WHERE seq = ANY($1)", &[&seqs])
        .await?;
    Ok(())
}
