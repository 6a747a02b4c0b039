//! What is written down of an answer, by what it is. Money hangs on this.

use cometapi::{Error, ErrorKind, Prediction};

use crate::ledger::{Mark, Outcome};

/// What says that a create provably did not happen.
pub(crate) const NOT: [ErrorKind; 11] = [
    ErrorKind::NoKey,
    ErrorKind::Config,
    ErrorKind::InvalidModel,
    ErrorKind::InvalidInput,
    ErrorKind::InvalidId,
    ErrorKind::NeverReached,
    ErrorKind::WrongEndpoint,
    ErrorKind::Unauthorized,
    ErrorKind::OutOfQuota,
    ErrorKind::RateLimited,
    ErrorKind::Refused,
];

/// What became of a create.
pub(crate) enum Sent {
    /// It was created, under this id; the answer may have been cut.
    Created(Mark),
    /// Nobody knows.
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
    // A kind that came after this was written is a doubt, the careful reading.
    if NOT.contains(&error.kind()) {
        Sent::Not(error.into())
    } else {
        Sent::Doubt(error.into())
    }
}

/// Whether the error of a wait is the end of its prediction. All others say something of the
/// waiting; the prediction goes on. So does `NotFound`: the id was given for a prediction that
/// was paid for, and another key or a passing fault makes the service say that as well.
pub(crate) fn is_end(error: &Error) -> bool {
    error.is_outcome() || matches!(error.kind(), ErrorKind::Expired | ErrorKind::InvalidId)
}
