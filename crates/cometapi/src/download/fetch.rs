//! Opening a file's address.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_core::Stream;
use http::StatusCode;
use http::header::{ACCEPT_RANGES, CONTENT_RANGE, CONTENT_TYPE, ETAG, IF_RANGE, LOCATION, RANGE};
use http::{HeaderMap, HeaderValue};
use reqwest::Url;

use crate::base_url::{self, BaseUrl};
use crate::download::resolve::{PrivateAddress, PublicOnly};
use crate::download::{DownloadPolicy, Fault, data_uri, failed};
use crate::error::{Error, ErrorKind};
use crate::file::OutputFile;
use crate::media;

/// Fetches files. It has never heard of the key.
#[derive(Debug)]
pub(crate) struct Fetcher {
    http: reqwest::Client,
    policy: DownloadPolicy,
    /// Whether addresses of private networks are fetched: where the API itself is on one.
    private: bool,
}

impl Fetcher {
    pub(crate) fn new(base: &BaseUrl, policy: DownloadPolicy) -> Result<Self, Error> {
        let mut http = cometapi_client::http_client()
            .user_agent(concat!("cometapi-rust/", env!("CARGO_PKG_VERSION")))
            .read_timeout(policy.stall_timeout);
        if base.is_loopback() {
            http = http.no_proxy();
        }
        if !base.is_private() {
            http = http.dns_resolver(PublicOnly::unless_proxied());
        }
        let http = http.build().map_err(|e| {
            Error::new(ErrorKind::Config, "the http client cannot be set up").with_source(e)
        })?;
        Ok(Self {
            http,
            policy,
            private: base.is_private(),
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
        resume: Option<&Resume>,
    ) -> Result<FileStream, Fault> {
        if let Some(rest) = data_uri::strip(file.url()) {
            let (media_type, bytes) = data_uri::decode(rest).ok_or_else(|| {
                Fault::Final(failed("the output holds a data uri that cannot be read"))
            })?;
            self.check_size(bytes.len() as u64)?;
            return Ok(FileStream::whole(media_type, bytes));
        }
        let mut url = Url::parse(file.url()).map_err(|e| {
            Fault::Final(failed("the output holds no usable address").with_source(e))
        })?;
        for _ in 0..=self.policy.redirects {
            self.check_address(&url)?;
            let mut request = self.http.get(url.clone());
            if let Some(resume) = resume {
                request = request
                    .header(RANGE, format!("bytes={}-", resume.offset))
                    .header(IF_RANGE, resume.validator.clone());
            }
            let response = request.send().await.map_err(unanswered)?;
            if !response.status().is_redirection() {
                return self.opened(response, resume).await;
            }
            url = next_hop(&url, &response)?;
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
        if let Some(length) = response.content_length() {
            self.check_size(offset.saturating_add(length))?;
        }
        let claimed = response
            .headers()
            .get(CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .and_then(media::essence);
        let mut stream = FileStream {
            expected: response.content_length(),
            max_bytes: self.policy.max_bytes.saturating_sub(offset),
            received: 0,
            offset,
            validator: validator(response.headers()),
            first: None,
            media_type: String::new(),
            body: Some(Box::pin(response.bytes_stream())),
        };
        let first = stream.pull().await?.unwrap_or_default();
        // The middle of a file does not say what it is; whoever resumes knows already.
        let head: &[u8] = if offset == 0 { &first } else { &[] };
        stream.media_type = media::told(head, claimed.as_deref());
        // A login page or an error page with status 200 is no picture.
        if stream.media_type == "text/html" {
            return Err(Fault::Final(with_status(failed(
                "the file's address answers with a web page, not with a file",
            ))));
        }
        stream.first = Some(first);
        Ok(stream)
    }

    fn check_size(&self, bytes: u64) -> Result<(), Fault> {
        check_size(bytes, self.policy.max_bytes)
    }

    fn check_address(&self, url: &Url) -> Result<(), Fault> {
        if !matches!(url.scheme(), "https" | "http") {
            return Err(Fault::Final(failed(format!(
                "the file's address is {}:, and only https: and http: are fetched",
                url.scheme()
            ))));
        }
        if base_url::is_private(url) && !self.private {
            return Err(Fault::Final(failed(
                "the file's address is on a private network, where no output of this service \
                 can be",
            )));
        }
        Ok(())
    }
}

fn unanswered(error: reqwest::Error) -> Fault {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(&error);
    while let Some(inner) = cause {
        if inner.is::<PrivateAddress>() {
            return Fault::Final(failed(PrivateAddress.to_string()));
        }
        cause = inner.source();
    }
    Fault::Passing(failed("the file's host did not answer").with_source(error.without_url()))
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
        return Err(Fault::Final(failed(format!(
            "the file is larger than the {max} bytes that are allowed"
        ))));
    }
    Ok(())
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

/// A file on its way, piece by piece.
pub struct FileStream {
    media_type: String,
    first: Option<Bytes>,
    body: Option<Body>,
    expected: Option<u64>,
    received: u64,
    max_bytes: u64,
    offset: u64,
    validator: Option<HeaderValue>,
}

impl FileStream {
    fn whole(media_type: Option<String>, bytes: Bytes) -> Self {
        Self {
            media_type: media::told(&bytes, media_type.as_deref()),
            first: Some(bytes),
            body: None,
            expected: None,
            received: 0,
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

    /// What the file is by its first bytes, else by what its host says.
    pub fn media_type(&self) -> &str {
        &self.media_type
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

    async fn pull(&mut self) -> Result<Option<Bytes>, Fault> {
        std::future::poll_fn(|context| self.poll_body(context)).await
    }

    fn poll_piece(&mut self, context: &mut Context<'_>) -> Poll<Result<Option<Bytes>, Fault>> {
        match self.first.take() {
            Some(first) if !first.is_empty() => Poll::Ready(Ok(Some(first))),
            _ => self.poll_body(context),
        }
    }

    fn poll_body(&mut self, context: &mut Context<'_>) -> Poll<Result<Option<Bytes>, Fault>> {
        let Some(body) = &mut self.body else {
            return Poll::Ready(Ok(None));
        };
        let result = match std::task::ready!(body.as_mut().poll_next(context)) {
            Some(Ok(piece)) => {
                self.received += piece.len() as u64;
                check_size(self.received, self.max_bytes).map(|()| Some(piece))
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
            .field("media_type", &self.media_type)
            .field("received", &self.received)
            .finish_non_exhaustive()
    }
}
