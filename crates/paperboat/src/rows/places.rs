//! Where the rows of a batch are.

use std::path::PathBuf;

use cometapi_batch::Problem;

/// Where each row is: on a line of one file, or in a file of its own.
#[derive(Clone, Default)]
pub(crate) struct Places(Vec<PathBuf>);

impl Places {
    /// Each row is in a file of its own.
    pub(super) fn files(files: Vec<PathBuf>) -> Self {
        Self(files)
    }

    /// The place of the row on a line: its file, or the line.
    pub(crate) fn of(&self, line: u64) -> String {
        let index = usize::try_from(line)
            .ok()
            .and_then(|line| line.checked_sub(1));
        match index.and_then(|index| self.0.get(index)) {
            Some(file) => file.display().to_string(),
            None => format!("line {line}"),
        }
    }

    /// What is wrong, with the place of the row.
    pub(crate) fn describe(&self, problem: &Problem) -> String {
        let (place, text) = (self.of(problem.line), problem.to_string());
        match text.strip_prefix(&format!("line {}", problem.line)) {
            // What is wrong with a file begins with its name, too.
            Some(rest) => format!("{place}{}", rest.replacen(&format!(": {place}: "), ": ", 1)),
            None => text,
        }
    }
}
