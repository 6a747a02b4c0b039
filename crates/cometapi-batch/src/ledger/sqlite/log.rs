//! Noticing that `SQLite`'s write-ahead log, and the records in it, have been lost.
//!
//! A database in WAL mode looks complete without its log; what was only in the log is gone, and
//! a batch would pay for it again. Two records are kept against that:
//!
//! - The table `session` says whether the log is `in_use`. The ledger itself is made to hold
//!   this before the first write is reported as done, and holds the opposite only after
//!   everything was copied into it. A ledger that was in use and has no usable log is refused:
//!   a copy without its log, say.
//! - `commits` counts transactions. The number is repeated in a file in the folder of workers
//!   after each one that has reached the disk. A ledger with a smaller number has lost records,
//!   whatever happened to the log.
//!
//! Not noticed: a log that was damaged, or removed, together with the folder of workers, if a
//! valid beginning of it is left; and a ledger that was replaced together with its folder.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OptionalExtension};

use crate::error::{Error, ErrorKind};
use crate::ledger::sqlite::access::{self, beside};
use crate::ledger::sqlite::fault::{DAMAGED, Result, cannot_open};

/// What to do about a ledger that has lost records.
#[derive(Clone, Copy)]
pub(super) enum Loss {
    Refused,
    Accepted,
}

/// Part of every ledger; one that was created before this table existed is given it.
pub(super) const TABLE: &str = "
CREATE TABLE IF NOT EXISTS session (in_use INTEGER NOT NULL, commits INTEGER NOT NULL);
INSERT INTO session SELECT 0, 0 WHERE NOT EXISTS (SELECT 1 FROM session);
";

/// The file in the folder of workers that repeats the number of commits.
const COUNTER: &str = ".commits";

/// The header of a log and of its first frame.
const SHORTEST: u64 = 32 + 24;

/// Has the log outlive a connection that ends without [`Log::close`].
pub(super) fn keep(conn: &Connection, keep: bool) -> Result<()> {
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, keep)?;
    Ok(())
}

/// The log of an open ledger.
pub(super) struct Log {
    /// `None` for a ledger in memory, which has no log.
    ledger: Option<PathBuf>,
    counter: Option<File>,
    /// Whether the ledger itself says that the log is in use.
    is_marked: bool,
}

impl Log {
    pub(super) fn new(ledger: Option<&Path>) -> Self {
        Self {
            ledger: ledger.map(Path::to_owned),
            counter: None,
            is_marked: false,
        }
    }

    /// Notes, in a transaction that changes something, that the log is in use. Returns the
    /// number of this commit.
    pub(super) fn mark(&mut self, conn: &Connection) -> Result<i64> {
        let marked = conn
            .prepare_cached("SELECT in_use FROM session")?
            .query_row([], |row| row.get(0))
            .optional()?;
        // Another process may have closed the ledger meanwhile.
        self.is_marked &= marked == Some(true);
        let commits = conn
            .prepare_cached(
                "UPDATE session SET in_use = 1, commits = commits + 1 RETURNING commits",
            )?
            .query_row([], |row| row.get(0))?;
        Ok(commits)
    }

    /// Follows a commit that was [marked](Self::mark): `durable` if it has reached the disk.
    pub(super) fn committed(&mut self, conn: &Connection, commits: i64, durable: bool) {
        let Some(ledger) = &self.ledger else { return };
        if !self.is_marked {
            // Best effort: without it only a loss of the log goes unnoticed.
            self.is_marked = checkpoint(conn, "PASSIVE").is_ok();
        }
        // After a power cut an undurable commit may be gone, while the number is not.
        if durable {
            if self.counter.is_none() {
                self.counter = open_counter(ledger).ok();
            }
            if let Some(counter) = &mut self.counter
                && write_counter(counter, commits).is_err()
            {
                self.counter = None;
            }
        }
    }

    /// Copies the log into the ledger, as far as other processes allow.
    pub(super) fn close(&self, conn: &Connection) -> Result<()> {
        if self.ledger.is_none() {
            return Ok(());
        }
        conn.execute_batch(
            "PRAGMA synchronous = FULL;
             BEGIN IMMEDIATE; UPDATE session SET in_use = 0 WHERE in_use <> 0; COMMIT",
        )?;
        checkpoint(conn, "TRUNCATE")?;
        keep(conn, false)
    }
}

fn checkpoint(conn: &Connection, mode: &str) -> Result<()> {
    let sql = format!("PRAGMA wal_checkpoint({mode})");
    let (busy, all, copied): (bool, i64, i64) =
        conn.query_row(&sql, [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    if busy || all != copied {
        let what = "another process is using the ledger, and will complete it";
        return Err(Error::new(ErrorKind::Busy, what).into());
    }
    Ok(())
}

/// The number of commits that is repeated in the folder of workers. Read before the ledger is:
/// it then never is the greater number by chance.
pub(super) fn counted(ledger: &Path) -> Option<i64> {
    let mut text = String::new();
    File::open(counter_path(ledger))
        .and_then(|file| file.take(32).read_to_string(&mut text))
        .ok()?;
    text.trim().parse().ok()
}

fn counter_path(ledger: &Path) -> PathBuf {
    beside(ledger, access::WORKERS).join(COUNTER)
}

fn remove_counter(ledger: &Path) -> Result<()> {
    match fs::remove_file(counter_path(ledger)) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(cannot_open(e).into()),
        _ => Ok(()),
    }
}

fn open_counter(ledger: &Path) -> io::Result<File> {
    access::private_folder(&beside(ledger, access::WORKERS))?;
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    access::private(&mut options).open(counter_path(ledger))
}

fn write_counter(counter: &mut File, commits: i64) -> io::Result<()> {
    counter.seek(SeekFrom::Start(0))?;
    // One write of one length: never half a number, and nothing of a longer one.
    counter.write_all(format!("{commits:020}\n").as_bytes())
}

/// Whether records of the ledger have been lost, given the number that was [`counted`].
pub(super) fn is_lost(conn: &Connection, path: &Path, counted: Option<i64>) -> Result<bool> {
    let (in_use, commits) = session(conn)?;
    if let Some(counted) = counted {
        return Ok(counted > commits);
    }
    if !in_use || is_usable(path) {
        return Ok(false);
    }
    // Once more while no process can write or close it.
    conn.execute_batch("BEGIN IMMEDIATE")?;
    let lost = session(conn).map(|(in_use, _)| in_use && !is_usable(path));
    conn.execute_batch("ROLLBACK")?;
    lost
}

/// Accepts the loss: what the ledger holds is all there is from now on.
pub(super) fn accept(conn: &Connection, path: &Path) -> Result<()> {
    if has_session(conn)? {
        conn.execute("UPDATE session SET in_use = 0", [])?;
    }
    remove_counter(path)
}

/// Checks what an absent or empty ledger has left: a log alone may hold records, which `SQLite`
/// would delete. A number of commits alone is that of a ledger that was removed on purpose.
pub(super) fn check_rest(path: &Path, loss: Loss) -> Result<()> {
    let len = |path: &Path| path.metadata().map(|file| file.len());
    let ledger = len(path);
    let has_log = len(&beside(path, "-wal")).is_ok_and(|len| len > 0);
    if has_log && ledger.as_ref().is_ok_and(|len| *len > 0) {
        return Ok(());
    }
    if has_log && matches!(loss, Loss::Refused) {
        return Err(lost().into());
    }
    if ledger.is_err() {
        remove_counter(path)?;
    }
    Ok(())
}

/// The error of a ledger that has lost records.
pub(super) fn lost() -> Error {
    Error::new(
        ErrorKind::Incomplete,
        "records are missing: the ledger was in use when it was copied or replaced, or its \
         write-ahead log (the file that ends in \"-wal\") was lost or damaged; restore both \
         files together, or accept the loss",
    )
}

/// Whether the ledger was closed, and whether it is undamaged if it was not.
pub(super) fn check_damage(conn: &Connection) -> Result<()> {
    if !session(conn)?.0 {
        return Ok(());
    }
    let found: String = conn.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    if found == "ok" {
        return Ok(());
    }
    Err(Error::caused_by(ErrorKind::Ledger, DAMAGED, found).into())
}

/// Whether the log is in use, and the number of commits.
fn session(conn: &Connection) -> Result<(bool, i64)> {
    if !has_session(conn)? {
        return Ok((false, 0));
    }
    let row = conn
        .query_row("SELECT in_use, commits FROM session", [], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .optional();
    Ok(row?.unwrap_or_default())
}

pub(super) fn has_session(conn: &Connection) -> Result<bool> {
    let sql = "SELECT EXISTS (SELECT 1 FROM sqlite_master WHERE name = 'session')";
    Ok(conn.query_row(sql, [], |row| row.get(0))?)
}

/// Whether the log beside the ledger begins as `SQLite` writes it.
fn is_usable(ledger: &Path) -> bool {
    let mut header = [0; 32];
    let path = beside(ledger, "-wal");
    let Ok(mut log) = File::open(path) else {
        return false;
    };
    log.metadata().is_ok_and(|log| log.len() >= SHORTEST)
        && log.read_exact(&mut header).is_ok()
        && is_header(&header)
}

/// Checks the magic number and the checksum of a log's header.
fn is_header(header: &[u8; 32]) -> bool {
    let word = |at: usize, big: bool| {
        let mut bytes = [0; 4];
        bytes.copy_from_slice(&header[at..at + 4]);
        if big {
            u32::from_be_bytes(bytes)
        } else {
            u32::from_le_bytes(bytes)
        }
    };
    let magic = word(0, true);
    if magic & !1 != 0x377f_0682 {
        return false;
    }
    let big = magic & 1 == 1;
    let (mut first, mut second) = (0u32, 0u32);
    for at in [0, 8, 16] {
        first = first.wrapping_add(word(at, big)).wrapping_add(second);
        second = second.wrapping_add(word(at + 4, big)).wrapping_add(first);
    }
    (first, second) == (word(24, true), word(28, true))
}
