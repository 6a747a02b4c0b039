//! Where rows come from, and what becomes of them.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::{Map, Value};

use crate::rows::expand::{Expansion, Only};
use crate::rows::files::Files;
use crate::rows::format::Format;
use crate::rows::serialized::Serialized;
use crate::rows::table::Certainty;

/// The longest row that is read unless set otherwise, in bytes. An input may hold a small image, but
/// a file without line breaks must not fill the memory.
pub(crate) const MAX_ROW_SIZE: usize = 1 << 20;

/// Where rows come from.
///
/// ```
/// use cometapi_batch::{Format, Rows};
///
/// let text = "{\"model\": \"black-forest-labs/flux-dev\", \"prompt\": \"a red fox\"}\n";
/// let rows = Rows::reader(std::io::Cursor::new(text), Format::JsonLines);
/// ```
pub struct Rows {
    pub(super) read: Box<dyn Read + Send>,
    /// `None` to go by the content.
    pub(super) format: Option<Format>,
    pub(super) certainty: Certainty,
    pub(super) max_row_size: usize,
    pub(super) expansion: Expansion,
    pub(super) only: Option<Only>,
    pub(super) files: Files,
    pub(super) is_unchecked: bool,
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
        let only = self.only.get_or_insert_default();
        ids.into_iter().for_each(|id| only.add(id.into()));
        self
    }

    /// The same for ids that a person wrote, several of them in one string with commas between them. A
    /// string that is a row's id is that row, although it holds a comma.
    ///
    /// The rows of a list are read after all others.
    #[must_use]
    pub fn only_listed(mut self, lists: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let only = self.only.get_or_insert_default();
        lists
            .into_iter()
            .for_each(|list| only.add_list(list.into()));
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
    /// A file that cannot be read makes the row a bad one, with the words that `read` returns; so does
    /// the path of a file without `@`.
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
