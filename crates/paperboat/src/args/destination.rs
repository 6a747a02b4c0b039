//! Where `-o` says that files are saved.

use std::ffi::OsString;
use std::path::{Path, PathBuf, is_separator};

use cometapi::models::{Kind, Model};
use cometapi_batch::FileTemplate;
use serde_json::{Map, Value};

/// The field of models whose files can be of several types.
pub(crate) const FORMAT: &str = "output_format";

/// Where files are saved.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Destination {
    Folder(PathBuf),
    /// Under names of this template.
    Template(FileTemplate),
    Stdout,
}

impl Destination {
    /// Reads a value of `-o`: `-` is stdout, and the path of a file or a template is one if the folder of
    /// that name is not there.
    pub(crate) fn read(value: OsString) -> Result<Self, String> {
        let Some(text) = value.to_str() else {
            return Ok(Self::Folder(value.into()));
        };
        if text == "-" {
            return Ok(Self::Stdout);
        }
        let is_folder = text.ends_with(is_separator) || Path::new(text).is_dir();
        if is_folder || !FileTemplate::is_template(text) {
            return Ok(Self::Folder(value.into()));
        }
        let template = text.parse::<FileTemplate>();
        template.map(Self::Template).map_err(|e| e.to_string())
    }

    /// The same for a batch, which has many files.
    pub(super) fn of_batch(value: OsString) -> Result<Self, String> {
        match Self::read(value)? {
            Self::Stdout => Err("a batch saves files: name a folder or a template".to_owned()),
            other => Ok(other),
        }
    }

    /// The folder, which may have to be created.
    pub(crate) fn folder(&self) -> &Path {
        match self {
            Self::Folder(folder) => folder,
            Self::Template(template) if !template.folder().as_os_str().is_empty() => {
                template.folder()
            }
            Self::Template(_) | Self::Stdout => Path::new("."),
        }
    }

    /// The type of file that it names, as a choice of the model's.
    pub(crate) fn wanted_type(&self, model: &Model) -> Option<Value> {
        let Self::Template(template) = self else {
            return None;
        };
        let (wanted, field) = (template.extension()?, model.field(FORMAT)?);
        let Kind::Choice { values, .. } = field.kind() else {
            return None;
        };
        // Choices have other spellings: jpeg is jpg.
        let mut wanted = Map::from_iter([(FORMAT.to_owned(), Value::from(wanted))]);
        model.normalize(&mut wanted);
        let choice = wanted.remove(FORMAT)?;
        let is_one = values.iter().any(|value| choice.as_str() == Some(*value));
        is_one.then_some(choice)
    }

    /// The template of the names in the folder.
    pub(crate) fn names(&self) -> Option<FileTemplate> {
        match self {
            Self::Template(template) => Some(template.below_folder()),
            Self::Folder(_) | Self::Stdout => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_known_extension_or_a_brace_makes_a_template() {
        for (text, folder, names) in [
            ("fox.png", ".", Some("fox.png")),
            ("out/fox.JPG", "out", Some("fox.JPG")),
            ("out/{id}-{seed}.{ext}", "out", Some("{id}-{seed}.{ext}")),
            ("a/{model}/b.webp", "a", Some("{model}/b.webp")),
            ("{id}", ".", Some("{id}")),
            ("song.mp3", ".", Some("song.mp3")),
            ("data.json", ".", Some("data.json")),
            ("out", "out", None),
            ("out.d", "out.d", None),
            ("fox.png/", "fox.png/", None),
            ("v1.5", "v1.5", None),
            // Tests run in the folder of the package.
            ("src", "src", None),
        ] {
            let read = Destination::read(text.into()).unwrap();
            assert_eq!(read.folder(), Path::new(folder), "{text}");
            let names_of = read.names().map(|it| it.as_str().to_owned());
            assert_eq!(names_of.as_deref(), names, "{text}");
        }
        assert_eq!(Destination::read("-".into()), Ok(Destination::Stdout));
        assert!(Destination::of_batch("-".into()).is_err());
        assert!(Destination::read("{id".into()).is_err());
    }
}
