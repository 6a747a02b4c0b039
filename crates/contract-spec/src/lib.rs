//! The layers of the contract that read `openapi.yaml` and committed data and need no client, so
//! that a spec can be judged while the client does not compile. Package `contract` runs them with
//! the others; nothing here is published.

#![warn(clippy::print_stderr, clippy::print_stdout)]

pub mod l0_spec;
pub mod l1_drift;
pub mod l6_breaking;
pub mod l7_references;
pub mod layer;
pub mod mutants;
pub mod oracle;
mod reference;
pub mod report;
pub mod rows;
pub mod upstream;
pub mod workspace;

use layer::Layer;
use workspace::Workspace;

/// The layers of this package.
pub const LAYERS: [Layer<Workspace>; 4] = [
    l0_spec::LAYER,
    l1_drift::LAYER,
    l6_breaking::LAYER,
    l7_references::LAYER,
];
