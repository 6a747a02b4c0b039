//! The ledger of [`cometapi_batch`] on `PostgreSQL`, for workers on many machines.
//!
//! [`PostgresLedger`] is a [`Ledger`](cometapi_batch::Ledger): whatever takes one
//! ([`Batch`](cometapi_batch::Batch), [`Once`](cometapi_batch::Once),
//! [`Finish`](cometapi_batch::Finish), [`Resolve`](cometapi_batch::Resolve)) runs on it, on as many
//! machines as share the database. It passes every check of `cometapi_batch::conformance`.
//!
//! ```no_run
//! use std::sync::Arc;
//!
//! use cometapi::{Client, Input};
//! use cometapi_batch::Once;
//! use cometapi_postgres::PostgresLedger;
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let client = Client::from_env()?;
//! let ledger = PostgresLedger::connect("postgres://painter@db.example/studio").await?;
//! // On whichever machine it is asked for: one key, one prediction.
//! let cover = Once::new(&client, Arc::new(ledger))
//!     .key("order-4711/cover")
//!     .run("black-forest-labs/flux-schnell", Input::from_iter([("prompt", "a paper boat")]))
//!     .await?;
//! # Ok(())
//! # }
//! ```
//!
//! # Which worker lives
//!
//! A process lives as long as a session of its own holds an advisory lock; the session does nothing else.
//! The server releases the lock when the process ends, however it ends, and when its machine has not
//! answered for half a minute. There is no lease that a slow process could miss. A process whose
//! session ends by mistake is refused with [`Lost`](cometapi_batch::ErrorKind::Lost) and claims nothing
//! more; what it is sending then is recorded if its answer comes, and else unresolved.
//!
//! # What survives
//!
//! Intents, the mark that a create request is sent, its id, that it was refused, saved files, reserved names and
//! results are committed with `synchronous_commit = on`, or with the server's `remote_apply`. Everything else
//! may be lost in a crash of the server, and costs at most one more poll.
//!
//! A connection that is cut is opened again, after the server has ended what the earlier one was doing. What
//! was asked for last is then done once, whether or not it was done before.
//!
//! # Files
//!
//! A batch saves its files in a folder. Workers on several machines need one that they share, or the file of
//! each row is on the machine that ran it: a later run elsewhere finds it missing, and downloads it
//! again as long as the service keeps it, which is about an hour. With
//! [`Batch::no_files`](cometapi_batch::Batch::no_files) nothing is saved, and the URLs are recorded.
//!
//! # Features
//!
//! - `rustls` (default): TLS to the server, with the system's trusted certificates, or with those that
//!   [`PostgresOptions::root_certificates`] names. Without it, only `sslmode=disable` and `prefer`
//!   connect.

#![warn(clippy::print_stderr, clippy::print_stdout)]

mod begin;
mod calls;
mod changed;
mod claim;
mod columns;
mod costs;
mod durations;
mod ended;
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
mod parameters;
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

// Compiles the program in the package's README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
