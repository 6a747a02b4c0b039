//! A synchronous `main`: a small runtime runs what is asynchronous.

use cometapi::models::flux_schnell::FluxSchnell;
use cometapi::{Client, OutputFile};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let client = Client::from_env()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let images: Vec<OutputFile> =
        runtime.block_on(async { client.run(FluxSchnell::new("a paper boat")).await })?;
    for image in images {
        let saved = runtime.block_on(async { image.save_in("images").await })?;
        println!("{}", saved.path.display());
    }
    Ok(())
}
