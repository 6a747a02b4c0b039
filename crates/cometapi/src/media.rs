//! What a file is, and the name ending that goes with it.

/// Endings by media type: what image, video and sound models are known to give.
#[cfg(feature = "download")]
const ENDINGS: [(&str, &str); 22] = [
    ("image/png", "png"),
    ("image/jpeg", "jpg"),
    ("image/webp", "webp"),
    ("image/gif", "gif"),
    ("image/avif", "avif"),
    ("image/bmp", "bmp"),
    ("image/tiff", "tiff"),
    ("image/svg+xml", "svg"),
    ("video/mp4", "mp4"),
    ("video/webm", "webm"),
    ("video/quicktime", "mov"),
    ("audio/mpeg", "mp3"),
    ("audio/wav", "wav"),
    ("audio/x-wav", "wav"),
    ("audio/ogg", "ogg"),
    ("audio/flac", "flac"),
    ("audio/mp4", "m4a"),
    ("application/pdf", "pdf"),
    ("application/zip", "zip"),
    ("application/json", "json"),
    ("model/gltf-binary", "glb"),
    ("text/plain", "txt"),
];

/// `type/subtype` out of a Content-Type value, lower case, without parameters.
pub(crate) fn essence(value: &str) -> Option<String> {
    let essence = value.split(';').next()?.trim().to_ascii_lowercase();
    let (kind, subtype) = essence.split_once('/')?;
    let token = |text: &str| {
        !text.is_empty()
            && text
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"+-._".contains(&b))
    };
    (token(kind) && token(subtype)).then_some(essence)
}

/// What a file that begins with `head` is: its first bytes decide where they are known,
/// since hosts name the type wrongly; else what its host `claims`.
pub(crate) fn told(head: &[u8], claims: Option<&str>) -> String {
    sniffed(head)
        .or(claims)
        .unwrap_or("application/octet-stream")
        .to_owned()
}

fn sniffed(head: &[u8]) -> Option<&'static str> {
    let at = |offset: usize, mark: &[u8]| {
        head.get(offset..offset + mark.len())
            .is_some_and(|bytes| bytes == mark)
    };
    Some(if at(0, b"\x89PNG\r\n\x1a\n") {
        "image/png"
    } else if at(0, b"\xff\xd8\xff") {
        "image/jpeg"
    } else if at(0, b"RIFF") && at(8, b"WEBP") {
        "image/webp"
    } else if at(0, b"RIFF") && at(8, b"WAVE") {
        "audio/wav"
    } else if at(0, b"GIF87a") || at(0, b"GIF89a") {
        "image/gif"
    } else if at(4, b"ftypavif") {
        "image/avif"
    } else if at(4, b"ftypqt") {
        "video/quicktime"
    } else if at(4, b"ftyp") {
        "video/mp4"
    } else if at(0, b"\x1a\x45\xdf\xa3") {
        "video/webm"
    } else if at(0, b"%PDF-") {
        "application/pdf"
    } else if at(0, b"glTF") {
        "model/gltf-binary"
    } else if is_page(head) {
        "text/html"
    } else {
        return None;
    })
}

fn is_page(head: &[u8]) -> bool {
    let head = head.trim_ascii_start();
    let begins = |mark: &[u8]| {
        head.get(..mark.len())
            .is_some_and(|bytes| bytes.eq_ignore_ascii_case(mark))
    };
    begins(b"<!doctype html") || begins(b"<html")
}

/// The ending of a name for `media_type`; `bin` when it is not known.
#[cfg(feature = "download")]
pub(crate) fn ending(media_type: &str) -> &'static str {
    ENDINGS
        .iter()
        .find(|(known, _)| *known == media_type)
        .map_or("bin", |(_, ending)| ending)
}

/// Every media type that has an ending, and the one for all others.
#[cfg(feature = "download")]
pub(crate) fn known() -> impl Iterator<Item = (&'static str, &'static str)> {
    ENDINGS
        .into_iter()
        .chain([("application/octet-stream", "bin")])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_decides_before_claims() {
        assert_eq!(
            told(b"\x89PNG\r\n\x1a\n...", Some("image/webp")),
            "image/png"
        );
        assert_eq!(told(b"RIFF....WEBPVP8 ", None), "image/webp");
        assert_eq!(
            told(b"\xff\xd8\xff\xe0", Some("application/octet-stream")),
            "image/jpeg"
        );
        assert_eq!(told(b" \n<!DOCTYPE HTML>", Some("image/png")), "text/html");
        assert_eq!(told(b"hello", Some("text/plain")), "text/plain");
        assert_eq!(told(b"", None), "application/octet-stream");
    }

    #[test]
    fn a_claim_is_read_without_its_parameters() {
        assert_eq!(essence("Image/PNG; q=1").as_deref(), Some("image/png"));
        for bad in ["", "png", "image/", "a/b/c", "image/../x", "a b/c"] {
            assert_eq!(essence(bad), None, "{bad}");
        }
    }

    #[cfg(feature = "download")]
    #[test]
    fn an_unknown_type_has_a_plain_ending() {
        assert_eq!(ending("image/jpeg"), "jpg");
        assert_eq!(ending("chemical/x-pdb"), "bin");
    }
}
