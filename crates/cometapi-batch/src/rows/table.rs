//! Tables.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, BufRead};

use cometapi::ModelRef;
use serde_json::Map;

use crate::rows::check;
use crate::rows::columns::{self, Column, ID, MODEL, is_field_like, is_known};
use crate::rows::problem::{MAX_PROBLEMS, Problem, refused};
use crate::rows::records::{Failure, Record, Records, delimiter_name};
use crate::rows::row::{Parts, RowResult};

/// What to write instead of lines without a header.
const INSTEAD: &str = "the first line must name the columns, such as prompt,seed; for one prompt a \
                       line without a header: --format text";

/// How it is known that rows are a table, and so that their first line is a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Certainty {
    /// The caller says so.
    Stated,
    /// The file is named so.
    Named,
    /// They are not JSON.
    Guessed,
}

/// Reads a table. `text` must have its first bytes in its buffer. Returns the notes on the header that no
/// row has taken.
pub(super) fn read(
    mut text: impl BufRead,
    certainty: Certainty,
    is_unchecked: bool,
    max: usize,
    model: Option<&ModelRef>,
    visit: &mut dyn FnMut(RowResult) -> bool,
) -> io::Result<Vec<Problem>> {
    let mut line = 1;
    let mut delimiter = None;
    if let Some((named, length)) = separator(text.fill_buf()?) {
        text.consume(length);
        line = 2;
        delimiter = Some(named.ok_or_else(|| {
            refused(Problem::new(
                1,
                None,
                "sep= must name one character, such as sep=;",
            ))
        })?);
    }
    let mut records = Records::new(text, delimiter, line, max);
    let mut record = Record::default();
    loop {
        if !records.read(&mut record).map_err(failed)? {
            return Ok(Vec::new());
        }
        // Spreadsheets may leave empty lines above the header.
        if record.cells().is_none_or(|cells| !is_empty(&cells)) {
            break;
        }
    }
    let mut header = Header::read(&record, records.delimiter()).map_err(refused)?;
    header.must_be_one(certainty, model).map_err(refused)?;
    header.is_unchecked = is_unchecked;
    while records.read(&mut record).map_err(failed)? {
        let row = match record.cells() {
            None => {
                let what = "not UTF-8; save the file as UTF-8";
                Err(vec![Problem::new(record.line, None, what)])
            }
            Some(cells) if is_empty(&cells) => continue,
            Some(cells) if header.is_repeated(&cells) => {
                let what = "repeats the header; remove the line";
                Err(vec![Problem::new(record.line, None, what)])
            }
            Some(cells) => header.row(record.line, &cells, model).map_err(refused)?,
        };
        let lines = record.lines_like_records(header.names.len());
        header.notes.extend(lines.map(|lines| {
            let what = format!(
                "spans {lines} lines, and each of them could be a row of its own; check its quotes"
            );
            Problem::new(record.line, None, what)
        }));
        let row = row.map(|mut row| {
            row.notes.append(&mut header.notes);
            row
        });
        if !visit(row) {
            break;
        }
    }
    Ok(header.notes)
}

fn failed(failure: Failure) -> io::Error {
    match failure {
        Failure::Io(e) => e,
        Failure::Doubt(line, doubt) => refused(Problem::new(line, None, doubt.to_string())),
    }
}

/// Excel's first line that names the delimiter: the delimiter, unless it cannot be one, and the
/// length of the line.
fn separator(head: &[u8]) -> Option<(Option<u8>, usize)> {
    let length = head.iter().position(|byte| matches!(byte, b'\r' | b'\n'));
    let line = &head[..length.unwrap_or(head.len())];
    let quoted = line
        .strip_prefix(b"\"")
        .and_then(|line| line.strip_suffix(b"\""));
    let (key, named) = quoted.unwrap_or(line).split_at_checked(4)?;
    if !key.eq_ignore_ascii_case(b"sep=") {
        return None;
    }
    let ending = match &head[line.len()..] {
        [b'\r', b'\n', ..] => 2,
        [] => 0,
        _ => 1,
    };
    let delimiter = match named {
        [byte] if *byte == b'\t' || (byte.is_ascii_punctuation() && *byte != b'"') => Some(*byte),
        _ => None,
    };
    Some((delimiter, line.len() + ending))
}

/// Whether a row holds nothing.
fn is_empty(cells: &[&str]) -> bool {
    cells.iter().all(|cell| cell.trim().is_empty())
}

/// The columns.
struct Header {
    line: u64,
    names: Vec<String>,
    delimiter: u8,
    model: Option<usize>,
    id: Option<usize>,
    /// Whether columns that no model has are sent.
    is_unchecked: bool,
    /// What the columns are to each model.
    columns: BTreeMap<ModelRef, Vec<Column>>,
    /// The columns of labels that a note has been made of.
    noted: BTreeSet<usize>,
    /// The notes that the next good row takes.
    notes: Vec<Problem>,
}

impl Header {
    fn read(record: &Record, delimiter: u8) -> Result<Self, Problem> {
        let line = record.line;
        let cells = record
            .cells()
            .ok_or_else(|| Problem::new(line, None, "not UTF-8; save the file as UTF-8"))?;
        let names: Vec<String> = cells.iter().map(|name| name.trim().to_owned()).collect();
        let mut seen = BTreeSet::new();
        if let Some(name) = names
            .iter()
            .find(|name| !name.is_empty() && !seen.insert(*name))
        {
            return Err(Problem::new(
                line,
                name.clone(),
                "two columns have this name",
            ));
        }
        let place = |name: &str| {
            columns::place(&names, name).map_err(|what| Problem::new(line, None, what))
        };
        let (model, id) = (place(MODEL)?, place(ID)?);
        Ok(Self {
            line,
            names,
            delimiter,
            model,
            id,
            is_unchecked: false,
            columns: BTreeMap::new(),
            noted: BTreeSet::new(),
            notes: Vec::new(),
        })
    }

    /// Refuses a first line that is not, or may not be, a header: its row would be lost, and all
    /// others sent under its words.
    fn must_be_one(&self, certainty: Certainty, model: Option<&ModelRef>) -> Result<(), Problem> {
        let names = || self.names.iter().filter(|name| !name.is_empty());
        let refused = |what: String| Err(Problem::new(self.line, None, what));
        if names().any(|name| is_known(name, model)) {
            return Ok(());
        }
        if let Some(name) = names().find(|name| !is_field_like(name)) {
            let name: String = name.chars().take(40).collect();
            return refused(format!("{name:?} is not the name of a field; {INSTEAD}"));
        }
        let is_header = match certainty {
            Certainty::Stated => true,
            Certainty::Named => names().count() > 1,
            Certainty::Guessed => false,
        };
        if is_header {
            return Ok(());
        }
        let names: Vec<_> = names().take(3).map(String::as_str).collect();
        refused(format!(
            "no field {} is known, so this line may be a row and not a header; {INSTEAD}; or say \
             that it is a header by naming the format (--format csv)",
            names.join(", ")
        ))
    }

    /// Whether a row holds the names of the columns, as it does where tables were put together.
    fn is_repeated(&self, cells: &[&str]) -> bool {
        let plain = |cell: &&str| cell.trim_start_matches('\u{feff}').trim().to_owned();
        cells.iter().map(plain).eq(self.names.iter().cloned())
    }

    /// The row that cells are. The error is one of the header.
    fn row(
        &mut self,
        line: u64,
        cells: &[&str],
        default: Option<&ModelRef>,
    ) -> Result<RowResult, Problem> {
        let cell = |at: Option<usize>| {
            let text = cells.get(at?)?.trim();
            (!text.is_empty()).then(|| text.to_owned())
        };
        let parts = Parts {
            line,
            item: None,
            id: cell(self.id),
            model: cell(self.model),
            default,
        };
        let mut problems = self.column_problems(line, cells);
        let model = match parts.model() {
            Ok(model) => model,
            Err(problem) => {
                problems.push(problem);
                return Ok(Err(problems));
            }
        };
        let has_decimal_comma = self.delimiter == b';';
        if !self.columns.contains_key(&model) {
            let columns = columns::of(&self.names, &model, self.is_unchecked)
                .map_err(|what| Problem::new(self.line, None, what))?;
            self.columns.insert(model.clone(), columns);
        }
        let mut row = parts.row(model, Map::new());
        let columns = self.columns.get(&row.model).into_iter().flatten();
        for ((at, column), text) in columns.enumerate().zip(cells) {
            match column {
                Column::Other => {}
                Column::Field(name) => {
                    match check::cell(&row.model, name, text, has_decimal_comma) {
                        Ok(Some(value)) => _ = row.input.insert(name.clone(), value),
                        Ok(None) => {}
                        Err(what) if problems.len() < MAX_PROBLEMS => {
                            problems.push(Problem::new(line, name.clone(), what));
                        }
                        Err(_) => {}
                    }
                }
                Column::Label { name, why } => {
                    let text = text.trim().replace("\r\n", "\n");
                    if text.is_empty() {
                        continue;
                    }
                    if let Some(why) = why
                        && self.noted.insert(at)
                    {
                        self.notes.push(Problem::new(self.line, None, why.clone()));
                    }
                    row.labels.insert(name.clone(), text);
                }
            }
        }
        Ok(if problems.is_empty() {
            Ok(row)
        } else {
            Err(problems)
        })
    }

    /// Cells without a column, and columns without a cell.
    fn column_problems(&self, line: u64, cells: &[&str]) -> Vec<Problem> {
        let columns = self.names.len();
        if cells.len() < columns {
            let what = format!("has {} cells under {columns} columns", cells.len());
            return vec![Problem::new(line, None, what)];
        }
        let nameless = |at: usize| self.names.get(at).is_none_or(String::is_empty);
        cells
            .iter()
            .enumerate()
            .filter(|(at, text)| nameless(*at) && !text.trim().is_empty())
            .take(MAX_PROBLEMS)
            .map(|(at, _)| {
                let delimiter = delimiter_name(self.delimiter);
                Problem::new(
                    line,
                    format!("cell {}", at + 1),
                    format!("stands under no column: quote a cell that holds {delimiter}"),
                )
            })
            .collect()
    }
}
