//! Every field of every known model, held to a table that was transcribed without the spec:
//! the typed inputs, the registry, the JSON Schemas, the check, and the mock.
#![expect(clippy::unwrap_used, reason = "tests: a panic is the failure")]

mod check;
mod mock;
mod registry;
mod schema;
mod table;
mod typed;
