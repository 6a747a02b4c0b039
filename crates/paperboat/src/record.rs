//! What became of predictions: a record for each file, and for each prediction that has none.

use std::fmt;
use std::io;
use std::path::{Component, Path, PathBuf};

use cometapi_batch::{Entry, Filter, Ledger, Outcome, State, Usd};
use serde_json::{Map, Value, json};

/// How many predictions are in memory at once.
const PAGE: u32 = 200;

/// A file, or a prediction that has none.
#[derive(Default)]
pub(crate) struct Record {
    pub(crate) row: Option<String>,
    pub(crate) id: Option<String>,
    /// From the folder of its batch, or absolute if it is not below it.
    pub(crate) file: Option<PathBuf>,
    pub(crate) model: String,
    pub(crate) prompt: Option<String>,
    pub(crate) seed: Value,
    pub(crate) status: String,
    /// Why it failed or is unresolved.
    pub(crate) reason: Option<String>,
    /// From the create request to the end, in tenths of a second.
    pub(crate) seconds: Option<f64>,
    /// Of the whole prediction, in the record of its first file alone.
    pub(crate) cost: Option<Usd>,
    pub(crate) version: u64,
    pub(crate) labels: Map<String, Value>,
}

impl Record {
    /// One record for each file; one for a row without files, unless another prediction has taken its
    /// place.
    pub(crate) fn all_of(entry: &Entry) -> Vec<Self> {
        let mut input: Map<String, Value> = serde_json::from_str(&entry.input).unwrap_or_default();
        let labels = entry
            .labels
            .as_deref()
            .and_then(|it| serde_json::from_str(it).ok());
        let labels: Map<String, Value> = labels.unwrap_or_default();
        let prompt = input
            .get("prompt")
            .and_then(Value::as_str)
            .map(str::to_owned);
        let seed = input.remove("seed").unwrap_or_default();
        let record = |file| Self {
            row: entry.row.clone(),
            id: entry.id.clone(),
            file,
            model: entry.model.clone(),
            prompt: prompt.clone(),
            seed: seed.clone(),
            status: status(entry).to_owned(),
            reason: reason(entry).map(str::to_owned),
            seconds: seconds(entry),
            cost: None,
            version: entry.retake + 1,
            labels: labels.clone(),
        };
        let files = entry.files.iter();
        let mut records: Vec<_> = files
            .map(|file| record(Some(below(&file.path, entry.folder.as_deref()))))
            .collect();
        if records.is_empty() && !entry.superseded {
            records.push(record(None));
        }
        if let Some(first) = records.first_mut() {
            first.cost = match entry.state {
                // To the ledger it costs nothing yet.
                State::Planned => entry.price,
                _ => entry.cost,
            };
        }
        records
    }

    /// The path of its file with `/` between parts.
    pub(crate) fn file_name(&self) -> Option<String> {
        let file = self.file.as_deref()?;
        if file.is_absolute() {
            return Some(file.to_string_lossy().into_owned());
        }
        let parts = file
            .components()
            .map(|part| part.as_os_str().to_string_lossy());
        Some(parts.collect::<Vec<_>>().join("/"))
    }

    /// A line of the index.
    pub(crate) fn json(&self) -> Value {
        json!({
            "row": self.row,
            "id": self.id,
            "file": self.file_name(),
            "model": self.model,
            "prompt": self.prompt,
            "seed": self.seed,
            "status": self.status,
            "reason": self.reason,
            "seconds": self.seconds,
            "cost": self.cost,
            "version": self.version,
            "labels": self.labels,
        })
    }

    /// Reads a line of an index. A file that is not below the index is left out: the index may be anyone's.
    pub(crate) fn read(line: &str) -> Option<Self> {
        let mut json: Map<String, Value> = serde_json::from_str(line).ok()?;
        let text = |name: &str| json.get(name).and_then(Value::as_str).map(str::to_owned);
        let is_below = |path: &PathBuf| {
            path.components()
                .all(|it| matches!(it, Component::Normal(_)))
        };
        Some(Self {
            row: text("row"),
            id: text("id"),
            file: text("file").map(PathBuf::from).filter(is_below),
            model: text("model")?,
            prompt: text("prompt"),
            status: text("status")?,
            reason: text("reason"),
            seconds: json.get("seconds").and_then(Value::as_f64),
            cost: text("cost").and_then(|it| it.parse().ok()),
            version: json.get("version").and_then(Value::as_u64).unwrap_or(1),
            seed: json.remove("seed").unwrap_or_default(),
            labels: match json.remove("labels") {
                Some(Value::Object(labels)) => labels,
                _ => Map::new(),
            },
        })
    }
}

fn status(entry: &Entry) -> &str {
    match (entry.state, &entry.outcome) {
        (State::Ended, Some(outcome)) => outcome.word(),
        (state, _) => state.as_str(),
    }
}

/// Why it failed or is unresolved.
pub(crate) fn reason(entry: &Entry) -> Option<&str> {
    let outcome: &Outcome = entry.outcome.as_ref()?;
    outcome.message.as_deref().filter(|_| !outcome.is_success())
}

fn seconds(entry: &Entry) -> Option<f64> {
    let begun = entry.created_at.or(entry.sending_at)?;
    let took = entry.ended_at?.duration_since(begun).ok()?;
    Some((took.as_secs_f64() * 10.0).round() / 10.0)
}

/// The path from the folder, if it is below it.
fn below(path: &Path, folder: Option<&Path>) -> PathBuf {
    let below = folder.and_then(|folder| path.strip_prefix(folder).ok());
    below.unwrap_or(path).to_owned()
}

/// A value without the quotes of JSON.
pub(crate) fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Why records were not written.
pub(crate) enum NotWritten {
    Ledger(cometapi_batch::Error),
    File(io::Error),
}

impl fmt::Display for NotWritten {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ledger(error) => error.fmt(f),
            Self::File(error) => error.fmt(f),
        }
    }
}

impl From<io::Error> for NotWritten {
    fn from(error: io::Error) -> Self {
        Self::File(error)
    }
}

/// The refusal to replace a file that is not ours.
pub(crate) fn in_the_way() -> io::Error {
    let what = "another file has its name; move it away, and run the same command again";
    io::Error::new(io::ErrorKind::AlreadyExists, what)
}

/// Calls `take` with each record of the batch, in the order in which rows were first seen.
pub(crate) async fn each_of_batch(
    ledger: &dyn Ledger,
    batch: &str,
    mut take: impl FnMut(Record) -> io::Result<()>,
) -> Result<(), NotWritten> {
    let mut filter = Filter::default();
    filter.batch = Some(batch.to_owned());
    filter.after = Some(0);
    each(ledger, filter, |entry| {
        Record::all_of(entry).into_iter().try_for_each(&mut take)
    })
    .await
}

/// Calls `take` with each prediction that the filter selects: oldest first if it has `after`, else newest
/// first.
pub(crate) async fn each(
    ledger: &dyn Ledger,
    mut filter: Filter,
    mut take: impl FnMut(&Entry) -> io::Result<()>,
) -> Result<(), NotWritten> {
    filter.limit = PAGE;
    loop {
        let page = ledger.list(filter.clone()).await;
        let page = page.map_err(NotWritten::Ledger)?;
        let Some(last) = page.last() else {
            return Ok(());
        };
        match &mut filter.after {
            Some(after) => *after = last.seq,
            None => filter.before = Some(last.seq),
        }
        page.iter().try_for_each(&mut take)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(path: &str, folder: Option<&str>) -> Option<String> {
        let record = Record {
            file: Some(below(Path::new(path), folder.map(Path::new))),
            ..Record::default()
        };
        record.file_name()
    }

    #[test]
    fn a_file_is_named_from_the_folder_of_its_batch() {
        let path = "/a/b/out/animals/fox.webp";
        let inside = named(path, Some("/a/b/out"));
        assert_eq!(inside.as_deref(), Some("animals/fox.webp"));
        assert_eq!(named(path, Some("/c")).as_deref(), Some(path));
        assert_eq!(named(path, None).as_deref(), Some(path));
    }

    #[test]
    fn a_line_that_is_read_is_the_line_that_was_written() {
        let line = json!({
            "row": "fox", "id": "q4", "file": "animals/fox.webp", "model": "acme/painter",
            "prompt": "a fox", "seed": 7, "status": "succeeded", "reason": null, "seconds": 1.5,
            "cost": "0.003", "version": 2, "labels": {"client": "ACME"},
        });
        let record = Record::read(&line.to_string()).unwrap();
        assert_eq!(record.json(), line);
    }

    #[test]
    fn a_file_elsewhere_is_left_out() {
        for file in ["../fox.webp", "/etc/passwd", "a/../../b"] {
            let line = json!({"file": file, "model": "a/b", "status": "succeeded"});
            let record = Record::read(&line.to_string()).unwrap();
            assert_eq!(record.file, None, "{file}");
        }
        for bad in ["", "[]", "{}", r#"{"model": "a/b"}"#] {
            assert!(Record::read(bad).is_none(), "{bad}");
        }
    }
}
