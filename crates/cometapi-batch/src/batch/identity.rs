//! What identifies a batch: a file in its folder, or a name.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use tokio::task::spawn_blocking;

use crate::error::{Error, ErrorKind};
use crate::ledger::{BatchEntry, Ledger};

/// The file in a batch's folder.
const FILE: &str = ".cometapi-batch";

/// What stands below the identity in that file.
const NOTE: &str = "# Identifies this batch in its ledger: keep this file in the folder.\n";

/// What the names of batches begin with in a ledger, and the identities of files do not.
const NAMED: &str = "name:";

/// The identity of the batch that is called `name`.
pub(crate) fn named(name: &str) -> Result<String, Error> {
    let name = name.trim();
    if name.is_empty() || name.len() > 200 || name.chars().any(char::is_control) {
        let what = format!(
            "{name:?} cannot name a batch: a name has 1 to 200 bytes and no control characters"
        );
        return Err(Error::new(ErrorKind::Folder, what));
    }
    Ok(format!("{NAMED}{name}"))
}

/// Whether an identity is a name: its files are then not moved with its folder.
pub(crate) fn is_named(batch: &str) -> bool {
    batch.starts_with(NAMED)
}

/// Returns the identity of the batch in `folder`, and gives it one if it has none. The file is locked
/// meanwhile, so that processes that begin together agree.
///
/// A folder without the file that the ledger knows keeps its identity: what was paid for there is not
/// paid for again.
pub(crate) async fn of_folder(ledger: &dyn Ledger, folder: &Path) -> Result<String, Error> {
    let path = folder.join(FILE);
    let opened = {
        let path = path.clone();
        spawn_blocking(move || open(&path)).await
    };
    let opened = opened.map_err(io::Error::other).and_then(|opened| opened);
    let (file, text) = opened.map_err(|e| cannot(&path, e))?;
    let batches = ledger.batches().await?;
    if let Some(batch) = read(&path, &text)? {
        check_is_no_copy(&batch, folder, &batches)?;
        return Ok(batch);
    }
    let batch = known(folder, &batches).unwrap_or_else(fresh);
    let text = format!("{batch}\n{NOTE}");
    let written = spawn_blocking(move || write(file, &text, &path).map_err(|e| cannot(&path, e)));
    written
        .await
        .unwrap_or_else(|e| Err(cannot(folder, io::Error::other(e))))?;
    Ok(batch)
}

/// The same without writing anything.
pub(crate) async fn look(ledger: &dyn Ledger, folder: &Path) -> Result<String, Error> {
    let path = folder.join(FILE);
    let batches = ledger.batches().await?;
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(e) if e.kind() == io::ErrorKind::NotFound => String::new(),
        Err(e) => return Err(cannot(&path, e)),
    };
    if let Some(batch) = read(&path, &text)? {
        check_is_no_copy(&batch, folder, &batches)?;
        return Ok(batch);
    }
    Ok(known(folder, &batches).unwrap_or_else(fresh))
}

fn fresh() -> String {
    format!("{:032x}", fastrand::u128(..))
}

/// The batch that last ran in `folder`.
fn known(folder: &Path, batches: &[BatchEntry]) -> Option<String> {
    let mut here = batches
        .iter()
        .rev()
        .filter(|entry| entry.folder == folder && !is_named(&entry.batch));
    here.next().map(|entry| entry.batch.clone())
}

fn open(path: &Path) -> io::Result<(File, String)> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    let mut file = options.open(path)?;
    file.lock()?;
    let mut text = String::new();
    file.read_to_string(&mut text)?;
    Ok((file, text))
}

/// A power cut must not take it back: its rows would be created again.
fn write(mut file: File, text: &str, path: &Path) -> io::Result<()> {
    // Of one that ended while it wrote, which no other process has read.
    file.set_len(0)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    sync_folder(path)
}

#[cfg(unix)]
fn sync_folder(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(folder) => File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}

#[cfg(not(unix))]
fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}

/// The identity in the file's text; `None` if it was never written to its end.
fn read(path: &Path, text: &str) -> Result<Option<String>, Error> {
    let Some((identity, _)) = text.split_once('\n') else {
        return Ok(None);
    };
    let is_one = identity.len() == 32 && identity.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_one {
        return Ok(Some(identity.to_ascii_lowercase()));
    }
    let what = format!(
        "{} does not hold the identity of a batch: restore it, or name another folder",
        path.display()
    );
    Err(Error::new(ErrorKind::Folder, what))
}

/// Fails if the folder where the batch last ran is another that still has its file.
fn check_is_no_copy(batch: &str, folder: &Path, batches: &[BatchEntry]) -> Result<(), Error> {
    let Some(other) = batches.iter().find(|entry| entry.batch == batch) else {
        return Ok(());
    };
    let other_file = other.folder.join(FILE);
    let is_copy = other.folder != folder
        && fs::read_to_string(&other_file).is_ok_and(|text| {
            read(&other_file, &text).is_ok_and(|it| it.as_deref() == Some(batch))
        })
        && !is_same_folder(&other.folder, folder);
    if !is_copy {
        return Ok(());
    }
    let what = format!(
        "{} is a copy of the batch in {}: continue there, or remove {} to begin another batch, \
         whose rows are created and paid for again",
        folder.display(),
        other.folder.display(),
        folder.join(FILE).display()
    );
    Err(Error::new(ErrorKind::Folder, what))
}

fn is_same_folder(one: &Path, other: &Path) -> bool {
    let real = |path: &Path| -> Option<PathBuf> { path.canonicalize().ok() };
    real(one).is_some() && real(one) == real(other)
}

fn cannot(path: &Path, e: io::Error) -> Error {
    let what = format!(
        "the file that identifies the batch, {}, cannot be read or written: name another folder; \
         nothing was sent",
        path.display()
    );
    Error::caused_by(ErrorKind::Folder, what, e)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::SystemTime;

    use super::*;
    use crate::SqliteLedger;
    use crate::ledger::Plan;

    async fn loaded(ledger: &SqliteLedger, batch: &str, folder: &Path) {
        let loader = ledger.loader();
        loader.load(Plan::new(batch, folder, "s")).await.unwrap();
    }

    #[tokio::test]
    async fn a_folder_keeps_its_identity_where_it_is_moved() {
        let ledger = SqliteLedger::in_memory().unwrap();
        let base = tempfile::tempdir().unwrap();
        let (one, other) = (base.path().join("one"), base.path().join("other"));
        fs::create_dir(&one).unwrap();
        let batch = of_folder(&ledger, &one).await.unwrap();
        assert_eq!(of_folder(&ledger, &one).await.unwrap(), batch);
        assert_eq!(look(&ledger, &one).await.unwrap(), batch);
        loaded(&ledger, &batch, &one).await;
        fs::rename(&one, &other).unwrap();
        assert_eq!(of_folder(&ledger, &other).await.unwrap(), batch);
        loaded(&ledger, &batch, &other).await;
        let known = ledger.batches().await.unwrap();
        assert_eq!((known.len(), known[0].folder.as_path()), (1, &*other));
        // The old place is free for another.
        fs::create_dir(&one).unwrap();
        assert_ne!(of_folder(&ledger, &one).await.unwrap(), batch);
    }

    #[tokio::test]
    async fn a_folder_that_was_emptied_is_the_same_batch() {
        let ledger = SqliteLedger::in_memory().unwrap();
        let base = tempfile::tempdir().unwrap();
        let batch = of_folder(&ledger, base.path()).await.unwrap();
        loaded(&ledger, &batch, base.path()).await;
        for text in ["", "0123"] {
            fs::write(base.path().join(FILE), text).unwrap();
            assert_eq!(look(&ledger, base.path()).await.unwrap(), batch);
            assert_eq!(of_folder(&ledger, base.path()).await.unwrap(), batch);
        }
        fs::remove_file(base.path().join(FILE)).unwrap();
        assert_eq!(look(&ledger, base.path()).await.unwrap(), batch);
        assert!(!base.path().join(FILE).exists());
        assert_eq!(of_folder(&ledger, base.path()).await.unwrap(), batch);
    }

    #[tokio::test]
    async fn a_copy_of_a_folder_is_refused() {
        let ledger = SqliteLedger::in_memory().unwrap();
        let base = tempfile::tempdir().unwrap();
        let (one, copy) = (base.path().join("one"), base.path().join("copy"));
        fs::create_dir(&one).unwrap();
        fs::create_dir(&copy).unwrap();
        let batch = of_folder(&ledger, &one).await.unwrap();
        loaded(&ledger, &batch, &one).await;
        fs::copy(one.join(FILE), copy.join(FILE)).unwrap();
        for refused in [of_folder(&ledger, &copy).await, look(&ledger, &copy).await] {
            let error = refused.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Folder);
            assert!(
                error.to_string().contains("is a copy of the batch in"),
                "{error}"
            );
        }
        fs::remove_file(copy.join(FILE)).unwrap();
        assert_ne!(of_folder(&ledger, &copy).await.unwrap(), batch);
    }

    #[tokio::test]
    async fn a_file_of_something_else_is_refused_and_left() {
        let ledger = SqliteLedger::in_memory().unwrap();
        let base = tempfile::tempdir().unwrap();
        let path = base.path().join(FILE);
        fs::write(&path, "hello\n").unwrap();
        let error = of_folder(&ledger, base.path()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Folder);
        assert_eq!(fs::read_to_string(&path).unwrap(), "hello\n");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn processes_that_begin_together_agree() {
        let base = tempfile::tempdir().unwrap();
        let ledger = Arc::new(SqliteLedger::in_memory().unwrap());
        let tasks: Vec<_> = (0..16)
            .map(|_| {
                let (ledger, folder) = (Arc::clone(&ledger), base.path().to_owned());
                tokio::spawn(async move { of_folder(&*ledger, &folder).await.unwrap() })
            })
            .collect();
        let mut identities = Vec::new();
        for task in tasks {
            identities.push(task.await.unwrap());
        }
        identities.dedup();
        assert_eq!(identities.len(), 1);
    }

    #[test]
    fn a_named_batch_is_not_one_of_a_folder() {
        let batch = named(" order 7 ").unwrap();
        assert!(is_named(&batch) && !is_named(&fresh()));
        let here = BatchEntry::new(batch, "/a".into(), "s".to_owned(), SystemTime::now());
        assert_eq!(known(Path::new("/a"), &[here]), None);
        for name in ["", " ", "a\nb", &"x".repeat(201)] {
            named(name).unwrap_err();
        }
    }
}
