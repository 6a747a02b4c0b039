//! A file of a prediction's output.

#[cfg(feature = "download")]
use std::error::Error as StdError;
use std::fmt;

#[cfg(feature = "download")]
use std::path::Path;
#[cfg(feature = "download")]
use std::sync::Arc;

#[cfg(feature = "download")]
use bytes::Bytes;
use cometapi_client::KeyFinder;

#[cfg(feature = "download")]
use crate::core::error::Error;
#[cfg(feature = "download")]
use crate::core::error_kind::ErrorKind;
use crate::core::prediction::Prediction;
use crate::files::data_uri;
#[cfg(feature = "download")]
use crate::files::download::names::{file_stem, id_in_name, url_stem};
#[cfg(feature = "download")]
use crate::files::download::{
    attempts::{self, Source},
    fault::{KeyInAddress, WebPage},
    fetch::{Fetcher, FileStream},
};
use crate::files::output::{Address, Place};
use crate::files::returns::Returns;
#[cfg(feature = "download")]
use crate::files::save::{Content, Save};
use cometapi_models::media;

/// What the files of one client share.
#[derive(Clone, Debug)]
pub(crate) struct FileContext {
    pub(crate) key: KeyFinder,
    #[cfg(feature = "download")]
    pub(crate) fetcher: Arc<Fetcher>,
}

/// One file that a model made: where it is, and how it is downloaded.
///
/// The service keeps files for about an hour (documented by Replicate), so fetch them soon.
/// They are fetched without the key: the hosts that hold them are not the service's.
///
/// ```no_run
/// # async fn example(client: cometapi::Client) -> Result<(), cometapi::Error> {
/// let prediction = client.predictions().get("q4chw5rey9rmt0cww76t4h3ma4").await?;
/// for file in client.files(&prediction) {
///     let saved = file.save_in("images").await?;
///     println!("{} ({} bytes)", saved.path.display(), saved.bytes);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct OutputFile {
    #[cfg(feature = "download")]
    fetcher: Arc<Fetcher>,
    /// Of its prediction, if that is known.
    id: Option<String>,
    position: usize,
    url: String,
    #[cfg_attr(
        not(feature = "download"),
        expect(dead_code, reason = "only asked after a download")
    )]
    link: Link,
}

/// What a URL may be besides a file of the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Link {
    /// Nothing: it is a file.
    No,
    /// A link to a web page.
    ToPage,
    /// A link to anything, also to what cannot be fetched.
    ToAnything,
}

impl Link {
    fn of(address: &Address<'_>) -> Self {
        let is_data = data_uri::strip(address.url).is_some();
        let url = reqwest::Url::parse(address.url);
        let is_named = |test: fn(&str) -> bool| url.as_ref().is_ok_and(|url| test(url.path()));
        match address.place {
            _ if is_data || is_named(media::is_media_file_name) => Self::No,
            _ if is_named(media::is_data_file_name) => Self::ToPage,
            Place::Key(key) if !is_file_key(key) => Self::ToAnything,
            _ => Self::ToPage,
        }
    }
}

/// Whether values under this key of an object are likely to be files.
fn is_file_key(key: &str) -> bool {
    const WORDS: [&str; 18] = [
        "image",
        "img",
        "image",
        "photo",
        "video",
        "audio",
        "sound",
        "music",
        "speech",
        "file",
        "output",
        "result",
        "mask",
        "mesh",
        "media",
        "frame",
        "thumbnail",
        "download",
    ];
    let key = key.to_ascii_lowercase();
    // An image_source or a video_page is where the image or the video came from.
    let is_origin = ["source", "page", "link", "license", "author"]
        .iter()
        .any(|word| key.contains(word));
    !is_origin && WORDS.iter().any(|word| key.contains(word))
}

impl OutputFile {
    /// Returns the files of an output, in order. `model` is the model that was run, if the caller
    /// knows it.
    pub(crate) fn all(
        context: &FileContext,
        prediction: &Prediction,
        model: Option<&str>,
    ) -> Vec<Self> {
        let found = prediction.output().find_files();
        let mut links: Vec<Link> = found.addresses.iter().map(Link::of).collect();
        if Returns::of(model.or(prediction.model())) == Returns::Files {
            links.fill(Link::No);
        } else if !found.has_values && links.iter().all(|link| *link == Link::ToAnything) {
            // They are all that the model returned.
            links.fill(Link::ToPage);
        }
        let addresses = found.addresses.into_iter().zip(links).enumerate();
        addresses
            .map(|(position, (address, link))| Self {
                #[cfg(feature = "download")]
                fetcher: Arc::clone(&context.fetcher),
                id: Some(prediction.id().to_owned()),
                position,
                link,
                url: without_key(&context.key, address.url),
            })
            .collect()
    }

    /// Returns the file at `url`, without a prediction.
    pub(crate) fn at(context: &FileContext, url: &str) -> Self {
        Self {
            #[cfg(feature = "download")]
            fetcher: Arc::clone(&context.fetcher),
            id: None,
            position: 0,
            url: without_key(&context.key, url),
            link: Link::No,
        }
    }

    /// Its address: `https:`, `http:` or `data:`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Its place among the prediction's files, counted from 0.
    pub fn position(&self) -> usize {
        self.position
    }

    /// The id of its prediction; `None` for a file of [`Client::file`](crate::Client::file).
    pub fn prediction_id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// Returns whether `error`, which fetching it ended in, shows that its URL is a link in the
    /// output and not a file of it. Such a link is best left where it is: in the output's JSON
    /// or text.
    ///
    /// A URL is a link if its path does not end in a file name of an image, a video or the
    /// like, its model is not known to return files, and
    ///
    /// - it returns a web page and is not named as one (`report.html`), or
    /// - it cannot be fetched, does not end in a file name of data or text (`scores.json`), and is
    ///   in an object under a key that does not speak of a file: `source` rather than `image`;
    ///   unless nothing else is in the output.
    #[cfg(feature = "download")]
    pub fn is_link(&self, error: &Error) -> bool {
        let is_page = || StdError::source(error).is_some_and(<dyn StdError>::is::<WebPage>);
        match self.link {
            Link::No => false,
            // An incident, whatever the URL is for.
            _ if StdError::source(error).is_some_and(<dyn StdError>::is::<KeyInAddress>) => false,
            Link::ToPage => is_page(),
            Link::ToAnything => matches!(error.kind(), ErrorKind::Download | ErrorKind::Expired),
        }
    }
}

/// Returns `url` with a placeholder for the key, which the transport may not have recognized in
/// the JSON.
fn without_key(key: &KeyFinder, url: &str) -> String {
    // A data URI goes nowhere, and may be large.
    if data_uri::strip(url).is_some() {
        return url.to_owned();
    }
    key.redact(url).into_owned()
}

#[cfg(feature = "download")]
impl OutputFile {
    fn source(&self) -> Source<'_> {
        Source {
            url: &self.url,
            prediction_id: self.prediction_id(),
            position: self.position,
        }
    }

    fn content(&self) -> Content<'_> {
        Content::File(&self.fetcher, self.source())
    }

    /// The whole file, in memory.
    ///
    /// # Errors
    ///
    /// [`Download`](crate::ErrorKind::Download) when it cannot be fetched,
    /// [`Expired`](crate::ErrorKind::Expired) when its host no longer has it.
    pub async fn bytes(&self) -> Result<Bytes, Error> {
        attempts::bytes(&self.fetcher, self.source()).await
    }

    /// The file piece by piece, as it comes. Not repeated on a fault: what has been given
    /// cannot be taken back.
    ///
    /// # Errors
    ///
    /// As [`bytes`](Self::bytes); a fault on the way is the stream's last item.
    pub async fn stream(&self) -> Result<FileStream, Error> {
        attempts::stream(&self.fetcher, self.source()).await
    }

    /// Saves it in `folder`, under a name from the prediction's id, its position and its type: `ID.png`
    /// for the first file and `ID__2.png` for the second, or from a hash of its URL if its prediction is
    /// not known. [`Save::name`] gives it another. Characters of the id that a common file system does
    /// not take in a name are escaped, so that no response of the service can choose another folder; an id of
    /// more than 160 bytes is cut and ends in its hash. Different ids give different names.
    pub fn save_in(&self, folder: impl AsRef<Path>) -> Save<'_> {
        Save::in_folder(self.content(), folder.as_ref(), &self.stem())
    }

    /// Returns the name that [`save_in`](Self::save_in) gives it, without its extension: `ID`. For
    /// [`SavedFile::find`](crate::SavedFile::find), which tells whether it is there already.
    pub fn stem(&self) -> String {
        match &self.id {
            Some(id) => file_stem(&id_in_name(id), self.position),
            None => url_stem(&self.url),
        }
    }

    /// Saves it as `path`.
    pub fn save_to(&self, path: impl AsRef<Path>) -> Save<'_> {
        Save::to_path(self.content(), path.as_ref())
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
    use std::future::IntoFuture;

    use serde_json::json;

    use super::Link;
    use crate::Client;

    #[test]
    fn a_url_is_shown_without_the_key() {
        const KEY: &str = "sk-test-Hj4Kd9Sa1Pq7";
        let client = Client::builder().key(KEY).build().unwrap();
        let encoded = KEY.replace('-', "%2D");
        let data = format!("data:text/plain,{KEY}");
        let output = serde_json::json!([format!("https://a/{KEY}.png?b={encoded}"), data]);
        let json = serde_json::json!({"id": "p1", "status": "succeeded", "output": output});
        let prediction = serde_json::from_value(json).unwrap();
        let mut files = client.files(&prediction);
        files.extend(
            ["https://a/?b=", "data:text/plain,"].map(|start| client.file(format!("{start}{KEY}"))),
        );
        assert_eq!(files.remove(2).url(), "https://a/?b=[key]");
        assert_eq!(files.remove(2).url(), data);
        assert_eq!(files[0].url(), "https://a/[key].png?b=[key]");
        // It is the file itself.
        assert_eq!(files[1].url(), data);
    }

    #[test]
    fn what_may_be_a_link_is_known_by_its_name_and_place() {
        let client = Client::builder().key("k").build().unwrap();
        let links = |output: serde_json::Value| {
            let json = json!({"id": "p1", "status": "succeeded", "output": output});
            let files = client.files(&serde_json::from_value(json).unwrap());
            files.iter().map(|file| file.link).collect::<Vec<_>>()
        };
        for (output, expected) in [
            (json!("https://a/0"), vec![Link::ToPage]),
            (json!({"source": "https://a/0.png"}), vec![Link::No]),
            (
                json!({"image": "https://a/0", "scores": "https://a/1.json", "source": "https://a/2"}),
                vec![Link::ToPage, Link::ToPage, Link::ToAnything],
            ),
            (
                json!({"source": "https://a/0", "text": "a fox"}),
                vec![Link::ToAnything],
            ),
            // All that there is.
            (
                json!({"bass": "https://a/0", "drums": "https://a/1"}),
                vec![Link::ToPage, Link::ToPage],
            ),
        ] {
            assert_eq!(links(output.clone()), expected, "{output}");
        }
    }

    /// Fails to compile when a future cannot go to another thread.
    #[test]
    fn every_future_can_be_spawned() {
        fn sendable<T: Send>(_: &T) {}
        let client = Client::builder().key("k").build().unwrap();
        let file = client.file("data:,x");
        sendable(&file.bytes());
        sendable(&file.stream());
        sendable(&file.save_in("x").into_future());
        sendable(&file.save_to("x").into_future());
    }
}
