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
            stem: stem(id, position),
            name: None,
        }
    }

    pub(crate) fn stem(folder: &Path, stem: &str) -> Result<Self, Error> {
        if stem.is_empty() || stem.contains(['/', '\\', '\0']) {
            let what = format!("{stem:?} cannot be a file's name");
            return Err(Error::new(ErrorKind::File, what));
        }
        Ok(Self {
            folder: folder.to_owned(),
            stem: stem.to_owned(),
            name: None,
        })
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

impl SavedFile {
    /// What [`save_as`](OutputFile::save_as) saved earlier in `folder` under `stem`, whatever
    /// its ending. A name appears when its file is whole, so what is found is; an empty file
    /// is none.
    ///
    /// Looks at the endings that are known, one by one, and not at the whole folder. Blocks on
    /// the file system.
    pub fn find(folder: impl AsRef<Path>, stem: impl AsRef<str>) -> Option<Self> {
        let (folder, stem) = (folder.as_ref(), stem.as_ref());
        media::known().find_map(|(media_type, ending)| {
            let path = folder.join(format!("{stem}.{ending}"));
            let is = path.metadata().ok().filter(std::fs::Metadata::is_file)?;
            (is.len() > 0).then(|| Self {
                path,
                bytes: is.len(),
                media_type: media_type.to_owned(),
            })
        })
    }
}

/// The name of a prediction's file, without its ending.
pub(crate) fn stem(id: &str, position: usize) -> String {
    format!("{}-{position}", plain(id))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stem_leads_nowhere() {
        for bad in ["", "a/b", "a\\b", "a\0"] {
            assert!(Target::stem(Path::new("out"), bad).is_err(), "{bad:?}");
        }
        let target = Target::stem(Path::new("out"), "fox-0").unwrap();
        assert_eq!(target.path("image/webp"), Path::new("out/fox-0.webp"));
    }

    #[test]
    fn a_saved_file_is_found_by_its_stem_unless_it_is_empty() {
        let folder = std::env::temp_dir().join(format!("cometapi-{:016x}", fastrand::u64(..)));
        std::fs::create_dir_all(&folder).unwrap();
        assert_eq!(SavedFile::find(&folder, "fox-0"), None);
        std::fs::write(folder.join("fox-0.webp"), "").unwrap();
        assert_eq!(SavedFile::find(&folder, "fox-0"), None);
        std::fs::write(folder.join("fox-0.webp"), "abc").unwrap();
        let found = SavedFile::find(&folder, "fox-0").unwrap();
        assert_eq!((found.bytes, found.media_type.as_str()), (3, "image/webp"));
        std::fs::write(folder.join("fox-1.bin"), "abc").unwrap();
        assert!(SavedFile::find(&folder, "fox-1").is_some());
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
