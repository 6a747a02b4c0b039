//! Finding a key in text that comes from the service, also where it is encoded.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use http::{HeaderMap, HeaderValue};

use self::candidates::Filter;

mod candidates;

/// What stands for the key where it was removed.
pub const KEY_PLACEHOLDER: &str = "[key]";

/// A shorter key is a placeholder, and a word that any text may hold.
pub(crate) const SHORTEST_KEY: usize = 12;

/// The services put this before every key, and some leave it out.
const PREFIX: &str = "sk-";

/// Finds a key in the forms that it can have in a response and in a URL: as it is, in any letter
/// case (a host is lowercased), with or without `sk-`, in base64 at any offset, and each of these
/// with JSON escapes (`\u002d`, `\/`, also of JSON in JSON) or percent-encoded, once or several times.
///
/// A key of fewer than 12 characters is never found: it is a placeholder, and a word that any
/// text may hold.
#[derive(Clone)]
pub struct KeyFinder(Arc<Forms>);

struct Forms {
    forms: Vec<Vec<u8>>,
    filter: Filter,
}

impl KeyFinder {
    pub(crate) fn new(key: &str) -> Self {
        let mut forms: Vec<Vec<u8>> = Vec::new();
        // The longer form first: it begins further ahead.
        let secret = key.strip_prefix(PREFIX).unwrap_or(key);
        for form in [key, secret] {
            if form.len() >= SHORTEST_KEY {
                forms.push(form.into());
            }
        }
        if secret.len() >= SHORTEST_KEY {
            for offset in 0..3 {
                forms.push(base64_form(&STANDARD_NO_PAD, secret, offset));
                forms.push(base64_form(&URL_SAFE_NO_PAD, secret, offset));
            }
        }
        let filter = Filter::new(&forms);
        Self(Arc::new(Forms { forms, filter }))
    }

    /// A finder that finds nothing, because there is no key.
    pub(crate) fn of_nothing() -> Self {
        Self::new("")
    }

    /// Returns whether `url` holds the key, or held it before it was removed from the response.
    pub fn is_in_url(&self, url: &str) -> bool {
        let url = url.as_bytes();
        let had_key =
            || (0..url.len()).any(|at| match_at(url, at, KEY_PLACEHOLDER.as_bytes()).is_ok());
        let mut forms = self.0.forms.iter();
        forms.any(|form| (0..url.len()).any(|at| match_at(url, at, form).is_ok())) || had_key()
    }

    /// Returns `text` with a placeholder for the key.
    pub fn redact<'t>(&self, text: &'t str) -> Cow<'t, str> {
        match self.redact_bytes(text.as_bytes()) {
            Some(redacted) => match String::from_utf8(redacted) {
                Ok(redacted) => Cow::Owned(redacted),
                // Cannot be: what is found begins and ends with ASCII.
                Err(_) => Cow::Borrowed(KEY_PLACEHOLDER),
            },
            None => Cow::Borrowed(text),
        }
    }

    /// Removes the key from the values of `headers`.
    pub(crate) fn redact_headers(&self, headers: &mut HeaderMap) {
        for value in headers
            .values_mut()
            .filter(|value| value.len() >= SHORTEST_PART)
        {
            if let Some(redacted) = self.redact_bytes(value.as_bytes()) {
                *value = HeaderValue::from_bytes(&redacted)
                    .unwrap_or_else(|_| HeaderValue::from_static(KEY_PLACEHOLDER));
            }
        }
    }

    /// Returns `None` if the key is not in `text`. At its end, where it may have been cut, the
    /// beginning of the key is removed as well.
    pub(crate) fn redact_bytes(&self, text: &[u8]) -> Option<Vec<u8>> {
        let mut candidates = self.0.filter.candidates(text);
        let mut redacted = Vec::new();
        let (mut kept, mut at) = (0, 0);
        while let Some(begin) = candidates.next_from(at) {
            at = begin + 1;
            if let Some(end) = self.end_of_key(text, begin) {
                redacted.extend_from_slice(&text[kept..begin]);
                redacted.extend_from_slice(KEY_PLACEHOLDER.as_bytes());
                kept = end;
                at = end;
            }
        }
        if redacted.is_empty() {
            return None;
        }
        redacted.extend_from_slice(&text[kept..]);
        Some(redacted)
    }

    /// Returns where a form ends that begins at `begin`; the end of `text` if it is cut there.
    fn end_of_key(&self, text: &[u8], begin: usize) -> Option<usize> {
        let ends = || self.0.forms.iter().map(|form| match_at(text, begin, form));
        let whole = ends().find_map(Result::ok);
        whole.or_else(|| {
            ends()
                .any(|end| end == Err(Mismatch::TextEnds))
                .then_some(text.len())
        })
    }
}

impl fmt::Debug for KeyFinder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyFinder(…)")
    }
}

/// Returns the characters of base64 that depend on `secret` alone, when `offset` other bytes
/// are encoded before it.
fn base64_form(engine: &impl Engine, secret: &str, offset: usize) -> Vec<u8> {
    let mut bytes = vec![0; offset];
    bytes.extend_from_slice(secret.as_bytes());
    let encoded = engine.encode(&bytes);
    let first = (offset * 8).div_ceil(6);
    let end = bytes.len() * 8 / 6;
    encoded.as_bytes()[first..end].to_vec()
}

#[derive(Debug, PartialEq, Eq)]
enum Mismatch {
    Differs,
    /// It is the same up to the end of the text, which is no coincidence any more.
    TextEnds,
}

/// How much of a form is removed where the text ends in it. Shorter rests reveal nothing.
const SHORTEST_PART: usize = 8;

/// Returns where `form` ends in `text` if it begins at `at`.
fn match_at(text: &[u8], mut at: usize, form: &[u8]) -> Result<usize, Mismatch> {
    for (matched, expected) in form.iter().enumerate() {
        if text
            .get(at)
            .is_some_and(|byte| byte.eq_ignore_ascii_case(expected))
        {
            at += 1;
            continue;
        }
        match decode_one(text, at, MAX_ENCODINGS) {
            Some((byte, end)) if byte.eq_ignore_ascii_case(expected) => at = end,
            None if matched >= SHORTEST_PART && is_cut(&text[at..]) => {
                return Err(Mismatch::TextEnds);
            }
            _ => return Err(Mismatch::Differs),
        }
    }
    Ok(at)
}

/// Whether `rest` is nothing, or the beginning of one encoded character.
fn is_cut(rest: &[u8]) -> bool {
    let longest = usize::from(MAX_BACKSLASHES) + "u002".len();
    rest.len() <= longest && matches!(rest.first(), None | Some(b'%' | b'\\'))
}

/// How many times a character that is decoded may be percent-encoded.
const MAX_ENCODINGS: u32 = 4;

/// A JSON text in a JSON string in a JSON string has seven backslashes before an escape.
const MAX_BACKSLASHES: u8 = 7;

/// Returns the byte that `text` has at `at`, decoded from `\u002d`, `\/`, `%2d`, `%252d` or `%25%32%64`, and where
/// its encoding ends.
fn decode_one(text: &[u8], at: usize, encodings: u32) -> Option<(u8, usize)> {
    let byte = *text.get(at)?;
    if byte == b'\\' {
        return decode_escape(text, at);
    }
    if byte != b'%' || encodings == 0 {
        return Some((byte, at + 1));
    }
    let (mut byte, mut end) = decode_hex(text, at + 1, 0)?;
    // A percent sign may be the first character of another encoding.
    while byte == b'%' {
        match decode_hex(text, end, encodings - 1) {
            Some(decoded) => (byte, end) = decoded,
            None => break,
        }
    }
    Some((byte, end))
}

fn decode_escape(text: &[u8], at: usize) -> Option<(u8, usize)> {
    let backslashes = text[at..]
        .iter()
        .take(MAX_BACKSLASHES.into())
        .take_while(|byte| **byte == b'\\');
    let at = at + backslashes.count();
    match *text.get(at)? {
        b'u' => {
            let digits = std::str::from_utf8(text.get(at + 1..at + 5)?).ok()?;
            Some((u8::from_str_radix(digits, 16).ok()?, at + 5))
        }
        byte => Some((byte, at + 1)),
    }
}

/// Decodes two hexadecimal digits; each may be percent-encoded.
fn decode_hex(text: &[u8], at: usize, encodings: u32) -> Option<(u8, usize)> {
    let (high, at) = decode_one(text, at, encodings)?;
    let (low, end) = decode_one(text, at, encodings)?;
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let byte = u8::try_from(digit(high)? * 16 + digit(low)?).ok()?;
    Some((byte, end))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const KEY: &str = "sk-Zq7Pw3Lm9Xk2+/8";

    fn percent(text: &str) -> String {
        let encoded: Vec<_> = text.bytes().map(|byte| format!("%{byte:02x}")).collect();
        encoded.concat()
    }

    #[test]
    fn every_form_of_the_key_is_found_in_a_url() {
        let finder = KeyFinder::new(KEY);
        let base64 = |text: &str| URL_SAFE_NO_PAD.encode(text);
        for form in [
            KEY.to_owned(),
            KEY.to_lowercase(),
            KEY["sk-".len()..].to_owned(),
            KEY.replace('-', "%2D").replace('+', "%2b"),
            KEY.replace('-', "%25252D"),
            percent(KEY),
            percent(&percent(KEY)),
            percent(&percent(&percent(KEY))),
            base64(KEY),
            base64(&format!("u{KEY}")),
            base64(&format!("user:{KEY}!")),
            STANDARD_NO_PAD.encode(format!("xy{KEY}")),
            percent(&STANDARD_NO_PAD.encode(KEY)),
            KEY_PLACEHOLDER.to_owned(),
            "%5Bkey%5D".to_owned(),
        ] {
            for url in [
                format!("https://host/{form}.png"),
                format!("https://host/a?b={form}&c=d"),
                format!("https://host/a?b={form}"),
                form.clone(),
            ] {
                assert!(finder.is_in_url(&url), "{url}");
            }
        }
    }

    #[test]
    fn other_urls_are_left_alone() {
        let finder = KeyFinder::new(KEY);
        for url in [
            "",
            "%",
            "%2",
            "%25",
            "%zz",
            "https://host/0.png?signature=a%2Fb%252Fc&keys=sk-",
            "https://host/sk-Zq7Pw3Lm9Xk2.png",
        ] {
            assert!(!finder.is_in_url(url), "{url}");
            assert_eq!(finder.redact(url), url);
        }
        assert!(!KeyFinder::new("mock").is_in_url("https://mock/mock.png"));
        assert!(!KeyFinder::new("").is_in_url("https://mock/mock.png"));
    }

    #[test]
    fn the_key_is_replaced_in_every_form() {
        let finder = KeyFinder::new(KEY);
        for (text, redacted) in [
            (format!("a {KEY}, {KEY}"), "a [key], [key]"),
            (KEY["sk-".len()..].to_owned(), "[key]"),
            (format!("?a={}&b=1", percent(KEY)), "?a=[key]&b=1"),
            (format!("ü{KEY}ü"), "ü[key]ü"),
        ] {
            assert_eq!(finder.redact(&text), redacted);
        }
        let encoded = STANDARD_NO_PAD.encode(format!("ab{KEY}cd"));
        assert!(finder.redact(&encoded).contains(KEY_PLACEHOLDER));
        assert_eq!(format!("{finder:?}"), "KeyFinder(…)");
    }

    #[test]
    fn a_key_with_json_escapes_is_replaced() {
        let finder = KeyFinder::new(KEY);
        for key in [
            r"sk\u002dZq7Pw3Lm9Xk2+\/8",
            r"\u0073k-Zq7Pw3Lm9Xk2\u002B/\u0038",
            r"sk\\u002dZq7Pw3Lm9Xk2+\\/8",
            r"sk\\\\u002dZq7Pw3Lm9Xk2+/8",
        ] {
            let text = format!("{{\"a\\n\":\"{key}\",\"{key}\":\"100%\"}}");
            assert_eq!(finder.redact(&text), r#"{"a\n":"[key]","[key]":"100%"}"#);
        }
    }

    #[test]
    fn the_beginning_of_the_key_is_replaced_at_the_end() {
        let finder = KeyFinder::new(KEY);
        for (text, redacted) in [
            ("a sk-Zq7Pw3L", "a [key]"),
            (r"a\n sk\u002dZq7Pw3\u00", r"a\n [key]"),
            ("a sk-Zq7Pw3L%2", "a [key]"),
            ("a sk-Zq7P", "a sk-Zq7P"),
            ("sk-Zq7Pw3L.", "sk-Zq7Pw3L."),
        ] {
            assert_eq!(finder.redact(text), redacted);
        }
        assert!(!finder.is_in_url("https://host/sk-Zq7Pw3L"));
    }

    #[test]
    fn the_key_is_replaced_in_headers() {
        let mut headers = HeaderMap::new();
        headers.insert("x-oneapi-request-id", format!("a {KEY} b").parse().unwrap());
        headers.append("location", "/?key=sk%2DZq7Pw3Lm9Xk2+/8".parse().unwrap());
        headers.insert("etag", "\"abc\"".parse().unwrap());
        headers.insert("x-hint", "invalid key sk-Zq7Pw3L".parse().unwrap());
        KeyFinder::new(KEY).redact_headers(&mut headers);
        assert_eq!(headers["x-oneapi-request-id"], "a [key] b");
        assert_eq!(headers["location"], "/?key=[key]");
        assert_eq!(headers["etag"], "\"abc\"");
        assert_eq!(headers["x-hint"], "invalid key [key]");
    }

    /// 64 MiB of it take no longer than other bodies.
    #[test]
    fn backslashes_are_counted_up_to_a_limit() {
        let end = usize::from(MAX_BACKSLASHES) + 1;
        assert_eq!(decode_escape(&[b'\\'; 100], 0), Some((b'\\', end)));
    }

    fn with_escape(c: char) -> impl Strategy<Value = String> {
        let code = u32::from(c);
        prop_oneof![
            Just(c.to_string()),
            Just(format!("\\u{code:04x}")),
            Just(format!("\\u{code:04X}")),
            Just(format!("\\\\u{code:04x}")),
            Just(format!("%{code:02x}")),
        ]
    }

    proptest! {
        #[test]
        fn no_escaped_key_is_left(
            before in r#"[a-r"\\ %]{0,12}"#,
            key in KEY.chars().map(with_escape).collect::<Vec<_>>(),
            after in r#"[a-r"\\ %]{0,12}"#,
        ) {
            let text = format!("{before} {}{after}", key.concat());
            let redacted = KeyFinder::new(KEY).redact(&text).into_owned();
            prop_assert_eq!(redacted, format!("{before} [key]{after}"));
        }

        #[test]
        fn no_form_of_the_key_is_left(
            key in "sk-[!-$&-~]{12,40}", before in "[ -~]{0,9}", after in "[ -~]{0,9}",
            encoded: [bool; 43], rounds in 0usize..3,
        ) {
            let finder = KeyFinder::new(&key);
            let mut form: String = key
                .chars()
                .zip(encoded)
                .map(|(c, encoded)| if encoded { format!("%{:02X}", c as u32) } else { c.into() })
                .collect();
            for _ in 0..rounds {
                // Encodes the percent signs of the round before.
                form = form.replace('%', "%25");
            }
            let text = format!("{before}{form}{after}");
            prop_assert!(finder.is_in_url(&text));
            let redacted = finder.redact(&text).into_owned();
            prop_assert!(redacted.contains(KEY_PLACEHOLDER));
            prop_assert_eq!(finder.redact(&redacted), redacted.as_str());
            let base64 = URL_SAFE_NO_PAD.encode(format!("{before}{key}{after}"));
            prop_assert!(finder.is_in_url(&base64));
        }

        #[test]
        fn any_text_can_be_searched(text: String) {
            let finder = KeyFinder::new(KEY);
            let _ = finder.is_in_url(&text);
            prop_assert_eq!(finder.redact(&text), text.as_str());
        }
    }
}
