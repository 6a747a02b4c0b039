//! The index of a batch: what became of each row, beside its files.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;

use cometapi_batch::Ledger;
use serde_json::{Map, Value, json};

use crate::gallery;
use crate::record::{NotWritten, Record, each_of_batch, in_the_way, plain};
use crate::whole::Whole;

const JSONL: &str = "index.jsonl";
const CSV: &str = "index.csv";

/// The columns before the labels, and the fields of each line of JSON.
const COLUMNS: [&str; 11] = [
    "row", "id", "file", "model", "prompt", "seed", "status", "reason", "seconds", "cost",
    "version",
];

/// Writes the index of a batch and its gallery into its folder, from what the ledger knows. Returns what
/// to say where that cannot be done: the rows are worth more than their index.
pub(in crate::command) async fn write(
    ledger: &dyn Ledger,
    batch: &str,
    folder: &Path,
) -> Vec<String> {
    let place = folder.display();
    let index = write_both(ledger, batch, folder).await;
    let index = index.map_err(|why| format!("the index of {place} was not written: {why}"));
    let page = gallery::write_batch(ledger, batch, folder).await;
    let page = page.map_err(|why| format!("the gallery of {place} was not written: {why}"));
    [index, page].into_iter().filter_map(Result::err).collect()
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
    each_of_batch(ledger, batch, |record| {
        let is_index = |it: &Path| [JSONL, CSV].map(Path::new).contains(&it);
        if record.file.as_deref().is_some_and(is_index) {
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
    each_of_batch(ledger, batch, |record| {
        Ok(table.write_record(cells(&record, &labels))?)
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

fn cells(record: &Record, labels: &BTreeSet<String>) -> Vec<String> {
    let text = |value: Option<&str>| cell(value.unwrap_or_default());
    let mut cells = vec![
        text(record.row.as_deref()),
        text(record.id.as_deref()),
        text(record.file_name().as_deref()),
        text(Some(&record.model)),
        text(record.prompt.as_deref()),
        plain(&record.seed),
        record.status.clone(),
        text(record.reason.as_deref()),
        record.seconds.map(|it| it.to_string()).unwrap_or_default(),
        record.cost.map(|it| plain(&json!(it))).unwrap_or_default(),
        record.version.to_string(),
    ];
    cells.extend(labels.iter().map(|name| match record.labels.get(name) {
        Some(value) => cell(&plain(value)),
        None => String::new(),
    }));
    cells
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
