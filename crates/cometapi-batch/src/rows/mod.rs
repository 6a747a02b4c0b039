//! Reading rows: one model and one input each, out of JSON lines or a table.

mod breaks;
mod identity;
mod jsonl;
pub(crate) mod known;
mod table;
#[cfg(test)]
mod tests;

use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use cometapi::ModelRef;
use serde_json::{Map, Value};

pub(crate) use identity::{canonical_map, digest, hash, number_by_value};

/// The longest line that is read, in bytes. An input may hold a picture, but a file without
/// line breaks must not fill the memory.
const LINE_CAP: u64 = 64 << 20;

/// How rows are written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Format {
    /// One JSON object a line: `{"model": …, "input": {…}}`, or flat, where every key but
    /// `model` and `id` is an input field.
    JsonLines,
    /// A table with a header; columns are input fields, but for `model` and `id`. A row without
    /// an `id` is told by what its cells are read as, so that a later version of this crate that
    /// knows more models may read an old table as new rows: give ids to what outlives an upgrade.
    Csv,
}

impl Format {
    /// The format that a name's ending stands for: `.csv`, or `.jsonl`, `.ndjson` and
    /// `.json`.
    pub fn of_name(path: impl AsRef<Path>) -> Option<Self> {
        let ending = path.as_ref().extension()?.to_str()?.to_ascii_lowercase();
        match ending.as_str() {
            "csv" => Some(Self::Csv),
            "jsonl" | "ndjson" | "json" => Some(Self::JsonLines),
            _ => None,
        }
    }
}

/// Where rows come from.
///
/// ```
/// use cometapi_batch::{Format, Rows};
///
/// let text = "{\"model\": \"black-forest-labs/flux-dev\", \"prompt\": \"a red fox\"}\n";
/// let rows = Rows::reader(std::io::Cursor::new(text), Format::JsonLines);
/// ```
pub struct Rows {
    read: Box<dyn Read + Send>,
    format: Format,
}

impl Rows {
    /// The rows of a file, whose name tells the format; JSON lines if it tells none.
    pub fn file(path: impl AsRef<Path>) -> io::Result<Self> {
        let path = path.as_ref();
        let format = Format::of_name(path).unwrap_or(Format::JsonLines);
        Ok(Self::reader(File::open(path)?, format))
    }

    /// The rows of anything that can be read once: standard input, a text in memory.
    pub fn reader(read: impl Read + Send + 'static, format: Format) -> Self {
        Self {
            read: Box::new(read),
            format,
        }
    }

    /// The same rows read in another format.
    #[must_use]
    pub fn format(mut self, format: Format) -> Self {
        self.format = format;
        self
    }
}

impl fmt::Debug for Rows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rows")
            .field("format", &self.format)
            .finish_non_exhaustive()
    }
}

/// What is wrong with a row, or may be.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Problem {
    /// The line that the row begins on, counted from 1.
    pub line: u64,
    /// The field at fault.
    pub field: Option<String>,
    /// What is wrong, for a person.
    pub what: String,
}

impl Problem {
    /// What is wrong with a field, in words that name it.
    pub(crate) fn of_field(line: u64, field: impl Into<String>, what: impl Into<String>) -> Self {
        Self::new(line, field.into(), what)
    }

    pub(crate) fn new(
        line: u64,
        field: impl Into<Option<String>>,
        what: impl Into<String>,
    ) -> Self {
        Self {
            line,
            field: field.into(),
            what: what.into(),
        }
    }
}

impl Problem {
    /// A row whose id was seen with another input.
    pub(crate) fn changed(line: u64, id: &str) -> Self {
        let what = format!(
            "{id:?} was sent with another model or input before: give the changed row another id"
        );
        Self::new(line, "id".to_owned(), what)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}", self.line)?;
        // Most sentences on a field begin with it.
        if let Some(field) = &self.field
            && !self.what.starts_with(field.as_str())
        {
            write!(f, ", {field}")?;
        }
        write!(f, ": {}", self.what)
    }
}

/// A row as it was read.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Row {
    pub(crate) line: u64,
    pub(crate) id: Option<String>,
    pub(crate) model: ModelRef,
    pub(crate) input: Map<String, Value>,
}

/// A row, or all that is wrong with it.
pub(crate) type Read1 = Result<Row, Vec<Problem>>;

/// Reads every row. The visitor says whether to go on; a fault of the reading itself ends it.
pub(crate) fn read(
    rows: Rows,
    model: Option<&ModelRef>,
    visit: &mut dyn FnMut(Read1) -> bool,
) -> io::Result<()> {
    let mut read = BufReader::with_capacity(1 << 16, rows.read);
    // Spreadsheets begin a text with a byte order mark.
    if read.fill_buf()?.starts_with(b"\xef\xbb\xbf") {
        read.consume(3);
    }
    match rows.format {
        Format::JsonLines => jsonl::read(read, model, visit),
        Format::Csv => table::read(read, model, visit),
    }
}

/// The parts of a row, brought together.
struct Parts<'m> {
    line: u64,
    id: Option<String>,
    model: Option<String>,
    default: Option<&'m ModelRef>,
}

impl Parts<'_> {
    fn model(&self) -> Result<ModelRef, Problem> {
        let problem = |what: String| Problem::new(self.line, "model".to_owned(), what);
        match (&self.model, self.default) {
            (Some(text), _) => text.parse().map_err(|e| problem(format!("{e}"))),
            (None, Some(model)) => Ok(model.clone()),
            (None, None) => Err(problem(
                "there is none: give each row one, or one for all rows".to_owned(),
            )),
        }
    }

    fn row(self, model: ModelRef, input: Map<String, Value>) -> Read1 {
        if input.is_empty() {
            return Err(vec![Problem::new(
                self.line,
                None,
                "the input holds nothing",
            )]);
        }
        Ok(Row {
            line: self.line,
            id: self.id,
            model,
            input,
        })
    }
}
