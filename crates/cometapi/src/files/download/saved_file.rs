//! A file that was saved, and the folder that it is in.

use std::path::{Path, PathBuf};

use crate::files::download::{durable, part};
use cometapi_models::media::{self, FileType};

/// A file that was saved.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SavedFile {
    /// Where it is.
    pub path: PathBuf,
    /// Its size in bytes.
    pub bytes: u64,
    /// What it is: by its content, else by its host's media type, else by the extension of its
    /// URL: `image/png`.
    pub media_type: String,
}

impl SavedFile {
    /// Returns the file that [`OutputFile::save_in`](crate::OutputFile::save_in) saved earlier in `folder` under
    /// `stem`, whatever its extension. A name appears when its file is complete, so a file that
    /// is found is complete; an empty file is not taken for one. Of several files, the first by
    /// name is returned.
    ///
    /// Reads the whole folder; blocks on the file system.
    pub fn find(folder: impl AsRef<Path>, stem: impl AsRef<str>) -> Option<Self> {
        Self::find_all(folder, stem).into_iter().next()
    }

    /// Returns every file that [`find`](Self::find) could return, ordered by name. A file of the user may
    /// be among them: a caption `fox.txt` has the stem of `fox.webp`.
    pub fn find_all(folder: impl AsRef<Path>, stem: impl AsRef<str>) -> Vec<Self> {
        let folder = folder.as_ref();
        let Ok(entries) = std::fs::read_dir(durable::or_current(folder)) else {
            return Vec::new();
        };
        let names = entries.filter_map(|entry| {
            let name = entry.ok()?.file_name().into_string().ok()?;
            extension_of(&name, stem.as_ref()).is_some().then_some(name)
        });
        let mut names: Vec<_> = names.collect();
        names.sort_unstable();
        let file = |name: String| {
            let kind = FileType::of_extension(extension_of(&name, stem.as_ref())?);
            Self::at(folder.join(name), kind.media_type)
        };
        names.into_iter().filter_map(file).collect()
    }

    /// Returns the text or JSON that [`OutputText::save_in`](crate::OutputText::save_in) saved
    /// earlier in `folder` under `stem`. Blocks on the file system.
    pub fn find_text(folder: impl AsRef<Path>, stem: impl AsRef<str>) -> Option<Self> {
        let (folder, stem) = (folder.as_ref(), stem.as_ref());
        [("text/plain", "txt"), ("application/json", "json")]
            .into_iter()
            .find_map(|(media_type, extension)| {
                let path = folder.join(format!("{stem}.{extension}"));
                Self::at(path, media_type.to_owned())
            })
    }

    /// Removes the hidden part files of downloads into `folder` whose process was killed, and
    /// returns how many there were. A download of any process that lives keeps its file, which
    /// it holds a lock on; so does every file with another kind of name.
    ///
    /// Reads the whole folder; blocks on the file system. A file that cannot be removed is left.
    pub fn remove_abandoned(folder: impl AsRef<Path>) -> usize {
        part::remove_abandoned(folder.as_ref())
    }

    fn at(path: PathBuf, media_type: String) -> Option<Self> {
        let is = path.metadata().ok().filter(std::fs::Metadata::is_file)?;
        (is.len() > 0).then_some(Self {
            path,
            bytes: is.len(),
            media_type,
        })
    }
}

/// The extension of a name that was made of `stem`.
fn extension_of<'n>(name: &'n str, stem: &str) -> Option<&'n str> {
    let extension = name.strip_prefix(stem)?.strip_prefix('.')?;
    media::is_extension(extension).then_some(extension)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_saved_file_is_found_by_its_stem_unless_it_is_empty() {
        let folder = std::env::temp_dir().join(format!("cometapi-{:016x}", fastrand::u64(..)));
        std::fs::create_dir_all(&folder).unwrap();
        assert_eq!(SavedFile::find(&folder, "fox-0"), None);
        std::fs::write(folder.join("fox-0.webp"), "").unwrap();
        assert_eq!(SavedFile::find(&folder, "fox-0"), None);
        std::fs::write(folder.join("fox-0.webp"), "abc").unwrap();
        let found = SavedFile::find(&folder, "fox-0").unwrap();
        assert_eq!((found.bytes, found.media_type.as_str()), (3, "image/webp"));
        for extension in ["bin", "ply", "safetensors", "3gp", "tgz"] {
            std::fs::write(folder.join(format!("{extension}-0.{extension}")), "abc").unwrap();
            let found = SavedFile::find(&folder, format!("{extension}-0"));
            assert!(found.is_some(), "{extension}");
        }
        // Names made of other stems, and files on their way.
        for other in [
            "cat-1.png",
            "cat.b-0.png",
            "cat-.png",
            ".cat.0123.part",
            "cat.tar.gz",
        ] {
            std::fs::write(folder.join(other), "abc").unwrap();
        }
        std::fs::create_dir(folder.join("cat.png")).unwrap();
        assert_eq!(SavedFile::find(&folder, "cat"), None);
        assert_eq!(SavedFile::find(folder.join("none"), "cat"), None);
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
