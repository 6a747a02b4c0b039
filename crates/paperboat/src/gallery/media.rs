//! How a browser shows a file.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// How much of a text file is shown, in bytes.
const MAX_TEXT: u64 = 2048;

/// What an element shows, by the extension of the file, from which browsers tell the type of files on disk.
#[derive(Debug, PartialEq)]
pub(super) enum Media {
    Image,
    Video,
    Audio,
    /// The beginning of the content, and whether there is more.
    Text(String, bool),
    /// What is only linked.
    Other,
}

impl Media {
    pub(super) fn of(file: &Path) -> Self {
        let extension = file.extension().unwrap_or_default().to_string_lossy();
        match extension.to_ascii_lowercase().as_str() {
            "apng" | "avif" | "bmp" | "gif" | "ico" | "jpeg" | "jpg" | "png" | "svg" | "webp" => {
                Self::Image
            }
            "m4v" | "mov" | "mp4" | "ogv" | "webm" => Self::Video,
            "aac" | "flac" | "m4a" | "mp3" | "oga" | "ogg" | "opus" | "wav" => Self::Audio,
            "csv" | "json" | "jsonl" | "md" | "srt" | "txt" | "vtt" => match beginning(file) {
                Ok((text, is_cut)) => Self::Text(text, is_cut),
                // It is linked, and the browser says what is wrong with it.
                Err(_) => Self::Other,
            },
            _ => Self::Other,
        }
    }
}

fn beginning(file: &Path) -> io::Result<(String, bool)> {
    let mut bytes = Vec::new();
    File::open(file)?
        .take(MAX_TEXT + 1)
        .read_to_end(&mut bytes)?;
    let is_cut = bytes.len() as u64 > MAX_TEXT;
    if is_cut {
        let end = whole_characters(&bytes);
        bytes.truncate(end);
    }
    Ok((String::from_utf8_lossy(&bytes).into_owned(), is_cut))
}

/// Where the last character begins, which is the one that may be cut.
fn whole_characters(bytes: &[u8]) -> usize {
    let is_start = |byte: &u8| byte & 0xC0 != 0x80;
    bytes.iter().rposition(is_start).unwrap_or(bytes.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_extension_says_what_shows_a_file() {
        for (name, media) in [
            ("fox.WEBP", Media::Image),
            ("fox.tar.mp4", Media::Video),
            ("fox.wav", Media::Audio),
            ("chart.html", Media::Other),
            ("fox", Media::Other),
            ("missing.txt", Media::Other),
        ] {
            assert_eq!(Media::of(Path::new(name)), media, "{name}");
        }
    }

    #[test]
    fn the_beginning_of_a_long_text_is_shown() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.txt");
        std::fs::write(&path, "short <b>").unwrap();
        assert_eq!(Media::of(&path), Media::Text("short <b>".to_owned(), false));
        std::fs::write(&path, "狐".repeat(1000)).unwrap();
        assert_eq!(Media::of(&path), Media::Text("狐".repeat(682), true));
    }
}
