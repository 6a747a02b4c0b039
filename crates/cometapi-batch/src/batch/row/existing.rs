//! Files that are there under the names of a row.

use std::path::Path;
use std::sync::Arc;

use cometapi::models::find;
use cometapi::{Error, ErrorKind, OutputFile, OutputText, SavedFile};

use crate::batch::row::place::Place;
use crate::batch::row::{Row, own_files};
use crate::ledger::Outcome;

/// The files of a row that are there, by position.
pub(super) struct Existing {
    files: Vec<Option<SavedFile>>,
}

impl Existing {
    /// The first one.
    fn first(&self) -> Option<&SavedFile> {
        self.files.iter().flatten().next()
    }

    /// Takes the one at `position`.
    pub(super) fn remove(&mut self, position: usize) -> Option<SavedFile> {
        self.files.get_mut(position)?.take()
    }

    /// Adds those of the next positions.
    pub(super) fn extend(&mut self, more: Self) {
        self.files.extend(more.files);
    }

    /// Why nothing is saved, if a file is there that is not this prediction's: it was there before the
    /// first file could be saved. Unless the ledger could not be written when it was saved: its content
    /// shows it.
    pub(super) async fn conflict(
        &self,
        files: &[OutputFile],
        text: Option<&OutputText>,
    ) -> Option<Outcome> {
        let path = self.first()?.path.display();
        match self.are_of(files, text).await {
            Ok(true) => None,
            Ok(false) => {
                let what = format!("{path} is there already and was left as it is: move it away");
                Some(Outcome::failed(ErrorKind::File, what))
            }
            Err(error) => Some(Outcome::from(&error)),
        }
    }

    /// Whether every file that is there has the content that this prediction's file has now.
    async fn are_of(&self, files: &[OutputFile], text: Option<&OutputText>) -> Result<bool, Error> {
        for (file, saved) in files.iter().zip(&self.files) {
            if let Some(saved) = saved
                && !own_files::is_same_file(file, &saved.path).await?
            {
                return Ok(false);
            }
        }
        let saved = self.files.get(files.len()).and_then(Option::as_ref);
        Ok(match (text, saved) {
            (Some(text), Some(saved)) => {
                tokio::fs::read(&saved.path).await.ok() == Some(text.as_str().into())
            }
            _ => true,
        })
    }
}

impl Row {
    /// Returns why the row is not sent, if a file with its name is in the folder although this
    /// ledger has no create request for it. The file is unrelated, or another ledger has the
    /// request.
    pub(super) async fn existing_file(&self) -> Option<Outcome> {
        if self.context.settings.no_files {
            return None;
        }
        let place = self.place_before_sending(&self.folder()).await?;
        let found = self.existing(&[place]).await;
        let path = &found.first()?.path;
        let what = format!(
            "{} is there already, and this ledger has no create request for it, so nothing was \
             sent: move the file away, or name the ledger that it was made with",
            path.display()
        );
        Some(Outcome::failed(ErrorKind::File, what))
    }

    /// Looks for files at these places. Before this row saves its first, only what was there when the
    /// run began can be found.
    pub(super) async fn existing(&self, places: &[Place]) -> Existing {
        let wanted = places.to_vec();
        let fetching = self.job.fetching;
        let present = Arc::clone(&self.context.present);
        // Beside an image, text of its name is a caption or another file of the user.
        let returns_text = find(&self.job.model).is_none_or(|it| !it.output_kind().is_files());
        let found = tokio::task::spawn_blocking(move || {
            let find = |place: &Place| {
                present.clean(&place.folder);
                // A batch has read its folder before anything was paid for; elsewhere nothing is paid for.
                if !fetching && !present.has(&place.folder, &place.stem).unwrap_or(false) {
                    return None;
                }
                let mut found = SavedFile::find_all(&place.folder, &place.stem).into_iter();
                found.find(|file| returns_text || !is_text(&file.path))
            };
            wanted.iter().map(find).collect()
        });
        // The task fails only when the runtime shuts down, and this row with it.
        let files = found.await.unwrap_or_else(|_| vec![None; places.len()]);
        Existing { files }
    }
}

/// Whether a file has one of the extensions that text is saved with.
fn is_text(path: &Path) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str());
    matches!(extension, Some("txt" | "json"))
}
