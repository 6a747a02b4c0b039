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
mod source;
mod table;
#[cfg(test)]
mod tests;
mod text;

use std::io::{self, BufReader, Cursor, Read};

use cometapi::ModelRef;

pub use crate::rows::check::csv_cell;
pub use crate::rows::content::NotText;
use crate::rows::content::without_mark;
use crate::rows::expand::{Expansion, Only};
use crate::rows::files::Files;
pub use crate::rows::format::Format;
pub(crate) use crate::rows::identity::identify;
pub(crate) use crate::rows::problem::MAX_PROBLEMS;
pub use crate::rows::problem::Problem;
pub(crate) use crate::rows::row::{Row, RowResult};
#[cfg(any(fuzzing, test))]
pub(crate) use crate::rows::source::MAX_ROW_SIZE;
pub use crate::rows::source::Rows;
use crate::rows::table::Certainty;

/// How much of the beginning shows what a file is.
const HEAD: usize = 4096;

/// Reads every row. The visitor returns whether to continue. Returns the notes that no row has, because
/// those after them are bad. An error is a fault of the reading
/// itself, a file in which it is in doubt what the rows are, or a request that no file can meet.
pub(crate) fn read(
    rows: Rows,
    model: Option<&ModelRef>,
    visit: &mut dyn FnMut(RowResult) -> bool,
) -> io::Result<Vec<Problem>> {
    let Rows {
        read: mut rest,
        format,
        certainty,
        max_row_size: max,
        expansion,
        only,
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
    let mut pass = Pass {
        expansion,
        only,
        files,
        notes: Vec::new(),
        bad: 0,
        is_over: false,
        visit,
    };
    let row = &mut |row| pass.row(row);
    match format {
        Format::JsonLines if is_list => array::read(text, max, model, row)?,
        Format::JsonLines => jsonl::read(text, max, model, row)?,
        Format::Csv => {
            let notes = table::read(text, certainty, is_unchecked, max, model, row)?;
            pass.notes.extend(notes);
        }
        Format::Text => text::read(text, max, model, row)?,
    }
    pass.end().map_err(invalid)
}

/// What becomes of rows on their way to the visitor.
struct Pass<'v> {
    expansion: Expansion,
    only: Option<Only>,
    files: Files,
    /// Those on lines before the next row that is visited.
    notes: Vec<Problem>,
    bad: u64,
    is_over: bool,
    visit: &'v mut dyn FnMut(RowResult) -> bool,
}

impl Pass<'_> {
    /// Returns whether to continue.
    fn row(&mut self, row: RowResult) -> bool {
        let row = match (row, &mut self.only) {
            (Ok(row), Some(only)) => match only.pass(row, &self.expansion) {
                Some(row) => Ok(row),
                None => return true,
            },
            (row, _) => row,
        };
        let only = self.only.as_mut();
        let expand = |row| expanded(row, &self.expansion, only, &self.files, &mut self.notes);
        self.is_over = match row.and_then(expand) {
            Ok(rows) => !rows.into_iter().all(|row| (self.visit)(Ok(row))),
            Err(problems) => {
                self.bad += 1;
                !(self.visit)(Err(problems))
            }
        };
        !self.is_over
    }

    /// Passes the rows that were kept, unless the visitor ended the reading.
    fn end(mut self) -> Result<Vec<Problem>, String> {
        if !self.is_over {
            let kept = self.only.as_mut().map(Only::kept).unwrap_or_default();
            _ = kept.into_iter().all(|row| self.row(Ok(row)));
        }
        let missing = self.only.and_then(|only| only.missing(self.bad));
        match missing {
            Some(missing) if !self.is_over => Err(missing),
            _ => Ok(self.notes),
        }
    }
}

/// The rows that one becomes. The first of them takes `notes`, which are on the lines before it.
fn expanded<'e>(
    mut row: Row,
    expansion: &'e Expansion,
    only: Option<&mut Only>,
    files: &Files,
    notes: &mut Vec<Problem>,
) -> Result<impl Iterator<Item = Row> + use<'e>, Vec<Problem>> {
    let mut variants = expansion.variants(&row);
    if let Some(only) = only {
        variants = only.chosen(&row, variants);
    }
    expansion.fill(&mut row);
    let mut own = std::mem::take(&mut row.notes);
    if variants.is_empty() {
        // What is on the header is also about the rows below.
        own.retain(|note| note.line < row.line);
    }
    notes.append(&mut own);
    if row.input.is_empty() && variants.iter().any(|variant| !variant.adds_fields()) {
        return Err(vec![row.problem(None, "the input holds nothing")]);
    }
    if !variants.is_empty() {
        files.fill(&mut row)?;
        own.append(notes);
    }
    let mut left = variants.len();
    let mut row = Some(row);
    Ok(variants.into_iter().filter_map(move |variant| {
        left -= 1;
        // The last of them, which is most often the only one, needs no copy.
        let row = if left == 0 { row.take() } else { row.clone() }?;
        Some(Row {
            // They are about the row as it is written.
            notes: std::mem::take(&mut own),
            ..variant.of(row)
        })
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
