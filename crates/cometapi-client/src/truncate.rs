//! Shortening text that comes from outside.

use std::borrow::Cow;

/// The most of text from the service that is kept in errors and records, in bytes: 64 KiB.
#[doc(hidden)]
pub const MAX_TEXT_LEN: usize = 64 * 1024;

/// Returns at most `max` bytes of `text`, cut where a character ends, and how much is missing:
/// `… (N bytes more)`. Text that is not longer stays as it is.
///
/// ```
/// use cometapi_client::truncate;
///
/// assert_eq!(truncate("a fox", 8), "a fox");
/// assert_eq!(truncate("fünf Füchse", 2), "f… (12 bytes more)");
/// ```
#[doc(hidden)]
#[must_use]
pub fn truncate(text: &str, max: usize) -> Cow<'_, str> {
    let kept = floor_char_boundary(text, max);
    match text.len() - kept {
        0 => Cow::Borrowed(text),
        more => Cow::Owned(format!("{}… ({more} bytes more)", &text[..kept])),
    }
}

/// The same of a string that is already allocated, without a copy where nothing is cut.
#[doc(hidden)]
#[must_use]
pub fn truncate_owned(text: String, max: usize) -> String {
    match truncate(&text, max) {
        Cow::Owned(short) => short,
        Cow::Borrowed(_) => text,
    }
}

/// `str::floor_char_boundary`, which is younger than the oldest supported compiler.
fn floor_char_boundary(text: &str, max: usize) -> usize {
    let mut at = max.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_cut_where_a_character_ends() {
        let text = "aü狐🦊".repeat(9);
        for max in 0..=text.len() {
            let short = truncate(&text, max).into_owned();
            assert_eq!(truncate_owned(text.clone(), max), short);
            match short.split_once('…') {
                None => assert_eq!(max, text.len()),
                Some((kept, rest)) => {
                    assert!(text.starts_with(kept) && kept.len() <= max && max - kept.len() < 4);
                    assert_eq!(rest, format!(" ({} bytes more)", text.len() - kept.len()));
                }
            }
        }
    }
}
