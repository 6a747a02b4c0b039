//! What any ledger keeps, and what this one keeps beside.

mod closing;
mod conformance;
mod durability;
mod file;
mod identity;
mod own_files;
mod plans;
mod prune;
#[cfg(unix)]
mod trust;
mod wrong;

use serde_json::json;

use crate::ledger::{Begun, Intent, Job, Ledger, Loader, Mark, NewRow, Plan, WorkerId};

const SERVICE: &str = "https://service.example";

fn intent(prompt: &str) -> Intent {
    let input = json!({ "prompt": prompt });
    Intent::new(&"a/b".parse().unwrap(), input.as_object().unwrap())
}

fn row(line: u64, id: Option<&str>, prompt: &str) -> NewRow {
    let input = json!({ "prompt": prompt });
    let (id, model) = (id.map(str::to_owned), "a/b".parse().unwrap());
    NewRow::new(line, id, &model, input.as_object().unwrap())
}

/// A prediction that is planned, and held.
async fn planned(ledger: &dyn Ledger, worker: WorkerId, prompt: &str) -> Job {
    match ledger.begin(worker, intent(prompt)).await.unwrap() {
        Begun::Send(job) => job,
        other => panic!("{other:?}"),
    }
}

/// A prediction about to be sent, with the worker that holds it.
async fn begun(ledger: &dyn Ledger, prompt: &str) -> (WorkerId, Job) {
    let worker = ledger.register(SERVICE.to_owned()).await.unwrap();
    let job = planned(ledger, worker, prompt).await;
    let sending = ledger.record(worker, job.seq, Mark::Sending);
    sending.await.unwrap();
    (worker, job)
}

/// Loads rows with distinct ids.
async fn loaded(ledger: &dyn Ledger, rows: Vec<NewRow>, plan: Plan) -> Box<dyn Loader> {
    let loader = ledger.loader();
    assert_eq!(loader.add(rows).await.unwrap(), []);
    loader.load(plan).await.unwrap();
    loader
}
