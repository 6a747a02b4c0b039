//! Shows the states that a prediction goes through while it runs.

use std::time::{Duration, Instant};

use cometapi::Client;
use cometapi::models::flux_dev::FluxDev;

#[tokio::main]
async fn main() -> Result<(), cometapi::Error> {
    let client = Client::from_env()?;
    let started = Instant::now();
    let images = client
        .run(FluxDev::new("a tin robot in the rain"))
        .on_update(move |prediction| {
            let seconds = started.elapsed().as_secs_f32();
            println!("{seconds:5.1} s  {}", prediction.status());
        })
        .timeout(Duration::from_secs(300))
        .await?;
    for image in images {
        println!("{}", image.url());
    }
    Ok(())
}
