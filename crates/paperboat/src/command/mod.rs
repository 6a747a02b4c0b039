//! The commands, and the steps that they share.

pub(crate) mod again;
pub(crate) mod batch;
pub(crate) mod completions;
pub(crate) mod create;
pub(crate) mod doctor;
mod finish;
pub(crate) mod gallery;
pub(crate) mod get;
pub(crate) mod list;
pub(crate) mod login;
pub(crate) mod logout;
pub(crate) mod man;
mod many;
pub(crate) mod mock;
pub(crate) mod models;
mod place;
pub(crate) mod prices;
pub(crate) mod prune;
pub(crate) mod resolve;
pub(crate) mod run;
mod save;
mod saver;
pub(crate) mod show;
mod stdout;
mod summary;
mod unknown_id;
pub(crate) mod wait;
