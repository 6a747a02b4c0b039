//! Reading rows: one model and one input each, out of JSON lines or a table.

mod array;
pub(crate) mod check;
mod columns;
mod content;
mod expand;
mod files;
mod format;
mod identity;
mod jsonl;
mod lines;
mod problem;
mod records;
mod row;
mod serialized;
mod table;
#[cfg(test)]
mod tests;
mod text;

use std::fmt;
use std::fs::File;
use std::io::{self, BufReader, Cursor, Read};
use std::path::{Path, PathBuf};

use cometapi::ModelRef;
use serde::Serialize;
use serde_json::{Map, Value};

pub use crate::rows::content::NotText;
use crate::rows::content::without_mark;
use crate::rows::expand::{Expansion, Only};
use crate::rows::files::Files;
pub use crate::rows::format::Format;
pub(crate) use crate::rows::identity::identify;
pub(crate) use crate::rows::problem::MAX_PROBLEMS;
pub use crate::rows::problem::Problem;
pub(crate) use crate::rows::row::{Row, RowResult};
use crate::rows::serialized::Serialized;
use crate::rows::table::Certainty;

/// The longest row that is read unless set otherwise, in bytes. An input may hold a small image, but
/// a file without line breaks must not fill the memory.
pub(crate) const MAX_ROW_SIZE: usize = 1 << 20;

/// How much of the beginning shows what a file is.
const HEAD: usize = 4096;

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
    expansion: Expansion,
    only: Option<Only>,
    files: Files,
    is_unchecked: bool,
}

impl Rows {
    /// The rows of a file, in the format that its name shows, or else its content. A `.txt` file that
    /// holds JSON, or a table with a column `prompt`, is read as that.
    pub fn file(path: impl AsRef<Path>) -> io::Result<Self> {
        let path = path.as_ref();
        let mut rows = Self::detect(File::open(path)?);
        rows.files.folder = path.parent().map(Path::to_owned).unwrap_or_default();
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
            expansion: Expansion::default(),
            only: None,
            files: Files::default(),
            is_unchecked: false,
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

    /// Gives each row the fields of `fields` that it lacks. What a row says itself wins.
    ///
    /// ```
    /// use cometapi_batch::{Format, Rows};
    /// use serde_json::json;
    ///
    /// let sizes = json!({"aspect_ratio": "16:9", "output_format": "png"});
    /// let rows = Rows::reader("a red fox\na paper boat\n".as_bytes(), Format::Text)
    ///     .defaults(sizes.as_object().unwrap().clone())
    ///     .sweep("seed", (1..=3).map(Into::into));
    /// // Six rows, three of each prompt.
    /// ```
    #[must_use]
    pub fn defaults(mut self, fields: Map<String, Value>) -> Self {
        self.expansion.defaults = fields;
        self
    }

    /// Reads only the rows of these ids; of a row that is repeated or swept, its own id stands for all
    /// that it becomes. An id that no row has fails the batch before anything is created.
    #[must_use]
    pub fn only(mut self, ids: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.only = Some(Only::new(ids.into_iter().map(Into::into)));
        self
    }

    /// Reads each row `times` times. The row `fox` becomes `fox-1`, `fox-2` and so on, if it is more
    /// than once; rows without an id are equal rows.
    ///
    /// One row may become 100,000 by this and by [`sweep`](Self::sweep); more fail the batch.
    #[must_use]
    pub fn repeat(mut self, times: usize) -> Self {
        self.expansion.repeat = Some(times);
        self
    }

    /// Reads each row that lacks `field` once with each of `values`. The row `fox` becomes `fox-7` for
    /// the value 7. Several sweeps make each combination.
    #[must_use]
    pub fn sweep(
        mut self,
        field: impl Into<String>,
        values: impl IntoIterator<Item = Value>,
    ) -> Self {
        let values = values.into_iter().collect();
        self.expansion.sweeps.push((field.into(), values));
        self
    }

    /// Reads the files that rows name: a string `@path` in a field of a known model that takes an image
    /// or a list of them becomes what `read` returns for the field and the path, such as a data URI.
    /// Paths are relative to the folder of the rows' [file](Self::file), or else to the current one.
    /// A file that cannot be read makes the row a bad one, with the words that `read` returns.
    ///
    /// It is called in the thread that reads the rows, and once for a row that is repeated or swept.
    /// What it returns is sent, and identifies the row. Without it, `@path` is text.
    #[must_use]
    pub fn files(
        mut self,
        read: impl Fn(&str, &Path) -> Result<String, String> + Send + 'static,
    ) -> Self {
        self.files.read = Some(Box::new(read));
        self
    }

    /// Also reads the [files](Self::files) that rows name in `field`, whatever their model is known
    /// to take.
    #[must_use]
    pub fn file_field(mut self, field: impl Into<String>) -> Self {
        self.files.fields.insert(field.into());
        self
    }

    /// Sets what the paths of [files](Self::files) are relative to.
    #[must_use]
    pub fn folder(mut self, folder: impl Into<PathBuf>) -> Self {
        self.files.folder = folder.into();
        self
    }

    /// Takes every column that can be a field for one, whatever is known of the model.
    pub(crate) fn unchecked(mut self, unchecked: bool) -> Self {
        self.is_unchecked = unchecked;
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
/// itself, a file in which it is in doubt what the rows are, or a request that no file can meet.
pub(crate) fn read(
    rows: Rows,
    model: Option<&ModelRef>,
    visit: &mut dyn FnMut(RowResult) -> bool,
) -> io::Result<()> {
    let Rows {
        read: mut rest,
        format,
        certainty,
        max_row_size: max,
        expansion,
        mut only,
        files,
        is_unchecked,
    } = rows;
    expansion.check().map_err(invalid)?;
    let head = head(&mut rest)?;
    if let Some(kind) = NotText::detect(&head) {
        return Err(invalid(format!("the file is {kind}")));
    }
    let head = without_mark(&head).to_vec();
    let is_list = head.trim_ascii_start().starts_with(b"[");
    let format = match format {
        Some(Format::Text) if certainty == Certainty::Named => Format::of_text(&head),
        Some(format) => format,
        None => Format::of_content(&head),
    };
    let text = BufReader::with_capacity(1 << 16, Cursor::new(head).chain(rest));
    let (mut bad, mut is_over) = (0, false);
    let mut pass = |row: RowResult| {
        let read = row.and_then(|row| expanded(row, &expansion, only.as_mut(), &files));
        is_over = match read {
            Ok(rows) => !rows.into_iter().all(|row| visit(Ok(row))),
            Err(problems) => {
                bad += 1;
                !visit(Err(problems))
            }
        };
        !is_over
    };
    match format {
        Format::JsonLines if is_list => array::read(text, max, model, &mut pass)?,
        Format::JsonLines => jsonl::read(text, max, model, &mut pass)?,
        Format::Csv => table::read(text, certainty, is_unchecked, max, model, &mut pass)?,
        Format::Text => text::read(text, max, model, &mut pass)?,
    }
    match only.and_then(|only| only.missing(bad)) {
        Some(missing) if !is_over => Err(invalid(missing)),
        _ => Ok(()),
    }
}

/// The rows that one becomes.
fn expanded(
    mut row: Row,
    expansion: &Expansion,
    only: Option<&mut Only>,
    files: &Files,
) -> Result<impl Iterator<Item = Row>, Vec<Problem>> {
    let mut variants = expansion.variants(&row);
    if let Some(only) = only {
        variants = only.chosen(&row, variants);
    }
    expansion.fill(&mut row);
    if row.input.is_empty() && variants.iter().any(|variant| !variant.adds_fields()) {
        return Err(vec![row.problem(None, "the input holds nothing")]);
    }
    if !variants.is_empty() {
        files.fill(&mut row)?;
    }
    let mut notes = std::mem::take(&mut row.notes);
    Ok(variants.into_iter().map(move |variant| Row {
        // They are about the row as it is written.
        notes: std::mem::take(&mut notes),
        ..variant.of(&row)
    }))
}

fn invalid(what: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
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
