//! What is left in the file when the ledger is closed, and what is said if records are missing.

use std::fs;
use std::path::{Path, PathBuf};

use rusqlite::Connection;

use super::{SERVICE, begun};
use crate::ledger::{Filter, Ledger, Mark, State};
use crate::{Error, ErrorKind, SqliteLedger};

/// The prompts in a copy of the ledger's main file alone.
async fn in_the_file_alone(path: &Path) -> Vec<(String, State)> {
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("copy");
    fs::copy(path, &copy).unwrap();
    let entries = SqliteLedger::open(&copy)
        .unwrap()
        .list(Filter::default())
        .await
        .unwrap();
    entries
        .into_iter()
        .map(|entry| (entry.input, entry.state))
        .collect()
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    super::super::access::beside(path, suffix)
}

#[tokio::test]
async fn dropping_the_last_handle_leaves_everything_in_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger");
    let ledger = SqliteLedger::open(&path).unwrap();
    let clone = ledger.clone();
    let (worker, job) = begun(&ledger, "fox").await;
    drop(ledger);
    // Not awaited: it was asked for, so it is done. Without it the prediction would be unresolved.
    drop(clone.record(worker, job.seq, Mark::NotSent));
    drop(clone);
    assert!(!beside(&path, "-wal").exists());
    let held = in_the_file_alone(&path).await;
    assert_eq!(held, [(r#"{"prompt":"fox"}"#.to_owned(), State::Ended)]);
}

#[tokio::test]
async fn closing_refuses_what_comes_later_and_retires_workers() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger");
    let ledger = SqliteLedger::open(&path).unwrap();
    let clone = ledger.clone();
    let (worker, job) = begun(&ledger, "fox").await;
    ledger.close().unwrap();
    clone.close().unwrap();
    let late = clone.record(worker, job.seq, Mark::NotSent).await;
    assert_eq!(late.unwrap_err().to_string(), "the ledger is closed");
    let held = in_the_file_alone(&path).await;
    assert_eq!(
        held,
        [(r#"{"prompt":"fox"}"#.to_owned(), State::Unresolved)]
    );
    let workers = fs::read_dir(beside(&path, ".workers")).unwrap();
    let locks = workers.filter(|entry| {
        let name = entry.as_ref().unwrap().file_name();
        !name.to_string_lossy().starts_with('.')
    });
    assert_eq!(locks.count(), 0);
}

/// Whichever of two is closed last completes the file.
#[tokio::test]
async fn the_last_of_several_processes_leaves_everything_in_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger");
    let open = || SqliteLedger::open(&path).unwrap();
    let (first, second) = (open(), open());
    let (worker, _) = begun(&first, "a").await;
    first.retire(worker).await.unwrap();
    first.close().unwrap();
    let (worker, _) = begun(&second, "b").await;
    second.retire(worker).await.unwrap();
    second.close().unwrap();
    assert_eq!(in_the_file_alone(&path).await.len(), 2);
}

/// One that another process keeps from closing completely says so, and loses nothing.
#[tokio::test]
async fn the_log_is_left_to_another_process_that_uses_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger");
    let ledger = SqliteLedger::open(&path).unwrap();
    let (worker, _) = begun(&ledger, "a").await;
    ledger.retire(worker).await.unwrap();
    let other = Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    assert_eq!(ledger.close().unwrap_err().kind(), ErrorKind::Busy);
    other.execute_batch("ROLLBACK").unwrap();
    drop(other);
    let again = SqliteLedger::open(&path).unwrap();
    assert_eq!(again.list(Filter::default()).await.unwrap().len(), 1);
    again.close().unwrap();
    assert_eq!(in_the_file_alone(&path).await.len(), 1);
}

/// A handle that is dropped inside a reply must not wait for its own thread.
#[tokio::test(flavor = "multi_thread")]
async fn a_handle_that_a_task_owns_can_be_dropped_anywhere() {
    for _ in 0..20 {
        let ledger = SqliteLedger::in_memory().unwrap();
        let asked = ledger.register(SERVICE.to_owned());
        let task = tokio::spawn(async move {
            let worker = asked.await;
            drop(ledger);
            worker
        });
        task.await.unwrap().unwrap();
    }
}

/// What a killed process leaves: its files as they are while it runs.
struct Killed {
    folder: tempfile::TempDir,
}

impl Killed {
    async fn new() -> Self {
        let running = tempfile::tempdir().unwrap();
        let path = running.path().join("ledger");
        let ledger = SqliteLedger::open(&path).unwrap();
        for prompt in ["a", "b", "c"] {
            let (worker, _) = begun(&ledger, prompt).await;
            ledger.retire(worker).await.unwrap();
        }
        let folder = tempfile::tempdir().unwrap();
        for suffix in ["", "-wal", ".workers/.commits"] {
            let to = beside(&folder.path().join("ledger"), suffix);
            fs::create_dir_all(to.parent().unwrap()).unwrap();
            fs::copy(beside(&path, suffix), to).unwrap();
        }
        Self { folder }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("ledger")
    }

    fn log(&self) -> PathBuf {
        beside(&self.path(), "-wal")
    }

    fn forget_workers(&self) {
        fs::remove_dir_all(beside(&self.path(), ".workers")).unwrap();
    }

    fn change_log(&self, change: impl FnOnce(&mut Vec<u8>)) {
        let mut log = fs::read(self.log()).unwrap();
        change(&mut log);
        fs::write(self.log(), log).unwrap();
    }

    fn open(&self) -> Result<SqliteLedger, Error> {
        SqliteLedger::open(self.path())
    }
}

#[tokio::test]
async fn a_killed_process_loses_nothing() {
    for workers in [true, false] {
        let killed = Killed::new().await;
        if !workers {
            killed.forget_workers();
        }
        let ledger = killed.open().unwrap();
        assert_eq!(ledger.list(Filter::default()).await.unwrap().len(), 3);
    }
}

#[tokio::test]
async fn a_lost_or_damaged_log_is_reported_until_the_loss_is_accepted() {
    type Damage = fn(&Killed);
    let damages: [(&str, Damage); 8] = [
        ("removed", |killed| fs::remove_file(killed.log()).unwrap()),
        ("removed with the workers", |killed| {
            fs::remove_file(killed.log()).unwrap();
            killed.forget_workers();
        }),
        ("empty", |killed| killed.change_log(Vec::clear)),
        ("empty without the workers", |killed| {
            killed.change_log(Vec::clear);
            killed.forget_workers();
        }),
        ("zeros", |killed| killed.change_log(|log| log.fill(0))),
        ("another header", |killed| {
            killed.change_log(|log| log[17] ^= 1);
            killed.forget_workers();
        }),
        ("a short header", |killed| {
            killed.change_log(|log| log.truncate(31));
            killed.forget_workers();
        }),
        // The number of commits says so even where the log looks whole.
        ("a changed page", |killed| {
            killed.change_log(|log| {
                let middle = log.len() / 2;
                log[middle] ^= 0xff;
            });
        }),
    ];
    for (name, damage) in damages {
        let killed = Killed::new().await;
        damage(&killed);
        let (before, log) = (fs::read(killed.path()).unwrap(), fs::read(killed.log()));
        for _ in 0..2 {
            let error = killed.open().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Incomplete, "{name}: {error}");
            assert!(error.to_string().contains("records are missing"), "{error}");
        }
        assert_eq!(fs::read(killed.path()).unwrap(), before, "{name}");
        if let Ok(log) = log {
            assert_eq!(fs::read(killed.log()).unwrap(), log, "{name}");
        }
        let accepted = SqliteLedger::accept_loss(killed.path()).unwrap();
        let held = accepted.list(Filter::default()).await.unwrap().len();
        assert!(held < 3, "{name}: {held}");
        drop(accepted);
        let again = killed.open().unwrap();
        begun(&again, "d").await;
        let listed = again.list(Filter::default()).await.unwrap();
        assert_eq!(listed.len(), held + 1, "{name}");
    }
}

/// A ledger that was put back to an earlier state would have its rows paid for again.
#[tokio::test]
async fn an_earlier_copy_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger");
    let run = async || {
        let ledger = SqliteLedger::open(&path).unwrap();
        let (worker, _) = begun(&ledger, "a").await;
        ledger.retire(worker).await.unwrap();
    };
    run().await;
    let earlier = fs::read(&path).unwrap();
    run().await;
    fs::write(&path, earlier).unwrap();
    let error = SqliteLedger::open(&path).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Incomplete);
}

/// A log without its ledger may hold records, and `SQLite` would delete it.
#[tokio::test]
async fn a_log_without_its_ledger_is_kept() {
    for removes in [true, false] {
        let killed = Killed::new().await;
        if removes {
            fs::remove_file(killed.path()).unwrap();
        } else {
            fs::write(killed.path(), "").unwrap();
        }
        let log = fs::read(killed.log()).unwrap();
        assert_eq!(killed.open().unwrap_err().kind(), ErrorKind::Incomplete);
        assert_eq!(fs::read(killed.log()).unwrap(), log);
        SqliteLedger::accept_loss(killed.path()).unwrap();
        killed.open().unwrap();
    }
}

#[tokio::test]
async fn a_removed_ledger_is_created_anew() {
    let killed = Killed::new().await;
    fs::remove_file(killed.log()).unwrap();
    fs::remove_file(killed.path()).unwrap();
    drop(killed.open().unwrap());
    killed.open().unwrap();
}

/// Another program that completes the file is not a reason to refuse it.
#[tokio::test]
async fn a_log_that_another_program_has_copied_into_the_file_is_not_missed() {
    let killed = Killed::new().await;
    let other = Connection::open(killed.path()).unwrap();
    let count = other.query_row("SELECT count(*) FROM prediction", [], |row| row.get(0));
    assert_eq!(count, Ok(3));
    drop(other);
    assert!(!killed.log().exists());
    killed.open().unwrap();
}

#[tokio::test]
async fn a_damaged_file_is_reported() {
    let killed = Killed::new().await;
    let other = Connection::open(killed.path()).unwrap();
    other
        .execute_batch("PRAGMA wal_checkpoint(TRUNCATE)")
        .unwrap();
    let mut file = fs::read(killed.path()).unwrap();
    let len = file.len();
    drop(other);
    // Whatever page is last: it is no page of a tree any more.
    file[len - 4096..].fill(0xa5);
    fs::write(killed.path(), file).unwrap();
    let error = killed.open().unwrap_err();
    assert!(error.to_string().contains("is damaged"), "{error}");
}
