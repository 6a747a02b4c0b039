//! A request, as far as the responses to it depend on it.

use std::time::SystemTime;

use http::Method;
use http::request::Parts;

/// A request, as far as the responses to it depend on it.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) model: Option<String>,
    pub(crate) id: Option<String>,
    pub(crate) request_id: String,
    pub(crate) now: SystemTime,
}

impl Call {
    pub(crate) fn model_name(&self) -> &str {
        self.model.as_deref().unwrap_or("unknown")
    }

    #[cfg(test)]
    pub(crate) fn sample(now: SystemTime) -> Self {
        Self {
            method: Method::GET,
            path: "/v1/x".to_owned(),
            model: None,
            id: None,
            request_id: "20260320161530412000123AbCdEfGh".to_owned(),
            now,
        }
    }
}

/// Path and query as they stood in the request line.
pub(crate) fn target(parts: &Parts) -> String {
    parts
        .uri
        .path_and_query()
        .map_or_else(|| parts.uri.to_string(), ToString::to_string)
}
