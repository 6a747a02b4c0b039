//! Waiting for every prediction in the ledger.

use std::sync::Arc;

use cometapi::Client;
use cometapi_batch::{Finish, Stop};

use crate::args::Wait;
use crate::command::batch::{self, Display};
use crate::failure::Failure;
use crate::ledger;

/// Waits for every prediction of the ledger that was created and has not ended.
pub(super) async fn execute(args: &Wait, client: &Client) -> Result<(), Failure> {
    let ledger = ledger::needed(args.ledger.ledger.as_deref())?;
    let stop = Stop::new();
    let display = Arc::new(Display::new(args.outputs.json, false, &stop)?);
    let observer = Arc::clone(&display);
    let finish = Finish::new(client, ledger, args.outputs.folder())
        .concurrency(32)
        .timeout(args.outputs.timeout)
        .stop(&stop)
        .on_event(move |event| observer.event(event));
    let watch = batch::leave(stop, Arc::clone(&display));
    batch::finished(finish.run().await, batch::waited_for, &display, watch).await
}
