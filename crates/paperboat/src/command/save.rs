//! Saving the output of a run.

use std::path::{Path, PathBuf};

use cometapi::models::Model;
use cometapi::{Client, OutputFile, OutputText, Prediction, SavedFile, shorten_data_uris};
use cometapi_batch::{Entry, OnceRun};

use crate::args::{Destination, Outputs, RunOptions};
use crate::command::place::Place;
use crate::command::saver::{Content, Saver, Stored};
use crate::command::stdout::{self, NotWritten};
use crate::failure::Failure;
use crate::progress::Progress;
use crate::{draw, print, sidecar, viewer};

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

/// Prepares the folder for the files of a prediction that is to be created. Without `-o`, text needs none.
pub(super) fn prepare_to_create(
    options: &RunOptions,
    model: Option<&Model>,
) -> Result<(), Failure> {
    let returns_text = model.is_some_and(|model| !model.output_kind().is_files());
    if options.outputs.output.is_some() || options.no_wait || returns_text {
        return prepare(&options.outputs);
    }
    prepare_folder(Path::new("."))
}

/// Prepares the folder that `-o` names, if it names one.
pub(super) fn prepare(outputs: &Outputs) -> Result<(), Failure> {
    match &outputs.output {
        None | Some(Destination::Stdout) => Ok(()),
        Some(named) => prepare_folder(named.folder()),
    }
}

/// The output of a prediction that succeeded, on its way to files and stdout.
pub(super) struct Saving<'a> {
    pub(super) client: &'a Client,
    pub(super) prediction: &'a Prediction,
    pub(super) outputs: &'a Outputs,
    pub(super) place: Place,
    /// What the ledger knows of the prediction.
    pub(super) entry: Option<Entry>,
    /// Whether it is the only prediction of the command, so that stdout can take its text.
    pub(super) is_alone: bool,
}

/// What was saved, and the first failure with what it left undone.
#[derive(Default)]
pub(super) struct Saved {
    pub(super) paths: Vec<PathBuf>,
    /// Those of them that were not there before.
    pub(super) new: Vec<SavedFile>,
    /// How many bytes went to stdout, if it took a file.
    pub(super) to_stdout: Option<u64>,
    pub(super) fault: Option<Failure>,
    /// Whether something could not be saved that can be fetched again.
    is_incomplete: bool,
    notes: Vec<String>,
}

impl Saved {
    fn note(&mut self, note: String, progress: &Progress) {
        progress.say(format_args!("note: {note}"));
        self.notes.push(note);
    }
}

impl Saving<'_> {
    /// Saves every file it can, printing each path as soon as it is there, and saves or prints
    /// text; a failure does not keep the others from being saved.
    pub(super) async fn save(mut self, mut run: OnceRun, progress: &Progress) -> Saved {
        let contents = self.client.contents(self.prediction, run.model());
        let (files, text) = match contents {
            Ok(contents) => contents.into_parts(),
            Err(error) => {
                progress.recorded(run.failed(&error).await);
                return Saved {
                    fault: Some(error.into()),
                    ..Saved::default()
                };
            }
        };
        let mut saved = Saved::default();
        if files.is_empty() && text.is_none() {
            saved.note("the run succeeded without an output".to_owned(), progress);
        } else {
            progress.state("saving");
        }
        if let Some(ignored) = self.prediction.ignored_output() {
            let note = format!("the output may not be complete: {ignored}");
            saved.note(note, progress);
        }
        if self.place == Place::Stdout && !files.is_empty() {
            match stdout::write(&files, text.as_ref()).await {
                Ok(bytes) => {
                    progress.recorded(run.succeeded(Some("written to stdout".to_owned())).await);
                    saved.to_stdout = Some(bytes);
                    return saved;
                }
                Err(NotWritten::Fetched(error)) => {
                    saved.fault = Some(Failure::from(error).with_advice(place(&files[0])));
                    return saved;
                }
                Err(NotWritten::Refused(why)) => {
                    saved.note(
                        format!("{why}, so it is saved in the current folder"),
                        progress,
                    );
                    self.place = Place::Folder(PathBuf::from("."));
                }
            }
        }
        let has_links = self
            .save_files(&files, &mut saved, &mut run, progress)
            .await;
        // What was left as a link is in the text.
        let text = match text {
            None if has_links => Some(OutputText::of(self.prediction)),
            text => text,
        };
        if let Some(text) = text {
            let position = files.len();
            self.save_text(&text, position, &mut saved, &mut run, progress)
                .await;
        }
        // What was not saved can be fetched again, so it is not over.
        if !saved.is_incomplete {
            let note = (!saved.notes.is_empty()).then(|| saved.notes.join("; "));
            progress.recorded(run.succeeded(note).await);
        }
        if self.outputs.sidecar {
            for note in sidecar::write_all(&saved.paths, self.prediction) {
                progress.say(format_args!("note: {note}"));
            }
        }
        if self.outputs.look.open {
            viewer::open_saved(&saved.paths);
        }
        saved
    }

    /// Saves the files. Returns whether some were left as links.
    async fn save_files(
        &self,
        files: &[OutputFile],
        saved: &mut Saved,
        run: &mut OnceRun,
        progress: &Progress,
    ) -> bool {
        let mut has_links = false;
        for file in files {
            match self.saver().save(Content::File(file), progress).await {
                Err(error) if file.is_link(&error) => {
                    let url = shorten_data_uris(file.url());
                    saved.note(format!("{url} was left as a link: {error}"), progress);
                    has_links = true;
                }
                Err(error) => {
                    saved.is_incomplete = true;
                    // The first one's reason; where each of them is.
                    let failure = saved.fault.take().unwrap_or_else(|| error.into());
                    saved.fault = Some(failure.with_advice(place(file)));
                }
                Ok(there) => {
                    self.saved(file.position(), there, saved, run, progress)
                        .await;
                }
            }
        }
        has_links
    }

    async fn save_text(
        &self,
        text: &OutputText,
        position: usize,
        saved: &mut Saved,
        run: &mut OnceRun,
        progress: &Progress,
    ) {
        let prints = match self.place {
            Place::Stdout => true,
            Place::Current => self.is_alone && saved.paths.is_empty() && !saved.is_incomplete,
            Place::Folder(_) | Place::Named(..) => false,
        };
        if prints {
            if !self.outputs.json
                && let Err(failure) = print::output(text)
            {
                saved.fault.get_or_insert(failure);
            }
            return;
        }
        let content = Content::Text(text, position);
        match self.saver().save(content, progress).await {
            Ok(there) => self.saved(position, there, saved, run, progress).await,
            Err(error) => {
                saved.is_incomplete = true;
                saved.fault.get_or_insert_with(|| error.into());
            }
        }
    }

    fn saver(&self) -> Saver<'_> {
        Saver {
            place: &self.place,
            prediction: self.prediction,
            entry: self.entry.as_ref(),
        }
    }

    async fn saved(
        &self,
        position: usize,
        there: Stored,
        saved: &mut Saved,
        run: &mut OnceRun,
        progress: &Progress,
    ) {
        let Stored { file, is_new } = there;
        progress.state("saving");
        progress.recorded(run.saved(position, &file).await);
        if !self.outputs.json
            && let Err(failure) = print::path(&file.path)
        {
            saved.fault.get_or_insert(failure);
        }
        if self.outputs.look.show {
            draw::show(&file.path);
        }
        saved.paths.push(file.path.clone());
        if is_new {
            saved.new.push(file);
        }
    }
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
