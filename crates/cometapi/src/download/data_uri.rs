//! Files that stand in the output itself (RFC 2397).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use percent_encoding::percent_decode_str;

use crate::media;

/// What follows `data:`.
pub(crate) fn strip(url: &str) -> Option<&str> {
    let (scheme, rest) = url.split_at_checked(5)?;
    scheme.eq_ignore_ascii_case("data:").then_some(rest)
}

/// The media type and the bytes; `None` when it is malformed.
pub(crate) fn decode(rest: &str) -> Option<(Option<String>, Bytes)> {
    let (head, data) = rest.split_once(',')?;
    let (media_type, base64) = match head.rsplit_once(';') {
        Some((before, last)) if last.trim().eq_ignore_ascii_case("base64") => (before, true),
        _ => (head, false),
    };
    let plain: Vec<u8> = percent_decode_str(data).collect();
    let bytes = if base64 {
        let compact: Vec<u8> = plain
            .into_iter()
            .filter(|b| !b.is_ascii_whitespace())
            .collect();
        STANDARD.decode(compact).ok()?
    } else {
        plain
    };
    Some((media::essence(media_type), bytes.into()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(uri: &str) -> Option<(Option<String>, Vec<u8>)> {
        decode(strip(uri)?).map(|(media_type, bytes)| (media_type, bytes.to_vec()))
    }

    #[test]
    fn both_forms_are_read() {
        let png = Some("image/png".to_owned());
        assert_eq!(
            of("data:image/png;base64,aGk="),
            Some((png.clone(), b"hi".to_vec()))
        );
        assert_eq!(
            of("DATA:image/png;x=y;BASE64,aGk="),
            Some((png, b"hi".to_vec()))
        );
        assert_eq!(of("data:,a%20b"), Some((None, b"a b".to_vec())));
        assert_eq!(of("data:text/plain;base64,a"), None);
        assert_eq!(of("data:text/plain"), None);
        assert_eq!(of("https://a/b"), None);
    }

    proptest! {
        #[test]
        fn bytes_survive(bytes: Vec<u8>) {
            let uri = format!("data:image/png;base64,{}", STANDARD.encode(&bytes));
            prop_assert_eq!(of(&uri).unwrap().1, bytes);
        }

        #[test]
        fn nothing_panics(text: String) {
            let _ = of(&format!("data:{text}"));
        }
    }
}
