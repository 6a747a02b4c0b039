//! The worker without [`Once`](cometapi_batch::Once), for the test that shows what it prevents:
//! `careless-worker QUEUE HEARTBEAT`.

use std::path::Path;
use std::time::Duration;

use apalis::prelude::*;
use cometapi::Client;
use queue_recipe::{Cover, MODEL, queue};
use serde_json::json;

async fn draw(cover: Cover, client: Data<Client>) -> Result<String, BoxDynError> {
    let completed = client
        .run_model(MODEL, json!({"prompt": cover.prompt}))
        .await?;
    Ok(completed.prediction().id().to_owned())
}

#[tokio::main]
async fn main() -> Result<(), BoxDynError> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [file, seconds] = arguments.as_slice() else {
        return Err("usage: careless-worker QUEUE HEARTBEAT".into());
    };
    let heartbeat = Duration::from_secs(seconds.parse()?);
    WorkerBuilder::new(format!("worker-{}", std::process::id()))
        .backend(queue(Path::new(file), heartbeat).await?)
        .data(Client::from_env()?)
        .build(draw)
        .run()
        .await?;
    Ok(())
}
