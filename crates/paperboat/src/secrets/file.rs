//! A small TOML file that may hold secrets, read without showing any of it.

use std::fmt;
use std::fs::{File, Metadata};
use std::io;
use std::path::Path;

use crate::file;

/// The most that is read, in bytes: neither file has more than a few lines.
const MAX_SIZE: usize = 1 << 20;

/// What a file holds.
pub(super) struct Content {
    pub(super) table: toml::Table,
    /// Whether other users can read or change it.
    pub(super) is_open_to_others: bool,
}

/// Why a file cannot be used.
#[derive(Debug)]
pub(super) enum Fault {
    Unreadable(io::Error),
    /// It is not TOML from this line on, counted from 1, or is not text.
    Damaged(Option<usize>),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable(error) => write!(f, "cannot be read: {error}"),
            Self::Damaged(None) => f.write_str("is not text"),
            // The parser's own words quote the line.
            Self::Damaged(Some(line)) => write!(f, "is not valid TOML in line {line}"),
        }
    }
}

/// Reads the file; `None` if there is none.
pub(super) fn read(path: &Path) -> Result<Option<Content>, Fault> {
    // A pipe would wait for a writer.
    match path.metadata() {
        Ok(metadata) if metadata.is_file() => {}
        Ok(_) => return Err(Fault::Unreadable(io::Error::other("it is not a file"))),
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(Fault::Unreadable(e)),
    }
    let file = File::open(path).map_err(Fault::Unreadable)?;
    let metadata = file.metadata().map_err(Fault::Unreadable)?;
    let bytes = file::read(file, MAX_SIZE).map_err(Fault::Unreadable)?;
    let text = file::decode(&bytes).map_err(|_| Fault::Damaged(None))?;
    let table = text.parse().map_err(|e: toml::de::Error| {
        let start = e.span().map_or(0, |span| span.start);
        let before = text.get(..start).unwrap_or_default();
        Fault::Damaged(Some(before.matches('\n').count() + 1))
    })?;
    Ok(Some(Content {
        table,
        is_open_to_others: is_open_to_others(&metadata),
    }))
}

#[cfg(unix)]
fn is_open_to_others(metadata: &Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt;
    metadata.permissions().mode() & 0o077 != 0
}

/// Elsewhere the user's folders are private by default.
#[cfg(not(unix))]
fn is_open_to_others(_: &Metadata) -> bool {
    false
}
