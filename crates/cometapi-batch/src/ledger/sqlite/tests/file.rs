//! The file itself.

use std::fs;
use std::sync::Arc;

use rusqlite::Connection;

use super::super::fault::Fault;
use super::super::writer::Touch;
use super::{loaded, planned, row};
use crate::ErrorKind;
use crate::SqliteLedger;
use crate::ledger::Ledger;

#[test]
fn what_is_not_a_ledger_is_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    for content in ["notes\n".to_owned(), "x".repeat(8192)] {
        fs::write(&path, &content).unwrap();
        let error = SqliteLedger::open(&path).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotALedger);
        assert_eq!(fs::read_to_string(&path).unwrap(), content);
    }
    let path = folder.path().join("other.sqlite3");
    Connection::open(&path)
        .unwrap()
        .execute_batch("CREATE TABLE mine (x)")
        .unwrap();
    let before = fs::read(&path).unwrap();
    let error = SqliteLedger::open(&path).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotALedger);
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[test]
fn a_ledger_of_a_later_program_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger");
    drop(SqliteLedger::open(&path).unwrap());
    let conn = Connection::open(&path).unwrap();
    conn.pragma_update(None, "user_version", 99).unwrap();
    drop(conn);
    let error = SqliteLedger::open(&path).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NewerLedger);
    assert!(error.to_string().contains("version 99"), "{error}");
}

#[test]
fn an_older_ledger_is_refused_with_advice_and_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger");
    for version in [1, 3, 5] {
        drop(SqliteLedger::open(&path).unwrap());
        let conn = Connection::open(&path).unwrap();
        conn.pragma_update(None, "user_version", version).unwrap();
        conn.pragma_update_and_check(None, "wal_checkpoint", "TRUNCATE", |_| Ok(()))
            .unwrap();
        drop(conn);
        let before = fs::read(&path).unwrap();
        let error = SqliteLedger::open(&path).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::OlderLedger);
        let said = error.to_string();
        for part in [
            path.to_str().unwrap(),
            &format!("version {version}"),
            "finish its predictions with the earlier version",
            "use another ledger file",
        ] {
            assert!(said.contains(part), "{said}");
        }
        assert_eq!(fs::read(&path).unwrap(), before);
        fs::remove_file(&path).unwrap();
    }
}

#[tokio::test]
async fn a_ledger_from_before_durations_were_recorded_is_used_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger");
    drop(SqliteLedger::open(&path).unwrap());
    let conn = Connection::open(&path).unwrap();
    conn.execute_batch("DROP TABLE duration").unwrap();
    drop(conn);
    let ledger = SqliteLedger::open(&path).unwrap();
    let durations = ledger.durations("s".to_owned()).await.unwrap();
    assert!(durations.is_empty());
}

#[test]
fn several_processes_may_create_it_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("deep/er/ledger");
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| SqliteLedger::open(&path).unwrap());
        }
    });
}

#[cfg(unix)]
#[tokio::test]
async fn nobody_else_can_read_it() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().join("home");
    let path = home.join("ledger");
    let ledger: Arc<dyn Ledger> = Arc::new(SqliteLedger::open(&path).unwrap());
    let worker = ledger
        .register("https://service.example".to_owned())
        .await
        .unwrap();
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&home), 0o700);
    let mut files = 0;
    for entry in fs::read_dir(&home).unwrap() {
        let entry = entry.unwrap().path();
        let wanted = if entry.is_dir() { 0o700 } else { 0o600 };
        assert_eq!(mode(&entry), wanted, "{}", entry.display());
        files += 1;
    }
    // The ledger, what SQLite keeps beside it, and the folder of workers.
    assert_eq!(files, 4);
    ledger.retire(worker).await.unwrap();
    let workers = fs::read_dir(home.join("ledger.workers")).unwrap();
    assert_eq!(workers.count(), 0);
}

#[cfg(unix)]
#[tokio::test]
async fn a_process_that_opens_a_link_sees_the_same_workers() {
    let folder = tempfile::tempdir().unwrap();
    let (path, link) = (
        folder.path().join("deep/ledger"),
        folder.path().join("link"),
    );
    let one = SqliteLedger::open(&path).unwrap();
    std::os::unix::fs::symlink(&path, &link).unwrap();
    let other = SqliteLedger::open(&link).unwrap();
    let worker = one.register("s".to_owned()).await.unwrap();
    let seq = planned(&one, worker, "x").await.seq;
    let sending = one.record(worker, seq, crate::Mark::Sending);
    sending.await.unwrap();
    let second = other.register("s".to_owned()).await.unwrap();
    other
        .claim(second, crate::Want::new(None, 1, 0))
        .await
        .unwrap();
    let entry = &other.list(crate::Filter::default()).await.unwrap()[0];
    assert_eq!((entry.state, entry.held), (crate::State::Sending, true));
}

#[tokio::test]
async fn rows_of_unknown_workers_are_released() {
    let ledger = SqliteLedger::in_memory().unwrap();
    let put = ledger.writer.ask(Touch::Ledger, |writer| {
        writer.conn
            .execute_batch(
                "INSERT INTO prediction (service, model, input, hash, state, planned_at, worker, id)
                 VALUES ('s', 'a/b', '{}', 'h', 'sending', 1, NULL, NULL),
                        ('s', 'a/b', '{}', 'h', 'sending', 1, 77, NULL),
                        ('s', 'a/b', '{}', 'h', 'running', 1, 77, 'p')",
            )
            .map_err(Fault::from)
    });
    put.await.unwrap();
    let worker = ledger.register("s".to_owned()).await.unwrap();
    let want = crate::Want::new(None, 9, 0);
    let claimed = ledger.claim(worker, want).await.unwrap();
    assert_eq!(claimed.jobs[0].id.as_deref(), Some("p"));
    let entries = ledger.list(crate::Filter::default()).await.unwrap();
    let lost = entries
        .iter()
        .filter(|e| e.state == crate::State::Unresolved);
    assert_eq!(lost.count(), 2);
}

#[test]
fn opening_a_missing_ledger_to_read_creates_none() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger");
    SqliteLedger::open_if_there(&path).unwrap();
    assert!(!path.exists());
}

#[test]
fn a_place_that_cannot_be_written_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    for path in [file.join("ledger"), folder.path().to_owned()] {
        let error = SqliteLedger::open(path).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Ledger);
    }
}

#[tokio::test]
async fn what_a_full_disk_refuses_is_not_reported_as_done() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger");
    let ledger = SqliteLedger::open(&path).unwrap();
    let pages = ledger.writer.ask(Touch::Nothing, |writer| {
        // No page more than there are: what a full disk comes to.
        writer
            .conn
            .pragma_update_and_check(None, "max_page_count", 1, |row| row.get::<_, i64>(0))
            .map_err(Fault::from)
    });
    pages.await.unwrap();
    let model = "a/b".parse().unwrap();
    let input = serde_json::json!({"prompt": "x".repeat(100_000)});
    let intent = crate::Intent::new(&model, input.as_object().unwrap());
    let worker = ledger
        .register("https://service.example".to_owned())
        .await
        .unwrap();
    let error = ledger.begin(worker, intent).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Full, "{error:?}");
    assert!(
        ledger
            .list(crate::Filter::default())
            .await
            .unwrap()
            .is_empty()
    );
}

/// Files that seem gone are looked for within a day: the host may have refused for a moment.
#[tokio::test]
async fn an_expired_prediction_is_followed_for_a_day_and_no_longer() {
    for (hours, followed) in [(23, true), (25, false)] {
        let ledger = SqliteLedger::in_memory().unwrap();
        let load = async || {
            let plan = crate::Plan::new("batch", "/batch", "s");
            let loader = loaded(&ledger, vec![row(1, Some("r"), "x")], plan).await;
            ledger.tally(loader.id()).await.unwrap()
        };
        load().await;
        let ended = ledger.writer.ask(Touch::Ledger, move |writer| {
            let sql = "UPDATE prediction SET state = 'ended', outcome = 'expired', id = 'p',
                created_at = (unixepoch() - ? * 3600) * 1000";
            Ok(writer.conn.execute(sql, [hours])?)
        });
        assert_eq!(ended.await.unwrap(), 1);
        let tally = load().await;
        assert_eq!(tally.running == 1, followed, "{hours} h: {tally:?}");
        assert_eq!(tally.failed() == 1, !followed, "{hours} h: {tally:?}");
    }
}
