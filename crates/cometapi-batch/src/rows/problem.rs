//! What is wrong with a row, or with a file of rows.

use std::fmt;
use std::io;

use cometapi::truncate_owned;

use crate::ledger::Changed;

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
    is_changed: bool,
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
            is_changed: false,
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
    pub(crate) fn changed(changed: &Changed) -> Self {
        let (id, what) = (&changed.id, Changed::named(&changed.fields));
        let what = if changed.is_unresolved {
            format!(
                "{id:?} was sent with another {what}, and it is unknown whether it was created: \
                 find that out first, or give the changed row another id"
            )
        } else if changed.is_running {
            format!(
                "{id:?} is running with another {what}: wait for it and create it anew, or leave it \
                 as it is"
            )
        } else {
            format!(
                "{id:?} was created with another {what}: create it anew, which keeps its files, or \
                 leave it as it is"
            )
        };
        Self {
            is_changed: !changed.is_unresolved,
            ..Self::new(changed.line, "id".to_owned(), what)
        }
    }

    /// Whether the row's id was seen with another input, so that [`Batch::update`](crate::Batch::update)
    /// creates it anew.
    pub fn is_changed(&self) -> bool {
        self.is_changed
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_row_is_shown_with_its_fields_and_what_can_be_done() {
        let changed = |fields: &[&str], is_running, is_unresolved| {
            let fields = fields.iter().map(|field| (*field).to_owned()).collect();
            let mut changed = Changed::new(7, "fox", fields);
            (changed.is_running, changed.is_unresolved) = (is_running, is_unresolved);
            let problem = Problem::changed(&changed);
            (problem.to_string(), problem.is_changed())
        };
        for (fields, is_running, is_unresolved, expected) in [
            (
                &["prompt", "seed"][..],
                false,
                false,
                "line 7, id: \"fox\" was created with another prompt and seed: create it anew, which \
                 keeps its files, or leave it as it is",
            ),
            (
                &["model"],
                true,
                false,
                "line 7, id: \"fox\" is running with another model: wait for it and create it anew, or \
                 leave it as it is",
            ),
            (
                &["a", "b", "c"],
                false,
                true,
                "line 7, id: \"fox\" was sent with another a, b and c, and it is unknown whether it was \
                 created: find that out first, or give the changed row another id",
            ),
            (
                &[],
                false,
                false,
                "line 7, id: \"fox\" was created with another model or input: create it anew, which \
                 keeps its files, or leave it as it is",
            ),
        ] {
            // Before it is known whether it was created, an update does not create it.
            let expected = (expected.to_owned(), !is_unresolved);
            assert_eq!(changed(fields, is_running, is_unresolved), expected);
        }
        assert!(!Problem::new(1, None, "longer than 1 MB").is_changed());
    }
}
