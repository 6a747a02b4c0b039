//! Reading rows: one model and one input each, out of JSON lines or a table.

mod array;
pub(crate) mod check;
mod content;
mod identity;
mod jsonl;
mod problem;
mod records;
mod row;
mod serialized;
mod table;
#[cfg(test)]
mod tests;

use std::fmt;
use std::fs::File;
use std::io::{self, BufReader, Cursor, Read};
use std::path::Path;

use cometapi::ModelRef;
use serde::Serialize;

pub use crate::rows::content::NotText;
use crate::rows::content::without_mark;
pub(crate) use crate::rows::identity::identify;
pub(crate) use crate::rows::problem::MAX_PROBLEMS;
pub use crate::rows::problem::Problem;
pub(crate) use crate::rows::row::RowResult;
use crate::rows::serialized::Serialized;
use crate::rows::table::Certainty;

/// The longest row that is read unless set otherwise, in bytes. An input may hold a small image, but
/// a file without line breaks must not fill the memory.
pub(crate) const MAX_ROW_SIZE: usize = 1 << 20;

/// How much of the beginning shows what a file is.
const HEAD: usize = 4096;

/// The format of rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Format {
    /// One JSON object a line: `{"model": …, "input": {…}}`, or flat, where every key but
    /// `model` and `id` is an input field. One list of these objects is read as well.
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
    /// The rows of a file, in the format that its name shows, or else its content.
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

    /// The rows of an iterator: anything that serializes to the JSON object of a row, as in
    /// [`Format::JsonLines`]. They are taken from it one by one, while the batch reads them. A row
    /// that cannot be serialized fails the batch before anything is created.
    ///
    /// ```
    /// use cometapi_batch::Rows;
    /// use serde::Serialize;
    ///
    /// #[derive(Serialize)]
    /// struct Cover {
    ///     id: String,
    ///     model: &'static str,
    ///     prompt: String,
    /// }
    ///
    /// let rows = Rows::from_iter(["fox", "boat"].map(|subject| Cover {
    ///     id: subject.to_owned(),
    ///     model: "black-forest-labs/flux-schnell",
    ///     prompt: format!("a paper {subject}"),
    /// }));
    /// ```
    #[expect(
        clippy::should_implement_trait,
        reason = "the trait cannot ask for the bounds that reading row by row needs"
    )]
    pub fn from_iter<I>(rows: I) -> Self
    where
        I: IntoIterator<Item: Serialize, IntoIter: Send + 'static>,
    {
        Self::reader(Serialized::new(rows.into_iter()), Format::JsonLines)
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

/// Reads every row. The visitor returns whether to continue. An error is a fault of the reading
/// itself, or a file in which it is in doubt what the rows are.
pub(crate) fn read(
    rows: Rows,
    model: Option<&ModelRef>,
    visit: &mut dyn FnMut(RowResult) -> bool,
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
