//! One untrusted input in a process of its own, whose peak memory is then read.

use std::io::Cursor;
use std::path::Path;
use std::sync::Arc;

use cometapi::{Client, Error, Prediction};
use cometapi_batch::{Batch, Rows, SqliteLedger};

/// Handles one input and prints what came of it, then the peak of resident memory in kB.
///
/// `args` are what to do (`create`, `get`, `save`, `rows`), the base URL, a folder that can be
/// written to, and for `rows` the name of a file in it.
///
/// # Panics
///
/// If the arguments are incomplete, or the peak cannot be read, as it is on Linux alone.
#[expect(clippy::expect_used, reason = "a test's helper")]
pub async fn run(mut args: impl Iterator<Item = String>) {
    let mut next = || args.next().expect("an argument");
    let (action, base_url, folder) = (next(), next(), next());
    let client = Client::builder()
        .key("sk-test")
        .base_url(base_url)
        .build()
        .expect("a client");
    let result = match action.as_str() {
        "create" => {
            let input = serde_json::json!({"prompt": "a fox"});
            let created = client.predictions().create_model("a/b", input).await;
            shown(created)
        }
        "get" => shown(
            client
                .predictions()
                .get("p1")
                .await
                .and_then(Prediction::into_outcome),
        ),
        "save" => {
            let done = client.predictions().get("p1").await.expect("a prediction");
            let file = client.files(&done).remove(0);
            match file.save_in(&folder).await {
                Ok(saved) => format!("saved {}", saved.bytes),
                Err(e) => format!("{e:?}"),
            }
        }
        "rows" => rows(&client, Path::new(&folder), &next()).await,
        other => panic!("{other} is not an action"),
    };
    println!("{result}");
    let status = std::fs::read_to_string("/proc/self/status").expect("the process's status");
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    println!("{}", peak.expect("the peak").trim().trim_end_matches(" kB"));
}

fn shown(result: Result<Prediction, Error>) -> String {
    match result {
        Ok(prediction) => {
            let ignored: Vec<_> = prediction
                .ignored_fields()
                .iter()
                .map(|field| &field.path)
                .collect();
            format!("{} {} {ignored:?}", prediction.id(), prediction.status())
        }
        Err(e) => {
            let length = e.to_string().len();
            format!("{:?} {:?} {length}", e.kind(), e.prediction_id())
        }
    }
}

async fn rows(client: &Client, folder: &Path, name: &str) -> String {
    let rows = Rows::file(folder.join(name)).unwrap_or_else(|_| Rows::detect(Cursor::new("")));
    let ledger = match SqliteLedger::open(folder.join("ledger.sqlite3")) {
        Ok(ledger) => Arc::new(ledger),
        Err(e) => return e.to_string(),
    };
    let batch = Batch::new(client, ledger, folder.join("out"));
    let result = batch.dry_run(rows).await;
    match result {
        Ok(report) => format!("planned {}", report.tally.planned),
        Err(e) => {
            let problem = e.problems().first().map(ToString::to_string);
            let source = std::error::Error::source(&e).map(ToString::to_string);
            problem.or(source).unwrap_or_else(|| e.to_string())
        }
    }
}
