//! A batch from structs of the caller's own: each row is paid for once, however often this runs.
//!
//! Kill it and start it again: it continues. Besides `cometapi`, it needs `serde` with `derive`.

use std::sync::Arc;

use cometapi::Client;
use cometapi_batch::{Batch, Event, Rows, SqliteLedger};
use serde::Serialize;

/// A row: `id` and `model` say what is run, the other fields are the model's input.
#[derive(Serialize)]
struct Card {
    id: String,
    model: &'static str,
    prompt: String,
    seed: u32,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let client = Client::from_env()?;
    let ledger = Arc::new(SqliteLedger::open("cards.sqlite3")?);
    let cards = ["fox", "owl", "hare"]
        .into_iter()
        .zip(1..)
        .map(|(animal, seed)| Card {
            id: animal.to_owned(),
            model: "black-forest-labs/flux-schnell",
            prompt: format!("a playing card with a paper {animal}"),
            seed,
        });
    let report = Batch::new(&client, ledger, "cards")
        .concurrency(2)
        .on_event(|event| {
            if let Event::Recorded { file, .. } = event {
                println!("{}", file.path.display());
            }
        })
        .run(Rows::from_iter(cards))
        .await?;
    println!("{} created", report.created);
    Ok(())
}
