//! A recorded prediction, by its id or by a file that was saved of it.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use cometapi::wire::PredictionId;
use cometapi_batch::{Entry, Filter, Ledger};

use crate::failure::Failure;
use crate::{advice, ledger};

/// The id that `given` may be.
pub(crate) fn id(given: &OsStr) -> Option<PredictionId> {
    given.to_str()?.parse().ok()
}

/// The newest recorded prediction of this id or file.
pub(crate) async fn find(ledger: &dyn Ledger, given: &OsStr) -> Result<Option<Entry>, Failure> {
    if let Some(id) = id(given)
        && let Some(entry) = ledger::entry(Some(ledger), id.as_str()).await
    {
        return Ok(Some(entry));
    }
    of_file(ledger, Path::new(given)).await
}

/// The newest prediction of which this file was saved.
async fn of_file(ledger: &dyn Ledger, path: &Path) -> Result<Option<Entry>, Failure> {
    let names = [std::path::absolute(path).ok(), path.canonicalize().ok()];
    let mut names: Vec<PathBuf> = names.into_iter().flatten().collect();
    names.dedup();
    for name in names {
        let mut filter = Filter::default();
        filter.file = Some(name);
        filter.limit = 1;
        let found = ledger.list(filter).await.map_err(|e| {
            Failure::usage(format!("the ledger cannot be read: {e}")).because_of(&e)
        })?;
        if let Some(entry) = found.into_iter().next() {
            return Ok(Some(entry));
        }
    }
    Ok(None)
}

/// The error of what is neither.
pub(crate) fn unknown(given: &OsStr) -> Failure {
    let given = given.display();
    let list = advice::command("list", "");
    Failure::usage(format!(
        "{given} is neither the id nor a saved file of a recorded prediction"
    ))
    .with_advice(format!("to see recorded predictions: {list}"))
}
