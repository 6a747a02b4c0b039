//! Local files that rows name as `@path`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use cometapi::models::{Field, Kind, find};
use serde_json::Value;

use crate::rows::problem::Problem;
use crate::rows::row::Row;

/// Reads the file at a path for a field; the value that is sent for it, or why there is none.
type Read = Box<dyn Fn(&str, &Path) -> Result<String, String> + Send>;

/// How rows get the content of files.
#[derive(Default)]
pub(super) struct Files {
    pub(super) read: Option<Read>,
    /// What paths are relative to.
    pub(super) folder: PathBuf,
    /// Fields that take files whatever is known of their model.
    pub(super) fields: BTreeSet<String>,
}

impl Files {
    /// Replaces each `@path` in a field that takes files by what is read of the file.
    pub(super) fn fill(&self, row: &mut Row) -> Result<(), Vec<Problem>> {
        let Some(read) = &self.read else {
            return Ok(());
        };
        let known = find(&row.model.to_string());
        let takes_files = |name: &str| {
            let kind = known.and_then(|model| model.field(name)).map(Field::kind);
            matches!(kind, Some(Kind::Image { .. } | Kind::Images { .. }))
                || self.fields.contains(name)
        };
        let mut problems = Vec::new();
        let mut input = std::mem::take(&mut row.input);
        for (name, value) in input.iter_mut().filter(|(name, _)| takes_files(name)) {
            let values = match value {
                Value::Array(items) => items.as_mut_slice(),
                one => std::slice::from_mut(one),
            };
            for value in values {
                let Some(text) = value.as_str() else {
                    continue;
                };
                let Some(path) = text.strip_prefix('@') else {
                    if self.is_file(text) {
                        let what = format!("{text} is a file: to send it, write @{text}");
                        problems.push(row.problem(name.clone(), what));
                    }
                    continue;
                };
                if path.is_empty() {
                    problems.push(row.problem(name.clone(), "no file is named after @"));
                    continue;
                }
                match read(name, &self.folder.join(path)) {
                    Ok(content) => *value = content.into(),
                    Err(why) => {
                        problems.push(row.problem(name.clone(), format!("{path}: {why}")));
                    }
                }
            }
        }
        row.input = input;
        if problems.is_empty() {
            Ok(())
        } else {
            Err(problems)
        }
    }

    /// Whether what is sent as text names a file, as no address does.
    fn is_file(&self, text: &str) -> bool {
        !text.is_empty() && !text.contains(':') && self.folder.join(text).is_file()
    }
}
