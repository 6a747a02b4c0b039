//! Predictions that the ledger knows at another service than the one in use.

use cometapi::Client;
use cometapi::wire::ClientInfo;
use cometapi_batch::{Filter, Ledger};

use crate::advice::{self, shell_word};
use crate::failure::Failure;

/// Refuses an id that is recorded at other services only.
pub(super) async fn check(
    ledger: Option<&dyn Ledger>,
    id: &str,
    client: &Client,
) -> Result<(), Failure> {
    let mut filter = Filter::default();
    filter.id = Some(id.to_owned());
    let recorded = match ledger {
        Some(ledger) => ledger.list(filter).await.unwrap_or_default(),
        None => Vec::new(),
    };
    let here = client.raw().baseurl();
    let services = || recorded.iter().map(|entry| &*entry.service);
    let Some(service) = services()
        .next()
        .filter(|_| !services().any(|it| it == here))
    else {
        return Ok(());
    };
    if !is_reachable(service) {
        return Err(Failure::usage(format!(
            "prediction {id} was made by a mock, which ended with its process"
        )));
    }
    let failure = Failure::usage(format!(
        "prediction {id} was created at {service}, not at {here}"
    ));
    let wait = wait_at(service, &shell_word(id));
    Err(failure.with_advice(format!("to wait for it: {wait}")))
}

/// Whether a recorded service is an address, and not a mock that ended with its process.
pub(super) fn is_reachable(service: &str) -> bool {
    service.starts_with("http")
}

/// The command that waits at the service.
pub(super) fn wait_at(service: &str, words: &str) -> String {
    advice::command_with("wait", words, "base_url", service)
}
