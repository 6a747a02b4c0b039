//! The attempts at one file.

use bytes::{Bytes, BytesMut};

use crate::core::error::Error;
use crate::core::retry_progress::{RetryObserver, RetryProgress};
use crate::core::{runtime, trace};
use crate::files::download::fault::Fault;
use crate::files::download::fetch::{Fetcher, FileStream};
use crate::files::download::policy::DownloadPolicy;
use crate::files::download::save::{Saving, Target};
use crate::files::download::saved_file::SavedFile;

/// A file to fetch: where it is, and which file of a prediction it is.
#[derive(Clone, Copy)]
pub(crate) struct Source<'f> {
    pub(crate) url: &'f str,
    /// If it is known.
    pub(crate) prediction_id: Option<&'f str>,
    pub(crate) position: usize,
}

impl Source<'_> {
    fn known(&self, error: Error) -> Error {
        match self.prediction_id {
            Some(id) => error.with_id(id),
            None => error,
        }
    }
}

pub(crate) async fn bytes(fetcher: &Fetcher, file: Source<'_>) -> Result<Bytes, Error> {
    let mut attempts = Attempts::of(fetcher, file, None)?;
    loop {
        match attempts.traced(in_memory(fetcher, file)).await {
            Ok(bytes) => return Ok(bytes),
            Err(fault) => attempts.after(fault).await?,
        }
    }
}

async fn in_memory(fetcher: &Fetcher, file: Source<'_>) -> Result<Bytes, Fault> {
    let mut stream = fetcher.open(file.url, None).await?;
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

pub(crate) async fn stream(fetcher: &Fetcher, file: Source<'_>) -> Result<FileStream, Error> {
    let mut attempts = Attempts::of(fetcher, file, None)?;
    loop {
        match attempts.traced(fetcher.open(file.url, None)).await {
            Ok(stream) => return Ok(stream),
            Err(fault) => attempts.after(fault).await?,
        }
    }
}

pub(crate) async fn save(
    fetcher: &Fetcher,
    file: Source<'_>,
    target: Target,
    observer: Option<RetryObserver<'_>>,
) -> Result<SavedFile, Error> {
    let mut attempts = Attempts::of(fetcher, file, observer)?;
    let mut saving = Saving::new(target);
    loop {
        match attempts.traced(saving.attempt(fetcher, file.url)).await {
            Ok(saved) => return Ok(saved),
            Err(fault) => attempts.after(fault).await?,
        }
    }
}

struct Attempts<'f> {
    policy: &'f DownloadPolicy,
    file: Source<'f>,
    made: u32,
    observer: Option<RetryObserver<'f>>,
}

impl<'f> Attempts<'f> {
    fn of(
        fetcher: &'f Fetcher,
        file: Source<'f>,
        observer: Option<RetryObserver<'f>>,
    ) -> Result<Self, Error> {
        runtime::check().map_err(|error| file.known(error))?;
        Ok(Self {
            policy: fetcher.policy(),
            file,
            made: 0,
            observer,
        })
    }

    /// Counts an attempt and gives it its span.
    fn traced<F: Future>(&mut self, attempt: F) -> impl Future<Output = F::Output> + use<F> {
        self.made += 1;
        let (id, position) = (self.file.prediction_id, self.file.position);
        trace::download(id, position, self.made, attempt)
    }

    /// Pauses if the fault may pass and the policy allows another attempt; else returns the
    /// error.
    async fn after(&mut self, fault: Fault) -> Result<(), Error> {
        let error = match fault {
            Fault::Passing(error) => match self.policy.pause(self.made, error.retry_after()) {
                Some(pause) => {
                    let cause = self.file.known(error);
                    trace::retrying("download", self.made, pause, &cause);
                    if let Some(observer) = &mut self.observer {
                        observer(RetryProgress {
                            attempt: self.made,
                            max_attempts: Some(self.policy.max_attempts),
                            pause,
                            left: None,
                            cause: &cause,
                        });
                    }
                    tokio::time::sleep(pause).await;
                    return Ok(());
                }
                None => error.transient(),
            },
            Fault::Final(error) => error,
        };
        Err(self.file.known(error))
    }
}
