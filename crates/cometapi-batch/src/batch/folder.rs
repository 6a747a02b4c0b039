//! The output folder, which names the batch.

use std::ffi::OsString;
use std::fs::{self, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use cometapi::SavedFile;

use crate::batch::present::Present;
use crate::error::{Error, ErrorKind};

/// Creates an output folder if it does not exist and checks that files can be written in it, by
/// creating and removing one. Removes what killed processes left of downloads there. Returns its
/// absolute, canonical path. [`Batch`](crate::Batch) does this before it sends anything; call it
/// before paying for a prediction by other means.
///
/// # Errors
///
/// [`ErrorKind::Folder`] with the cause.
pub fn prepare(folder: impl AsRef<Path>) -> Result<PathBuf, Error> {
    let folder = folder.as_ref();
    fs::create_dir_all(folder)
        .and_then(|()| probe(folder))
        .and_then(|()| folder.canonicalize())
        .map_err(|e| cannot(folder, e))
        .inspect(|folder| _ = SavedFile::remove_abandoned(folder))
}

/// The name that [`prepare`] would give, without making anything.
pub(crate) fn name(folder: &Path) -> Result<PathBuf, Error> {
    let mut there = std::path::absolute(folder).map_err(|e| cannot(folder, e))?;
    let mut rest: Vec<OsString> = Vec::new();
    loop {
        match there.canonicalize() {
            Ok(there) => return Ok(rest.iter().rev().fold(there, |path, name| path.join(name))),
            Err(e) if e.kind() == io::ErrorKind::NotFound => {}
            Err(e) => return Err(cannot(folder, e)),
        }
        let Some(name) = there.file_name().map(ToOwned::to_owned) else {
            return std::path::absolute(folder).map_err(|e| cannot(folder, e));
        };
        rest.push(name);
        there.pop();
    }
}

/// Reads which files are in the folder, before there is anything to pay for.
pub(crate) fn read(folder: &Path, present: &Present) -> Result<(), Error> {
    let read = present.has(folder, "");
    read.map(drop).map_err(|e| cannot(folder, e))
}

fn probe(folder: &Path) -> io::Result<()> {
    let path = folder.join(format!(".probe.{:016x}.part", fastrand::u64(..)));
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(&path)?;
    match fs::remove_file(path) {
        // Another process that begins here took it for a part of a killed one.
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

fn cannot(folder: &Path, e: io::Error) -> Error {
    let what = format!(
        "{} cannot be a folder for files: name another; nothing was sent",
        folder.display()
    );
    Error::caused_by(ErrorKind::Folder, what, e)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_has_the_same_name_before_and_after_it_is_made() {
        let base = tempfile::tempdir().unwrap();
        let folder = base.path().join("a/b");
        let name = name(&folder).unwrap();
        assert!(!folder.exists());
        assert_eq!(prepare(&folder).unwrap(), name);
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 0);
    }

    #[test]
    fn a_file_is_no_folder() {
        let base = tempfile::tempdir().unwrap();
        let file = base.path().join("a");
        fs::write(&file, "").unwrap();
        assert_eq!(prepare(&file).unwrap_err().kind(), ErrorKind::Folder);
        assert_eq!(
            prepare(file.join("b")).unwrap_err().kind(),
            ErrorKind::Folder
        );
    }
}
