//! `paperboat prune`: removes old records of ended predictions.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::json;

use crate::args::Prune;
use crate::failure::Failure;
use crate::{ledger, print};

pub(crate) async fn execute(args: Prune) -> Result<(), Failure> {
    let ledger = ledger::existing(args.ledger.as_ref()).await?;
    let before = SystemTime::now().checked_sub(args.older_than);
    let removed = ledger
        .prune(before.unwrap_or(UNIX_EPOCH))
        .await
        .map_err(|e| Failure::usage(format!("the ledger cannot be written: {e}")).because_of(&e))?;
    if args.json {
        return print::json(json!({ "removed": removed }));
    }
    let records = if removed == 1 { "record" } else { "records" };
    print::stderr(format_args!("removed {removed} {records}"));
    Ok(())
}
