//! A file as an input value: text as text, anything else as a data URI.

use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::failure::Failure;
use crate::print;

/// What the provider's reference allows a data URI to hold, in bytes of file.
const DOCUMENTED_LIMIT: usize = 256 * 1024;

/// Reads `path` for the field `key`.
pub(crate) fn value(key: &str, path: &Path) -> Result<Value, Failure> {
    let name = path.display();
    let bytes = std::fs::read(path).map_err(|e| {
        Failure::usage(format!("{key}: {name} cannot be read"))
            .caused_by(&e)
            .with_advice(format!("if the @ is a part of the text: {key}:='\"@…\"'"))
    })?;
    let media_type = match (media_type(&bytes), std::str::from_utf8(&bytes)) {
        (None, Ok(text)) => return Ok(text.into()),
        (known, _) => known.unwrap_or("application/octet-stream"),
    };
    if bytes.len() > DOCUMENTED_LIMIT {
        print::talk(format_args!(
            "note: {name} is {} kB; a data uri is documented for up to 256 kB, larger files are \
             better given as a url",
            bytes.len() / 1024
        ));
    }
    let data = STANDARD.encode(bytes);
    Ok(format!("data:{media_type};base64,{data}").into())
}

/// What the content is, of the kinds that models take.
fn media_type(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [0x89, b'P', b'N', b'G', ..] => Some("image/png"),
        [0xff, 0xd8, 0xff, ..] => Some("image/jpeg"),
        [b'G', b'I', b'F', b'8', ..] => Some("image/gif"),
        [
            b'R',
            b'I',
            b'F',
            b'F',
            _,
            _,
            _,
            _,
            b'W',
            b'E',
            b'B',
            b'P',
            ..,
        ] => Some("image/webp"),
        _ => None,
    }
}
