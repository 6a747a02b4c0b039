//! Files that are there whole or not at all.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// A file that gets its name once it is complete. Dropped before, it leaves nothing.
pub(crate) struct Whole {
    part: PathBuf,
    path: PathBuf,
    file: Option<BufWriter<File>>,
}

impl Whole {
    /// Begins the file at `path`, hidden beside it.
    pub(crate) fn begin(path: &Path) -> io::Result<Self> {
        let mut name = OsString::from(".");
        name.push(path.file_name().unwrap_or_default());
        // Two processes may write it at the same time.
        name.push(format!(".{}.part", std::process::id()));
        let part = path.with_file_name(name);
        let file = BufWriter::new(File::create(&part)?);
        Ok(Self {
            part,
            path: path.to_owned(),
            file: Some(file),
        })
    }

    /// Gives it its name, replacing a file that has it.
    pub(crate) fn commit(mut self) -> io::Result<()> {
        if let Some(file) = self.file.take() {
            file.into_inner().map_err(io::IntoInnerError::into_error)?;
        }
        fs::rename(&self.part, &self.path)
    }
}

impl Write for Whole {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.file {
            Some(file) => file.write(bytes),
            None => Ok(0),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.as_mut().map_or(Ok(()), Write::flush)
    }
}

impl Drop for Whole {
    fn drop(&mut self) {
        // Once it has its name, nothing is there.
        let _ = fs::remove_file(&self.part);
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
}
