//! The spellings of a choice.

/// Words that name the same file format.
const SAME_FORMAT: [&str; 2] = ["jpg", "jpeg"];

/// The one of `values` that `text` is another spelling of: with letters of another case, or `jpg`
/// for `jpeg`. `None` if it is one of them as it stands, or could be several.
pub(super) fn spelled(values: &[&'static str], text: &str) -> Option<&'static str> {
    if values.contains(&text) {
        return None;
    }
    let is_format = SAME_FORMAT
        .iter()
        .any(|name| name.eq_ignore_ascii_case(text));
    let names: &[&str] = if is_format { &SAME_FORMAT } else { &[text] };
    let mut meant = values
        .iter()
        .filter(|value| names.iter().any(|name| name.eq_ignore_ascii_case(value)));
    match (meant.next(), meant.next()) {
        (Some(one), None) => Some(one),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_another_spelling_of_one_choice_is_read() {
        for (values, text, expected) in [
            (["webp", "jpg"].as_slice(), "jpeg", Some("jpg")),
            (&["webp", "jpg"], "JPG", Some("jpg")),
            (&["webp", "jpeg"], "jpg", Some("jpeg")),
            (&["webp", "JPEG"], "jpg", Some("JPEG")),
            (&["webp", "jpg"], "WEBP", Some("webp")),
            (&["webp", "png"], "jpeg", None),
            (&["webp", "jpg"], "jp", None),
            (&["webp", "jpg"], " jpg", None),
            (&["webp", "jpg"], "", None),
            // Each of two words is written as it is; what could be either is neither.
            (&["jpg", "jpeg"], "jpeg", None),
            (&["jpg", "jpeg"], "JPEG", None),
            (&["Auto", "AUTO"], "AUTO", None),
            (&["Auto", "AUTO"], "auto", None),
            (&["Auto", "AUTO", "on"], "ON", Some("on")),
            // The sign of Kelvin is not a letter K.
            (&["4K"], "4\u{212a}", None),
            (&["4K"], "4k", Some("4K")),
        ] {
            assert_eq!(spelled(values, text), expected, "{values:?} {text:?}");
        }
    }
}
