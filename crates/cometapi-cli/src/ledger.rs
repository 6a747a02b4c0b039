//! The ledger that a command writes to: named by a flag, else by the environment, else the
//! user's own.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use cometapi_batch::{ErrorKind, Ledger, SqliteLedger};

use crate::args::LedgerPlace;
use crate::failure::Failure;
use crate::print;

const VARIABLE: &str = "COMETAPI_LEDGER";

/// Every ledger that this process opened, to be closed when it ends: tasks that are still
/// running hold them too.
static OPENED: Mutex<Vec<SqliteLedger>> = Mutex::new(Vec::new());

/// Closes every ledger, so that its file alone holds everything. Records are committed before,
/// and if another process has the ledger open, that process does the rest.
pub(crate) fn close() {
    let opened = std::mem::take(&mut *OPENED.lock().unwrap_or_else(PoisonError::into_inner));
    for ledger in opened {
        let _ = ledger.close();
    }
}

fn shared(ledger: SqliteLedger) -> Arc<dyn Ledger> {
    let mut opened = OPENED.lock().unwrap_or_else(PoisonError::into_inner);
    opened.push(ledger.clone());
    Arc::new(ledger)
}

/// The ledger of a run by itself; `None` when nothing is to be written down. What runs in a
/// mock of this process ends with it, so that is written down only where it is asked for.
pub(crate) fn of_single(
    place: &LedgerPlace,
    mock: bool,
) -> Result<Option<Arc<dyn Ledger>>, Failure> {
    if place.no_ledger || (mock && place.ledger.is_none()) {
        return Ok(None);
    }
    let path = path(place.ledger.as_deref())?;
    open(&path)
        .map(Some)
        .map_err(|failure| failure.with_advice("to write nothing down: --no-ledger"))
}

/// The ledger of a wait for an id, which may well be in none: nothing is made for that. What
/// was paid for comes home also when its ledger cannot be opened.
pub(crate) fn of_wait(place: &LedgerPlace) -> Option<Arc<dyn Ledger>> {
    if place.no_ledger {
        return None;
    }
    match to_look_at(place.ledger.as_deref()) {
        Ok(ledger) => Some(ledger),
        Err(failure) => {
            print::talk(format_args!("note: nothing is written down: {failure}"));
            None
        }
    }
}

/// The ledger of a batch. One that is not to be kept is in memory: the batch goes by it while
/// it runs, and nothing is known of it afterwards.
pub(crate) fn of_batch(place: &LedgerPlace, dry: bool) -> Result<Arc<dyn Ledger>, Failure> {
    let flag = place.ledger.as_deref();
    if place.no_ledger {
        return match SqliteLedger::in_memory() {
            Ok(ledger) => Ok(shared(ledger)),
            Err(e) => Err(refused(&e)),
        };
    }
    if dry {
        return to_look_at(flag);
    }
    needed(flag).map_err(|failure| {
        failure.with_advice("to write nothing down, and lose what this process loses: --no-ledger")
    })
}

/// The ledger of a command that only looks; nothing is made when there is none.
pub(crate) fn to_look_at(flag: Option<&Path>) -> Result<Arc<dyn Ledger>, Failure> {
    let path = path(flag)?;
    match SqliteLedger::open_if_there(&path) {
        Ok(ledger) => Ok(shared(ledger)),
        Err(e) => Err(refused(&e)),
    }
}

/// Opens the ledger of `list --accept-loss`: one that has lost records is accepted as it is.
pub(crate) fn accepting_loss(flag: Option<&Path>) -> Result<Arc<dyn Ledger>, Failure> {
    match SqliteLedger::accept_loss(path(flag)?) {
        Ok(ledger) => Ok(shared(ledger)),
        Err(e) => Err(refused(&e)),
    }
}

/// The ledger of a command that is nothing without one.
pub(crate) fn needed(flag: Option<&Path>) -> Result<Arc<dyn Ledger>, Failure> {
    open(&path(flag)?)
}

fn path(flag: Option<&Path>) -> Result<PathBuf, Failure> {
    let given = |path: &OsString| !path.to_string_lossy().trim().is_empty();
    if let Some(path) = flag {
        return Ok(path.to_owned());
    }
    match env::var_os(VARIABLE).filter(given) {
        Some(path) => Ok(path.into()),
        None => SqliteLedger::default_path().map_err(|e| {
            Failure::usage(format!("there is no place for a ledger: {e}")).with_advice(format!(
                "name one: --ledger FILE, or export {VARIABLE}=FILE"
            ))
        }),
    }
}

fn open(path: &Path) -> Result<Arc<dyn Ledger>, Failure> {
    match SqliteLedger::open(path) {
        Ok(ledger) => Ok(shared(ledger)),
        Err(e) => Err(refused(&e).with_advice("nothing was sent")),
    }
}

/// Its own words name the path.
fn refused(error: &cometapi_batch::Error) -> Failure {
    let failure = Failure::usage(error.to_string())
        .because_of(error)
        .with_advice(format!(
            "to use another ledger: --ledger FILE, or {VARIABLE}"
        ));
    match error.kind() {
        ErrorKind::Incomplete => failure.with_advice(
            "to list what is left and accept the loss: cometapi list --accept-loss; a batch whose \
             records are missing is then paid for again",
        ),
        _ => failure,
    }
}
