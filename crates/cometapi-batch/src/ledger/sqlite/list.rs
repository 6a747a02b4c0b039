//! Lists what is recorded.

use std::path::Path;

use cometapi_account::Usd;
use rusqlite::types::Value;
use rusqlite::{Connection, Row, params_from_iter};

use crate::ledger::BatchEntry;
use crate::ledger::outcome::{Outcome, SUCCEEDED};
use crate::ledger::record::{Entry, FileRecord, Filter};
use crate::ledger::sqlite::columns::{
    file_path, integer, millis, natural, path_text, state_of, time,
};
use crate::ledger::sqlite::fault::Result;

/// How deep in the folder of its batch a file is looked for; `SQLite` limits the size of an expression.
const MAX_DEPTH: usize = 200;

pub(super) fn list(conn: &Connection, filter: &Filter) -> Result<Vec<Entry>> {
    let (sql, values) = list_sql(filter);
    let mut entries: Vec<Entry> = conn
        .prepare_cached(&sql)?
        .query_map(params_from_iter(values), entry)?
        .collect::<rusqlite::Result<_>>()?;
    for entry in &mut entries {
        entry.seen = seen(conn, entry.seq)?;
        // Only those of a batch are relative.
        let folder = entry.folder.as_deref().filter(|_| entry.batch.is_some());
        entry.files = files(conn, entry.seq, folder)?;
    }
    Ok(entries)
}

/// The statement that lists what a filter names, and its values.
pub(super) fn list_sql(filter: &Filter) -> (String, Vec<Value>) {
    let Conditions {
        tables,
        clause,
        values,
    } = conditions(filter);
    let order = match filter.after {
        Some(_) => "ASC",
        None => "DESC",
    };
    let seq = seq(filter);
    let limit = filter.page();
    let sql = format!(
        "SELECT p.seq, p.id, p.model, p.input, p.hash, p.state, p.worker IS NOT NULL,
             coalesce(b.folder, p.folder),
             p.row_id, p.occurrence, p.superseded, p.outcome, p.message, p.request_ids,
             p.planned_at, p.sending_at, p.created_at,
             CASE WHEN p.state IN ('ended', 'unresolved') THEN p.ended_at END,
             p.request_id, p.service,
             p.once, b.name, p.price, p.charge, p.cost,
             CASE WHEN b.id IS NULL THEN p.names ELSE b.names END, p.labels, p.retake
         FROM {tables} LEFT JOIN batch b ON b.id = p.batch
         WHERE {clause} ORDER BY {seq} {order} LIMIT {limit}"
    );
    (sql, values)
}

pub(super) fn batches(conn: &Connection) -> Result<Vec<BatchEntry>> {
    let mut statement =
        conn.prepare_cached("SELECT name, folder, service, since FROM batch ORDER BY id")?;
    let batch = |row: &Row<'_>| {
        let folder: String = row.get(1)?;
        let since = time(row.get(3)?);
        Ok(BatchEntry::new(
            row.get(0)?,
            folder.into(),
            row.get(2)?,
            since,
        ))
    };
    Ok(statement
        .query_map([], batch)?
        .collect::<rusqlite::Result<_>>()?)
}

/// The part of a statement that selects what a filter names.
pub(super) struct Conditions {
    /// `prediction p`, with what is joined to it.
    pub(super) tables: &'static str,
    pub(super) clause: String,
    pub(super) values: Vec<Value>,
}

/// The number of a prediction, read from the table that is read first.
fn seq(filter: &Filter) -> &'static str {
    match filter.load {
        Some(_) => "s.seq",
        None => "p.seq",
    }
}

pub(super) fn conditions(filter: &Filter) -> Conditions {
    let seq = seq(filter);
    let mut clauses = vec!["1".to_owned()];
    let mut values = Vec::new();
    if let Some(load) = filter.load {
        clauses.push("s.load = ? AND s.seq IS NOT NULL".to_owned());
        values.push(load.0.into());
    }
    if let Some(file) = &filter.file {
        let (clause, of_file) = has_file(file);
        clauses.push(clause);
        values.extend(of_file);
    }
    let mut add = |clause: &str, value: Value| {
        clauses.push(clause.to_owned());
        values.push(value);
    };
    if let Some(model) = &filter.model {
        add("p.model = ?", model.clone().into());
    }
    if let Some(id) = &filter.id {
        add("p.id = ?", id.clone().into());
    }
    if let Some(folder) = &filter.folder {
        add("b.folder = ?", path_text(folder).into());
    }
    if let Some(batch) = &filter.batch {
        add("b.name = ?", batch.clone().into());
    }
    if let Some(key) = &filter.key {
        add("p.once = ?", key.clone().into());
    }
    if let Some(since) = filter.since {
        add("p.planned_at >= ?", millis(since).into());
    }
    if let Some(before) = filter.before {
        add(&format!("{seq} < ?"), integer(before).into());
    }
    if let Some(after) = filter.after {
        add(&format!("{seq} > ?"), integer(after).into());
    }
    if filter.failed {
        add(
            "(p.state = 'ended' AND p.outcome <> ?)",
            SUCCEEDED.to_owned().into(),
        );
    }
    if !filter.states.is_empty() {
        let words: Vec<_> = filter
            .states
            .iter()
            .map(|state| format!("'{}'", state.as_str()))
            .collect();
        clauses.push(format!("p.state IN ({})", words.join(", ")));
    }
    Conditions {
        // A cross join is done in the order in which it is written: from the rows of the load.
        tables: match filter.load {
            Some(_) => "temp.staged s CROSS JOIN prediction p ON p.seq = s.seq",
            None => "prediction p",
        },
        clause: clauses.join(" AND "),
        values,
    }
}

/// Selects predictions with a saved file of this path. It may be recorded relative to the folder of a
/// batch, which is one of those that hold it.
fn has_file(path: &Path) -> (String, Vec<Value>) {
    // Else it would be found in every batch.
    if !path.is_absolute() {
        return ("0".to_owned(), Vec::new());
    }
    let mut places = vec!["f.path = ?"];
    let mut values: Vec<Value> = vec![path_text(path).into()];
    for folder in path.ancestors().skip(1).take(MAX_DEPTH) {
        if let Ok(relative) = path.strip_prefix(folder) {
            places.push("f.path = ? AND c.folder = ?");
            values.extend([path_text(relative).into(), path_text(folder).into()]);
        }
    }
    let clause = format!(
        "p.seq IN (SELECT f.seq FROM file f
             JOIN prediction o ON o.seq = f.seq LEFT JOIN batch c ON c.id = o.batch
             WHERE {})",
        places.join(" OR ")
    );
    (clause, values)
}

fn entry(row: &Row<'_>) -> rusqlite::Result<Entry> {
    let state: String = row.get(5)?;
    let outcome: Option<String> = row.get(11)?;
    let message = row.get(12)?;
    let request_ids: Option<String> = row.get(13)?;
    let request_ids = request_ids.and_then(|json| serde_json::from_str(&json).ok());
    let at = |column| -> rusqlite::Result<_> { Ok(row.get::<_, Option<i64>>(column)?.map(time)) };
    Ok(Entry {
        seq: natural(row.get(0)?),
        id: row.get(1)?,
        model: row.get(2)?,
        input: row.get(3)?,
        hash: row.get(4)?,
        state: state_of(&state),
        held: row.get(6)?,
        folder: row.get::<_, Option<String>>(7)?.map(Into::into),
        row: row.get(8)?,
        occurrence: natural(row.get(9)?),
        superseded: row.get(10)?,
        outcome: outcome
            .map(|word| Outcome::from_word(&word, message, request_ids.unwrap_or_default())),
        planned_at: time(row.get(14)?),
        sending_at: at(15)?,
        created_at: at(16)?,
        ended_at: at(17)?,
        request_id: row.get(18)?,
        service: row.get(19)?,
        key: row.get(20)?,
        batch: row.get(21)?,
        price: row.get::<_, Option<i64>>(22)?.map(Usd::from_nanos),
        charge: row.get::<_, Option<i64>>(23)?.map(Usd::from_nanos),
        cost: row.get::<_, Option<i64>>(24)?.map(Usd::from_nanos),
        names: row.get(25)?,
        labels: row.get(26)?,
        retake: natural(row.get(27)?),
        seen: Vec::new(),
        files: Vec::new(),
    })
}

fn seen(conn: &Connection, seq: u64) -> rusqlite::Result<Vec<(std::time::SystemTime, String)>> {
    conn.prepare_cached("SELECT at, status FROM seen WHERE seq = ? ORDER BY at, rowid")?
        .query_map([integer(seq)], |row| Ok((time(row.get(0)?), row.get(1)?)))?
        .collect()
}

fn files(conn: &Connection, seq: u64, folder: Option<&Path>) -> rusqlite::Result<Vec<FileRecord>> {
    conn.prepare_cached(
        "SELECT position, path, bytes, media_type FROM file WHERE seq = ? ORDER BY position",
    )?
    .query_map([integer(seq)], |row| {
        Ok(FileRecord {
            position: natural(row.get(0)?),
            path: file_path(folder, &row.get::<_, String>(1)?),
            bytes: natural(row.get(2)?),
            media_type: row.get(3)?,
        })
    })?
    .collect()
}
