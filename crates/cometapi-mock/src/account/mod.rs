//! The account side: prices, balance and tasks, consistent with the predictions of this server.
//!
//! What it serves was read in the source of the vendor's own client; where that says nothing, the gateway's
//! software family decides, and the items here say so.

pub(crate) mod amount;
pub(crate) mod answer;
mod builder;
pub(crate) mod charges;
pub(crate) mod check;
pub(crate) mod credential;
pub(crate) mod endpoint;
pub(crate) mod models;
pub(crate) mod price;
mod server;
pub(crate) mod settings;
pub(crate) mod task;
