//! The ledger that a command writes to: named by a flag, else by the environment, else the
//! user's own.

use std::env;
use std::ffi::OsString;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use cometapi_batch::{Entry, ErrorKind, Filter, Ledger, SqliteLedger};

use crate::args::{Database, LedgerAddress, LedgerPlace};
use crate::failure::Failure;
use crate::{advice, print};

#[cfg(feature = "postgres")]
mod postgres;

const VARIABLE: &str = "PAPERBOAT_LEDGER";

/// Every ledger that this process opened, to be closed when it ends: tasks that are still
/// running hold them too.
static OPENED: Mutex<Vec<Opened>> = Mutex::new(Vec::new());

enum Opened {
    Sqlite(SqliteLedger),
    #[cfg(feature = "postgres")]
    Postgres(cometapi_postgres::PostgresLedger),
}

/// Closes every ledger, so that its file alone holds everything. Records are committed before,
/// and if another process has the ledger open, that process does the rest.
pub(crate) fn close() {
    let opened = std::mem::take(&mut *OPENED.lock().unwrap_or_else(PoisonError::into_inner));
    for ledger in opened {
        match ledger {
            Opened::Sqlite(ledger) => {
                let _ = ledger.close();
            }
            #[cfg(feature = "postgres")]
            Opened::Postgres(ledger) => postgres::close(&ledger),
        }
    }
}

fn remember(ledger: Opened) {
    let mut opened = OPENED.lock().unwrap_or_else(PoisonError::into_inner);
    opened.push(ledger);
}

fn shared(ledger: Result<SqliteLedger, cometapi_batch::Error>) -> Result<Arc<dyn Ledger>, Failure> {
    let ledger = ledger.map_err(|e| refused(&e))?;
    remember(Opened::Sqlite(ledger.clone()));
    Ok(Arc::new(ledger))
}

/// The ledger of a single prediction; `None` if nothing is to be recorded. A prediction of a mock in
/// this process ends with it, so it is recorded only on request.
pub(crate) async fn of_single(
    place: &LedgerPlace,
    mock: bool,
) -> Result<Option<Arc<dyn Ledger>>, Failure> {
    if place.no_ledger || (mock && place.ledger.is_none()) {
        return Ok(None);
    }
    needed(place.ledger.as_ref()).await.map(Some)
}

/// The ledger of a wait for an id, which may be in no ledger: none is created for it. A paid
/// prediction is saved even if its ledger cannot be opened.
pub(crate) async fn of_wait(place: &LedgerPlace) -> Option<Arc<dyn Ledger>> {
    if place.no_ledger {
        return None;
    }
    match existing(place.ledger.as_ref()).await {
        Ok(ledger) => Some(ledger),
        Err(failure) => {
            print::stderr(format_args!("note: nothing is recorded: {failure}"));
            None
        }
    }
}

/// The ledger of several predictions of one command. One that is not kept is in memory.
pub(crate) async fn of_many(place: &LedgerPlace, mock: bool) -> Result<Arc<dyn Ledger>, Failure> {
    match of_single(place, mock).await? {
        Some(ledger) => Ok(ledger),
        None => shared(SqliteLedger::in_memory()),
    }
}

/// The ledger of a batch. With `--no-ledger` it is in memory, and gone after the run.
pub(crate) async fn of_batch(place: &LedgerPlace, dry: bool) -> Result<Arc<dyn Ledger>, Failure> {
    let flag = place.ledger.as_ref();
    if place.no_ledger {
        return shared(SqliteLedger::in_memory());
    }
    if dry {
        return existing(flag).await;
    }
    needed(flag).await
}

/// The ledger of a command that creates none: if there is none, an empty one in memory.
pub(crate) async fn existing(flag: Option<&LedgerAddress>) -> Result<Arc<dyn Ledger>, Failure> {
    match address(flag)? {
        LedgerAddress::File(path) => shared(SqliteLedger::open_if_there(path)),
        LedgerAddress::Postgres(database) => of_database(&database).await,
    }
}

/// Opens the ledger of `list --accept-loss`: one that has lost records is accepted as it is.
pub(crate) fn accepting_loss(flag: Option<&LedgerAddress>) -> Result<Arc<dyn Ledger>, Failure> {
    match address(flag)? {
        LedgerAddress::File(path) => shared(SqliteLedger::accept_loss(path)),
        LedgerAddress::Postgres(_) => Err(Failure::usage(
            "--accept-loss is for a ledger in a file: a database notices its own losses",
        )),
    }
}

/// The ledger of a command that needs one.
pub(crate) async fn needed(flag: Option<&LedgerAddress>) -> Result<Arc<dyn Ledger>, Failure> {
    let opened = match address(flag)? {
        LedgerAddress::File(path) => shared(SqliteLedger::open(path)),
        LedgerAddress::Postgres(database) => of_database(&database).await,
    };
    opened.map_err(|failure| failure.with_advice("nothing was sent"))
}

#[cfg(feature = "postgres")]
async fn of_database(database: &Database) -> Result<Arc<dyn Ledger>, Failure> {
    let ledger = postgres::open(database).await.map_err(|e| refused(&e))?;
    remember(Opened::Postgres(ledger.clone()));
    Ok(Arc::new(ledger))
}

#[cfg(not(feature = "postgres"))]
#[expect(clippy::unused_async, reason = "as where there is one")]
async fn of_database(_: &Database) -> Result<Arc<dyn Ledger>, Failure> {
    Err(
        Failure::usage("this paperboat was built without ledgers on PostgreSQL")
            .with_advice("build it with the feature `postgres`"),
    )
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
pub(crate) fn address(flag: Option<&LedgerAddress>) -> Result<LedgerAddress, Failure> {
    let given = |value: &OsString| !value.to_string_lossy().trim().is_empty();
    if let Some(address) = flag {
        return Ok(address.clone());
    }
    if let Some(value) = env::var_os(VARIABLE).filter(given) {
        let Ok(address) = LedgerAddress::read(value);
        return Ok(address);
    }
    let path = SqliteLedger::default_path().map_err(|e| {
        Failure::usage(format!("no place for a ledger: {e}")).with_advice(format!(
            "name one: --ledger FILE, or export {VARIABLE}=FILE"
        ))
    })?;
    Ok(LedgerAddress::File(path))
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
