//! Bringing the files of a run home.

use std::path::{Path, PathBuf};

use cometapi::{Client, Error, OutputFile, Prediction, SavedFile};

use crate::args::Outputs;
use crate::failure::Failure;
use crate::progress::Progress;
use crate::record::Record;

/// Makes the folder for the files, before there is a run to pay for.
pub(super) fn make_folder(folder: &Path) -> Result<(), Failure> {
    std::fs::create_dir_all(folder).map_err(|e| {
        Failure::usage(format!("{} cannot be a folder", folder.display()))
            .caused_by(&e)
            .with_advice("name another with -o; nothing was sent")
    })
}

/// Saves every file it can, each path printed as soon as it is there; a fault does not keep
/// the others from coming home.
pub(super) async fn save(
    client: &Client,
    prediction: &Prediction,
    outputs: &Outputs,
    record: &mut Record,
    progress: &mut Progress,
) -> (Vec<PathBuf>, Option<Failure>) {
    let files = client.files(prediction);
    if files.is_empty() {
        progress.say(if prediction.output().is_null() {
            "note: the run succeeded without an output"
        } else {
            "note: the output holds no files; see it with --json"
        });
    } else {
        progress.state("saving");
    }
    let mut saved = Vec::new();
    let mut fault: Option<Failure> = None;
    let mut not_saved = None;
    for file in files {
        match save_one(&file, &outputs.output, progress).await {
            Ok(there) => {
                record.saved(file.position(), &there).await;
                if !outputs.json
                    && let Err(failure) = progress.path(&there.path)
                {
                    fault.get_or_insert(failure);
                }
                saved.push(there.path);
            }
            Err(error) => {
                not_saved.get_or_insert_with(|| error.kind());
                // The first one's reason; where each of them is.
                let failure = fault.unwrap_or_else(|| error.into());
                fault = Some(failure.with_advice(place(&file)));
            }
        }
    }
    // What has not come home can be fetched again, so it is not over.
    if not_saved.is_none() {
        record.ended(Ok(())).await;
    }
    (saved, fault)
}

async fn save_one(
    file: &OutputFile,
    folder: &Path,
    progress: &Progress,
) -> Result<SavedFile, Error> {
    // Its name has the id in it, and appears when the file is whole.
    if let Some(there) = SavedFile::find(folder, file.stem()) {
        progress.say(format_args!(
            "note: {} was there already",
            there.path.display()
        ));
        return Ok(there);
    }
    file.save_in(folder).await
}

/// Where a file that did not come home can be had by hand.
fn place(file: &OutputFile) -> String {
    let number = file.position() + 1;
    // A data URI is the file itself.
    match file.url().get(..5) {
        Some(scheme) if scheme.eq_ignore_ascii_case("data:") => {
            format!("file {number} was not saved: a data uri")
        }
        _ => format!("file {number} was not saved: {}", file.url()),
    }
}
