//! Names from the ids of rows, which are paths of their own.

use cometapi::models::media;
use cometapi::names::{id_in_name, is_device};

/// What the command writes into the folder of a batch, beside the files of the rows.
const INDEX: &str = "index";

/// Returns why the id of a row cannot name its files. A `/` in it makes folders.
pub(crate) fn check_id(id: &str) -> Result<(), String> {
    let mut chars = id.chars();
    if let (Some(letter), Some(':')) = (chars.next(), chars.next())
        && letter.is_ascii_alphabetic()
    {
        return Err(format!(
            "{id:?} begins with a drive, and files stay in the folder of the batch"
        ));
    }
    for part in id.split('/') {
        match part {
            "" => {
                return Err(format!(
                    "{id:?} has an empty part before or after a \"/\", which separates folders"
                ));
            }
            "." | ".." => {
                return Err(format!(
                    "{id:?} holds the part {part:?}, and files stay in the folder of the batch"
                ));
            }
            part if is_device(part) => {
                return Err(format!(
                    "{part:?} is the name of a device on Windows; give the row another id"
                ));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Returns the path of the row with this id below the folder of its batch, with `/` between parts and
/// without an extension. Different ids have different paths, and no file has the name of a folder.
pub(crate) fn of_row(id: &str) -> String {
    let mut parts: Vec<String> = id.split('/').map(id_in_name).collect();
    if let Some((_, folders)) = parts.split_last_mut() {
        for folder in folders {
            *folder = folder_name(std::mem::take(folder));
        }
    }
    if let [name] = &mut *parts
        && name.eq_ignore_ascii_case(INDEX)
    {
        *name = format!("~{:02x}{}", name.as_bytes()[0], &name[1..]);
    }
    parts.join("/")
}

/// Returns the name of a folder, such that no file of another row can have it.
pub(super) fn folder_name(name: String) -> String {
    match name.rsplit_once('.') {
        Some((stem, extension)) if media::is_extension(extension) => {
            format!("{stem}~2e{extension}")
        }
        _ => name,
    }
}

/// Returns the path of a row: by its id, or else by its hash and its place among equal rows.
pub(crate) fn row_name(id: Option<&str>, hash: &str, occurrence: u64) -> String {
    if let Some(id) = id {
        return of_row(id);
    }
    let hash: String = hash.chars().take(12).collect();
    match occurrence {
        ..=1 => hash,
        n => format!("{hash}-{n}"),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;
    use crate::names::folded;

    #[test]
    fn a_slash_makes_a_folder_and_nothing_leads_out_of_the_batch() {
        for (id, path) in [
            ("red fox", "red fox"),
            ("夕暮れ", "夕暮れ"),
            ("animals/fox", "animals/fox"),
            ("v1.5/fox.jpg", "v1.5/fox.jpg"),
            ("fox.webp/fox", "fox~2ewebp/fox"),
            ("a/.hidden", "a/~2ehidden"),
            ("index", "~69ndex"),
            ("Index", "~49ndex"),
            ("a/index", "a/index"),
        ] {
            assert_eq!(of_row(id), path);
            check_id(id).unwrap();
        }
        for id in [
            "/etc/fox", "a//b", "a/", "", ".", "a/../b", "..", "C:/fox", "c:fox", "nul",
            "a/COM1/b", "aux.txt",
        ] {
            check_id(id).unwrap_err();
        }
    }

    proptest! {
        /// At every position of every take, ignoring case, whatever the ids are.
        #[test]
        fn rows_never_share_a_name(ids in prop::collection::hash_set(
            "[a-cA-C./~ -]{1,6}|[a-c][-_]{1,2}[0-9]|fox\\.webp(/fox)?|index|é|e\u{301}|\\PC{1,8}", 1..30,
        )) {
            let mut seen = HashMap::new();
            let mut names = HashMap::new();
            let mut folders = HashMap::new();
            for id in ids.iter().filter(|id| check_id(id).is_ok()) {
                // As in a load, the second of two that differ in case alone is refused.
                if seen.insert(folded(id), id).is_some() {
                    continue;
                }
                let name = of_row(id);
                prop_assert!(!name.starts_with('/') && !name.split('/').any(|part| part.is_empty()
                    || part.starts_with('.')));
                for (at, _) in name.match_indices('/') {
                    folders.insert(folded(&name[..at]), id);
                }
                for take in ["", "~v2"] {
                    for position in [0, 1, 9] {
                        let stem = cometapi::names::file_stem(&format!("{name}{take}"), position);
                        prop_assert_eq!(names.insert(folded(&stem), id), None);
                    }
                }
            }
            for (name, id) in &names {
                let file = format!("{name}.webp");
                prop_assert!(!folders.contains_key(&file), "{id:?} and {:?}", folders.get(&file));
            }
        }
    }
}
