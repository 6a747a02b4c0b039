//! Images that stand for a model's: drawn from prompt and seed, and labelled as mock images.

mod caption;
mod encode;
mod scene;
mod size;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use image::RgbImage;
use tokio::sync::OnceCell;

pub(crate) use encode::Format;
pub(crate) use size::Size;

/// Everything that decides what an image looks like, and so its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Drawing {
    pub(crate) prompt: String,
    pub(crate) model: String,
    pub(crate) seed: u64,
    pub(crate) format: Format,
    /// Of JPEG, 1 to 100.
    pub(crate) quality: u8,
    pub(crate) size: Size,
}

impl Drawing {
    fn draw(&self) -> RgbImage {
        let mut image = scene::paint(self.size, &self.prompt, self.seed);
        let model = self.model.rsplit('/').next().unwrap_or(&self.model);
        let about = format!("mock · {model} · seed {}", self.seed);
        caption::draw(&mut image, &self.prompt, &about);
        image
    }

    fn encoded(&self) -> Option<Bytes> {
        encode::encode(&self.draw(), self.format, self.quality)
    }
}

/// The latest images that were requested. Each is drawn at its first download, off the runtime's
/// threads.
#[derive(Debug, Default)]
pub(crate) struct Cache(Mutex<VecDeque<Entry>>);

type Entry = (Drawing, Arc<OnceCell<Option<Bytes>>>);

/// About 30 MB at a usual half megabyte each.
const CACHED: usize = 64;

impl Cache {
    /// `None` if it cannot be encoded, which no size that is given out brings about.
    pub(crate) async fn encoded(&self, drawing: Drawing) -> Option<Bytes> {
        let cell = self.cell(&drawing);
        let drawn = cell.get_or_init(|| async move {
            tokio::task::spawn_blocking(move || drawing.encoded())
                .await
                .ok()
                .flatten()
        });
        drawn.await.clone()
    }

    fn cell(&self, drawing: &Drawing) -> Arc<OnceCell<Option<Bytes>>> {
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, cell)) = entries.iter().find(|(known, _)| known == drawing) {
            return Arc::clone(cell);
        }
        let cell = Arc::default();
        entries.push_back((drawing.clone(), Arc::clone(&cell)));
        if entries.len() > CACHED {
            entries.pop_front();
        }
        cell
    }
}

#[cfg(test)]
mod tests;
