//! Names that a file system may take for one.

use icu_normalizer::ComposingNormalizerBorrowed;

/// Returns what two names have in common that a file system may take for one: macOS and Windows ignore
/// case, and macOS the two ways in which an accented letter can be written. Names with different
/// results are different files everywhere.
///
/// ```
/// use cometapi_batch::folded;
///
/// assert_eq!(folded("Café"), folded("cafe\u{301}"));
/// assert_ne!(folded("cafe"), folded("café"));
/// ```
pub fn folded(name: &str) -> String {
    let composed = ComposingNormalizerBorrowed::new_nfc();
    // Letters without a lower case of their own, such as the long s, have an upper case that has one.
    let upper = composed.normalize(name).to_uppercase();
    composed.normalize(&upper.to_lowercase()).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_differ_in_case_or_form_are_one() {
        for (one, other, is_same) in [
            ("Fox", "fOX", true),
            ("ÄPFEL", "a\u{308}pfel", true),
            ("\u{212a}", "k", true),
            ("\u{17f}", "s", true),
            ("Straße", "STRASSE", true),
            ("夕暮れ", "夕暮れ", true),
            ("fox", "foxes", false),
            ("cafe", "café", false),
        ] {
            assert_eq!(folded(one) == folded(other), is_same, "{one} {other}");
        }
    }
}
