//! A `PostgreSQL` server of their own for tests, and a [`Proxy`] in front of it.
//!
//! The server runs in a temporary folder, on a free port of the loopback interface, as a user without
//! rights: `PostgreSQL` refuses to run as root. It ends with the process that started it, however that
//! ends.
//!
//! Where `PostgreSQL` is not installed, tests [skip](Server::shared) themselves and say so. With
//! `COMETAPI_REQUIRE_POSTGRES` set, they fail.

#![allow(
    clippy::expect_used,
    clippy::missing_panics_doc,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "a helper of tests: a panic is the failure"
)]

mod install;
mod proxy;
mod server;

pub use install::{Install, give};
pub use proxy::{Fault, Proxy};
pub use server::{PASSWORD, Server, free_port};
