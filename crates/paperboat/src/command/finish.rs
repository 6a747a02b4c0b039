//! Waiting for a run to end, and what its end means.

use std::sync::Arc;

use cometapi::Client;
use cometapi_batch::{Ledger, OnceError, OnceRun, Usd};

use crate::args::Outputs;
use crate::command::place::Place;
use crate::command::save::Saving;
use crate::command::summary;
use crate::failure::Failure;
use crate::interrupt::Signals;
use crate::progress::Progress;
use crate::{ledger, print};

/// A run that is waited for.
pub(super) struct Waiting<'a> {
    pub(super) client: &'a Client,
    pub(super) outputs: &'a Outputs,
    pub(super) run: OnceRun,
    pub(super) progress: &'a Progress,
    pub(super) ledger: Option<Arc<dyn Ledger>>,
    /// What the prediction is expected to cost, where the ledger does not say it.
    pub(super) price: Option<Usd>,
    /// Whether the ledger's folder counts where `-o` names none.
    pub(super) remembers: bool,
    /// Whether it is the only prediction of the command, so that stdout can take its text.
    pub(super) is_alone: bool,
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
            mut run,
            progress,
            ledger,
            price,
            remembers,
            is_alone,
        } = self;
        let error = match run.terminal().await {
            Ok(prediction) => match prediction.into_outcome() {
                Ok(prediction) => {
                    let remembered = if remembers {
                        (run.folder(), run.names())
                    } else {
                        (None, None)
                    };
                    let given = outputs.output.as_ref();
                    let saving = Saving {
                        client,
                        prediction: &prediction,
                        outputs,
                        place: Place::of(given, remembered, progress),
                        entry: ledger::entry(ledger.as_deref(), prediction.id()).await,
                        is_alone,
                    };
                    let saved = saving.save(run, progress).await;
                    let elapsed = progress.elapsed();
                    if outputs.json {
                        print::prediction(&prediction, Some(&saved.paths))?;
                    }
                    if let Some(fault) = saved.fault {
                        progress.finish();
                        return Err(fault);
                    }
                    // It has its cost now.
                    let entry = ledger::entry(ledger.as_deref(), prediction.id()).await;
                    let end = summary::End {
                        saved: &saved,
                        prediction: &prediction,
                        entry: entry.as_ref(),
                        price,
                        elapsed,
                    };
                    progress.say(end.line());
                    progress.finish();
                    return Ok(());
                }
                Err(error) => {
                    progress.recorded(run.failed(&error).await);
                    OnceError::Service(error)
                }
            },
            Err(error) => error,
        };
        progress.finish();
        if let OnceError::Service(error) = &error
            && let (true, Some(prediction)) = (outputs.json, error.prediction())
        {
            print::prediction(prediction, Some(&[]))?;
        }
        Err(error.into())
    }
}
