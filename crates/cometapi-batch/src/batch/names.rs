//! The names of files, from row and position.

use std::fmt::Write as _;

use crate::ledger::Job;
use crate::rows::digest;

/// The longest part of a name that is made of an id.
const LONGEST: usize = 100;

/// The stem of a file: `ID-POSITION`, or the first twelve digits of the row's hash in place of
/// an id, with its place among equal rows after the first.
pub(crate) fn stem(job: &Job, position: usize) -> String {
    let mut stem = match (&job.row, &job.folder, &job.id) {
        (Some(row), ..) => safe(row),
        // A run by itself goes by its prediction's id.
        (None, None, Some(id)) => safe(id),
        _ => {
            let hash: String = job.hash.chars().take(12).collect();
            match job.occurrence {
                ..=1 => hash,
                n => format!("{hash}-{n}"),
            }
        }
    };
    // An id cannot hold this: `~` is written otherwise.
    if job.retake > 0 {
        _ = write!(stem, "~r{}", job.retake);
    }
    _ = write!(stem, "-{position}");
    stem
}

/// An id as a part of a name that leads nowhere. Different ids give different names: what has
/// no place in a name is written as `~` and its bytes in hex, and a long id ends in its hash.
fn safe(id: &str) -> String {
    let mut name = String::new();
    for (at, byte) in id.bytes().enumerate() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | b'-' => name.push(char::from(byte)),
            b'.' if at > 0 => name.push('.'),
            odd => _ = write!(name, "~{odd:02x}"),
        }
    }
    if name.len() > LONGEST {
        name.truncate(LONGEST - 33);
        _ = write!(name, "~h{}", &digest(id)[..31]);
    }
    name
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn odd_ids_are_made_safe() {
        for (id, name) in [
            ("fox-1_a.b", "fox-1_a.b"),
            ("../x", "~2e.~2fx"),
            ("..", "~2e."),
            ("a b", "a~20b"),
            ("~", "~7e"),
            ("ä", "~c3~a4"),
        ] {
            assert_eq!(safe(id), name);
        }
        assert_eq!(safe(&"x".repeat(300)).len(), LONGEST);
    }

    proptest! {
        #[test]
        fn names_lead_nowhere_and_stay_distinct(ids in prop::collection::hash_set("(?s).{0,40}|[./~\\\\]{1,4}|x{90,130}", 1..20)) {
            let mut names = HashMap::new();
            for id in ids {
                let name = safe(&id);
                prop_assert!(!name.contains(['/', '\\', '\0', ':']) && !name.starts_with('.'));
                prop_assert!(name.len() <= LONGEST);
                prop_assert_eq!(names.insert(name, id), None);
            }
        }
    }
}
