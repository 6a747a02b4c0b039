//! How things are measured: pairs of child processes, regions of a process, and instructions.

mod instructions;
mod pairs;
mod region;
mod stats;

pub(crate) use instructions::instructions_per_item;
pub(crate) use pairs::{Pairs, Readings, Side};
pub(crate) use region::{Region, program, raise_open_files, thread_time};
pub(crate) use stats::Spread;
