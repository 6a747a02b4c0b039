//! The words for the state of a run, kept open: an unknown word is kept as it
//! came and never fails a decode.

use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The state of a prediction.
///
/// The reference gives no closed list. The six named here are documented by Replicate; the
/// spellings `queued`, `running`, `completed`, `success`, `error` and `cancelled` were
/// observed in gateways of the same family and are read as the state they mean.
///
/// ```
/// use cometapi_client::Status;
///
/// assert_eq!(Status::from("succeeded"), Status::Succeeded);
/// assert_eq!(Status::from("Cancelled"), Status::Canceled);
/// assert_eq!(Status::from("resting").as_str(), "resting");
/// assert!(!Status::from("resting").is_terminal());
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Status {
    /// Taken, not yet running.
    Starting,
    /// The model runs.
    Processing,
    /// Ended well; the output is there unless it has been removed.
    Succeeded,
    /// Ended badly; the prediction's `error` says why.
    Failed,
    /// Stopped by somebody, or by its deadline after it had begun.
    Canceled,
    /// Ended before it began (documented by Replicate).
    Aborted,
    /// A word that is not known, as it came. It does not end a wait.
    Unknown(String),
}

impl Status {
    /// The word on the wire.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Starting => "starting",
            Self::Processing => "processing",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Canceled => "canceled",
            Self::Aborted => "aborted",
            Self::Unknown(word) => word,
        }
    }

    /// Whether the run has ended. An unknown word has not.
    pub fn is_terminal(&self) -> bool {
        matches!(
            self,
            Self::Succeeded | Self::Failed | Self::Canceled | Self::Aborted
        )
    }
}

impl From<&str> for Status {
    fn from(word: &str) -> Self {
        let known = |word: &str| {
            Some(match word {
                "starting" | "queued" => Self::Starting,
                "processing" | "running" => Self::Processing,
                "succeeded" | "completed" | "success" => Self::Succeeded,
                "failed" | "error" => Self::Failed,
                "canceled" | "cancelled" => Self::Canceled,
                "aborted" => Self::Aborted,
                _ => return None,
            })
        };
        known(word)
            .or_else(|| known(&word.to_ascii_lowercase()))
            .unwrap_or_else(|| Self::Unknown(word.to_owned()))
    }
}

/// The gateway's word for the state of a task (observed), in an envelope.
///
/// ```
/// use cometapi_client::{Status, TaskStatus};
///
/// assert_eq!(TaskStatus::from("IN_PROGRESS").to_status(), Status::Processing);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TaskStatus {
    /// Stored, not sent on.
    NotStart,
    /// Sent on.
    Submitted,
    /// Waiting upstream.
    Queued,
    /// Running.
    InProgress,
    /// Ended well.
    Success,
    /// Ended badly; `fail_reason` says why.
    Failure,
    /// Any other word as it came, the gateway's own `UNKNOWN` among them.
    Unknown(String),
}

impl TaskStatus {
    /// The word on the wire.
    pub fn as_str(&self) -> &str {
        match self {
            Self::NotStart => "NOT_START",
            Self::Submitted => "SUBMITTED",
            Self::Queued => "QUEUED",
            Self::InProgress => "IN_PROGRESS",
            Self::Success => "SUCCESS",
            Self::Failure => "FAILURE",
            Self::Unknown(word) => word,
        }
    }

    /// The state of a prediction that it stands for. A gateway that writes Replicate's words
    /// into its envelope is understood too.
    pub fn to_status(&self) -> Status {
        match self {
            Self::NotStart | Self::Submitted | Self::Queued => Status::Starting,
            Self::InProgress => Status::Processing,
            Self::Success => Status::Succeeded,
            Self::Failure => Status::Failed,
            Self::Unknown(word) => Status::from(word.as_str()),
        }
    }
}

impl From<&str> for TaskStatus {
    fn from(word: &str) -> Self {
        match word.to_ascii_uppercase().as_str() {
            "NOT_START" => Self::NotStart,
            "SUBMITTED" => Self::Submitted,
            "QUEUED" => Self::Queued,
            "IN_PROGRESS" => Self::InProgress,
            "SUCCESS" => Self::Success,
            "FAILURE" => Self::Failure,
            _ => Self::Unknown(word.to_owned()),
        }
    }
}

/// What both open enums need to be used as a word: to print, to parse, to serialise.
macro_rules! open_word {
    ($($name:ident),*) => {$(
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl FromStr for $name {
            type Err = Infallible;

            fn from_str(word: &str) -> Result<Self, Infallible> {
                Ok(Self::from(word))
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer).map(|word| Self::from(word.as_str()))
            }
        }
    )*};
}

open_word!(Status, TaskStatus);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_known_word_survives_the_round_trip() {
        for word in [
            "starting",
            "processing",
            "succeeded",
            "failed",
            "canceled",
            "aborted",
        ] {
            let status: Status = serde_json::from_value(word.into()).unwrap();
            assert!(!matches!(status, Status::Unknown(_)), "{word}");
            assert_eq!(serde_json::to_value(&status).unwrap(), word);
        }
        for word in [
            "NOT_START",
            "SUBMITTED",
            "QUEUED",
            "IN_PROGRESS",
            "SUCCESS",
            "FAILURE",
        ] {
            let status: TaskStatus = serde_json::from_value(word.into()).unwrap();
            assert!(!matches!(status, TaskStatus::Unknown(_)), "{word}");
            assert_eq!(serde_json::to_value(&status).unwrap(), word);
        }
    }

    #[test]
    fn an_unknown_word_is_kept_and_does_not_end_a_wait() {
        let status: Status = serde_json::from_value("Resting".into()).unwrap();
        assert_eq!(status, Status::Unknown("Resting".into()));
        assert!(!status.is_terminal());
        assert_eq!(serde_json::to_value(&status).unwrap(), "Resting");
        assert_eq!(
            TaskStatus::from("UNKNOWN").to_status(),
            Status::Unknown("UNKNOWN".into())
        );
    }

    #[test]
    fn exactly_four_words_are_terminal() {
        let all = [
            Status::Starting,
            Status::Processing,
            Status::Succeeded,
            Status::Failed,
            Status::Canceled,
            Status::Aborted,
        ];
        let ended: Vec<_> = all.iter().filter(|s| s.is_terminal()).collect();
        assert_eq!(ended.len(), 4);
        assert!(!Status::Starting.is_terminal() && !Status::Processing.is_terminal());
    }
}
