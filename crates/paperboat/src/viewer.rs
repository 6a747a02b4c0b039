//! The desktop's programs, which open saved files.

use std::io;
use std::path::{Path, PathBuf};

use crate::print;

/// How many files are opened one by one.
const MOST: usize = 10;

/// Opens a file or a folder with the program that the desktop has for it, which goes on by itself.
pub(crate) fn open(path: &Path) -> io::Result<()> {
    // A relative path that begins with a hyphen would be a flag of the program.
    let path = std::path::absolute(path)?;
    open::that_detached(path)
}

/// Opens what was saved. A file that was paid for and saved is no failure because nothing opens it.
pub(crate) fn open_saved(paths: &[PathBuf]) {
    for path in targets(paths) {
        if let Err(error) = open(&path) {
            let path = path.display();
            print::note(format_args!("{path} cannot be opened: {error}"));
            return;
        }
    }
}

/// The files, or their folders if they are many.
fn targets(paths: &[PathBuf]) -> Vec<PathBuf> {
    if paths.len() <= MOST {
        return paths.to_vec();
    }
    let parent = |path: &PathBuf| match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
        _ => PathBuf::from("."),
    };
    let mut folders: Vec<_> = paths.iter().map(parent).collect();
    folders.sort();
    folders.dedup();
    folders.truncate(MOST);
    folders
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_files_are_opened_as_their_folders() {
        let files = |count: usize| -> Vec<PathBuf> {
            let file = |number| format!("{}/{number}.png", number % 2).into();
            (0..count).map(file).collect()
        };
        assert_eq!(targets(&[]), [] as [PathBuf; 0]);
        assert_eq!(targets(&files(MOST)), files(MOST));
        assert_eq!(targets(&files(MOST + 1)), ["0", "1"].map(PathBuf::from));
        let here: Vec<_> = (0..99)
            .map(|number| format!("{number}.png").into())
            .collect();
        assert_eq!(targets(&here), [PathBuf::from(".")]);
    }
}
