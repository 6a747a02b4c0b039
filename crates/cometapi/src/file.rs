//! A file of a prediction's output.

use std::fmt;

#[cfg(feature = "download")]
use std::path::Path;

#[cfg(feature = "download")]
use bytes::Bytes;

use crate::client::Client;
#[cfg(feature = "download")]
use crate::download::{self, FileStream, SavedFile, Target};
#[cfg(feature = "download")]
use crate::error::Error;
use crate::prediction::Prediction;

/// One file that a model made: where it is, and the ways to bring it home.
///
/// The service keeps files for about an hour (documented by Replicate), so fetch them soon.
/// They are fetched without the key: the hosts that hold them are not the service's.
///
/// ```no_run
/// # async fn example(client: cometapi::Client) -> Result<(), cometapi::Error> {
/// let prediction = client.predictions().get("q4chw5rey9rmt0cww76t4h3ma4").await?;
/// for file in client.files(&prediction) {
///     let saved = file.save_in("pictures").await?;
///     println!("{} ({} bytes)", saved.path.display(), saved.bytes);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct OutputFile {
    #[cfg_attr(
        not(feature = "download"),
        expect(dead_code, reason = "only fetched with")
    )]
    client: Client,
    id: String,
    position: usize,
    url: String,
}

impl OutputFile {
    pub(crate) fn all(client: &Client, prediction: &Prediction) -> Vec<Self> {
        let urls = prediction.output().urls();
        urls.into_iter()
            .enumerate()
            .map(|(position, url)| Self {
                client: client.clone(),
                id: prediction.id().to_owned(),
                position,
                url: url.to_owned(),
            })
            .collect()
    }

    /// Its address: `https:`, `http:` or `data:`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Its place among the prediction's files, counted from 0.
    pub fn position(&self) -> usize {
        self.position
    }

    /// The id of the prediction that it is of.
    pub fn prediction_id(&self) -> &str {
        &self.id
    }
}

#[cfg(feature = "download")]
impl OutputFile {
    /// The whole file, in memory.
    ///
    /// # Errors
    ///
    /// [`Download`](crate::ErrorKind::Download) when it cannot be fetched,
    /// [`Expired`](crate::ErrorKind::Expired) when its host no longer has it.
    pub async fn bytes(&self) -> Result<Bytes, Error> {
        download::bytes(self.client.fetcher(), self).await
    }

    /// The file piece by piece, as it comes. Not repeated on a fault: what has been given
    /// cannot be taken back.
    ///
    /// # Errors
    ///
    /// As [`bytes`](Self::bytes); a fault on the way is the stream's last item.
    pub async fn stream(&self) -> Result<FileStream, Error> {
        download::stream(self.client.fetcher(), self).await
    }

    /// Saves it in `folder`, made if need be, under a name from the prediction's id, its
    /// position and what it is: `ID-0.png`. What has no place in a name is replaced in the
    /// id, so that no answer of the service can choose another folder.
    ///
    /// The name appears when the file is whole; until then the bytes are in a hidden file
    /// beside it, which does not outlive a failure.
    ///
    /// # Errors
    ///
    /// As [`bytes`](Self::bytes); [`File`](crate::ErrorKind::File) when it cannot be written
    /// or is there already.
    pub async fn save_in(&self, folder: impl AsRef<Path>) -> Result<SavedFile, Error> {
        let target = Target::folder(folder.as_ref(), &self.id, self.position);
        download::save(self.client.fetcher(), self, target).await
    }

    /// The name that [`save_in`](Self::save_in) gives it, without its ending: `ID-0`. For
    /// [`SavedFile::find`], which tells whether it is there already.
    pub fn stem(&self) -> String {
        download::stem(&self.id, self.position)
    }

    /// Saves it in `folder` under `stem` and the ending that goes with what it is, for those
    /// whose names are not the prediction's: `save_as("out", "fox-0")` gives `out/fox-0.png`.
    /// [`SavedFile::find`] finds it again.
    ///
    /// # Errors
    ///
    /// As [`save_in`](Self::save_in); [`File`](crate::ErrorKind::File) also when the stem is
    /// empty or holds a separator.
    pub async fn save_as(
        &self,
        folder: impl AsRef<Path>,
        stem: impl AsRef<str>,
    ) -> Result<SavedFile, Error> {
        let target = Target::stem(folder.as_ref(), stem.as_ref())?;
        download::save(self.client.fetcher(), self, target).await
    }

    /// Saves it as `path`, whose folder is made if need be.
    ///
    /// # Errors
    ///
    /// As [`save_in`](Self::save_in).
    pub async fn save_to(&self, path: impl AsRef<Path>) -> Result<SavedFile, Error> {
        let target = Target::file(path.as_ref())?;
        download::save(self.client.fetcher(), self, target).await
    }
}

impl fmt::Debug for OutputFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A data URI is the file itself.
        let url: String = self.url.chars().take(120).collect();
        f.debug_struct("OutputFile")
            .field("id", &self.id)
            .field("position", &self.position)
            .field("url", &url)
            .finish_non_exhaustive()
    }
}

#[cfg(all(test, feature = "download"))]
mod tests {
    use super::*;

    /// Fails to compile when a future cannot go to another thread.
    #[test]
    fn every_future_can_be_spawned() {
        fn sendable<T: Send>(_: &T) {}
        let client = Client::builder().key("k").build().unwrap();
        let file = OutputFile {
            client,
            id: "a".into(),
            position: 0,
            url: "data:,x".into(),
        };
        sendable(&file.bytes());
        sendable(&file.stream());
        sendable(&file.save_in("x"));
        sendable(&file.save_as("x", "y"));
        sendable(&file.save_to("x"));
    }
}
