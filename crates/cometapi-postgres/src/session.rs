//! A session of the server, as the ledger uses it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::task::{AbortHandle, spawn_local};
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Row, Statement};

use crate::fault::Result;
use crate::options::{Connector, Notices};

/// Values of a statement.
pub(crate) type Params<'p> = &'p [&'p (dyn ToSql + Sync)];

/// A session, which ends when it is dropped.
#[derive(Debug)]
pub(crate) struct Session {
    client: Client,
    driver: AbortHandle,
    statements: Mutex<HashMap<String, Statement>>,
    backend: Backend,
    /// Whether commits wait for the disk at present.
    durable: AtomicBool,
    /// The setting with which a commit survives a power cut: that of the server where it is stricter.
    on: &'static str,
}

/// The process of the server that serves a session. Its number alone may come back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Backend {
    pub(crate) pid: i32,
    /// When it started, in microseconds.
    since: i64,
}

/// What each session sets. The server may end idle sessions, but not these. Its statements are short: compiling
/// one takes longer than running it.
const SETTINGS: &str = "
    SET idle_session_timeout = 0;
    SET idle_in_transaction_session_timeout = '20s';
    SET statement_timeout = 0;
    SET lock_timeout = '30s';
    SET default_transaction_isolation = 'read committed';
    SET client_min_messages = 'warning';
    SET jit = off";

/// A load takes as long as it takes. By the others, the server notices within half a minute that a client has gone, so that what it has locked is
/// free again. Not every system has all of them.
const TIMEOUTS: &str = "DO $$
    DECLARE setting text[];
    BEGIN
        FOREACH setting SLICE 1 IN ARRAY ARRAY[
            ['transaction_timeout', '0'],
            ['client_connection_check_interval', '5s'],
            ['tcp_keepalives_idle', '10'],
            ['tcp_keepalives_interval', '5'],
            ['tcp_keepalives_count', '3'],
            ['tcp_user_timeout', '25000']]
        LOOP
            BEGIN
                PERFORM set_config(setting[1], setting[2], false);
            EXCEPTION WHEN OTHERS THEN NULL;
            END;
        END LOOP;
    END $$";

/// A login may be set to act as another role, which owns the tables (`ALTER ROLE … SET role`). That role need not
/// be permitted to see or to end the sessions of the login.
const AS_LOGIN: &str = "SET ROLE NONE";

/// Acts again as the role that the login is set to, if it is.
const AS_SET: &str = "RESET ROLE";

impl Session {
    /// Connects. Nothing that this crate writes is asked for before the server was
    /// [examined](crate::server::examine).
    pub(crate) async fn connect(connector: &Connector) -> Result<Self> {
        Self::open(connector, None).await
    }

    /// Connects, and is notified of loads.
    pub(crate) async fn listen(connector: &Connector, notices: Notices) -> Result<Self> {
        let session = Self::open(connector, Some(notices)).await?;
        // The channel has the name of the schema.
        session
            .batch(&format!("LISTEN {}", connector.quoted_schema()))
            .await?;
        Ok(session)
    }

    async fn open(connector: &Connector, notices: Option<Notices>) -> Result<Self> {
        let (client, driver) = connector.open(notices).await?;
        let driver = spawn_local(driver).abort_handle();
        let mut session = Self {
            client,
            driver,
            statements: Mutex::default(),
            backend: Backend { pid: 0, since: 0 },
            durable: AtomicBool::new(true),
            on: "on",
        };
        session.client.batch_execute(SETTINGS).await?;
        session.client.batch_execute(TIMEOUTS).await?;
        let sql = format!("SET search_path = {}", connector.quoted_schema());
        session.client.batch_execute(&sql).await?;
        session.batch(AS_LOGIN).await?;
        let row = session
            .one(
                "SELECT pid, (extract(epoch FROM backend_start) * 1000000)::bigint,
                     current_setting('synchronous_commit')
                 FROM pg_stat_activity WHERE pid = pg_backend_pid()",
                &[],
            )
            .await?;
        session.batch(AS_SET).await?;
        session.backend = Backend {
            pid: row.try_get(0)?,
            since: row.try_get(1)?,
        };
        let set: String = row.try_get(2)?;
        if set == "remote_apply" {
            session.on = "remote_apply";
        }
        let sql = format!("SET synchronous_commit = {}", session.on);
        session.client.batch_execute(&sql).await?;
        Ok(session)
    }

    pub(crate) fn backend(&self) -> Backend {
        self.backend
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.client.is_closed()
    }

    /// Sets whether the commits of the statements that follow wait for the disk.
    pub(crate) async fn set_durable(&self, durable: bool) -> Result<()> {
        if self.durable.swap(durable, Ordering::Relaxed) == durable {
            return Ok(());
        }
        let to = if durable { self.on } else { "off" };
        let sql = format!("SET synchronous_commit = {to}");
        Ok(self.client.batch_execute(&sql).await?)
    }

    /// Runs statements that take no values and return nothing.
    pub(crate) async fn batch(&self, sql: &str) -> Result<()> {
        Ok(self.client.batch_execute(sql).await?)
    }

    /// Runs a statement, which stays prepared.
    pub(crate) async fn rows(&self, sql: &str, params: Params<'_>) -> Result<Vec<Row>> {
        let statement = self.statement(sql).await?;
        Ok(self.client.query(&statement, params).await?)
    }

    /// Runs a statement that returns one row.
    pub(crate) async fn one(&self, sql: &str, params: Params<'_>) -> Result<Row> {
        let statement = self.statement(sql).await?;
        Ok(self.client.query_one(&statement, params).await?)
    }

    /// Runs a statement that returns at most one row.
    pub(crate) async fn maybe(&self, sql: &str, params: Params<'_>) -> Result<Option<Row>> {
        let statement = self.statement(sql).await?;
        Ok(self.client.query_opt(&statement, params).await?)
    }

    /// Runs a statement. Returns how many rows it has changed.
    pub(crate) async fn execute(&self, sql: &str, params: Params<'_>) -> Result<u64> {
        let statement = self.statement(sql).await?;
        Ok(self.client.execute(&statement, params).await?)
    }

    /// Runs a statement that is made for this call.
    pub(crate) async fn rows_once(&self, sql: &str, params: Params<'_>) -> Result<Vec<Row>> {
        Ok(self.client.query(sql, params).await?)
    }

    async fn statement(&self, sql: &str) -> Result<Statement> {
        let known = self.statements().get(sql).cloned();
        if let Some(statement) = known {
            return Ok(statement);
        }
        let statement = self.client.prepare(sql).await?;
        self.statements().insert(sql.to_owned(), statement.clone());
        Ok(statement)
    }

    fn statements(&self) -> MutexGuard<'_, HashMap<String, Statement>> {
        // They are added in one step, so a panic elsewhere leaves them whole.
        self.statements
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends the process that served an earlier session of this user, and waits for its end. What it was
    /// doing is committed then, or never will be.
    pub(crate) async fn end(&self, earlier: Backend) -> Result<bool> {
        self.batch(AS_LOGIN).await?;
        let row = self
            .one(
                "SELECT count(*), count(*) FILTER (WHERE pg_terminate_backend(pid))
                 FROM pg_stat_activity WHERE pid = $1
                     AND (extract(epoch FROM backend_start) * 1000000)::bigint = $2",
                &[&earlier.pid, &earlier.since],
            )
            .await?;
        self.batch(AS_SET).await?;
        let there: i64 = row.try_get(0)?;
        Ok(there == 0)
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.driver.abort();
    }
}
