//! A value of a row as a part of a name.

use serde_json::Value;

/// The longest part of a name that comes from one value, in characters. Of more, only the beginning is
/// of use to a reader.
const MAX_CHARS: usize = 60;

/// Returns a value as text for a name: on one line, and cut after `limit` characters.
pub(super) fn text_of(value: &Value, limit: Option<usize>) -> String {
    let text = match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    cut(&text, limit)
}

/// Returns text on one line, cut after `limit` characters.
pub(super) fn cut(text: &str, limit: Option<usize>) -> String {
    let words: Vec<_> = text.split_whitespace().collect();
    let line: String = words.join(" ");
    let cut: String = line.chars().take(limit.unwrap_or(MAX_CHARS)).collect();
    cut.trim_end().to_owned()
}
