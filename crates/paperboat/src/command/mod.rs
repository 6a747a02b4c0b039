//! The commands, and the steps that they share.

pub(crate) mod batch;
pub(crate) mod completions;
pub(crate) mod create;
mod finish;
pub(crate) mod get;
pub(crate) mod list;
pub(crate) mod man;
pub(crate) mod mock;
pub(crate) mod models;
pub(crate) mod prune;
pub(crate) mod run;
mod save;
pub(crate) mod wait;
