//! Lines of help, at the width of the terminal.

use std::env;

use unicode_width::UnicodeWidthStr;

/// Longer lines are hard to read.
pub(super) const MAX_WIDTH: usize = 100;

/// The width where there is no terminal. A file or a pager shows lines of 80 columns anywhere.
pub(super) const PIPED_WIDTH: usize = 80;

/// The width of the help: that of the terminal, up to [`MAX_WIDTH`].
pub(super) fn width() -> usize {
    let terminal = terminal_size::terminal_size().map(|(width, _)| usize::from(width.0));
    let set = || env::var("COLUMNS").ok()?.parse().ok();
    let width = terminal.or_else(set).unwrap_or(PIPED_WIDTH);
    width.clamp(20, MAX_WIDTH)
}

/// Wraps each line of `text`. In a line such as `  term  text`, further lines begin below the text,
/// in any other below its first word.
pub(super) fn wrapped(text: &str, width: usize) -> String {
    let lines: Vec<_> = text.lines().map(|line| wrapped_line(line, width)).collect();
    lines.join("\n")
}

fn wrapped_line(line: &str, width: usize) -> String {
    if line.width() <= width {
        return line.to_owned();
    }
    let start = text_start(line, width);
    let (head, text) = line.split_at(start);
    let indent = " ".repeat(head.width());
    let mut wrapped = head.to_owned();
    let mut column = head.width();
    for (index, word) in text.split_whitespace().enumerate() {
        if index > 0 && column + 1 + word.width() > width {
            wrapped.push('\n');
            wrapped.push_str(&indent);
            column = indent.len();
        } else if index > 0 {
            wrapped.push(' ');
            column += 1;
        }
        wrapped.push_str(word);
        column += word.width();
    }
    wrapped
}

/// Where the text of a line begins: after the term, if it has one.
fn text_start(line: &str, width: usize) -> usize {
    let indent = line.len() - line.trim_start().len();
    if indent == 0 {
        return 0;
    }
    let Some(gap) = line[indent..].find("  ") else {
        return indent;
    };
    let text = line[indent + gap..].trim_start();
    let start = line.len() - text.len();
    // A term that leaves no room is text.
    if line[..start].width() * 2 < width {
        start
    } else {
        indent
    }
}

/// Terms and what they mean, in two columns. A term wider than `WIDEST` has a line of its own.
pub(super) fn list<'t>(
    entries: impl IntoIterator<Item = (&'t str, &'t str)>,
    width: usize,
) -> String {
    const WIDEST: usize = 24;

    let entries: Vec<_> = entries.into_iter().collect();
    let widths = entries.iter().map(|(term, _)| term.width());
    let widest = widths.filter(|width| *width <= WIDEST).max().unwrap_or(0);
    let lines = entries.into_iter().map(|(term, text)| {
        if term.width() > widest {
            let fill = " ".repeat(widest + 4);
            return format!(
                "  {term}\n{}",
                wrapped_line(&format!("{fill}{text}"), width)
            );
        }
        wrapped_line(&format!("  {term:<widest$}  {text}"), width)
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn further_lines_begin_below_the_text() {
        for (width, text, expected) in [
            (12, "one two three", "one two\nthree"),
            (16, "  one two three four", "  one two three\n  four"),
            (
                28,
                "  key=value  one two three four",
                "  key=value  one two three\n             four",
            ),
            // A term that leaves no room is text.
            (
                20,
                "  key=value  one two three",
                "  key=value one two\n  three",
            ),
            (80, "a\n\n  b  c", "a\n\n  b  c"),
        ] {
            assert_eq!(wrapped(text, width), expected, "{width}");
        }
    }

    #[test]
    fn a_long_term_has_a_line_of_its_own() {
        let long = "a-term-that-is-longer-than-most";
        let listed = list([("short", "one two"), (long, "three")], 80);
        assert_eq!(
            listed,
            format!("  short  one two\n  {long}\n         three")
        );
    }

    #[test]
    fn nothing_is_wider_unless_it_is_one_word() {
        for topic in super::super::topics::TOPICS {
            for width in [40, 60, 80, 100] {
                for line in topic.text(width).lines() {
                    let is_word = line.split_whitespace().count() == 1;
                    assert!(line.width() <= width || is_word, "{width}: {line}");
                }
            }
        }
    }
}
