//! Where the files of a row are saved: under its own name, or by the batch's template.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use serde_json::{Map, Value};

use crate::batch::event::Event;
use crate::batch::names;
use crate::batch::reason::Stopped;
use crate::batch::row::Row;
use crate::error::ErrorKind;
use crate::ledger::Job;
use crate::names::{FileTemplate, NameValues, row_name};

/// How many names are offered to the ledger at once.
const OFFERED: u64 = 16;

/// The folder of a file and its name without an extension.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) folder: PathBuf,
    pub(super) stem: String,
}

impl Place {
    /// The place of a path with `/` between its parts.
    fn below(folder: &Path, path: &str) -> Self {
        match path.rsplit_once('/') {
            None => Self {
                folder: folder.to_owned(),
                stem: path.to_owned(),
            },
            Some((folders, stem)) => Self {
                folder: folders
                    .split('/')
                    .fold(folder.to_owned(), |all, part| all.join(part)),
                stem: stem.to_owned(),
            },
        }
    }
}

impl Row {
    /// The places of the files at these positions. `None` if the ledger has failed or the row is
    /// another's by now.
    pub(super) async fn places(
        &self,
        folder: &Path,
        positions: Range<usize>,
    ) -> Option<Vec<Place>> {
        let template = template(&self.job);
        let mut places = Vec::new();
        for position in positions {
            let path = match &template {
                None => names::path(&self.job, position),
                Some(template) => self.reserved(folder, template, position).await?,
            };
            places.push(Place::below(folder, &path));
        }
        Some(places)
    }

    /// The place of the first file, if a file there is this row's own. `None` if its name does not say
    /// whose it is, or another row of the batch has it.
    pub(super) async fn place_before_sending(&self, folder: &Path) -> Option<Place> {
        let path = match template(&self.job) {
            None => names::path(&self.job, 0),
            Some(template) if template.identifies_rows() => {
                let path = self.rendered(&template, 0);
                self.reserve(0, vec![path]).await??
            }
            Some(_) => return None,
        };
        Some(Place::below(folder, &path))
    }

    /// The name that a template gives a file: the first that no other has.
    async fn reserved(
        &self,
        folder: &Path,
        template: &FileTemplate,
        position: usize,
    ) -> Option<String> {
        let path = self.rendered(template, position);
        let mut next = 1;
        loop {
            let numbers = next..next + OFFERED;
            next = numbers.end;
            let offered = self.free(folder, &path, numbers).await;
            if self.job.batch.is_none() {
                // No other process names files of this prediction.
                let name = offered.into_iter().find(|name| {
                    let place = Place::below(folder, name);
                    self.context.present.take(&place.folder, &place.stem)
                });
                match name {
                    Some(name) => return Some(name),
                    None => continue,
                }
            }
            if let Some(name) = self.reserve(position, offered).await? {
                return Some(name);
            }
        }
    }

    /// Those of the names `path`, `path-2` and so on that no file has.
    async fn free(&self, folder: &Path, path: &str, numbers: Range<u64>) -> Vec<String> {
        let name = |number| match number {
            1 => path.to_owned(),
            after => format!("{path}-{after}"),
        };
        let names: Vec<String> = numbers.map(name).collect();
        let folder = folder.to_owned();
        let present = Arc::clone(&self.context.present);
        let free = tokio::task::spawn_blocking(move || {
            let is_free = |name: &String| {
                let place = Place::below(&folder, name);
                !present.has(&place.folder, &place.stem).unwrap_or(false)
            };
            names.into_iter().filter(is_free).collect()
        });
        // The task fails only when the runtime shuts down, and this row with it.
        free.await.unwrap_or_default()
    }

    /// Asks the ledger for a name: `None` if it has failed, and nothing can be saved that could not be
    /// recorded either.
    async fn reserve(&self, position: usize, names: Vec<String>) -> Option<Option<String>> {
        let worker = self.context.worker.id();
        let ledger = &self.context.settings.ledger;
        let reserved = ledger.reserve(worker, self.job.seq, position as u64, names);
        match reserved.await {
            Ok(name) => Some(name),
            Err(e) if e.kind() == ErrorKind::Lost => None,
            Err(error) => {
                self.context.notify(&Event::Unrecorded {
                    row: &self.info,
                    id: self.job.id.as_deref(),
                    error: &error,
                });
                self.context.halt(Stopped::Ledger(error));
                None
            }
        }
    }

    fn rendered(&self, template: &FileTemplate, position: usize) -> String {
        let job = &self.job;
        let input = object(Some(&job.input));
        let labels = object(job.labels.as_deref());
        let hash = row_name(None, &job.hash, job.occurrence);
        let id = match (&job.batch, &job.row) {
            (None, _) => job.id.clone().unwrap_or_default(),
            (Some(_), Some(row)) => row.clone(),
            (Some(_), None) => hash.clone(),
        };
        let today = humantime::format_rfc3339_seconds(SystemTime::now()).to_string();
        let mut values =
            NameValues::new(&id, &job.model, &input, today.get(..10).unwrap_or_default());
        values.hash = &hash;
        values.prediction = job.id.as_deref();
        values.labels = Some(&labels);
        values.row = job.line;
        values.position = position;
        template.render(&values)
    }
}

/// The template of a prediction's files. One that a later version of this crate has recorded may not be
/// known here; the files then have the names of their rows.
fn template(job: &Job) -> Option<FileTemplate> {
    job.names.as_deref()?.parse().ok()
}

fn object(json: Option<&str>) -> Map<String, Value> {
    json.and_then(|json| serde_json::from_str(json).ok())
        .unwrap_or_default()
}
