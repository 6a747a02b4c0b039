//! The formats of rows, and what shows which it is.

use std::path::Path;

/// The format of rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Format {
    /// One JSON object a line: `{"model": …, "input": {…}}`, or flat, where every key but
    /// `model`, `id` and `labels` is an input field. One list of these objects is read as well.
    ///
    /// `labels` is an object of strings, numbers and booleans that are kept with the row and not sent.
    /// In a flat row it is a field if the model has one of that name, or is not known.
    JsonLines,
    /// A table with a header; columns are input fields, except `model` and `id`. Cells are
    /// separated by a comma, a semicolon or a tab, as the header shows, or by the character that
    /// a first line `sep=;` names, and quoted as in RFC 4180. A quote that does not fit refuses
    /// the whole table: where its rows begin is in doubt.
    ///
    /// The columns `model`, `id` and `prompt` and those of a known model's fields may be written with
    /// capitals, spaces, `-` and `_`: `Aspect Ratio`. Any other column of a known model is a label: it
    /// is kept with the row and not sent, and a warning says so once. Other columns of a model that is
    /// not known are its fields, if they can be: a name of other characters than ASCII letters, digits,
    /// `_`, `-` and `.` is a label. In rows that are sent unchecked, every column is a field that can
    /// be one. Between semicolons, a number may have a decimal comma.
    ///
    /// A row without an `id` is identified by the values of its cells, so that a later version of
    /// this crate that knows more models may read an old table as new rows: give ids to what
    /// outlives an upgrade.
    Csv,
    /// One prompt a line, all for the batch's model. Empty lines are skipped, and no character is
    /// special.
    Text,
}

impl Format {
    /// Returns the format that a name's extension stands for: `.csv` and `.tsv`, `.jsonl`,
    /// `.ndjson` and `.json`, or `.txt`.
    pub fn of_name(path: impl AsRef<Path>) -> Option<Self> {
        let extension = path.as_ref().extension()?.to_str()?.to_ascii_lowercase();
        match extension.as_str() {
            "csv" | "tsv" => Some(Self::Csv),
            "jsonl" | "ndjson" | "json" => Some(Self::JsonLines),
            "txt" => Some(Self::Text),
            _ => None,
        }
    }

    /// Rows without a name: JSON begins with a bracket, and no header does.
    pub(super) fn of_content(head: &[u8]) -> Self {
        match head.trim_ascii_start().first() {
            Some(b'{' | b'[') | None => Self::JsonLines,
            Some(_) => Self::Csv,
        }
    }

    /// The rows of a file that is named as text: spreadsheets and other programs save tables and JSON
    /// under that name, too.
    pub(super) fn of_text(head: &[u8]) -> Self {
        match Self::of_content(head) {
            Self::Csv if !is_header(head) => Self::Text,
            other => other,
        }
    }
}

/// Whether the first line that is not empty has a cell that names the column of the prompt.
fn is_header(head: &[u8]) -> bool {
    let lines = head.split(|byte| matches!(byte, b'\r' | b'\n'));
    let mut lines = lines
        .map(<[u8]>::trim_ascii)
        .filter(|line| !line.is_empty());
    let Some(first) = lines.next() else {
        return false;
    };
    let mut cells = first.split(|byte| b",;\t".contains(byte));
    let plain = |cell: &[u8]| cell.trim_ascii().to_ascii_lowercase();
    cells.any(|cell| [&b"prompt"[..], b"\"prompt\""].contains(&&*plain(cell)))
}
