//! The files that a spec gives, so that writing and checking go by one list.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::error::Error;
use crate::json_schema::json_schema;
use crate::read::read;
use crate::{lint, lower, models, render};

/// What [`generate`] makes of a spec.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Generated {
    /// The source of the client's module `generated`.
    pub code: String,
}

/// Generates the client's code from the text of an `openapi.yaml`.
///
/// The same text gives the same bytes, whatever else is built beside this crate.
pub fn generate(spec_yaml: &str) -> Result<Generated, Error> {
    let spec = read(spec_yaml)?;
    lint::lint(&spec)?;
    let code = render::render(&lower::lower(&spec))?;
    Ok(Generated { code })
}

/// A file that is made from the spec.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Artifact {
    /// Where it belongs, relative to the workspace root, with `/` between its parts.
    pub path: String,
    /// What it holds.
    pub contents: String,
}

/// The components that are published as JSON Schema, and where.
const SCHEMAS: [(&str, &str); 4] = [
    (
        "AnyError",
        "crates/cometapi-client/schemas/any-error.schema.json",
    ),
    (
        "CreatePredictionRequest",
        "crates/cometapi-client/schemas/create-prediction-request.schema.json",
    ),
    (
        "Prediction",
        "crates/cometapi-client/schemas/prediction.schema.json",
    ),
    (
        "PredictionResponse",
        "crates/cometapi-client/schemas/prediction-response.schema.json",
    ),
];

/// Every file that the text of an `openapi.yaml` gives.
pub fn artifacts(spec_yaml: &str) -> Result<Vec<Artifact>, Error> {
    let generated = generate(spec_yaml)?;
    let mut artifacts = vec![
        Artifact {
            path: "crates/cometapi-client/src/generated.rs".to_owned(),
            contents: generated.code,
        },
        Artifact {
            path: "crates/cometapi-client/openapi.yaml".to_owned(),
            contents: spec_yaml.to_owned(),
        },
        Artifact {
            path: "crates/cometapi-mock/openapi.yaml".to_owned(),
            contents: spec_yaml.to_owned(),
        },
    ];
    let spec = read(spec_yaml)?;
    for (component, path) in SCHEMAS {
        // A component that is gone takes its file with it; a user who has it still sees a stale one.
        if let Some(contents) = json_schema(&spec, component) {
            artifacts.push(Artifact {
                path: path.to_owned(),
                contents,
            });
        }
    }
    let files = models::files(&spec)?.into_iter();
    artifacts.extend(files.map(|(path, contents)| Artifact { path, contents }));
    let contents = sums(spec_yaml, &artifacts);
    artifacts.push(Artifact {
        path: SUMS.to_owned(),
        contents,
    });
    Ok(artifacts)
}

/// Where the sums of the spec and of every artifact are; the client's build script compares them.
const SUMS: &str = "crates/cometapi-client/generated.sums";

fn sums(spec_yaml: &str, artifacts: &[Artifact]) -> String {
    use std::fmt::Write;
    let mut lines = String::new();
    let spec = [("openapi.yaml", spec_yaml)].into_iter();
    let made = artifacts
        .iter()
        .map(|made| (made.path.as_str(), made.contents.as_str()));
    for (path, contents) in spec.chain(made) {
        // Writing to a string cannot fail.
        let _ = writeln!(lines, "{:016x} {path}", fnv1a(contents.as_bytes()));
    }
    lines
}

/// The 64-bit FNV-1a hash of a file, whose line ends may have been rewritten. It finds accidents,
/// not forgeries, and the build script can compute it without a dependency.
fn fnv1a(bytes: &[u8]) -> u64 {
    let bytes = bytes.iter().filter(|byte| **byte != b'\r');
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// The files below `root` that stand where only artifacts do, and are none: left over from a
/// model that is no longer in the spec.
pub fn leftovers(root: &Path, artifacts: &[Artifact]) -> io::Result<Vec<PathBuf>> {
    let made: BTreeSet<_> = artifacts.iter().map(|made| root.join(&made.path)).collect();
    let mut found = Vec::new();
    let mut folders = vec![root.join(models::SCHEMAS)];
    while let Some(folder) = folders.pop() {
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        };
        for entry in entries {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                folders.push(entry.path());
            } else if entry
                .path()
                .extension()
                .is_some_and(|ending| ending == "json")
                && !made.contains(&entry.path())
            {
                found.push(entry.path());
            }
        }
    }
    found.sort();
    Ok(found)
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
