//! Predictions that the ledger knows at another service than the one in use.

use cometapi::Client;
use cometapi::wire::ClientInfo;
use cometapi_batch::{Filter, Ledger};

use crate::advice::{self, shell_word};
use crate::failure::Failure;

/// What to say of an id that is recorded at other services only. That is no proof: a service may have several
/// addresses.
pub(super) async fn find(
    ledger: Option<&dyn Ledger>,
    id: &str,
    client: &Client,
) -> Option<Failure> {
    let mut filter = Filter::default();
    filter.id = Some(id.to_owned());
    let recorded = ledger?.list(filter).await.unwrap_or_default();
    let here = client.raw().baseurl();
    if recorded.iter().any(|entry| entry.service == here) {
        return None;
    }
    let service = &recorded.first()?.service;
    if !is_reachable(service) {
        return Some(Failure::usage(format!(
            "prediction {id} was made by a mock, which ended with its process"
        )));
    }
    let failure = Failure::usage(format!(
        "prediction {id} was created at {service}, not at {here}"
    ));
    let wait = wait_at(service, &shell_word(id));
    Some(failure.with_advice(format!("to wait for it: {wait}")))
}

/// Whether a recorded service is an address, and not a mock that ended with its process.
pub(super) fn is_reachable(service: &str) -> bool {
    service.starts_with("http")
}

/// The command that waits at the service.
pub(super) fn wait_at(service: &str, words: &str) -> String {
    advice::command_with("wait", words, "base_url", service)
}
