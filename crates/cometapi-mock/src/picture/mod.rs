//! Pictures that stand for a model's: made from prompt and seed, and saying so.

mod canvas;
mod encode;
mod landscape;
mod palette;
mod size;
mod text;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use tokio::sync::OnceCell;

pub(crate) use encode::Format;
pub(crate) use size::Size;

use canvas::Canvas;

/// Everything that decides what a picture looks like, and so its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Picture {
    pub(crate) prompt: String,
    pub(crate) model: String,
    pub(crate) seed: u64,
    pub(crate) format: Format,
    /// Of JPEG, 1 to 100.
    pub(crate) quality: u8,
    pub(crate) size: Size,
}

impl Picture {
    fn draw(&self) -> Canvas {
        let mut canvas = Canvas::new(self.size);
        landscape::paint(&mut canvas, &self.prompt, self.seed);
        let model = self.model.rsplit('/').next().unwrap_or(&self.model);
        let small = format!("mock · {model} · seed {}", self.seed);
        text::caption(&mut canvas, &self.prompt, &small);
        canvas
    }

    fn encoded(&self) -> Option<Bytes> {
        encode::encode(&self.draw(), self.format, self.quality)
    }
}

/// Pictures that have been asked for, the latest few. They are drawn at the first download,
/// off the runtime's threads.
#[derive(Debug, Default)]
pub(crate) struct Cache(Mutex<VecDeque<Entry>>);

type Entry = (Picture, Arc<OnceCell<Option<Bytes>>>);

/// About 30 MB at a usual half megabyte each.
const CACHED: usize = 64;

impl Cache {
    /// `None` if it cannot be encoded, which no size that is given out brings about.
    pub(crate) async fn encoded(&self, picture: Picture) -> Option<Bytes> {
        let cell = self.cell(&picture);
        let drawn = cell.get_or_init(|| async move {
            tokio::task::spawn_blocking(move || picture.encoded())
                .await
                .ok()
                .flatten()
        });
        drawn.await.clone()
    }

    fn cell(&self, picture: &Picture) -> Arc<OnceCell<Option<Bytes>>> {
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, cell)) = entries.iter().find(|(known, _)| known == picture) {
            return Arc::clone(cell);
        }
        let cell = Arc::default();
        entries.push_back((picture.clone(), Arc::clone(&cell)));
        if entries.len() > CACHED {
            entries.pop_front();
        }
        cell
    }
}

#[cfg(test)]
mod tests;
