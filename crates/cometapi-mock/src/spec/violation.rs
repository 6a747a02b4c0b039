//! One way in which a message was not allowed.

use std::fmt;

/// Which rule of the document, or of the service's promises, a message broke.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Rule {
    /// No path template of the document fits.
    UnknownPath,
    /// The path is there, but not with this method.
    Method,
    /// Not exactly one `Authorization: Bearer <key>`.
    Security,
    /// A declared header that is missing or wrong, or, where headers are checked strictly, one
    /// that is neither declared nor part of plain HTTP.
    Header,
    /// A query parameter that is not declared, or a declared one that is missing or wrong.
    Query,
    /// A path segment that the parameter's schema does not allow, after percent-decoding.
    PathParameter,
    /// A body of another media type than declared, or one where none is declared.
    ContentType,
    /// A body that is not JSON.
    BodySyntax,
    /// A body that the schema does not allow.
    BodySchema,
    /// A credential that reached an origin or an endpoint where it does not belong.
    Leak,
    /// Bytes that are not an HTTP request.
    Protocol,
    /// A response with a status that the operation does not declare.
    ResponseStatus,
    /// A response of a media type that the operation does not declare for its status.
    ResponseContentType,
    /// A response body that its schema does not allow.
    ResponseBody,
}

/// One way in which a request or a response was not allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Violation {
    /// The rule that was broken.
    pub rule: Rule,
    /// Where in the message: `header x-page`, `path parameter model_name`, `body /input`.
    pub place: String,
    /// What stood there instead, shortened. Never a credential.
    pub seen: String,
}

impl Violation {
    pub(crate) fn new(rule: Rule, place: impl Into<String>, seen: impl Into<String>) -> Self {
        Self {
            rule,
            place: place.into(),
            seen: shorten(seen.into()),
        }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.seen)
    }
}

/// Prompts and data URIs may be megabytes long; nobody reads that in a failed test.
fn shorten(mut text: String) -> String {
    const LIMIT: usize = 300;
    if text.len() > LIMIT {
        let end = (0..=LIMIT)
            .rev()
            .find(|&at| text.is_char_boundary(at))
            .unwrap_or(0);
        text.truncate(end);
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shortens_at_a_character() {
        let long = Violation::new(Rule::Query, "query", "é".repeat(400));
        assert!(long.seen.ends_with("é…"));
        assert!(long.seen.len() <= 303);
    }
}
