//! Lists what is recorded.

use std::collections::HashMap;
use std::path::Path;
use std::time::SystemTime;

use cometapi_batch::columns::{integer, millis, natural, path_text, time};
use cometapi_batch::{BatchEntry, Entry, FileRecord, Filter, Outcome, Usd};
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use crate::columns::{JOB, job, state};
use crate::fault::Result;
use crate::session::Session;

/// How deep in the folder of its batch a file is looked for; `SQLite`'s ledger has the same limit.
const MAX_DEPTH: usize = 200;

pub(crate) async fn list(session: &Session, filter: &Filter) -> Result<Vec<Entry>> {
    let selected = Selected::new(filter);
    let order = match filter.after {
        Some(_) => "ASC",
        None => "DESC",
    };
    let sql = format!(
        "SELECT {JOB}, p.state, p.worker IS NOT NULL AS held, p.superseded, p.outcome, p.message,
             p.request_ids, p.planned_at, p.sending_at, p.created_at, p.request_id,
             CASE WHEN p.state IN ('ended', 'unresolved') THEN p.ended_at END AS ended_at,
             p.service, p.charge, p.cost
         FROM {} LEFT JOIN batch b ON b.id = p.batch
         WHERE {} ORDER BY p.seq {order} LIMIT {}",
        selected.tables,
        selected.clause,
        filter.page()
    );
    let rows = session.rows_once(&sql, &selected.params()).await?;
    let mut entries = rows.iter().map(entry).collect::<Result<Vec<_>>>()?;
    let seqs: Vec<i64> = entries.iter().map(|entry| integer(entry.seq)).collect();
    let mut seen = seen(session, &seqs).await?;
    let mut files = files(session, &seqs).await?;
    for entry in &mut entries {
        entry.seen = seen.remove(&entry.seq).unwrap_or_default();
        entry.files = files.remove(&entry.seq).unwrap_or_default();
        // Only those of a batch are relative.
        if let (Some(folder), Some(_)) = (&entry.folder, &entry.batch) {
            for file in &mut entry.files {
                file.path = folder.join(&file.path);
            }
        }
    }
    Ok(entries)
}

pub(crate) async fn batches(session: &Session) -> Result<Vec<BatchEntry>> {
    let rows = session
        .rows(
            "SELECT name, folder, service, since FROM batch ORDER BY id",
            &[],
        )
        .await?;
    rows.iter()
        .map(|row| {
            let folder: String = row.try_get(1)?;
            let (name, service) = (row.try_get(0)?, row.try_get(2)?);
            Ok(BatchEntry::new(
                name,
                folder.into(),
                service,
                time(row.try_get(3)?),
            ))
        })
        .collect()
}

/// The part of a statement that selects what a filter names.
pub(crate) struct Selected {
    /// `prediction p`, with what is joined to it.
    pub(crate) tables: &'static str,
    pub(crate) clause: String,
    values: Vec<Box<dyn ToSql + Sync>>,
}

impl Selected {
    pub(crate) fn new(filter: &Filter) -> Self {
        let mut selected = Self {
            tables: match filter.load {
                Some(_) => "staged s JOIN prediction p ON p.seq = s.seq",
                None => "prediction p",
            },
            clause: "true".to_owned(),
            values: Vec::new(),
        };
        if let Some(load) = filter.load {
            selected.and("s.load = ?", vec![Box::new(load.0)]);
        }
        if let Some(file) = &filter.file {
            selected.has_file(file);
        }
        for (clause, text) in [
            ("p.model = ?", &filter.model),
            ("p.id = ?", &filter.id),
            ("b.folder = ?", &filter.folder.as_deref().map(path_text)),
            ("b.name = ?", &filter.batch),
            ("p.once = ?", &filter.key),
        ] {
            if let Some(text) = text {
                selected.and(clause, vec![Box::new(text.clone())]);
            }
        }
        for (clause, number) in [
            ("p.planned_at >= ?", filter.since.map(millis)),
            ("p.seq < ?", filter.before.map(integer)),
            ("p.seq > ?", filter.after.map(integer)),
        ] {
            if let Some(number) = number {
                selected.and(clause, vec![Box::new(number)]);
            }
        }
        if filter.failed {
            let succeeded = Outcome::succeeded().word().to_owned();
            selected.and(
                "(p.state = 'ended' AND p.outcome <> ?)",
                vec![Box::new(succeeded)],
            );
        }
        if !filter.states.is_empty() {
            let words: Vec<_> = filter
                .states
                .iter()
                .map(|state| state.as_str().to_owned())
                .collect();
            selected.and("p.state = ANY(?)", vec![Box::new(words)]);
        }
        selected
    }

    /// The values of the clause.
    pub(crate) fn params(&self) -> Vec<&(dyn ToSql + Sync)> {
        self.values.iter().map(AsRef::as_ref).collect()
    }

    /// Adds a condition; each `?` in it is the next of the values.
    fn and(&mut self, condition: &str, values: Vec<Box<dyn ToSql + Sync>>) {
        self.clause.push_str(" AND ");
        let mut parts = condition.split('?');
        self.clause.push_str(parts.next().unwrap_or_default());
        for (part, value) in parts.zip(values) {
            self.values.push(value);
            self.clause = format!("{}${}{part}", self.clause, self.values.len());
        }
    }

    /// Selects predictions with a saved file of this path. It may be recorded relative to the folder of
    /// a batch, which is one of those that hold it.
    fn has_file(&mut self, path: &Path) {
        // Else it would be found in every batch.
        if !path.is_absolute() {
            return self.and("false", Vec::new());
        }
        let [mut folders, mut relative] = [Vec::new(), Vec::new()];
        for folder in path.ancestors().skip(1).take(MAX_DEPTH) {
            if let Ok(rest) = path.strip_prefix(folder) {
                folders.push(path_text(folder));
                relative.push(path_text(rest));
            }
        }
        self.and(
            "(p.seq IN (SELECT f.seq FROM file f WHERE f.path = ?)
                 OR p.seq IN (SELECT f.seq
                     FROM unnest(?::text[], ?::text[]) AS place (folder, path)
                     JOIN file f ON f.path = place.path JOIN prediction o ON o.seq = f.seq
                     JOIN batch c ON c.id = o.batch AND c.folder = place.folder))",
            vec![
                Box::new(path_text(path)),
                Box::new(folders),
                Box::new(relative),
            ],
        );
    }
}

fn entry(row: &Row) -> Result<Entry> {
    let outcome: Option<&str> = row.try_get("outcome")?;
    let message = row.try_get("message")?;
    let request_ids: Option<&str> = row.try_get("request_ids")?;
    let request_ids = request_ids.and_then(|json| serde_json::from_str(json).ok());
    let at = |column| -> Result<_> { Ok(row.try_get::<_, Option<i64>>(column)?.map(time)) };
    let money =
        |column| -> Result<_> { Ok(row.try_get::<_, Option<i64>>(column)?.map(Usd::from_nanos)) };
    let planned_at = time(row.try_get("planned_at")?);
    let mut entry = Entry::new(job(row)?, row.try_get("service")?, planned_at);
    entry.state = state(row.try_get("state")?);
    entry.held = row.try_get("held")?;
    entry.charge = money("charge")?;
    entry.cost = money("cost")?;
    entry.superseded = row.try_get("superseded")?;
    entry.outcome =
        outcome.map(|word| Outcome::from_word(word, message, request_ids.unwrap_or_default()));
    entry.sending_at = at("sending_at")?;
    entry.created_at = at("created_at")?;
    entry.ended_at = at("ended_at")?;
    entry.request_id = row.try_get("request_id")?;
    Ok(entry)
}

async fn seen(session: &Session, seqs: &[i64]) -> Result<HashMap<u64, Vec<(SystemTime, String)>>> {
    let rows = session
        .rows(
            "SELECT seq, at, status FROM seen WHERE seq = ANY($1) ORDER BY at, number",
            &[&seqs],
        )
        .await?;
    let mut seen: HashMap<u64, Vec<_>> = HashMap::new();
    for row in rows {
        let of = seen.entry(natural(row.try_get(0)?)).or_default();
        of.push((time(row.try_get(1)?), row.try_get(2)?));
    }
    Ok(seen)
}

async fn files(session: &Session, seqs: &[i64]) -> Result<HashMap<u64, Vec<FileRecord>>> {
    let rows = session
        .rows(
            "SELECT seq, position, path, bytes, media_type FROM file
             WHERE seq = ANY($1) ORDER BY position",
            &[&seqs],
        )
        .await?;
    let mut files: HashMap<u64, Vec<_>> = HashMap::new();
    for row in rows {
        let of = files.entry(natural(row.try_get(0)?)).or_default();
        let (position, bytes) = (natural(row.try_get(1)?), natural(row.try_get(3)?));
        let path: String = row.try_get(2)?;
        of.push(FileRecord::recorded(
            position,
            path.into(),
            bytes,
            row.try_get(4)?,
        ));
    }
    Ok(files)
}
