//! Content encodings: bodies that arrive compressed although nothing asked for it.

use std::fmt;
use std::io::{self, Write};
use std::mem;

use bytes::Bytes;
use flate2::write::{DeflateDecoder, GzDecoder, ZlibDecoder};
use http::HeaderMap;
use http::header::CONTENT_ENCODING;

/// The most encodings that one body may have on top of each other, as in curl.
const MAX_ENCODINGS: usize = 5;

/// Decodes a body chunk by chunk by its `Content-Encoding` header: `gzip`, `deflate` (zlib or
/// raw), and lists of them.
///
/// Memory stays bounded: a chunk yields at most the `cap` of [`push`](Self::push), and each
/// encoding keeps about 100 kB of state.
///
/// ```
/// use cometapi_client::ContentDecoder;
/// use http::HeaderMap;
///
/// let mut headers = HeaderMap::new();
/// assert!(ContentDecoder::from_headers(&headers)?.is_none());
///
/// headers.insert("content-encoding", "br".parse()?);
/// let error = ContentDecoder::from_headers(&headers).unwrap_err();
/// assert_eq!(error.encoding(), "br");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct ContentDecoder {
    /// In the order in which they are undone.
    layers: Vec<Layer>,
    output: Output,
    failed: Option<DecodeError>,
}

impl ContentDecoder {
    /// Returns the decoder for a body with these headers; `None` if the body is not encoded.
    ///
    /// # Errors
    ///
    /// [`UnsupportedEncoding`] for any other encoding than those listed above, and for more
    /// than five on top of each other.
    pub fn from_headers(headers: &HeaderMap) -> Result<Option<Self>, UnsupportedEncoding> {
        let mut layers = Vec::new();
        for value in headers.get_all(CONTENT_ENCODING) {
            for name in value.as_bytes().split(|byte| *byte == b',') {
                let name = name.trim_ascii();
                match name.to_ascii_lowercase().as_slice() {
                    b"" | b"identity" => continue,
                    b"gzip" | b"x-gzip" => layers.push(Layer::new(Format::Gzip)),
                    b"deflate" => layers.push(Layer::new(Format::Deflate)),
                    _ => return Err(UnsupportedEncoding::new(name)),
                }
                if layers.len() > MAX_ENCODINGS {
                    return Err(UnsupportedEncoding::new(value.as_bytes()));
                }
            }
        }
        // The header lists encodings in the order in which they were applied.
        layers.reverse();
        Ok((!layers.is_empty()).then(|| Self {
            layers,
            output: Output::default(),
            failed: None,
        }))
    }

    /// Decodes the next chunk and returns what it yields, which may be nothing. Part of a
    /// chunk's output may be returned only by a later call.
    ///
    /// `cap` limits the decoded bytes of the whole body, those of earlier calls included.
    ///
    /// # Errors
    ///
    /// [`DecodeError::Corrupt`], [`DecodeError::TooLarge`]; every later call returns the same
    /// error.
    pub fn push(&mut self, chunk: &[u8], cap: usize) -> Result<Bytes, DecodeError> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        self.output.cap = cap;
        let decoded = push(&mut self.layers, chunk, &mut self.output);
        self.failed = decoded.clone().err();
        decoded.map(|()| self.output.take())
    }

    /// Ends the body and returns what is left of its output.
    ///
    /// A body without a single byte decodes to nothing. Bytes that follow a complete
    /// compressed stream are ignored, as browsers do.
    ///
    /// # Errors
    ///
    /// [`DecodeError::Truncated`] if the compressed data ends early, and the errors of
    /// [`push`](Self::push).
    pub fn finish(mut self) -> Result<Bytes, DecodeError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        let mut layers = self.layers.as_mut_slice();
        while let Some((layer, rest)) = layers.split_first_mut() {
            layer.finish(&mut |piece| push(rest, piece, &mut self.output))?;
            layers = rest;
        }
        Ok(self.output.take())
    }

    /// Decodes a whole body.
    ///
    /// # Errors
    ///
    /// As [`push`](Self::push) and [`finish`](Self::finish).
    pub fn decode(mut self, body: &[u8], cap: usize) -> Result<Bytes, DecodeError> {
        let start = self.push(body, cap)?;
        let end = self.finish()?;
        Ok(match (start.is_empty(), end.is_empty()) {
            (_, true) => start,
            (true, false) => end,
            (false, false) => [start, end].concat().into(),
        })
    }
}

/// Passes `input` through the layers into `output`.
fn push(layers: &mut [Layer], input: &[u8], output: &mut Output) -> Result<(), DecodeError> {
    match layers.split_first_mut() {
        Some((layer, rest)) => layer.push(input, &mut |piece| push(rest, piece, output)),
        None => output.push(input),
    }
}

#[derive(Debug, Default)]
struct Output {
    bytes: Vec<u8>,
    returned: usize,
    cap: usize,
}

impl Output {
    fn push(&mut self, piece: &[u8]) -> Result<(), DecodeError> {
        let total = self.returned + self.bytes.len();
        if piece.len() > self.cap.saturating_sub(total) {
            return Err(DecodeError::TooLarge { cap: self.cap });
        }
        self.bytes.extend_from_slice(piece);
        Ok(())
    }

    fn take(&mut self) -> Bytes {
        self.returned += self.bytes.len();
        mem::take(&mut self.bytes).into()
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Format {
    Gzip,
    Deflate,
}

/// One encoding of a body.
#[derive(Debug)]
struct Layer {
    format: Format,
    state: State,
}

#[derive(Debug)]
enum State {
    /// The format is not known before two bytes are there; this one has come.
    Start(Option<u8>),
    Stream(Box<Stream>),
    /// A stream is complete, and nothing but this byte follows so far.
    Between(Option<u8>),
    /// Whatever follows the last stream is ignored.
    Trailing,
}

impl Layer {
    fn new(format: Format) -> Self {
        Self {
            format,
            state: State::Start(None),
        }
    }

    fn push(
        &mut self,
        mut input: &[u8],
        next: &mut dyn FnMut(&[u8]) -> Result<(), DecodeError>,
    ) -> Result<(), DecodeError> {
        while let Some((&byte, rest)) = input.split_first() {
            match &mut self.state {
                State::Start(first @ None) | State::Between(first @ None) => {
                    *first = Some(byte);
                    input = rest;
                }
                State::Start(Some(first)) => {
                    let head = [*first, byte];
                    let mut stream = Stream::new(self.format, head);
                    stream.write(&head, next)?;
                    self.state = State::Stream(Box::new(stream));
                    input = rest;
                }
                State::Between(Some(first)) => {
                    let head = [*first, byte];
                    // Only gzip files consist of several members.
                    if self.format != Format::Gzip || head != GZIP_MAGIC {
                        self.state = State::Trailing;
                        continue;
                    }
                    self.state = State::Start(Some(*first));
                }
                State::Stream(stream) => {
                    input = stream.write(input, next)?;
                    if !input.is_empty() {
                        stream.end(next)?;
                        self.state = State::Between(None);
                    }
                }
                State::Trailing => return Ok(()),
            }
        }
        Ok(())
    }

    fn finish(
        &mut self,
        next: &mut dyn FnMut(&[u8]) -> Result<(), DecodeError>,
    ) -> Result<(), DecodeError> {
        match &mut self.state {
            State::Start(None) | State::Between(None) | State::Trailing => Ok(()),
            State::Start(Some(_)) => Err(DecodeError::Truncated),
            // May be the first byte of another member.
            State::Between(Some(byte)) if self.format == Format::Gzip && *byte == GZIP_MAGIC[0] => {
                Err(DecodeError::Truncated)
            }
            State::Between(Some(_)) => Ok(()),
            State::Stream(stream) => {
                // A stream takes another byte only if it has not ended.
                match stream.write(&[0], next) {
                    Ok([_]) => stream.end(next),
                    Ok(_) | Err(DecodeError::Corrupt) => Err(DecodeError::Truncated),
                    Err(error) => Err(error),
                }
            }
        }
    }
}

const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// One compressed stream.
#[derive(Debug)]
enum Stream {
    Gzip(GzDecoder<Vec<u8>>),
    Zlib(ZlibDecoder<Vec<u8>>),
    Raw(DeflateDecoder<Vec<u8>>),
}

impl Stream {
    fn new(format: Format, head: [u8; 2]) -> Self {
        // RFC 1950: method 8, window of up to 32 kB, and a check on both bytes. Some servers
        // send raw deflate instead, which browsers accept.
        let zlib =
            head[0] & 0x0f == 8 && head[0] >> 4 <= 7 && u16::from_be_bytes(head).is_multiple_of(31);
        match format {
            Format::Gzip => Self::Gzip(GzDecoder::new(Vec::new())),
            Format::Deflate if zlib => Self::Zlib(ZlibDecoder::new(Vec::new())),
            Format::Deflate => Self::Raw(DeflateDecoder::new(Vec::new())),
        }
    }

    /// Decodes `input` and returns what follows the end of the stream.
    fn write<'i>(
        &mut self,
        mut input: &'i [u8],
        next: &mut dyn FnMut(&[u8]) -> Result<(), DecodeError>,
    ) -> Result<&'i [u8], DecodeError> {
        while !input.is_empty() {
            // Each call decodes at most 32 kB.
            let taken = match self {
                Self::Gzip(stream) => stream.write(input),
                Self::Zlib(stream) => stream.write(input),
                Self::Raw(stream) => stream.write(input),
            }
            .map_err(corrupt)?;
            self.pass_on(next)?;
            if taken == 0 {
                break;
            }
            input = &input[taken..];
        }
        Ok(input)
    }

    /// Passes on the rest and verifies the checksum, where the format has one.
    fn end(
        &mut self,
        next: &mut dyn FnMut(&[u8]) -> Result<(), DecodeError>,
    ) -> Result<(), DecodeError> {
        match self {
            Self::Gzip(stream) => stream.try_finish(),
            Self::Zlib(stream) => stream.try_finish(),
            Self::Raw(stream) => stream.try_finish(),
        }
        .map_err(corrupt)?;
        self.pass_on(next)
    }

    fn pass_on(
        &mut self,
        next: &mut dyn FnMut(&[u8]) -> Result<(), DecodeError>,
    ) -> Result<(), DecodeError> {
        let decoded = match self {
            Self::Gzip(stream) => stream.get_mut(),
            Self::Zlib(stream) => stream.get_mut(),
            Self::Raw(stream) => stream.get_mut(),
        };
        if decoded.is_empty() {
            return Ok(());
        }
        let result = next(decoded);
        decoded.clear();
        result
    }
}

fn corrupt(_: io::Error) -> DecodeError {
    DecodeError::Corrupt
}

/// Why an encoded body cannot be decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DecodeError {
    /// The data is not what its encoding says, or its checksum is wrong.
    Corrupt,
    /// The compressed data ends early.
    Truncated,
    /// The decoded body is larger than allowed.
    TooLarge {
        /// The limit, in bytes.
        cap: usize,
    },
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Corrupt => f.write_str("the compressed data is corrupt"),
            Self::Truncated => f.write_str("the compressed data ends early"),
            Self::TooLarge { cap } => {
                write!(f, "the data decompresses to more than {cap} bytes")
            }
        }
    }
}

impl std::error::Error for DecodeError {}

/// A `Content-Encoding` that is not supported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnsupportedEncoding(String);

impl UnsupportedEncoding {
    fn new(name: &[u8]) -> Self {
        let name = String::from_utf8_lossy(name);
        Self(name.chars().take(60).collect())
    }

    /// The name of the encoding, as the header has it, up to 60 characters.
    pub fn encoding(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for UnsupportedEncoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let encoding = self.0.escape_debug();
        write!(f, "the content encoding \"{encoding}\" is not supported")
    }
}

impl std::error::Error for UnsupportedEncoding {}

#[cfg(test)]
mod tests {
    use flate2::Compression;
    use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
    use http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    const ALL: usize = usize::MAX;

    fn decoder(encoding: &str) -> ContentDecoder {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_ENCODING, encoding.parse().unwrap());
        ContentDecoder::from_headers(&headers).unwrap().unwrap()
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn zlib(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn raw(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    /// Every form a server may send, with the header that goes with it.
    fn encoded(bytes: &[u8]) -> [(&'static str, Vec<u8>); 6] {
        [
            ("gzip", gzip(bytes)),
            ("X-GZip", gzip(bytes)),
            ("deflate", zlib(bytes)),
            ("deflate", raw(bytes)),
            ("gzip, deflate", zlib(&gzip(bytes))),
            ("deflate ,identity,, gzip", gzip(&raw(bytes))),
        ]
    }

    /// Decodes in chunks of the given sizes, over and over.
    fn decode(encoding: &str, body: &[u8], sizes: &[usize]) -> Result<Vec<u8>, DecodeError> {
        let mut decoder = decoder(encoding);
        let mut bytes = Vec::new();
        let mut rest = body;
        for size in sizes.iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let (chunk, after) = rest.split_at((*size).min(rest.len()));
            bytes.extend_from_slice(&decoder.push(chunk, ALL)?);
            rest = after;
        }
        bytes.extend_from_slice(&decoder.finish()?);
        Ok(bytes)
    }

    #[test]
    fn a_body_without_an_encoding_needs_no_decoder() {
        let mut headers = HeaderMap::new();
        assert!(ContentDecoder::from_headers(&headers).unwrap().is_none());
        for none in ["", "identity", "Identity, identity", " , "] {
            headers.insert(CONTENT_ENCODING, none.parse().unwrap());
            let decoder = ContentDecoder::from_headers(&headers).unwrap();
            assert!(decoder.is_none(), "{none:?}");
        }
    }

    #[test]
    fn an_unsupported_encoding_is_named() {
        for (header, named) in [
            ("br", "br"),
            ("gzip, Zstd", "Zstd"),
            ("compress", "compress"),
            (
                "gzip,gzip,gzip,gzip,gzip,gzip",
                "gzip,gzip,gzip,gzip,gzip,gzip",
            ),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(CONTENT_ENCODING, header.parse().unwrap());
            let error = ContentDecoder::from_headers(&headers).unwrap_err();
            assert_eq!(error.encoding(), named);
        }
        let mut headers = HeaderMap::new();
        let invalid = HeaderValue::from_bytes(b"\xff\"").unwrap();
        headers.insert(CONTENT_ENCODING, invalid);
        let error = ContentDecoder::from_headers(&headers).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the content encoding \"\u{fffd}\\\"\" is not supported"
        );
    }

    #[test]
    fn encodings_in_several_headers_are_one_list() {
        let mut headers = HeaderMap::new();
        headers.append(CONTENT_ENCODING, "gzip".parse().unwrap());
        headers.append(CONTENT_ENCODING, "deflate".parse().unwrap());
        let decoder = ContentDecoder::from_headers(&headers).unwrap().unwrap();
        let body = zlib(&gzip(b"a fox"));
        assert_eq!(decoder.decode(&body, ALL).unwrap(), "a fox");
    }

    #[test]
    fn a_body_without_a_byte_is_empty() {
        for (encoding, _) in encoded(b"") {
            assert_eq!(decode(encoding, b"", &[1]), Ok(vec![]), "{encoding}");
        }
    }

    #[test]
    fn members_are_read_on_and_what_is_not_one_is_ignored() {
        let two = [gzip(b"a red "), gzip(b"fox")].concat();
        let tails: [&[u8]; 4] = [b"", b"\0\0\0", b"\x1f\0", b"garbage"];
        for tail in tails {
            let body = [two.as_slice(), tail].concat();
            for size in 1..body.len() {
                let decoded = decode("gzip", &body, &[size]);
                assert_eq!(decoded.as_deref(), Ok(b"a red fox".as_slice()), "{tail:?}");
            }
        }
        let body = [zlib(b"a fox"), zlib(b"another")].concat();
        assert_eq!(
            decode("deflate", &body, &[3]).as_deref(),
            Ok(b"a fox".as_slice())
        );
    }

    #[test]
    fn a_wrong_checksum_is_corrupt() {
        for (encoding, mut body) in [("gzip", gzip(b"a fox")), ("deflate", zlib(b"a fox"))] {
            let at = body.len() - if encoding == "gzip" { 5 } else { 1 };
            body[at] ^= 1;
            for size in [1, 100] {
                let result = decode(encoding, &body, &[size]);
                assert_eq!(result, Err(DecodeError::Corrupt), "{encoding}");
            }
        }
    }

    #[test]
    fn a_bomb_stops_at_the_cap() {
        let zeros = vec![0; 4_000_000];
        let cap = 200_000;
        for (encoding, body) in encoded(&zeros) {
            let mut decoder = decoder(encoding);
            let mut returned = 0;
            let mut result = Ok(Bytes::new());
            for chunk in body.chunks(512) {
                result = decoder.push(chunk, cap);
                assert!(decoder.output.bytes.capacity() <= 2 * cap);
                match &result {
                    Ok(bytes) => returned += bytes.len(),
                    Err(_) => break,
                }
            }
            assert!(returned <= cap);
            if result.is_err() {
                assert_eq!(decoder.push(b"", ALL), result, "the error stays");
            }
            let result = result.and_then(|_| decoder.finish());
            assert_eq!(result, Err(DecodeError::TooLarge { cap }), "{encoding}");
        }
    }

    #[test]
    fn a_body_of_exactly_the_cap_is_read() {
        let bytes = vec![7; 100_000];
        for (encoding, body) in encoded(&bytes) {
            assert_eq!(
                decoder(encoding).decode(&body, bytes.len()).unwrap().len(),
                bytes.len()
            );
            assert_eq!(
                decoder(encoding).decode(&body, bytes.len() - 1),
                Err(DecodeError::TooLarge {
                    cap: bytes.len() - 1
                })
            );
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn every_form_survives_in_any_chunks(
            bytes in proptest::collection::vec(any::<u8>(), 0..2000),
            repeats in 1..40_usize,
            sizes in proptest::collection::vec(1..3000_usize, 1..8),
        ) {
            let bytes = bytes.repeat(repeats);
            for (encoding, body) in encoded(&bytes) {
                let decoded = decode(encoding, &body, &sizes);
                prop_assert_eq!(decoded.as_deref(), Ok(bytes.as_slice()), "{}", encoding);
                let whole = decoder(encoding).decode(&body, ALL);
                prop_assert_eq!(whole.as_deref(), Ok(bytes.as_slice()), "{}", encoding);
            }
        }

        #[test]
        fn a_cut_body_is_an_error(
            bytes in proptest::collection::vec(any::<u8>(), 0..300),
            sizes in proptest::collection::vec(1..100_usize, 1..8),
        ) {
            for (encoding, body) in encoded(&bytes) {
                for kept in 1..body.len() {
                    let result = decode(encoding, &body[..kept], &sizes);
                    prop_assert_eq!(result, Err(DecodeError::Truncated), "{} {}", encoding, kept);
                }
            }
        }

        #[test]
        fn garbage_does_not_panic(
            bytes in proptest::collection::vec(any::<u8>(), 0..500),
            position in any::<proptest::sample::Index>(),
            size in 1..100_usize,
        ) {
            for (encoding, mut body) in encoded(&bytes) {
                let at = position.index(body.len());
                body[at] = body[at].wrapping_add(1);
                let _ = decode(encoding, &body, &[size]);
                let _ = decode(encoding, &bytes, &[size]);
            }
        }
    }
}
