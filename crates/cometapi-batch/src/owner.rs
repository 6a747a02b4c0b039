//! Whether files and folders belong to the user who runs this process.

use std::path::{Component, Path};

/// Checks that files may be saved in `folder`, which a ledger names: an absolute path whose
/// existing part, links resolved, belongs to this user. A ledger from elsewhere could name any
/// folder. Blocks on the file system.
///
/// # Errors
///
/// The reason, to follow the folder's name in a sentence.
pub(crate) fn check_folder(folder: &Path) -> Result<(), &'static str> {
    if !folder.is_absolute() || folder.components().any(|part| part == Component::ParentDir) {
        return Err("is not a whole path");
    }
    let existing = folder.ancestors().find_map(|part| part.canonicalize().ok());
    match existing {
        Some(existing) if is_own(&existing) => Ok(()),
        _ => Err("does not belong to you"),
    }
}

#[cfg(unix)]
fn is_own(path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    path.metadata().is_ok_and(|file| file.uid() == user())
}

#[cfg(not(unix))]
fn is_own(path: &Path) -> bool {
    // Access control lists decide, when the file is written.
    path.exists()
}

/// The user whose rights this process has.
#[cfg(unix)]
pub(crate) fn user() -> u32 {
    rustix::process::geteuid().as_raw()
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_followed_only_to_what_belongs_to_this_user() {
        let base = tempfile::tempdir().unwrap();
        let base = base.path();
        let link = base.join("link");
        std::os::unix::fs::symlink("/", &link).unwrap();
        for own in [base.to_owned(), base.join("new/deep")] {
            assert_eq!(check_folder(&own), Ok(()), "{}", own.display());
        }
        for path in ["out", "../out", "", "/tmp/../etc"] {
            assert_eq!(
                check_folder(Path::new(path)),
                Err("is not a whole path"),
                "{path}"
            );
        }
        // Root owns these, and a test may run as root.
        let expected = if user() == 0 {
            Ok(())
        } else {
            Err("does not belong to you")
        };
        for path in [Path::new("/usr/new"), &link.join("usr/new")] {
            assert_eq!(check_folder(path), expected, "{}", path.display());
        }
    }
}
