//! The ledger's record of a single prediction.

use std::future::ready;
use std::pin::pin;
use std::sync::Arc;

use cometapi::{Client, Error, ModelRef, Prediction, SavedFile};
use cometapi_batch::{Ledger, Single};
use serde_json::{Map, Value};

use crate::failure::Failure;
use crate::print;

/// A prediction's record; without a ledger, nothing is recorded.
///
/// Before the create request, a failure to record ends the command. After it, the prediction is
/// worth more than its record: the first failure is printed, and the command continues.
pub(crate) struct Record {
    single: Option<Single>,
    model: Option<String>,
    is_faulty: bool,
}

impl Record {
    /// Records that `model` is about to be run on `input`.
    pub(crate) async fn begin(
        ledger: Option<Arc<dyn Ledger>>,
        client: &Client,
        model: &ModelRef,
        input: &Map<String, Value>,
    ) -> Result<Self, Failure> {
        let single = match ledger {
            Some(ledger) => {
                let begun = Single::begin(client, ledger, model, input).await;
                Some(begun.map_err(|e| {
                    Failure::usage(format!("the prediction cannot be recorded: {e}"))
                        .because_of(&e)
                        .with_advice("nothing was sent; to record nothing: --no-ledger")
                })?)
            }
            None => None,
        };
        Ok(Self {
            single,
            model: Some(model.to_string()),
            is_faulty: false,
        })
    }

    /// The record of the prediction `id`, if there is one that no other process is at.
    pub(crate) async fn adopt(ledger: Option<Arc<dyn Ledger>>, client: &Client, id: &str) -> Self {
        let mut record = Self {
            single: None,
            model: None,
            is_faulty: false,
        };
        if let Some(ledger) = ledger {
            match Single::adopt(client, ledger, id).await {
                Ok(single) => {
                    record.model = single.as_ref().map(|single| single.job().model.clone());
                    record.single = single;
                }
                Err(e) => record.fault(&e),
            }
        }
        record
    }

    /// The model that is run, if it is known.
    pub(crate) fn model(&self) -> Option<&str> {
        self.model.as_deref()
    }

    /// Records the response to the create request, before anything else is done with it. An id
    /// in it is given to `show` meanwhile: another process may hold the ledger for long.
    ///
    /// Fails when the id is that of another recorded prediction: the answer is another
    /// request's then, and this one is in doubt.
    pub(crate) async fn answered(
        &mut self,
        answer: &Result<Prediction, Error>,
        show: impl FnOnce(&str),
    ) -> Result<(), Failure> {
        let id = match answer {
            Ok(prediction) => Some(prediction.id()),
            Err(error) => error.prediction_id(),
        };
        let show = || id.map(show);
        let Some(single) = &mut self.single else {
            show();
            return Ok(());
        };
        let recorded = {
            let mut recording = pin!(single.answered(answer));
            // The ledger is asked first: a stderr without a reader blocks.
            let early = tokio::select! {
                biased;
                recorded = &mut recording => Some(recorded),
                () = ready(()) => None,
            };
            show();
            match early {
                Some(recorded) => recorded,
                None => recording.await,
            }
        };
        match recorded {
            Err(e) if e.kind() == cometapi_batch::ErrorKind::TakenId => {
                self.single = None;
                Err(Failure::in_doubt(format!(
                    "the create request may have been accepted, but was answered with the \
                     id of another prediction: {e}"
                )))
            }
            recorded => {
                self.note(recorded);
                Ok(())
            }
        }
    }

    /// Nothing is in flight until [`sending`](Self::sending). Returns whether that is recorded.
    pub(crate) async fn pausing(&mut self) -> bool {
        let Some(single) = &mut self.single else {
            return true;
        };
        let written = single.pausing().await;
        let is_recorded = written.is_ok();
        self.note(written);
        is_recorded
    }

    /// The next attempt is about to be sent, which it may be only if this succeeds.
    pub(crate) async fn sending(&mut self) -> Result<(), Failure> {
        match &mut self.single {
            Some(single) => single.sending().await.map_err(|e| {
                Failure::usage(format!("the prediction cannot be recorded any more: {e}"))
                    .because_of(&e)
                    .with_advice("nothing was created; to record nothing: --no-ledger")
            }),
            None => Ok(()),
        }
    }

    /// The create request was given up while nothing was in flight.
    pub(crate) async fn not_sent(&mut self) {
        if let Some(single) = &mut self.single {
            let written = single.not_sent().await;
            self.note(written);
        }
    }

    /// A state.
    pub(crate) async fn seen(&mut self, prediction: &Prediction) {
        if let Some(single) = &mut self.single {
            let written = single.seen(prediction).await;
            self.note(written);
        }
    }

    /// A file that was saved.
    pub(crate) async fn saved(&mut self, position: usize, file: &SavedFile) {
        if let Some(single) = &mut self.single {
            let written = single.saved(position, file).await;
            self.note(written);
        }
    }

    /// How it ended.
    pub(crate) async fn ended(&mut self, end: Result<(), &Error>) {
        if let Some(single) = self.single.take() {
            let written = single.ended(end).await;
            self.note(written);
        }
    }

    /// It succeeded, with notes for a person.
    pub(crate) async fn succeeded(&mut self, notes: &[String]) {
        if let Some(single) = self.single.take() {
            let written = match notes {
                [] => single.ended(Ok(())).await,
                notes => single.succeeded_with(notes.join("; ")).await,
            };
            self.note(written);
        }
    }

    fn note(&mut self, written: Result<(), cometapi_batch::Error>) {
        if let Err(e) = written {
            self.fault(&e);
        }
    }

    fn fault(&mut self, e: &cometapi_batch::Error) {
        if !self.is_faulty {
            self.is_faulty = true;
            print::stderr(format_args!("note: the ledger cannot be written: {e}"));
        }
    }
}
