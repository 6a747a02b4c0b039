//! The names of files, from row and position.

use std::fmt::Write as _;

use cometapi::names::{file_stem, id_in_name, text_stem as stem_of_text};

use crate::ledger::Job;

/// The stem of a file: `ID-POSITION`, or the first twelve digits of the row's hash instead of
/// an id, with its place among equal rows after the first.
pub(crate) fn stem(job: &Job, position: usize) -> String {
    file_stem(&base(job), position)
}

/// The stem of an output of text: as of a file, without a position.
pub(crate) fn text_stem(job: &Job) -> String {
    stem_of_text(base(job))
}

fn base(job: &Job) -> String {
    let mut base = match (&job.row, &job.folder, &job.id) {
        (Some(row), ..) => id_in_name(row),
        // A single prediction is named by its id.
        (None, None, Some(id)) => id_in_name(id),
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

#[cfg(test)]
mod tests {
    use super::*;

    fn job(row: &str, retake: u64) -> Job {
        Job {
            seq: 1,
            key: None,
            batch: Some("b".to_owned()),
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
            price: None,
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
}
