//! What is printed on stdout and stderr. A reader that has gone away does not end the work.

use std::fmt::{Display, Write as _};
use std::io::{self, ErrorKind, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use cometapi::{OutputText, Prediction, shorten_data_uris, truncate};
use serde_json::{Map, Value};

use crate::failure::Failure;
use crate::live::{self, Stream};
pub(crate) use crate::messages::{Level, is_json};
use crate::messages::{Messages, messages};
use crate::printable::printable_except;
pub(crate) use crate::printable::{is_hidden, printable};

/// A line of data. Much of it is from the service, and nothing of it reaches a terminal as more
/// than text.
pub(crate) fn stdout(line: impl Display) -> Result<(), Failure> {
    write(printable(&line.to_string()).as_bytes())
}

/// A line of data with a name before it, which may be painted.
pub(crate) fn fact(name: &str, value: &str) -> Result<(), Failure> {
    write(format!("{name}{}", printable(value)).as_bytes())
}

/// A document of our own as data, as it stands: help, schemas, completion scripts.
pub(crate) fn document(text: impl Display) -> Result<(), Failure> {
    write(text.to_string().as_bytes())
}

/// JSON as data. Hidden characters become JSON escapes, which mean the same; they can stand only
/// in its strings.
pub(crate) fn json(json: impl Display) -> Result<(), Failure> {
    write(escaped(&json.to_string()).as_bytes())
}

/// A prediction as JSON, with `output` and `error` always there, and the paths of its files where
/// they were saved.
pub(crate) fn prediction(
    prediction: &Prediction,
    saved: Option<&[PathBuf]>,
) -> Result<(), Failure> {
    let mut value = with_all_fields(prediction)?;
    if let Some(saved) = saved {
        // JSON is Unicode and a path need not be.
        value["saved"] = saved.iter().map(|path| path.to_string_lossy()).collect();
    }
    json(format_args!("{value:#}"))
}

/// A prediction as JSON, with `output` and `error` always there.
pub(crate) fn with_all_fields(prediction: &Prediction) -> Result<Value, Failure> {
    let mut value = serde_json::to_value(prediction)
        .map_err(|e| Failure::other("the prediction cannot be written as json", &e))?;
    for field in ["output", "error"] {
        if value.get(field).is_none() {
            value[field] = Value::Null;
        }
    }
    Ok(value)
}

fn escaped(json: &str) -> String {
    let mut escaped = String::with_capacity(json.len());
    for c in json.chars() {
        if is_hidden(c) && c != '\n' {
            // Writing to a string cannot fail.
            let _ = write!(escaped, "\\u{:04x}", u32::from(c));
        } else {
            escaped.push(c);
        }
    }
    escaped
}

/// The text or JSON of an output as data. A terminal gets no hidden characters but tabs and line
/// breaks.
pub(crate) fn output(text: &OutputText) -> Result<(), Failure> {
    if text.is_json() {
        return json(text.as_str());
    }
    let text = text.as_str();
    // The line ends with a break, whether the text does or not.
    let text = text.strip_suffix('\n').unwrap_or(text);
    if io::stdout().is_terminal() {
        return write(printable_except(text, &['\t', '\n']).as_bytes());
    }
    write(text.as_bytes())
}

/// A path as data: its own bytes, so that a program that reads the line finds the file.
pub(crate) fn path(path: &Path) -> Result<(), Failure> {
    if io::stdout().is_terminal() {
        return stdout(path.display());
    }
    write(path.as_os_str().as_encoded_bytes())
}

fn write(line: &[u8]) -> Result<(), Failure> {
    let written = match std::str::from_utf8(line) {
        Ok(text) if io::stdout().is_terminal() => live::print(Stream::Stdout, text),
        // A reader that does not read holds up nobody else.
        _ => {
            let mut out = io::stdout().lock();
            // At once, so that no line of another process gets into it.
            out.write_all(&[line, b"\n"].concat())
                .and_then(|()| out.flush())
        }
    };
    match written {
        Err(e) if e.kind() != ErrorKind::BrokenPipe => {
            Err(Failure::other("the result cannot be written to stdout", &e))
        }
        _ => Ok(()),
    }
}

/// The most that is printed of one message, in bytes: it may hold any text of the service.
const MAX_MESSAGE: usize = 8 * 1024;

/// Prints a message on stderr.
pub(crate) fn stderr(line: impl Display) {
    let line = line.to_string();
    match line.strip_prefix("note: ") {
        Some(note) if messages().json => emit(Level::Warning, note, Map::new()),
        _ => emit(Level::Info, &line, Map::new()),
    }
}

/// Prints on stderr what a person should know.
pub(crate) fn note(note: impl Display) {
    stderr(format_args!("note: {note}"));
}

/// Prints what went wrong on stderr.
pub(crate) fn error(line: impl Display) {
    emit(Level::Error, &line.to_string(), Map::new());
}

/// Prints why a command failed on stderr, and what to do.
pub(crate) fn failure(failure: &Failure) {
    if messages().json {
        let fields = failure.fields();
        return emit(Level::Error, failure.message(), fields);
    }
    failure.lines().for_each(error);
}

/// Prints a question on stderr, which the command waits to be answered.
pub(crate) fn question(line: impl Display) {
    put(&message(&line.to_string()));
}

/// Prints a message on stderr, as people or programs read it.
pub(crate) fn emit(level: Level, text: &str, fields: Map<String, Value>) {
    let Messages { quiet, json } = messages();
    if quiet && level != Level::Error {
        return;
    }
    if !json {
        return put(&message(text));
    }
    let text = shorten_data_uris(text);
    let time = humantime::format_rfc3339_millis(SystemTime::now());
    let mut object = Map::new();
    object.insert("time".to_owned(), time.to_string().into());
    object.insert("level".to_owned(), level.word().into());
    let text = truncate(text.trim_end(), MAX_MESSAGE);
    object.insert("message".to_owned(), text.into());
    object.extend(fields);
    put(&escaped(&Value::Object(object).to_string()));
}

fn put(line: &str) {
    // A closed stderr cannot be reported anywhere.
    let _ = live::print(Stream::Stderr, line);
}

/// A message as it is printed: short, without hidden characters, its further lines indented so
/// that none looks like a message of its own.
fn message(text: &str) -> String {
    let text = shorten_data_uris(text);
    let lines: Vec<_> = truncate(&text, MAX_MESSAGE)
        .trim_end()
        .split('\n')
        .map(printable)
        .collect();
    lines.join("\n    ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_means_what_it_did() {
        let text = "a\u{1b}[2Jb\u{9b}c\u{7f}\r\n\u{2028}\u{202e}\u{2066}\u{61c}狐";
        for json in [
            serde_json::json!({ "a": text }).to_string(),
            format!("{:#}", serde_json::json!([text])),
        ] {
            let plain = escaped(&json);
            let hidden = plain.chars().find(|c| is_hidden(*c) && *c != '\n');
            assert_eq!(hidden, None, "{plain:?}");
            let read = |json: &str| serde_json::from_str::<Value>(json).unwrap();
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
    fn further_lines_are_indented() {
        assert_eq!(message("one\nerror: two\n"), "one\n    error: two");
    }
}
