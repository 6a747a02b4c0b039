//! Ledgers on `PostgreSQL`.

use std::pin::pin;
use std::time::Duration;

use cometapi_batch::Error;
use cometapi_postgres::{PostgresLedger, PostgresOptions};
use tokio::time::sleep;

use crate::args::Database;
use crate::print;

/// How long a server may take to answer before a note is printed.
const SILENCE: Duration = Duration::from_secs(2);

/// How long it is waited for.
const PATIENCE: Duration = Duration::from_secs(30);

/// Opens the ledger of a database, with the password of the environment if the URL has none.
pub(super) async fn open(database: &Database) -> Result<PostgresLedger, Error> {
    let mut options = PostgresOptions::new(database.expose())?.patience(PATIENCE);
    if let Some(password) = database.password() {
        options = options.password(password.as_encoded_bytes());
    }
    let mut opened = pin!(options.connect());
    tokio::select! {
        opened = &mut opened => return opened,
        () = sleep(SILENCE) => {}
    }
    let patience = PATIENCE.as_secs();
    print::note(format_args!(
        "the ledger's server does not answer; waiting for up to {patience} s"
    ));
    opened.await
}

/// Ends the sessions, after what was asked for is done.
pub(super) fn close(ledger: &PostgresLedger) {
    // Without a runtime, dropping the last handle ends them.
    if let Ok(runtime) = tokio::runtime::Builder::new_current_thread().build() {
        runtime.block_on(ledger.close());
    }
}
