//! A row for each file that a pattern matches.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Component, Path, PathBuf};

use cometapi::ModelRef;
use cometapi_batch::{Rows, folded};
use glob::{MatchOptions, glob_with};
use serde_json::{Value, json};

use crate::failure::Failure;
use crate::rows::{Places, field};

/// The extensions of the images in a folder.
const IMAGES: [&str; 5] = ["jpg", "jpeg", "png", "webp", "gif"];

/// What a pattern matches: as a shell does.
const OPTIONS: MatchOptions = MatchOptions {
    case_sensitive: true,
    require_literal_separator: true,
    require_literal_leading_dot: true,
};

/// The rows of the files that `patterns` match, each in `field` or else in the one field of the model
/// that takes an image.
pub(super) fn rows(
    patterns: &[&Path],
    model: Option<&ModelRef>,
    field: Option<&str>,
) -> Result<(Rows, Places), Failure> {
    let Some(model) = model else {
        return Err(Failure::usage("--each needs the model of its rows")
            .with_advice("name it: --model OWNER/NAME"));
    };
    let field = field::of(model, field)?;
    let mut found = Vec::new();
    let mut folders = Vec::new();
    for pattern in patterns {
        let matches = matches(pattern)?;
        folders.push(matches.folder);
        found.extend(matches.files);
    }
    found.sort();
    found.dedup();
    let folder = common(&folders);
    let ids = ids(&found, &folder)?;
    let rows: Vec<Value> = found
        .iter()
        .zip(ids)
        .map(|(file, id)| {
            let path = format!("@{}", file.display());
            let value = if field.is_list {
                json!([path])
            } else {
                json!(path)
            };
            json!({
                "id": id,
                "input": {&field.name: value},
                "labels": {"file": file.display().to_string()},
            })
        })
        .collect();
    let rows = Rows::from_iter(rows).file_field(field.name);
    Ok((rows, Places::files(found)))
}

/// What a pattern matches.
struct Matches {
    /// The folder that it names without any wildcard.
    folder: PathBuf,
    files: Vec<PathBuf>,
}

fn matches(pattern: &Path) -> Result<Matches, Failure> {
    let name = pattern.display();
    if pattern.is_dir() {
        let files = images(pattern)
            .map_err(|e| Failure::usage(format!("--each: {name} cannot be read")).caused_by(&e))?;
        if files.is_empty() {
            return Err(Failure::usage(format!(
                "--each: {name} holds no image ({})",
                IMAGES.join(", ")
            ))
            .with_advice(format!(
                "for files in its folders: --each '{name}/**/*.jpg'"
            )));
        }
        let folder = pattern.to_owned();
        return Ok(Matches { folder, files });
    }
    if pattern.is_file() {
        return Ok(Matches {
            folder: pattern.parent().map(Path::to_owned).unwrap_or_default(),
            files: vec![pattern.to_owned()],
        });
    }
    let Some(text) = pattern.to_str() else {
        return Err(Failure::usage(format!(
            "--each: {name} is not text in UTF-8"
        )));
    };
    let refused = |e: &dyn std::error::Error| {
        Failure::usage(format!("--each: {name} is not a pattern")).caused_by(e)
    };
    let paths = glob_with(text, OPTIONS).map_err(|e| refused(&e))?;
    let mut files = Vec::new();
    for path in paths {
        let path = path.map_err(|e| {
            let path = e.path().display().to_string();
            Failure::usage(format!("--each: {path} cannot be read")).caused_by(e.error())
        })?;
        if path.is_file() {
            files.push(path);
        }
    }
    if files.is_empty() {
        return Err(Failure::usage(format!("--each: no file matches {name}")));
    }
    let is_plain = |part: &Component<'_>| {
        let part = part.as_os_str().to_string_lossy();
        !part.contains(['*', '?', '['])
    };
    let folder = pattern.components().take_while(is_plain).collect();
    Ok(Matches { folder, files })
}

/// The images in a folder that are not hidden.
fn images(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let extension = path.extension().and_then(|extension| extension.to_str());
        let is_image = extension.is_some_and(|extension| {
            IMAGES
                .iter()
                .any(|known| known.eq_ignore_ascii_case(extension))
        });
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if is_image && !name.starts_with('.') && path.is_file() {
            files.push(path);
        }
    }
    Ok(files)
}

/// The longest path that all folders begin with.
fn common(folders: &[PathBuf]) -> PathBuf {
    let Some((first, rest)) = folders.split_first() else {
        return PathBuf::new();
    };
    let is_common = |depth: usize| {
        let start: PathBuf = first.components().take(depth).collect();
        rest.iter().all(|folder| folder.starts_with(&start))
    };
    let most = first.components().count();
    let depth = (0..=most).rev().find(|depth| is_common(*depth));
    first.components().take(depth.unwrap_or(0)).collect()
}

/// The path of each file below `folder`, without its extension.
///
/// # Errors
///
/// Fails if two files have the same path then, or paths that a file system may take for one.
fn ids(files: &[PathBuf], folder: &Path) -> Result<Vec<String>, Failure> {
    let mut seen: BTreeMap<String, &Path> = BTreeMap::new();
    let mut ids = Vec::with_capacity(files.len());
    for file in files {
        let below = file.strip_prefix(folder).unwrap_or(file).with_extension("");
        let parts = below.components().map(|part| part.as_os_str().to_str());
        let Some(parts) = parts.collect::<Option<Vec<_>>>() else {
            let name = file.display();
            return Err(
                Failure::usage(format!("--each: the name of {name} is not text in UTF-8"))
                    .with_advice("rename the file"),
            );
        };
        let id = parts.join("/");
        if let Some(other) = seen.insert(folded(&id), file) {
            return Err(shared(&id, other, file, folder));
        }
        ids.push(id);
    }
    Ok(ids)
}

/// Two files that would be the same row.
fn shared(id: &str, one: &Path, other: &Path, folder: &Path) -> Failure {
    let names = format!("{} and {}", one.display(), other.display());
    let failure = Failure::usage(format!("--each: {names} have the same id, {id:?}"))
        .with_advice("rename one of them");
    let extension = one.extension().filter(|it| other.extension() != Some(it));
    let Some(extension) = extension.and_then(|it| it.to_str()) else {
        return failure;
    };
    let is_below = one.parent() != Some(folder);
    let files = format!("{}*.{extension}", if is_below { "**/" } else { "" });
    let pattern = folder.join(files).display().to_string();
    failure.with_advice(format!(
        "or take one kind with a pattern: --each '{pattern}'"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids_of(files: &[&str], folder: &str) -> Vec<String> {
        let files: Vec<_> = files.iter().map(PathBuf::from).collect();
        ids(&files, Path::new(folder)).unwrap()
    }

    #[test]
    fn an_id_is_the_path_below_the_folder() {
        assert_eq!(
            ids_of(&["photos/a.jpg", "photos/b/a.b.png"], "photos"),
            ["a", "b/a.b"]
        );
    }

    #[test]
    fn two_files_of_one_id_are_refused() {
        for (files, folder, pattern) in [
            (["p/a.jpg", "p/a.png"], "p", Some("p/*.jpg")),
            (["p/A.webp", "p/a.gif"], "p", Some("p/*.webp")),
            (["p/b/a.jpg", "p/b/a.png"], "p", Some("p/**/*.jpg")),
            (["a.jpg", "a.png"], "", Some("*.jpg")),
            (["p/A.jpg", "p/a.jpg"], "p", None),
        ] {
            let paths = files.map(PathBuf::from);
            let refused = ids(&paths, Path::new(folder)).unwrap_err();
            let [one, other] = files;
            let message = refused.to_string();
            assert!(
                message.contains(&format!("{one} and {other} have")),
                "{message}"
            );
            let advice =
                pattern.map(|it| format!("; or take one kind with a pattern: --each '{it}'"));
            let advice = format!("rename one of them{}", advice.unwrap_or_default());
            assert_eq!(refused.next_step(), advice);
        }
    }

    #[test]
    fn the_folder_of_several_patterns_is_the_one_that_they_share() {
        for (folders, expected) in [
            (["p", "p"], "p"),
            (["p/a", "p/b"], "p"),
            (["p/a", "p/ab"], "p"),
            (["a", "b"], ""),
            (["", "b"], ""),
        ] {
            let folders = folders.map(PathBuf::from);
            assert_eq!(common(&folders), Path::new(expected), "{folders:?}");
        }
    }

    #[test]
    fn a_folder_means_its_images_and_a_pattern_what_a_shell_makes_of_it() {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("photos");
        fs::create_dir_all(folder.join("sub.jpg")).unwrap();
        for name in [
            "b.JPG",
            "a.png",
            ".hidden.jpg",
            "notes.txt",
            "sub.jpg/c.jpg",
            "[x].jpg",
        ] {
            fs::write(folder.join(name), "").unwrap();
        }
        let names = |pattern: &str| {
            let pattern = if pattern.is_empty() {
                folder.clone()
            } else {
                folder.join(pattern)
            };
            let found = matches(&pattern)?;
            let mut names: Vec<_> = found
                .files
                .iter()
                .map(|file| {
                    file.strip_prefix(&found.folder)
                        .unwrap()
                        .display()
                        .to_string()
                })
                .collect();
            names.sort();
            Ok::<_, Failure>(names)
        };
        assert_eq!(names("").ok().unwrap(), ["[x].jpg", "a.png", "b.JPG"]);
        assert_eq!(names("*.jpg").ok().unwrap(), ["[x].jpg"]);
        assert_eq!(
            names("**/*.jpg").ok().unwrap(),
            ["[x].jpg", "sub.jpg/c.jpg"]
        );
        assert_eq!(names("[x].jpg").ok().unwrap(), ["[x].jpg"]);
        assert_eq!(names("*/c.jpg").ok().unwrap(), ["sub.jpg/c.jpg"]);
        for (pattern, said) in [
            ("*.gif", "no file matches"),
            ("none", "no file matches"),
            ("***", "is not a pattern"),
        ] {
            let refused = names(pattern).err().unwrap().to_string();
            assert!(refused.contains(said), "{refused}");
        }
        let empty = place.path().join("empty");
        fs::create_dir(&empty).unwrap();
        let refused = matches(&empty).err().unwrap().to_string();
        assert!(refused.contains("holds no image (jpg, jpeg"), "{refused}");
    }
}
