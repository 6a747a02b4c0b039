//! The contract of this workspace, checked in layers: the client stays true to its spec, and
//! the spec to the service. `cargo xtask contract` runs it; nothing here is published.
//!
//! A layer is a module with one function, which says what it checked and what it found. That
//! the layers can fail is proved by `--prove`: a committed list of mutations, each of which
//! must turn its layer red.

#![warn(clippy::print_stderr, clippy::print_stdout)]

mod cli;
mod layers;
mod prove;
mod values;

pub use cli::{check, main};
pub use contract_spec::report::{Finding, Ran, Report};
pub use contract_spec::workspace::{SPEC, Workspace};
pub use layers::l8_live::Live;
pub use layers::{Options, Outside, Twist};
