//! Saving a file or the text of an output.

use std::fmt;
use std::future::{Future, IntoFuture};
use std::path::Path;
use std::pin::Pin;

use crate::core::error::Error;
use crate::core::retry_progress::{RetryObserver, RetryProgress};
use crate::core::runtime;
use crate::files::download::attempts::{self, Source};
use crate::files::download::fetch::Fetcher;
use crate::files::download::save::{Target, save_text};
use crate::files::download::saved_file::SavedFile;

/// A file of an output, or its text, that has not been saved yet; await it.
///
/// The name appears when the file is complete; until then the bytes are in a hidden file beside it,
/// which does not outlive a failure. Folders are created if they are missing.
///
/// ```no_run
/// # async fn example(file: cometapi::OutputFile) -> Result<(), cometapi::Error> {
/// // images/fox.png, or images/fox.webp if that is what it is.
/// let saved = file.save_in("images").name("fox").overwrite().await?;
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// [`File`](crate::ErrorKind::File) if the file cannot be written, if it exists and
/// [`overwrite`](Self::overwrite) was not asked for, or if its name is empty or holds a separator.
/// As [`OutputFile::bytes`](crate::OutputFile::bytes) if it cannot be fetched.
#[must_use = "nothing is saved until it is awaited"]
pub struct Save<'f> {
    content: Content<'f>,
    target: Result<Target, Error>,
    observer: Option<RetryObserver<'f>>,
}

/// What is saved.
#[derive(Clone, Copy)]
pub(crate) enum Content<'f> {
    File(&'f Fetcher, Source<'f>),
    Text {
        text: &'f str,
        media_type: &'f str,
        prediction_id: &'f str,
    },
}

impl<'f> Save<'f> {
    pub(crate) fn in_folder(content: Content<'f>, folder: &Path, stem: &str) -> Self {
        Self {
            content,
            target: Target::stem(folder, stem),
            observer: None,
        }
    }

    pub(crate) fn to_path(content: Content<'f>, path: &Path) -> Self {
        Self {
            content,
            target: Target::file(path),
            observer: None,
        }
    }

    /// Uses the name `stem`, with the extension that goes with its type. [`SavedFile::find`] finds
    /// it again.
    pub fn name(mut self, stem: impl AsRef<str>) -> Self {
        self.target = self
            .target
            .and_then(|target| target.with_stem(stem.as_ref()));
        self
    }

    /// Calls `observer` before each pause after a download that failed and is repeated. Text that is saved
    /// is not downloaded.
    pub fn on_retry(mut self, observer: impl FnMut(RetryProgress<'_>) + Send + 'f) -> Self {
        self.observer = Some(Box::new(observer));
        self
    }

    /// Replaces a file of the same name and extension, once the new one is complete. By default it
    /// is left, and an error says so.
    pub fn overwrite(mut self) -> Self {
        self.target = self.target.map(Target::overwriting);
        self
    }
}

impl<'f> IntoFuture for Save<'f> {
    type Output = Result<SavedFile, Error>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send + 'f>>;

    fn into_future(self) -> Self::IntoFuture {
        let Self {
            content,
            target,
            observer,
        } = self;
        Box::pin(async move {
            match content {
                Content::File(fetcher, source) => {
                    attempts::save(fetcher, source, target?, observer).await
                }
                Content::Text {
                    text,
                    media_type,
                    prediction_id,
                } => {
                    let saved = match runtime::check() {
                        Ok(()) => save_text(text, media_type, target?).await,
                        Err(error) => Err(error),
                    };
                    saved.map_err(|error| error.with_id(prediction_id))
                }
            }
        })
    }
}

impl fmt::Debug for Save<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Save")
            .field("target", &self.target)
            .finish_non_exhaustive()
    }
}
