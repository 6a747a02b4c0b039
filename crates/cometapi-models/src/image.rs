//! An image to send.

use std::fmt;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::input::InputError;
use crate::media;

/// An image, or another file, that a model takes: an address, or the file itself as a data
/// URI.
///
/// ```
/// use cometapi_models::ImageInput;
///
/// let there = ImageInput::from("https://example.com/cat.png");
/// let here = ImageInput::from_bytes(b"\x89PNG\r\n\x1a\n...")?;
/// assert_eq!(there.as_str(), "https://example.com/cat.png");
/// assert!(here.as_str().starts_with("data:image/png;base64,"));
/// # Ok::<(), cometapi_models::InputError>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct ImageInput(String);

impl ImageInput {
    /// How large a file may be to be sent as a data URI, in bytes: 256 kB (documented by
    /// Replicate).
    pub const DOCUMENTED_LIMIT: usize = 256 * 1024;

    /// The address of a file, which the service fetches by itself, or a data URI.
    pub fn from_url(url: impl Into<String>) -> Self {
        Self(url.into())
    }

    /// The file itself, up to [`DOCUMENTED_LIMIT`](Self::DOCUMENTED_LIMIT). Its media type is
    /// detected from its content.
    ///
    /// # Errors
    ///
    /// [`Invalid`](crate::InputErrorKind::Invalid) if it is larger, or empty.
    pub fn from_bytes(bytes: impl AsRef<[u8]>) -> Result<Self, InputError> {
        Self::from_bytes_up_to(bytes, Self::DOCUMENTED_LIMIT)
    }

    /// As [`from_bytes`](Self::from_bytes), up to `limit` bytes: for those who know that the
    /// service takes more.
    ///
    /// # Errors
    ///
    /// [`Invalid`](crate::InputErrorKind::Invalid) if it is larger, or empty.
    pub fn from_bytes_up_to(bytes: impl AsRef<[u8]>, limit: usize) -> Result<Self, InputError> {
        Self::encode("the file", bytes.as_ref(), limit)
    }

    /// The file at `path`, up to [`DOCUMENTED_LIMIT`](Self::DOCUMENTED_LIMIT). Blocks while
    /// it reads.
    ///
    /// # Errors
    ///
    /// [`File`](crate::InputErrorKind::File) if it cannot be read,
    /// [`Invalid`](crate::InputErrorKind::Invalid) if it is larger, or empty.
    pub fn from_path(path: impl AsRef<Path>) -> Result<Self, InputError> {
        Self::from_path_up_to(path, Self::DOCUMENTED_LIMIT)
    }

    /// As [`from_path`](Self::from_path), up to `limit` bytes.
    ///
    /// # Errors
    ///
    /// As [`from_path`](Self::from_path).
    pub fn from_path_up_to(path: impl AsRef<Path>, limit: usize) -> Result<Self, InputError> {
        let path = path.as_ref();
        let bytes = std::fs::read(path).map_err(|e| InputError::file(path, e))?;
        Self::encode(&path.display().to_string(), &bytes, limit)
    }

    fn encode(name: &str, bytes: &[u8], limit: usize) -> Result<Self, InputError> {
        if bytes.is_empty() {
            return Err(InputError::invalid(format!(
                "{name} is empty; give an image"
            )));
        }
        if bytes.len() > limit {
            return Err(InputError::invalid(format!(
                "{name} has {} kB and {} kB can be sent inside a request; put it where the \
                 service can fetch it and give its address, make it smaller, or allow more",
                bytes.len().div_ceil(1024),
                limit / 1024
            )));
        }
        let media_type = media::media_type(bytes);
        let data = STANDARD.encode(bytes);
        Ok(Self(format!("data:{media_type};base64,{data}")))
    }

    /// As it is sent.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for ImageInput {
    fn from(url: &str) -> Self {
        Self(url.to_owned())
    }
}

impl From<String> for ImageInput {
    fn from(url: String) -> Self {
        Self(url)
    }
}

impl From<ImageInput> for Value {
    fn from(image: ImageInput) -> Self {
        Self::String(image.0)
    }
}

impl fmt::Debug for ImageInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A data URI is the file itself.
        let head: String = self.0.chars().take(60).collect();
        f.debug_tuple("ImageInput").field(&head).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::InputErrorKind;

    #[test]
    fn content_decides_the_media_type() {
        for (bytes, head) in [
            (&b"\x89PNG\r\n\x1a\n"[..], "data:image/png;base64,"),
            (b"\xff\xd8\xff\xe0", "data:image/jpeg;base64,"),
            (b"RIFF\0\0\0\0WEBPVP8 ", "data:image/webp;base64,"),
            (b"GIF89a", "data:image/gif;base64,"),
            (b"\0\0\0\x14ftypheic\0\0\0\0mif1", "data:image/heic;base64,"),
            (b"\0\0\0\x14ftypmif1\0\0\0\0avif", "data:image/avif;base64,"),
            (b"what is this", "data:application/octet-stream;base64,"),
        ] {
            let image = ImageInput::from_bytes(bytes).unwrap();
            assert!(image.as_str().starts_with(head), "{image:?}");
        }
    }

    #[test]
    fn what_is_too_large_is_refused_with_a_way_out() {
        let large = vec![0; ImageInput::DOCUMENTED_LIMIT + 1];
        let error = ImageInput::from_bytes(&large).unwrap_err();
        assert_eq!(error.kind(), InputErrorKind::Invalid);
        assert_eq!(
            error.to_string(),
            "the file has 257 kB and 256 kB can be sent inside a request; put it where the \
             service can fetch it and give its address, make it smaller, or allow more"
        );
        assert!(ImageInput::from_bytes_up_to(&large, large.len()).is_ok());
        assert!(ImageInput::from_bytes(&large[1..]).is_ok());
        assert!(ImageInput::from_bytes([]).is_err());
    }

    #[test]
    fn a_file_that_cannot_be_read_is_named() {
        let error = ImageInput::from_path("no/such.png").unwrap_err();
        assert_eq!(error.kind(), InputErrorKind::File);
        assert!(error.to_string().contains("no/such.png"));
    }
}
