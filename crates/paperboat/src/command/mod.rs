//! The commands, one a file, and the steps that they share.

pub(crate) mod batch;
pub(crate) mod complete;
pub(crate) mod completions;
pub(crate) mod create;
mod finish;
pub(crate) mod get;
pub(crate) mod list;
pub(crate) mod man;
pub(crate) mod mock;
pub(crate) mod models;
pub(crate) mod run;
mod save;
pub(crate) mod schema;
pub(crate) mod wait;
