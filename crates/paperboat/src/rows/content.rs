//! The files that rows name, as they are sent.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::fs::File;
use std::path::{Path, PathBuf};

use cometapi::models::media::media_type;

use crate::file::{self, Limits};
use crate::print;

/// How many bytes of what is sent are kept, because rows may name a file again.
const MAX_KEPT: usize = 16 << 20;

/// How many images that are not sent as they are have a note of their own.
const MAX_NOTES: u64 = 5;

/// Reads files for rows, and says which are not sent as they are.
pub(super) struct Images {
    limits: Limits,
    /// Whether text is sent where an image is meant.
    is_forced: bool,
    kept: RefCell<HashMap<PathBuf, String>>,
    kept_bytes: Cell<usize>,
    scaled: Cell<u64>,
}

impl Images {
    pub(super) fn new(limits: Limits, is_forced: bool) -> Self {
        Self {
            limits,
            is_forced,
            kept: RefCell::default(),
            kept_bytes: Cell::new(0),
            scaled: Cell::new(0),
        }
    }

    /// The file as a data URI; or why it cannot be sent, and what would send it.
    pub(super) fn read(&self, field: &str, path: &Path) -> Result<String, String> {
        if let Some(sent) = self.kept.borrow().get(path) {
            return Ok(sent.clone());
        }
        let bytes = File::open(path)
            .and_then(|file| file::read(file, self.limits.to_read()))
            .map_err(|e| format!("cannot be read: {e}"))?;
        if !self.is_forced && !bytes.is_empty() && is_text(&bytes) {
            return Err(format!("is text, and {field} takes an image"));
        }
        let sent = file::data_uri(&bytes, self.limits).map_err(|e| {
            let advice = e.advice.iter().map(|advice| format!("; {advice}"));
            [e.why.clone()]
                .into_iter()
                .chain(advice)
                .collect::<String>()
        })?;
        if let Some(note) = sent.note {
            let scaled = self.scaled.get() + 1;
            self.scaled.set(scaled);
            if scaled <= MAX_NOTES {
                print::stderr(format_args!("note: {}: {note}", path.display()));
            }
        }
        let sent = sent.image.as_str().to_owned();
        self.keep(path, &sent);
        Ok(sent)
    }

    fn keep(&self, path: &Path, sent: &str) {
        let mut kept = self.kept.borrow_mut();
        if self.kept_bytes.get() + sent.len() > MAX_KEPT {
            kept.clear();
            self.kept_bytes.set(0);
        }
        kept.insert(path.to_owned(), sent.to_owned());
        self.kept_bytes.set(self.kept_bytes.get() + sent.len());
    }
}

/// Whether it is what a pattern matches beside the photos: a note, a page, a file of rows. A drawing in
/// SVG is an image.
fn is_text(bytes: &[u8]) -> bool {
    match media_type(bytes) {
        "application/octet-stream" => !file::is_binary(bytes),
        known => known.starts_with("text/") || known == "application/json",
    }
}

/// All rows have been read.
impl Drop for Images {
    fn drop(&mut self) {
        match self.scaled.get().saturating_sub(MAX_NOTES) {
            0 => {}
            1 => print::stderr("note: 1 more image is scaled down"),
            more => print::stderr(format_args!("note: {more} more images are scaled down")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_and_pages_are_text_and_images_are_not() {
        for (bytes, expected) in [
            (&b"a note"[..], true),
            (b"{\"a\": 1}", true),
            (b"<!DOCTYPE html><html>", true),
            (b"<svg xmlns='x'/>", false),
            (b"\x89PNG\r\n\x1a\n", false),
            (b"\xff\x00\xfe", false),
        ] {
            assert_eq!(is_text(bytes), expected, "{}", bytes.escape_ascii());
        }
    }

    #[test]
    fn a_file_is_read_once_while_it_is_kept() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("a.bin");
        std::fs::write(&path, b"\xff\x00").unwrap();
        let limits = Limits {
            bytes: 1000,
            pixels: None,
        };
        let images = Images::new(limits, false);
        let first = images.read("image", &path).unwrap();
        std::fs::remove_file(&path).unwrap();
        assert_eq!(images.read("image", &path).unwrap(), first);
        images.keep(Path::new("large"), &"x".repeat(MAX_KEPT));
        assert!(images.read("image", &path).is_err());
    }
}
