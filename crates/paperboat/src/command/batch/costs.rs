//! What a batch has cost.

use std::collections::BTreeMap;
use std::time::Duration;

use cometapi_batch::{Cost, Filter, Ledger, Report, Stop, record_charges};
use tokio::time::sleep;

use crate::args::Batch;
use crate::connect::Connection;

/// How long a batch that is over may wait for what the service charged.
const PATIENCE: Duration = Duration::from_secs(5);

/// What the batch has cost in all its runs, by model. If there is an access token, the service is asked
/// what it charged, unless the run is to end soon.
pub(super) async fn of(
    report: &Report,
    connection: &Connection,
    args: &Batch,
    ledger: &dyn Ledger,
    stop: &Stop,
) -> BTreeMap<String, Cost> {
    let mut filter = Filter::default();
    filter.batch.clone_from(&report.batch);
    // The rows are worth more than their sum: an error leaves it out.
    let costs = ledger.costs(filter.clone()).await.unwrap_or_default();
    if stop.requested() > 0 || costs.values().all(|cost| cost.uncharged_since.is_none()) {
        return costs;
    }
    let Some(account) = connection.account_with_token(&args.service) else {
        return costs;
    };
    let service = connection.service_name();
    let recorded = tokio::select! {
        recorded = record_charges(ledger, &account, &service, &costs) => recorded.is_ok(),
        () = stop.asked(1) => false,
        () = sleep(PATIENCE) => false,
    };
    if recorded {
        return ledger.costs(filter).await.unwrap_or(costs);
    }
    costs
}
