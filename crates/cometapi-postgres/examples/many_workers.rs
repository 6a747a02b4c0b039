//! Four workers share the rows of one batch, as four machines would: each row is created once.
//!
//! `cargo run -p cometapi-postgres --example many_workers -- postgres://painter@127.0.0.1/studio`
//!
//! The service is the mock, so that it costs nothing.

use std::error::Error;
use std::io::Cursor;
use std::sync::Arc;

use cometapi::Client;
use cometapi_batch::{Batch, Format, Rows};
use cometapi_mock::{MockServer, Pace};
use cometapi_postgres::PostgresLedger;
use tokio::task::JoinSet;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let Some(database) = std::env::args().nth(1) else {
        return Err("usage: many_workers postgres://USER:PASSWORD@HOST/DATABASE".into());
    };
    let server = MockServer::builder().pace(Pace::instant()).start().await?;
    let client = Client::builder()
        .key("any")
        .base_url(server.base_url())
        .build()?;
    let folder = tempfile::tempdir()?;
    let row = |n| {
        format!(
            "{{\"model\": \"black-forest-labs/flux-schnell\", \"prompt\": \"paper boat {n}\"}}\n"
        )
    };
    let rows: String = (0..40).map(row).collect();
    let mut workers = JoinSet::new();
    for number in 1..=4 {
        // On another machine: the same rows, the same database and a folder that all of them share.
        let (client, rows) = (client.clone(), rows.clone());
        let (database, images) = (database.clone(), folder.path().join("images"));
        workers.spawn(async move {
            let ledger = PostgresLedger::connect(&database).await?;
            let rows = Rows::reader(Cursor::new(rows), Format::JsonLines);
            let batch = Batch::new(&client, Arc::new(ledger), images);
            let report = batch.concurrency(2).run(rows).await?;
            println!("worker {number} created {}", report.created);
            Ok::<_, cometapi_batch::Error>(report.created)
        });
    }
    let mut created = 0;
    while let Some(worker) = workers.join_next().await {
        created += worker??;
    }
    println!("{created} created, {} requests", server.create_requests());
    Ok(())
}
