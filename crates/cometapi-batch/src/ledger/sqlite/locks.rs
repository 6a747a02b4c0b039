//! Who lives: each worker holds a lock of the operating system on a file of its own.
//!
//! The lock ends with the process, however it ends, and cannot outlive it; a lease would have
//! to run out first, and a clock to be right. All of this happens inside transactions that
//! hold the ledger's write lock, so that no process can read a file between its creation and
//! its locking.

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use crate::error::Error;
use crate::ledger::sqlite::access::{WORKERS, beside, private, private_folder};
use crate::ledger::sqlite::place::Place;

/// The folder of workers, and the locks that this handle holds.
#[derive(Debug)]
pub(super) struct Locks {
    /// `None` for a ledger in memory: no other process can see it.
    folder: Option<PathBuf>,
    ledger: Option<Place>,
    own: HashMap<i64, (File, PathBuf)>,
}

impl Locks {
    pub(super) fn new(ledger: Option<&Path>) -> Self {
        let folder = ledger.map(|path| beside(path, WORKERS));
        Self {
            folder,
            ledger: ledger.map(Place::new),
            own: HashMap::new(),
        }
    }

    /// Fails unless the ledger's path still names the file that was opened.
    pub(super) fn check_ledger(&self) -> Result<(), Error> {
        self.ledger.as_ref().map_or(Ok(()), Place::check)
    }

    /// A name that no worker has had, with its lock.
    pub(super) fn make(&self) -> io::Result<(String, Option<(File, PathBuf)>)> {
        let name = format!("{:032x}", fastrand::u128(..));
        let Some(folder) = &self.folder else {
            return Ok((name, None));
        };
        private_folder(folder)?;
        let path = folder.join(&name);
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        let file = private(&mut options).open(&path)?;
        file.lock()?;
        Ok((name, Some((file, path))))
    }

    pub(super) fn hold(&mut self, worker: i64, lock: Option<(File, PathBuf)>) {
        if let Some(lock) = lock {
            self.own.insert(worker, lock);
        }
    }

    pub(super) fn is_own(&self, worker: i64) -> bool {
        self.own.contains_key(&worker)
    }

    /// The workers of this handle.
    pub(super) fn own(&self) -> Vec<i64> {
        self.own.keys().copied().collect()
    }

    /// The lock file of an own worker, if it was removed while the worker runs: others then
    /// take the worker for dead.
    pub(super) fn removed(&self, worker: i64) -> Option<&Path> {
        let (_, path) = self.own.get(&worker)?;
        (!path.exists()).then_some(path)
    }

    /// Releases a worker of this handle.
    pub(super) fn drop_own(&mut self, worker: i64) {
        if let Some((file, path)) = self.own.remove(&worker) {
            let _ = fs::remove_file(path);
            drop(file);
        }
    }

    /// Whether the worker of this name has ended.
    pub(super) fn is_dead(&self, name: &str) -> io::Result<bool> {
        let Some(folder) = &self.folder else {
            return Ok(false);
        };
        // Opened anew: a lock held in this very process is then another's, too.
        match File::open(folder.join(name)) {
            Ok(file) => match file.try_lock_shared() {
                Ok(()) => Ok(true),
                Err(TryLockError::WouldBlock) => Ok(false),
                Err(TryLockError::Error(e)) => Err(e),
            },
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(true),
            Err(e) => Err(e),
        }
    }

    /// Removes the file of a worker that has ended.
    pub(super) fn release_after_commit(&self, name: &str) {
        if let Some(folder) = &self.folder {
            let _ = fs::remove_file(folder.join(name));
        }
    }
}
