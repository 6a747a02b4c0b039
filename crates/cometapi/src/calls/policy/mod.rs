//! When to try again, how long to wait, when to stop: plain data and pure functions. No
//! clock, no network, no task is touched here.

mod create;
mod durations;
mod next_poll;
mod pace;
mod schedule;
mod wait;

pub use create::CreatePolicy;
pub(crate) use create::{CreateDecision, CreateOutcome};
pub use durations::Durations;
pub use next_poll::NextPoll;
pub use pace::PollPace;
pub use schedule::PollSchedule;
pub(crate) use wait::PollOutcome;
pub use wait::WaitPolicy;
