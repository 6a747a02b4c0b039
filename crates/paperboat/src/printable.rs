//! Text that a terminal shows and does not act on.

/// `text` on one line, with escapes for its hidden characters.
pub(crate) fn printable(text: &str) -> String {
    printable_except(text, &[])
}

/// The same, but for these.
pub(crate) fn printable_except(text: &str, kept: &[char]) -> String {
    let mut printable = String::with_capacity(text.len());
    for c in text.chars() {
        if is_hidden(c) && !kept.contains(&c) {
            printable.extend(c.escape_default());
        } else {
            printable.push(c);
        }
    }
    printable
}

/// Whether a terminal acts on `c` instead of showing it: a control character, a line or paragraph
/// separator, or one that changes the direction of what follows (`Bidi_Control` in Unicode).
pub(crate) fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{61c}'
                | '\u{200e}'
                | '\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2066}'..='\u{2069}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_gets_nothing_to_act_on() {
        assert_eq!(
            printable("a\u{1b}[2Jb\u{9b}c\r\n"),
            "a\\u{1b}[2Jb\\u{9b}c\\r\\n"
        );
        assert_eq!(printable("ein Fuchs, 狐"), "ein Fuchs, 狐");
        // Joined emoji and Persian need these.
        assert_eq!(printable("\u{200c}\u{200d}"), "\u{200c}\u{200d}");
        for c in "\u{61c}\u{200e}\u{200f}\u{2028}\u{2029}\u{202a}\u{202e}\u{2066}\u{2069}".chars() {
            assert!(printable(&c.to_string()).is_ascii());
        }
    }
}
