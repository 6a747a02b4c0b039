//! What a model gave, in whatever form it gave it.

use serde_json::Value;

/// A view of a prediction's output.
///
/// The reference documents a list of URLs; single-file models were observed to answer one
/// URL; Replicate documents any JSON. All are served alike.
///
/// ```
/// use cometapi::Output;
/// use serde_json::json;
///
/// let list = json!(["https://a/0.png", "https://a/1.png"]);
/// assert_eq!(Output::of(Some(&list)).urls(), ["https://a/0.png", "https://a/1.png"]);
///
/// let one = json!("https://a/0.png");
/// assert_eq!(Output::of(Some(&one)).urls(), ["https://a/0.png"]);
///
/// assert!(Output::of(None).is_null());
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Output<'a>(Option<&'a Value>);

impl<'a> Output<'a> {
    /// A view of `json`; `None` is null.
    pub fn of(json: Option<&'a Value>) -> Self {
        Self(json.filter(|json| !json.is_null()))
    }

    /// Whether there is none.
    pub fn is_null(&self) -> bool {
        self.0.is_none()
    }

    /// The JSON as it came.
    pub fn json(&self) -> Option<&'a Value> {
        self.0
    }

    /// Every address of a file in it, `https:`, `http:` or `data:`, in order, wherever it
    /// stands: alone, in a list, under the keys of an object.
    pub fn urls(&self) -> Vec<&'a str> {
        let mut urls = Vec::new();
        if let Some(json) = self.0 {
            collect(json, &mut urls);
        }
        urls
    }

    /// The one address of a file in it; `None` when there is none or more than one.
    pub fn url(&self) -> Option<&'a str> {
        match self.urls()[..] {
            [url] => Some(url),
            _ => None,
        }
    }

    /// Its text, as language models give it: one string, or a list of strings joined.
    /// `None` when it is anything else.
    pub fn text(&self) -> Option<String> {
        match self.0? {
            Value::String(text) => Some(text.clone()),
            Value::Array(parts) => parts.iter().map(Value::as_str).collect(),
            _ => None,
        }
    }
}

fn collect<'a>(json: &'a Value, urls: &mut Vec<&'a str>) {
    match json {
        Value::String(text) if is_file(text) => urls.push(text),
        Value::Array(items) => items.iter().for_each(|item| collect(item, urls)),
        Value::Object(fields) => fields.values().for_each(|item| collect(item, urls)),
        _ => {}
    }
}

fn is_file(text: &str) -> bool {
    ["https://", "http://", "data:"].iter().any(|scheme| {
        text.get(..scheme.len())
            .is_some_and(|head| head.eq_ignore_ascii_case(scheme))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn addresses_are_found_wherever_they_stand() {
        for (json, urls) in [
            (json!("https://a/0"), vec!["https://a/0"]),
            (
                json!(["https://a/0", "data:text/plain,x"]),
                vec!["https://a/0", "data:text/plain,x"],
            ),
            (
                json!({"b": {"image": "HTTP://a/1"}, "a": ["https://a/0", 3]}),
                vec!["https://a/0", "HTTP://a/1"],
            ),
            (json!("plain"), vec![]),
            (json!(["https:/"]), vec![]),
            (json!(7), vec![]),
            (json!(null), vec![]),
        ] {
            let mut found = Output::of(Some(&json)).urls();
            found.sort_unstable_by_key(|url| url.to_ascii_lowercase());
            let mut urls = urls;
            urls.sort_unstable_by_key(|url| url.to_ascii_lowercase());
            assert_eq!(found, urls, "{json}");
        }
    }

    #[test]
    fn text_is_joined_and_nothing_else_is_text() {
        assert_eq!(
            Output::of(Some(&json!(["a", "b"]))).text().as_deref(),
            Some("ab")
        );
        assert_eq!(Output::of(Some(&json!("a"))).text().as_deref(), Some("a"));
        assert_eq!(Output::of(Some(&json!(["a", 1]))).text(), None);
        assert_eq!(Output::of(Some(&json!({}))).text(), None);
    }
}
