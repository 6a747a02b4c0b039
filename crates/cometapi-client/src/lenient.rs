//! JSON that other parsers accept and `serde_json` refuses, rewritten so that it accepts it.
//!
//! A paid result must not be lost to a log line that was cut inside a surrogate pair. Accepted
//! is what Python's `json.loads` or JavaScript's `JSON.parse` after `TextDecoder` accept, and
//! nothing more: the structure is never guessed. A body that breaks off, or has a quote too
//! many, stays refused.

use std::borrow::Cow;
use std::mem;

use serde::de::{DeserializeOwned, IgnoredAny};

use crate::ignored_field::IgnoredField;

/// Containers inside more than this many others become null. `serde_json` refuses 128.
const MAX_DEPTH: usize = 100;

/// The longest text that is rewritten, in bytes. A body that is not UTF-8 may be a third of it.
const MAX_TEXT: usize = 128 << 20;

/// Decodes `body`, strictly first. Lists what had to be replaced, if anything had.
pub(crate) fn from_slice<T: DeserializeOwned>(
    body: &[u8],
) -> Result<(T, Vec<IgnoredField>), serde_json::Error> {
    let strict = match serde_json::from_slice(body) {
        Ok(value) => return Ok((value, Vec::new())),
        Err(error) => error,
    };
    let decoded = repair(body).and_then(|repaired| {
        let value = serde_json::from_str(&repaired.json).ok()?;
        Some((value, repaired.ignored))
    });
    decoded.ok_or(strict)
}

struct Repaired {
    json: String,
    ignored: Vec<IgnoredField>,
}

/// Rewrites what is not strict JSON in `body`. `None` where it is not text, or its brackets do
/// not match; everything else is left for the strict decode to judge.
fn repair(body: &[u8]) -> Option<Repaired> {
    let (text, is_whole) = decode(body).filter(|(text, _)| text.len() <= MAX_TEXT)?;
    let mut rewriter = Rewriter {
        text: &text,
        at: 0,
        copied: 0,
        json: String::with_capacity(text.len()),
        open: Vec::new(),
        key: "",
        ignored: Vec::new(),
    };
    if !is_whole {
        rewriter.ignored.push(IgnoredField {
            path: String::new(),
            reason: "bytes that are not text were replaced".to_owned(),
        });
    }
    rewriter.document()?;
    let (mut json, rest) = (rewriter.json, &text[rewriter.copied..]);
    json.push_str(rest);
    Some(Repaired {
        json,
        ignored: rewriter.ignored,
    })
}

/// The text of `body` by its byte-order mark, else by where its zero bytes are (as Python
/// detects it), else as UTF-8 with what is malformed replaced; and whether nothing was.
fn decode(body: &[u8]) -> Option<(Cow<'_, str>, bool)> {
    let zeros: Vec<bool> = body.iter().take(4).map(|byte| *byte == 0).collect();
    Some(match (body, &zeros[..]) {
        ([0xff, 0xfe, 0, 0, rest @ ..], _) => utf32(rest, u32::from_le_bytes)?,
        ([0, 0, 0xfe, 0xff, rest @ ..], _) => utf32(rest, u32::from_be_bytes)?,
        ([0xff, 0xfe, rest @ ..], _) => utf16(rest, u16::from_le_bytes)?,
        ([0xfe, 0xff, rest @ ..], _) => utf16(rest, u16::from_be_bytes)?,
        ([0xef, 0xbb, 0xbf, rest @ ..], _) => utf8(rest),
        (_, [true, true, ..]) => utf32(body, u32::from_be_bytes)?,
        (_, [true, false, ..]) => utf16(body, u16::from_be_bytes)?,
        (_, [false, true, true, true]) => utf32(body, u32::from_le_bytes)?,
        (_, [false, true, ..]) => utf16(body, u16::from_le_bytes)?,
        _ => utf8(body),
    })
}

fn utf8(bytes: &[u8]) -> (Cow<'_, str>, bool) {
    let text = String::from_utf8_lossy(bytes);
    let is_whole = matches!(text, Cow::Borrowed(_));
    (text, is_whole)
}

fn utf16<'t>(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Option<(Cow<'t, str>, bool)> {
    let (units, rest) = bytes.as_chunks::<2>();
    let decoded = char::decode_utf16(units.iter().map(|bytes| unit(*bytes)));
    rest.is_empty().then(|| replaced(decoded.map(Result::ok)))
}

fn utf32<'t>(bytes: &[u8], unit: fn([u8; 4]) -> u32) -> Option<(Cow<'t, str>, bool)> {
    let (units, rest) = bytes.as_chunks::<4>();
    let decoded = units.iter().map(|bytes| char::from_u32(unit(*bytes)));
    rest.is_empty().then(|| replaced(decoded))
}

fn replaced<'t>(decoded: impl Iterator<Item = Option<char>>) -> (Cow<'t, str>, bool) {
    let mut is_whole = true;
    let text: String = decoded
        .map(|c| {
            is_whole &= c.is_some();
            c.unwrap_or(char::REPLACEMENT_CHARACTER)
        })
        .collect();
    (Cow::Owned(text), is_whole)
}

/// One pass over the text. What needs no change is copied in runs.
struct Rewriter<'t> {
    text: &'t str,
    at: usize,
    /// Up to here the text is in `json`, changed or not.
    copied: usize,
    json: String,
    /// The brackets that are open, by what closes them.
    open: Vec<u8>,
    /// The member of the outermost object that is being read, without its quotes.
    key: &'t str,
    ignored: Vec<IgnoredField>,
}

impl<'t> Rewriter<'t> {
    fn document(&mut self) -> Option<()> {
        let mut is_key = false;
        while let Some(byte) = self.peek() {
            match byte {
                b'"' => {
                    let string = self.string()?;
                    if mem::take(&mut is_key) {
                        self.key = string;
                    }
                }
                b'{' | b'[' => {
                    if self.open.len() >= MAX_DEPTH {
                        let start = self.at;
                        self.skip_container()?;
                        self.replace(start, "null", "is nested too deeply");
                        continue;
                    }
                    self.open.push(closing(byte));
                    self.at += 1;
                    is_key = byte == b'{' && self.open.len() == 1;
                }
                b'}' | b']' => {
                    self.close(byte)?;
                }
                b',' => {
                    self.at += 1;
                    is_key = self.open == [b'}'];
                }
                _ => self.scalar(),
            }
        }
        self.open.is_empty().then_some(())
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn close(&mut self, byte: u8) -> Option<()> {
        self.at += 1;
        (self.open.pop() == Some(byte)).then_some(())
    }

    /// Writes `json` for what was read since `start`.
    fn replace(&mut self, start: usize, json: &str, reason: &str) {
        self.json.push_str(&self.text[self.copied..start]);
        self.json.push_str(json);
        self.copied = self.at;
        let is_new = self
            .ignored
            .last()
            .is_none_or(|last| last.path != self.key || last.reason != reason);
        if is_new {
            self.ignored.push(IgnoredField {
                path: self.key.to_owned(),
                reason: reason.to_owned(),
            });
        }
    }

    /// A number, a literal, a space or a colon; also what is not JSON, for the decode to refuse.
    fn scalar(&mut self) {
        let start = self.at;
        let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || b"+-._".contains(byte);
        let rest = &self.text.as_bytes()[start..];
        let length = rest.iter().take_while(|byte| is_part(byte)).count();
        if length == 0 {
            // Not a part of any token; a character may have several bytes.
            self.at += rest
                .iter()
                .skip(1)
                .take_while(|b| **b & 0xc0 == 0x80)
                .count()
                + 1;
            return;
        }
        self.at += length;
        match &self.text[start..self.at] {
            "NaN" | "Infinity" | "-Infinity" => {
                self.replace(start, "null", "is a number that JSON does not have");
            }
            number if number.parse().is_ok_and(f64::is_infinite) && is_json(number) => {
                self.replace(start, "null", "is a number that is too large");
            }
            _ => {}
        }
    }

    /// A string; gives what is between its quotes, as written.
    fn string(&mut self) -> Option<&'t str> {
        let text = self.text;
        self.at += 1;
        let start = self.at;
        loop {
            let rest = &text.as_bytes()[self.at..];
            self.at += rest.iter().position(|byte| matches!(byte, b'"' | b'\\'))?;
            if self.peek() == Some(b'"') {
                self.at += 1;
                return Some(&text[start..self.at - 1]);
            }
            let escape = self.at;
            match unit(&text.as_bytes()[escape..]) {
                Some(0xd800..=0xdbff) => {
                    self.at += 6;
                    if let Some(0xdc00..=0xdfff) = unit(&text.as_bytes()[self.at..]) {
                        self.at += 6;
                    } else {
                        self.replace(escape, "\\ufffd", HALF);
                    }
                }
                Some(0xdc00..=0xdfff) => {
                    self.at += 6;
                    self.replace(escape, "\\ufffd", HALF);
                }
                Some(_) => self.at += 6,
                // The escaped character is ASCII, or the decode refuses it.
                None => {
                    let next = text[escape + 1..].chars().next()?;
                    self.at += 1 + next.len_utf8();
                }
            }
        }
    }

    /// Reads past a container that is left out, whose brackets must match nevertheless.
    fn skip_container(&mut self) -> Option<()> {
        let depth = self.open.len();
        loop {
            match self.peek()? {
                b'"' => {
                    self.skip_string()?;
                }
                byte @ (b'{' | b'[') => {
                    self.open.push(closing(byte));
                    self.at += 1;
                }
                byte @ (b'}' | b']') => {
                    self.close(byte)?;
                    if self.open.len() == depth {
                        return Some(());
                    }
                }
                byte if byte.is_ascii_alphanumeric() || b" \t\r\n,:+-.".contains(&byte) => {
                    self.at += 1;
                }
                _ => return None,
            }
        }
    }

    fn skip_string(&mut self) -> Option<()> {
        self.at += 1;
        loop {
            let rest = &self.text.as_bytes()[self.at..];
            let found = rest.iter().position(|byte| matches!(byte, b'"' | b'\\'))?;
            self.at += found + 1;
            if rest[found] == b'"' {
                return Some(());
            }
            self.at += self.text.get(self.at..)?.chars().next()?.len_utf8();
        }
    }
}

const HALF: &str = "half of a surrogate pair was replaced";

fn closing(opening: u8) -> u8 {
    if opening == b'{' { b'}' } else { b']' }
}

/// The code unit of a `\uXXXX` at the start of `bytes`.
fn unit(bytes: &[u8]) -> Option<u32> {
    let digits = bytes.strip_prefix(b"\\u")?.get(..4)?;
    digits.iter().try_fold(0, |unit, digit| {
        Some(unit * 16 + char::from(*digit).to_digit(16)?)
    })
}

/// Whether `token` is JSON; `f64` reads more numbers than JSON has. Numbers of any size are.
fn is_json(token: &str) -> bool {
    serde_json::from_str::<IgnoredAny>(token).is_ok()
}

#[cfg(test)]
mod tests;
