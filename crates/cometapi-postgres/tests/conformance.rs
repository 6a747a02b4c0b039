//! The rules of every ledger, on this one.

#![allow(clippy::unwrap_used, reason = "tests: a panic is the failure")]

use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

use cometapi::BoxFuture;
use cometapi_batch::conformance::{Harness, Process, check_all};
use cometapi_batch::{Ledger, LedgerFuture};
use cometapi_postgres::{PostgresLedger, PostgresOptions};
use postgres_server::Server;
use tempfile::TempDir;
use tokio_postgres::Client;

/// A schema of its own in one database.
struct InSchema {
    server: &'static Server,
    database: String,
    schema: String,
    folder: TempDir,
}

static OPENED: AtomicU32 = AtomicU32::new(0);

impl Harness for InSchema {
    fn open(&self) -> LedgerFuture<Box<dyn Process>> {
        let name = format!("process-{}", OPENED.fetch_add(1, Ordering::Relaxed));
        let url = self.server.url(&self.database);
        let options = PostgresOptions::new(&format!("{url}&application_name={name}"));
        let schema = self.schema.clone();
        let (server, database) = (self.server, self.database.clone());
        Box::pin(async move {
            let ledger = options?.schema(schema).connect().await?;
            let admin = server.client(&database).await;
            Ok(Box::new(Opened {
                ledger: Some(ledger),
                admin: Mutex::new(Some(admin)),
                name,
            }) as _)
        })
    }

    fn folder(&self) -> PathBuf {
        self.folder.path().to_owned()
    }
}

struct Opened {
    ledger: Option<PostgresLedger>,
    admin: Mutex<Option<Client>>,
    name: String,
}

impl Process for Opened {
    fn ledger(&self) -> &dyn Ledger {
        self.ledger.as_ref().unwrap()
    }

    /// Ends its sessions, as the server does when a process ends. The ledger is never dropped, because
    /// that would retire its workers.
    fn kill(mut self: Box<Self>) -> BoxFuture<()> {
        Box::pin(async move {
            std::mem::forget(self.ledger.take());
            let admin = self.admin.lock().unwrap().take().unwrap();
            let sql = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                       WHERE application_name = $1";
            while !admin.query(sql, &[&self.name]).await.unwrap().is_empty() {
                tokio::task::yield_now().await;
            }
        })
    }
}

#[tokio::test]
async fn every_rule_is_kept() {
    let Some(server) = Server::shared() else {
        return;
    };
    let database = server.database().await;
    let harnesses = (0..).map(|number| InSchema {
        server,
        database: database.clone(),
        schema: format!("ledger_{number}"),
        folder: tempfile::tempdir().unwrap(),
    });
    check_all(harnesses).await.unwrap();
}
