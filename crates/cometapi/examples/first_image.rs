//! The first image: create a prediction, wait for it, save its file.
//!
//! Reads `COMETAPI_KEY` and `COMETAPI_BASE_URL`. To try it without a key, start `paperboat mock` and
//! copy the two lines that it prints.

use cometapi::Client;
use cometapi::models::flux_schnell::{AspectRatio, FluxSchnell};

#[tokio::main]
async fn main() -> Result<(), cometapi::Error> {
    let client = Client::from_env()?;
    let lighthouse = FluxSchnell::new("a lighthouse made of glass");
    for image in client
        .run(lighthouse.aspect_ratio(AspectRatio::Ratio16x9))
        .await?
    {
        println!("{}", image.save_in("images").await?.path.display());
    }
    Ok(())
}
