//! Tests that need several sides of the workspace at once. Nothing here is published.

mod frozen_clock;
pub mod keys;
pub mod memory;

pub use frozen_clock::{FrozenClock, drive};
