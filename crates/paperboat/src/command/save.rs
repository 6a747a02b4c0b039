//! Saving the output of a run.

use std::path::{Path, PathBuf};

use cometapi::{Client, Error, OutputFile, OutputText, Prediction, SavedFile, shorten_data_uris};
use cometapi_batch::OnceRun;

use crate::args::Outputs;
use crate::failure::Failure;
use crate::print;
use crate::progress::Progress;

/// Creates the folder for the files and checks that they can be written in it, before there is a
/// run to pay for.
pub(super) fn prepare_folder(folder: &Path) -> Result<(), Failure> {
    cometapi_batch::prepare_folder(folder)
        .map(drop)
        .map_err(|e| {
            Failure::usage(format!("{} cannot be a folder for files", folder.display()))
                .because_of(&e)
                .with_advice("name another with -o; nothing was sent")
        })
}

/// The output of a prediction that succeeded, on its way to files and stdout.
pub(super) struct Saving<'a> {
    pub(super) client: &'a Client,
    pub(super) prediction: &'a Prediction,
    pub(super) outputs: &'a Outputs,
    /// Whether text goes to stdout instead of a file.
    pub(super) prints_text: bool,
}

/// What was saved, and the first failure with what it left undone.
#[derive(Default)]
struct Saved {
    paths: Vec<PathBuf>,
    fault: Option<Failure>,
    /// Whether something could not be saved that can be fetched again.
    is_incomplete: bool,
}

impl Saving<'_> {
    /// Saves every file it can, printing each path as soon as it is there, and saves or prints
    /// text; a failure does not keep the others from being saved.
    pub(super) async fn save(
        &self,
        mut run: OnceRun,
        progress: &Progress,
    ) -> (Vec<PathBuf>, Option<Failure>) {
        let contents = self.client.contents(self.prediction, run.model());
        let (files, text) = match contents {
            Ok(contents) => contents.into_parts(),
            Err(error) => {
                progress.recorded(run.failed(&error).await);
                return (Vec::new(), Some(error.into()));
            }
        };
        let mut saved = Saved::default();
        let mut notes = Vec::new();
        if files.is_empty() && text.is_none() {
            progress.say("note: the run succeeded without an output");
            notes.push("the run succeeded without an output".to_owned());
        } else {
            progress.state("saving");
        }
        if let Some(ignored) = self.prediction.ignored_output() {
            let note = format!("the output may not be complete: {ignored}");
            progress.say(format_args!("note: {note}"));
            notes.push(note);
        }
        let mut has_links = false;
        for file in &files {
            match self.save_file(file, progress).await {
                Err(error) if file.is_link(&error) => {
                    let url = shorten_data_uris(file.url());
                    let note = format!("{url} was left as a link: {error}");
                    progress.say(format_args!("note: {note}"));
                    notes.push(note);
                    has_links = true;
                }
                Err(error) => {
                    saved.is_incomplete = true;
                    // The first one's reason; where each of them is.
                    let failure = saved.fault.take().unwrap_or_else(|| error.into());
                    saved.fault = Some(failure.with_advice(place(file)));
                }
                Ok(there) => {
                    self.saved(file.position(), there, &mut saved, &mut run, progress)
                        .await;
                }
            }
        }
        // What was left as a link is in the text.
        let text = match text {
            None if has_links => Some(OutputText::of(self.prediction)),
            text => text,
        };
        if let Some(text) = text {
            if self.prints_text && saved.paths.is_empty() && !saved.is_incomplete {
                if !self.outputs.json
                    && let Err(failure) = progress.suspend(|| print::output(&text))
                {
                    saved.fault.get_or_insert(failure);
                }
            } else {
                match self.save_text(&text, progress).await {
                    Ok(there) => {
                        self.saved(files.len(), there, &mut saved, &mut run, progress)
                            .await;
                    }
                    Err(error) => {
                        saved.is_incomplete = true;
                        saved.fault.get_or_insert_with(|| error.into());
                    }
                }
            }
        }
        // What was not saved can be fetched again, so it is not over.
        if !saved.is_incomplete {
            let note = (!notes.is_empty()).then(|| notes.join("; "));
            progress.recorded(run.succeeded(note).await);
        }
        (saved.paths, saved.fault)
    }

    async fn saved(
        &self,
        position: usize,
        there: SavedFile,
        saved: &mut Saved,
        run: &mut OnceRun,
        progress: &Progress,
    ) {
        progress.recorded(run.saved(position, &there).await);
        if !self.outputs.json
            && let Err(failure) = progress.suspend(|| print::path(&there.path))
        {
            saved.fault.get_or_insert(failure);
        }
        saved.paths.push(there.path);
    }

    async fn save_file(&self, file: &OutputFile, progress: &Progress) -> Result<SavedFile, Error> {
        let folder = self.outputs.folder();
        // Its name has the id in it, and appears when the file is complete.
        match SavedFile::find(folder, file.stem()) {
            Some(there) => Ok(already_there(there, progress)),
            None => file.save_in(folder).await,
        }
    }

    async fn save_text(&self, text: &OutputText, progress: &Progress) -> Result<SavedFile, Error> {
        let folder = self.outputs.folder();
        match SavedFile::find_text(folder, text.stem()) {
            Some(there) => Ok(already_there(there, progress)),
            None => text.save_in(folder).await,
        }
    }
}

fn already_there(there: SavedFile, progress: &Progress) -> SavedFile {
    let path = there.path.display();
    progress.say(format_args!("note: {path} was there already"));
    there
}

/// Where a file that was not saved can be downloaded by hand.
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
