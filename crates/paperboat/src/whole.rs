//! Files that are there whole or not at all.

use std::ffi::OsString;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use tempfile::{Builder, NamedTempFile};

/// A file that gets its name once it is complete. Dropped before, it leaves nothing.
pub(crate) struct Whole {
    part: BufWriter<NamedTempFile>,
    path: PathBuf,
}

impl Whole {
    /// Begins the file at `path`, hidden beside it.
    pub(crate) fn begin(path: &Path) -> io::Result<Self> {
        let mut prefix = OsString::from(".");
        prefix.push(path.file_name().unwrap_or_default());
        prefix.push(".");
        let mut builder = Builder::new();
        // The rest of the name is random: another process may write the file at the same time, also one
        // with the same number on another machine or in another container.
        builder.prefix(&prefix).suffix(".part");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            // As of any new file; the user's mask is applied. A temporary file is private otherwise.
            builder.permissions(std::fs::Permissions::from_mode(0o666));
        }
        let folder = path.parent().filter(|it| !it.as_os_str().is_empty());
        let part = builder.tempfile_in(folder.unwrap_or(Path::new(".")))?;
        Ok(Self {
            part: BufWriter::new(part),
            path: path.to_owned(),
        })
    }

    /// Gives it its name, replacing a file that has it.
    pub(crate) fn commit(self) -> io::Result<()> {
        let part = self
            .part
            .into_inner()
            .map_err(io::IntoInnerError::into_error)?;
        part.persist(self.path)?;
        Ok(())
    }
}

impl Write for Whole {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.part.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.part.flush()
    }
}

/// Writes the file at `path` whole.
pub(crate) fn write(
    path: &Path,
    content: impl FnOnce(&mut Whole) -> io::Result<()>,
) -> io::Result<()> {
    let mut file = Whole::begin(path)?;
    content(&mut file)?;
    file.commit()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_file_that_is_not_completed_leaves_what_was_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("index.csv");
        write(&path, |file| file.write_all(b"one")).unwrap();
        let mut half = Whole::begin(&path).unwrap();
        half.write_all(b"tw").unwrap();
        drop(half);
        assert_eq!(fs::read(&path).unwrap(), b"one");
        write(&path, |file| file.write_all(b"two")).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    /// Of one process, as their numbers may be equal on two machines.
    #[test]
    fn two_that_write_it_at_the_same_time_leave_all_of_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("index.csv");
        let mut one = Whole::begin(&path).unwrap();
        let mut other = Whole::begin(&path).unwrap();
        one.write_all(b"one").unwrap();
        other.write_all(b"the other").unwrap();
        one.commit().unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"one");
        other.commit().unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"the other");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn it_permits_what_any_new_file_does() {
        let folder = tempfile::tempdir().unwrap();
        let (path, any) = (folder.path().join("whole"), folder.path().join("any"));
        write(&path, |file| file.write_all(b"one")).unwrap();
        fs::write(&any, "one").unwrap();
        let permissions = |path| fs::metadata(path).unwrap().permissions();
        assert_eq!(permissions(path), permissions(any));
    }
}
