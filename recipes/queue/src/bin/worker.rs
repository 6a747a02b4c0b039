//! `worker QUEUE LEDGER [HEARTBEAT]` runs the jobs of a queue. Run as many as you like, on one machine:
//! they share both files. HEARTBEAT is in seconds, 30 unless it is given.

use std::path::Path;
use std::time::Duration;

use apalis::prelude::*;
use queue_recipe::{Studio, draw, queue};

#[tokio::main]
async fn main() -> Result<(), BoxDynError> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (file, ledger, heartbeat) = match arguments.as_slice() {
        [file, ledger] => (file, ledger, 30),
        [file, ledger, seconds] => (file, ledger, seconds.parse()?),
        _ => return Err("usage: worker QUEUE LEDGER [HEARTBEAT]".into()),
    };
    let heartbeat = Duration::from_secs(heartbeat);
    // The queue refuses a name that another worker has.
    WorkerBuilder::new(format!("worker-{}", std::process::id()))
        .backend(queue(Path::new(file), heartbeat).await?)
        .data(Studio::open(Path::new(ledger))?)
        .on_event(|_, event| {
            if let Event::Error(error) = event {
                eprintln!("{error}");
            }
        })
        .build(draw)
        .run()
        .await?;
    Ok(())
}
