//! What is known of a model's inputs.

use cometapi::ModelRef;
use serde_json::{Map, Value};

/// Checks an input before it costs: warnings, or problems that each name their field.
#[expect(
    clippy::unnecessary_wraps,
    reason = "models that are known will have problems"
)]
pub(crate) fn check(
    _model: &ModelRef,
    _input: &Map<String, Value>,
) -> Result<Vec<String>, Vec<String>> {
    Ok(Vec::new())
}

/// Reads a table's cell as the model's field wants it: an empty cell is unset, `prompt` is
/// text, all else JSON where it parses and text where not.
#[expect(
    clippy::unnecessary_wraps,
    reason = "fields that are known will refuse what they cannot be"
)]
pub(crate) fn cell(_model: &ModelRef, field: &str, text: &str) -> Result<Option<Value>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    if field == "prompt" {
        return Ok(Some(text.into()));
    }
    Ok(Some(
        serde_json::from_str(text).unwrap_or_else(|_| text.into()),
    ))
}
