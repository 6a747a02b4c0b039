//! The names of files, from row and position.

use std::fmt::Write as _;

use cometapi::names::{file_stem, id_in_name};

use crate::ledger::Job;
use crate::names::row_name;

/// The path of the file at `position` below the folder, without its extension: that of the row or of the
/// single prediction, the version where files of an earlier prediction of the row were saved, and the
/// position after the first.
pub(crate) fn path(job: &Job, position: usize) -> String {
    let mut name = match (&job.batch, &job.id) {
        // A single prediction is named by its id.
        (None, Some(id)) => id_in_name(id),
        _ => row_name(job.row.as_deref(), &job.hash, job.occurrence),
    };
    // An id cannot hold this: `~` is written otherwise.
    if job.retake > 0 {
        _ = write!(name, "~v{}", job.retake + 1);
    }
    file_stem(&name, position)
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
            names: None,
            labels: None,
            line: None,
            row: Some(row.to_owned()),
            hash: "0123456789abcdef".to_owned(),
            occurrence: 1,
            retake,
            model: "acme/painter".to_owned(),
            input: "{}".to_owned(),
            id: Some("p1".to_owned()),
            fetching: false,
            price: None,
        }
    }

    #[test]
    fn a_file_has_the_name_of_its_row_or_prediction() {
        assert_eq!(path(&job("fox", 0), 0), "fox");
        assert_eq!(path(&job("red fox/夕暮れ", 0), 1), "red fox/夕暮れ__2");
        assert_eq!(path(&job("fox", 1), 0), "fox~v2");
        assert_eq!(path(&job("fox", 2), 2), "fox~v3__3");
        let mut equal = job("", 0);
        equal.row = None;
        equal.occurrence = 2;
        assert_eq!(path(&equal, 0), "0123456789ab-2");
        equal.batch = None;
        assert_eq!(path(&equal, 0), "p1");
    }
}
