//! Writing a file so that its name appears only when it is whole.

use std::fs::TryLockError;
use std::io;
use std::path::{Path, PathBuf};

use tokio::fs;
use tokio::io::AsyncWriteExt;

use crate::core::error::Error;
use crate::core::error_kind::ErrorKind;
use crate::files::download::fault::Fault;
use crate::files::download::fetch::Fetcher;
use crate::files::download::range::{Resume, Version};
use crate::files::download::saved_file::SavedFile;
use crate::files::download::{durable, part};
use cometapi_models::media::FileType;

/// Where a file is to be.
#[derive(Debug)]
pub(crate) struct Target {
    folder: PathBuf,
    stem: String,
    /// The name as given, or one made of the stem and what the file is.
    name: Option<PathBuf>,
    /// Whether a file that has the name is replaced.
    overwrite: bool,
}

impl Target {
    pub(crate) fn stem(folder: &Path, stem: &str) -> Result<Self, Error> {
        let target = Self {
            folder: folder.to_owned(),
            stem: String::new(),
            name: None,
            overwrite: false,
        };
        target.with_stem(stem)
    }

    pub(crate) fn with_stem(self, stem: &str) -> Result<Self, Error> {
        if stem.is_empty() || stem.contains(['/', '\\', '\0']) {
            let what = format!("{stem:?} cannot be a file's name");
            return Err(Error::new(ErrorKind::File, what));
        }
        Ok(Self {
            stem: stem.to_owned(),
            name: None,
            ..self
        })
    }

    pub(crate) fn overwriting(self) -> Self {
        Self {
            overwrite: true,
            ..self
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
            overwrite: false,
        })
    }

    fn path(&self, extension: &str) -> PathBuf {
        match &self.name {
            Some(name) => self.folder.join(name),
            None => self.folder.join(format!("{}.{extension}", self.stem)),
        }
    }
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
        url: &str,
    ) -> Result<SavedFile, Fault> {
        let resume = self.part.as_ref().and_then(Part::resume);
        let mut stream = fetcher.open(url, resume.as_ref()).await?;
        let part = match &mut self.part {
            Some(part) if stream.offset() > 0 => part,
            slot => {
                // What there was is of no use; its file goes with it.
                *slot = None;
                slot.insert(Part::begin(&self.target, stream.kind()).await?)
            }
        };
        loop {
            match stream.piece().await {
                Ok(Some(piece)) => part.write(&piece).await?,
                Ok(None) => return part.finish().await,
                Err(fault) => {
                    part.version = stream.version().cloned();
                    return Err(fault);
                }
            }
        }
    }
}

/// Saves text as a file is saved.
pub(crate) async fn save_text(
    text: &str,
    media_type: &str,
    target: Target,
) -> Result<SavedFile, Error> {
    let kind = FileType::of_text(media_type);
    let saved = async {
        let mut part = Part::begin(&target, &kind).await?;
        part.write(text.as_bytes()).await?;
        part.finish().await
    };
    saved.await.map_err(Fault::into_error)
}

/// The hidden file that the bytes go to, beside the name it will have; removed on drop,
/// whatever happened.
struct Part {
    hidden: PathBuf,
    path: PathBuf,
    file: fs::File,
    written: u64,
    /// What to ask for the rest with, once it broke off.
    version: Option<Version>,
    media_type: String,
    overwrite: bool,
    /// The folders that get a new name with it.
    folders: Vec<PathBuf>,
}

impl Part {
    async fn begin(target: &Target, kind: &FileType) -> Result<Self, Fault> {
        let path = target.path(&kind.extension);
        let is_kept = !target.overwrite && !is_empty_file(&path);
        if is_kept && fs::try_exists(&path).await.unwrap_or(false) {
            return Err(exists(&path));
        }
        let folders = durable::create_folder(&target.folder).await;
        let folders = folders.map_err(|e| wrong(&path, e))?;
        let (folder, stem) = (target.folder.clone(), target.stem.clone());
        let created = tokio::task::spawn_blocking(move || part::create(&folder, &stem));
        let created = created.await.map_err(io::Error::other).flatten();
        let (hidden, file) = created.map_err(|e| wrong(&path, e))?;
        Ok(Self {
            hidden,
            path,
            file: fs::File::from_std(file),
            written: 0,
            version: None,
            media_type: kind.media_type.clone(),
            overwrite: target.overwrite,
            folders,
        })
    }

    /// What to ask for the rest with, if there is something and its host can give parts.
    fn resume(&self) -> Option<Resume> {
        let version = self.version.clone()?;
        (self.written > 0).then_some(Resume {
            offset: self.written,
            version,
        })
    }

    async fn write(&mut self, piece: &[u8]) -> Result<(), Fault> {
        let written = self.file.write_all(piece).await;
        written.map_err(|e| wrong(&self.path, e))?;
        self.written += piece.len() as u64;
        Ok(())
    }

    /// Gives the file its name, so that it survives a power cut under that name: content
    /// first, then the name.
    async fn finish(&mut self) -> Result<SavedFile, Fault> {
        let synced = durable::sync_file(&mut self.file).await;
        synced.map_err(|e| wrong(&self.path, e))?;
        let named = if self.overwrite {
            fs::rename(&self.hidden, &self.path).await
        } else {
            claim(&self.hidden, &self.path).await
        };
        match named {
            Ok(()) => {}
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => return Err(exists(&self.path)),
            Err(e) => return Err(wrong(&self.path, e)),
        }
        #[cfg(test)]
        durable::tests::record(durable::tests::Step::Named);
        let synced = durable::sync_folders(std::mem::take(&mut self.folders)).await;
        synced.map_err(|e| wrong(&self.path, e))?;
        Ok(SavedFile {
            path: self.path.clone(),
            bytes: self.written,
            media_type: self.media_type.clone(),
        })
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
    let path = path.display();
    let what = format!("{path} exists and was left as it is: overwrite it, or choose another name");
    Fault::Final(Error::new(ErrorKind::File, what))
}

/// Gives the complete file its name, unless another file has it. An empty file does not count:
/// a process that was killed while it took the name leaves one.
async fn claim(part: &Path, path: &Path) -> io::Result<()> {
    // A link fails where a rename would overwrite.
    if fs::hard_link(part, path).await.is_ok() {
        return Ok(());
    }
    let (part, path) = (part.to_owned(), path.to_owned());
    tokio::task::spawn_blocking(move || take_name(&part, &path)).await?
}

/// Does the same on a file system without links, or over an empty file: takes the name with an
/// empty file, which is locked until the complete one is renamed over it. The lock ends with the
/// process, so an empty file without one can be taken.
fn take_name(part: &Path, path: &Path) -> io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true);
    let (file, is_new) = match options.clone().create_new(true).open(path) {
        Ok(file) => (file, true),
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists && is_empty_file(path) => {
            (options.open(path)?, false)
        }
        Err(e) => return Err(e),
    };
    let is_taken = match file.try_lock() {
        // Another may have renamed its file over the one that was opened.
        Ok(()) => !is_empty_file(path) || !is_at(&file, path),
        Err(TryLockError::WouldBlock) => true,
        // A file system without locks.
        Err(TryLockError::Error(_)) => !is_new,
    };
    if is_taken {
        return Err(io::ErrorKind::AlreadyExists.into());
    }
    std::fs::rename(part, path)
}

fn is_empty_file(path: &Path) -> bool {
    path.symlink_metadata()
        .is_ok_and(|file| file.is_file() && file.len() == 0)
}

/// Whether the open `file` is the one that `path` names.
#[cfg(unix)]
fn is_at(file: &std::fs::File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    match (file.metadata(), path.symlink_metadata()) {
        (Ok(file), Ok(named)) => (file.dev(), file.ino()) == (named.dev(), named.ino()),
        _ => false,
    }
}

/// Whether the open `file` is the one that `path` names: a rename over it would have failed.
#[cfg(not(unix))]
fn is_at(_: &std::fs::File, _: &Path) -> bool {
    true
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
        assert_eq!(target.path("webp"), Path::new("out/fox-0.webp"));
    }

    /// The content is on the disk before the name, and the names of the file and of the folders
    /// that were created for it afterwards.
    #[tokio::test]
    async fn a_file_is_synced_before_it_gets_its_name_and_its_folders_after() {
        use durable::tests::{Step, take_steps};

        let root = std::env::temp_dir().join(format!("cometapi-{:016x}", fastrand::u64(..)));
        std::fs::create_dir_all(&root).unwrap();
        let folder = root.join("new");
        let synced = |folder: &Path| {
            let is_unix = cfg!(unix);
            is_unix.then(|| Step::Folder(folder.to_owned()))
        };
        for (stem, folders) in [
            ("fox", vec![synced(&folder), synced(&root)]),
            ("cat", vec![synced(&folder)]),
        ] {
            let target = Target::stem(&folder, stem).unwrap();
            save_text("a fox", "text/plain", target).await.unwrap();
            let mut expected = vec![Step::File, Step::Named];
            expected.extend(folders.into_iter().flatten());
            assert_eq!(take_steps(), expected);
        }
        std::fs::remove_dir_all(&root).unwrap();
    }

    /// Another process, or another file of the same name, was faster.
    #[tokio::test]
    async fn a_name_that_is_taken_while_a_file_is_written_is_left() {
        let folder = std::env::temp_dir().join(format!("cometapi-{:016x}", fastrand::u64(..)));
        let target = Target::stem(&folder, "fox").unwrap();
        let kind = FileType::of_text("text/plain");
        let mut part = Part::begin(&target, &kind).await.ok().unwrap();
        part.write(b"a fox").await.ok().unwrap();
        std::fs::write(folder.join("fox.txt"), "another").unwrap();
        let Err(Fault::Final(error)) = part.finish().await else {
            panic!("the name is taken");
        };
        assert_eq!(error.kind(), ErrorKind::File);
        drop(part);
        assert_eq!(std::fs::read(folder.join("fox.txt")).unwrap(), b"another");
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 1);
        std::fs::remove_dir_all(&folder).unwrap();
    }

    #[tokio::test]
    async fn an_empty_file_is_replaced_unless_another_process_is_taking_its_name() {
        let folder = std::env::temp_dir().join(format!("cometapi-{:016x}", fastrand::u64(..)));
        std::fs::create_dir_all(&folder).unwrap();
        let path = folder.join("fox.txt");
        let target = || Target::stem(&folder, "fox").unwrap();
        std::fs::write(&path, "").unwrap();
        let taking = std::fs::File::open(&path).unwrap();
        taking.lock().unwrap();
        let error = save_text("a fox", "text/plain", target()).await;
        assert_eq!(error.unwrap_err().kind(), ErrorKind::File);
        assert_eq!(std::fs::read(&path).unwrap(), b"");
        // Killed: the lock ends with the process.
        drop(taking);
        let saved = save_text("a fox", "text/plain", target()).await.unwrap();
        assert_eq!(std::fs::read(saved.path).unwrap(), b"a fox");
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 1);
        std::fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn a_name_is_taken_without_links_and_never_from_a_file_with_content() {
        let folder = std::env::temp_dir().join(format!("cometapi-{:016x}", fastrand::u64(..)));
        std::fs::create_dir_all(&folder).unwrap();
        let (part, path) = (folder.join("part"), folder.join("name"));
        for empty in [false, true] {
            if empty {
                std::fs::write(&path, "").unwrap();
            }
            std::fs::write(&part, "whole").unwrap();
            take_name(&part, &path).unwrap();
            assert_eq!(std::fs::read(&path).unwrap(), b"whole");
            assert!(!part.exists());
            if !empty {
                std::fs::write(&part, "another").unwrap();
                let error = take_name(&part, &path).unwrap_err();
                assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
                assert_eq!(std::fs::read(&path).unwrap(), b"whole");
                std::fs::remove_file(&path).unwrap();
            }
        }
        std::fs::remove_file(&path).unwrap();
        std::fs::create_dir(&path).unwrap();
        std::fs::write(&part, "whole").unwrap();
        assert!(take_name(&part, &path).is_err());
        std::fs::remove_dir_all(&folder).unwrap();
    }

    #[tokio::test]
    async fn a_text_is_saved_whole_found_again_and_never_overwritten() {
        let folder = std::env::temp_dir().join(format!("cometapi-{:016x}", fastrand::u64(..)));
        let target = || Target::stem(&folder, "fox").unwrap();
        let saved = save_text("a fox", "text/plain", target()).await.unwrap();
        assert_eq!(saved.path, folder.join("fox.txt"));
        assert_eq!((saved.bytes, saved.media_type.as_str()), (5, "text/plain"));
        assert_eq!(std::fs::read(&saved.path).unwrap(), b"a fox");
        let found = SavedFile::find_text(&folder, "fox");
        assert_eq!(found, Some(saved));
        assert_eq!(SavedFile::find_text(&folder, "fo"), None);
        let error = save_text("another", "text/plain", target())
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::File);
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 1);
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
