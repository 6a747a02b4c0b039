//! One deliberate fault, as the committed list writes it, and what it changes.

use anyhow::{Context, bail};
use cometapi_mock::Fault;
use serde::Deserialize;

use crate::layers::{Options, Twist};
use contract_spec::workspace::{SPEC, Workspace};

/// Where the list is.
pub(crate) const LIST: &str = "crates/contract/data/mutations.yaml";

/// One deliberate fault.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Mutation {
    pub(crate) name: String,
    /// The layer that must turn red; `test` for a test outside of the contract.
    pub(crate) layer: String,
    /// What one of its findings must contain: its rule, as a rule. Of a test, its whole name.
    pub(crate) says: String,
    /// The package and the target of the test: `lib`, `bin`, or the name of an integration test.
    pub(crate) test: Option<(String, String)>,
    /// Edits of the spec; everything is generated anew from it.
    #[serde(default)]
    pub(crate) spec: Vec<Edit>,
    /// Edits of files that are read, not compiled.
    #[serde(default)]
    pub(crate) files: Vec<FileEdit>,
    /// Edits of source, which must be compiled anew.
    #[serde(default)]
    pub(crate) source: Vec<FileEdit>,
    /// Edits of the spec that the mock alone goes by.
    #[serde(default)]
    pub(crate) mock_spec: Vec<Edit>,
    /// A fault of the mock's catalogue, by the beginning of its name, at every poll.
    pub(crate) poll: Option<String>,
    /// The same at every create.
    pub(crate) create: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Edit {
    replace: String,
    with: String,
    /// Which of several equal places, counted from 1.
    #[serde(default)]
    nth: usize,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FileEdit {
    pub(crate) path: String,
    /// Without this, `with` is the whole file; without either, the file is taken away.
    replace: Option<String>,
    with: Option<String>,
    #[serde(default)]
    nth: usize,
}

/// The layer of the mutations that a test must notice.
#[cfg(test)]
pub(crate) const TEST: &str = "test";

impl Edit {
    fn apply(&self, text: &str) -> anyhow::Result<String> {
        replaced(text, &self.replace, &self.with, self.nth)
    }
}

impl FileEdit {
    /// The file after the edit; `None` when it is taken away.
    pub(crate) fn apply(&self, before: anyhow::Result<String>) -> anyhow::Result<Option<String>> {
        let edited = match (&self.replace, &self.with) {
            (Some(old), Some(new)) => Some(replaced(&before?, old, new, self.nth)?),
            (None, Some(whole)) => Some(whole.clone()),
            (None, None) => None,
            (Some(_), None) => bail!("`replace` needs `with`"),
        };
        Ok(edited)
    }
}

/// Exactly one place is changed, or it is an error: a mutation that misses proves nothing.
fn replaced(text: &str, old: &str, new: &str, nth: usize) -> anyhow::Result<String> {
    let places: Vec<_> = text.match_indices(old).map(|(at, _)| at).collect();
    let at = match (places.len(), nth) {
        (1, 0) => places.first(),
        (_, 1..) => places.get(nth - 1),
        _ => None,
    };
    let at =
        *at.with_context(|| format!("{old:?} is there {} times; fix the mutation", places.len()))?;
    let mut edited = text.to_owned();
    edited.replace_range(at..at + old.len(), new);
    Ok(edited)
}

impl Mutation {
    pub(crate) fn is_compiled(&self) -> bool {
        !self.source.is_empty()
    }

    /// The options of the layer with the fault in them.
    pub(crate) fn options(&self, options: &Options) -> anyhow::Result<Options> {
        let mut changed = options.clone();
        changed.workspace = self.workspace(options.workspace.clone())?;
        if !self.mock_spec.is_empty() {
            let yaml = edited(&options.workspace.read(SPEC)?, &self.mock_spec)?;
            changed.twist = Twist::Spec(yaml);
        }
        if let Some(name) = &self.poll {
            changed.twist = Twist::Poll(fault(name)?);
        }
        if let Some(name) = &self.create {
            changed.twist = Twist::Create(fault(name)?);
        }
        Ok(changed)
    }

    fn workspace(&self, workspace: Workspace) -> anyhow::Result<Workspace> {
        let mut workspace = workspace;
        if !self.spec.is_empty() {
            let yaml = edited(&workspace.read(SPEC)?, &self.spec)?;
            workspace = workspace.with_spec(&yaml);
        }
        for edit in &self.files {
            workspace = match edit.apply(workspace.read(&edit.path))? {
                Some(text) => workspace.with(&edit.path, text),
                None => workspace.without(&edit.path),
            };
        }
        Ok(workspace)
    }
}

fn edited(text: &str, edits: &[Edit]) -> anyhow::Result<String> {
    edits
        .iter()
        .try_fold(text.to_owned(), |text, edit| edit.apply(&text))
}

fn fault(name: &str) -> anyhow::Result<Fault> {
    Fault::catalogue()
        .into_iter()
        .find(|fault| format!("{fault:?}").starts_with(name))
        .with_context(|| format!("the mock knows no fault {name}"))
}
