//! What the end of a run means.

use cometapi_client::Status;

use crate::core::error::Error;
use crate::core::error_kind::ErrorKind;
use crate::core::prediction::Prediction;
use crate::core::text::shorten;

impl Prediction {
    /// What the end of the run means: itself when it succeeded, else the error that its end
    /// is. A state that is not terminal is taken for a failure, so ask
    /// [`is_terminal`](Self::is_terminal) first.
    ///
    /// # Errors
    ///
    /// `Failed`, `Canceled`, `Aborted`, or `Expired` when it succeeded but its files have been
    /// removed. A success that never had an output is a success.
    pub fn into_outcome(self) -> Result<Self, Error> {
        let (kind, what) = match self.status() {
            // Its files are gone, and with them all that was paid for.
            Status::Succeeded if self.data_removed() && self.is_output_empty() => (
                ErrorKind::Expired,
                "succeeded, but its files have been removed",
            ),
            Status::Succeeded => return Ok(self),
            Status::Canceled => (ErrorKind::Canceled, "was canceled"),
            Status::Aborted => (ErrorKind::Aborted, "was aborted before it began"),
            _ => (ErrorKind::Failed, "failed"),
        };
        let id = self.id();
        let message = match self.error() {
            Some(reason) => {
                let reason = shorten(reason);
                format!("prediction {id} {what}: {reason}")
            }
            None => format!("prediction {id} {what}"),
        };
        Err(Error::new(kind, message).with_prediction(self))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn end(mut json: Value) -> Result<Prediction, Error> {
        json["id"] = "p1".into();
        let prediction: Prediction = serde_json::from_value(json).unwrap();
        prediction.into_outcome()
    }

    #[test]
    fn every_end_is_its_own_kind_and_carries_the_prediction() {
        let rows = [
            (
                json!({"status": "failed", "error": "why"}),
                ErrorKind::Failed,
                "prediction p1 failed: why",
            ),
            (
                json!({"status": "failed", "error": {"a": 1}}),
                ErrorKind::Failed,
                "prediction p1 failed: {\"a\":1}",
            ),
            (
                json!({"status": "canceled"}),
                ErrorKind::Canceled,
                "prediction p1 was canceled",
            ),
            (
                json!({"status": "aborted"}),
                ErrorKind::Aborted,
                "prediction p1 was aborted before it began",
            ),
            (
                json!({"status": "resting", "error": "why"}),
                ErrorKind::Failed,
                "prediction p1 failed: why",
            ),
            (
                json!({"status": "succeeded", "data_removed": true}),
                ErrorKind::Expired,
                "prediction p1 succeeded, but its files have been removed",
            ),
            (
                json!({"status": "succeeded", "output": [], "data_removed": true}),
                ErrorKind::Expired,
                "prediction p1 succeeded, but its files have been removed",
            ),
        ];
        for (json, kind, message) in rows {
            let error = end(json).unwrap_err();
            assert_eq!((error.kind(), error.to_string().as_str()), (kind, message));
            assert_eq!(error.prediction_id(), Some("p1"));
            assert!(error.prediction().is_some());
        }
    }

    #[test]
    fn success_with_or_without_output_is_success() {
        assert!(end(json!({"status": "succeeded", "output": "https://a/b"})).is_ok());
        assert!(end(json!({"status": "succeeded", "output": null})).is_ok());
        let kept = json!({"status": "succeeded", "output": "https://a/b", "data_removed": true});
        assert!(end(kept).is_ok());
    }
}
