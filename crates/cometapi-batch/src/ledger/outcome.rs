//! How a prediction ended.

use cometapi::{Creation, Error, ErrorKind, MAX_TEXT_LEN, truncate_owned};

/// The word of a success.
pub(crate) const SUCCEEDED: &str = "succeeded";

/// How a prediction ended: well, with every file saved, or by an error.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Outcome {
    /// What it is; `None` when it ended well.
    pub kind: Option<ErrorKind>,
    /// The reason, for a person; of one that ended well, a note on it. Cut at 64 KiB.
    pub message: Option<String>,
    /// The gateway's ids of the request that brought it.
    pub request_ids: Vec<String>,
}

impl Outcome {
    /// It ended well.
    pub fn succeeded() -> Self {
        Self {
            kind: None,
            message: None,
            request_ids: Vec::new(),
        }
    }

    /// It ended well, with a `note` for a person.
    pub fn succeeded_with(note: impl Into<String>) -> Self {
        Self {
            message: Some(kept(note.into())),
            ..Self::succeeded()
        }
    }

    /// It ended by an error of `kind`.
    pub fn failed(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind: Some(kind),
            message: Some(kept(message.into())),
            request_ids: Vec::new(),
        }
    }

    /// Whether it ended well.
    pub fn is_success(&self) -> bool {
        self.kind.is_none()
    }

    /// Whether a prediction that ended so is not charged for, as far as is known: nothing was created, or
    /// the prediction failed, was canceled or aborted (inferred). What an account's tasks say counts
    /// more.
    pub fn is_free(&self) -> bool {
        self.kind.is_some_and(|kind| {
            let is_failure = matches!(
                kind,
                ErrorKind::Failed | ErrorKind::Canceled | ErrorKind::Aborted
            );
            is_failure || kind.creation() == Creation::NotCreated
        })
    }

    /// The word under which it is recorded: `succeeded`, `failed`, `expired`, …
    pub fn word(&self) -> &'static str {
        self.kind.map_or(SUCCEEDED, ErrorKind::as_str)
    }

    /// The outcome that is recorded under this [word](Self::word). A word of a later version of this
    /// program is a failure.
    pub fn from_word(word: &str, message: Option<String>, request_ids: Vec<String>) -> Self {
        Self {
            kind: kind(word),
            message,
            request_ids,
        }
    }

    /// The outcome of a prediction whose worker ended or released it while it was being sent: it is
    /// unresolved.
    pub fn unanswered() -> Self {
        Self::failed(
            ErrorKind::MaybeAccepted,
            "the program ended after the create request was sent, or was about to be, and before a \
             response was recorded",
        )
    }

    /// The outcome of a prediction that nobody can take up, and whose worker ended before it was sent.
    pub fn not_sent() -> Self {
        Self::failed(
            ErrorKind::NeverReached,
            "the program ended before the create request was sent: nothing was created",
        )
    }
}

impl From<&Error> for Outcome {
    fn from(error: &Error) -> Self {
        let mut message = error.to_string();
        let mut cause = std::error::Error::source(error);
        while let Some(error) = cause {
            message = format!("{message}: {error}");
            cause = error.source();
        }
        Self {
            kind: Some(error.kind()),
            message: Some(kept(message)),
            request_ids: error.request_ids().to_vec(),
        }
    }
}

/// What of a message is recorded: it may hold any text of the service.
fn kept(message: String) -> String {
    truncate_owned(message, MAX_TEXT_LEN)
}

/// The kind of a word; `None` is success. A word of a later program is a failure.
pub(crate) fn kind(text: &str) -> Option<ErrorKind> {
    if text == SUCCEEDED {
        return None;
    }
    Some(ErrorKind::from_name(text).unwrap_or(ErrorKind::Failed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_message_is_cut() {
        let long = "ü".repeat(MAX_TEXT_LEN);
        for outcome in [
            Outcome::failed(ErrorKind::Failed, long.clone()),
            Outcome::succeeded_with(long),
        ] {
            let message = outcome.message.unwrap();
            assert!(message.len() < MAX_TEXT_LEN + 40);
            assert!(
                message.ends_with("… (65536 bytes more)"),
                "{}",
                message.len()
            );
        }
    }

    #[test]
    fn every_word_is_read_back() {
        for known in ErrorKind::ALL {
            assert_eq!(kind(known.as_str()), Some(*known));
        }
        assert_eq!(kind(SUCCEEDED), None);
        assert_eq!(kind("of_tomorrow"), Some(ErrorKind::Failed));
    }
}
