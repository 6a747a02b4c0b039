//! What any ledger must keep, and what this one keeps beside.

mod closing;
mod conformance;
mod durability;
mod file;
mod identity;
mod own_files;
mod prune;
#[cfg(unix)]
mod trust;

use serde_json::json;

use crate::ledger::{Intent, Job, Ledger, WorkerId};

const SERVICE: &str = "https://service.example";

fn intent(prompt: &str) -> Intent {
    let input = json!({ "prompt": prompt });
    Intent::new(&"a/b".parse().unwrap(), input.as_object().unwrap())
}

/// A prediction about to be sent, with the worker that holds it.
async fn begun(ledger: &dyn Ledger, prompt: &str) -> (WorkerId, Job) {
    let worker = ledger.register(SERVICE.to_owned()).await.unwrap();
    let job = ledger.begin(worker, intent(prompt)).await.unwrap();
    (worker, job)
}
