//! Batches against the mock, in processes of their own where they are killed.

#![allow(
    clippy::expect_used,
    clippy::too_many_lines,
    clippy::unwrap_used,
    reason = "tests: a panic is the failure, and a story is as long as it is"
)]

mod changed;
mod doubts;
mod engine;
mod exactly_once;
mod faulty;
mod money;
mod names;
mod once;
mod paying;
mod postgres;
mod setup;
mod thousand_keys;
mod together;
