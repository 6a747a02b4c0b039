//! Schemas whose Rust type is written by hand in `cometapi-client`.
//!
//! They must stay open where the generator would close them (a status that is not
//! known, a response in another envelope), or be stricter than a pattern (path parameters).

use progenitor::TypeImpl;

pub(crate) struct Replaced {
    pub(crate) schema: &'static str,
    pub(crate) by: &'static str,
    /// What the type implements beyond serde; the generator asks before it derives.
    pub(crate) impls: &'static [TypeImpl],
}

const TEXT: &[TypeImpl] = &[TypeImpl::Display, TypeImpl::FromStr];

pub(crate) const REPLACED: &[Replaced] = &[
    replaced("ModelName", "crate::ModelName", TEXT),
    replaced("ModelOwner", "crate::ModelOwner", TEXT),
    replaced("PredictionResponse", "crate::PredictionResponse", &[]),
    replaced("PredictionId", "crate::PredictionId", TEXT),
    replaced("PredictionStatus", "crate::Status", TEXT),
    replaced("TaskStatus", "crate::TaskStatus", TEXT),
];

const fn replaced(schema: &'static str, by: &'static str, impls: &'static [TypeImpl]) -> Replaced {
    Replaced { schema, by, impls }
}

pub(crate) fn is_replaced(schema: &str) -> bool {
    REPLACED.iter().any(|replaced| replaced.schema == schema)
}
