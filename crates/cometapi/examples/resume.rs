//! Resumes a prediction by its id in another process.
//!
//! ```console
//! $ cargo run --example resume                    # creates, prints the id, ends
//! q4chw5rey9rmt0cww76t4h3ma4
//! $ cargo run --example resume q4chw5rey9rmt0cww76t4h3ma4
//! images/q4chw5rey9rmt0cww76t4h3ma4.webp
//! ```

use cometapi::Client;
use cometapi::models::flux_schnell::FluxSchnell;

#[tokio::main]
async fn main() -> Result<(), cometapi::Error> {
    let client = Client::from_env()?;
    let predictions = client.predictions();
    let Some(id) = std::env::args().nth(1) else {
        let created = predictions.create(FluxSchnell::new("a paper boat")).await?;
        // Store the id before anything else is done with the response.
        println!("{}", created.id());
        return Ok(());
    };
    let prediction = predictions.wait(id).await?;
    for file in client.files(&prediction) {
        println!("{}", file.save_in("images").await?.path.display());
    }
    Ok(())
}
