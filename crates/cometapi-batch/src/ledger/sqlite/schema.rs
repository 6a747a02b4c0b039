//! The tables.

use std::cmp::Ordering;

use rusqlite::{Connection, TransactionBehavior};

use crate::error::{Error, ErrorKind};
use crate::ledger::sqlite::fault::{Result, not_a_ledger};
use crate::ledger::sqlite::{durations, log, pause};

/// Marks a file as a ledger of this program: `CoMt`.
const APPLICATION_ID: i32 = 0x436f_4d74;

/// The version of the tables, and of the hash by which rows are distinguished. Raised with every
/// change to either; a ledger of another version is refused.
pub(super) const VERSION: i64 = 6;

const TABLES: &str = "
CREATE TABLE worker (
    -- Never given out twice: a claim must not come back to life.
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    -- The file in the folder of workers that is locked while it lives.
    name TEXT NOT NULL UNIQUE,
    -- The base URL that it works at; an id means nothing at another.
    service TEXT NOT NULL,
    since INTEGER NOT NULL
);
CREATE TABLE batch (
    id INTEGER PRIMARY KEY,
    -- Its identity: of the file in its folder, or a name.
    name TEXT NOT NULL UNIQUE,
    -- Where it last ran.
    folder TEXT NOT NULL,
    -- The template of its files' names, as it last ran.
    names TEXT,
    service TEXT NOT NULL,
    since INTEGER NOT NULL,
    -- The sum of what its predictions cost, and how many of them have an unknown cost. Triggers keep
    -- both: a claim must not add up a hundred thousand rows.
    spent INTEGER NOT NULL DEFAULT 0,
    unpriced INTEGER NOT NULL DEFAULT 0
);
-- Times are milliseconds since 1970, money is billionths of a US dollar.
CREATE TABLE prediction (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    service TEXT NOT NULL,
    batch INTEGER,
    -- What names a single prediction for its caller.
    once TEXT,
    -- The row within its batch: its own id, or the hash; null for a single prediction.
    key TEXT,
    occurrence INTEGER NOT NULL DEFAULT 1,
    row_id TEXT,
    superseded INTEGER NOT NULL DEFAULT 0,
    retake INTEGER NOT NULL DEFAULT 0,
    model TEXT NOT NULL,
    input TEXT NOT NULL,
    hash TEXT NOT NULL,
    -- What its row holds besides model and input, as a JSON object.
    labels TEXT,
    -- Of a single prediction: where its files are to be saved, and the template of their names.
    folder TEXT,
    names TEXT,
    state TEXT NOT NULL
        CHECK (state IN ('planned', 'sending', 'running', 'ended', 'unresolved')),
    worker INTEGER,
    id TEXT,
    request_id TEXT,
    fetching INTEGER NOT NULL DEFAULT 0,
    outcome TEXT,
    message TEXT,
    request_ids TEXT,
    planned_at INTEGER NOT NULL,
    sending_at INTEGER,
    created_at INTEGER,
    ended_at INTEGER,
    -- Whether an end was polled again, so that what has expired is not polled for ever.
    looked INTEGER NOT NULL DEFAULT 0,
    -- The prediction as it ended, as JSON.
    result TEXT,
    -- What it is expected to cost once it is sent, and what the service says that it cost.
    price INTEGER,
    charge INTEGER,
    -- Whether it ended in a way that is not charged for.
    free INTEGER NOT NULL DEFAULT 0,
    -- What it costs or may cost as it stands; null if that is unknown. What a worker has claimed counts
    -- as if it were sent, so that two workers do not spend the same money.
    cost INTEGER GENERATED ALWAYS AS (CASE
        WHEN charge IS NOT NULL THEN charge
        WHEN state = 'planned' AND worker IS NULL THEN 0
        WHEN state = 'planned' THEN coalesce(price, 0)
        WHEN state = 'ended' AND (free = 1 OR id IS NULL AND sending_at IS NULL) THEN 0
        ELSE price
    END) VIRTUAL
);
CREATE TRIGGER batch_spent AFTER UPDATE OF charge, state, worker, price, free, id, sending_at
ON prediction WHEN NEW.batch IS NOT NULL AND NEW.cost IS NOT OLD.cost
BEGIN
    UPDATE batch SET spent = spent + coalesce(NEW.cost, 0) - coalesce(OLD.cost, 0),
        unpriced = unpriced + (NEW.cost IS NULL) - (OLD.cost IS NULL)
    WHERE id = NEW.batch;
END;
CREATE UNIQUE INDEX prediction_once ON prediction (once) WHERE superseded = 0 AND once IS NOT NULL;
-- To list all of a key.
CREATE INDEX prediction_of_key ON prediction (once) WHERE once IS NOT NULL;
CREATE UNIQUE INDEX prediction_row ON prediction (batch, key, occurrence)
    WHERE superseded = 0 AND key IS NOT NULL;
CREATE INDEX prediction_superseded ON prediction (batch, key, occurrence)
    WHERE superseded = 1 AND key IS NOT NULL;
CREATE INDEX prediction_free ON prediction (state, batch, seq)
    WHERE worker IS NULL AND superseded = 0 AND state IN ('planned', 'running');
CREATE INDEX prediction_held ON prediction (worker) WHERE worker IS NOT NULL;
CREATE INDEX prediction_id ON prediction (id) WHERE id IS NOT NULL;
CREATE TABLE seen (
    seq INTEGER NOT NULL,
    at INTEGER NOT NULL,
    status TEXT NOT NULL
);
CREATE INDEX seen_seq ON seen (seq);
CREATE TABLE file (
    seq INTEGER NOT NULL,
    position INTEGER NOT NULL,
    -- Relative to the folder of the prediction's batch, or absolute.
    path TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    media_type TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (seq, position)
) WITHOUT ROWID;
CREATE INDEX file_path ON file (path);
-- The names that files of a batch have or are about to have.
CREATE TABLE name (
    batch INTEGER NOT NULL,
    -- What it has in common with names that a file system may take for it.
    folded TEXT NOT NULL,
    seq INTEGER NOT NULL,
    position INTEGER NOT NULL,
    name TEXT NOT NULL,
    PRIMARY KEY (batch, folded)
) WITHOUT ROWID;
CREATE UNIQUE INDEX name_of_file ON name (seq, position);
-- Rows that no worker is sending any more; there should be none.
CREATE INDEX prediction_lost ON prediction (seq) WHERE worker IS NULL AND state = 'sending';
";

/// What each connection keeps to itself: the rows of a file being read. They touch the ledger
/// only when all of them are good.
const STAGING: &str = "
CREATE TEMP TABLE staged (
    load INTEGER NOT NULL,
    line INTEGER NOT NULL,
    key TEXT NOT NULL,
    occurrence INTEGER NOT NULL DEFAULT 1,
    row_id TEXT,
    -- What its id has in common with ids whose files may be its own.
    folded TEXT,
    hash TEXT NOT NULL,
    model TEXT NOT NULL,
    input TEXT NOT NULL,
    labels TEXT,
    files INTEGER NOT NULL,
    seq INTEGER
);
-- Rows without an id have hashes for keys, which come in no order: an index on them would read and
-- write a page for each row. They are numbered by one sort instead, when all have been read.
CREATE INDEX temp.staged_id ON staged (load, folded) WHERE folded IS NOT NULL;
CREATE INDEX temp.staged_seq ON staged (load, seq) WHERE seq IS NOT NULL;
-- What a worker has released and must not claim again.
CREATE TEMP TABLE released (
    worker INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    PRIMARY KEY (worker, seq)
) WITHOUT ROWID;
";

/// Looks at what the file is, before anything is changed in it.
pub(super) fn check(conn: &Connection) -> Result<()> {
    // All of it at one moment: another process may be making the ledger just now.
    let tx = conn.unchecked_transaction()?;
    examine(&tx)?;
    Ok(tx.commit()?)
}

fn examine(conn: &Connection) -> Result<()> {
    let application: i32 = pragma(conn, "application_id")?;
    let version: i64 = pragma(conn, "user_version")?;
    if application == APPLICATION_ID {
        return match version.cmp(&VERSION) {
            Ordering::Equal => Ok(()),
            Ordering::Less => Err(Error::new(
                ErrorKind::OlderLedger,
                format!(
                    "the ledger has version {version}, and this program needs version \
                     {VERSION}: finish its predictions with the earlier version of this program \
                     that made it, or use another ledger file"
                ),
            )
            .into()),
            Ordering::Greater => Err(Error::new(
                ErrorKind::NewerLedger,
                format!(
                    "the ledger has version {version} and this program knows version {VERSION}: \
                     use the program that made it, or name another ledger"
                ),
            )
            .into()),
        };
    }
    let tables: i64 = conn.query_row("SELECT count(*) FROM sqlite_master", [], |row| row.get(0))?;
    if application == 0 && version == 0 && tables == 0 {
        return Ok(());
    }
    Err(not_a_ledger().into())
}

/// Makes the tables if there are none; several processes may do so at once.
pub(super) fn create(conn: &mut Connection) -> Result<()> {
    if pragma::<i32>(conn, "application_id")? != APPLICATION_ID
        || !log::has_session(conn)?
        || !has_table(conn, "duration")?
        || !has_table(conn, "pause")?
    {
        let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
        // Examined again: another process may have been first.
        examine(&tx)?;
        if pragma::<i32>(&tx, "application_id")? != APPLICATION_ID {
            tx.execute_batch(TABLES)?;
            tx.pragma_update(None, "application_id", APPLICATION_ID)?;
            tx.pragma_update(None, "user_version", VERSION)?;
        }
        tx.execute_batch(log::TABLE)?;
        tx.execute_batch(durations::TABLE)?;
        tx.execute_batch(pause::TABLE)?;
        tx.commit()?;
    }
    Ok(conn.execute_batch(STAGING)?)
}

fn has_table(conn: &Connection, name: &str) -> rusqlite::Result<bool> {
    let sql = "SELECT EXISTS (SELECT 1 FROM sqlite_master WHERE name = ?)";
    conn.query_row(sql, [name], |row| row.get(0))
}

fn pragma<T: rusqlite::types::FromSql>(conn: &Connection, name: &str) -> rusqlite::Result<T> {
    conn.pragma_query_value(None, name, |row| row.get(0))
}
