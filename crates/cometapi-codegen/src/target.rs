//! Which specs there are, and where what is made of them belongs.

/// A spec, and what is made of it where. All paths are relative to the workspace's root, with `/`
/// between their parts.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// The spec.
    pub spec: &'static str,
    /// The package of the generated client: `src/generated.rs`, a copy of the spec,
    /// `generated.sums`, and `schemas`.
    pub client: &'static str,
    /// Further copies of the spec, for packages that carry one.
    pub copies: &'static [&'static str],
    /// The components that are published as JSON Schema, below the client's `schemas`.
    pub schemas: &'static [&'static str],
    /// The components whose Rust type is written by hand.
    pub replaced: &'static [Replaced],
    /// The source folder for typed inputs, for a spec that describes models.
    pub models: Option<&'static str>,
}

/// A component whose Rust type is written by hand in the client's package, because it must stay
/// open where the generator would close it (an unknown status, a response in another envelope), or
/// be stricter than a pattern (path parameters).
#[derive(Debug, Clone, Copy)]
pub struct Replaced {
    /// The component.
    pub schema: &'static str,
    /// The path of the type.
    pub by: &'static str,
    /// Whether the type implements `Display` and `FromStr`, as a parameter must; the generator asks
    /// before it derives.
    pub is_text: bool,
}

/// Every spec of the workspace.
pub const TARGETS: &[&Target] = &[&PREDICTIONS, &ACCOUNT];

/// The predictions and their models: `openapi.yaml`.
pub const PREDICTIONS: Target = Target {
    spec: "openapi.yaml",
    client: "crates/cometapi-client",
    copies: &["crates/cometapi-mock/openapi.yaml"],
    schemas: &[
        "AnyError",
        "CreatePredictionRequest",
        "Prediction",
        "PredictionResponse",
    ],
    replaced: &[
        text("ModelName", "crate::ModelName"),
        text("ModelOwner", "crate::ModelOwner"),
        text("PredictionId", "crate::PredictionId"),
        text("PredictionStatus", "crate::Status"),
        text("TaskStatus", "crate::TaskStatus"),
        Replaced {
            schema: "PredictionResponse",
            by: "crate::PredictionResponse",
            is_text: false,
        },
    ],
    models: Some("crates/cometapi-models/src"),
};

/// Models with their prices, balance and tasks of an account.
pub const ACCOUNT: Target = Target {
    spec: "crates/cometapi-account/openapi.yaml",
    client: "crates/cometapi-account",
    copies: &["crates/cometapi-mock/account.yaml"],
    schemas: &[],
    replaced: &[],
    models: None,
};

impl Target {
    /// The target whose client is the package `package`, for its build script.
    pub fn of_package(package: &str) -> Option<&'static Self> {
        let mut targets = TARGETS.iter().copied();
        targets.find(|target| target.client.rsplit('/').next() == Some(package))
    }
}

const fn text(schema: &'static str, by: &'static str) -> Replaced {
    Replaced {
        schema,
        by,
        is_text: true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_found_by_its_package() {
        for target in TARGETS {
            let package = target.client.strip_prefix("crates/").unwrap();
            let found = Target::of_package(package).unwrap();
            assert_eq!(found.spec, target.spec);
        }
        assert!(Target::of_package("client").is_none());
    }
}
