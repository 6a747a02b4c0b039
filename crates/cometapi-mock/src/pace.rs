//! How fast a prediction runs, and how it ends.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use crate::fault::Fault;

/// When a prediction goes from `starting` to `processing` to its end.
///
/// The response to the create request always has `starting`, as at the service (documented).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Pace {
    /// By tokio's clock, which tests may pause.
    Clock {
        /// How long it is `starting`, from the create request.
        starting: Duration,
        /// How long it is `processing` after that.
        processing: Duration,
    },
    /// By counting polls: no time has to pass.
    Polls {
        /// How many polls return `starting`.
        starting: u32,
        /// How many polls after those return `processing`.
        processing: u32,
    },
}

impl Pace {
    /// By tokio's clock.
    pub const fn clock(starting: Duration, processing: Duration) -> Self {
        Self::Clock {
            starting,
            processing,
        }
    }

    /// By counting polls.
    pub const fn polls(starting: u32, processing: u32) -> Self {
        Self::Polls {
            starting,
            processing,
        }
    }

    /// Over at the first poll.
    pub const fn instant() -> Self {
        Self::polls(0, 0)
    }

    pub(crate) fn phase(&self, age: Duration, earlier_polls: u32) -> Phase {
        let (starting, processing) = match *self {
            Self::Clock {
                starting,
                processing,
            } => (age < starting, age < starting.saturating_add(processing)),
            Self::Polls {
                starting,
                processing,
            } => (
                earlier_polls < starting,
                earlier_polls < starting.saturating_add(processing),
            ),
        };
        match (starting, processing) {
            (true, _) => Phase::Starting,
            (false, true) => Phase::Processing,
            (false, false) => Phase::Ended,
        }
    }
}

impl Default for Pace {
    /// For people: 300 ms and 900 ms.
    fn default() -> Self {
        Self::clock(Duration::from_millis(300), Duration::from_millis(900))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    Starting,
    Processing,
    Ended,
}

/// How a prediction ends.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Ending {
    /// `succeeded`, with what the model returns: images, or, of a model that the document says so of,
    /// text (`x-output: text`, as a list of tokens) or JSON.
    #[default]
    Succeeded,
    /// `succeeded`, with this as its `output`: an object, say, as in the oldest reference
    /// (documented, superseded).
    Output(Value),
    /// `succeeded`, with a null `output` though nothing was removed (observed).
    NullOutput,
    /// `succeeded`, and since then deleted: `data_removed`, empty `input`, null `output`
    /// (documented by Replicate, after one hour).
    Removed,
    /// `failed`, with this sentence as its `error` (documented).
    Failed(String),
    /// `canceled` (documented by Replicate).
    Canceled,
    /// `aborted`: ended before it began (documented by Replicate).
    Aborted,
}

impl Ending {
    /// `failed`, with this sentence as its `error`.
    pub fn failed(error: impl Into<String>) -> Self {
        Self::Failed(error.into())
    }

    /// `failed` in the words of the safety checker of flux-schnell and flux-dev (observed).
    pub fn nsfw() -> Self {
        Self::failed("NSFW content detected. Try running it again, or try a different prompt.")
    }

    /// `failed` in the words of the moderation of the pro models (observed).
    pub fn flagged() -> Self {
        Self::failed(
            "The input or output was flagged as sensitive. Please try again with different \
             inputs. (E005) (mK4tQ7wZ2b)",
        )
    }

    /// Whether the prediction returns nothing, so that its charge is refunded.
    pub(crate) fn is_failure(&self) -> bool {
        match self {
            Self::Succeeded | Self::Output(_) | Self::NullOutput | Self::Removed => false,
            Self::Failed(_) | Self::Canceled | Self::Aborted => true,
        }
    }

    pub(crate) fn word(&self) -> &'static str {
        match self {
            Self::Succeeded | Self::Output(_) | Self::NullOutput | Self::Removed => "succeeded",
            Self::Failed(_) => "failed",
            Self::Canceled => "canceled",
            Self::Aborted => "aborted",
        }
    }
}

/// One response of a script.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Step {
    /// `starting`.
    Starting,
    /// `processing`.
    Processing,
    /// This status word, otherwise as while processing: `queued`, `running` and the like
    /// (observed in a fork of the gateway).
    Word(String),
    /// The end.
    End(Ending),
    /// This fault instead of the response.
    Fault(Fault),
}

/// The responses to the polls of one prediction, one after another; the last one stays.
///
/// ```
/// use cometapi_mock::{Ending, Fault, Script, Step};
///
/// let script = Script::new([
///     Step::Starting,
///     Step::Fault(Fault::BadGatewayPage),
///     Step::Processing,
///     Step::End(Ending::Succeeded),
/// ]);
/// # let _ = script;
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Script(Arc<[Step]>);

impl Script {
    /// A script of these steps. Without any, every poll returns `starting`.
    pub fn new(steps: impl IntoIterator<Item = Step>) -> Self {
        Self(steps.into_iter().collect())
    }

    pub(crate) fn step(&self, earlier_polls: u32) -> Step {
        let at = usize::try_from(earlier_polls).unwrap_or(usize::MAX);
        self.0
            .get(at)
            .or(self.0.last())
            .cloned()
            .unwrap_or(Step::Starting)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_the_clock_each_state_ends_on_its_instant() {
        let pace = Pace::clock(Duration::from_millis(300), Duration::from_millis(900));
        let at = |ms| pace.phase(Duration::from_millis(ms), 99);
        assert_eq!(at(0), Phase::Starting);
        assert_eq!(at(299), Phase::Starting);
        assert_eq!(at(300), Phase::Processing);
        assert_eq!(at(1199), Phase::Processing);
        assert_eq!(at(1200), Phase::Ended);
    }

    #[test]
    fn by_polls_no_time_is_needed() {
        let pace = Pace::polls(1, 2);
        let at = |polls| pace.phase(Duration::MAX, polls);
        assert_eq!(at(0), Phase::Starting);
        assert_eq!(at(1), Phase::Processing);
        assert_eq!(at(2), Phase::Processing);
        assert_eq!(at(3), Phase::Ended);
        assert_eq!(Pace::instant().phase(Duration::ZERO, 0), Phase::Ended);
    }

    #[test]
    fn endless_paces_do_not_overflow() {
        let pace = Pace::clock(Duration::MAX, Duration::MAX);
        assert_eq!(pace.phase(Duration::from_secs(1), 0), Phase::Starting);
        let pace = Pace::polls(u32::MAX, u32::MAX);
        assert_eq!(pace.phase(Duration::ZERO, 5), Phase::Starting);
    }

    #[test]
    fn a_script_stays_at_its_last_step() {
        let script = Script::new([Step::Processing, Step::End(Ending::Canceled)]);
        assert_eq!(script.step(0), Step::Processing);
        assert_eq!(script.step(1), Step::End(Ending::Canceled));
        assert_eq!(script.step(u32::MAX), Step::End(Ending::Canceled));
        assert_eq!(Script::new([]).step(3), Step::Starting);
    }
}
