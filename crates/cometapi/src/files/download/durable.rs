//! Steps after which a file survives a power cut: its content is written to the disk before it
//! gets its name, and its name afterwards.

use std::io;
use std::path::{Path, PathBuf};

use tokio::fs::File;
use tokio::io::AsyncWriteExt;

/// Writes the content of `file` to the disk.
pub(super) async fn sync_file(file: &mut File) -> io::Result<()> {
    file.flush().await?;
    file.sync_all().await?;
    #[cfg(test)]
    tests::record(tests::Step::File);
    Ok(())
}

/// Writes the names in `folders` to the disk, in this order.
pub(super) async fn sync_folders(folders: Vec<PathBuf>) -> io::Result<()> {
    let all = move || -> io::Result<Vec<PathBuf>> {
        let mut synced = Vec::new();
        for folder in folders {
            if sync_folder(&folder)? {
                synced.push(folder);
            }
        }
        Ok(synced)
    };
    let synced = tokio::task::spawn_blocking(all).await??;
    #[cfg(test)]
    for folder in synced {
        tests::record(tests::Step::Folder(folder));
    }
    #[cfg(not(test))]
    drop(synced);
    Ok(())
}

/// Returns whether the system can do this with `folder`.
#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<bool> {
    use std::io::ErrorKind::{InvalidInput, PermissionDenied, Unsupported};

    let folder = match std::fs::File::open(folder) {
        // A folder that may be written to and not read.
        Err(e) if e.kind() == PermissionDenied => return Ok(false),
        folder => folder?,
    };
    match folder.sync_all() {
        Err(e) if matches!(e.kind(), InvalidInput | Unsupported) => Ok(false),
        synced => synced.map(|()| true),
    }
}

/// A folder cannot be opened like a file here.
#[cfg(not(unix))]
fn sync_folder(_: &Path) -> io::Result<bool> {
    Ok(false)
}

/// Creates `folder`, and returns every folder that gets a new name in it when a file is created
/// in `folder`: `folder` itself, and those above it that a new folder was created in.
pub(super) async fn create_folder(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let folder = or_current(folder);
    let mut changed = vec![folder.to_owned()];
    for above in folder.ancestors() {
        if tokio::fs::try_exists(above).await? {
            break;
        }
        changed.extend(above.parent().map(or_current).map(Path::to_owned));
    }
    tokio::fs::create_dir_all(folder).await?;
    Ok(changed)
}

/// The folder of a path that names only a file is the current one.
pub(super) fn or_current(folder: &Path) -> &Path {
    if folder.as_os_str().is_empty() {
        Path::new(".")
    } else {
        folder
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::cell::RefCell;

    use super::*;

    /// What was done, in its order, by the futures that this thread polled.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub(in crate::files::download) enum Step {
        File,
        Named,
        Folder(PathBuf),
    }

    thread_local! {
        static STEPS: RefCell<Vec<Step>> = const { RefCell::new(Vec::new()) };
    }

    pub(in crate::files::download) fn record(step: Step) {
        STEPS.with_borrow_mut(|steps| steps.push(step));
    }

    pub(in crate::files::download) fn take_steps() -> Vec<Step> {
        STEPS.take()
    }

    /// A device cannot be synced: the system refuses it, if it is asked.
    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn the_system_is_asked_to_sync() {
        let mut device = File::open("/dev/null").await.unwrap();
        assert!(sync_file(&mut device).await.is_err());
        assert!(!sync_folder(Path::new("/dev/null")).unwrap());
        sync_folders(vec!["/dev/null".into()]).await.unwrap();
        assert_eq!(take_steps(), []);
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn a_folder_is_synced_and_one_that_is_missing_is_an_error() {
        let folder = std::env::temp_dir();
        sync_folders(vec![folder.clone()]).await.unwrap();
        assert_eq!(take_steps(), [Step::Folder(folder.clone())]);
        let none = folder.join(format!("cometapi-{:016x}", fastrand::u64(..)));
        let error = sync_folders(vec![none]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
    }

    #[tokio::test]
    async fn a_new_folder_changes_the_one_above_it() {
        let root = std::env::temp_dir().join(format!("cometapi-{:016x}", fastrand::u64(..)));
        std::fs::create_dir_all(&root).unwrap();
        let deep = root.join("a/b");
        let changed = create_folder(&deep).await.unwrap();
        assert_eq!(changed, [deep.clone(), root.join("a"), root.clone()]);
        assert_eq!(create_folder(&deep).await.unwrap(), [deep]);
        assert_eq!(
            create_folder(Path::new("")).await.unwrap(),
            [Path::new(".")]
        );
        std::fs::remove_dir_all(&root).unwrap();
    }
}
