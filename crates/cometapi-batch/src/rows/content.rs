//! Files that are not UTF-8 text, by their first bytes.

use std::fmt;

/// What a file is instead of UTF-8 text. Displays as the end of "the file is …", with what to do.
///
/// ```
/// use cometapi_batch::NotText;
///
/// assert_eq!(NotText::detect(b"prompt,seed\n"), None);
/// assert_eq!(NotText::detect(b"\xff\xfep\0r\0"), Some(NotText::Utf16));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum NotText {
    /// Text in UTF-16, with or without a byte-order mark.
    Utf16,
    /// A zip archive; an Excel workbook (`.xlsx`) is one.
    Zip,
    /// An old Office file (`.xls`, `.doc`).
    Ole,
    /// Something compressed with gzip.
    Gzip,
    /// Anything else that holds a NUL byte, as no text does.
    Binary,
}

impl NotText {
    /// Looks at the first bytes of a file; a few hundred are enough.
    pub fn detect(head: &[u8]) -> Option<Self> {
        let marks: [(&[u8], Self); 4] = [
            (b"PK\x03\x04", Self::Zip),
            (b"PK\x05\x06", Self::Zip),
            (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", Self::Ole),
            (b"\x1f\x8b", Self::Gzip),
        ];
        if let Some((_, kind)) = marks.iter().find(|(mark, _)| head.starts_with(mark)) {
            return Some(*kind);
        }
        if is_utf16(head) {
            return Some(Self::Utf16);
        }
        head.contains(&0).then_some(Self::Binary)
    }
}

fn is_utf16(head: &[u8]) -> bool {
    let units = |from: fn([u8; 2]) -> u16| head.as_chunks::<2>().0.iter().copied().map(from);
    match head {
        [0xff, 0xfe, ..] => is_text(units(u16::from_le_bytes)),
        [0xfe, 0xff, ..] => is_text(units(u16::from_be_bytes)),
        // Without a mark, only what is mostly ASCII can be distinguished from other binary files.
        _ => is_ascii_text(units(u16::from_le_bytes)) || is_ascii_text(units(u16::from_be_bytes)),
    }
}

/// The last unit may be one half of a pair that the head cuts.
fn is_text(units: impl Iterator<Item = u16>) -> bool {
    let mut chars = char::decode_utf16(units).peekable();
    while let Some(decoded) = chars.next() {
        let fits = match decoded {
            Ok(c) => !c.is_control() || matches!(c, '\t' | '\n' | '\r'),
            Err(_) => chars.peek().is_none(),
        };
        if !fits {
            return false;
        }
    }
    true
}

fn is_ascii_text(units: impl ExactSizeIterator<Item = u16> + Clone) -> bool {
    let ascii = |unit: &u16| matches!(unit, 0x09 | 0x0a | 0x0d | 0x20..=0x7e);
    units.len() >= 2 && units.clone().filter(ascii).count() * 2 >= units.len() && is_text(units)
}

/// Removes the byte-order mark, with which spreadsheets begin a file.
pub(super) fn without_mark(text: &[u8]) -> &[u8] {
    text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text)
}

impl fmt::Display for NotText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Utf16 => "UTF-16 text; save it as UTF-8",
            Self::Zip => {
                "a zip archive, such as an Excel workbook (.xlsx); save the sheet as CSV UTF-8"
            }
            Self::Ole => "an Office file (.xls, .doc); save it as CSV UTF-8",
            Self::Gzip => "compressed with gzip; decompress it first, with gunzip",
            Self::Binary => "not text",
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn utf16(text: &str, to_bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(to_bytes).collect()
    }

    #[test]
    fn each_kind_is_named() {
        for (head, kind) in [
            (&b"PK\x03\x04\x14\0\x06\0"[..], Some(NotText::Zip)),
            (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\0", Some(NotText::Ole)),
            (b"\x1f\x8b\x08\0", Some(NotText::Gzip)),
            (b"\xff\xfe", Some(NotText::Utf16)),
            (b"GIF89a\x01\0\x01\0", Some(NotText::Binary)),
            (b"\xff\0\xfe", Some(NotText::Binary)),
            (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", Some(NotText::Binary)),
            // UTF-32, which programs do not write by default.
            (b"\xff\xfe\0\0p\0\0\0", Some(NotText::Binary)),
            (b"", None),
            (b"PK", None),
            (b"prompt\na fox\n", None),
            (b"\xef\xbb\xbfprompt\n", None),
            ("狐".as_bytes(), None),
            (b"caf\xe9", None),
        ] {
            assert_eq!(NotText::detect(head), kind, "{head:?}");
        }
    }

    proptest! {
        #[test]
        fn utf16_is_known_with_and_without_a_mark(text in "[ -~\t\n]{2,40}", any in "\\PC{0,40}") {
            for to_bytes in [u16::to_le_bytes, u16::to_be_bytes] {
                prop_assert_eq!(NotText::detect(&utf16(&text, to_bytes)), Some(NotText::Utf16));
                let marked = utf16(&format!("\u{feff}{any}"), to_bytes);
                for cut in 2..=marked.len() {
                    prop_assert_eq!(NotText::detect(&marked[..cut]), Some(NotText::Utf16));
                }
            }
        }

        #[test]
        fn utf8_text_is_text(text in "[^\0]{0,60}") {
            prop_assume!(!text.starts_with("PK"));
            prop_assert_eq!(NotText::detect(text.as_bytes()), None);
        }
    }
}
