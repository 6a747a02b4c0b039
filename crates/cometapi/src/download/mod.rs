//! Bringing files home: fetched without the key, whole or not at all.

mod fetch;
pub mod names;
mod part;
mod resolve;
mod save;

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use bytes::{Bytes, BytesMut};

pub(crate) use fetch::Fetcher;
pub use fetch::FileStream;
pub(crate) use resolve::PublicOnly;
use save::Saving;
pub(crate) use save::{Target, save_text};

use crate::error::{Error, ErrorKind};
use crate::file::OutputFile;
use crate::policy::Backoff;
use crate::trace;

/// How files are brought home.
///
/// ```
/// use cometapi::DownloadPolicy;
///
/// let mut policy = DownloadPolicy::default();
/// policy.max_bytes = 20 * 1024 * 1024;
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct DownloadPolicy {
    /// Attempts at most; 4 by default. A download is safe to repeat.
    pub attempts: u32,
    /// How long no byte may come before the attempt is given up; 15 s by default. There is
    /// no limit on the whole, a large file may take its time.
    pub stall_timeout: Duration,
    /// The largest file that is fetched, in bytes, decoded if it comes in an encoding; 1 GiB
    /// by default.
    pub max_bytes: u64,
    /// How many redirects are followed, each checked like the first address; 5 by default.
    pub redirects: u32,
    /// The pauses between attempts.
    pub backoff: Backoff,
}

impl Default for DownloadPolicy {
    fn default() -> Self {
        Self {
            attempts: 4,
            stall_timeout: Duration::from_secs(15),
            max_bytes: 1024 * 1024 * 1024,
            redirects: 5,
            backoff: Backoff::default(),
        }
    }
}

/// A file that has come home.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SavedFile {
    /// Where it is.
    pub path: PathBuf,
    /// Its size in bytes.
    pub bytes: u64,
    /// What it is: by its content, else by its host's media type, else by the extension of its
    /// URL: `image/png`.
    pub media_type: String,
}

/// What a URL returns that is a link rather than a file. The source of a download's error.
#[derive(Debug)]
pub(crate) struct WebPage;

impl fmt::Display for WebPage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the response is html")
    }
}

impl std::error::Error for WebPage {}

/// Whether a fault may pass.
pub(crate) enum Fault {
    /// Another attempt may do better.
    Passing(Error),
    /// It will stay so.
    Final(Error),
}

impl Fault {
    fn into_error(self) -> Error {
        let (Self::Passing(error) | Self::Final(error)) = self;
        error
    }
}

pub(crate) async fn bytes(fetcher: &Fetcher, file: &OutputFile) -> Result<Bytes, Error> {
    let mut repeats = Repeats::of(fetcher, file);
    loop {
        match repeats.traced(in_memory(fetcher, file)).await {
            Ok(bytes) => return Ok(bytes),
            Err(fault) => repeats.after(fault).await?,
        }
    }
}

async fn in_memory(fetcher: &Fetcher, file: &OutputFile) -> Result<Bytes, Fault> {
    let mut stream = fetcher.open(file, None).await?;
    let mut first = Bytes::new();
    let mut rest = BytesMut::new();
    while let Some(piece) = stream.piece().await? {
        if first.is_empty() && rest.is_empty() {
            first = piece;
        } else {
            if rest.is_empty() {
                rest.extend_from_slice(&first);
            }
            rest.extend_from_slice(&piece);
        }
    }
    Ok(if rest.is_empty() {
        first
    } else {
        rest.freeze()
    })
}

pub(crate) async fn stream(fetcher: &Fetcher, file: &OutputFile) -> Result<FileStream, Error> {
    let mut repeats = Repeats::of(fetcher, file);
    loop {
        match repeats.traced(fetcher.open(file, None)).await {
            Ok(stream) => return Ok(stream),
            Err(fault) => repeats.after(fault).await?,
        }
    }
}

pub(crate) async fn save(
    fetcher: &Fetcher,
    file: &OutputFile,
    target: Target,
) -> Result<SavedFile, Error> {
    let mut repeats = Repeats::of(fetcher, file);
    let mut saving = Saving::new(target);
    loop {
        match repeats.traced(saving.attempt(fetcher, file)).await {
            Ok(saved) => return Ok(saved),
            Err(fault) => repeats.after(fault).await?,
        }
    }
}

/// The attempts at one file.
struct Repeats<'f> {
    policy: &'f DownloadPolicy,
    file: &'f OutputFile,
    made: u32,
}

impl<'f> Repeats<'f> {
    fn of(fetcher: &'f Fetcher, file: &'f OutputFile) -> Self {
        Self {
            policy: fetcher.policy(),
            file,
            made: 0,
        }
    }

    /// Counts an attempt and gives it its span.
    fn traced<F: Future>(&mut self, attempt: F) -> impl Future<Output = F::Output> + use<F> {
        self.made += 1;
        let (id, position) = (self.file.prediction_id(), self.file.position());
        trace::download(id, position, self.made, attempt)
    }

    /// Pauses when the fault may pass and attempts are left; else it is the error.
    async fn after(&self, fault: Fault) -> Result<(), Error> {
        match fault {
            Fault::Passing(_) if self.made < self.policy.attempts => {
                tokio::time::sleep(self.policy.backoff.delay(self.made - 1, 0.5)).await;
                Ok(())
            }
            fault => {
                let is_transient = matches!(fault, Fault::Passing(_));
                let error = fault.into_error().with_id(self.file.prediction_id());
                Err(if is_transient {
                    error.transient()
                } else {
                    error
                })
            }
        }
    }
}

/// A download's error; the address is left to the source, its query may hold a signature.
fn failed(what: impl Into<String>) -> Error {
    Error::new(ErrorKind::Download, what)
}
