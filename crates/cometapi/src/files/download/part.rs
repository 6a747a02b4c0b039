//! Hidden files that downloads are written to. Each is locked while its process lives, so that
//! those of killed processes can be distinguished and removed.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use crate::files::download::durable;

const EXTENSION: &str = ".part";

/// Removes the unlocked part files in `folder` and returns how many there were.
pub(super) fn remove_abandoned(folder: &Path) -> usize {
    let Ok(entries) = fs::read_dir(durable::or_current(folder)) else {
        return 0;
    };
    entries
        .filter_map(Result::ok)
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_file()))
        .filter(|entry| entry.file_name().to_str().is_some_and(is_part))
        .filter(|entry| remove_unlocked(&entry.path()).unwrap_or(false))
        .count()
}

/// Creates a part file for `stem` in `folder`, and locks it.
pub(super) fn create(folder: &Path, stem: &str) -> io::Result<(PathBuf, File)> {
    let stem: String = stem.chars().take(60).collect();
    loop {
        let path = folder.join(format!(".{stem}.{:016x}{EXTENSION}", fastrand::u64(..)));
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(&path)?;
        match file.try_lock() {
            // Between the two, another process may have taken it for abandoned.
            Ok(()) if path.exists() => return Ok((path, file)),
            Ok(()) | Err(TryLockError::WouldBlock) => {}
            // A file system without locks: nobody can lock it, so nobody takes it for abandoned.
            Err(TryLockError::Error(_)) => return Ok((path, file)),
        }
    }
}

/// Removes a part file that no process holds. The lock is held until it is gone, so that its
/// maker, who locks it a moment after it was created, sees either the lock or that it is gone.
fn remove_unlocked(path: &Path) -> io::Result<bool> {
    let file = OpenOptions::new().write(true).open(path)?;
    match file.try_lock() {
        Ok(()) => fs::remove_file(path).map(|()| true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(e)) => Err(e),
    }
}

/// Whether `name` is one that [`create`] gives: `.STEM.0123456789abcdef.part`.
fn is_part(name: &str) -> bool {
    let inner = name
        .strip_prefix('.')
        .and_then(|name| name.strip_suffix(EXTENSION));
    inner
        .and_then(|inner| inner.rsplit_once('.'))
        .is_some_and(|(stem, random)| {
            (1..=60).contains(&stem.chars().count())
                && random.len() == 16
                && random
                    .bytes()
                    .all(|c| matches!(c, b'0'..=b'9' | b'a'..=b'f'))
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SavedFile;

    fn folder() -> PathBuf {
        let folder = std::env::temp_dir().join(format!("cometapi-{:016x}", fastrand::u64(..)));
        fs::create_dir_all(&folder).unwrap();
        folder
    }

    #[test]
    fn an_abandoned_part_is_removed_and_one_in_use_is_not() {
        let folder = folder();
        let (abandoned, file) = create(&folder, "fox-0").unwrap();
        drop(file);
        let (in_use, lock) = create(&folder, "fox-0").unwrap();
        assert_eq!(SavedFile::remove_abandoned(&folder), 1);
        assert!(!abandoned.exists());
        assert!(in_use.exists());
        drop(lock);
        assert_eq!(SavedFile::remove_abandoned(&folder), 1);
        assert_eq!(SavedFile::remove_abandoned(folder.join("none")), 0);
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn names_of_other_kinds_are_left() {
        let folder = folder();
        let long = format!(".{}.0123456789abcdef.part", "x".repeat(61));
        let others = [
            "fox-0.webp",
            "fox-0.0123456789abcdef.part",
            ".fox-0.part",
            ".0123456789abcdef.part",
            "..0123456789abcdef.part",
            ".fox-0.0123456789abcde.part",
            ".fox-0.0123456789abcdef0.part",
            ".fox-0.0123456789ABCDEF.part",
            ".fox-0.0123456789abcdeg.part",
            ".fox-0.0123456789abcdef.part.txt",
            &long,
        ];
        for other in others {
            fs::write(folder.join(other), "abc").unwrap();
        }
        let of_ours = ".fox-0.0123456789abcdef.part";
        fs::create_dir(folder.join(of_ours)).unwrap();
        assert_eq!(SavedFile::remove_abandoned(&folder), 0);
        assert_eq!(fs::read_dir(&folder).unwrap().count(), others.len() + 1);
        fs::remove_dir_all(&folder).unwrap();
    }

    /// What a link of that name points to is a stranger's.
    #[cfg(unix)]
    #[test]
    fn a_link_is_left() {
        let folder = folder();
        fs::write(folder.join("notes"), "abc").unwrap();
        let link = folder.join(".fox-0.0123456789abcdef.part");
        std::os::unix::fs::symlink("notes", &link).unwrap();
        assert_eq!(SavedFile::remove_abandoned(&folder), 0);
        assert!(link.exists());
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn every_name_that_is_given_is_recognized() {
        let folder = folder();
        for stem in ["fox-0", ".hidden", "x", "a.b", &"ü".repeat(200)] {
            let (path, _file) = create(&folder, stem).unwrap();
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            assert!(is_part(&name), "{name}");
        }
        fs::remove_dir_all(&folder).unwrap();
    }

    /// A file is created and locked in two steps; a process that sweeps between the two takes it away
    /// from a process that has not written to it.
    #[test]
    fn sweeping_takes_no_part_from_a_process_that_creates_one() {
        let folder = folder();
        let done = std::sync::atomic::AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !done.load(std::sync::atomic::Ordering::Relaxed) {
                    SavedFile::remove_abandoned(&folder);
                }
            });
            for _ in 0..2000 {
                let (path, _file) = create(&folder, "fox-0").unwrap();
                assert!(path.exists());
                fs::remove_file(path).unwrap();
            }
            done.store(true, std::sync::atomic::Ordering::Relaxed);
        });
        fs::remove_dir_all(&folder).unwrap();
    }
}
