//! Why a command ended without success, and what a person can do about it.

use std::error::Error as StdError;
use std::fmt;
use std::process::ExitCode;

use cometapi::Error;

use crate::{advice, exit, print};

/// The end of a command that did not succeed.
#[derive(Debug)]
pub(crate) struct Failure {
    code: u8,
    message: String,
    causes: Vec<String>,
    advice: Vec<String>,
    /// How the run is picked up again.
    way_back: Option<String>,
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

    /// Stopped waiting by the person; `id` goes on without us.
    pub(crate) fn interrupted(id: &str) -> Self {
        Self::new(
            exit::INTERRUPTED,
            format!("stopped waiting for prediction {id}"),
        )
        .with_way_back(id)
    }

    /// A create request may have been accepted.
    pub(crate) fn in_doubt(message: impl Into<String>) -> Self {
        Self::new(exit::DOUBT, message).with_advice(advice::LOOK_FIRST)
    }

    /// Stopped by the person while a create was on its way.
    pub(crate) fn interrupted_create() -> Self {
        Self::in_doubt("stopped while the create was on its way: it may have been accepted")
    }

    /// Stopped by the person while nothing was on its way.
    pub(crate) fn interrupted_before_create() -> Self {
        Self::new(
            exit::INTERRUPTED,
            "stopped before the create was accepted: nothing was created",
        )
    }

    /// What many came to, of which `code` is the gravest.
    pub(crate) fn of_many(code: u8, message: impl Into<String>) -> Self {
        Self::new(code, message)
    }

    /// The exit code.
    pub(crate) fn code(&self) -> u8 {
        self.code
    }

    fn new(code: u8, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            causes: Vec::new(),
            advice: Vec::new(),
            way_back: None,
        }
    }

    pub(crate) fn with_advice(mut self, advice: impl Into<String>) -> Self {
        self.advice.push(advice.into());
        self
    }

    pub(crate) fn with_way_back(mut self, id: &str) -> Self {
        self.way_back = Some(advice::go_on(id));
        self
    }

    /// The same in a mock of this process: what ran in it ends with it.
    pub(crate) fn in_mock(mut self) -> Self {
        if self.way_back.is_some() {
            self.way_back = Some("the mock was a part of this process, so it ended too".into());
        }
        self
    }

    pub(crate) fn caused_by(mut self, cause: &dyn StdError) -> Self {
        self.causes.push(cause.to_string());
        self.causes.extend(chain(cause));
        self
    }

    /// The causes under `error`, whose own words have been said.
    pub(crate) fn because_of(mut self, error: &dyn StdError) -> Self {
        self.causes.extend(chain(error));
        self
    }

    /// Stopped waiting for many by the person; `left` of them go on without us.
    pub(crate) fn interrupted_many(left: usize) -> Self {
        let message = format!("stopped waiting for {left} predictions");
        Self::new(exit::INTERRUPTED, message).with_advice("to go on: the same command")
    }

    /// Says all of it and gives the exit code.
    pub(crate) fn report(self) -> ExitCode {
        self.say();
        self.code.into()
    }

    /// Says all of it.
    pub(crate) fn say(&self) {
        // As clap begins its own.
        print::talk(format_args!("error: {}", indented(&self.message)));
        for cause in &self.causes {
            print::talk(format_args!("  because {}", indented(cause)));
        }
        for advice in self.advice.iter().chain(&self.way_back) {
            print::talk(format_args!("  {}", indented(advice)));
        }
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
            code: exit::code(&error),
            causes: chain(&error),
            advice: advice::of(&error),
            way_back: advice::way_back(&error),
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

/// Keeps the lines of a text together; some models fail with a whole traceback.
fn indented(text: &str) -> String {
    text.trim_end().replace('\n', "\n    ")
}
