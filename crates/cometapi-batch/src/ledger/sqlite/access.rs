//! Who else can read, write or replace the ledger's files; checked before any is opened.

use std::fs::{self, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use crate::error::{Error, ErrorKind};
use crate::ledger::sqlite::fault::cannot_open;

/// What follows the ledger's name in that of the folder of workers.
pub(super) const WORKERS: &str = ".workers";

/// What `SQLite` keeps beside a database.
const BESIDE: [&str; 3] = ["-wal", "-shm", "-journal"];

/// `path` with `suffix` appended to its last name.
pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// Checks that `path` is a regular file of this user, or does not exist. Opens nothing: opening
/// a pipe would block.
pub(super) fn check_file(path: &Path) -> Result<(), Error> {
    match path.metadata() {
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(e) => Err(cannot_open(e)),
        Ok(found) => check(path, &found, "the ledger", true),
    }
}

/// Checks what lies beside the ledger: `SQLite`'s files and the folder of workers.
pub(super) fn check_beside(path: &Path) -> Result<(), Error> {
    for suffix in BESIDE {
        check_own(&beside(path, suffix), true)?;
    }
    check_own(&beside(path, WORKERS), false)
}

/// As [`check_file`]; nothing here is ever a link.
fn check_own(path: &Path, is_file: bool) -> Result<(), Error> {
    match path.symlink_metadata() {
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(e) => Err(cannot_open(e)),
        Ok(found) => check(path, &found, &path.display().to_string(), is_file),
    }
}

fn check(path: &Path, found: &fs::Metadata, name: &str, is_file: bool) -> Result<(), Error> {
    let fits = if is_file {
        found.is_file()
    } else {
        found.is_dir()
    };
    if !fits {
        let kind = if found.is_dir() {
            "a folder"
        } else if found.is_symlink() {
            "a link"
        } else if found.is_file() {
            "a file"
        } else {
            "a pipe, a socket or a device"
        };
        let expected = if is_file { "a file" } else { "a folder" };
        let what =
            format!("{name} must be {expected}, and is {kind}: remove it, or use another ledger");
        return Err(Error::new(ErrorKind::Ledger, what));
    }
    #[cfg(unix)]
    unix::check(path, found, name, is_file)?;
    #[cfg(not(unix))]
    let _ = path;
    Ok(())
}

/// Creates a folder, with those above it, for its owner alone; leaves one that exists.
pub(super) fn private_folder(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt;
        builder.mode(0o700);
    }
    builder.create(folder)
}

/// Files that are created by these options are their owner's alone.
pub(super) fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    options
}

#[cfg(unix)]
mod unix {
    use std::fs::{self, Metadata, Permissions};
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    use std::path::Path;

    use crate::error::{Error, ErrorKind};
    use crate::ledger::sqlite::fault::cannot_open;

    /// What the owner and the mode of a file mean.
    #[derive(Debug, PartialEq, Eq)]
    pub(super) enum Access {
        /// No other user has access.
        Private,
        /// Others can read it.
        Readable,
        /// Others can write it, so it may hold anything.
        Writable,
        /// It belongs to another user.
        Foreign,
    }

    pub(super) fn access(owner: u32, user: u32, mode: u32) -> Access {
        if owner != user {
            Access::Foreign
        } else if mode & 0o022 != 0 {
            Access::Writable
        } else if mode & 0o077 != 0 {
            Access::Readable
        } else {
            Access::Private
        }
    }

    pub(super) fn check(
        path: &Path,
        found: &Metadata,
        name: &str,
        is_file: bool,
    ) -> Result<(), Error> {
        let mode = if is_file { "600" } else { "700" };
        let what = match access(found.uid(), crate::owner::user(), found.mode()) {
            Access::Private => return Ok(()),
            Access::Readable => {
                // `SQLite` gives the files that it creates the mode of the ledger.
                let private = Permissions::from_mode(found.mode() & 0o700);
                return fs::set_permissions(path, private).map_err(cannot_open);
            }
            Access::Writable => format!(
                "{name} can be written by other users, who may have changed it: check it with \
                 \"ls -l\", then run \"chmod {mode} {}\", or use another ledger",
                path.display()
            ),
            Access::Foreign => {
                format!("{name} belongs to another user: use a ledger of your own")
            }
        };
        Err(Error::new(ErrorKind::Untrusted, what))
    }

    #[test]
    fn only_a_file_of_this_user_that_no_other_can_write_is_used() {
        for (owner, user, mode, expected) in [
            (7, 7, 0o600, Access::Private),
            (7, 7, 0o700, Access::Private),
            (7, 7, 0o400, Access::Private),
            (7, 7, 0o644, Access::Readable),
            (7, 7, 0o640, Access::Readable),
            (7, 7, 0o601, Access::Readable),
            (7, 7, 0o620, Access::Writable),
            (7, 7, 0o602, Access::Writable),
            (7, 7, 0o666, Access::Writable),
            (0, 7, 0o600, Access::Foreign),
            (7, 0, 0o600, Access::Foreign),
            (8, 7, 0o666, Access::Foreign),
        ] {
            assert_eq!(
                access(owner, user, mode),
                expected,
                "{owner} {user} {mode:o}"
            );
        }
    }
}
