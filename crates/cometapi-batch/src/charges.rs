//! What predictions cost, as the service says it.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use cometapi_account::{Account, TaskFilter, Usd};

use crate::ledger::{Cost, Ledger};
use crate::resolve::ResolveError;

/// How far the clocks of this machine and of the service may differ.
const SKEW: Duration = Duration::from_secs(120);

/// How long a create request may take: the id is recorded after the task was submitted.
const LONGEST_REQUEST: Duration = Duration::from_secs(600);

/// Records what the predictions of `costs` cost, as far as the tasks of `account` say it and the ledger does
/// not have it yet. Returns how many charges were recorded. Of a task that has not ended nothing is recorded:
/// a failure may be refunded.
///
/// `costs` comes from [`Ledger::costs`], which is asked again afterwards. `service` is what the ledger calls
/// the service, the client's base URL as a rule. The account needs an access token.
///
/// # Errors
///
/// Those of the ledger and of the account.
pub async fn record_charges(
    ledger: &dyn Ledger,
    account: &Account,
    service: &str,
    costs: &BTreeMap<String, Cost>,
) -> Result<u64, ResolveError> {
    let Some(since) = costs.values().filter_map(|cost| cost.uncharged_since).min() else {
        return Ok(0);
    };
    let since = since
        .checked_sub(LONGEST_REQUEST + SKEW)
        .unwrap_or(SystemTime::UNIX_EPOCH);
    let filter = TaskFilter::between(since, SystemTime::now() + SKEW);
    let tasks = account.tasks(filter).await?.tasks;
    let charges: Vec<(String, Usd)> = tasks
        .into_iter()
        .filter(cometapi_account::Task::has_ended)
        .filter_map(|task| Some((task.id, task.charge?)))
        .collect();
    Ok(ledger.charge(service.to_owned(), charges).await?)
}
