//! Whether the ledger's path still names the file that was opened.
//!
//! Without this check a worker continues writing to a file that no process can open any more, while
//! another process begins a new ledger at the same path and pays for the same rows again.

use std::fs::{self, Metadata};
use std::path::{Path, PathBuf};

use crate::error::{Error, ErrorKind};

/// The path of a ledger, and the file that it named when the ledger was opened.
#[derive(Debug)]
pub(super) struct Place {
    path: PathBuf,
    id: Option<FileId>,
}

impl Place {
    pub(super) fn new(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            id: fs::metadata(path).ok().and_then(|is| file_id(&is)),
        }
    }

    /// Fails with [`ErrorKind::Replaced`] unless the path names the same file as before. Does not
    /// open it: closing it again would release `SQLite`'s locks.
    pub(super) fn check(&self) -> Result<(), Error> {
        let path = self.path.display();
        match fs::metadata(&self.path) {
            Ok(is) if self.id == file_id(&is) => Ok(()),
            Ok(_) => Err(Error::new(
                ErrorKind::Replaced,
                format!(
                    "the ledger {path} was replaced by another file while it was in use, so \
                     nothing more is sent: put the first one back"
                ),
            )),
            Err(e) => Err(Error::caused_by(
                ErrorKind::Replaced,
                format!(
                    "the ledger {path} was deleted or moved while it was in use, so nothing more \
                     is sent: put it back"
                ),
                e,
            )),
        }
    }
}

/// The device and the number of a file on it.
type FileId = (u64, u64);

#[cfg(unix)]
#[expect(
    clippy::unnecessary_wraps,
    reason = "other systems have no such number in stable Rust"
)]
fn file_id(is: &Metadata) -> Option<FileId> {
    use std::os::unix::fs::MetadataExt;
    Some((is.dev(), is.ino()))
}

/// Only a file that is missing is noticed; Windows does not let an open one be replaced.
#[cfg(not(unix))]
fn file_id(_: &Metadata) -> Option<FileId> {
    None
}
