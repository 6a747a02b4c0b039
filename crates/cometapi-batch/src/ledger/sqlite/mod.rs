//! The ledger in a file of `SQLite`'s.

mod access;
mod begin;
mod changed;
mod claim;
mod columns;
mod costs;
#[cfg(any(fuzzing, test))]
pub(crate) mod damaged;
mod durations;
mod fault;
mod list;
mod load;
mod loader;
mod locks;
mod log;
mod mark;
mod names;
mod pause;
mod place;
mod prune;
mod schema;
mod stage;
#[cfg(test)]
mod tests;
mod worker;
mod writer;

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant, SystemTime};

use cometapi::Durations;
use cometapi_account::Usd;
use rusqlite::Connection;
use rusqlite::config::DbConfig;

use crate::error::{Error, ErrorKind};
use crate::ledger::sqlite::access::{private, private_folder};
use crate::ledger::sqlite::fault::{Result as FaultResult, cannot_open};
use crate::ledger::sqlite::loader::SqliteLoader;
use crate::ledger::sqlite::locks::Locks;
use crate::ledger::sqlite::log::{Log, Loss};
use crate::ledger::sqlite::writer::{PATIENCE, Touch, WriterHandle, be_patient};
use crate::ledger::{
    BatchEntry, Begun, Claimed, Cost, Entry, Filter, Intent, Job, Ledger, LedgerFuture, LoadId,
    Loader, Mark, Outcome, Tally, Want, WorkerId,
};

/// A ledger in a file, safe for several processes at once.
///
/// One thread of its own writes; what waits at the same time is committed together. The file
/// can be read by its owner alone, and never holds a credential. Beside it, in
/// `NAME.workers`, each worker that lives holds the lock of a file; it must therefore lie on
/// a file system whose locks work between all processes that share it, which network file
/// systems promise and do not always keep.
///
/// Cheap to clone: the clones share the thread.
///
/// ```no_run
/// use cometapi_batch::SqliteLedger;
///
/// let ledger = SqliteLedger::open(SqliteLedger::default_path()?)?;
/// # Ok::<(), cometapi_batch::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct SqliteLedger {
    writer: WriterHandle,
}

impl SqliteLedger {
    /// The version of the ledgers that are created. A ledger of another version is refused, so every
    /// open ledger has this one.
    pub const VERSION: i64 = schema::VERSION;

    /// Where the ledger is by default: `paperboat/ledger.sqlite3` in the user's data folder
    /// (`$XDG_DATA_HOME` or `~/.local/share` on Linux).
    pub fn default_path() -> Result<PathBuf, Error> {
        use etcetera::BaseStrategy;
        let base = etcetera::choose_base_strategy().map_err(|e| {
            Error::caused_by(
                ErrorKind::Ledger,
                "there is no home folder to keep a ledger in: name a ledger",
                e,
            )
        })?;
        Ok(base.data_dir().join("paperboat").join("ledger.sqlite3"))
    }

    /// Opens the ledger at `path`, or makes it, with its folder. Blocks on the file system.
    ///
    /// # Errors
    ///
    /// [`NotALedger`](ErrorKind::NotALedger), [`OlderLedger`](ErrorKind::OlderLedger),
    /// [`NewerLedger`](ErrorKind::NewerLedger), [`Untrusted`](ErrorKind::Untrusted) and
    /// [`Incomplete`](ErrorKind::Incomplete) leave the file as it is;
    /// [`Ledger`](ErrorKind::Ledger) when it cannot be opened or written.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        Self::named(path.as_ref(), Loss::Refused)
    }

    /// Opens a ledger that [`open`](Self::open) refuses as
    /// [`Incomplete`](ErrorKind::Incomplete). What it still holds is all there is from then on;
    /// rows whose records were lost are created again, and paid for again, if their batch is
    /// run again.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open).
    pub fn accept_loss(path: impl AsRef<Path>) -> Result<Self, Error> {
        Self::named(path.as_ref(), Loss::Accepted)
    }

    fn named(path: &Path, loss: Loss) -> Result<Self, Error> {
        Self::opened(path, loss).map_err(|fault| {
            let e = Error::from(fault);
            let message = format!("{}: {e}", path.display());
            match std::error::Error::source(&e) {
                Some(cause) => Error::caused_by(e.kind(), message, cause.to_string()),
                None => Error::new(e.kind(), message),
            }
        })
    }

    fn opened(path: &Path, loss: Loss) -> FaultResult<Self> {
        let path = std::path::absolute(path).map_err(cannot_open)?;
        if let Some(folder) = path.parent() {
            private_folder(folder).map_err(cannot_open)?;
        }
        access::check_file(&path)?;
        log::check_rest(&path, loss)?;
        // Made before SQLite opens it, which would make it for everybody to read, and gives
        // its own files beside it the same mode.
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(false);
        private(&mut options).open(&path).map_err(cannot_open)?;
        // A process that follows a link must find the same folder of workers.
        let path = path.canonicalize().map_err(cannot_open)?;
        access::check_beside(&path)?;
        let conn = Connection::open(&path)?;
        log::keep(&conn, true)?;
        Self::start(conn, Some(&path), loss)
    }

    /// Waits until everything that was asked for is committed, copies `SQLite`'s write-ahead log
    /// into the file, and closes it: the file alone then holds everything, unless another
    /// process still has it open, which does this in turn. All clones are closed with this one,
    /// and refuse everything from then on. Workers that were not retired are.
    ///
    /// Dropping the last clone does the same. Both block, as a rule for milliseconds, and for up
    /// to half a minute while another process holds the ledger and something is left to commit.
    ///
    /// # Errors
    ///
    /// [`Busy`](ErrorKind::Busy) if another process uses the ledger, and those of the file
    /// system. What was committed is committed.
    pub fn close(&self) -> Result<(), Error> {
        self.writer.close()
    }

    /// A ledger that is gone with the process: for tests, and for those who want none.
    pub fn in_memory() -> Result<Self, Error> {
        let open = || Self::start(Connection::open_in_memory()?, None, Loss::Refused);
        open().map_err(Error::from)
    }

    /// The ledger at `path` if there is one, else one in memory: to look at what there is,
    /// without making anything.
    pub fn open_if_there(path: impl AsRef<Path>) -> Result<Self, Error> {
        match fs::metadata(path.as_ref()) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => Self::in_memory(),
            _ => Self::open(path),
        }
    }

    fn start(mut conn: Connection, path: Option<&Path>, loss: Loss) -> FaultResult<Self> {
        conn.busy_handler(Some(be_patient))?;
        conn.set_prepared_statement_cache_capacity(64);
        // Without it `SQLite` looks at bound values to plan a statement, and plans it again when
        // they are cleared: each time that it comes from the cache.
        conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        let counted = path.and_then(log::counted);
        schema::check(&conn)?;
        if let Some(path) = path {
            use_wal(&conn)?;
            if log::is_lost(&conn, path, counted)? {
                match loss {
                    Loss::Refused => return Err(log::lost().into()),
                    Loss::Accepted => log::accept(&conn, path)?,
                }
            }
            log::check_damage(&conn)?;
        }
        // On macOS, a plain sync leaves out the disk's own cache. Elsewhere this has no effect.
        conn.pragma_update(None, "fullfsync", true)?;
        schema::create(&mut conn)?;
        let locks = Locks::new(path);
        Ok(Self {
            writer: WriterHandle::start(conn, locks, Log::new(path), worker::retire)?,
        })
    }
}

/// Readers and the one writer do not wait for each other, and a commit is one write. Switching
/// needs the file to itself for a moment, and `SQLite` does not wait for it.
fn use_wal(conn: &Connection) -> FaultResult<()> {
    let began = Instant::now();
    loop {
        let mode = conn
            .pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get::<_, String>(0));
        match mode {
            Ok(mode) if mode.eq_ignore_ascii_case("wal") => return Ok(()),
            Ok(mode) => {
                let what = format!("the ledger's file system allows no WAL (it is {mode})");
                return Err(Error::new(ErrorKind::Ledger, what).into());
            }
            Err(e) => {
                let e = Error::from(fault::Fault::from(e));
                if e.kind() != ErrorKind::Busy || began.elapsed() > PATIENCE {
                    return Err(e.into());
                }
                sleep(Duration::from_millis(5));
            }
        }
    }
}

impl Ledger for SqliteLedger {
    fn register(&self, service: String) -> LedgerFuture<WorkerId> {
        self.writer.ask(Touch::Ledger, move |writer| {
            worker::register(writer, &service)
        })
    }

    fn retire(&self, worker: WorkerId) -> LedgerFuture<()> {
        self.writer
            .ask(Touch::Ledger, move |writer| worker::retire(writer, worker))
    }

    fn loader(&self) -> Box<dyn Loader> {
        Box::new(SqliteLoader::new(self.writer.clone()))
    }

    fn claim(&self, worker: WorkerId, want: Want) -> LedgerFuture<Claimed> {
        self.writer.ask_while_wanted(Touch::Ledger, move |writer| {
            claim::claim(writer, worker, want)
        })
    }

    fn pause(&self, service: String, pause: Duration) -> LedgerFuture<()> {
        // If a power cut takes it back, the service says it again.
        self.writer.ask(Touch::Ledger, move |writer| {
            pause::pause(&writer.conn, &service, pause)
        })
    }

    fn begin(&self, worker: WorkerId, intent: Intent) -> LedgerFuture<Begun> {
        // Nothing hangs on a plan that a power cut takes back.
        self.writer.ask(Touch::Ledger, move |writer| {
            begin::begin(writer, worker, &intent)
        })
    }

    fn adopt(&self, worker: WorkerId, id: String) -> LedgerFuture<Option<Job>> {
        self.writer.ask(Touch::Ledger, move |writer| {
            claim::adopt(writer, worker, &id)
        })
    }

    fn record(&self, worker: WorkerId, seq: u64, mark: Mark) -> LedgerFuture<()> {
        let touch = if mark.is_costly() {
            Touch::Money
        } else {
            Touch::Ledger
        };
        self.writer.ask(touch, move |writer| {
            mark::record(writer, worker, seq, &mark)
        })
    }

    fn refuse_model(
        &self,
        load: LoadId,
        model: String,
        outcome: Outcome,
        most: u32,
    ) -> LedgerFuture<Vec<Job>> {
        self.writer.ask(Touch::Ledger, move |writer| {
            claim::refuse_model(writer, load, &model, &outcome, most)
        })
    }

    fn reserve(
        &self,
        worker: WorkerId,
        seq: u64,
        position: u64,
        names: Vec<String>,
    ) -> LedgerFuture<Option<String>> {
        // A power cut that takes it back takes back, too, what was recorded as saved under the name.
        self.writer.ask(Touch::Ledger, move |writer| {
            names::reserve(&writer.conn, worker, seq, position, names)
        })
    }

    fn tally(&self, load: LoadId) -> LedgerFuture<Tally> {
        self.writer.ask(Touch::Nothing, move |writer| {
            stage::tally(&writer.conn, load)
        })
    }

    fn batches(&self) -> LedgerFuture<Vec<BatchEntry>> {
        self.writer
            .ask(Touch::Nothing, move |writer| list::batches(&writer.conn))
    }

    fn list(&self, filter: Filter) -> LedgerFuture<Vec<Entry>> {
        self.writer.ask(Touch::Ledger, move |writer| {
            // A create request of a process that ended is unresolved from then on, and a list
            // must show this before the next run writes.
            worker::release_dead(writer)?;
            list::list(&writer.conn, &filter)
        })
    }

    fn costs(&self, filter: Filter) -> LedgerFuture<BTreeMap<String, Cost>> {
        self.writer.ask(Touch::Nothing, move |writer| {
            costs::costs(&writer.conn, &filter)
        })
    }

    fn charge(&self, service: String, charges: Vec<(String, Usd)>) -> LedgerFuture<u64> {
        // If a power cut takes it back, the service can be asked again.
        self.writer.ask(Touch::Ledger, move |writer| {
            costs::charge(&writer.conn, &service, &charges)
        })
    }

    fn durations(&self, service: String) -> LedgerFuture<BTreeMap<String, Durations>> {
        self.writer.ask(Touch::Nothing, move |writer| {
            durations::read(&writer.conn, &service)
        })
    }

    fn prune(&self, before: SystemTime) -> LedgerFuture<u64> {
        self.writer.ask(Touch::Ledger, move |writer| {
            prune::prune(&writer.conn, before)
        })
    }
}
