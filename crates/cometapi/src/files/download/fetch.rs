//! Opening a file's address.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime};

use bytes::{Bytes, BytesMut};
use cometapi_client::{ContentDecoder, DecodeError, KeyFinder};
use futures_core::Stream;
use http::StatusCode;
use http::header::{IF_RANGE, LOCATION, RANGE};
use reqwest::Url;

use crate::core::base_url::BaseUrl;
use crate::core::connection::causes;
use crate::core::error::Error;
use crate::core::error_kind::ErrorKind;
use crate::core::http_clients::HttpSettings;
use crate::core::retry_after;
use crate::core::{runtime, trace};
use crate::files::data_uri;
use crate::files::download::access::{Access, RefusedAddress};
use crate::files::download::clients::FileClients;
use crate::files::download::fault::{Fault, KeyInAddress, WebPage, failed};
use crate::files::download::policy::DownloadPolicy;
use crate::files::download::range::{self, Extent, Head, Resume, Version};
use crate::files::download::speed::{Meter, TooSlow};
use cometapi_models::media::{self, FileType};

/// Fetches files, without sending the key.
#[derive(Debug)]
pub(crate) struct Fetcher {
    http: FileClients,
    policy: DownloadPolicy,
    access: Arc<Access>,
    key: KeyFinder,
}

impl Fetcher {
    pub(crate) fn new(
        base: &BaseUrl,
        settings: HttpSettings,
        policy: DownloadPolicy,
        access: Access,
        key: KeyFinder,
    ) -> Result<Self, Error> {
        let access = Arc::new(access);
        Ok(Self {
            http: FileClients::new(base, settings, policy.stall_timeout, Arc::clone(&access))?,
            policy,
            access,
            key,
        })
    }

    pub(crate) fn policy(&self) -> &DownloadPolicy {
        &self.policy
    }

    /// Opens the file and reads as much as decides what it is. Asks only for the rest if
    /// `resume` says what is there of it already; the stream's [`offset`](FileStream::offset)
    /// says whether the host gave it.
    pub(crate) async fn open(
        &self,
        url: &str,
        resume: Option<&Resume>,
    ) -> Result<FileStream, Fault> {
        if let Some(rest) = data_uri::strip(url) {
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
        self.check_key(url)?;
        let whole_url = url;
        let mut url = Url::parse(url)
            .map_err(|e| Fault::Final(failed("the file's address is not a URL").with_source(e)))?;
        // Not by the name that a redirect leads to: that may be a login page.
        let may_be_page = media::is_page_name(url.path());
        for _ in 0..=self.policy.max_redirects {
            self.check_address(&url).await?;
            let mut request = self.http.of(&url).map_err(Fault::Final)?.get(url.clone());
            if let Some(resume) = resume {
                request = request
                    .header(RANGE, format!("bytes={}-", resume.offset))
                    .header(IF_RANGE, resume.version.tag().clone());
            }
            let began = tokio::time::Instant::now();
            let response = request.send().await;
            let status = response.as_ref().ok().map(reqwest::Response::status);
            trace::fetched(url.host_str(), status, began.elapsed());
            let response = response.map_err(unanswered)?;
            if response.status().is_redirection() {
                url = next_hop(&url, &response)?;
                continue;
            }
            let head = Head {
                status: response.status(),
                headers: response.headers(),
                length: response.content_length(),
                url: &url,
            };
            return match range::decide(head, resume) {
                range::Use::Body(extent) => {
                    let version = match resume {
                        Some(resume) if extent.offset > 0 => {
                            Some(resume.version.clone().with_total(extent.total))
                        }
                        _ => Version::of(head, extent),
                    };
                    let path = url.path();
                    self.opened(response, extent, version, path, may_be_page)
                        .await
                }
                range::Use::AskForWhole => {
                    // This connection would be in use until its body was read.
                    drop(response);
                    Box::pin(self.open(whole_url, None)).await
                }
                range::Use::UnaskedPart => Err(Fault::Passing(
                    failed("the file's host sent a part of the file that was not asked for")
                        .with_status(response.status()),
                )),
                range::Use::NoFile => Err(no_file(&response)),
            };
        }
        let limit = self.policy.max_redirects;
        Err(Fault::Final(failed(format!(
            "the file's address leads through more than {limit} redirects"
        ))))
    }

    async fn opened(
        &self,
        response: reqwest::Response,
        extent: Extent,
        version: Option<Version>,
        path: &str,
        may_be_page: bool,
    ) -> Result<FileStream, Fault> {
        let status = response.status();
        let with_status = |error: Error| error.with_status(status);
        let decoder = decoder(&response)?;
        if let Some(total) = extent.total {
            self.check_size(total)?;
        }
        let claimed = range::media_type(response.headers());
        let mut stream = FileStream {
            extent,
            version,
            max_bytes: self.policy.max_bytes,
            received: 0,
            returned: 0,
            decoder,
            undecoded: Bytes::new(),
            first: None,
            kind: FileType::of(&[], None, None),
            body: Some(Box::pin(response.bytes_stream())),
            meter: Meter::new(self.policy.min_speed, self.policy.speed_window),
        };
        // The middle of a file does not say what it is; that was known before.
        if extent.offset > 0 {
            return Ok(stream);
        }
        let head = stream.head().await?;
        if head.is_empty() {
            // Its host may not have all of it yet.
            return Err(Fault::Passing(with_status(failed(EMPTY))));
        }
        stream.kind = FileType::of(&head, claimed.as_deref(), Some(path));
        // A login page or an error page with status 200 is no file.
        if stream.kind.media_type == "text/html" && !may_be_page {
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

    /// Refuses a URL, the file's own or one that it redirects to, that holds the key. Where the key
    /// was in a response, a placeholder has replaced it by now.
    fn check_key(&self, url: &str) -> Result<(), Fault> {
        if self.key.is_in_url(url) {
            return Err(Fault::Final(
                failed("the file's address contains the API key, so it is not fetched")
                    .with_source(KeyInAddress),
            ));
        }
        Ok(())
    }

    async fn check_address(&self, url: &Url) -> Result<(), Fault> {
        if !matches!(url.scheme(), "https" | "http") {
            return Err(Fault::Final(failed(format!(
                "the file's address is {}:, and only https: and http: are fetched",
                url.scheme()
            ))));
        }
        self.check_key(url.as_str())?;
        let checked = self.access.check(url).await;
        checked.map_err(|refused| Fault::Final(failed(refused.to_string())))
    }
}

fn unanswered(error: reqwest::Error) -> Fault {
    if let Some(refused) = causes(&error).find_map(|cause| cause.downcast_ref::<RefusedAddress>()) {
        return Fault::Final(failed(refused.to_string()));
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

/// The fault of a response that is no file, by its status.
fn no_file(response: &reqwest::Response) -> Fault {
    let status = response.status();
    let what = match status {
        StatusCode::NOT_FOUND | StatusCode::GONE | StatusCode::FORBIDDEN => {
            let what = "the file's host no longer has it: files are kept for about an hour";
            return Fault::Final(Error::new(ErrorKind::Expired, what).with_status(status));
        }
        StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS => "the file's host is busy",
        status if status.is_server_error() => "the file's host failed",
        _ => return Fault::Final(failed("the file's host refused it").with_status(status)),
    };
    let retry_after = retry_after::from_headers(response.headers(), SystemTime::now());
    let what = match retry_after {
        Some(delay) => format!(
            "{what}; it asks to retry after {} s",
            delay.as_secs_f64().ceil()
        ),
        None => what.to_owned(),
    };
    let error = failed(what).with_status(status);
    Fault::Passing(error.with_retry_after(retry_after))
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
    body: Option<Body>,
    meter: Meter,
    decoder: Option<ContentDecoder>,
    /// Received and not decoded yet.
    undecoded: Bytes,
    extent: Extent,
    /// Bytes as they are transferred.
    received: u64,
    /// Bytes of the file itself, and the most of them.
    returned: u64,
    max_bytes: u64,
    version: Option<Version>,
}

impl FileStream {
    fn whole(media_type: Option<&str>, bytes: Bytes) -> Self {
        Self {
            kind: FileType::of(&bytes[..bytes.len().min(media::HEAD)], media_type, None),
            first: Some(bytes),
            body: None,
            meter: Meter::new(0, Duration::ZERO),
            decoder: None,
            undecoded: Bytes::new(),
            extent: Extent {
                offset: 0,
                length: None,
                total: None,
            },
            received: 0,
            returned: 0,
            max_bytes: u64::MAX,
            version: None,
        }
    }

    /// Where in the file this begins: behind what was there already, or at its beginning.
    pub(crate) fn offset(&self) -> u64 {
        self.extent.offset
    }

    /// What to ask for the rest with after a fault, if the host can give it and what was
    /// returned so far can be relied on.
    pub(crate) fn version(&self) -> Option<&Version> {
        self.version.as_ref()
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

    /// Reads as many bytes as decide what the file is; fewer if it has fewer.
    async fn head(&mut self) -> Result<Bytes, Fault> {
        let mut head = BytesMut::new();
        while let Some(wanted) = media::bytes_needed(&head) {
            while head.len() < wanted {
                match std::future::poll_fn(|context| self.poll_body(context)).await? {
                    Some(piece) => head.extend_from_slice(&piece),
                    None => return Ok(head.freeze()),
                }
            }
        }
        Ok(head.freeze())
    }

    fn poll_piece(&mut self, context: &mut Context<'_>) -> Poll<Result<Option<Bytes>, Fault>> {
        match self.first.take() {
            Some(first) if !first.is_empty() => Poll::Ready(Ok(Some(first))),
            _ => self.poll_body(context),
        }
    }

    /// The next piece of the file itself, never an empty one.
    fn poll_body(&mut self, context: &mut Context<'_>) -> Poll<Result<Option<Bytes>, Fault>> {
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
            let size = self.extent.offset.saturating_add(self.returned);
            check_size(size, self.max_bytes).map(|()| piece)
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
        let Self { body, meter, .. } = self;
        let Some(body) = body else {
            return Poll::Ready(Ok(None));
        };
        if let Err(error) = runtime::check() {
            return Poll::Ready(Err(Fault::Final(error)));
        }
        let polled = meter.poll(
            context,
            |context| body.as_mut().poll_next(context),
            |item| match item {
                Some(Ok(piece)) => piece.len() as u64,
                _ => 0,
            },
        );
        let result = match std::task::ready!(polled) {
            Err(TooSlow { expected }) => Err(Fault::Passing(failed(format!(
                "the file comes too slowly: less than {expected} bytes per second"
            )))),
            Ok(Some(Ok(piece))) => {
                self.received += piece.len() as u64;
                if self.extent.is_exceeded(self.received) {
                    // It is unknown which bytes are those of the file.
                    self.version = None;
                    Err(Fault::Passing(failed(
                        "the file's host sent more of the file than it announced",
                    )))
                } else {
                    Ok(Some(piece))
                }
            }
            Ok(Some(Err(e))) if e.is_timeout() => Err(Fault::Passing(
                failed("the file stopped coming").with_source(e.without_url()),
            )),
            Ok(Some(Err(e))) => Err(Fault::Passing(
                failed("the file broke off").with_source(e.without_url()),
            )),
            Ok(None) if self.extent.is_complete(self.received) => Ok(None),
            Ok(None) => Err(Fault::Passing(failed(self.extent.shortfall(self.received)))),
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
