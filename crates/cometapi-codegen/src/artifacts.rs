//! The files that are made of a spec: writing and checking use one list.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::error::Error;
use crate::json_schema::json_schema;
use crate::read::read;
use crate::target::Target;
use crate::{lint, lower, models, render};

/// What [`Target::generate`] makes of a spec.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Generated {
    /// The source of the client's module `generated`.
    pub code: String,
}

/// A file that is made from the spec.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Artifact {
    /// Where it belongs.
    pub path: String,
    /// Its contents.
    pub contents: String,
}

impl Target {
    /// Generates the client's code from the text of the spec.
    ///
    /// The same text gives the same bytes, whatever else is built beside this crate.
    ///
    /// # Errors
    ///
    /// Fails on a spec that is not strict YAML, breaks a house rule, or has something that the
    /// generator cannot express.
    pub fn generate(&self, spec_yaml: &str) -> Result<Generated, Error> {
        self.render(&read(spec_yaml)?)
    }

    fn render(&self, spec: &Value) -> Result<Generated, Error> {
        lint::lint(spec, self)?;
        let code = render::render(&lower::lower(spec, self), self)?;
        Ok(Generated { code })
    }

    /// Returns every file that is made from the text of the spec.
    ///
    /// # Errors
    ///
    /// Fails where [`generate`](Self::generate) does.
    pub fn artifacts(&self, spec_yaml: &str) -> Result<Vec<Artifact>, Error> {
        let spec = read(spec_yaml)?;
        let generated = self.render(&spec)?;
        let mut artifacts = vec![Artifact {
            path: self.in_client("src/generated.rs"),
            contents: generated.code,
        }];
        let own = self.in_client("openapi.yaml");
        let copies = self.copies.iter().map(|path| (*path).to_owned());
        // The spec may be the file in the package itself.
        let copies = [own].into_iter().chain(copies);
        for path in copies.filter(|path| path != self.spec) {
            artifacts.push(Artifact {
                path,
                contents: spec_yaml.to_owned(),
            });
        }
        for component in self.schemas {
            // A component that is gone takes its file with it; a user who has it still sees a stale one.
            if let Some(contents) = json_schema(&spec, component) {
                let name = kebab_case(component);
                artifacts.push(Artifact {
                    path: self.in_client(&format!("schemas/{name}.schema.json")),
                    contents,
                });
            }
        }
        if let Some(folder) = self.models {
            let files = models::files(&spec, self.spec)?.into_iter();
            artifacts.extend(files.map(|(path, contents)| Artifact {
                path: format!("{folder}/{path}"),
                contents,
            }));
        }
        let contents = self.sums(spec_yaml, &artifacts);
        artifacts.push(Artifact {
            path: self.in_client("generated.sums"),
            contents,
        });
        Ok(artifacts)
    }

    /// Returns the files below `root` that are where only artifacts belong, and are none: left over
    /// from a model that is no longer in the spec.
    ///
    /// # Errors
    ///
    /// Fails if a folder cannot be read.
    pub fn leftovers(&self, root: &Path, artifacts: &[Artifact]) -> io::Result<Vec<PathBuf>> {
        let made: BTreeSet<_> = artifacts.iter().map(|made| root.join(&made.path)).collect();
        let mut found = Vec::new();
        let models = self
            .models
            .map(|folder| format!("{folder}/{}", models::SCHEMAS));
        let only_artifacts = [Some(self.in_client("schemas")), models];
        let mut folders: Vec<_> = only_artifacts
            .iter()
            .flatten()
            .map(|it| root.join(it))
            .collect();
        while let Some(folder) = folders.pop() {
            let entries = match fs::read_dir(&folder) {
                Ok(entries) => entries,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(error),
            };
            for entry in entries {
                let entry = entry?;
                let path = entry.path();
                if entry.file_type()?.is_dir() {
                    folders.push(path);
                } else if path.extension().is_some_and(|ending| ending == "json")
                    && !made.contains(&path)
                {
                    found.push(path);
                }
            }
        }
        found.sort();
        Ok(found)
    }

    fn in_client(&self, path: &str) -> String {
        format!("{}/{path}", self.client)
    }

    /// The sums of the spec and of every artifact; the client's build script compares them.
    fn sums(&self, spec_yaml: &str, artifacts: &[Artifact]) -> String {
        use std::fmt::Write;
        let mut lines = String::new();
        let made = artifacts
            .iter()
            .map(|made| (made.path.as_str(), made.contents.as_str()));
        for (path, contents) in [(self.spec, spec_yaml)].into_iter().chain(made) {
            // Writing to a string cannot fail.
            let _ = writeln!(lines, "{:016x} {path}", fnv1a(contents.as_bytes()));
        }
        lines
    }
}

fn kebab_case(component: &str) -> String {
    let mut name = String::new();
    for letter in component.chars() {
        if letter.is_ascii_uppercase() && !name.is_empty() {
            name.push('-');
        }
        name.push(letter.to_ascii_lowercase());
    }
    name
}

/// The 64-bit FNV-1a hash of a file, whose line ends may have been rewritten. It finds accidents,
/// not forgeries, and the build script can compute it without a dependency.
fn fnv1a(bytes: &[u8]) -> u64 {
    let bytes = bytes.iter().filter(|byte| **byte != b'\r');
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Published values of the hash.
    #[test]
    fn sums_are_those_of_fnv_1a_and_line_ends_do_not_count() {
        for (text, sum) in [
            ("", 0xcbf2_9ce4_8422_2325),
            ("a", 0xaf63_dc4c_8601_ec8c),
            ("foobar", 0x8594_4171_f739_67e8),
        ] {
            assert_eq!(fnv1a(text.as_bytes()), sum);
        }
        assert_eq!(fnv1a(b"a\r\nb\r\n"), fnv1a(b"a\nb\n"));
    }
}
