//! Waiting for a run to end, and what its end means.

use cometapi::{Client, Error, Prediction, Wait};
use cometapi_batch::Single;

use crate::args::Outputs;
use crate::command::save::Saving;
use crate::failure::Failure;
use crate::interrupt::Signals;
use crate::print;
use crate::progress::Progress;

/// A run that is waited for.
pub(super) struct Waiting<'a> {
    pub(super) client: &'a Client,
    pub(super) outputs: &'a Outputs,
    pub(super) wait: Wait,
    pub(super) record: Single,
    pub(super) progress: Progress,
    /// Whether text goes to stdout instead of a file.
    pub(super) prints_text: bool,
}

impl Waiting<'_> {
    /// To the end, unless a signal arrives before.
    pub(super) async fn finish(self, id: &str, signals: &mut Signals) -> Result<(), Failure> {
        signals
            .unless(self.wait_to_the_end())
            .await
            .unwrap_or_else(|signal| Err(Failure::interrupted(signal, id)))
    }

    pub(super) async fn wait_to_the_end(self) -> Result<(), Failure> {
        let Self {
            client,
            outputs,
            wait,
            mut record,
            mut progress,
            prints_text,
        } = self;
        let wait = wait.timeout(outputs.timeout);
        let ended = last_state(wait, &mut record, &mut progress)
            .await
            .and_then(Prediction::into_outcome);
        let prediction = match ended {
            Ok(prediction) => prediction,
            Err(error) => {
                progress.recorded(record.ended(Err(&error)).await);
                drop(progress);
                if let (true, Some(prediction)) = (outputs.json, error.prediction()) {
                    print::prediction(prediction, Some(&[]))?;
                }
                return Err(error.into());
            }
        };
        let saving = Saving {
            client,
            prediction: &prediction,
            outputs,
            prints_text,
        };
        let (saved, fault) = saving.save(record, &mut progress).await;
        drop(progress);
        if outputs.json {
            print::prediction(&prediction, Some(&saved))?;
        }
        match fault {
            Some(fault) => Err(fault),
            None => Ok(()),
        }
    }
}

/// The terminal state; each state before it is shown and recorded.
async fn last_state(
    mut wait: Wait,
    record: &mut Single,
    progress: &mut Progress,
) -> Result<Prediction, Error> {
    while let Some(update) = wait.next().await {
        let prediction = update?;
        progress.recorded(record.seen(&prediction).await);
        progress.state(prediction.status().as_str());
        if prediction.is_terminal() {
            return Ok(prediction);
        }
    }
    // A wait ends with a terminal state or an error; by its own account it has.
    wait.await
}
