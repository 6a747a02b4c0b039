//! A file as an input value: text as text, a picture as a data URI.

use std::fs;
use std::path::Path;

use cometapi::ImageInput;

use crate::failure::Failure;

/// A file that was read for the field `key`.
pub(crate) struct Content<'a> {
    key: &'a str,
    path: &'a Path,
    bytes: Vec<u8>,
}

impl<'a> Content<'a> {
    pub(crate) fn of(key: &'a str, path: &'a Path) -> Result<Self, Failure> {
        let bytes = fs::read(path).map_err(|e| {
            Failure::usage(format!("{key}: {} cannot be read", path.display()))
                .caused_by(&e)
                .with_advice(format!("if the @ is a part of the text: {key}:='\"@…\"'"))
        })?;
        Ok(Self { key, path, bytes })
    }

    /// As text, if it is one.
    pub(crate) fn as_text(&self) -> Option<&str> {
        let text = std::str::from_utf8(&self.bytes).ok()?;
        // No text holds it, and nearly every picture does.
        (!text.contains('\0')).then_some(text)
    }

    pub(crate) fn text(&self) -> Result<&str, Failure> {
        self.as_text().ok_or_else(|| {
            let Self { key, path, .. } = self;
            Failure::usage(format!("{key}: {} is not text", path.display()))
        })
    }

    /// As a data URI, up to `limit` bytes of file.
    pub(crate) fn data_uri(&self, limit: usize) -> Result<ImageInput, Failure> {
        ImageInput::from_bytes_up_to(&self.bytes, limit).map_err(|e| {
            let why = e.to_string();
            let why = why.strip_prefix("the file ").unwrap_or(&why);
            let failure = Failure::usage(format!("{}: {} {why}", self.key, self.path.display()));
            if self.bytes.len() > limit {
                failure.with_advice("to allow more: --max-file-size SIZE, such as 1MB")
            } else {
                failure
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_holds_a_nul_is_no_text() {
        for (bytes, is_text) in [
            (&b"ein Fuchs\n"[..], true),
            ("狐".as_bytes(), true),
            (b"", true),
            (b"GIF89a\x01\0", false),
            (b"\x89PNG", false),
        ] {
            let content = Content {
                key: "image",
                path: Path::new("file"),
                bytes: bytes.to_vec(),
            };
            assert_eq!(content.as_text().is_some(), is_text, "{bytes:?}");
            assert_eq!(content.text().is_ok(), is_text, "{bytes:?}");
        }
    }
}
