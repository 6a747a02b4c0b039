//! The operations: create, get and wait, and the policies that they follow.

pub(crate) mod create;
mod last_state;
pub(crate) mod limiter;
pub(crate) mod policy;
pub(crate) mod poll;
pub(crate) mod predictions;
pub(crate) mod wait;
