//! Checks responses against the document.

use http::StatusCode;
use serde_json::Value;

use super::request::essence;
use super::{Rule, Spec, Violation};

impl Spec {
    /// Checks a response against the document: its status is declared for the operation (by itself
    /// or by its range), its media type for that status, and a JSON body fits the schema.
    ///
    /// An empty body is let through with any error status: limiters send no more (observed).
    pub fn check_response(
        &self,
        operation: &str,
        status: StatusCode,
        content_type: Option<&str>,
        body: &[u8],
    ) -> Vec<Violation> {
        let violation = |rule, place: String, seen: String| vec![Violation::new(rule, place, seen)];
        let Some(operation) = self.operations.iter().find(|one| one.id == operation) else {
            return violation(
                Rule::UnknownPath,
                "operation".to_owned(),
                operation.to_owned(),
            );
        };

        let range = format!("{}XX", status.as_u16() / 100);
        let declared = operation
            .responses
            .get(status.as_str())
            .or_else(|| operation.responses.get(&range));
        let Some(declared) = declared else {
            return violation(
                Rule::ResponseStatus,
                "status".to_owned(),
                status.to_string(),
            );
        };
        if body.is_empty() && (status.is_client_error() || status.is_server_error()) {
            return Vec::new();
        }

        let media = essence(content_type.unwrap_or_default().as_bytes());
        let Some(schema) = declared.get(&media) else {
            return violation(
                Rule::ResponseContentType,
                "header content-type".to_owned(),
                media,
            );
        };
        if media != "application/json" {
            return Vec::new();
        }
        match serde_json::from_slice::<Value>(body) {
            Err(error) => violation(Rule::ResponseBody, "body".to_owned(), error.to_string()),
            Ok(value) => schema
                .iter_errors(&value)
                .map(|error| {
                    Violation::new(
                        Rule::ResponseBody,
                        format!("body {}", error.instance_path()),
                        error.masked().to_string(),
                    )
                })
                .collect(),
        }
    }
}
