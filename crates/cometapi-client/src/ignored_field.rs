//! What was left out of a response, or replaced in it.

use std::fmt;

/// A field of a response that was left out because it is not of the type that the spec gives
/// it, or in which something that is not JSON was replaced.
///
/// The raw body still holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct IgnoredField {
    /// The field's path, such as `metrics.predict_time`; empty when it is not known.
    pub path: String,
    /// What was wrong with it.
    pub reason: String,
}

impl fmt::Display for IgnoredField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.path.as_str() {
            "" => f.write_str(&self.reason),
            path => write!(f, "{path}: {}", self.reason),
        }
    }
}
