//! The wrapper against the mock, and against servers that answer as others wrote it down.

#![allow(
    clippy::expect_used,
    clippy::format_push_string,
    clippy::too_many_lines,
    clippy::unwrap_used,
    reason = "tests: a panic is the failure, and a table is as long as it is"
)]

mod connections;
mod defaults;
mod documented;
mod fault_table;
mod faults;
mod files;
mod hedged_poll;
#[cfg(target_os = "linux")]
mod memory;
mod models;
mod no_runtime;
mod packages;
mod readme;
mod resume;
mod run;
mod secrets;
mod setup;
mod soak;
mod structure;
mod tracing_spans;
mod wait;
mod wire;
