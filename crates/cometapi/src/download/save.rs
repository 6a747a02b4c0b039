//! Writing a file so that its name appears only when it is whole.

use std::io;
use std::path::{Path, PathBuf};

use tokio::fs;
use tokio::io::AsyncWriteExt;

use crate::download::{Fault, FileStream, SavedFile, media};
use crate::error::{Error, ErrorKind};

/// Where a file is to be.
#[derive(Debug)]
pub(crate) struct Target {
    folder: PathBuf,
    stem: String,
    /// The name as given, or one made of the stem and what the file is.
    name: Option<PathBuf>,
}

impl Target {
    pub(crate) fn folder(folder: &Path, stem: String) -> Self {
        Self {
            folder: folder.to_owned(),
            stem,
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

pub(crate) async fn save(mut stream: FileStream, target: &Target) -> Result<SavedFile, Fault> {
    let path = target.path(stream.media_type());
    let wrong = |what: &str, e: io::Error| {
        Fault::Final(
            Error::new(
                ErrorKind::File,
                format!("{} cannot be {what}", path.display()),
            )
            .with_source(e),
        )
    };
    let exists = || {
        let what = format!("{} is there already; it was left as it is", path.display());
        Fault::Final(Error::new(ErrorKind::File, what))
    };
    if fs::try_exists(&path).await.unwrap_or(false) {
        return Err(exists());
    }
    if !target.folder.as_os_str().is_empty() {
        fs::create_dir_all(&target.folder)
            .await
            .map_err(|e| wrong("written", e))?;
    }
    let part = Part::beside(&target.folder, &target.stem);
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(&part.0)
        .await
        .map_err(|e| wrong("written", e))?;
    let mut bytes = 0;
    while let Some(piece) = stream.piece().await? {
        bytes += piece.len() as u64;
        file.write_all(&piece)
            .await
            .map_err(|e| wrong("written", e))?;
    }
    file.flush().await.map_err(|e| wrong("written", e))?;
    file.sync_all().await.map_err(|e| wrong("written", e))?;
    drop(file);
    match claim(&part.0, &path).await {
        Ok(()) => Ok(SavedFile {
            path,
            bytes,
            media_type: stream.media_type().to_owned(),
        }),
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => Err(exists()),
        Err(e) => Err(wrong("named", e)),
    }
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

/// The hidden file that the bytes go to; removed on drop, whatever happened.
struct Part(PathBuf);

impl Part {
    fn beside(folder: &Path, stem: &str) -> Self {
        let stem: String = stem.chars().take(100).collect();
        Self(folder.join(format!(".{stem}.{:016x}.part", fastrand::u64(..))))
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        // Gone already when it was renamed.
        let _ = std::fs::remove_file(&self.0);
    }
}
