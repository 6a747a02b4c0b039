//! What goes to the two streams. A reader that has gone away ends the talk, not the work.

use std::fmt::{Display, Write as _};
use std::io::{self, ErrorKind, IsTerminal, Write};
use std::path::Path;

use cometapi::{OutputText, shorten_data_uris, truncate};

use crate::failure::Failure;

/// Data, a line of it.
pub(crate) fn data(line: impl Display) -> Result<(), Failure> {
    write(line.to_string().as_bytes())
}

/// JSON as data. What a terminal would obey is written as JSON writes what it must; such
/// characters stand in its texts alone.
pub(crate) fn json(json: impl Display) -> Result<(), Failure> {
    data(escaped(&json.to_string()))
}

fn escaped(json: &str) -> String {
    let mut escaped = String::with_capacity(json.len());
    for c in json.chars() {
        if c.is_control() && c != '\n' {
            // Writing to a string cannot fail.
            let _ = write!(escaped, "\\u{:04x}", u32::from(c));
        } else {
            escaped.push(c);
        }
    }
    escaped
}

/// The text or JSON of an output as data. A terminal gets no control characters but tabs.
pub(crate) fn output(text: &OutputText) -> Result<(), Failure> {
    if text.is_json() {
        return json(text.as_str());
    }
    let text = text.as_str();
    // The line ends with a break, whether the text does or not.
    let text = text.strip_suffix('\n').unwrap_or(text);
    if io::stdout().is_terminal() {
        let parts: Vec<_> = text.split('\t').map(plain).collect();
        return data(parts.join("\t"));
    }
    write(text.as_bytes())
}

/// A path as data: its own bytes, so that whatever reads the line finds the file.
pub(crate) fn path(path: &Path) -> Result<(), Failure> {
    write(path.as_os_str().as_encoded_bytes())
}

fn write(line: &[u8]) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    let written = out
        .write_all(line)
        .and_then(|()| out.write_all(b"\n"))
        .and_then(|()| out.flush());
    match written {
        Err(e) if e.kind() != ErrorKind::BrokenPipe => {
            Err(Failure::other("the result cannot be printed", &e))
        }
        _ => Ok(()),
    }
}

/// The most that is printed of one message, in bytes: it may hold any text of the service.
const MAX_MESSAGE: usize = 8 * 1024;

/// Talk, a line of it.
pub(crate) fn talk(line: impl Display) {
    // Nobody to tell that nobody listens.
    let _ = writeln!(io::stderr().lock(), "{}", message(&line.to_string()));
}

/// A message as it is printed: short, and without control characters.
fn message(line: &str) -> String {
    plain(truncate(&shorten_data_uris(line), MAX_MESSAGE))
}

/// `text` without control characters: much of it is the service's, and a terminal obeys them.
pub(crate) fn plain(text: impl Display) -> String {
    let mut plain = String::new();
    for c in text.to_string().chars() {
        if c.is_control() && c != '\n' {
            plain.extend(c.escape_default());
        } else {
            plain.push(c);
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_means_what_it_did() {
        let text = "a\u{1b}[2Jb\u{9b}c\u{7f}\r\n狐";
        for json in [
            serde_json::json!({ "a": text }).to_string(),
            format!("{:#}", serde_json::json!([text])),
        ] {
            let plain = escaped(&json);
            assert!(!plain.contains(['\u{1b}', '\u{9b}', '\u{7f}']), "{plain:?}");
            let read = |json: &str| serde_json::from_str::<serde_json::Value>(json).unwrap();
            assert_eq!(read(&plain), read(&json));
        }
    }

    #[test]
    fn a_long_message_is_cut() {
        let long = message(&"ü".repeat(MAX_MESSAGE));
        assert_eq!(long.len(), MAX_MESSAGE + "… (8192 bytes more)".len());
        assert!(long.ends_with("ü… (8192 bytes more)"));
        assert_eq!(message("no"), "no");
    }

    #[test]
    fn a_terminal_finds_nothing_to_obey() {
        assert_eq!(plain("a\u{1b}[2Jb\u{9b}c\r\n"), "a\\u{1b}[2Jb\\u{9b}c\\r\n");
        assert_eq!(plain("ein Fuchs, 狐"), "ein Fuchs, 狐");
    }
}
