//! What `openapi.yaml` allows, read here and nowhere else: the mock shares no code with the
//! client, so that the two can contradict each other.

mod convert;
mod input;
mod load;
mod model;
mod path;
mod request;
mod response;
mod violation;

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

pub use input::InputFault;
pub(crate) use model::{Model, Output, Sides};
pub use request::Checked;
pub(crate) use request::{bearer, credentials, query_pairs, security, undeclared};
pub use violation::{Rule, Violation};

use http::Method;
use load::{Loader, Operation};
use serde_json::Value;

/// The `openapi.yaml` that this crate ships.
pub const SHIPPED: &str = include_str!("../../openapi.yaml");

/// An OpenAPI 3.0 document, compiled for checking requests and responses.
///
/// ```
/// use cometapi_mock::Spec;
/// use http::{HeaderMap, Method};
///
/// let spec = Spec::shipped()?;
/// let checked = spec.check_request(
///     &Method::GET,
///     "/replicate/v1/predictions/abc?page=2",
///     &HeaderMap::new(),
///     b"",
/// );
/// assert_eq!(checked.operation.as_deref(), Some("get_prediction"));
/// // No key, and a query that the document does not declare.
/// assert_eq!(checked.violations.len(), 2);
/// # Ok::<(), cometapi_mock::SpecError>(())
/// ```
#[derive(Debug)]
pub struct Spec {
    /// The path of the first server, without its final slash.
    prefix: String,
    operations: Vec<Operation>,
    models: BTreeMap<String, Model>,
}

/// An operation with a sample request, for people.
pub(crate) struct Endpoint<'s> {
    pub(crate) method: &'s Method,
    /// The path with its parameters in braces.
    pub(crate) template: String,
    pub(crate) path: String,
    pub(crate) summary: &'s str,
    pub(crate) body: Option<&'s Value>,
    pub(crate) bearer: bool,
}

static COMPILED: LazyLock<Result<Arc<Spec>, SpecError>> =
    LazyLock::new(|| Spec::parse(SHIPPED).map(Arc::new));

impl Spec {
    /// The document that this crate ships, compiled once per process.
    pub fn shipped() -> Result<Arc<Self>, SpecError> {
        COMPILED.clone()
    }

    /// Compiles a document of your own, say a changed one that a test wants to be refused.
    ///
    /// Fails on duplicate keys, dangling references and schema words that OpenAPI 3.0 does
    /// not know: a word that is silently skipped is a check that is silently not made.
    pub fn parse(yaml: &str) -> Result<Self, SpecError> {
        let root: Value = serde_saphyr::from_str(yaml)
            .map_err(|error| SpecError::new("yaml", error.to_string()))?;
        let loader = Loader::new(&root)?;
        Ok(Self {
            prefix: load::prefix(&root)?,
            operations: loader.operations()?,
            models: model::all(&loader)?,
        })
    }

    /// The path under which all operations live, `/replicate/v1` in the shipped document.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// The ids of the operations, in the order of the document.
    pub fn operations(&self) -> impl Iterator<Item = &str> {
        self.operations.iter().map(|operation| &*operation.id)
    }

    /// The ids of the models whose inputs the document describes, `owner/name`, sorted.
    pub fn models(&self) -> impl Iterator<Item = &str> {
        self.models.keys().map(String::as_str)
    }

    /// The operations as a person would try them.
    pub(crate) fn endpoints(&self) -> impl Iterator<Item = Endpoint<'_>> {
        self.operations.iter().map(|operation| Endpoint {
            method: &operation.method,
            template: format!("{}{}", self.prefix, operation.sample.template),
            path: format!("{}{}", self.prefix, operation.sample.path),
            summary: &operation.sample.summary,
            body: operation.sample.body.as_ref(),
            bearer: operation.bearer,
        })
    }

    pub(crate) fn model(&self, id: &str) -> Option<&Model> {
        self.models.get(id)
    }

    /// The shipped document, in which flux-schnell has another `x-output`.
    #[cfg(test)]
    pub(crate) fn with_output_of_schnell(word: &str) -> Self {
        let marked = |word: &str| format!("/flux-schnell\n      x-output: {word}\n");
        let (from, to) = (marked("list"), marked(word));
        assert!(SHIPPED.contains(&from));
        Self::parse(&SHIPPED.replacen(&from, &to, 1)).unwrap()
    }
}

/// The ids of the models whose inputs and outputs the mock knows from the document that it
/// ships, sorted. It takes any other as well.
pub fn known_models() -> impl Iterator<Item = &'static str> {
    COMPILED.iter().flat_map(|spec| spec.models())
}

/// A document that cannot be compiled: where, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpecError {
    place: String,
    reason: String,
}

impl SpecError {
    pub(crate) fn new(place: impl Into<String>, reason: impl Into<String>) -> Self {
        Self {
            place: place.into(),
            reason: reason.into(),
        }
    }
}

impl std::fmt::Display for SpecError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "openapi document, {}: {}", self.place, self.reason)
    }
}

impl std::error::Error for SpecError {}

#[cfg(test)]
mod tests;
