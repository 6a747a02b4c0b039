//! Saving a file or the text of a prediction in its place.

use std::collections::HashSet;
use std::path::Path;
use std::time::SystemTime;

use cometapi::models::media;
use cometapi::{Error, ErrorKind, OutputFile, OutputText, Prediction, SavedFile};
use cometapi_batch::{Entry, FileTemplate, Intent, NameValues, folded};
use serde_json::{Map, Value};

use crate::command::place::Place;
use crate::progress::Progress;
use crate::watched::show_retry;

/// A file or the text of an output.
#[derive(Clone, Copy)]
pub(super) enum Content<'a> {
    File(&'a OutputFile),
    /// Its place comes after those of the files.
    Text(&'a OutputText, usize),
}

impl Content<'_> {
    pub(super) fn position(&self) -> usize {
        match self {
            Self::File(file) => file.position(),
            Self::Text(_, position) => *position,
        }
    }

    fn stem(&self) -> String {
        match self {
            Self::File(file) => file.stem(),
            Self::Text(text, _) => text.stem(),
        }
    }

    fn find(&self, folder: &Path) -> Option<SavedFile> {
        match self {
            Self::File(file) => SavedFile::find(folder, file.stem()),
            Self::Text(text, _) => SavedFile::find_text(folder, text.stem()),
        }
    }

    async fn save(
        &self,
        folder: &Path,
        stem: &str,
        progress: &Progress,
    ) -> Result<SavedFile, Error> {
        match self {
            Self::File(file) => {
                let save = file.save_in(folder).name(stem);
                save.on_retry(|retry| show_retry(progress, &retry)).await
            }
            Self::Text(text, _) => text.save_in(folder).name(stem).await,
        }
    }
}

/// A file that is in its place.
pub(super) struct Stored {
    pub(super) file: SavedFile,
    /// Whether it was saved now.
    pub(super) is_new: bool,
}

impl Stored {
    fn new(file: SavedFile) -> Self {
        Self { file, is_new: true }
    }
}

/// Saves what a prediction returned.
pub(super) struct Saver<'a> {
    pub(super) place: &'a Place,
    pub(super) prediction: &'a Prediction,
    /// What the ledger knows of the prediction.
    pub(super) entry: Option<&'a Entry>,
}

impl Saver<'_> {
    /// Saves a file or the text, unless it was saved there before. Nothing that is there is replaced.
    pub(super) async fn save(
        &self,
        content: Content<'_>,
        progress: &Progress,
    ) -> Result<Stored, Error> {
        let folder = self.place.folder();
        let Place::Named(_, template) = self.place else {
            // Its name has the id in it, and appears when the file is complete.
            return match content.find(folder) {
                Some(there) => Ok(already_there(there, progress)),
                None => content
                    .save(folder, &content.stem(), progress)
                    .await
                    .map(Stored::new),
            };
        };
        let path = self.rendered(template, content.position());
        let (folder, stem) = match path.rsplit_once('/') {
            Some((folders, stem)) => (folder.join(folders), stem),
            None => (folder.to_owned(), path.as_str()),
        };
        if let Some(there) = self.recorded(&folder, stem, content.position()) {
            return Ok(already_there(there, progress));
        }
        let saved = save_under_free_name(content, &folder, stem, progress).await?;
        if let Some(note) = note_on_type(template, &saved) {
            progress.say(format_args!("note: {note}"));
        }
        Ok(Stored::new(saved))
    }

    /// The name that the template gives the file, without an extension.
    fn rendered(&self, template: &FileTemplate, position: usize) -> String {
        let recorded = self
            .entry
            .and_then(|it| serde_json::from_str(&it.input).ok());
        let input: Map<String, Value> = recorded
            .or_else(|| self.prediction.input().cloned())
            .unwrap_or_default();
        let model = self.entry.map(|it| it.model.as_str());
        let model = model.or(self.prediction.model()).unwrap_or_default();
        let hash = match (self.entry, model.parse()) {
            (Some(entry), _) => entry.hash.clone(),
            (None, Ok(model)) => Intent::new(&model, &input).hash,
            (None, Err(_)) => String::new(),
        };
        let today = humantime::format_rfc3339_seconds(SystemTime::now()).to_string();
        let today = today.get(..10).unwrap_or_default();
        let mut values = NameValues::new(self.prediction.id(), model, &input, today);
        values.hash = &hash;
        values.prediction = Some(self.prediction.id());
        values.position = position;
        template.render(&values)
    }

    /// The file of this position, if it was saved before under a name of the same stem.
    fn recorded(&self, folder: &Path, stem: &str, position: usize) -> Option<SavedFile> {
        let mut files = self.entry?.files.iter();
        let path = &files.find(|file| file.position == position as u64)?.path;
        let is_there =
            path.parent()?.canonicalize().ok()? == existing(folder).canonicalize().ok()?;
        let saved_as = path.file_stem()?.to_str()?;
        let number = saved_as.strip_prefix(stem)?;
        let is_numbered = number
            .strip_prefix('-')
            .is_some_and(|it| it.parse::<u64>().is_ok());
        if !is_there || !(number.is_empty() || is_numbered) {
            return None;
        }
        let name = path.file_name()?;
        let files = SavedFile::find_all(folder, saved_as).into_iter();
        files
            .into_iter()
            .find(|file| file.path.file_name() == Some(name))
    }
}

/// Saves it under the first of `stem`, `stem-2`, `stem-3` and so on that no file has.
async fn save_under_free_name(
    content: Content<'_>,
    folder: &Path,
    stem: &str,
    progress: &Progress,
) -> Result<SavedFile, Error> {
    let mut taken = stems(folder);
    let mut number = 1_u64;
    loop {
        let name = match number {
            1 => stem.to_owned(),
            after => format!("{stem}-{after}"),
        };
        number += 1;
        if taken.contains(&folded(&name)) {
            continue;
        }
        match content.save(folder, &name, progress).await {
            Err(error) if error.kind() == ErrorKind::File => {
                // Another process may have taken the name meanwhile.
                taken = stems(folder);
                if !taken.contains(&folded(&name)) {
                    return Err(error);
                }
            }
            saved => return saved,
        }
    }
}

/// The names of the files in a folder, without their extensions.
fn stems(folder: &Path) -> HashSet<String> {
    let entries = std::fs::read_dir(existing(folder)).into_iter().flatten();
    let stems = entries.filter_map(|entry| {
        let name = entry.ok()?.file_name().into_string().ok()?;
        let (stem, extension) = name.rsplit_once('.')?;
        media::is_extension(extension).then(|| folded(stem))
    });
    stems.collect()
}

/// The path of a folder as the system takes it: an empty one is the current folder.
fn existing(folder: &Path) -> &Path {
    if folder.as_os_str().is_empty() {
        return Path::new(".");
    }
    folder
}

/// What to say of a file that has another type than its name asked for.
fn note_on_type(template: &FileTemplate, saved: &SavedFile) -> Option<String> {
    let wanted = template.extension()?;
    let got = saved.path.extension()?.to_str()?;
    let path = saved.path.display();
    (got != wanted).then(|| format!("the service returned {got}; saved as {path}"))
}

fn already_there(file: SavedFile, progress: &Progress) -> Stored {
    let path = file.path.display();
    progress.say(format_args!("note: {path} was there already"));
    let is_new = false;
    Stored { file, is_new }
}
