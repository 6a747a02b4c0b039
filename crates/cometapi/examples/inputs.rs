//! Three kinds of input: typed, with an image, and any JSON for any model.

use cometapi::models::flux_schnell::{FluxSchnell, OutputFormat};
use cometapi::models::flux2_pro::Flux2Pro;
use cometapi::{Client, ImageInput};
use serde_json::json;

#[tokio::main]
async fn main() -> Result<(), cometapi::Error> {
    let client = Client::from_env()?;

    // Typed: the compiler knows the fields, and values are checked before anything is sent.
    let typed = FluxSchnell::new("a paper boat")
        .seed(7)
        .output_format(OutputFormat::Jpg);
    let boats = client.run(typed).await?;
    println!("typed: {} file", boats.len());

    // An image is a URL, or bytes, which are sent as a data URI.
    let boat = boats[0].bytes().await?;
    let edit =
        Flux2Pro::new("the same boat at night").input_images([ImageInput::from_bytes(boat)?]);
    let night = client.run(edit).await?;
    println!("image: {}", night.url());

    // Any model and any JSON: the output is whatever the model returns.
    let raw = json!({"prompt": "a paper boat", "steps": 4});
    let done = client.run_model("acme/unknown-model", raw).await?;
    println!("raw: {:?}", done.prediction().wire().output);
    Ok(())
}
