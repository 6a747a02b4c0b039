//! Removes the key from what the service sends back: it goes into errors, and from there into logs.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue};
use memchr::{memchr, memchr3_iter, memmem};

/// A shorter key is a placeholder, and a word that any body may hold.
const SHORTEST_KEY: usize = 12;

/// How much of the key is removed at the end of a body, which may have been cut inside it. Less is
/// of no use to anybody.
const SHORTEST_PART: usize = 8;

/// A JSON text in a JSON string in a JSON string has seven backslashes before an escape.
const MOST_BACKSLASHES: usize = 7;

const REPLACEMENT: &[u8] = b"[key]";

/// Finds a key, whether its characters stand there plainly, as JSON escapes (`\u002d`, `\/`) or
/// percent-encoded.
#[derive(Clone)]
pub(crate) struct KeyFilter {
    plain: memmem::Finder<'static>,
}

impl KeyFilter {
    /// `None` for a placeholder, which is not searched for.
    pub(crate) fn new(key: &str) -> Option<Self> {
        (key.len() >= SHORTEST_KEY).then(|| Self {
            plain: memmem::Finder::new(key).into_owned(),
        })
    }

    pub(crate) fn clean_headers(&self, headers: &mut HeaderMap) {
        for value in headers.values_mut() {
            if let Some(clean) = self.cleaned(value.as_bytes()) {
                *value = HeaderValue::from_bytes(&clean)
                    .unwrap_or_else(|_| HeaderValue::from_static("[key]"));
            }
        }
    }

    pub(crate) fn clean_body(&self, body: Bytes) -> Bytes {
        match self.cleaned(&body) {
            Some(clean) => clean.into(),
            None => body,
        }
    }

    /// `bytes` without the key; `None` where it is not in them.
    fn cleaned(&self, bytes: &[u8]) -> Option<Vec<u8>> {
        let is_encoded = memchr(b'\\', bytes).is_some() || memchr(b'%', bytes).is_some();
        let mut clean = None;
        let mut done = 0;
        let mut remove = |start: usize, end: usize| {
            if start >= done {
                let clean: &mut Vec<u8> = clean.get_or_insert_default();
                clean.extend_from_slice(&bytes[done..start]);
                clean.extend_from_slice(REPLACEMENT);
                done = end;
            }
        };
        if is_encoded {
            let first = self.key()[0];
            for start in memchr3_iter(first, b'\\', b'%', bytes) {
                if let Some(length) = self.length_at(&bytes[start..]) {
                    remove(start, start + length);
                }
            }
        } else {
            for start in self.plain.find_iter(bytes) {
                remove(start, start + self.key().len());
            }
            if let Some(length) = self.part_at_end(bytes) {
                remove(bytes.len() - length, bytes.len());
            }
        }
        if let Some(clean) = &mut clean {
            clean.extend_from_slice(&bytes[done..]);
        }
        clean
    }

    fn key(&self) -> &[u8] {
        self.plain.needle()
    }

    /// The length of the key's beginning with which `bytes` end.
    fn part_at_end(&self, bytes: &[u8]) -> Option<usize> {
        (SHORTEST_PART..self.key().len())
            .rev()
            .find(|length| bytes.ends_with(&self.key()[..*length]))
    }

    /// How many bytes at the beginning of `bytes` are the key, in any encoding, or enough of its
    /// beginning where `bytes` end in it.
    fn length_at(&self, bytes: &[u8]) -> Option<usize> {
        if bytes.starts_with(self.key()) {
            return Some(self.key().len());
        }
        let mut length = 0;
        for (matched, expected) in self.key().iter().enumerate() {
            match character(&bytes[length..]) {
                Some((found, encoded)) if found == *expected => length += encoded,
                Some(_) => return None,
                None => return (matched >= SHORTEST_PART).then_some(bytes.len()),
            }
        }
        Some(length)
    }
}

/// The character that `bytes` begin with, and how many bytes it takes. `None` where they end before
/// it does.
fn character(bytes: &[u8]) -> Option<(u8, usize)> {
    let hex = |at: usize, digits: usize| {
        let digits = bytes.get(at..at + digits)?;
        let digits = std::str::from_utf8(digits).ok()?;
        u8::from_str_radix(digits, 16).ok()
    };
    match *bytes.first()? {
        b'%' if bytes.len() < 3 => None,
        b'%' => Some(hex(1, 2).map_or((b'%', 1), |c| (c, 3))),
        b'\\' => {
            let backslashes = bytes
                .iter()
                .take(MOST_BACKSLASHES)
                .take_while(|c| **c == b'\\');
            let at = backslashes.count();
            match *bytes.get(at)? {
                b'u' if bytes.len() < at + 5 => None,
                b'u' => Some(hex(at + 1, 4).map_or((b'u', at + 1), |c| (c, at + 5))),
                c => Some((c, at + 1)),
            }
        }
        c => Some((c, 1)),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const KEY: &str = "sk-very/secret+key";

    fn clean(body: &str) -> String {
        let filter = KeyFilter::new(KEY).unwrap();
        let clean = filter.clean_body(Bytes::copy_from_slice(body.as_bytes()));
        String::from_utf8(clean.to_vec()).unwrap()
    }

    #[test]
    fn a_key_is_removed_in_every_encoding() {
        for key in [
            KEY,
            r"sk-very\/secret+key",
            r"sk\u002dvery/secret\u002Bkey",
            r"\u0073k-very\u002fsecret+ke\u0079",
            r"sk\\u002dvery\\/secret+key",
            r"sk\\\\u002dvery/secret+key",
            "sk%2Dvery%2fsecret%2Bkey",
        ] {
            assert_eq!(clean(&format!("a{key}b")), "a[key]b");
            let twice = format!("{{\"a\\n\":\"{key}\",\"{key}\":\"100%\"}}");
            assert_eq!(clean(&twice), r#"{"a\n":"[key]","[key]":"100%"}"#);
        }
        for other in [
            "",
            "sk-very/secret+ke-",
            r"sk\u002cvery/secret+key",
            "sk-very\\",
            "%",
            "\\u00",
        ] {
            assert_eq!(clean(other), other);
        }
    }

    #[test]
    fn a_part_of_the_key_is_removed_at_the_end() {
        assert_eq!(clean("a sk-very/secret"), "a [key]");
        assert_eq!(clean(r"a\n sk-very\u002fsecr\u00"), r"a\n [key]");
        assert_eq!(clean("a sk-very"), "a sk-very");
        assert_eq!(clean("sk-very/secret."), "sk-very/secret.");
    }

    #[test]
    fn a_placeholder_is_not_searched_for() {
        assert!(KeyFilter::new("mock").is_none());
    }

    #[test]
    fn the_key_is_removed_from_headers() {
        let mut headers = HeaderMap::new();
        headers.insert("x-oneapi-request-id", format!("a {KEY} b").parse().unwrap());
        headers.append("location", "/?key=sk%2Dvery/secret+key".parse().unwrap());
        headers.insert("etag", "\"abc\"".parse().unwrap());
        KeyFilter::new(KEY).unwrap().clean_headers(&mut headers);
        assert_eq!(headers["x-oneapi-request-id"], "a [key] b");
        assert_eq!(headers["location"], "/?key=[key]");
        assert_eq!(headers["etag"], "\"abc\"");
    }

    /// 64 MiB of it take no longer than other bodies.
    #[test]
    fn backslashes_are_counted_up_to_a_limit() {
        assert_eq!(
            character(&[b'\\'; 100]),
            Some((b'\\', MOST_BACKSLASHES + 1))
        );
    }

    fn encoded(c: char) -> impl Strategy<Value = String> {
        let code = u32::from(c);
        prop_oneof![
            Just(c.to_string()),
            Just(format!("\\u{code:04x}")),
            Just(format!("\\u{code:04X}")),
            Just(format!("\\\\u{code:04x}")),
            Just(format!("%{code:02x}")),
            Just(format!("%{code:02X}")),
        ]
    }

    proptest! {
        #[test]
        fn no_encoding_of_the_key_is_left(
            before in r#"[a-z"\\ %]{0,12}"#,
            key in KEY.chars().map(encoded).collect::<Vec<_>>(),
            after in r#"[a-z"\\ %]{0,12}"#,
        ) {
            // A backslash just before it is a part of its first escape.
            let before = before.trim_end_matches(['\\', '%']);
            let key = key.concat();
            let body = clean(&format!("{before} {key}{after}"));
            prop_assert_eq!(body, format!("{before} [key]{after}"));
        }

        #[test]
        fn a_body_without_the_key_is_left_as_it_is(body in r#"[a-t"\\u%0-9\n-]{0,64}"#) {
            prop_assert_eq!(clean(&body), body);
        }
    }
}
