//! File names by a template.

use std::error::Error;
use std::fmt;
use std::path::{Path, PathBuf, is_separator};

use cometapi::models::media;
use cometapi::names::{file_stem, joined_name, part_in_name};
use serde_json::{Map, Value};

use crate::names::row::folder_name;
use crate::names::value::{cut, text_of};

/// What a template's fields may be called, besides the fields of inputs and the labels of rows.
const BUILT_IN: [&str; 9] = [
    "id",
    "hash",
    "prediction",
    "model",
    "index",
    "row",
    "date",
    "ext",
    "seed",
];

/// A template of file names, such as `{id}-{seed}.{ext}`.
///
/// | Field | Value |
/// |---|---|
/// | `{id}` | the row's id, or else its hash; of a single prediction its id |
/// | `{hash}` | the first twelve digits of the hash of model and input |
/// | `{prediction}` | the prediction's id |
/// | `{model}` | the model's name without its owner |
/// | `{index}` | the place of the file among those of its prediction, from 1 |
/// | `{row}` | the line of the row |
/// | `{date}` | the day on which the file is named, in UTC: `2026-11-26` |
/// | `{ext}` | the extension of the file, at the end of the template alone |
/// | any other | the field of the input, or else the label, of that name |
///
/// `{prompt:40}` is cut after 40 characters, a field without a number after 60. `{{` and `}}` are
/// braces. A `/` of the template makes folders, and so does one in `{id}`; those of other values are
/// escaped, like every character that file systems do not take in a name.
///
/// A file has the extension of what it is, whatever the template says.
///
/// ```
/// use cometapi_batch::FileTemplate;
///
/// let template: FileTemplate = "out/{id}-{prompt:20}.{ext}".parse()?;
/// assert_eq!(template.folder().to_str(), Some("out"));
/// assert_eq!(template.fields().collect::<Vec<_>>(), ["id", "prompt"]);
/// # Ok::<(), cometapi_batch::TemplateError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileTemplate {
    text: String,
    folder: PathBuf,
    /// The names of folders and of the file, each from the template's own text and from values.
    parts: Vec<Vec<Piece>>,
    extension: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Field { name: String, limit: Option<usize> },
}

/// Why a template is not one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateError {
    what: String,
}

impl fmt::Display for TemplateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

impl Error for TemplateError {}

/// The values of a template's fields.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct NameValues<'a> {
    /// The value of `{id}`, whose `/` make folders.
    pub id: &'a str,
    /// The value of `{hash}`: more digits than twelve are cut.
    pub hash: &'a str,
    /// The value of `{prediction}`.
    pub prediction: Option<&'a str>,
    /// The model, `owner/name`.
    pub model: &'a str,
    /// The input.
    pub input: Option<&'a Map<String, Value>>,
    /// The labels of the row.
    pub labels: Option<&'a Map<String, Value>>,
    /// The line of the row.
    pub row: Option<u64>,
    /// The day, `2026-11-26`.
    pub date: &'a str,
    /// The place of the file among those of its prediction, from 0.
    pub position: usize,
}

impl<'a> NameValues<'a> {
    /// The values of a prediction of `model` on `input`, which `id` names, on the day `date`.
    pub fn new(id: &'a str, model: &'a str, input: &'a Map<String, Value>, date: &'a str) -> Self {
        Self {
            id,
            model,
            input: Some(input),
            date,
            ..Self::default()
        }
    }
}

impl FileTemplate {
    /// Returns whether `-o` and its like mean a template by `text`, not a folder: it holds a `{`, or
    /// ends in an extension of a file that models return.
    pub fn is_template(text: &str) -> bool {
        let name = text.rsplit(is_separator).next().unwrap_or(text);
        text.contains('{') || media::is_media_file_name(name) || media::is_data_file_name(name)
    }

    /// The template as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The folder that all names are in: what is before the first part that holds a field. Empty if the
    /// template begins with one.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The same without its [folder](Self::folder).
    #[must_use]
    pub fn below_folder(&self) -> Self {
        let parts: Vec<_> = self.text.split(is_separator).collect();
        let folders = parts.len() - self.parts.len();
        let text = parts.get(folders..).unwrap_or_default().join("/");
        Self {
            text,
            folder: PathBuf::new(),
            ..self.clone()
        }
    }

    /// The extension that the template asks for, lower case, if it names one.
    pub fn extension(&self) -> Option<&str> {
        self.extension.as_deref()
    }

    /// The fields that it holds, in order, except `{ext}`.
    pub fn fields(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().flatten().filter_map(|piece| match piece {
            Piece::Text(_) => None,
            Piece::Field { name, .. } => Some(name.as_str()),
        })
    }

    /// The fields that are neither built in nor part of a prompt: each must be a field of the input or a
    /// label of the row.
    pub fn row_fields(&self) -> impl Iterator<Item = &str> {
        self.fields().filter(|name| !BUILT_IN.contains(name))
    }

    /// Returns whether a name shows which row it belongs to: a file of such a name that is there before
    /// the row was sent is the row's own.
    pub fn identifies_rows(&self) -> bool {
        self.fields().any(|name| matches!(name, "id" | "hash"))
    }

    /// Returns the path of a file below the [folder](Self::folder), with `/` between its parts and
    /// without an extension. A field without a value is left out; a part that is empty then is named
    /// `_`. The second file of a prediction ends in `__2` if the template does not hold `{index}`.
    pub fn render(&self, values: &NameValues<'_>) -> String {
        let mut path = Vec::new();
        for pieces in &self.parts {
            let mut name = Name::default();
            for piece in pieces {
                match piece {
                    Piece::Text(text) => name.text.push_str(text),
                    Piece::Field { name: field, limit } if field == "id" => {
                        let mut folders = values.id.split('/').filter(|part| !part.is_empty());
                        let last = folders.next_back().unwrap_or_default();
                        for folder in folders {
                            name.push(&cut(folder, *limit));
                            path.push(std::mem::take(&mut name).finish());
                        }
                        name.push(&cut(last, *limit));
                    }
                    Piece::Field { name: field, limit } => name.push(&values.get(field, *limit)),
                }
            }
            path.push(name.finish());
        }
        // Only where `{id}` makes more folders can another row have a file beside a folder.
        let folders = self.parts.len().saturating_sub(1)..path.len().saturating_sub(1);
        for folder in path.get_mut(folders).unwrap_or_default() {
            *folder = folder_name(std::mem::take(folder));
        }
        let path = path.join("/");
        if self.fields().any(|name| name == "index") {
            return path;
        }
        file_stem(&path, values.position)
    }
}

/// A part of a path in the making.
#[derive(Default)]
struct Name {
    text: String,
}

impl Name {
    /// Appends a value. One that begins the name must not hide the file, or look like an option.
    fn push(&mut self, value: &str) {
        let value = if self.text.is_empty() {
            value.trim_start_matches(['.', '-', ' '])
        } else {
            value
        };
        self.text.push_str(&part_in_name(value));
    }

    fn finish(self) -> String {
        joined_name(&self.text)
    }
}

impl NameValues<'_> {
    fn get(&self, field: &str, limit: Option<usize>) -> String {
        let of = |map: Option<&Map<String, Value>>| {
            map.and_then(|map| map.get(field))
                .map(|found| text_of(found, limit))
        };
        let built_in = match field {
            "hash" => Some(self.hash.chars().take(12).collect()),
            "prediction" => Some(self.prediction.unwrap_or_default().to_owned()),
            "model" => Some(self.model.rsplit('/').next().unwrap_or_default().to_owned()),
            "index" => Some((self.position + 1).to_string()),
            "row" => Some(self.row.map(|row| row.to_string()).unwrap_or_default()),
            "date" => Some(self.date.to_owned()),
            _ => None,
        };
        match built_in {
            Some(text) => cut(&text, limit),
            None => of(self.input)
                .or_else(|| of(self.labels))
                .unwrap_or_default(),
        }
    }
}

impl std::str::FromStr for FileTemplate {
    type Err = TemplateError;

    fn from_str(text: &str) -> Result<Self, TemplateError> {
        let refused = |what: String| Err(TemplateError { what });
        let mut rest = text;
        let mut extension = None;
        if let Some(stem) = text.strip_suffix(".{ext}") {
            rest = stem;
        } else if FileTemplate::is_template(text)
            && let Some((stem, found)) = text.rsplit_once('.')
            && media::is_extension(found)
            && !stem.is_empty()
            && !stem.ends_with(is_separator)
        {
            rest = stem;
            extension = Some(found.to_ascii_lowercase());
        }
        let split: Vec<&str> = rest.split(is_separator).collect();
        let mut folder = PathBuf::new();
        let mut parts = Vec::new();
        for (at, part) in split.iter().enumerate() {
            let is_last = at + 1 == split.len();
            let pieces = pieces(part)?;
            let has_field = pieces.iter().any(|it| matches!(it, Piece::Field { .. }));
            if parts.is_empty() && !has_field && !is_last {
                // The root is an empty part before the first separator.
                folder.push(if at == 0 && part.is_empty() {
                    "/"
                } else {
                    part
                });
                continue;
            }
            if matches!(part.trim(), "" | "." | "..") {
                return refused(if is_last {
                    format!("{text:?} names no file: end it in a name, such as {{id}}.{{ext}}")
                } else {
                    format!(
                        "{text:?} holds the part {part:?} after a field, and files stay in its folder"
                    )
                });
            }
            parts.push(pieces);
        }
        let template = Self {
            text: text.to_owned(),
            folder,
            parts,
            extension,
        };
        if template.fields().any(|name| name == "ext") {
            return refused(format!(
                "{{ext}} can only be at the end of {text:?}, after a dot"
            ));
        }
        Ok(template)
    }
}

/// Reads a part of a template.
fn pieces(part: &str) -> Result<Vec<Piece>, TemplateError> {
    let refused = |what: String| TemplateError { what };
    let mut pieces = Vec::new();
    let mut text = String::new();
    let mut rest = part;
    while let Some(at) = rest.find(['{', '}']) {
        text.push_str(&rest[..at]);
        let brace = &rest[at..=at];
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix(brace) {
            text.push_str(brace);
            rest = after;
            continue;
        }
        if brace == "}" {
            return Err(refused(format!(
                "{part:?} holds a \"}}\" without a \"{{\"; write \"}}}}\" for the character itself"
            )));
        }
        let Some((field, after)) = rest.split_once('}') else {
            return Err(refused(format!(
                "{part:?} holds a \"{{\" without a \"}}\"; write \"{{{{\" for the character itself"
            )));
        };
        rest = after;
        if !text.is_empty() {
            pieces.push(Piece::Text(std::mem::take(&mut text)));
        }
        pieces.push(field_of(field)?);
    }
    text.push_str(rest);
    if !text.is_empty() {
        pieces.push(Piece::Text(text));
    }
    Ok(pieces)
}

fn field_of(field: &str) -> Result<Piece, TemplateError> {
    let (name, limit) = match field.split_once(':') {
        None => (field, None),
        Some((name, limit)) => match limit.parse() {
            Ok(limit) if limit > 0 => (name, Some(limit)),
            _ => {
                return Err(TemplateError {
                    what: format!(
                        "{{{field}}} must end in a number of characters, such as {{{name}:40}}"
                    ),
                });
            }
        },
    };
    if name.trim().is_empty() {
        return Err(TemplateError {
            what: "{} names no field; write one, such as {id} or {prompt:40}".to_owned(),
        });
    }
    Ok(Piece::Field {
        name: name.trim().to_owned(),
        limit,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn parse(text: &str) -> FileTemplate {
        text.parse().unwrap()
    }

    fn render(text: &str) -> String {
        let input = json!({"prompt": "a red\nfox / in snow", "seed": 7, "go_fast": true});
        let labels = json!({"Kunde": "Müller: Söhne", "seed": "no"});
        let values = NameValues {
            hash: "0123456789abcdef",
            prediction: Some("p1"),
            labels: labels.as_object(),
            row: Some(3),
            ..NameValues::new(
                "animals/fox",
                "acme/painter",
                input.as_object().unwrap(),
                "2026-11-26",
            )
        };
        parse(text).render(&values)
    }

    #[test]
    fn fields_are_replaced_by_their_values() {
        for (text, name) in [
            ("fox.png", "fox"),
            ("{id}", "animals/fox"),
            ("x-{id}-{seed}.{ext}", "x-animals/fox-7"),
            ("out/{prompt:9}.{ext}", "a red fox"),
            ("{prompt}", "a red fox ~2f in snow"),
            ("{model}/{date}/{index}.webp", "painter/2026-11-26/1"),
            ("{hash}-{row}-{prediction}", "0123456789ab-3-p1"),
            ("{Kunde}", "Müller~3a Söhne"),
            ("{none}", "_"),
            ("{none} {seed}", "7"),
            ("{{{seed}}}", "{7}"),
            ("{go_fast}", "true"),
            ("-fox__2.png", "-fox__2"),
            ("~/{seed}", "7"),
            ("con", "~63on"),
            ("a.{none}", "a"),
        ] {
            assert_eq!(render(text), name, "{text}");
        }
    }

    #[test]
    fn the_files_of_a_prediction_differ_by_their_places() {
        let input = Map::new();
        let mut values = NameValues::new("fox", "acme/painter", &input, "2026-11-26");
        values.position = 1;
        assert_eq!(parse("{id}.png").render(&values), "fox__2");
        assert_eq!(parse("{id}-{index}.png").render(&values), "fox-2");
    }

    #[test]
    fn a_folder_is_renamed_only_where_it_may_have_the_name_of_a_file() {
        let input = Map::new();
        for (template, id, expected) in [
            ("{id}.{ext}", "a.webp/b", "a~2ewebp/b"),
            ("{id}.{ext}", "a.webp", "a.webp"),
            ("{id}/{index}.{ext}", "a/1.webp", "a/1~2ewebp/1"),
            ("{id}/{index}.{ext}", "a.webp", "a.webp/1"),
            ("{model}.v1/{id}.{ext}", "a.webp/b", "painter.v1/a~2ewebp/b"),
            ("{model}.v1/{prompt}x.{ext}", "a", "painter.v1/x"),
        ] {
            let values = NameValues::new(id, "acme/painter", &input, "2026-11-26");
            assert_eq!(parse(template).render(&values), expected, "{template}");
        }
    }

    #[test]
    fn the_folder_is_what_is_before_the_first_field() {
        for (text, folder, below, extension) in [
            ("fox.png", "", "fox.png", Some("png")),
            ("out/fox.JPG", "out", "fox.JPG", Some("jpg")),
            ("a/b/{id}/c.{ext}", "a/b", "{id}/c.{ext}", None),
            ("/tmp/{id}", "/tmp", "{id}", None),
            ("/fox.png", "/", "fox.png", Some("png")),
            ("./{id}.{ext}", ".", "{id}.{ext}", None),
            ("../x/{id}", "../x", "{id}", None),
            ("{id}.tar.gz", "", "{id}.tar.gz", Some("gz")),
        ] {
            let template = parse(text);
            assert_eq!(template.folder(), Path::new(folder), "{text}");
            let inner = template.below_folder();
            assert_eq!((inner.as_str(), inner.folder()), (below, Path::new("")));
            assert_eq!(parse(inner.as_str()), inner);
            assert_eq!(template.extension(), extension, "{text}");
        }
    }

    #[test]
    fn what_is_a_template_is_decided_by_its_text() {
        for text in [
            "fox.png",
            "out/fox.MP4",
            "{id}",
            "a/{id}/b",
            "notes.txt",
            "x.json",
        ] {
            assert!(FileTemplate::is_template(text), "{text}");
        }
        for text in ["out", "out/", "v1.5", "fox.png/", ".png", "my.folder", ".."] {
            assert!(!FileTemplate::is_template(text), "{text}");
        }
    }

    #[test]
    fn what_is_no_template_is_refused_with_what_to_write() {
        for (text, said) in [
            (
                "{id",
                "\"{id\" holds a \"{\" without a \"}\"; write \"{{\" for the character itself",
            ),
            (
                "id}",
                "\"id}\" holds a \"}\" without a \"{\"; write \"}}\" for the character itself",
            ),
            (
                "{}",
                "{} names no field; write one, such as {id} or {prompt:40}",
            ),
            (
                "{prompt:x}",
                "{prompt:x} must end in a number of characters, such as {prompt:40}",
            ),
            (
                "{prompt:0}",
                "{prompt:0} must end in a number of characters, such as {prompt:40}",
            ),
            (
                "{ext}/{id}",
                "{ext} can only be at the end of \"{ext}/{id}\", after a dot",
            ),
            (
                "{id}/",
                "\"{id}/\" names no file: end it in a name, such as {id}.{ext}",
            ),
            (
                "{id}/../x",
                "\"{id}/../x\" holds the part \"..\" after a field, and files stay in its folder",
            ),
        ] {
            assert_eq!(text.parse::<FileTemplate>().unwrap_err().to_string(), said);
        }
    }

    #[test]
    fn a_template_says_which_fields_it_needs_and_whether_it_names_rows() {
        let template = parse("{id}-{seed}-{Kunde}-{prompt:3}.{ext}");
        assert_eq!(
            template.row_fields().collect::<Vec<_>>(),
            ["Kunde", "prompt"]
        );
        for (text, identifies) in [("{id}", true), ("{hash}", true), ("{prediction}", false)] {
            assert_eq!(parse(text).identifies_rows(), identifies);
        }
    }

    proptest! {
        #[test]
        fn a_name_stays_in_its_folder_whatever_the_values_are(
            id in "\\PC{0,12}|[./]{0,6}", prompt in "(?s).{0,80}", label in "[./~]{0,4}",
        ) {
            let input = json!({"prompt": prompt});
            let labels = json!({"label": label});
            let values = NameValues {
                labels: labels.as_object(),
                ..NameValues::new(&id, "acme/painter", input.as_object().unwrap(), "2026-11-26")
            };
            for text in ["{id}", "{prompt}/{label}", "{label}{id}.{ext}", "x/{id}/{prompt:5}"] {
                let name = parse(text).render(&values);
                for part in name.split('/') {
                    prop_assert!(!part.is_empty() && !part.starts_with('.'), "{name:?}");
                    prop_assert!(!part.contains(['\\', '\0', ':']) && part.len() <= 320, "{name:?}");
                }
            }
        }

        #[test]
        fn any_text_is_a_template_or_an_error(text in "[{}a-z:/.0-9]{0,20}") {
            if let Ok(template) = text.parse::<FileTemplate>() {
                let below = template.below_folder();
                prop_assert_eq!(below.as_str().parse(), Ok(below.clone()));
            }
        }
    }
}
