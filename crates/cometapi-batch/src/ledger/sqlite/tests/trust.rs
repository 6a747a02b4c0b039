//! Whose files are used.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;

use super::begun;
use crate::ledger::Ledger;
use crate::{ErrorKind, SqliteLedger};

fn chmod(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn a_ledger_that_others_can_write_is_refused_and_left() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger");
    for mode in [0o666, 0o620, 0o602] {
        drop(SqliteLedger::open(&path).unwrap());
        chmod(&path, mode);
        let before = fs::read(&path).unwrap();
        let error = SqliteLedger::open(&path).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Untrusted);
        let said = error.to_string();
        let advice = format!("chmod 600 {}", path.display());
        for part in [path.to_str().unwrap(), "by other users", &advice] {
            assert!(said.contains(part), "{said}");
        }
        assert_eq!(fs::read(&path).unwrap(), before);
        chmod(&path, 0o600);
    }
    drop(SqliteLedger::open(&path).unwrap());
    let workers = folder.path().join("ledger.workers");
    fs::create_dir_all(&workers).unwrap();
    chmod(&workers, 0o777);
    let error = SqliteLedger::open(&path).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Untrusted);
    assert!(error.to_string().contains("chmod 700"), "{error}");
}

#[tokio::test]
async fn a_ledger_that_others_can_read_becomes_private_with_all_beside_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger");
    drop(SqliteLedger::open(&path).unwrap());
    chmod(&path, 0o644);
    // What a killed process left, from a time when the ledger was readable.
    let log = folder.path().join("ledger-wal");
    fs::write(&log, "").unwrap();
    chmod(&log, 0o644);
    let ledger = SqliteLedger::open(&path).unwrap();
    begun(&ledger, "x").await;
    for suffix in ["", "-wal", "-shm"] {
        let file = folder.path().join(format!("ledger{suffix}"));
        assert_eq!(mode(&file), 0o600, "{}", file.display());
    }
}

/// Opening a pipe would block for ever.
#[test]
fn what_is_not_a_regular_file_is_refused_without_opening_it() {
    let folder = tempfile::tempdir().unwrap();
    let fifo = |path: &Path| {
        let made = Command::new("mkfifo").arg(path).status().unwrap();
        assert!(made.success());
    };
    let pipe = folder.path().join("pipe");
    fifo(&pipe);
    let link = folder.path().join("link");
    symlink(&pipe, &link).unwrap();
    for path in [&pipe, &link, Path::new("/dev/null")] {
        for open in [
            SqliteLedger::open,
            SqliteLedger::open_if_there,
            SqliteLedger::accept_loss,
        ] {
            let error = open(path).unwrap_err();
            assert!(
                error.to_string().contains("a pipe, a socket or a device"),
                "{error}"
            );
        }
    }
    let path = folder.path().join("ledger");
    for suffix in ["-wal", "-shm", "-journal", ".workers"] {
        let beside = folder.path().join(format!("ledger{suffix}"));
        fifo(&beside);
        let error = SqliteLedger::open(&path).unwrap_err();
        assert!(error.to_string().contains("is a pipe"), "{suffix}: {error}");
        fs::remove_file(&beside).unwrap();
        symlink("elsewhere", &beside).unwrap();
        let error = SqliteLedger::open(&path).unwrap_err();
        assert!(error.to_string().contains("is a link"), "{suffix}: {error}");
        fs::remove_file(&beside).unwrap();
    }
    SqliteLedger::open(&path).unwrap();
}

#[test]
fn a_folder_is_named_as_one() {
    let folder = tempfile::tempdir().unwrap();
    let error = SqliteLedger::open(folder.path()).unwrap_err();
    assert!(error.to_string().contains("is a folder"), "{error}");
}

/// Others take a worker whose lock file is gone for ended.
#[tokio::test]
async fn a_removed_folder_of_workers_is_reported() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger");
    let one = SqliteLedger::open(&path).unwrap();
    let other = SqliteLedger::open(&path).unwrap();
    let (worker, _) = begun(&one, "x").await;
    let workers = folder.path().join("ledger.workers");
    fs::remove_dir_all(&workers).unwrap();
    other.list(crate::Filter::default()).await.unwrap();
    let error = one
        .claim(worker, crate::Want::new(None, 1, 0))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Lost);
    let said = error.to_string();
    for part in [
        workers.canonicalize().unwrap_or(workers).to_str().unwrap(),
        "was removed",
        "keep that folder",
        "run the same command again",
    ] {
        assert!(said.contains(part), "{said}");
    }
}
