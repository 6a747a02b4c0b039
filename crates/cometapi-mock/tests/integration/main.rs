//! The mock from outside: over its sockets, with an ordinary HTTP client.

#![allow(
    clippy::unwrap_used,
    reason = "clippy.toml lets tests unwrap; their helpers may as well"
)]

mod account;
mod answers;
mod client;
mod faults;
mod files;
mod inputs;
mod lifecycle;
mod predictions;
mod shapes;
mod violations;
