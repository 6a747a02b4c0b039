//! How long the latest predictions of each model took.

use std::collections::BTreeMap;
use std::time::Duration;

use cometapi::Durations;
use cometapi_batch::columns::natural;

use crate::fault::Result;
use crate::session::Session;

/// The durations of every model at `service`.
pub(crate) async fn read(session: &Session, service: &str) -> Result<BTreeMap<String, Durations>> {
    let rows = session
        .rows(
            "SELECT model, millis FROM duration WHERE service = $1 ORDER BY model, seq",
            &[&service],
        )
        .await?;
    let mut durations: BTreeMap<String, Durations> = BTreeMap::new();
    for row in rows {
        let took = Duration::from_millis(natural(row.try_get(1)?));
        durations.entry(row.try_get(0)?).or_default().record(took);
    }
    Ok(durations)
}
