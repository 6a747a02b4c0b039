//! A file as an input value: text as text, an image as a data URI.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use cometapi::ImageInput;
use cometapi_batch::NotText;

use crate::failure::Failure;
use crate::{print, scale};

/// The most that is read of a file, in bytes: no request is nearly as large, and a file may be
/// endless.
pub(crate) const MAX_SIZE: usize = 64 << 20;

/// What a file may have to be sent inside a request.
#[derive(Clone, Copy)]
pub(crate) struct Limits {
    /// The most bytes.
    pub(crate) bytes: usize,
    /// The most pixels of an image's longer side: one with more of them, or with more bytes, is scaled
    /// down and encoded anew. `None` to send files as they are.
    pub(crate) pixels: Option<u32>,
}

impl Limits {
    /// How much is read of a file: more than may be sent, if it can be scaled down.
    pub(crate) fn to_read(self) -> usize {
        MAX_SIZE.max(self.bytes)
    }
}

/// A file, or stdin, that was read for the field `key`.
pub(crate) struct Content<'a> {
    key: &'a str,
    name: String,
    bytes: Vec<u8>,
}

/// What is sent for a file.
pub(crate) struct DataUri {
    pub(crate) image: ImageInput,
    /// What was made of it, if it is not sent as it is.
    pub(crate) note: Option<String>,
}

/// Why a file is not sent.
#[derive(Debug)]
pub(crate) struct Unsendable {
    pub(crate) why: String,
    /// What would send it.
    pub(crate) advice: Vec<&'static str>,
}

impl<'a> Content<'a> {
    /// What was read from stdin.
    pub(crate) fn of_stdin(key: &'a str, bytes: Vec<u8>) -> Self {
        let name = "stdin".to_owned();
        Self { key, name, bytes }
    }

    /// Reads at most `max` bytes.
    pub(crate) fn of(key: &'a str, path: &'a Path, max: usize) -> Result<Self, Failure> {
        let bytes = File::open(path).and_then(|file| read(file, max));
        let bytes = bytes.map_err(|e| {
            Failure::usage(format!("{key}: {} cannot be read", path.display()))
                .caused_by(&e)
                .with_advice(format!("if the @ is a part of the text: {key}:='\"@…\"'"))
        })?;
        let name = path.display().to_string();
        Ok(Self { key, name, bytes })
    }

    /// The text, as it is sent: with `\n` for `\r\n`, and without the line ending with which
    /// editors end a file.
    pub(crate) fn text(&self) -> Result<String, Failure> {
        match decode(&self.bytes) {
            Ok(text) => {
                let text = text.replace("\r\n", "\n");
                Ok(text.strip_suffix('\n').map_or(text.clone(), str::to_owned))
            }
            Err(what) => {
                let Self { key, name, .. } = self;
                Err(Failure::usage(format!("{key}: {name} is {what}")))
            }
        }
    }

    /// Whether it is anything but text.
    pub(crate) fn is_binary(&self) -> bool {
        is_binary(&self.bytes)
    }

    /// As a data URI, for an argument: a note says what was made of it.
    pub(crate) fn data_uri(&self, limits: Limits) -> Result<ImageInput, Failure> {
        let sent = data_uri(&self.bytes, limits).map_err(|e| {
            let failure = Failure::usage(format!("{}: {} {}", self.key, self.name, e.why));
            let advice = e.advice.into_iter();
            advice.fold(failure, Failure::with_advice)
        })?;
        if let Some(note) = sent.note {
            print::stderr(format_args!("note: {}: {note}", self.name));
        }
        Ok(sent.image)
    }
}

/// A file's content as a data URI.
pub(crate) fn data_uri(bytes: &[u8], limits: Limits) -> Result<DataUri, Unsendable> {
    let scaled = match limits.pixels {
        Some(pixels) => scale::fit(bytes, pixels, limits.bytes).map_err(|why| Unsendable {
            why,
            advice: Vec::new(),
        })?,
        None => None,
    };
    let (bytes, note) = match &scaled {
        Some(scaled) => (scaled.bytes.as_slice(), Some(scaled.note.clone())),
        None => (bytes, None),
    };
    match ImageInput::from_bytes_up_to(bytes, limits.bytes) {
        Ok(image) => Ok(DataUri { image, note }),
        Err(e) => {
            let why = e.to_string();
            let why = why.strip_prefix("the file ").unwrap_or(&why).to_owned();
            let mut advice = Vec::new();
            if bytes.len() > limits.bytes {
                if scale::is_image(bytes) {
                    advice.push("to scale it down and encode it anew: --image-max 2048");
                }
                advice.push("to allow more: --max-file-size SIZE, such as 1MB");
            }
            Err(Unsendable { why, advice })
        }
    }
}

/// Reads all of `source`, which may have at most `max` bytes.
pub(crate) fn read(source: impl Read, max: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let limit = (max as u64).saturating_add(1);
    source.take(limit).read_to_end(&mut bytes)?;
    if bytes.len() > max {
        return Err(too_large(max));
    }
    Ok(bytes)
}

/// The error of what has more than `max` bytes.
pub(crate) fn too_large(max: usize) -> io::Error {
    let what = format!("it is larger than {} MB", max >> 20);
    io::Error::new(io::ErrorKind::FileTooLarge, what)
}

/// The bytes as text, without the mark of their encoding; or what they are instead.
pub(crate) fn decode(bytes: &[u8]) -> Result<&str, String> {
    if let Some(kind) = NotText::detect(bytes) {
        return Err(kind.to_string());
    }
    let text = std::str::from_utf8(bytes)
        .map_err(|_| "not text in UTF-8; if it is text, save it as UTF-8".to_owned())?;
    Ok(text.strip_prefix('\u{feff}').unwrap_or(text))
}

/// Whether bytes are anything but text. Text in another encoding than UTF-8 is text.
pub(crate) fn is_binary(bytes: &[u8]) -> bool {
    match NotText::detect(bytes) {
        Some(NotText::Utf16) => false,
        Some(_) => true,
        // Every common binary format holds control characters.
        None => decode(bytes).is_err() && bytes.iter().copied().any(is_control),
    }
}

fn is_control(byte: u8) -> bool {
    byte.is_ascii_control() && !byte.is_ascii_whitespace()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content(bytes: &[u8]) -> Content<'static> {
        Content {
            key: "image",
            name: "file".to_owned(),
            bytes: bytes.to_vec(),
        }
    }

    #[test]
    fn no_more_than_the_limit_is_read() {
        assert_eq!(read(&b"12345"[..], 5).unwrap(), b"12345");
        let refused = read(io::repeat(b'x'), 2 << 20).unwrap_err();
        assert_eq!(refused.to_string(), "it is larger than 2 MB");
    }

    #[test]
    fn text_loses_its_mark_and_its_last_line_ending() {
        for (bytes, text) in [
            ("\u{feff}a fox\r\n", "a fox"),
            ("a fox\n", "a fox"),
            ("a fox", "a fox"),
            ("a\r\n\r\nfox\r\n\r\n", "a\n\nfox\n"),
            ("a\rfox\r", "a\rfox\r"),
            (" a \u{feff}fox \n", " a \u{feff}fox "),
            ("\n", ""),
            ("", ""),
            ("狐", "狐"),
        ] {
            let content = content(bytes.as_bytes());
            assert_eq!(content.text().unwrap(), text, "{bytes:?}");
            assert!(!content.is_binary());
        }
    }

    #[test]
    fn what_is_not_text_in_utf8_is_refused_as_text() {
        let utf16: Vec<u8> = "\u{feff}a fox"
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect();
        for (bytes, said, is_binary) in [
            (&b"GIF89a\x01\0"[..], "image: file is not text", true),
            (
                b"\x89PNG\r\n\x1a\n",
                "image: file is not text in UTF-8",
                true,
            ),
            (
                b"\x1f\x8b\x08\0",
                "image: file is compressed with gzip",
                true,
            ),
            (b"caf\xe9\r\n", "image: file is not text in UTF-8", false),
            (
                &utf16,
                "image: file is UTF-16 text; save it as UTF-8",
                false,
            ),
        ] {
            let content = content(bytes);
            let refused = content.text().unwrap_err().to_string();
            assert!(refused.starts_with(said), "{refused}");
            assert_eq!(content.is_binary(), is_binary, "{bytes:?}");
        }
    }
}
