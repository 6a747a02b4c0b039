//! The index of a batch: what became of each row, beside its files.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;

use cometapi_batch::{Entry, Filter, Ledger, Outcome, State, Usd};
use serde_json::{Map, Value, json};

use crate::whole::Whole;

const JSONL: &str = "index.jsonl";
const CSV: &str = "index.csv";

/// The columns before the labels, and the fields of each line of JSON.
const COLUMNS: [&str; 11] = [
    "row", "id", "file", "model", "prompt", "seed", "status", "reason", "seconds", "cost",
    "version",
];

/// How many predictions are in memory at once.
const PAGE: u32 = 200;

/// Writes the index of a batch into its folder, from what the ledger knows. Returns what to say where
/// that cannot be done: the rows are worth more than their index.
pub(in crate::command) async fn write(
    ledger: &dyn Ledger,
    batch: &str,
    folder: &Path,
) -> Option<String> {
    let why = match write_both(ledger, batch, folder).await {
        Ok(()) => return None,
        Err(NotWritten::Ledger(error)) => error.to_string(),
        Err(NotWritten::File(error)) => error.to_string(),
    };
    Some(format!(
        "the index of {} was not written: {why}",
        folder.display()
    ))
}

enum NotWritten {
    Ledger(cometapi_batch::Error),
    File(io::Error),
}

impl From<io::Error> for NotWritten {
    fn from(error: io::Error) -> Self {
        Self::File(error)
    }
}

async fn write_both(ledger: &dyn Ledger, batch: &str, folder: &Path) -> Result<(), NotWritten> {
    let (jsonl, csv) = (folder.join(JSONL), folder.join(CSV));
    check_replaceable(&jsonl, |line| {
        let json: Map<String, Value> = serde_json::from_str(line).ok()?;
        COLUMNS
            .iter()
            .all(|name| json.contains_key(*name))
            .then_some(())
    })?;
    check_replaceable(&csv, |line| {
        line.starts_with(&COLUMNS.join(",")).then_some(())
    })?;
    let mut file = Whole::begin(&jsonl)?;
    let mut labels = BTreeSet::new();
    each_record(ledger, batch, |record| {
        if record
            .file
            .as_deref()
            .is_some_and(|it| [JSONL, CSV].contains(&it))
        {
            return Err(in_the_way());
        }
        labels.extend(record.labels.keys().cloned());
        writeln!(file, "{}", record.json())
    })
    .await?;
    file.commit()?;
    let mut table = csv::Writer::from_writer(Whole::begin(&csv)?);
    let names = labels.iter().map(|name| column_of(name));
    let head = COLUMNS.iter().map(|it| (*it).to_owned()).chain(names);
    table.write_record(head).map_err(io::Error::from)?;
    each_record(ledger, batch, |record| {
        Ok(table.write_record(record.cells(&labels))?)
    })
    .await?;
    let file = table
        .into_inner()
        .map_err(csv::IntoInnerError::into_error)?;
    Ok(file.commit()?)
}

/// The column of a label.
fn column_of(label: &str) -> String {
    if COLUMNS.contains(&label) {
        return format!("label:{label}");
    }
    cell(label)
}

/// Refuses to replace a file that is not an index, whose first line `recognize` does not know.
fn check_replaceable(path: &Path, recognize: impl Fn(&str) -> Option<()>) -> io::Result<()> {
    let file = match fs::File::open(path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
        opened => opened?,
    };
    let mut line = String::new();
    let read = BufReader::new(io::Read::take(file, 1 << 20)).read_line(&mut line);
    match read {
        // An index of no rows.
        Ok(0) => Ok(()),
        Ok(_) if recognize(&line).is_some() => Ok(()),
        _ => Err(in_the_way()),
    }
}

fn in_the_way() -> io::Error {
    let what = "another file has its name; move it away, and run the same command again";
    io::Error::new(io::ErrorKind::AlreadyExists, what)
}

/// Calls `take` with each record of the batch, in the order in which rows were first seen.
async fn each_record(
    ledger: &dyn Ledger,
    batch: &str,
    mut take: impl FnMut(&Record<'_>) -> io::Result<()>,
) -> Result<(), NotWritten> {
    let mut after = 0;
    loop {
        let mut filter = Filter::default();
        filter.batch = Some(batch.to_owned());
        filter.after = Some(after);
        filter.limit = PAGE;
        let page = ledger.list(filter).await.map_err(NotWritten::Ledger)?;
        let Some(last) = page.last() else {
            return Ok(());
        };
        after = last.seq;
        for entry in &page {
            for record in Record::all_of(entry) {
                take(&record)?;
            }
        }
    }
}

/// A file, or a row that has none.
struct Record<'e> {
    entry: &'e Entry,
    file: Option<String>,
    prompt: Option<String>,
    seed: Value,
    labels: Map<String, Value>,
}

impl<'e> Record<'e> {
    /// One record for each file; one for a row without files, unless another prediction has taken its
    /// place.
    fn all_of(entry: &'e Entry) -> Vec<Self> {
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
        let record = |file| Record {
            entry,
            file,
            prompt: prompt.clone(),
            seed: seed.clone(),
            labels: labels.clone(),
        };
        if entry.files.is_empty() && !entry.superseded {
            return vec![record(None)];
        }
        let files = entry.files.iter();
        files
            .map(|file| record(Some(relative(&file.path, entry.folder.as_deref()))))
            .collect()
    }

    fn status(&self) -> &str {
        match (self.entry.state, &self.entry.outcome) {
            (State::Ended, Some(outcome)) => outcome.word(),
            (state, _) => state.as_str(),
        }
    }

    /// Why it failed or is unresolved.
    fn reason(&self) -> Option<&str> {
        let outcome: &Outcome = self.entry.outcome.as_ref()?;
        outcome.message.as_deref().filter(|_| !outcome.is_success())
    }

    /// How long it took from the create request to its end, in tenths of a second.
    fn seconds(&self) -> Option<f64> {
        let begun = self.entry.created_at.or(self.entry.sending_at)?;
        let took = self.entry.ended_at?.duration_since(begun).ok()?;
        Some((took.as_secs_f64() * 10.0).round() / 10.0)
    }

    fn cost(&self) -> Option<Usd> {
        self.entry.cost
    }

    fn json(&self) -> Value {
        json!({
            "row": self.entry.row,
            "id": self.entry.id,
            "file": self.file,
            "model": self.entry.model,
            "prompt": self.prompt,
            "seed": self.seed,
            "status": self.status(),
            "reason": self.reason(),
            "seconds": self.seconds(),
            "cost": self.cost(),
            "version": self.entry.retake + 1,
            "labels": self.labels,
        })
    }

    fn cells(&self, labels: &BTreeSet<String>) -> Vec<String> {
        let text = |value: Option<&str>| cell(value.unwrap_or_default());
        let mut cells = vec![
            text(self.entry.row.as_deref()),
            text(self.entry.id.as_deref()),
            text(self.file.as_deref()),
            text(Some(&self.entry.model)),
            text(self.prompt.as_deref()),
            plain(&self.seed),
            self.status().to_owned(),
            text(self.reason()),
            self.seconds().map(|it| it.to_string()).unwrap_or_default(),
            self.cost().map(|it| plain(&json!(it))).unwrap_or_default(),
            (self.entry.retake + 1).to_string(),
        ];
        cells.extend(labels.iter().map(|name| match self.labels.get(name) {
            Some(value) => cell(&plain(value)),
            None => String::new(),
        }));
        cells
    }
}

/// A value without the quotes of JSON.
fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Text as a cell that no spreadsheet takes for a formula: what begins like one and is not a number
/// gets an apostrophe, which spreadsheets do not show. The JSON has it as it is.
fn cell(text: &str) -> String {
    let is_formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    if is_formula && text.parse::<f64>().is_err() {
        return format!("'{text}");
    }
    text.to_owned()
}

/// The path of a file below the folder of its batch, with `/` between parts.
fn relative(path: &Path, folder: Option<&Path>) -> String {
    let below = folder.and_then(|folder| path.strip_prefix(folder).ok());
    match below {
        Some(below) => {
            let parts = below
                .components()
                .map(|part| part.as_os_str().to_string_lossy());
            parts.collect::<Vec<_>>().join("/")
        }
        None => path.to_string_lossy().into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_no_formula() {
        for (text, shown) in [
            ("a fox", "a fox"),
            ("=HYPERLINK(\"x\")", "'=HYPERLINK(\"x\")"),
            ("@fox", "'@fox"),
            ("-5", "-5"),
            ("+49 30 1234", "'+49 30 1234"),
            ("- a fox", "'- a fox"),
            ("'quoted'", "'quoted'"),
            ("", ""),
        ] {
            assert_eq!(cell(text), shown);
        }
    }

    #[test]
    fn a_file_is_named_from_the_folder_of_its_batch() {
        let path = Path::new("/a/b/out/animals/fox.webp");
        assert_eq!(
            relative(path, Some(Path::new("/a/b/out"))),
            "animals/fox.webp"
        );
        assert_eq!(
            relative(path, Some(Path::new("/c"))),
            "/a/b/out/animals/fox.webp"
        );
        assert_eq!(relative(path, None), "/a/b/out/animals/fox.webp");
    }

    #[test]
    fn a_label_of_a_columns_name_has_a_column_of_its_own() {
        assert_eq!(column_of("customer"), "customer");
        assert_eq!(column_of("status"), "label:status");
    }

    #[test]
    fn only_an_index_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(CSV);
        let check = || check_replaceable(&path, |line| line.starts_with("row,").then_some(()));
        assert!(check().is_ok());
        for (content, is_replaced) in [("", true), ("row,id\n", true), ("prompt\nx\n", false)] {
            fs::write(&path, content).unwrap();
            assert_eq!(check().is_ok(), is_replaced, "{content}");
        }
    }
}
