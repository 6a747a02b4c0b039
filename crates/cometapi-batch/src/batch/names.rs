//! The names of files, from row and position.

use std::fmt::Write as _;

use crate::ledger::Job;
use crate::rows::digest;

/// The longest part of a name that is made of an id.
const LONGEST: usize = 100;

/// The stem of a file: `ID-POSITION`, or the first twelve digits of the row's hash in place of
/// an id, with its place among equal rows after the first.
pub(crate) fn stem(job: &Job, position: usize) -> String {
    format!("{}-{position}", base(job))
}

/// The stem of a text: as of a file, without a position.
pub(crate) fn text_stem(job: &Job) -> String {
    let mut stem = base(job);
    // As the text of the row `fox-0`, a file of the row `fox` has this stem; `~` is in no id.
    let digits = stem.rsplit_once('-').map(|(_, position)| position);
    if digits.is_some_and(|digits| digits.bytes().all(|b| b.is_ascii_digit())) {
        stem.push('~');
    }
    stem
}

fn base(job: &Job) -> String {
    let mut base = match (&job.row, &job.folder, &job.id) {
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
        _ = write!(base, "~r{}", job.retake);
    }
    base
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

    fn job(row: &str, retake: u64) -> Job {
        Job {
            seq: 1,
            folder: Some("out".into()),
            line: None,
            row: Some(row.to_owned()),
            hash: "0123456789abcdef".to_owned(),
            occurrence: 1,
            retake,
            model: "acme/painter".to_owned(),
            input: "{}".to_owned(),
            id: None,
            fetching: false,
        }
    }

    #[test]
    fn a_text_and_a_file_never_share_a_stem() {
        assert_eq!(text_stem(&job("fox", 0)), "fox");
        assert_eq!(text_stem(&job("fox", 2)), "fox~r2");
        assert_eq!(stem(&job("fox", 0), 0), "fox-0");
        assert_eq!(text_stem(&job("fox-0", 0)), "fox-0~");
        assert_eq!(text_stem(&job("fox-a", 0)), "fox-a");
        let mut equal = job("", 0);
        equal.row = None;
        equal.occurrence = 2;
        assert_eq!(text_stem(&equal), "0123456789ab-2~");
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
