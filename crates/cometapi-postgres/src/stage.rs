//! Rows of files on their way into the ledger, and how they stand.

use cometapi_batch::columns::{integer, natural};
use cometapi_batch::{Error, ErrorKind, LoadId, NewRow, Repeated, Tally, folded};

use crate::columns::{key, state};
use crate::fault::Result;
use crate::session::Session;

/// Begins a load, whose rows are there as long as the process lives.
pub(crate) async fn begin(session: &Session, process: i64, load: LoadId) -> Result<()> {
    session
        .execute(
            "INSERT INTO load (id, process) SELECT $1, id FROM process WHERE id = $2 FOR KEY SHARE
             ON CONFLICT DO NOTHING",
            &[&load.0, &process],
        )
        .await?;
    Ok(())
}

/// Fails if the rows of a load are gone, so that a part of a file is never taken for all of it.
pub(crate) async fn check(session: &Session, load: LoadId) -> Result<()> {
    let there = session
        .maybe("SELECT 1 FROM load WHERE id = $1 FOR KEY SHARE", &[&load.0])
        .await?;
    if there.is_some() {
        return Ok(());
    }
    let what = "the rows that were read into the ledger are gone, because its server was restarted or \
                the connection to it was lost: to continue, run the same command again";
    Err(Error::new(ErrorKind::Lost, what).into())
}

/// Adds rows where no one else sees them. Returns those whose id an earlier one has.
pub(crate) async fn stage(
    session: &Session,
    load: LoadId,
    rows: &[NewRow],
    part: i64,
    again: bool,
) -> Result<Vec<Repeated>> {
    check(session, load).await?;
    if again {
        session
            .execute(
                "DELETE FROM staged WHERE load = $1 AND part = $2",
                &[&load.0, &part],
            )
            .await?;
    }
    let ids: Vec<String> = rows
        .iter()
        .filter_map(|row| row.id.as_deref())
        .map(|id| key(&folded(id)).into_owned())
        .collect();
    let mut first = earlier(session, load, &ids).await?;
    let mut repeated = Vec::new();
    let mut columns = Columns::default();
    for row in rows {
        let folded = row.id.as_deref().map(|id| key(&folded(id)).into_owned());
        if let (Some(id), Some(folded)) = (&row.id, &folded) {
            if let Some((line, other)) = first.get(folded) {
                let mut again = Repeated::new(row.line, *line, id.clone());
                again.exact = other == id;
                repeated.push(again);
                continue;
            }
            first.insert(folded.clone(), (row.line, id.clone()));
        }
        columns.push(row, folded);
    }
    columns.insert(session, load, part).await?;
    Ok(repeated)
}

/// The lines and ids of earlier rows, by what their ids have in common with those that may be theirs.
type First = std::collections::HashMap<String, (u64, String)>;

async fn earlier(session: &Session, load: LoadId, ids: &[String]) -> Result<First> {
    if ids.is_empty() {
        return Ok(First::new());
    }
    let rows = session
        .rows(
            "SELECT s.folded, s.line, s.row_id FROM unnest($2::text[]) AS asked (folded)
             JOIN staged s ON s.folded = asked.folded AND s.load = $1",
            &[&load.0, &ids],
        )
        .await?;
    rows.iter()
        .map(|row| {
            let found = (natural(row.try_get(1)?), row.try_get(2)?);
            Ok((row.try_get(0)?, found))
        })
        .collect()
}

/// Rows, column by column, which one statement adds.
#[derive(Default)]
struct Columns<'r> {
    lines: Vec<i64>,
    keys: Vec<String>,
    ids: Vec<Option<&'r str>>,
    folded: Vec<Option<String>>,
    hashes: Vec<&'r str>,
    models: Vec<&'r str>,
    inputs: Vec<&'r str>,
    labels: Vec<Option<&'r str>>,
    files: Vec<i64>,
}

impl<'r> Columns<'r> {
    fn push(&mut self, row: &'r NewRow, folded: Option<String>) {
        self.lines.push(integer(row.line));
        // The two kinds of key cannot be taken for each other.
        self.keys.push(match &row.id {
            Some(id) => format!("id:{}", key(id)),
            None => format!("#{}", row.hash),
        });
        self.ids.push(row.id.as_deref());
        self.folded.push(folded);
        self.hashes.push(&row.hash);
        self.models.push(&row.model);
        self.inputs.push(&row.input);
        self.labels.push(row.labels.as_deref());
        self.files.push(integer(row.files));
    }

    async fn insert(self, session: &Session, load: LoadId, part: i64) -> Result<()> {
        session
            .execute(
                "INSERT INTO staged
                     (load, part, line, key, row_id, folded, hash, model, input, labels, files)
                 SELECT $1, $2, * FROM unnest($3::bigint[], $4::text[], $5::text[], $6::text[],
                     $7::text[], $8::text[], $9::text[], $10::text[], $11::bigint[])",
                &[
                    &load.0,
                    &part,
                    &self.lines,
                    &self.keys,
                    &self.ids,
                    &self.folded,
                    &self.hashes,
                    &self.models,
                    &self.inputs,
                    &self.labels,
                    &self.files,
                ],
            )
            .await?;
        Ok(())
    }
}

pub(crate) async fn unload(session: &Session, load: LoadId) -> Result<()> {
    session
        .execute("DELETE FROM staged WHERE load = $1", &[&load.0])
        .await?;
    session
        .execute("DELETE FROM load WHERE id = $1", &[&load.0])
        .await?;
    Ok(())
}

/// The batch of a load, if any of its rows are recorded.
pub(crate) async fn batch_of(session: &Session, load: LoadId) -> Result<Option<i64>> {
    let row = session
        .maybe("SELECT batch FROM load WHERE id = $1", &[&load.0])
        .await?;
    Ok(row.map_or(Ok(None), |row| row.try_get(0))?)
}

pub(crate) async fn tally(session: &Session, load: LoadId) -> Result<Tally> {
    check(session, load).await?;
    let rows = session
        .rows(
            "SELECT p.state, p.outcome, count(*) FROM staged s JOIN prediction p ON p.seq = s.seq
             WHERE s.load = $1 GROUP BY 1, 2",
            &[&load.0],
        )
        .await?;
    let mut tally = Tally::default();
    for row in rows {
        let count = natural(row.try_get(2)?);
        tally.count(state(row.try_get(0)?), row.try_get(1)?, count);
    }
    Ok(tally)
}
