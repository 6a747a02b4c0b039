//! Many predictions, a few at a time.
//!
//! For batches that must survive a restart, use the crate `cometapi-batch`. Besides `tokio`, this
//! needs `futures-util`.

use cometapi::models::flux_schnell::FluxSchnell;
use cometapi::{Client, Error};
use futures_util::{StreamExt, TryStreamExt, stream};

const AT_A_TIME: usize = 4;

#[tokio::main]
async fn main() -> Result<(), Error> {
    let client = Client::from_env()?;
    let animals = [
        "fox", "owl", "hare", "otter", "heron", "newt", "wren", "mole",
    ];
    let saved = stream::iter(animals)
        .map(|animal| image(&client, animal))
        .buffer_unordered(AT_A_TIME);
    // The first error drops the other waits; the predictions themselves run on.
    saved
        .try_for_each(async |path| {
            println!("{path}");
            Ok(())
        })
        .await
}

async fn image(client: &Client, animal: &str) -> Result<String, Error> {
    let files = client
        .run(FluxSchnell::new(format!("a paper {animal}")))
        .await?;
    let [file] = files.as_slice() else {
        return Ok(format!("{animal}: {} files", files.len()));
    };
    let saved = file.save_in("images").name(animal).await?;
    Ok(saved.path.display().to_string())
}
