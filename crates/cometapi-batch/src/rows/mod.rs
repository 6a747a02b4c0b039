//! Reading rows: one model and one input each, out of JSON lines or a table.

mod array;
pub(crate) mod check;
mod content;
mod identity;
mod jsonl;
mod records;
mod table;
#[cfg(test)]
mod tests;

use std::fmt;
use std::fs::File;
use std::io::{self, BufReader, Cursor, Read};
use std::path::Path;

use cometapi::{ModelRef, truncate_owned};
use serde_json::{Map, Value};

pub use content::NotText;
pub(crate) use identity::{canonical_map, hash, number_by_value};

/// The longest row that is read unless set otherwise, in bytes. An input may hold a small image, but
/// a file without line breaks must not fill the memory.
pub(crate) const MAX_ROW_SIZE: usize = 1 << 20;

/// The longest text that a problem quotes, in bytes: it may hold what a row holds.
const MAX_PROBLEM: usize = 1024;

/// The most problems of one row. It may have as many as it has cells.
pub(crate) const MAX_PROBLEMS: usize = 20;

/// How much of the beginning shows what a file is.
const HEAD: usize = 4096;

/// The format of rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Format {
    /// One JSON object a line: `{"model": …, "input": {…}}`, or flat, where every key but
    /// `model` and `id` is an input field. One list of such objects is read as well.
    JsonLines,
    /// A table with a header; columns are input fields, except `model` and `id`. Cells are
    /// separated by a comma, a semicolon or a tab, as the header shows, or by the character that
    /// a first line `sep=;` names, and quoted as in RFC 4180. A quote that does not fit refuses
    /// the whole table: where its rows begin is in doubt.
    ///
    /// A row without an `id` is identified by the values of its cells, so that a later version of
    /// this crate that knows more models may read an old table as new rows: give ids to what
    /// outlives an upgrade.
    Csv,
}

impl Format {
    /// Returns the format that a name's extension stands for: `.csv` and `.tsv`, or `.jsonl`,
    /// `.ndjson` and `.json`.
    pub fn of_name(path: impl AsRef<Path>) -> Option<Self> {
        let extension = path.as_ref().extension()?.to_str()?.to_ascii_lowercase();
        match extension.as_str() {
            "csv" | "tsv" => Some(Self::Csv),
            "jsonl" | "ndjson" | "json" => Some(Self::JsonLines),
            _ => None,
        }
    }

    /// Rows without a name: JSON begins with a bracket, and no header does.
    fn of_content(head: &[u8]) -> Self {
        match head.trim_ascii_start().first() {
            Some(b'{' | b'[') | None => Self::JsonLines,
            Some(_) => Self::Csv,
        }
    }
}

/// How it is known that rows are a table, and so that their first line is a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Certainty {
    /// The caller says so.
    Stated,
    /// The file is named so.
    Named,
    /// They are not JSON.
    Guessed,
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
    /// `None` to go by the content.
    format: Option<Format>,
    certainty: Certainty,
    max_row_size: usize,
}

impl Rows {
    /// The rows of a file, whose name tells the format, or else its content.
    pub fn file(path: impl AsRef<Path>) -> io::Result<Self> {
        let path = path.as_ref();
        let rows = Self::detect(File::open(path)?);
        Ok(match Format::of_name(path) {
            Some(format) => Self {
                format: Some(format),
                certainty: Certainty::Named,
                ..rows
            },
            None => rows,
        })
    }

    /// The rows of anything that can be read once: standard input, a string in memory.
    pub fn reader(read: impl Read + Send + 'static, format: Format) -> Self {
        Self::detect(read).format(format)
    }

    /// The rows of anything that can be read once, in the format that its content shows. A table
    /// must have a column of a known name, such as `prompt`: else its first line may be a row.
    pub fn detect(read: impl Read + Send + 'static) -> Self {
        Self {
            read: Box::new(read),
            format: None,
            certainty: Certainty::Guessed,
            max_row_size: MAX_ROW_SIZE,
        }
    }

    /// The same rows read in another format.
    #[must_use]
    pub fn format(mut self, format: Format) -> Self {
        self.format = Some(format);
        self.certainty = Certainty::Stated;
        self
    }

    /// Sets how long a row may be, in bytes as it is written in the file; 1 MiB by default. A longer
    /// row is refused without being held in memory. In JSON lines, the rows after it are still
    /// read; a list or a table is refused as a whole.
    ///
    /// A row takes several times its length in memory while it is checked.
    #[must_use]
    pub fn max_row_size(mut self, bytes: usize) -> Self {
        self.max_row_size = bytes;
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
    /// The place of the row in a JSON list, counted from 1. `None` when rows are lines.
    pub item: Option<u64>,
    /// The field at fault.
    pub field: Option<String>,
    /// What is wrong, for a person.
    pub what: String,
    /// How many later rows have the same problem, where problems are collected: in
    /// [`Error::problems`](crate::Error::problems).
    pub repeated: u64,
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
        let field: Option<String> = field.into();
        Self {
            line,
            item: None,
            field: field.map(|field| truncate_owned(field, MAX_PROBLEM)),
            what: truncate_owned(what.into(), MAX_PROBLEM),
            repeated: 0,
        }
    }

    /// The same of the row at the place `item` of a list.
    pub(crate) fn in_list(mut self, item: Option<u64>) -> Self {
        self.item = item;
        self
    }

    /// Whether the same is wrong, in another row.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.what == other.what && self.field == other.field
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
        if let Some(item) = self.item {
            write!(f, " (row {item})")?;
        }
        // Most sentences on a field begin with it.
        if let Some(field) = &self.field
            && !self.what.starts_with(field.as_str())
        {
            write!(f, ", {field}")?;
        }
        write!(f, ": {}", self.what)?;
        match self.repeated {
            0 => Ok(()),
            1 => f.write_str(" (and in 1 more row)"),
            more => write!(f, " (and in {more} more rows)"),
        }
    }
}

/// A row as it was read.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Row {
    pub(crate) line: u64,
    /// The place in a JSON list.
    pub(crate) item: Option<u64>,
    pub(crate) id: Option<String>,
    pub(crate) model: ModelRef,
    pub(crate) input: Map<String, Value>,
    /// What looks like a slip in it.
    pub(crate) note: Option<String>,
}

/// A row, or all that is wrong with it.
pub(crate) type Read1 = Result<Row, Vec<Problem>>;

/// Reads every row. The visitor returns whether to continue. An error is a fault of the reading
/// itself, or a file in which it is in doubt what the rows are.
pub(crate) fn read(
    rows: Rows,
    model: Option<&ModelRef>,
    visit: &mut dyn FnMut(Read1) -> bool,
) -> io::Result<()> {
    let mut rest = rows.read;
    let head = head(&mut rest)?;
    if let Some(kind) = NotText::detect(&head) {
        let what = format!("the file is {kind}");
        return Err(io::Error::new(io::ErrorKind::InvalidData, what));
    }
    let head = without_mark(&head).to_vec();
    let is_list = head.trim_ascii_start().starts_with(b"[");
    let format = rows.format.unwrap_or_else(|| Format::of_content(&head));
    let text = BufReader::with_capacity(1 << 16, Cursor::new(head).chain(rest));
    let max = rows.max_row_size;
    match format {
        Format::JsonLines if is_list => array::read(text, max, model, visit),
        Format::JsonLines => jsonl::read(text, max, model, visit),
        Format::Csv => table::read(text, rows.certainty, max, model, visit),
    }
}

/// What is wrong with a row of more than `max` bytes.
fn too_long(max: usize) -> String {
    let (size, unit) = match max {
        _ if max >= 1 << 20 && max.is_multiple_of(1 << 20) => (max >> 20, "MB"),
        _ if max >= 1 << 10 && max.is_multiple_of(1 << 10) => (max >> 10, "kB"),
        _ => (max, "bytes"),
    };
    format!("longer than {size} {unit}; to allow longer rows: --max-row-size SIZE")
}

/// Reads as much as shows what the text is: its first line, or [`HEAD`] bytes. No more, because
/// a program that writes to a pipe may wait until the first rows are seen to be read.
fn head(text: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    let mut chunk = [0; HEAD];
    while head.len() < HEAD && !without_mark(&head).trim_ascii_start().contains(&b'\n') {
        match text.read(&mut chunk[head.len()..]) {
            Ok(0) => break,
            Ok(count) => head.extend_from_slice(&chunk[head.len()..][..count]),
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(head)
}

/// Spreadsheets begin a text with a byte-order mark.
fn without_mark(text: &[u8]) -> &[u8] {
    text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text)
}

/// The error of a file that is refused whole, because of this place in it.
fn refused(problem: Problem) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, problem.to_string())
}

/// The parts of a row, brought together.
struct Parts<'m> {
    line: u64,
    item: Option<u64>,
    id: Option<String>,
    model: Option<String>,
    default: Option<&'m ModelRef>,
}

impl Parts<'_> {
    fn model(&self) -> Result<ModelRef, Problem> {
        let problem =
            |what: String| Problem::new(self.line, "model".to_owned(), what).in_list(self.item);
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
            let problem = Problem::new(self.line, None, "the input holds nothing");
            return Err(vec![problem.in_list(self.item)]);
        }
        Ok(Row {
            line: self.line,
            item: self.item,
            id: self.id,
            model,
            input,
            note: None,
        })
    }
}
