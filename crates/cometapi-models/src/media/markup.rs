//! Telling web pages and SVG from other files by their first element.

use std::borrow::Cow;

/// What the beginning of text says about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Markup {
    /// A web page: HTML or XHTML.
    Page,
    Svg,
    /// It may be either: the text ends before its first element, in what may precede one.
    Open,
    /// Neither.
    Other,
}

/// Elements that pages begin with and that other texts do not: a Markdown file may well begin
/// with `<p>` or `<div>`.
const PAGE_ELEMENTS: [&[u8]; 9] = [
    b"html", b"head", b"body", b"title", b"meta", b"link", b"script", b"style", b"base",
];

impl Markup {
    /// Reads the beginning of a file up to its first element. A byte-order mark, spaces,
    /// comments, processing instructions and document types may precede it.
    pub(super) fn of(head: &[u8]) -> Self {
        let text = ascii(head);
        let mut rest = text.trim_ascii_start();
        loop {
            let Some((b'<', inner)) = rest.split_first() else {
                return if rest.is_empty() {
                    Self::Open
                } else {
                    Self::Other
                };
            };
            let after = if let Some(comment) = inner.strip_prefix(b"!--") {
                behind(comment, b"-->")
            } else if inner.starts_with(b"?") {
                behind(inner, b"?>")
            } else if has_prefix(inner, b"!doctype") {
                let name = inner[b"!doctype".len()..].trim_ascii_start();
                if is_named(name, b"html") {
                    return Self::Page;
                }
                if is_named(name, b"svg") {
                    return Self::Svg;
                }
                // It may hold declarations of its own, in brackets.
                let end = inner.iter().position(|b| matches!(b, b'[' | b'>'));
                match end {
                    Some(at) if inner[at] == b'[' => {
                        behind(&inner[at..], b"]").and_then(|rest| behind(rest, b">"))
                    }
                    Some(at) => Some(&inner[at + 1..]),
                    None => None,
                }
            } else if inner.starts_with(b"!") {
                behind(inner, b">")
            } else {
                return Self::of_element(inner);
            };
            match after {
                Some(after) => rest = after.trim_ascii_start(),
                None => return Self::Open,
            }
        }
    }

    fn of_element(text: &[u8]) -> Self {
        if PAGE_ELEMENTS.iter().any(|name| is_named(text, name)) {
            return Self::Page;
        }
        // `svg`, or the same with a prefix for its namespace.
        let end = text
            .iter()
            .position(|b| !(b.is_ascii_alphanumeric() || b"_-.:".contains(b)));
        let name = &text[..end.unwrap_or(text.len())];
        match name.rsplit(|b| *b == b':').next() {
            Some(name) if name.eq_ignore_ascii_case(b"svg") => Self::Svg,
            _ if end.is_none() && text.len() < 16 => Self::Open,
            _ => Self::Other,
        }
    }
}

/// The text without its byte-order mark. Of UTF-16, only ASCII is kept.
fn ascii(head: &[u8]) -> Cow<'_, [u8]> {
    let utf16 = |units: &[u8], is_little: bool| {
        let unit = |unit: &[u8; 2]| match (*unit, is_little) {
            ([low, 0], true) | ([0, low], false) => low,
            _ => b'?',
        };
        Cow::Owned(units.as_chunks::<2>().0.iter().map(unit).collect())
    };
    match head {
        [0xef, 0xbb, 0xbf, text @ ..] => Cow::Borrowed(text),
        [0xff, 0xfe, units @ ..] => utf16(units, true),
        [0xfe, 0xff, units @ ..] => utf16(units, false),
        text => Cow::Borrowed(text),
    }
}

fn behind<'t>(text: &'t [u8], end: &[u8]) -> Option<&'t [u8]> {
    let at = text.windows(end.len()).position(|part| part == end)?;
    Some(&text[at + end.len()..])
}

fn has_prefix(text: &[u8], prefix: &[u8]) -> bool {
    text.get(..prefix.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(prefix))
}

/// Whether `text` begins with this name and not with a longer one.
fn is_named(text: &[u8], name: &[u8]) -> bool {
    has_prefix(text, name)
        && text
            .get(name.len())
            .is_none_or(|next| next.is_ascii_whitespace() || b">/[".contains(next))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn utf16(text: &str, is_little: bool) -> Vec<u8> {
        let units = std::iter::once(0xfeff).chain(text.encode_utf16());
        units
            .flat_map(|unit| {
                if is_little {
                    unit.to_le_bytes()
                } else {
                    unit.to_be_bytes()
                }
            })
            .collect()
    }

    const PAGES: [&str; 20] = [
        "<!doctype html>",
        " \r\n\t<!DOCTYPE HTML>\n",
        "<!DOCTYPE html PUBLIC \"-//W3C//DTD XHTML 1.0 Strict//EN\" \"x\">",
        "<!doctype\nhtml>",
        "<html",
        "<HTML lang=en>",
        "<html>",
        "<head><title>Sign in</title>",
        "<body onload=x>",
        "<title>Sign in</title>",
        "<meta charset=utf-8>",
        "<script>location='/login'</script>",
        "<style>p{}</style>",
        "<link rel=stylesheet>",
        "<!-- a comment -->\n<!-- <svg> --><html>",
        "<!----><head>",
        "<?xml version=\"1.0\"?>\n<html xmlns=\"http://www.w3.org/1999/xhtml\">",
        "<?xml version=\"1.0\"?><!DOCTYPE html>",
        "<?xml version=\"1.0\"?><!-- an <svg> in it --><?x y?><html><svg>",
        "<!DOCTYPE page [<!ENTITY a \"b>\">]><html>",
    ];

    #[test]
    fn pages_are_known_after_whatever_may_precede_them() {
        for page in PAGES {
            assert_eq!(Markup::of(page.as_bytes()), Markup::Page, "{page}");
            assert_eq!(
                Markup::of(format!("\u{feff}{page}").as_bytes()),
                Markup::Page,
                "{page}"
            );
            assert_eq!(Markup::of(&utf16(page, true)), Markup::Page, "{page}");
            assert_eq!(Markup::of(&utf16(page, false)), Markup::Page, "{page}");
        }
    }

    #[test]
    fn other_texts_are_no_pages() {
        for (text, expected) in [
            ("<svg xmlns='x'/>", Markup::Svg),
            ("<?xml version='1.0'?>\n<svg/>", Markup::Svg),
            ("<!-- Generator: x -->\n<svg>", Markup::Svg),
            ("<!DOCTYPE svg PUBLIC 'x'>", Markup::Svg),
            ("<svg:svg xmlns:svg='x'>", Markup::Svg),
            ("<!DOCTYPE x [<!ENTITY a 'b'>] ><svg>", Markup::Svg),
            ("", Markup::Open),
            (" \n", Markup::Open),
            ("\u{feff}", Markup::Open),
            ("<!-- never closed", Markup::Open),
            ("<?xml version", Markup::Open),
            ("<!doctype", Markup::Open),
            ("<!DOCTYPE x [ ]", Markup::Open),
            ("<", Markup::Open),
            ("<htm", Markup::Open),
            ("<!-- notes -->\n# Heading", Markup::Other),
            ("<p align=center>", Markup::Other),
            ("<htmlx>", Markup::Other),
            ("<header>", Markup::Other),
            ("<averyveryverylongname", Markup::Other),
            ("a < b", Markup::Other),
            ("a fox", Markup::Other),
            ("<?xml version='1.0'?><COLLADA/>", Markup::Other),
        ] {
            assert_eq!(Markup::of(text.as_bytes()), expected, "{text}");
        }
        assert_eq!(Markup::of(b"\x89PNG\r\n"), Markup::Other);
    }

    proptest! {
        /// A beginning of text may be open, and otherwise says what the whole text says, as
        /// long as the name of its first element is whole.
        #[test]
        fn more_of_a_text_contradicts_nothing(
            before in "(<!-- [a-z<>]{0,5} -->|<\\?[a-z][a-z>]{0,3}\\?>| |\n){0,4}", at: prop::sample::Index,
        ) {
            for (element, whole) in [("<html >", Markup::Page), ("<svg >", Markup::Svg), ("<p >", Markup::Other)] {
                let text = format!("{before}{element}");
                prop_assert_eq!(Markup::of(text.as_bytes()), whole);
                let cut = &text.as_bytes()[..at.index(before.len() + 1)];
                prop_assert_eq!(Markup::of(cut), Markup::Open, "{:?}", String::from_utf8_lossy(cut));
            }
        }

        #[test]
        fn a_byte_order_mark_and_a_comment_change_nothing(
            head in prop_oneof![any::<Vec<u8>>(), "[<!a-z>/ -]{0,20}".prop_map(String::into_bytes)],
        ) {
            let marks: [&[u8]; 3] = [b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff"];
            prop_assume!(!marks.iter().any(|mark| head.starts_with(mark)));
            let hidden = [b"\xef\xbb\xbf<!-- a --> ", &head[..]].concat();
            prop_assert_eq!(Markup::of(&hidden), Markup::of(&head));
        }
    }
}
