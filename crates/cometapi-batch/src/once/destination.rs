//! Where the files of a prediction are to be saved.

use std::path::{Path, PathBuf};

/// A folder, and the template of the names in it.
#[derive(Clone, Debug, Default)]
pub(super) struct Destination {
    /// Absolute.
    pub(super) folder: Option<PathBuf>,
    pub(super) names: Option<String>,
}

impl Destination {
    /// The same, borrowed.
    pub(super) fn parts(&self) -> (Option<&Path>, Option<&str>) {
        (self.folder.as_deref(), self.names.as_deref())
    }
}
