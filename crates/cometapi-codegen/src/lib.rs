//! Turns a spec into the code of a client, and what it says of models into typed inputs. A
//! [`Target`] says which spec and where the files go; [`PREDICTIONS`] is `openapi.yaml`,
//! [`ACCOUNT`] the spec of the account.
//!
//! A spec goes through four steps, a module each:
//!
//! 1. It is **read** strictly: what a lenient reader would decide in silence, such as which
//!    of two equal keys wins, is an error.
//! 2. It is **linted** against house rules: what makes the generator panic, what it turns
//!    into code that fails on real answers, what it ignores without a word.
//! 3. A copy is **lowered** to what the generator should see: error responses go (they are
//!    decoded by hand, with status, headers and body at hand), inline enums get names.
//! 4. It is **rendered** as Rust.
//!
//! The two callers, `cargo xtask generate` and the client's build script under its feature
//! `from-spec`, get the same bytes from the same spec.
//!
//! ```no_run
//! let spec = std::fs::read_to_string("openapi.yaml")?;
//! let generated = cometapi_codegen::PREDICTIONS.generate(&spec)?;
//! assert!(generated.code.contains("pub async fn create_prediction"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![warn(clippy::print_stderr, clippy::print_stdout)]

mod artifacts;
mod document;
mod error;
mod import;
mod json_schema;
mod lint;
mod lower;
mod models;
mod read;
mod render;
mod target;

pub use artifacts::{Artifact, Generated};
pub use error::{Error, Finding};
pub use import::{
    Glossary, ImportOptions, ImportOutput, Imported, Importer, PublishedModel, import_model,
    published_models,
};
pub use lint::rules;
pub use read::read;
pub use target::{ACCOUNT, PREDICTIONS, Replaced, TARGETS, Target};

// Compiles the programs in the package's README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
