//! The layers from outside: green on this workspace, red on what is wrong, and telling what
//! to do about it.

#![allow(
    clippy::unwrap_used,
    reason = "the helpers of a test are tests too, which clippy does not see"
)]

mod frame;
mod rehearsal;
mod spec_changes;
