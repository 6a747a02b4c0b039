//! The files that a spec gives, so that writing and checking go by one list.

use crate::json_schema::json_schema;
use crate::read::read;
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

/// The components that are published as JSON Schema, and where.
const SCHEMAS: [(&str, &str); 4] = [
    (
        "AnyError",
        "crates/cometapi-client/schemas/any-error.schema.json",
    ),
    (
        "CreatePredictionRequest",
        "crates/cometapi-client/schemas/create-prediction-request.schema.json",
    ),
    (
        "Prediction",
        "crates/cometapi-client/schemas/prediction.schema.json",
    ),
    (
        "PredictionAnswer",
        "crates/cometapi-client/schemas/prediction-answer.schema.json",
    ),
];

/// Every file that the text of an `openapi.yaml` gives.
pub fn artifacts(spec_yaml: &str) -> Result<Vec<Artifact>, Error> {
    let generated = generate(spec_yaml)?;
    let mut artifacts = vec![
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
    ];
    let spec = read(spec_yaml)?;
    for (component, path) in SCHEMAS {
        // A component that is gone takes its file with it; whoever has it still sees a stale one.
        if let Some(contents) = json_schema(&spec, component) {
            artifacts.push(Artifact { path, contents });
        }
    }
    Ok(artifacts)
}
