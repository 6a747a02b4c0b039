//! The last state that a wait has seen, in little memory.

use bytes::Bytes;
use cometapi_client::PredictionId;

use crate::core::prediction::Prediction;

/// The last state that was seen: as the body of its response, from which it is decoded again.
///
/// Nearly every wait holds one for most of its time, and only one that ends in an error needs it.
/// A decoded prediction takes three times the memory.
pub(super) enum LastState {
    Body {
        raw: Bytes,
        request_id: Option<Box<str>>,
    },
    /// It has no body.
    Decoded(Prediction),
}

impl LastState {
    pub(super) fn of(prediction: &Prediction) -> Self {
        match prediction.body() {
            raw if raw.is_empty() => Self::Decoded(prediction.clone()),
            raw => Self::Body {
                raw: raw.clone(),
                request_id: prediction.request_id().map(Into::into),
            },
        }
    }

    /// The prediction, with the id that it was polled by.
    pub(super) fn prediction(&self, id: &PredictionId) -> Option<Prediction> {
        match self {
            Self::Body { raw, request_id } => {
                let request_id = request_id.as_deref().map(str::to_owned);
                Prediction::from_body(raw.clone(), Some(id), request_id)
            }
            Self::Decoded(prediction) => Some(prediction.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use cometapi_client::PredictionResponse;
    use serde_json::json;

    use super::*;
    use crate::core::response::{AttemptOutcome, Body};
    use crate::core::testing;

    #[test]
    fn a_state_without_a_body_is_kept_as_it_is() {
        let json = r#"{"id":"a","status":"processing"}"#;
        let response = PredictionResponse::from_slice(json.as_bytes()).unwrap();
        let seen = Prediction::from_response(response, None, Bytes::new(), None).unwrap();
        let again = LastState::of(&seen).prediction(&"a".parse().unwrap());
        assert_eq!(json!(again), json!(seen));
    }

    #[test]
    fn a_state_is_decoded_again_as_it_was() {
        let nested = r#"{"code":"success","data":{"task_id":"a","status":"IN_PROGRESS","data":{"id":"upstream","status":"processing"}}}"#;
        for body in [
            nested,
            r#"{"id":"a","status":"processing","model":"m/n","logs":"12 %"}"#,
            // Not quite JSON.
            "\u{feff}{\"id\":\"a\",\"status\":\"starting\",\"logs\":\"a \\ud83d\"}",
            r#"{"id":"a","status":"starting","logs":[1]}"#,
        ] {
            let response = http::Response::builder()
                .header("x-cometapi-request-id", "r1")
                .body(Bytes::from_static(body.as_bytes()));
            let attempt = testing::attempt(response.unwrap(), Some("a"));
            let AttemptOutcome::Response(_, Body::Prediction(seen)) = attempt else {
                panic!("{body}: {attempt:?}");
            };
            let again = LastState::of(&seen).prediction(&"a".parse().unwrap());
            let again = again.unwrap();
            assert_eq!(json!(again), json!(seen), "{body}");
            assert_eq!(again.id(), "a", "{body}");
            assert_eq!(again.raw(), body.as_bytes());
            assert_eq!(again.ignored_fields(), seen.ignored_fields(), "{body}");
            assert_eq!(again.request_id(), Some("r1"), "{body}");
        }
    }
}
