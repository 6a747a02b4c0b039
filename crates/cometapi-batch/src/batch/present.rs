//! The files that were in a folder before this run saved its first.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use cometapi::SavedFile;

/// The names in each folder without their extensions, read once: to read a folder for every
/// row takes time that grows with the square of the rows.
#[derive(Default)]
pub(crate) struct Present {
    folders: Mutex<HashMap<PathBuf, HashSet<String>>>,
    cleaned: Mutex<HashSet<PathBuf>>,
}

impl Present {
    /// Returns whether a file of this stem may have been there. Blocks on the file system the
    /// first time that it is asked for a folder.
    pub(crate) fn has(&self, folder: &Path, stem: &str) -> bool {
        let mut folders = self.folders.lock().unwrap_or_else(PoisonError::into_inner);
        let folder = folders
            .entry(folder.to_owned())
            .or_insert_with(|| stems(folder));
        folder.contains(stem)
    }

    /// Removes what killed processes left of downloads in a folder, once. Blocks on the file
    /// system.
    pub(crate) fn clean(&self, folder: &Path) {
        let mut cleaned = self.cleaned.lock().unwrap_or_else(PoisonError::into_inner);
        if cleaned.insert(folder.to_owned()) {
            SavedFile::remove_abandoned(folder);
        }
    }
}

fn stems(folder: &Path) -> HashSet<String> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return HashSet::new();
    };
    entries
        .filter_map(|entry| {
            let name = entry.ok()?.file_name().into_string().ok()?;
            let (stem, _) = name.rsplit_once('.')?;
            Some(stem.to_owned())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_there_at_first_is_known() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("fox-0.ply"), "ply").unwrap();
        let present = Present::default();
        assert!(present.has(folder.path(), "fox-0"));
        std::fs::write(folder.path().join("cat-0.ply"), "ply").unwrap();
        assert!(!present.has(folder.path(), "cat-0"));
        assert!(!present.has(&folder.path().join("none"), "fox-0"));
    }
}
