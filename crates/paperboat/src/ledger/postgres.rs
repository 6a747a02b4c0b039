//! Ledgers on `PostgreSQL`.

use cometapi_batch::Error;
use cometapi_postgres::{PostgresLedger, PostgresOptions};

use crate::args::Database;

/// Opens the ledger of a database, with the password of the environment if the URL has none.
pub(super) async fn open(database: &Database) -> Result<PostgresLedger, Error> {
    let mut options = PostgresOptions::new(database.expose())?;
    if let Some(password) = database.password() {
        options = options.password(password.as_encoded_bytes());
    }
    options.connect().await
}

/// Ends the sessions, after what was asked for is done.
pub(super) fn close(ledger: &PostgresLedger) {
    // Without a runtime, dropping the last handle ends them.
    if let Ok(runtime) = tokio::runtime::Builder::new_current_thread().build() {
        runtime.block_on(ledger.close());
    }
}
