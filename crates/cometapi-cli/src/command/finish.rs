//! Waiting for a run to end, and what its end means.

use cometapi::{Client, Error, Prediction, Wait};

use crate::args::Outputs;
use crate::command::save::save;
use crate::failure::Failure;
use crate::interrupt::Interrupt;
use crate::progress::Progress;
use crate::report;

pub(super) async fn finish(
    client: &Client,
    id: &str,
    wait: Wait,
    outputs: &Outputs,
    progress: Progress,
    interrupt: &mut Interrupt,
) -> Result<(), Failure> {
    tokio::select! {
        done = to_the_end(client, wait, outputs, progress) => done,
        () = interrupt => Err(Failure::interrupted(id)),
    }
}

async fn to_the_end(
    client: &Client,
    wait: Wait,
    outputs: &Outputs,
    mut progress: Progress,
) -> Result<(), Failure> {
    let ended = last_state(wait.timeout(outputs.timeout), &mut progress)
        .await
        .and_then(Prediction::into_outcome);
    let prediction = match ended {
        Ok(prediction) => prediction,
        Err(error) => {
            drop(progress);
            if let (true, Some(prediction)) = (outputs.json, error.prediction()) {
                report::print_with_saved(prediction, &[])?;
            }
            return Err(error.into());
        }
    };
    let (saved, fault) = save(client, &prediction, outputs, &mut progress).await;
    drop(progress);
    if outputs.json {
        report::print_with_saved(&prediction, &saved)?;
    }
    match fault {
        Some(fault) => Err(fault),
        None => Ok(()),
    }
}

/// The terminal state, each one before it shown.
async fn last_state(mut wait: Wait, progress: &mut Progress) -> Result<Prediction, Error> {
    while let Some(update) = wait.next().await {
        let prediction = update?;
        progress.state(prediction.status().as_str());
        if prediction.is_terminal() {
            return Ok(prediction);
        }
    }
    // A wait ends with a terminal state or an error; by its own account it has.
    wait.await
}
