//! Files and folders as candidates.

use std::env;
use std::fs;
use std::path::{MAIN_SEPARATOR, Path, PathBuf, is_separator};

use super::Candidate;

/// Every completion of the path `word`, each after `head`.
pub(super) fn all(head: &str, word: &str) -> Vec<Candidate> {
    under(head, word, |_| true)
}

/// The folders among them.
pub(super) fn folders(head: &str, word: &str) -> Vec<Candidate> {
    under(head, word, Path::is_dir)
}

fn under(head: &str, word: &str, wanted: fn(&Path) -> bool) -> Vec<Candidate> {
    let begins = word.rfind(is_separator).map_or(0, |at| at + 1);
    let (folder, name) = word.split_at(begins);
    let Ok(entries) = fs::read_dir(place(folder)) else {
        return Vec::new();
    };
    let mut found: Vec<_> = entries
        .filter_map(|entry| {
            let entry = entry.ok()?;
            let path = entry.path();
            let is = entry.file_name().into_string().ok()?;
            // A hidden one is shown to those who ask for it.
            let shown = is.starts_with(name) && (name.starts_with('.') || !is.starts_with('.'));
            if !shown || !wanted(&path) {
                return None;
            }
            let end = if path.is_dir() {
                MAIN_SEPARATOR.to_string()
            } else {
                String::new()
            };
            Some(Candidate::new(format!("{head}{folder}{is}{end}"), ""))
        })
        .collect();
    found.sort_by(|a, b| a.word.cmp(&b.word));
    found
}

/// The folder to look in. The shell has not expanded `~` yet.
fn place(folder: &str) -> PathBuf {
    match (folder.strip_prefix("~/"), env::var_os("HOME")) {
        _ if folder.is_empty() => PathBuf::from("."),
        (Some(rest), Some(home)) => Path::new(&home).join(rest),
        _ => PathBuf::from(folder),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_begins_so_is_found_and_a_folder_can_be_gone_into() {
        let home = tempfile::tempdir().unwrap();
        fs::create_dir(home.path().join("cats")).unwrap();
        for file in ["cat.png", "dog.png", ".cat"] {
            fs::write(home.path().join(file), "").unwrap();
        }
        let folder = format!("{}/", home.path().display());
        let words = |found: Vec<Candidate>| -> Vec<String> {
            let short = |c: Candidate| c.word.replace(&folder, "…/");
            found.into_iter().map(short).collect()
        };
        let cat = format!("{folder}cat");
        assert_eq!(
            words(all("image=@", &cat)),
            ["image=@…/cat.png", "image=@…/cats/"]
        );
        assert_eq!(words(folders("", &cat)), ["…/cats/"]);
        assert_eq!(
            words(all("", &folder)),
            ["…/cat.png", "…/cats/", "…/dog.png"]
        );
        assert_eq!(words(all("", &format!("{folder}."))), ["…/.cat"]);
        assert!(all("", "no/such/folder/").is_empty());
    }
}
