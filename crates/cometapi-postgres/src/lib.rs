//! The ledger of [`cometapi_batch`] on `PostgreSQL`.

#![warn(clippy::print_stderr, clippy::print_stdout)]

mod begin;
mod changed;
mod claim;
mod columns;
mod costs;
mod durations;
mod fault;
mod lane;
mod ledger;
mod life;
mod list;
mod load;
mod loader;
mod mark;
mod names;
mod options;
mod pause;
mod prune;
mod schema;
mod server;
mod session;
mod stage;
mod thread;
#[cfg(feature = "rustls")]
mod tls;
mod worker;

pub use crate::ledger::PostgresLedger;
pub use crate::options::PostgresOptions;
