//! The files that the layers read: those of a workspace, some of them perhaps replaced in
//! memory by a mutation.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;
use cometapi_codegen::{PREDICTIONS, Target};
use serde::de::DeserializeOwned;
use serde_json::Value;

/// Where the spec of the predictions is, below the root. The others are in the generator's `TARGETS`.
pub const SPEC: &str = "openapi.yaml";

/// A workspace on the disk, and what is different about it.
#[derive(Clone, Debug)]
pub struct Workspace {
    root: PathBuf,
    /// `None` for a file that is taken away.
    overlay: BTreeMap<String, Option<String>>,
}

impl Workspace {
    /// The workspace at `root`, as it stands.
    pub fn at(root: impl Into<PathBuf>) -> Self {
        Self {
            root: root.into(),
            overlay: BTreeMap::new(),
        }
    }

    /// The workspace that this crate was built in.
    pub fn own() -> Self {
        Self::at(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
    }

    /// Where it is.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The same, `path` holding `text`.
    #[must_use]
    pub fn with(mut self, path: &str, text: impl Into<String>) -> Self {
        self.overlay.insert(path.to_owned(), Some(text.into()));
        self
    }

    /// The same, without `path`.
    #[must_use]
    pub fn without(mut self, path: &str) -> Self {
        self.overlay.insert(path.to_owned(), None);
        self
    }

    /// The same with another spec of the predictions, and everything that is generated from it.
    ///
    /// A spec that gives no code is kept anyway: the lint then says why.
    #[must_use]
    pub fn with_spec(self, yaml: &str) -> Self {
        let artifacts = PREDICTIONS.artifacts(yaml).unwrap_or_default();
        let start = self.with(SPEC, yaml);
        artifacts.into_iter().fold(start, |workspace, artifact| {
            workspace.with(&artifact.path, artifact.contents)
        })
    }

    /// The text of a file.
    pub fn read(&self, path: &str) -> anyhow::Result<String> {
        match self.overlay.get(path) {
            Some(Some(text)) => Ok(text.clone()),
            Some(None) => anyhow::bail!("{path} is missing"),
            None => fs::read_to_string(self.root.join(path))
                .with_context(|| format!("{path} cannot be read")),
        }
    }

    /// A YAML or JSON file as a `T`.
    pub fn data<T: DeserializeOwned>(&self, path: &str) -> anyhow::Result<T> {
        let json = cometapi_codegen::read(&self.read(path)?)
            .with_context(|| format!("{path} is no strict YAML"))?;
        serde_json::from_value(json).with_context(|| format!("{path} has another form"))
    }

    /// The spec of the predictions as JSON.
    pub fn spec(&self) -> anyhow::Result<Value> {
        self.spec_of(&PREDICTIONS)
    }

    /// The spec of a target as JSON.
    pub fn spec_of(&self, target: &Target) -> anyhow::Result<Value> {
        Ok(cometapi_codegen::read(&self.read(target.spec)?)?)
    }

    /// The files of a folder, by their paths from the root.
    pub fn list(&self, folder: &str) -> anyhow::Result<Vec<String>> {
        let mut found = BTreeSet::new();
        let on_disk = self.root.join(folder);
        for entry in fs::read_dir(&on_disk).with_context(|| format!("{folder} cannot be listed"))? {
            let name = entry?.file_name();
            found.insert(format!("{folder}/{}", name.to_string_lossy()));
        }
        for (path, text) in &self.overlay {
            if path
                .strip_prefix(folder)
                .is_some_and(|rest| rest.starts_with('/'))
            {
                if text.is_some() {
                    found.insert(path.clone());
                } else {
                    found.remove(path);
                }
            }
        }
        Ok(found.into_iter().collect())
    }
}

/// Whether a path ends in `.extension`.
pub fn has_extension(path: &str, extension: &str) -> bool {
    Path::new(path)
        .extension()
        .is_some_and(|given| given == extension)
}
