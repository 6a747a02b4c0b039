//! Writing a file so that its name appears only when it is whole.

use std::io;
use std::path::{Path, PathBuf};

use http::HeaderValue;
use tokio::fs;
use tokio::io::AsyncWriteExt;

use crate::download::fetch::Resume;
use crate::download::{Fault, Fetcher, SavedFile};
use crate::error::{Error, ErrorKind};
use crate::file::OutputFile;
use crate::media;

/// Where a file is to be.
#[derive(Debug)]
pub(crate) struct Target {
    folder: PathBuf,
    stem: String,
    /// The name as given, or one made of the stem and what the file is.
    name: Option<PathBuf>,
}

impl Target {
    pub(crate) fn folder(folder: &Path, id: &str, position: usize) -> Self {
        Self {
            folder: folder.to_owned(),
            stem: format!("{}-{position}", plain(id)),
            name: None,
        }
    }

    pub(crate) fn file(path: &Path) -> Result<Self, Error> {
        let name = path.file_name().ok_or_else(|| {
            Error::new(ErrorKind::File, format!("{} names no file", path.display()))
        })?;
        Ok(Self {
            folder: path.parent().unwrap_or(Path::new("")).to_owned(),
            stem: name.to_string_lossy().into_owned(),
            name: Some(name.into()),
        })
    }

    fn path(&self, media_type: &str) -> PathBuf {
        match &self.name {
            Some(name) => self.folder.join(name),
            None => self
                .folder
                .join(format!("{}.{}", self.stem, media::ending(media_type))),
        }
    }
}

/// An id as a part of a name. Ids come from the service and are opaque; one that holds a
/// separator, or begins with a dot, must not lead anywhere.
fn plain(id: &str) -> String {
    let id = id.trim_start_matches('.').chars().take(100);
    id.map(|c| match c {
        c if c.is_ascii_alphanumeric() || "_-.~".contains(c) => c,
        _ => '_',
    })
    .collect()
}

/// A file on its way to its name, over as many attempts as it takes.
pub(crate) struct Saving {
    target: Target,
    part: Option<Part>,
}

impl Saving {
    pub(crate) fn new(target: Target) -> Self {
        Self { target, part: None }
    }

    /// Fetches the file, or the rest of it where its host gives parts, and names it.
    pub(crate) async fn attempt(
        &mut self,
        fetcher: &Fetcher,
        file: &OutputFile,
    ) -> Result<SavedFile, Fault> {
        let resume = self.part.as_ref().and_then(Part::resume);
        let mut stream = fetcher.open(file, resume.as_ref()).await?;
        let part = match &mut self.part {
            Some(part) if stream.offset() > 0 => part,
            slot => {
                // What there was is of no use; its file goes with it.
                *slot = None;
                let media_type = stream.media_type().to_owned();
                let validator = stream.validator().cloned();
                slot.insert(Part::begin(&self.target, media_type, validator).await?)
            }
        };
        while let Some(piece) = stream.piece().await? {
            part.write(&piece).await?;
        }
        part.finish().await
    }
}

/// The hidden file that the bytes go to, beside the name it will have; removed on drop,
/// whatever happened.
struct Part {
    hidden: PathBuf,
    path: PathBuf,
    file: fs::File,
    written: u64,
    validator: Option<HeaderValue>,
    media_type: String,
}

impl Part {
    async fn begin(
        target: &Target,
        media_type: String,
        validator: Option<HeaderValue>,
    ) -> Result<Self, Fault> {
        let path = target.path(&media_type);
        if fs::try_exists(&path).await.unwrap_or(false) {
            return Err(exists(&path));
        }
        if !target.folder.as_os_str().is_empty() {
            fs::create_dir_all(&target.folder)
                .await
                .map_err(|e| wrong(&path, e))?;
        }
        let stem: String = target.stem.chars().take(60).collect();
        let name = format!(".{stem}.{:016x}.part", fastrand::u64(..));
        let hidden = target.folder.join(name);
        let file = fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(&hidden)
            .await
            .map_err(|e| wrong(&path, e))?;
        Ok(Self {
            hidden,
            path,
            file,
            written: 0,
            validator,
            media_type,
        })
    }

    /// How to ask for the rest, where there is something and its host can give it.
    fn resume(&self) -> Option<Resume> {
        let validator = self.validator.clone()?;
        (self.written > 0).then_some(Resume {
            offset: self.written,
            validator,
        })
    }

    async fn write(&mut self, piece: &[u8]) -> Result<(), Fault> {
        let written = self.file.write_all(piece).await;
        written.map_err(|e| wrong(&self.path, e))?;
        self.written += piece.len() as u64;
        Ok(())
    }

    async fn finish(&mut self) -> Result<SavedFile, Fault> {
        let synced = match self.file.flush().await {
            Ok(()) => self.file.sync_all().await,
            Err(e) => Err(e),
        };
        synced.map_err(|e| wrong(&self.path, e))?;
        match claim(&self.hidden, &self.path).await {
            Ok(()) => Ok(SavedFile {
                path: self.path.clone(),
                bytes: self.written,
                media_type: self.media_type.clone(),
            }),
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => Err(exists(&self.path)),
            Err(e) => Err(wrong(&self.path, e)),
        }
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        // Gone already when it was renamed.
        let _ = std::fs::remove_file(&self.hidden);
    }
}

fn wrong(path: &Path, e: io::Error) -> Fault {
    let what = format!("{} cannot be written", path.display());
    Fault::Final(Error::new(ErrorKind::File, what).with_source(e))
}

fn exists(path: &Path) -> Fault {
    let what = format!("{} is there already; it was left as it is", path.display());
    Fault::Final(Error::new(ErrorKind::File, what))
}

/// Gives the whole file its name, unless another has taken it meanwhile.
async fn claim(part: &Path, path: &Path) -> io::Result<()> {
    // A link fails where a rename would overwrite.
    match fs::hard_link(part, path).await {
        Err(e) if e.kind() != io::ErrorKind::AlreadyExists => {
            // A file system without links: claim the name first, then rename over the claim.
            fs::OpenOptions::new()
                .write(true)
                .create_new(true)
                .open(path)
                .await?;
            fs::rename(part, path).await
        }
        result => result,
    }
}
