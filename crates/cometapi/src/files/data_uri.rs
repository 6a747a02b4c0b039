//! Files that are in the output itself: data URIs (RFC 2397).

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use bytes::Bytes;
use percent_encoding::percent_decode_str;

use cometapi_models::media;

/// Browsers decode without padding, too.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// Returns what follows `data:`.
pub(crate) fn strip(url: &str) -> Option<&str> {
    let (scheme, rest) = url.split_at_checked(5)?;
    scheme.eq_ignore_ascii_case("data:").then_some(rest)
}

/// Decodes what follows `data:` into the media type and the bytes; `None` if it is malformed.
pub(crate) fn decode(rest: &str) -> Option<(Option<String>, Bytes)> {
    let (head, data) = rest.split_once(',')?;
    let (head, base64) = match head.rsplit_once(';') {
        Some((before, last)) if last.trim().eq_ignore_ascii_case("base64") => (before, true),
        _ => (head, false),
    };
    let media_type = media::essence(head).filter(|found| is_media_type(head, found));
    // Text may begin with "data:" and hold a comma. With a media type it is a data URI for
    // sure; one without has no character in it that a URI cannot have.
    if media_type.is_none() {
        let short = head.split(';').enumerate().all(|(at, part)| {
            if at == 0 {
                part.is_empty()
            } else {
                part.contains('=')
            }
        });
        if !short || (!base64 && !data.bytes().all(|b| b.is_ascii_graphic())) {
            return None;
        }
    }
    let mut plain: Vec<u8> = percent_decode_str(data).collect();
    let bytes = if base64 {
        plain.retain(|b| !b.is_ascii_whitespace());
        BASE64.decode(plain).ok()?
    } else {
        plain
    };
    Some((media_type, bytes.into()))
}

/// Whether `head` begins with the media type `essence` of a registered kind.
fn is_media_type(head: &str, essence: &str) -> bool {
    let kinds = [
        "application",
        "audio",
        "chemical",
        "font",
        "image",
        "message",
        "model",
        "multipart",
        "text",
        "video",
    ];
    head.split(';')
        .next()
        .is_some_and(|kind| kind.len() == essence.len())
        && essence
            .split_once('/')
            .is_some_and(|(kind, _)| kinds.contains(&kind))
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::STANDARD;
    use proptest::prelude::*;

    use super::*;

    fn of(uri: &str) -> Option<(Option<String>, Vec<u8>)> {
        decode(strip(uri)?).map(|(media_type, bytes)| (media_type, bytes.to_vec()))
    }

    #[test]
    fn both_forms_are_read() {
        let png = Some("image/png".to_owned());
        let svg = Some("image/svg+xml".to_owned());
        for (uri, media_type, bytes) in [
            ("data:image/png;base64,aGk=", &png, "hi"),
            ("data:image/png;base64,aGk", &png, "hi"),
            ("data:image/png;base64,aG\n k%3D", &png, "hi"),
            ("DATA:image/png;x=y;BASE64,aGk=", &png, "hi"),
            (
                "data:image/svg+xml;utf8,<svg id='a' />",
                &svg,
                "<svg id='a' />",
            ),
            ("data:,a%20b", &None, "a b"),
            ("data:;base64,aGk=", &None, "hi"),
            ("data:;charset=utf-8,a%20b", &None, "a b"),
            ("data:image/png;base64,", &png, ""),
        ] {
            let read = Some((media_type.clone(), bytes.as_bytes().to_vec()));
            assert_eq!(of(uri), read, "{uri}");
        }
    }

    #[test]
    fn text_is_no_data_uri() {
        for text in [
            "data:text/plain;base64,a",
            "data:image/png;base64,aGk=!",
            "data:text/plain",
            "data: the chart shows 5 bars, and a line",
            "Data: the chart shows 5 bars",
            "data:, and so on",
            "data:5 bars, 3 lines",
            "Data: input/output, and so on",
            "Data:input/output, and so on",
            "data:\nimage/png,x",
            "data:",
            "https://a/b",
        ] {
            assert_eq!(of(text), None, "{text}");
        }
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
