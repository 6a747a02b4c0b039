//! `failed.csv`: the rows of a run that failed, to edit and run again.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use cometapi::ModelRef;
use cometapi_batch::{Entry, Filter, Ledger, csv_cell};
use serde_json::{Map, Value};

use super::failures::short;
use crate::record::{NotWritten, each, in_the_way, reason};
use crate::whole::Whole;

pub(super) const NAME: &str = "failed.csv";

/// The first columns. What reads rows ignores a column whose name begins with `#`.
const COLUMNS: [&str; 3] = ["id", "model", "#reason"];

/// What the columns of labels begin with.
const LABEL: &str = "label:";

/// What became of the file.
#[derive(Default)]
pub(super) struct Written {
    /// Where it is, if a row failed.
    pub(super) path: Option<PathBuf>,
    /// How many rows have a value that no cell can hold.
    pub(super) left_out: usize,
}

/// A row, as its cells are written.
struct Row {
    id: Option<String>,
    model: String,
    reason: String,
    input: Map<String, Value>,
    labels: Map<String, Value>,
}

/// Writes the rows of these numbers into the batch's folder, and removes the file if there are none.
pub(super) async fn write(
    ledger: &dyn Ledger,
    batch: &str,
    folder: &Path,
    failed: &BTreeSet<u64>,
    unchecked: bool,
) -> Result<Written, NotWritten> {
    let path = folder.join(NAME);
    let is_there = is_replaceable(&path)?;
    let mut columns = Columns::default();
    let mut written = Written::default();
    if !failed.is_empty() {
        each_failed(ledger, batch, failed, |row| {
            match row.cells(unchecked) {
                Some(_) => columns.add(&row),
                None => written.left_out += 1,
            }
            Ok(())
        })
        .await?;
    }
    if columns.rows == 0 {
        if is_there {
            fs::remove_file(&path)?;
        }
        return Ok(written);
    }
    let mut table = csv::Writer::from_writer(Whole::begin(&path)?);
    table
        .write_record(columns.names())
        .map_err(io::Error::from)?;
    each_failed(ledger, batch, failed, |row| {
        let Some(cells) = row.cells(unchecked) else {
            return Ok(());
        };
        Ok(table.write_record(columns.record(&row, &cells))?)
    })
    .await?;
    let file = table
        .into_inner()
        .map_err(csv::IntoInnerError::into_error)?;
    file.commit()?;
    written.path = Some(path);
    Ok(written)
}

/// Whether the file is there. One that is not ours is refused.
fn is_replaceable(path: &Path) -> io::Result<bool> {
    let file = match fs::File::open(path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(false),
        opened => opened?,
    };
    let head = COLUMNS.join(",");
    let mut start = Vec::new();
    file.take(head.len() as u64).read_to_end(&mut start)?;
    if start == head.as_bytes() {
        return Ok(true);
    }
    Err(in_the_way())
}

async fn each_failed(
    ledger: &dyn Ledger,
    batch: &str,
    failed: &BTreeSet<u64>,
    mut take: impl FnMut(Row) -> io::Result<()>,
) -> Result<(), NotWritten> {
    let mut filter = Filter::default();
    filter.batch = Some(batch.to_owned());
    filter.failed = true;
    filter.after = Some(0);
    each(ledger, filter, |entry| {
        if entry.superseded || !failed.contains(&entry.seq) {
            return Ok(());
        }
        take(Row::of(entry))
    })
    .await
}

impl Row {
    fn of(entry: &Entry) -> Self {
        let labels = entry.labels.as_deref().unwrap_or_default();
        Self {
            id: entry.row.clone(),
            model: entry.model.clone(),
            reason: short(reason(entry).unwrap_or_default(), entry.id.as_deref())
                .replace('\0', " "),
            input: serde_json::from_str(&entry.input).unwrap_or_default(),
            labels: serde_json::from_str(labels).unwrap_or_default(),
        }
    }

    /// The cells of its input, in the order of its fields. `None` if one cannot be read back as it is.
    fn cells(&self, unchecked: bool) -> Option<Vec<String>> {
        let labels = self.labels.iter();
        let mut texts = labels.flat_map(|(name, value)| [Some(name.as_str()), value.as_str()]);
        // A file that holds one is not read as text.
        let has_nul = |text: &str| text.contains('\0');
        if self.id.as_deref().is_some_and(has_nul) || texts.any(|text| text.is_some_and(has_nul)) {
            return None;
        }
        let model: ModelRef = self.model.parse().ok()?;
        let cells = self.input.iter();
        cells
            .map(|(field, value)| csv_cell(&model, field, value, unchecked))
            .collect()
    }
}

/// The columns of all rows.
#[derive(Default)]
struct Columns {
    rows: usize,
    fields: BTreeSet<String>,
    labels: BTreeSet<String>,
}

impl Columns {
    fn add(&mut self, row: &Row) {
        self.rows += 1;
        self.fields.extend(row.input.keys().cloned());
        self.labels.extend(row.labels.keys().cloned());
    }

    fn names(&self) -> impl Iterator<Item = String> {
        let fixed = COLUMNS.into_iter().map(str::to_owned);
        // People look for the prompt.
        let mut fields: Vec<_> = self.fields.iter().cloned().collect();
        fields.sort_by_key(|field| field != "prompt");
        let labels = self.labels.iter().map(|label| format!("{LABEL}{label}"));
        fixed.chain(fields).chain(labels)
    }

    fn record(&self, row: &Row, cells: &[String]) -> Vec<String> {
        let of_field = |name: &str| {
            let at = row.input.keys().position(|field| field == name)?;
            cells.get(at).cloned()
        };
        let of_label = |name: &str| row.labels.get(name)?.as_str().map(str::to_owned);
        let cell = |name: String| {
            let cell = match name.as_str() {
                "id" => row.id.clone(),
                "model" => Some(row.model.clone()),
                "#reason" => Some(row.reason.clone()),
                name => match name.strip_prefix(LABEL) {
                    Some(label) => of_label(label),
                    None => of_field(name),
                },
            };
            cell.unwrap_or_default()
        };
        self.names().map(cell).collect()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_row_has_cells_where_they_can_be_read_back() {
        let map = |value: Value| value.as_object().cloned().unwrap();
        let row = |id: &str, input: Value, labels: Value| Row {
            id: Some(id.to_owned()),
            model: "acme/painter".to_owned(),
            reason: String::new(),
            input: map(input),
            labels: map(labels),
        };
        let (prompt, label) = (json!({"prompt": "x"}), json!({"client": "ACME"}));
        for (row, is_written) in [
            (row("a", prompt.clone(), label.clone()), true),
            (row("a", json!({"colour": "x\0y"}), label.clone()), true),
            // A prompt is the text of its cell.
            (row("a", json!({"prompt": "x\0y"}), label.clone()), false),
            (row("a\0", prompt.clone(), label), false),
            (row("a", prompt.clone(), json!({"client": "\0"})), false),
            (row("a", prompt, json!({"\0": "ACME"})), false),
            (row("a", json!({"\0": "x"}), json!({})), false),
        ] {
            let cells = row.cells(false);
            assert_eq!(cells.is_some(), is_written, "{:?}", row.id);
            assert!(cells.iter().flatten().all(|cell| !cell.contains('\0')));
        }
    }

    #[test]
    fn another_file_of_that_name_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(NAME);
        assert!(!is_replaceable(&path).unwrap());
        for (content, is_ours) in [
            ("id,model,#reason,prompt\n", true),
            ("", false),
            ("id,prompt\n", false),
        ] {
            fs::write(&path, content).unwrap();
            assert_eq!(is_replaceable(&path).is_ok(), is_ours, "{content}");
        }
    }
}
