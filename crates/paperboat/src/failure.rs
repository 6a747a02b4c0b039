//! Why a command ended without success, and what a person can do about it.

use std::error::Error as StdError;
use std::fmt;

use cometapi::{Error, ErrorKind};
use cometapi_account::ErrorKind as AccountErrorKind;
use cometapi_batch::{ErrorKind as LedgerErrorKind, OnceError};
use serde_json::{Map, Value, json};

use crate::args::Refusal;
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

    /// Something of the account could not be read.
    pub(crate) fn account(error: &cometapi_account::Error) -> Self {
        let code = match error.kind() {
            AccountErrorKind::Config
            | AccountErrorKind::UnknownHere
            | AccountErrorKind::NoKey
            | AccountErrorKind::NoToken => exit::USAGE,
            AccountErrorKind::Unauthorized => exit::KEY,
            _ => exit::OTHER,
        };
        let failure = Self::new(code, error.to_string()).because_of(error);
        match error.kind() {
            AccountErrorKind::NoToken => {
                let login = advice::command("login", "--access-token");
                failure.with_advice(format!("to store it: {login}"))
            }
            _ => failure,
        }
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
        Self::new(exit::DOUBT, message).with_advice(advice::look_first())
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

    /// A signal ended the wait for a prediction that another process is creating.
    pub(crate) fn interrupted_elsewhere(signal: Signal) -> Self {
        let message =
            format!("stopped waiting for the process that has this prediction ({signal})");
        Self::new(signal.exit_code(), message)
    }

    /// Some of many failed; `code` is the most severe exit code.
    pub(crate) fn of_many(code: u8, message: impl Into<String>) -> Self {
        Self::new(code, message)
    }

    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    pub(crate) fn code(&self) -> u8 {
        self.code
    }

    /// Its place among others; a failure of this machine is as severe as one to use its files.
    pub(crate) fn severity(&self) -> u8 {
        self.kind.unwrap_or(ErrorKind::File).severity()
    }

    /// The advice on it, as one sentence; empty if there is none.
    pub(crate) fn next_step(&self) -> String {
        self.advice.join("; ")
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

    /// The same of a command that creates a prediction each time that it is run.
    pub(crate) fn not_to_be_run_again(self) -> Self {
        if self.code == exit::TIMEOUT {
            return self
                .with_advice("the same command would create and pay for another prediction");
        }
        self
    }

    /// The same of a command that continues with its prediction when it is run again.
    pub(crate) fn continued_by_the_same_command(mut self) -> Self {
        // Its folder takes no file the next time either.
        if self.kind == Some(ErrorKind::File) {
            return self;
        }
        if self.continuation.is_some() || self.code == exit::TIMEOUT {
            self.continuation = Some("to continue, run the same command again".to_owned());
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

    /// What is printed of it beside its message, where messages are JSON.
    pub(crate) fn fields(&self) -> Map<String, Value> {
        let advice = self.advice.iter().chain(&self.continuation);
        let fields = [
            ("exit_code", json!(self.code)),
            ("kind", json!(self.kind.map(ErrorKind::as_str))),
            ("causes", json!(self.causes)),
            ("advice", advice.map(String::as_str).collect()),
        ];
        let fields = fields.into_iter();
        fields
            .map(|(name, value)| (name.to_owned(), value))
            .collect()
    }

    /// What is printed of it, line by line.
    pub(crate) fn lines(&self) -> impl Iterator<Item = String> {
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

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        let mut failure = Self::usage(refusal.message);
        failure.causes.extend(refusal.cause);
        failure.advice = refusal.advice;
        failure
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

impl From<OnceError> for Failure {
    fn from(error: OnceError) -> Self {
        match error {
            OnceError::Service(error) => error.into(),
            OnceError::Ledger(error) if error.kind() == LedgerErrorKind::TakenId => {
                Self::in_doubt(format!(
                    "the create request may have been accepted, but was answered with the id of \
                     another prediction: {error}"
                ))
            }
            OnceError::Ledger(error) if error.kind() == LedgerErrorKind::KeyReused => {
                Self::usage(error.to_string()).with_advice("nothing was sent")
            }
            OnceError::Ledger(error) if error.kind() == LedgerErrorKind::MaxCost => {
                let advice = advice::of_cost(&error);
                Self::usage(error.to_string()).with_advice(advice)
            }
            OnceError::Ledger(error) => {
                // A ledger that cannot be used for now is no fault of the command line.
                let code = match error.kind() {
                    LedgerErrorKind::Busy
                    | LedgerErrorKind::Full
                    | LedgerErrorKind::Ledger
                    | LedgerErrorKind::Lost => exit::OTHER,
                    _ => exit::USAGE,
                };
                Self::new(code, format!("the prediction cannot be recorded: {error}"))
                    .because_of(&error)
                    .with_advice("nothing was created; to use another ledger: --ledger FILE")
            }
            OnceError::Unresolved(_) => Self::in_doubt(error.to_string())
                .with_advice("to create it again, which may cost twice: --retry-unresolved"),
            OnceError::Ended(ref entry) => {
                let kind = entry.outcome.as_ref().and_then(|outcome| outcome.kind);
                Self::new(kind.map_or(exit::OTHER, exit::of), error.to_string())
            }
            // Another process has it, and this one has waited long enough.
            error => Self::new(exit::TIMEOUT, error.to_string()),
        }
    }
}

/// Every cause under `error`, nearest first.
fn chain(error: &dyn StdError) -> Vec<String> {
    std::iter::successors(error.source(), |cause| (*cause).source())
        .map(ToString::to_string)
        .collect()
}
