//! Servers on which a ledger would not keep its promises.

use cometapi_batch::{Error, ErrorKind};
use tokio_postgres::{Client, SimpleQueryMessage};

use crate::fault::{Fault, Result, pooled};
use crate::options::Connector;

/// The oldest version with everything that sessions set.
const OLDEST: i32 = 140_000;

/// Refuses a server that cannot hold a ledger, before anything is written.
pub(crate) async fn examine(connector: &Connector) -> Result<()> {
    let (one, _driver_of_one) = probe(connector).await?;
    let (two, _driver_of_two) = probe(connector).await?;
    refuse_pooler(&one, &two).await?;
    let shown = one
        .simple_query(
            "SELECT current_setting('server_version_num'), current_setting('server_version'),
                 current_setting('fsync'), pg_is_in_recovery(),
                 current_setting('default_transaction_read_only'), current_setting('server_encoding')",
        )
        .await?;
    let shown: Vec<String> = shown
        .into_iter()
        .find_map(|message| match message {
            SimpleQueryMessage::Row(row) => {
                let text = |column| row.get(column).unwrap_or_default().to_owned();
                Some((0..row.len()).map(text).collect())
            }
            _ => None,
        })
        .unwrap_or_default();
    let [number, version, fsync, recovery, read_only, encoding] = &shown[..] else {
        return Err(unsuitable("the server does not say what it is: it must be PostgreSQL").into());
    };
    let what = if number.parse::<i32>().unwrap_or(0) < OLDEST {
        format!("the server is PostgreSQL {version}: a ledger needs version 14 or later")
    } else if fsync == "off" {
        "the server runs with fsync = off, so a power cut could lose what was paid for: set fsync = on, \
         or name another server"
            .to_owned()
    } else if recovery == "t" {
        "the server is a standby, which takes no writes: connect to the primary".to_owned()
    } else if read_only == "on" {
        "the transactions of this user are read-only by default: set default_transaction_read_only = \
         off for it, or connect as another"
            .to_owned()
    } else if encoding != "UTF8" {
        format!(
            "the database has the encoding {encoding}, which cannot hold every prompt: create one with \
             ENCODING 'UTF8'"
        )
    } else {
        return Ok(());
    };
    Err(unsuitable(what).into())
}

/// Ends the task that drives a session.
struct Driver(tokio::task::AbortHandle);

impl Drop for Driver {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn probe(connector: &Connector) -> Result<(Client, Driver)> {
    let (client, driver) = connector.open(None).await?;
    let driver = tokio::task::spawn_local(driver).abort_handle();
    Ok((client, Driver(driver)))
}

/// Refuses a connection pooler that gives a session's server process to other sessions. Between
/// transactions, the lock by which a worker lives would then be another's.
async fn refuse_pooler(one: &Client, two: &Client) -> Result<()> {
    /// Other clients of the pooler may be given the process that is looked for.
    const ROUNDS: usize = 3;
    for _ in 0..ROUNDS {
        // A pooler that gives out the process that rested longest gives another each time.
        let before = [process(two).await?, process(two).await?];
        // One that gives out the process that was used last gives this one to the other session.
        one.batch_execute("BEGIN").await.map_err(|e| {
            match e.as_db_error() {
                // One that gives out a process for a single statement allows no more.
                Some(e) if e.message().contains("pooling") => pooled().into(),
                _ => Fault::from(e),
            }
        })?;
        let held = process(one).await?;
        let during = process(two).await?;
        one.batch_execute("COMMIT").await?;
        let all = [&before[0], &before[1], &during];
        if all
            .iter()
            .any(|process| *process != &during || *process == &held)
        {
            return Err(pooled().into());
        }
    }
    Ok(())
}

/// The server process that serves a session now. The simple protocol passes every pooler.
async fn process(client: &Client) -> Result<Option<String>> {
    let messages = client.simple_query("SELECT pg_backend_pid()").await?;
    Ok(messages.into_iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
        _ => None,
    }))
}

fn unsuitable(what: impl Into<String>) -> Error {
    Error::new(ErrorKind::Ledger, what)
}
