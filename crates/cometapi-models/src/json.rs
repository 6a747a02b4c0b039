//! JSON that a person wrote: refused where `serde_json` would silently change it.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::error::Category;
use serde_json::{Map, Value};

/// From here on an `f64` cannot hold every whole number.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// Parses JSON, and refuses what would be sent as something else than is written: an object
/// with the same key twice, at any depth, and a number that a 64-bit integer or float cannot
/// hold.
///
/// ```
/// use cometapi_models::{JsonErrorKind, parse_json};
///
/// assert_eq!(parse_json(r#"{"seed": 7}"#)?, serde_json::json!({"seed": 7}));
/// let error = parse_json(r#"{"seed": 7, "seed": 8}"#).unwrap_err();
/// assert_eq!(error.kind(), JsonErrorKind::DuplicateKey);
/// let error = parse_json("123456789012345678901234567890").unwrap_err();
/// assert_eq!(error.kind(), JsonErrorKind::Number);
/// # Ok::<(), cometapi_models::JsonError>(())
/// ```
///
/// # Errors
///
/// See [`JsonErrorKind`].
pub fn parse_json(text: &str) -> Result<Value, JsonError> {
    let parsed = serde_json::from_str(text);
    // `serde_json` reports a number that overflows as a syntax error.
    if parsed.is_ok() || serde_json::from_str::<IgnoredAny>(text).is_ok() {
        refuse_inexact_numbers(text)?;
    }
    parsed.map(|Unique(value)| value).map_err(JsonError::from)
}

/// Parses `text` as JSON if it is JSON, and takes it as a string otherwise.
///
/// # Errors
///
/// [`JsonErrorKind::DuplicateKey`] and [`JsonErrorKind::Number`]: the text is JSON, and would
/// be sent as something else than is written.
pub fn json_or_text(text: &str) -> Result<Value, JsonError> {
    match parse_json(text) {
        Err(e) if e.is_not_json() => Ok(text.into()),
        parsed => parsed,
    }
}

/// Why text was refused as JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JsonError {
    kind: JsonErrorKind,
    message: String,
    line: usize,
    column: usize,
}

/// The kinds of [`JsonError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum JsonErrorKind {
    /// It is not JSON.
    Syntax,
    /// It is the beginning of JSON, and ends too early.
    Unfinished,
    /// An object holds a key twice.
    DuplicateKey,
    /// A number is an integer beyond 64 bits, overflows, underflows to zero, or is too large
    /// for a float to hold its digits.
    Number,
}

impl JsonError {
    /// The kind of error.
    pub fn kind(&self) -> JsonErrorKind {
        self.kind
    }

    /// Whether the text is not JSON at all, rather than JSON that would change when it is sent.
    pub(crate) fn is_not_json(&self) -> bool {
        matches!(self.kind, JsonErrorKind::Syntax | JsonErrorKind::Unfinished)
    }

    /// The line of the error, counted from 1.
    pub fn line(&self) -> usize {
        self.line
    }

    /// The column of the error in its line, counted in bytes from 1.
    pub fn column(&self) -> usize {
        self.column
    }

    /// What is wrong, without the position.
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl fmt::Display for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            message,
            line,
            column,
            ..
        } = self;
        write!(f, "{message} at line {line} column {column}")
    }
}

impl std::error::Error for JsonError {}

impl From<serde_json::Error> for JsonError {
    fn from(error: serde_json::Error) -> Self {
        let kind = match error.classify() {
            Category::Data => JsonErrorKind::DuplicateKey,
            Category::Eof => JsonErrorKind::Unfinished,
            Category::Syntax | Category::Io => JsonErrorKind::Syntax,
        };
        let (line, column) = (error.line(), error.column());
        let message = error.to_string();
        let position = format!(" at line {line} column {column}");
        let message = message.strip_suffix(&position).unwrap_or(&message);
        Self {
            kind,
            message: message.to_owned(),
            line,
            column,
        }
    }
}

/// A value whose objects hold each key once.
struct Unique(Value);

impl<'de> Deserialize<'de> for Unique {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(UniqueKeys).map(Self)
    }
}

struct UniqueKeys;

impl<'de> Visitor<'de> for UniqueKeys {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(Unique(item)) = items.next_element()? {
            list.push(item);
        }
        Ok(list.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut fields = Map::new();
        while let Some(key) = entries.next_key::<String>()? {
            if fields.contains_key(&key) {
                let key: String = key.chars().take(60).collect();
                return Err(A::Error::custom(format_args!("{key:?} is given twice")));
            }
            let Unique(value) = entries.next_value()?;
            fields.insert(key, value);
        }
        Ok(fields.into())
    }
}

/// Looks at the spelling of each number in `json`, which must be well formed.
fn refuse_inexact_numbers(json: &str) -> Result<(), JsonError> {
    let bytes = json.as_bytes();
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => at = string_end(bytes, at),
            b'-' | b'0'..=b'9' => {
                let rest = &json[at..];
                let end = rest
                    .find(|c: char| {
                        !c.is_ascii_digit() && !matches!(c, '+' | '-' | '.' | 'e' | 'E')
                    })
                    .unwrap_or(rest.len());
                if let Some(reason) = inexact(&rest[..end]) {
                    let before = &json[..at];
                    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
                    let number: String = rest[..end].chars().take(40).collect();
                    return Err(JsonError {
                        kind: JsonErrorKind::Number,
                        message: format!("the number {number} {reason}"),
                        line: before.matches('\n').count() + 1,
                        column: at - line_start + 1,
                    });
                }
                at += end;
            }
            _ => at += 1,
        }
    }
    Ok(())
}

/// The position after the string that begins at `start`.
fn string_end(bytes: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => return at + 1,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    at
}

/// Why the number that `literal` spells would be sent as another number, if it would.
fn inexact(literal: &str) -> Option<&'static str> {
    if !literal.contains(['.', 'e', 'E']) {
        let fits = literal.parse::<i64>().is_ok() || literal.parse::<u64>().is_ok();
        return (!fits).then_some("is an integer beyond 64 bits");
    }
    let number: f64 = literal.parse().ok()?;
    let (digits, exponent) = decimal(literal);
    if number.is_infinite() {
        return Some("is too large");
    }
    if number == 0.0 {
        return (!digits.is_empty()).then_some("is too small");
    }
    if number.abs() < EXACT {
        return None;
    }
    // A program may write a float in its shortest form, with 17 digits, or with all of them.
    let same = |spelling: String| decimal(&spelling) == (digits.clone(), exponent);
    let exact = same(format!("{number:e}"))
        || same(format!("{number:.16e}"))
        || same(format!("{number:.0}"));
    (!exact).then_some("has more digits than a float holds")
}

/// The significant digits of a number, and the power of ten that they are multiplied by.
fn decimal(literal: &str) -> (String, i64) {
    let (mantissa, exponent) = literal.split_once(['e', 'E']).unwrap_or((literal, "0"));
    let exponent: i64 = exponent.parse().unwrap_or(0);
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{}{fraction}", whole.trim_start_matches(['-', '+']));
    let significant = digits.trim_end_matches('0');
    let shift = digits.len() - significant.len();
    let exponent = exponent
        .saturating_sub_unsigned(fraction.len() as u64)
        .saturating_add_unsigned(shift as u64);
    (significant.trim_start_matches('0').to_owned(), exponent)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn kind(text: &str) -> Option<JsonErrorKind> {
        parse_json(text).err().map(|e| e.kind())
    }

    #[test]
    fn a_key_given_twice_is_refused_at_any_depth() {
        for text in [
            r#"{"a":1,"a":1}"#,
            r#"{"a":{"b":1,"c":2,"b":3}}"#,
            r#"[{"a":[{"b":1,"b":1}]}]"#,
            r#"{"model":"a/b","mo\u0064el":"c/d"}"#,
        ] {
            assert_eq!(kind(text), Some(JsonErrorKind::DuplicateKey), "{text}");
        }
        assert_eq!(kind(r#"{"a":{"b":1},"b":1,"A":2}"#), None);
        let error = parse_json("{\"seed\": 1,\n \"seed\": 2}").unwrap_err();
        assert_eq!(error.line(), 2);
        assert!(
            error
                .to_string()
                .starts_with("\"seed\" is given twice at line 2"),
            "{error}"
        );
    }

    #[test]
    fn numbers_that_would_change_are_refused() {
        for text in [
            "18446744073709551616",
            "-9223372036854775809",
            "123456789012345678901234567890",
            "1e400",
            "-1e400",
            "[1, {\"a\": 1e-400}]",
            "0.0000001e-330",
            "9007199254740993.0",
            "9007199254740993e0",
            "90071992547409.93e2",
            "1234567890123456789012.5",
        ] {
            assert_eq!(kind(text), Some(JsonErrorKind::Number), "{text}");
            assert_eq!(
                kind(&format!("{{\"a\":{text}}}")),
                Some(JsonErrorKind::Number)
            );
            assert!(json_or_text(text).is_err(), "{text}");
        }
        for text in [
            "18446744073709551615",
            "-9223372036854775808",
            "9007199254740993",
            "9007199254740992.0",
            "1e23",
            "9.9999999999999992e+22",
            "99999999999999991611392.0",
            "1.7976931348623157e308",
            "3.14159265358979323846",
            "0.10000000000000001",
            "5e-324",
            "0e999",
            "-0.0",
            "0.000e-999",
            "\"123456789012345678901234567890\"",
            "\"a \\\" 1e400 \\\\\"",
        ] {
            assert_eq!(kind(text), None, "{text}");
        }
        let error = parse_json("{\"a\": 1,\n  \"seed\": 1e999}").unwrap_err();
        assert_eq!(
            error.to_string(),
            "the number 1e999 is too large at line 2 column 11"
        );
    }

    #[test]
    fn what_is_not_json_is_text_where_text_is_meant() {
        assert_eq!(kind(""), Some(JsonErrorKind::Unfinished));
        assert_eq!(kind("{\"a\":"), Some(JsonErrorKind::Unfinished));
        assert_eq!(kind("16:9"), Some(JsonErrorKind::Syntax));
        assert_eq!(kind("\"\\ud83d\""), Some(JsonErrorKind::Syntax));
        for (text, value) in [
            ("16:9", json!("16:9")),
            ("{\"a\":", json!("{\"a\":")),
            ("", json!("")),
            ("1e400 foxes", json!("1e400 foxes")),
            ("[1]", json!([1])),
        ] {
            assert_eq!(json_or_text(text), Ok(value));
        }
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            ".*".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 32, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::vec((".*", inner), 0..6)
                    .prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn json_that_a_program_wrote_is_read_as_serde_json_reads_it(value in any_json()) {
            for text in [value.to_string(), serde_json::to_string_pretty(&value).unwrap()] {
                prop_assert_eq!(parse_json(&text), Ok(serde_json::from_str(&text).unwrap()));
            }
        }

        #[test]
        fn every_float_may_be_written_in_each_usual_form(bits: u64) {
            let number = f64::from_bits(bits);
            prop_assume!(number.is_finite());
            for text in [
                format!("{number:e}"),
                format!("{number:?}"),
                format!("{number:.16e}"),
                format!("{number:.1}"),
            ] {
                let is_rounded_to_nothing = number != 0.0 && text.parse::<f64>() == Ok(0.0);
                if !is_rounded_to_nothing {
                    prop_assert_eq!(kind(&text), None, "{}", text);
                }
            }
        }

        #[test]
        fn any_text_is_refused_or_read(text in "[\\[{\"',:a-c0-9eE.\\-+\\s}\\]\\\\]{0,60}") {
            let strict = parse_json(&text);
            if let Ok(value) = &strict {
                prop_assert_eq!(value, &serde_json::from_str::<Value>(&text).unwrap());
            }
            if serde_json::from_str::<Value>(&text).is_err() {
                prop_assert!(strict.is_err());
            }
        }
    }
}
