//! Why a command ended without success, and what a person can do about it.

use std::error::Error as StdError;
use std::fmt;

use cometapi::{Error, ErrorKind};

use crate::interrupt::Signal;
use crate::{advice, exit};

/// The end of a command that did not succeed.
#[derive(Debug)]
pub(crate) struct Failure {
    code: u8,
    kind: Option<ErrorKind>,
    message: String,
    causes: Vec<String>,
    advice: Vec<String>,
    /// The command that continues with the prediction.
    continuation: Option<String>,
}

impl Failure {
    /// Refused before anything was sent.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(exit::USAGE, message)
    }

    /// A fault of this machine's.
    pub(crate) fn other(message: impl Into<String>, cause: &dyn StdError) -> Self {
        Self::new(exit::OTHER, message).caused_by(cause)
    }

    /// A signal ended the wait for the prediction `id`, which continues.
    pub(crate) fn interrupted(signal: Signal, id: &str) -> Self {
        let message = format!("stopped waiting for prediction {id} ({signal})");
        Self::new(signal.exit_code(), message).with_continuation(id)
    }

    pub(crate) fn ended_by(signal: Signal) -> Self {
        Self::new(signal.exit_code(), format!("ended by {signal}"))
    }

    /// A create request may have been accepted.
    pub(crate) fn in_doubt(message: impl Into<String>) -> Self {
        Self::new(exit::DOUBT, message).with_advice(advice::LOOK_FIRST)
    }

    /// A signal ended the command, and the create request in flight got no response.
    pub(crate) fn interrupted_create() -> Self {
        Self::in_doubt("stopped while a create request was in flight: it may have been accepted")
    }

    /// A signal ended the command while no create request was in flight.
    pub(crate) fn interrupted_before_create(signal: Signal) -> Self {
        Self::new(
            signal.exit_code(),
            format!("stopped before a create request was accepted ({signal}): nothing was created"),
        )
    }

    /// Some of many failed; `code` is the most severe exit code.
    pub(crate) fn of_many(code: u8, message: impl Into<String>) -> Self {
        Self::new(code, message)
    }

    pub(crate) fn code(&self) -> u8 {
        self.code
    }

    /// Its place among others; a failure of this machine is as severe as one to use its files.
    pub(crate) fn severity(&self) -> u8 {
        self.kind.unwrap_or(ErrorKind::File).severity()
    }

    fn new(code: u8, message: impl Into<String>) -> Self {
        Self {
            code,
            kind: None,
            message: message.into(),
            causes: Vec::new(),
            advice: Vec::new(),
            continuation: None,
        }
    }

    pub(crate) fn with_advice(mut self, advice: impl Into<String>) -> Self {
        self.advice.push(advice.into());
        self
    }

    pub(crate) fn with_continuation(mut self, id: &str) -> Self {
        self.continuation = Some(advice::continue_with(id));
        self
    }

    /// The same in a mock of this process: what ran in it ends with it.
    pub(crate) fn in_mock(mut self) -> Self {
        if self.continuation.is_some() {
            self.continuation = Some("the mock ended with this process".into());
        }
        self
    }

    pub(crate) fn caused_by(mut self, cause: &dyn StdError) -> Self {
        self.causes.push(cause.to_string());
        self.causes.extend(chain(cause));
        self
    }

    /// Adds the causes under `error`, whose own message is there already.
    pub(crate) fn because_of(mut self, error: &dyn StdError) -> Self {
        self.causes.extend(chain(error));
        self
    }

    /// A signal ended the wait for many predictions; `left` of them continue.
    pub(crate) fn interrupted_many(signal: Signal, left: usize) -> Self {
        let message = format!("stopped waiting for {left} predictions ({signal})");
        Self::new(signal.exit_code(), message)
            .with_advice("to continue, run the same command again")
    }

    /// What is printed of it, line by line.
    pub(crate) fn lines(&self) -> impl Iterator<Item = String> {
        // As clap begins its own.
        let message = [format!("error: {}", self.message)];
        let causes = self.causes.iter().map(|cause| format!("  because {cause}"));
        let advice = self.advice.iter().chain(&self.continuation);
        let advice = advice.map(|advice| format!("  {advice}"));
        message.into_iter().chain(causes).chain(advice)
    }
}

/// In the middle of a sentence: what happened, and why.
impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        self.causes
            .iter()
            .try_for_each(|cause| write!(f, ": {cause}"))
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self {
            code: exit::of(error.kind()),
            kind: Some(error.kind()),
            causes: chain(&error),
            advice: advice::of(&error),
            continuation: advice::continuation(&error),
            message: error.to_string(),
        }
    }
}

/// Every cause under `error`, nearest first.
fn chain(error: &dyn StdError) -> Vec<String> {
    std::iter::successors(error.source(), |cause| (*cause).source())
        .map(ToString::to_string)
        .collect()
}
