//! Shortening text that the service sent.

use std::fmt::Write as _;

use cometapi_client::{MAX_TEXT_LEN, truncate_owned};

/// Shortens text for an error or a record: first the data URIs in it, which may be images of the
/// input, then the rest.
pub(crate) fn shorten(text: String) -> String {
    if text.len() <= MAX_TEXT_LEN {
        return text;
    }
    truncate_owned(shorten_data_uris(&text), MAX_TEXT_LEN)
}

/// Shortens data URIs in text for people: `data:image/png;base64,… (723 kB)`. Short ones
/// stay as they are.
#[doc(hidden)]
#[must_use]
pub fn shorten_data_uris(text: &str) -> String {
    /// What a line of a terminal holds with ease.
    const LONG: usize = 100;
    let mut short = String::new();
    let mut rest = text;
    while let Some(at) = find_ignore_case(rest, "data:") {
        let (before, uri) = rest.split_at(at);
        short.push_str(before);
        let end = uri
            .find(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '<' | '>' | ')' | ']'))
            .unwrap_or(uri.len());
        let (uri, after) = uri.split_at(end);
        match uri.split_once(',') {
            Some((head, data)) if uri.len() > LONG && head.len() <= LONG => {
                let base64 = head.to_ascii_lowercase().ends_with(";base64");
                let bytes = if base64 {
                    data.len() / 4 * 3
                } else {
                    data.len()
                };
                short.push_str(head);
                let _ = write!(short, ",… ({} kB)", bytes.div_ceil(1024));
            }
            _ => short.push_str(uri),
        }
        rest = after;
    }
    short.push_str(rest);
    short
}

fn find_ignore_case(text: &str, mark: &str) -> Option<usize> {
    text.as_bytes()
        .windows(mark.len())
        .position(|part| part.eq_ignore_ascii_case(mark.as_bytes()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn long_data_uris_are_shortened_wherever_they_are() {
        let uri = format!("data:image/png;base64,{}", "A".repeat(986_668));
        let json = serde_json::json!({"image": uri, "seed": 7}).to_string();
        assert_eq!(
            shorten_data_uris(&json),
            r#"{"image":"data:image/png;base64,… (723 kB)","seed":7}"#
        );
        assert_eq!(
            shorten_data_uris(&format!("see {uri} and DATA:,é")),
            "see data:image/png;base64,… (723 kB) and DATA:,é"
        );
        for short in ["", "data:", "no data: at all", "data:,x"] {
            assert_eq!(shorten_data_uris(short), short);
        }
    }

    proptest! {
        #[test]
        fn any_text_is_shortened(text: String) {
            let _ = shorten_data_uris(&format!("{text}data:{text}"));
        }
    }
}
