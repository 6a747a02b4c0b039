//! JSON as YAML, in the form of `openapi.yaml`: blocks, 92 columns, short lists in flow form,
//! prose folded. Words that an older reader takes for something else are quoted.

use serde_json::Value;

const COLUMNS: usize = 92;

/// What YAML 1.1, which many readers still speak, takes for a boolean or null.
const RESERVED: &[&str] = &["true", "false", "null", "yes", "no", "on", "off", "y", "n"];

/// Text for people; it is folded where it is long.
const PROSE: &[&str] = &["description", "x-source"];

/// Writes `key: value` and what is below it.
pub(super) fn write(key: &str, value: &Value, indent: usize, out: &mut String) {
    let pad = " ".repeat(indent);
    let head = format!("{pad}{}:", key_text(key));
    match value {
        Value::Object(entries) if !entries.is_empty() => {
            line(out, &head);
            for (key, value) in entries {
                write(key, value, indent + 2, out);
            }
        }
        Value::Array(items) if !items.is_empty() => list(&head, items, indent, out),
        Value::String(text) if PROSE.contains(&key) || text.len() > COLUMNS => {
            prose(&head, text, indent, out);
        }
        // Always text, whatever it looks like.
        Value::String(text) if key == "x-default" => line(out, &format!("{head} {}", quoted(text))),
        Value::String(text) if is_plain(text, false) => line(out, &format!("{head} {text}")),
        other => line(out, &format!("{head} {}", flow(other))),
    }
}

fn line(out: &mut String, line: &str) {
    out.push_str(line);
    out.push('\n');
}

fn list(head: &str, items: &[Value], indent: usize, out: &mut String) {
    let items: Vec<_> = items.iter().map(flow).collect();
    let one = format!("{head} [{}]", items.join(", "));
    if width(&one) <= COLUMNS {
        return line(out, &one);
    }
    line(out, &format!("{head} ["));
    let pad = " ".repeat(indent + 2);
    let mut row = String::new();
    for (index, item) in items.iter().enumerate() {
        let last = index + 1 == items.len();
        // The bracket closes in the last line: some readers want it deeper than its key.
        let item = format!("{item}{}", if last { ']' } else { ',' });
        if !row.is_empty() && width(&pad) + width(&row) + 1 + width(&item) > COLUMNS {
            line(out, &format!("{pad}{row}"));
            row.clear();
        }
        if !row.is_empty() {
            row.push(' ');
        }
        row.push_str(&item);
    }
    line(out, &format!("{pad}{row}"));
}

/// On one line, inside a list or an object on one line.
fn flow(value: &Value) -> String {
    match value {
        Value::String(text) if is_plain(text, true) => text.clone(),
        Value::String(text) => quoted(text),
        Value::Array(items) => format!(
            "[{}]",
            items.iter().map(flow).collect::<Vec<_>>().join(", ")
        ),
        Value::Object(entries) if entries.is_empty() => "{}".to_owned(),
        Value::Object(entries) => {
            let entries = entries.iter();
            // Keys of any length and kind: in flow form only quotes are safe with all readers.
            let entries = entries.map(|(key, value)| format!("{}: {}", quoted(key), flow(value)));
            format!("{{ {} }}", entries.collect::<Vec<_>>().join(", "))
        }
        Value::Number(number) => {
            let text = number.to_string();
            // YAML 1.1 takes `1e20` for a word.
            match text.split_once('e') {
                Some((digits, power)) => {
                    let point = if digits.contains('.') { "" } else { ".0" };
                    let sign = if power.starts_with(['-', '+']) {
                        ""
                    } else {
                        "+"
                    };
                    format!("{digits}{point}e{sign}{power}")
                }
                None => text,
            }
        }
        other => other.to_string(),
    }
}

fn prose(head: &str, text: &str, indent: usize, out: &mut String) {
    let one = format!("{head} {text}");
    if is_plain(text, false) && width(&one) <= COLUMNS {
        return line(out, &one);
    }
    let pad = " ".repeat(indent + 2);
    let room = COLUMNS.saturating_sub(indent + 2).max(20);
    let lines: Vec<_> = text.split('\n').collect();
    let short = lines.iter().all(|line| width(line) <= room);
    let (sign, lines) = if lines.len() > 1 && is_literal(text) && (short || !is_folded(text)) {
        ("|-", lines.into_iter().map(str::to_owned).collect())
    } else if is_folded(text) {
        (">-", fold(&lines, room))
    } else {
        return line(out, &format!("{head} {}", quoted(text)));
    };
    line(out, &format!("{head} {sign}"));
    for text in lines {
        let text = if text.is_empty() {
            text
        } else {
            pad.clone() + &text
        };
        line(out, &text);
    }
}

/// A line break in the text is an empty line; a break between words is none.
fn fold(lines: &[&str], room: usize) -> Vec<String> {
    let mut folded = Vec::new();
    for (index, text) in lines.iter().enumerate() {
        if index > 0 {
            folded.push(String::new());
        }
        let mut row = String::new();
        for word in words(text) {
            if !row.is_empty() && width(&row) + 1 + width(word) > room {
                folded.push(std::mem::take(&mut row));
            }
            if !row.is_empty() {
                row.push(' ');
            }
            row.push_str(word);
        }
        if !row.is_empty() {
            folded.push(row);
        }
    }
    folded
}

/// Splits where one space stands alone: where several stand, a fold would lose them.
fn words(text: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let mut start = 0;
    let blank = |byte: Option<&u8>| byte.is_none_or(|byte| matches!(byte, b' ' | b'\t'));
    for (at, byte) in text.bytes().enumerate() {
        let before = at.checked_sub(1).and_then(|at| text.as_bytes().get(at));
        let after = text.as_bytes().get(at + 1);
        if byte == b' ' && !blank(before) && !blank(after) {
            words.push(&text[start..at]);
            start = at + 1;
        }
    }
    words.push(&text[start..]);
    words.retain(|word| !word.is_empty());
    words
}

/// Whether a folded block gives the text back.
fn is_folded(text: &str) -> bool {
    let edge = |c: char| c.is_whitespace();
    !text.is_empty()
        && text
            .chars()
            .all(|c| is_visible(c) || c == '\n' || c == '\t')
        && !text.starts_with(edge)
        && !text.ends_with(edge)
        && text
            .split('\n')
            .all(|line| !line.starts_with(edge) && !line.ends_with(edge))
}

/// Whether a literal block gives the text back.
fn is_literal(text: &str) -> bool {
    !text.is_empty()
        && text
            .chars()
            .all(|c| is_visible(c) || c == '\n' || c == '\t')
        && !text.starts_with(char::is_whitespace)
        && !text.ends_with(char::is_whitespace)
        && text
            .split('\n')
            .all(|line| line.is_empty() || !line.trim().is_empty())
}

/// Whether the text needs no quotes, with any reader.
fn is_plain(text: &str, flow: bool) -> bool {
    let simple = text
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"_-/".contains(&byte));
    let address = text.strip_prefix("https://").is_some_and(|rest| {
        rest.bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"_-/.".contains(&byte))
    });
    text.starts_with(|first: char| first.is_ascii_alphabetic())
        && !is_reserved(text)
        && text.chars().all(is_visible)
        && !text.ends_with([' ', ':'])
        && !text.contains(": ")
        && !text.contains(" #")
        // In a list everything else reads better in quotes.
        && (!flow || simple || address)
}

fn is_reserved(text: &str) -> bool {
    RESERVED.iter().any(|word| text.eq_ignore_ascii_case(word))
}

fn key_text(key: &str) -> String {
    let plain = key.starts_with(|first: char| first.is_ascii_alphabetic())
        && key
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte))
        && !is_reserved(key);
    if plain { key.to_owned() } else { quoted(key) }
}

fn quoted(text: &str) -> String {
    if text.chars().all(is_visible) {
        return format!("'{}'", text.replace('\'', "''"));
    }
    let escaped: String = text.chars().map(escaped).collect();
    format!("\"{escaped}\"")
}

fn escaped(c: char) -> String {
    match c {
        '"' => "\\\"".to_owned(),
        '\\' => "\\\\".to_owned(),
        '\n' => "\\n".to_owned(),
        '\r' => "\\r".to_owned(),
        '\t' => "\\t".to_owned(),
        c if is_visible(c) => c.to_string(),
        c => match u32::from(c) {
            code @ 0..=0xff => format!("\\x{code:02x}"),
            code @ 0x100..=0xffff => format!("\\u{code:04x}"),
            code => format!("\\U{code:08x}"),
        },
    }
}

/// Whether a character may stand in YAML, and on a terminal, as it is: no control characters,
/// nothing that breaks lines, has no width or turns the direction of the text.
pub(super) fn is_visible(c: char) -> bool {
    !(c.is_control()
        || matches!(
            c,
            '\u{ad}'
                | '\u{61c}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{fe00}'..='\u{fe0f}'
                | '\u{feff}'
                | '\u{fff0}'..='\u{ffff}'
                | '\u{e0000}'..='\u{10ffff}'
        ))
}

fn width(text: &str) -> usize {
    text.chars().count()
}
