//! The ledger that a command writes to: named by a flag, else by the environment, else the
//! user's own.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use cometapi_batch::{Entry, ErrorKind, Filter, Ledger, SqliteLedger};

use crate::args::LedgerPlace;
use crate::failure::Failure;
use crate::{advice, print};

const VARIABLE: &str = "PAPERBOAT_LEDGER";

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

type Opened = Result<SqliteLedger, cometapi_batch::Error>;

fn shared(ledger: Opened) -> Result<Arc<dyn Ledger>, Failure> {
    let ledger = ledger.map_err(|e| refused(&e))?;
    let mut opened = OPENED.lock().unwrap_or_else(PoisonError::into_inner);
    opened.push(ledger.clone());
    Ok(Arc::new(ledger))
}

/// The ledger of a single prediction; `None` if nothing is to be recorded. A prediction of a mock in
/// this process ends with it, so it is recorded only on request.
pub(crate) fn of_single(
    place: &LedgerPlace,
    mock: bool,
) -> Result<Option<Arc<dyn Ledger>>, Failure> {
    if place.no_ledger || (mock && place.ledger.is_none()) {
        return Ok(None);
    }
    needed(place.ledger.as_deref()).map(Some)
}

/// The ledger of a wait for an id, which may be in no ledger: none is created for it. A paid
/// prediction is saved even if its ledger cannot be opened.
pub(crate) fn of_wait(place: &LedgerPlace) -> Option<Arc<dyn Ledger>> {
    if place.no_ledger {
        return None;
    }
    match existing(place.ledger.as_deref()) {
        Ok(ledger) => Some(ledger),
        Err(failure) => {
            print::stderr(format_args!("note: nothing is recorded: {failure}"));
            None
        }
    }
}

/// The ledger of several predictions of one command. One that is not kept is in memory.
pub(crate) fn of_many(place: &LedgerPlace, mock: bool) -> Result<Arc<dyn Ledger>, Failure> {
    match of_single(place, mock)? {
        Some(ledger) => Ok(ledger),
        None => shared(SqliteLedger::in_memory()),
    }
}

/// The ledger of a batch. With `--no-ledger` it is in memory, and gone after the run.
pub(crate) fn of_batch(place: &LedgerPlace, dry: bool) -> Result<Arc<dyn Ledger>, Failure> {
    let flag = place.ledger.as_deref();
    if place.no_ledger {
        return shared(SqliteLedger::in_memory());
    }
    if dry {
        return existing(flag);
    }
    needed(flag)
}

/// The ledger of a command that creates none: if there is none, an empty one in memory.
pub(crate) fn existing(flag: Option<&Path>) -> Result<Arc<dyn Ledger>, Failure> {
    shared(SqliteLedger::open_if_there(path(flag)?))
}

/// Opens the ledger of `list --accept-loss`: one that has lost records is accepted as it is.
pub(crate) fn accepting_loss(flag: Option<&Path>) -> Result<Arc<dyn Ledger>, Failure> {
    shared(SqliteLedger::accept_loss(path(flag)?))
}

/// The ledger of a command that needs one.
pub(crate) fn needed(flag: Option<&Path>) -> Result<Arc<dyn Ledger>, Failure> {
    shared(SqliteLedger::open(path(flag)?))
        .map_err(|failure| failure.with_advice("nothing was sent"))
}

/// What a ledger knows of the prediction with this id: the newest, where several services have the id.
/// A prediction is worth more than its record, so that an error counts as nothing known.
pub(crate) async fn entry(ledger: Option<&dyn Ledger>, id: &str) -> Option<Entry> {
    let mut filter = Filter::default();
    filter.id = Some(id.to_owned());
    ledger?.list(filter).await.ok()?.into_iter().next()
}

/// How long predictions of the model usually take at the service, if the ledger knows any: the median.
pub(crate) async fn usual(
    ledger: Option<&dyn Ledger>,
    service: &str,
    model: &str,
) -> Option<Duration> {
    let durations = ledger?.durations(service.to_owned()).await.ok()?;
    let mut durations: Vec<_> = durations.get(model)?.iter().collect();
    durations.sort_unstable();
    durations.get(durations.len() / 2).copied()
}

/// Where the ledger is.
pub(crate) fn path(flag: Option<&Path>) -> Result<PathBuf, Failure> {
    let given = |path: &OsString| !path.to_string_lossy().trim().is_empty();
    if let Some(path) = flag {
        return Ok(path.to_owned());
    }
    match env::var_os(VARIABLE).filter(given) {
        Some(path) => Ok(path.into()),
        None => SqliteLedger::default_path().map_err(|e| {
            Failure::usage(format!("no place for a ledger: {e}")).with_advice(format!(
                "name one: --ledger FILE, or export {VARIABLE}=FILE"
            ))
        }),
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
        ErrorKind::Incomplete => failure.with_advice(format!(
            "to list what is left and accept the loss: {}; a batch whose records are missing is then \
             paid for again",
            advice::command("list", "--accept-loss")
        )),
        _ => failure,
    }
}
