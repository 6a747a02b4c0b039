//! What kind of failure a failed prediction is, by what the service says.

use serde_json::Value;

use crate::core::error::Error;
use crate::core::error_kind::ErrorKind;
use crate::core::prediction::Prediction;

/// What kind of failure a failed prediction is, as far as the text of its `error` is known.
///
/// ```
/// use cometapi::{FailureKind, Prediction};
///
/// let json = r#"{"id": "a", "status": "failed", "error": "NSFW content detected. Try running it again."}"#;
/// let failed: Prediction = serde_json::from_str(json)?;
/// assert_eq!(failed.failure_kind(), Some(FailureKind::Moderation));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FailureKind {
    /// A safety check refused the input or the output (observed: "NSFW content detected" of
    /// flux-schnell and flux-dev, "flagged as sensitive" and the code E005 of the pro models).
    /// Change the prompt or the images.
    Moderation,
    /// A field of the input was refused (observed: "Input validation error"). Fix the input.
    InvalidInput,
    /// The provider, or the gateway in front of it, failed (observed: `KeyError: 'sample'` of
    /// flux-2-pro, the gateway's time limit). The same input may succeed.
    Upstream,
    /// The text is missing, or none of those that are known.
    Unknown,
}

impl FailureKind {
    /// Decides by how the text begins: further on, it may quote the prompt.
    fn of_text(text: &str) -> Self {
        /// The known beginnings, in lower case.
        const KNOWN: [(&str, FailureKind); 5] = [
            ("nsfw content detected", FailureKind::Moderation),
            (
                "the input or output was flagged as sensitive",
                FailureKind::Moderation,
            ),
            ("input validation error", FailureKind::InvalidInput),
            ("keyerror: 'sample'", FailureKind::Upstream),
            // "Task timed out (1440 minutes)".
            ("任务超时", FailureKind::Upstream),
        ];
        let text = text.trim_start().to_lowercase();
        let known = KNOWN.iter().find(|(start, _)| text.starts_with(start));
        match known {
            Some((_, kind)) => *kind,
            None if is_moderation_code(&text) => Self::Moderation,
            None => Self::Unknown,
        }
    }

    /// The text is the `message` or the `detail` of an object in gateways of the same family
    /// (inferred from their source).
    fn of(error: Option<&Value>) -> Self {
        let kinds = match error {
            Some(Value::String(text)) => return Self::of_text(text),
            Some(Value::Object(fields)) => ["message", "detail"]
                .into_iter()
                .filter_map(|name| fields.get(name)?.as_str())
                .map(Self::of_text),
            _ => return Self::Unknown,
        };
        let mut known = kinds.filter(|kind| *kind != Self::Unknown);
        known.next().unwrap_or(Self::Unknown)
    }

    /// Returns what to do next.
    pub fn next_step(self) -> &'static str {
        match self {
            Self::Moderation => {
                "change the prompt or the images: a safety check refused them or the output"
            }
            Self::InvalidInput => "fix the input: the model refused a field of it",
            Self::Upstream => "run it again, which may cost again: the provider failed",
            Self::Unknown => "read the reason and the logs; to run it again may cost again",
        }
    }
}

/// Whether the text ends in the provider's code for moderation and a short id of the request, as in
/// "… (E005) (aB3dE5fG7h)".
fn is_moderation_code(lower: &str) -> bool {
    let end = lower
        .trim_end()
        .rsplit_once("(e005)")
        .map(|(_, end)| end.trim());
    end.is_some_and(|end| {
        let is_id = |id: &str| id.len() <= 20 && id.bytes().all(|b| b.is_ascii_alphanumeric());
        let id = end.strip_prefix('(').and_then(|end| end.strip_suffix(')'));
        end.is_empty() || id.is_some_and(is_id)
    })
}

impl Prediction {
    /// Returns what kind of failure it is; `None` unless it failed.
    pub fn failure_kind(&self) -> Option<FailureKind> {
        let is_failed = *self.status() == cometapi_client::Status::Failed || self.ends_by_error();
        is_failed.then(|| FailureKind::of(self.wire().error.as_ref()))
    }
}

impl Error {
    /// Returns what kind of failure a failed prediction is; `None` for other errors.
    pub fn failure_kind(&self) -> Option<FailureKind> {
        let prediction = self
            .prediction()
            .filter(|_| self.kind() == ErrorKind::Failed)?;
        Some(prediction.failure_kind().unwrap_or(FailureKind::Unknown))
    }

    /// Returns what to do next, where the message does not say it.
    pub fn next_step(&self) -> Option<&'static str> {
        match self.failure_kind() {
            Some(failure) => Some(failure.next_step()),
            None => self.kind().next_step(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_failure_is_what_its_known_text_says() {
        use FailureKind::{InvalidInput, Moderation, Unknown, Upstream};
        for (error, kind) in [
            // Observed, as recorded in the examples of openapi.yaml and by the mock.
            (
                json!("NSFW content detected. Try running it again, or try a different prompt."),
                Moderation,
            ),
            (
                json!(
                    "The input or output was flagged as sensitive. Please try again with \
                     different inputs. (E005) (aB3dE5fG7h)"
                ),
                Moderation,
            ),
            (json!("Content refused (E005)"), Moderation),
            (json!("Content refused. (E005) (mK4tQ7wZ2b)\n"), Moderation),
            (
                json!("Input validation error: seed: must be an integer"),
                InvalidInput,
            ),
            (json!("KeyError: 'sample'"), Upstream),
            (json!("任务超时（1440分钟）"), Upstream),
            // In an object.
            (
                json!({"message": " nsfw content detected", "code": 7}),
                Moderation,
            ),
            (
                json!({"message": "failed", "detail": "KeyError: 'sample'"}),
                Upstream,
            ),
            // The message may quote the prompt.
            (json!("cannot draw \"NSFW content detected\""), Unknown),
            (json!("cannot draw (E005) on a wall"), Unknown),
            (json!("cannot draw (E005) (on a wall)"), Unknown),
            (json!("the gateway said: Input validation error"), Unknown),
            (json!("Replicate prediction failed"), Unknown),
            (json!(""), Unknown),
            (json!(["KeyError: 'sample'"]), Unknown),
            (json!({"message": 7}), Unknown),
            (json!(null), Unknown),
        ] {
            assert_eq!(FailureKind::of(Some(&error)), kind, "{error}");
        }
        assert_eq!(FailureKind::of(None), Unknown);
    }

    #[test]
    fn only_a_failed_prediction_has_a_failure_kind_and_its_error_the_step() {
        let prediction = |status: &str| -> Prediction {
            let json = json!({"id": "a", "status": status, "error": "KeyError: 'sample'"});
            serde_json::from_value(json).unwrap()
        };
        for status in ["failed", "resting"] {
            let failed = prediction(status);
            assert_eq!(
                failed.failure_kind(),
                Some(FailureKind::Upstream),
                "{status}"
            );
            let error = failed.into_outcome().unwrap_err();
            assert_eq!(error.failure_kind(), Some(FailureKind::Upstream));
            assert_eq!(error.next_step(), Some(FailureKind::Upstream.next_step()));
        }
        for status in ["succeeded", "canceled", "aborted", "processing"] {
            assert_eq!(prediction(status).failure_kind(), None, "{status}");
        }
        let canceled = prediction("canceled").into_outcome().unwrap_err();
        assert_eq!(
            (canceled.failure_kind(), canceled.next_step()),
            (None, None)
        );
    }

    #[test]
    fn each_kind_has_its_own_next_step() {
        let kinds = [
            FailureKind::Moderation,
            FailureKind::InvalidInput,
            FailureKind::Upstream,
            FailureKind::Unknown,
        ];
        let steps: std::collections::HashSet<_> = kinds.map(FailureKind::next_step).into();
        assert_eq!(steps.len(), kinds.len());
    }
}
