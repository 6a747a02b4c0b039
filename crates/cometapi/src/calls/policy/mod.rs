//! When to try again, how long to wait, when to stop: plain data and pure functions. No
//! clock, no network, no task is touched here.

mod create;
mod wait;

pub use create::CreatePolicy;
pub(crate) use create::{CreateDecision, CreateOutcome};
pub use wait::WaitPolicy;
pub(crate) use wait::{PollOutcome, WaitDecision};
