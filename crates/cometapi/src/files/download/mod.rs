//! Downloads: fetched without the key, complete or not at all.

pub(crate) mod access;
pub(crate) mod attempts;
mod clients;
mod durable;
pub(crate) mod fault;
pub(crate) mod fetch;
pub mod names;
mod part;
pub(crate) mod policy;
pub(crate) mod range;
pub(crate) mod save;
pub(crate) mod saved_file;
mod speed;
