//! Bringing the files of a run home.

use std::path::{Path, PathBuf};

use cometapi::{Client, OutputFile, Prediction};

use crate::args::Outputs;
use crate::failure::Failure;
use crate::progress::Progress;

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
    let mut fault = None;
    for file in files {
        match save_one(&file, &outputs.output, progress).await {
            Ok(path) => {
                if !outputs.json
                    && let Err(failure) = progress.path(&path)
                {
                    fault.get_or_insert(failure);
                }
                saved.push(path);
            }
            Err(failure) => {
                // The first one's reason; where each of them is.
                fault = Some(fault.unwrap_or(failure).with_advice(place(&file)));
            }
        }
    }
    (saved, fault)
}

async fn save_one(
    file: &OutputFile,
    folder: &Path,
    progress: &Progress,
) -> Result<PathBuf, Failure> {
    if let Some(path) = earlier(file, folder) {
        progress.say(format_args!("note: {} was there already", path.display()));
        return Ok(path);
    }
    Ok(file.save_in(folder).await?.path)
}

/// The same file, saved by a wait before this one. Its name has the id in it, and appears
/// when the file is whole.
fn earlier(file: &OutputFile, folder: &Path) -> Option<PathBuf> {
    let stem = format!("{}-{}", file.prediction_id(), file.position());
    let entries = std::fs::read_dir(folder).ok()?;
    entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .find(|path| {
            path.file_stem().is_some_and(|is| is == stem.as_str())
                && path.metadata().is_ok_and(|is| is.is_file() && is.len() > 0)
        })
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
