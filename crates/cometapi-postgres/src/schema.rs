//! The tables.

use cometapi_batch::{Error, ErrorKind};

use crate::fault::Result;
use crate::options::Connector;
use crate::session::Session;

/// Each brings the tables from the version before to its own, which is its place from 1. One that was
/// released is never changed.
const MIGRATIONS: &[&str] = &[include_str!("migrations/1.sql")];

/// The version of the tables that this program knows.
pub(crate) const VERSION: i32 = {
    let count = MIGRATIONS.len();
    assert!(count < 1000);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_possible_wrap,
        reason = "small"
    )]
    {
        count as i32
    }
};

/// Distinguishes the lock of migrations from other advisory locks of the database: `CoMt`.
const LOCK: i32 = 0x436f_4d74;

/// Makes the tables, or brings them to this version. Any number of processes may do so at once.
pub(crate) async fn migrate(session: &Session, connector: &Connector) -> Result<()> {
    if check(found(session, connector).await?)? == VERSION {
        return Ok(());
    }
    session.batch("BEGIN").await?;
    let migrated = migrate_locked(session, connector).await;
    session
        .batch(if migrated.is_ok() {
            "COMMIT"
        } else {
            "ROLLBACK"
        })
        .await?;
    migrated
}

async fn migrate_locked(session: &Session, connector: &Connector) -> Result<()> {
    session
        .rows(
            "SELECT pg_advisory_xact_lock($1, hashtext($2))",
            &[&LOCK, &connector.schema()],
        )
        .await?;
    // Looked at again: another process may have been first.
    let found = found(session, connector).await?;
    let version = check(found)?;
    if matches!(found, Found::NoSchema) {
        let sql = format!("CREATE SCHEMA {}", connector.quoted_schema());
        session.batch(&sql).await?;
    }
    let done = usize::try_from(version).unwrap_or_default();
    for sql in MIGRATIONS.iter().skip(done) {
        session
            .batch(&sql.replace("@schema@", &connector.quoted_schema()))
            .await?;
    }
    if done < MIGRATIONS.len() {
        session.batch("DELETE FROM version").await?;
        session
            .execute("INSERT INTO version (number) VALUES ($1)", &[&VERSION])
            .await?;
    }
    Ok(())
}

/// What is in the database under the name of the schema.
#[derive(Clone, Copy)]
enum Found {
    NoSchema,
    NoTables,
    Version(i32),
    Others,
}

async fn found(session: &Session, connector: &Connector) -> Result<Found> {
    let row = session
        .maybe(
            "SELECT EXISTS (SELECT 1 FROM pg_class c
                     WHERE c.relnamespace = n.oid AND c.relname = 'version'),
                 EXISTS (SELECT 1 FROM pg_class c WHERE c.relnamespace = n.oid)
             FROM pg_namespace n WHERE n.nspname = $1",
            &[&connector.schema()],
        )
        .await?;
    let Some(row) = row else {
        return Ok(Found::NoSchema);
    };
    if row.try_get(0)? {
        // Not prepared: it may not be this program's table.
        let sql = format!(
            "SELECT max(number)::int FROM {}.version",
            connector.quoted_schema()
        );
        let rows = session.rows_once(&sql, &[]).await;
        let number = rows?.first().and_then(|row| row.try_get(0).ok());
        return Ok(number.map_or(Found::Others, Found::Version));
    }
    Ok(if row.try_get(1)? {
        Found::Others
    } else {
        Found::NoTables
    })
}

/// The version that was found; 0 if there are no tables.
fn check(found: Found) -> Result<i32> {
    match found {
        Found::NoSchema | Found::NoTables => Ok(0),
        Found::Version(version) if version <= VERSION => Ok(version),
        Found::Version(version) => Err(Error::new(
            ErrorKind::NewerLedger,
            format!(
                "the ledger has version {version} and this program knows version {VERSION}: use the \
                 program that made it, or name another schema"
            ),
        )
        .into()),
        Found::Others => Err(Error::new(
            ErrorKind::NotALedger,
            "the schema has tables of another program: name another schema",
        )
        .into()),
    }
}
