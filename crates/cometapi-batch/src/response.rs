//! What is recorded of a response. Money hangs on this.

use cometapi::{Creation, Error, ErrorKind, Prediction};

use crate::ledger::{Mark, Outcome};

pub(crate) enum CreateOutcome {
    /// A prediction was created; the response may have been cut after its id.
    Created {
        id: String,
        /// The [`Mark::Created`] to record.
        mark: Mark,
    },
    /// It is unknown whether a prediction was created.
    Unknown(Outcome),
    NotCreated(Outcome),
}

pub(crate) fn create_outcome(response: &Result<Prediction, Error>) -> CreateOutcome {
    let created = |id: &str, request_id: Option<&str>| CreateOutcome::Created {
        id: id.to_owned(),
        mark: Mark::Created {
            id: id.to_owned(),
            request_id: request_id.map(str::to_owned),
        },
    };
    let error = match response {
        Ok(prediction) => return created(prediction.id(), prediction.request_id()),
        Err(error) => error,
    };
    match (error.prediction_id(), error.kind().creation()) {
        (Some(id), _) => created(id, error.request_id()),
        (None, Creation::NotCreated) => CreateOutcome::NotCreated(error.into()),
        // A created prediction has an id. Without it, its end is as unknown as any.
        (None, _) => CreateOutcome::Unknown(error.into()),
    }
}

/// The outcome of a create request whose response has the id of another prediction.
pub(crate) fn taken_id(id: &str) -> Outcome {
    let what = format!(
        "the create request was answered with {id}, the id of another prediction in this ledger: \
         it may have been accepted under an id that is not known"
    );
    Outcome::failed(ErrorKind::MaybeAccepted, what)
}

/// Whether the error of a wait is the end of its prediction. All others are errors of the wait, and
/// the prediction continues. So is `NotFound`: the service may give the same answer for another
/// key, or during a fault.
pub(crate) fn is_end(error: &Error) -> bool {
    error.is_prediction_failure() || error.kind() == ErrorKind::Expired
}
