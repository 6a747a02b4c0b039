//! The files that a spec gives, so that writing and checking go by one list.

use crate::{Error, generate};

/// A file that is made from the spec.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Artifact {
    /// Where it belongs, relative to the workspace root, with `/` between its parts.
    pub path: &'static str,
    /// What it holds.
    pub contents: String,
}

/// Every file that the text of an `openapi.yaml` gives.
pub fn artifacts(spec_yaml: &str) -> Result<Vec<Artifact>, Error> {
    let generated = generate(spec_yaml)?;
    Ok(vec![
        Artifact {
            path: "crates/cometapi-client/src/generated.rs",
            contents: generated.code,
        },
        Artifact {
            path: "crates/cometapi-client/openapi.yaml",
            contents: spec_yaml.to_owned(),
        },
        Artifact {
            path: "crates/cometapi-mock/openapi.yaml",
            contents: spec_yaml.to_owned(),
        },
    ])
}
