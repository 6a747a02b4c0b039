//! What is recorded of an answer, by what it is. Money hangs on this.

use cometapi::{Creation, Error, ErrorKind, Prediction};

use crate::ledger::{Mark, Outcome};

/// What became of a create.
pub(crate) enum Sent {
    /// It was created, under this id; the answer may have been cut.
    Created(Mark),
    /// It is unknown.
    Doubt(Outcome),
    /// It did not happen; the outcome says why.
    Not(Outcome),
}

pub(crate) fn sent(answer: &Result<Prediction, Error>) -> Sent {
    let error = match answer {
        Ok(prediction) => return Sent::Created(Mark::created(prediction)),
        Err(error) => error,
    };
    if let Some(id) = error.prediction_id() {
        return Sent::Created(Mark::Created {
            id: id.to_owned(),
            request_id: error.request_id().map(str::to_owned),
        });
    }
    match error.kind().creation() {
        Creation::NotCreated => Sent::Not(error.into()),
        // One that was created has an id; without it, its end is as unknown as any.
        _ => Sent::Doubt(error.into()),
    }
}

/// The outcome of a create request that was answered with the id of another prediction.
pub(crate) fn taken(id: String) -> Outcome {
    let what = format!(
        "the create request was answered with {id}, the id of another prediction in this ledger: \
         it may have been accepted under an id that is not known"
    );
    Outcome::failed(ErrorKind::MaybeAccepted, what)
}

/// Whether the error of a wait is the end of its prediction. All others say something of the
/// waiting; the prediction continues. So does `NotFound`: the id was given for a prediction that
/// was paid for, and another key or a passing fault makes the service say that as well.
pub(crate) fn is_end(error: &Error) -> bool {
    error.is_prediction_failure() || error.kind() == ErrorKind::Expired
}
