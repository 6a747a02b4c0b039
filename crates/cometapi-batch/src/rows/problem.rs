//! What is wrong with a row, or with a file of rows.

use std::fmt;
use std::io;

use cometapi::truncate_owned;

/// The longest text that a problem quotes, in bytes: it may hold what a row holds.
pub(super) const MAX_PROBLEM: usize = 1024;

/// The most problems of one row. It may have as many as it has cells.
pub(crate) const MAX_PROBLEMS: usize = 20;

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

/// What is wrong with a row of more than `max` bytes.
pub(super) fn too_long(max: usize) -> String {
    let (size, unit) = match max {
        _ if max >= 1 << 20 && max.is_multiple_of(1 << 20) => (max >> 20, "MB"),
        _ if max >= 1 << 10 && max.is_multiple_of(1 << 10) => (max >> 10, "kB"),
        _ => (max, "bytes"),
    };
    format!("longer than {size} {unit}; to allow longer rows: --max-row-size SIZE")
}

/// The error of a file that is refused whole, because of this place in it.
pub(super) fn refused(problem: Problem) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, problem.to_string())
}
