//! Bringing files home: fetched without the key, whole or not at all.

mod access;
mod durable;
mod fetch;
pub mod names;
mod part;
pub(crate) mod range;
mod save;
mod speed;

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use bytes::{Bytes, BytesMut};

pub(crate) use access::{Access, PermittedOnly};
pub(crate) use fetch::Fetcher;
pub use fetch::FileStream;
use save::Saving;
pub(crate) use save::{Target, save_text};

use crate::core::backoff::Backoff;
use crate::core::error::Error;
use crate::core::error_kind::ErrorKind;
use crate::core::{retry_after, trace};
use crate::files::output_file::OutputFile;

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
    /// The least bytes per second, on average over each [`speed_window`](Self::speed_window),
    /// below which the attempt is given up; 1000 by default, 0 for no minimum. Bytes count as
    /// they are transferred, and time counts only while the host is waited for.
    pub min_speed: u64,
    /// The time over which [`min_speed`](Self::min_speed) is measured; 30 s by default.
    pub speed_window: Duration,
    /// The longest `Retry-After` of a file's host that is waited for; 60 s by default. If the
    /// host asks for more, the download fails at once: see [`Error::retry_after`].
    pub max_retry_after: Duration,
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
            min_speed: 1000,
            speed_window: Duration::from_secs(30),
            max_retry_after: Duration::from_secs(60),
            backoff: Backoff::default(),
        }
    }
}

impl DownloadPolicy {
    /// Returns the pause before the next attempt, after `made` have failed; `None` if there is
    /// to be no other. `retry_after` is the delay that the host asked for.
    fn pause(&self, made: u32, retry_after: Option<Duration>) -> Option<Duration> {
        if made >= self.attempts || retry_after > Some(self.max_retry_after) {
            return None;
        }
        let own = self.backoff.delay(made.saturating_sub(1), 0.5);
        Some(retry_after::pause(retry_after, own))
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

/// A URL that holds the key, which its host would learn. The source of a download's error.
#[derive(Debug)]
pub(crate) struct KeyInAddress;

impl fmt::Display for KeyInAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the host in the url would learn the key")
    }
}

impl std::error::Error for KeyInAddress {}

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

    /// Pauses if the fault may pass and the policy allows another attempt; else returns the
    /// error.
    async fn after(&self, fault: Fault) -> Result<(), Error> {
        let error = match fault {
            Fault::Passing(error) => match self.policy.pause(self.made, error.retry_after()) {
                Some(pause) => {
                    tokio::time::sleep(pause).await;
                    return Ok(());
                }
                None => error.transient(),
            },
            Fault::Final(error) => error,
        };
        Err(error.with_id(self.file.prediction_id()))
    }
}

/// A download's error; the address is left to the source, its query may hold a signature.
fn failed(what: impl Into<String>) -> Error {
    Error::new(ErrorKind::Download, what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_that_asks_for_a_delay_gets_it_up_to_the_limit() {
        let seconds = Duration::from_secs;
        let policy = DownloadPolicy::default();
        let own = policy.backoff.delay(0, 0.5);
        assert_eq!(policy.pause(1, None), Some(own));
        for delay in [seconds(0), seconds(7), seconds(60)] {
            let pause = policy.pause(1, Some(delay)).unwrap();
            assert!(pause >= delay && pause <= delay + own, "{pause:?}");
        }
        assert_eq!(policy.pause(1, Some(seconds(61))), None);
        assert_eq!(policy.pause(policy.attempts, None), None);
        assert!(policy.pause(policy.attempts - 1, None).is_some());
    }
}
