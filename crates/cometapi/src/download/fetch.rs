//! Opening a file's address.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use cometapi_client::{ContentDecoder, DecodeError};
use futures_core::Stream;
use http::StatusCode;
use http::header::{ACCEPT_RANGES, CONTENT_RANGE, CONTENT_TYPE, ETAG, IF_RANGE, LOCATION, RANGE};
use http::{HeaderMap, HeaderValue};
use reqwest::Url;

use crate::base_url::BaseUrl;
use crate::data_uri;
use crate::download::access::{Access, RefusedAddress};
use crate::download::{DownloadPolicy, Fault, KeyInAddress, WebPage, failed};
use crate::error::Error;
use crate::error_kind::ErrorKind;
use crate::file::OutputFile;
use crate::http_clients::FileClients;
use crate::media::{self, FileType};

/// Fetches files. It does not have the key.
#[derive(Debug)]
pub(crate) struct Fetcher {
    http: FileClients,
    policy: DownloadPolicy,
    access: Arc<Access>,
}

impl Fetcher {
    pub(crate) fn new(
        base: &BaseUrl,
        policy: DownloadPolicy,
        access: Access,
    ) -> Result<Self, Error> {
        let access = Arc::new(access);
        Ok(Self {
            http: FileClients::new(base, policy.stall_timeout, Arc::clone(&access))?,
            policy,
            access,
        })
    }

    pub(crate) fn policy(&self) -> &DownloadPolicy {
        &self.policy
    }

    /// Opens the file and reads its first piece, so that what it is can be told. Asks for
    /// the rest alone where `resume` says what there is of it already; the stream's
    /// [`offset`](FileStream::offset) tells whether that was granted.
    pub(crate) async fn open(
        &self,
        file: &OutputFile,
        mut resume: Option<&Resume>,
    ) -> Result<FileStream, Fault> {
        if let Some(rest) = data_uri::strip(file.url()) {
            let (media_type, bytes) = data_uri::decode(rest).ok_or_else(|| {
                Fault::Final(failed("the output holds a data uri that cannot be read"))
            })?;
            if bytes.is_empty() {
                return Err(Fault::Final(failed(EMPTY)));
            }
            self.check_size(bytes.len() as u64)?;
            return Ok(FileStream::whole(media_type.as_deref(), bytes));
        }
        // Without the key that was in its host, an address cannot be parsed.
        check_key(file, file.url())?;
        let mut url = Url::parse(file.url()).map_err(|e| {
            Fault::Final(failed("the output holds no usable address").with_source(e))
        })?;
        for _ in 0..=self.policy.redirects {
            self.check_address(file, &url).await?;
            let mut request = self.http.of(&url).map_err(Fault::Final)?.get(url.clone());
            if let Some(resume) = resume {
                request = request
                    .header(RANGE, format!("bytes={}-", resume.offset))
                    .header(IF_RANGE, resume.validator.clone());
            }
            let response = request.send().await.map_err(unanswered)?;
            if response.status().is_redirection() {
                url = next_hop(&url, &response)?;
            } else if resume.is_some() && is_encoded_part(&response)? {
                // A part of the encoded file, of which nothing is there.
                resume = None;
            } else {
                return self.opened(response, resume, url.path()).await;
            }
        }
        let limit = self.policy.redirects;
        Err(Fault::Final(failed(format!(
            "the file's address leads through more than {limit} redirects"
        ))))
    }

    async fn opened(
        &self,
        response: reqwest::Response,
        resume: Option<&Resume>,
        path: &str,
    ) -> Result<FileStream, Fault> {
        let status = response.status();
        let with_status = |error: Error| error.with_status(status);
        match status {
            StatusCode::OK => {}
            StatusCode::PARTIAL_CONTENT if granted(response.headers(), resume) => {}
            StatusCode::NOT_FOUND | StatusCode::GONE | StatusCode::FORBIDDEN => {
                return Err(Fault::Final(with_status(Error::new(
                    ErrorKind::Expired,
                    "the file's host no longer has it: files are kept for about an hour",
                ))));
            }
            StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS => {
                return Err(Fault::Passing(with_status(failed(
                    "the file's host is busy",
                ))));
            }
            status if status.is_server_error() => {
                return Err(Fault::Passing(with_status(failed(
                    "the file's host failed",
                ))));
            }
            _ => {
                return Err(Fault::Final(with_status(failed(
                    "the file's host refused it",
                ))));
            }
        }
        let offset = match (status, resume) {
            (StatusCode::PARTIAL_CONTENT, Some(resume)) => resume.offset,
            _ => 0,
        };
        let decoder = decoder(&response)?;
        let length = response.content_length();
        if let (Some(length), None) = (length, &decoder) {
            self.check_size(offset.saturating_add(length))?;
        }
        let claimed = response
            .headers()
            .get(CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .and_then(media::essence);
        let mut stream = FileStream {
            expected: length,
            max_bytes: self.policy.max_bytes.saturating_sub(offset),
            received: 0,
            returned: 0,
            offset,
            // A part of an encoded file cannot be decoded by itself.
            validator: match decoder {
                Some(_) => None,
                None => validator(response.headers()),
            },
            decoder,
            undecoded: Bytes::new(),
            first: None,
            fault: None,
            kind: FileType::of(&[], None, None),
            body: Some(Box::pin(response.bytes_stream())),
        };
        let head = stream.head().await?;
        if head.is_empty() && offset == 0 {
            // Its host may not have all of it yet.
            return Err(Fault::Passing(with_status(failed(EMPTY))));
        }
        // The middle of a file does not say what it is; that was known before.
        if offset == 0 {
            stream.kind = FileType::of(&head, claimed.as_deref(), Some(path));
        }
        // A login page or an error page with status 200 is no file.
        if stream.kind.media_type == "text/html" {
            return Err(Fault::Final(with_status(
                failed("the file's address answers with a web page, not with a file")
                    .with_source(WebPage),
            )));
        }
        stream.first = Some(head);
        Ok(stream)
    }

    fn check_size(&self, bytes: u64) -> Result<(), Fault> {
        check_size(bytes, self.policy.max_bytes)
    }

    async fn check_address(&self, file: &OutputFile, url: &Url) -> Result<(), Fault> {
        if !matches!(url.scheme(), "https" | "http") {
            return Err(Fault::Final(failed(format!(
                "the file's address is {}:, and only https: and http: are fetched",
                url.scheme()
            ))));
        }
        check_key(file, url.as_str())?;
        let checked = self.access.check(url).await;
        checked.map_err(|refused| Fault::Final(failed(refused.to_string())))
    }
}

fn check_key(file: &OutputFile, url: &str) -> Result<(), Fault> {
    if file.holds_key(url) {
        return Err(Fault::Final(
            failed("the file's address contains the API key, so it is not fetched")
                .with_source(KeyInAddress),
        ));
    }
    Ok(())
}

fn unanswered(error: reqwest::Error) -> Fault {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(&error);
    while let Some(inner) = cause {
        if let Some(refused) = inner.downcast_ref::<RefusedAddress>() {
            return Fault::Final(failed(refused.to_string()));
        }
        cause = inner.source();
    }
    Fault::Passing(failed("the file's host did not answer").with_source(error.without_url()))
}

const EMPTY: &str = "the file is empty";

/// The decoder of a response's content; nothing asks for an encoding, but hosts use them.
fn decoder(response: &reqwest::Response) -> Result<Option<ContentDecoder>, Fault> {
    ContentDecoder::from_headers(response.headers()).map_err(|error| {
        Fault::Final(
            failed("the file comes in an encoding that cannot be decoded")
                .with_status(response.status())
                .with_source(error),
        )
    })
}

fn is_encoded_part(response: &reqwest::Response) -> Result<bool, Fault> {
    Ok(response.status() == StatusCode::PARTIAL_CONTENT && decoder(response)?.is_some())
}

/// What there is of a file already, and the mark by which its host can tell that the rest is
/// of the same.
#[derive(Debug)]
pub(crate) struct Resume {
    pub(crate) offset: u64,
    pub(crate) validator: HeaderValue,
}

/// The mark of a file that can be asked for in parts: a strong entity tag.
fn validator(headers: &HeaderMap) -> Option<HeaderValue> {
    let ranges = headers.get(ACCEPT_RANGES)?.as_bytes();
    let tag = headers.get(ETAG)?;
    (ranges.eq_ignore_ascii_case(b"bytes") && tag.as_bytes().starts_with(b"\""))
        .then(|| tag.clone())
}

/// Whether a partial answer is the part that was asked for.
fn granted(headers: &HeaderMap, resume: Option<&Resume>) -> bool {
    let start = headers
        .get(CONTENT_RANGE)
        .and_then(|range| range.to_str().ok())
        .and_then(|range| range.strip_prefix("bytes "))
        .and_then(|range| range.split_once('-'))
        .and_then(|(start, _)| start.trim().parse::<u64>().ok());
    resume.is_some_and(|resume| start == Some(resume.offset))
}

fn check_size(bytes: u64, max: u64) -> Result<(), Fault> {
    if bytes > max {
        return Err(too_large(max));
    }
    Ok(())
}

fn too_large(max: u64) -> Fault {
    Fault::Final(failed(format!(
        "the file is larger than the {max} bytes that are allowed"
    )))
}

fn next_hop(from: &Url, response: &reqwest::Response) -> Result<Url, Fault> {
    response
        .headers()
        .get(LOCATION)
        .and_then(|location| location.to_str().ok())
        .and_then(|location| from.join(location).ok())
        .ok_or_else(|| {
            Fault::Final(
                failed("the file's address redirects to nowhere").with_status(response.status()),
            )
        })
}

type Body = Pin<Box<dyn Stream<Item = reqwest::Result<Bytes>> + Send>>;

/// A file on its way, piece by piece, decoded if it came in an encoding.
pub struct FileStream {
    kind: FileType,
    first: Option<Bytes>,
    /// What happened behind it.
    fault: Option<Fault>,
    body: Option<Body>,
    decoder: Option<ContentDecoder>,
    /// Received and not decoded yet.
    undecoded: Bytes,
    /// How many bytes the host said it sends, encoded as they come.
    expected: Option<u64>,
    received: u64,
    /// Bytes of the file itself, and the most of them.
    returned: u64,
    max_bytes: u64,
    offset: u64,
    validator: Option<HeaderValue>,
}

impl FileStream {
    fn whole(media_type: Option<&str>, bytes: Bytes) -> Self {
        Self {
            kind: FileType::of(&bytes[..bytes.len().min(media::HEAD)], media_type, None),
            first: Some(bytes),
            fault: None,
            body: None,
            decoder: None,
            undecoded: Bytes::new(),
            expected: None,
            received: 0,
            returned: 0,
            max_bytes: u64::MAX,
            offset: 0,
            validator: None,
        }
    }

    /// Where in the file this begins: behind what there was already, or at its head.
    pub(crate) fn offset(&self) -> u64 {
        self.offset
    }

    /// The mark to ask for the rest with, where the host can give it.
    pub(crate) fn validator(&self) -> Option<&HeaderValue> {
        self.validator.as_ref()
    }

    /// What the file is: by its first bytes, else by its host's media type, else by the
    /// extension of its URL.
    pub fn media_type(&self) -> &str {
        &self.kind.media_type
    }

    pub(crate) fn kind(&self) -> &FileType {
        &self.kind
    }

    /// The next piece; `None` at the end of a whole file.
    ///
    /// # Errors
    ///
    /// [`Download`](ErrorKind::Download) when it stops coming, breaks off or grows too large.
    pub async fn next(&mut self) -> Option<Result<Bytes, Error>> {
        self.piece().await.map_err(Fault::into_error).transpose()
    }

    pub(crate) async fn piece(&mut self) -> Result<Option<Bytes>, Fault> {
        std::future::poll_fn(|context| self.poll_piece(context)).await
    }

    /// Reads as many bytes as decide what the file is; fewer at its end, or where it breaks off
    /// behind what most formats need: the rest may then be asked for.
    async fn head(&mut self) -> Result<Bytes, Fault> {
        const ENOUGH: usize = 64;
        let mut head = Bytes::new();
        while head.len() < media::HEAD {
            match std::future::poll_fn(|context| self.poll_body(context)).await {
                Ok(Some(piece)) if head.is_empty() => head = piece,
                Ok(Some(piece)) => {
                    let mut joined = BytesMut::from(head);
                    joined.extend_from_slice(&piece);
                    head = joined.freeze();
                }
                Ok(None) => break,
                Err(fault) if head.len() >= ENOUGH => {
                    self.fault = Some(fault);
                    break;
                }
                Err(fault) => return Err(fault),
            }
        }
        Ok(head)
    }

    fn poll_piece(&mut self, context: &mut Context<'_>) -> Poll<Result<Option<Bytes>, Fault>> {
        match self.first.take() {
            Some(first) if !first.is_empty() => Poll::Ready(Ok(Some(first))),
            _ => self.poll_body(context),
        }
    }

    /// The next piece of the file itself, never an empty one.
    fn poll_body(&mut self, context: &mut Context<'_>) -> Poll<Result<Option<Bytes>, Fault>> {
        if let Some(fault) = self.fault.take() {
            return Poll::Ready(Err(fault));
        }
        let result = loop {
            let piece = if self.undecoded.is_empty() {
                match std::task::ready!(self.poll_received(context)) {
                    Ok(Some(piece)) => self.decode(piece),
                    Ok(None) => self.decode_end(),
                    Err(fault) => Err(fault),
                }
            } else {
                let piece = self
                    .undecoded
                    .split_to(self.undecoded.len().min(DECODED_AT_ONCE));
                self.decode_part(&piece).map(Some)
            };
            match piece {
                Ok(Some(piece)) if piece.is_empty() => {}
                other => break other,
            }
        };
        let result = result.and_then(|piece| {
            self.returned += piece.as_ref().map_or(0, Bytes::len) as u64;
            check_size(self.returned, self.max_bytes).map(|()| piece)
        });
        if !matches!(result, Ok(Some(_))) {
            self.body = None;
            self.decoder = None;
            self.undecoded.clear();
        }
        Poll::Ready(result)
    }

    /// Takes what was received: as it is, or to be decoded in parts.
    fn decode(&mut self, piece: Bytes) -> Result<Option<Bytes>, Fault> {
        if self.decoder.is_none() {
            return Ok(Some(piece));
        }
        // Bytes behind the end of the encoded data are ignored, so they need a limit as well;
        // data that does not compress grows a little.
        let limit = self.max_bytes.saturating_add(self.max_bytes / 100 + 1024);
        check_size(self.received, limit)?;
        self.undecoded = piece;
        Ok(Some(Bytes::new()))
    }

    fn decode_part(&mut self, piece: &[u8]) -> Result<Bytes, Fault> {
        let max = self.max_bytes;
        let cap = usize::try_from(max).unwrap_or(usize::MAX);
        match &mut self.decoder {
            Some(decoder) => decoder.push(piece, cap).map_err(|e| undecodable(e, max)),
            None => Ok(Bytes::new()),
        }
    }

    /// What the decoder still holds at the end of the body; `None` when that is all.
    fn decode_end(&mut self) -> Result<Option<Bytes>, Fault> {
        let max = self.max_bytes;
        match self.decoder.take() {
            Some(decoder) => decoder.finish().map(Some).map_err(|e| undecodable(e, max)),
            None => Ok(None),
        }
    }

    /// The next bytes as they come; `None` at their end.
    fn poll_received(&mut self, context: &mut Context<'_>) -> Poll<Result<Option<Bytes>, Fault>> {
        let Some(body) = &mut self.body else {
            return Poll::Ready(Ok(None));
        };
        let result = match std::task::ready!(body.as_mut().poll_next(context)) {
            Some(Ok(piece)) => {
                self.received += piece.len() as u64;
                Ok(Some(piece))
            }
            Some(Err(e)) if e.is_timeout() => Err(Fault::Passing(
                failed("the file stopped coming").with_source(e.without_url()),
            )),
            Some(Err(e)) => Err(Fault::Passing(
                failed("the file broke off").with_source(e.without_url()),
            )),
            None => match self.expected {
                Some(expected) if expected != self.received => {
                    Err(Fault::Passing(failed(format!(
                        "the file broke off: {} of {expected} bytes came",
                        self.received
                    ))))
                }
                _ => Ok(None),
            },
        };
        if !matches!(result, Ok(Some(_))) {
            self.body = None;
        }
        Poll::Ready(result)
    }
}

/// Each part of this many encoded bytes yields a few megabytes at most.
const DECODED_AT_ONCE: usize = 4096;

fn undecodable(error: DecodeError, max: u64) -> Fault {
    match error {
        DecodeError::TooLarge { .. } => too_large(max),
        error => Fault::Passing(failed("the file cannot be decoded").with_source(error)),
    }
}

impl Stream for FileStream {
    type Item = Result<Bytes, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll_piece(context)
            .map(|piece| piece.map_err(Fault::into_error).transpose())
    }
}

impl std::fmt::Debug for FileStream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FileStream")
            .field("media_type", &self.kind.media_type)
            .field("received", &self.received)
            .finish_non_exhaustive()
    }
}
