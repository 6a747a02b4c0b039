//! The files that were in a folder before this run saved its first.

use std::collections::{HashMap, HashSet};
use std::fs::DirEntry;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use cometapi::SavedFile;

use crate::lock::lock;

/// The names in each folder without their extensions, read once: to read a folder for every
/// row takes time that grows with the square of the rows.
#[derive(Default)]
pub(crate) struct Present {
    folders: Mutex<HashMap<PathBuf, HashSet<String>>>,
    cleaned: Mutex<HashSet<PathBuf>>,
}

impl Present {
    /// Returns whether a file of this stem may have been there. Blocks on the file system the
    /// first time that it is asked for a folder. A folder that cannot be read is an error, and is
    /// read again the next time: it is not an empty one.
    pub(crate) fn has(&self, folder: &Path, stem: &str) -> io::Result<bool> {
        let mut folders = lock(&self.folders);
        if let Some(stems) = folders.get(folder) {
            return Ok(stems.contains(stem));
        }
        let stems = stems(folder)?;
        let has = stems.contains(stem);
        folders.insert(folder.to_owned(), stems);
        Ok(has)
    }

    /// Takes the name of a file that is about to be saved in a folder that was read. Returns whether no
    /// other has it.
    pub(crate) fn take(&self, folder: &Path, stem: &str) -> bool {
        let mut folders = lock(&self.folders);
        let stems = folders.entry(folder.to_owned()).or_default();
        stems.insert(stem.to_owned())
    }

    /// Removes what killed processes left of downloads in a folder, once. Blocks on the file
    /// system.
    pub(crate) fn clean(&self, folder: &Path) {
        let mut cleaned = lock(&self.cleaned);
        if cleaned.insert(folder.to_owned()) {
            SavedFile::remove_abandoned(folder);
        }
    }
}

fn stems(folder: &Path) -> io::Result<HashSet<String>> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(HashSet::new()),
        Err(e) => return Err(e),
    };
    let stem = |entry: io::Result<DirEntry>| {
        let name = match entry {
            Ok(entry) => entry.file_name(),
            Err(e) => return Some(Err(e)),
        };
        let (stem, _) = name.to_str()?.rsplit_once('.')?;
        Some(Ok(stem.to_owned()))
    };
    entries.filter_map(stem).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_there_at_first_is_known() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("fox.ply"), "ply").unwrap();
        let present = Present::default();
        assert!(present.has(folder.path(), "fox").unwrap());
        std::fs::write(folder.path().join("cat.ply"), "ply").unwrap();
        assert!(!present.has(folder.path(), "cat").unwrap());
        assert!(!present.has(&folder.path().join("none"), "fox").unwrap());
        assert!(!present.take(folder.path(), "fox"));
        assert!(present.take(folder.path(), "owl") && !present.take(folder.path(), "owl"));
    }

    #[test]
    fn a_folder_that_cannot_be_read_is_not_an_empty_one() {
        let base = tempfile::tempdir().unwrap();
        let folder = base.path().join("out");
        std::fs::write(&folder, "a file").unwrap();
        let present = Present::default();
        present.has(&folder, "fox").unwrap_err();
        std::fs::remove_file(&folder).unwrap();
        std::fs::create_dir(&folder).unwrap();
        std::fs::write(folder.join("fox.ply"), "ply").unwrap();
        assert!(present.has(&folder, "fox").unwrap());
    }
}
