//! `enqueue QUEUE ORDER PROMPT` asks for the cover of an order, and creates the queue if there is none.

use std::path::Path;
use std::time::Duration;

use apalis::prelude::*;
use queue_recipe::{Cover, create_queue, queue};

#[tokio::main]
async fn main() -> Result<(), BoxDynError> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [file, order, prompt] = arguments.as_slice() else {
        return Err("usage: enqueue QUEUE ORDER PROMPT".into());
    };
    let cover = Cover {
        order: order.parse()?,
        prompt: prompt.clone(),
    };
    let file = Path::new(file);
    if !file.exists() {
        create_queue(file).await?;
    }
    // Only workers send heartbeats.
    let mut queue = queue(file, Duration::from_secs(30)).await?;
    queue.push_task(cover.job().build()).await?;
    Ok(())
}
