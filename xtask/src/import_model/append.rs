//! Components behind the last schema of `openapi.yaml`.

use std::fs;
use std::path::Path;

use anyhow::{Context, bail, ensure};
use cometapi_codegen::{Imported, PREDICTIONS};

use crate::generate::write_atomically;

/// Puts the components behind the last schema. That is the end of the file, which is shown by
/// reading the whole again. Nothing is written unless the whole generates.
pub(super) fn append(path: &Path, all: &[Imported]) -> anyhow::Result<()> {
    let spec =
        fs::read_to_string(path).with_context(|| format!("failed to read {}", path.display()))?;
    let mut expected = cometapi_codegen::read(&spec)?;
    let schemas = expected
        .pointer_mut("/components/schemas")
        .and_then(|schemas| schemas.as_object_mut())
        .context("openapi.yaml has no `components.schemas`")?;
    let mut extended = spec.trim_end().to_owned() + "\n";
    for imported in all {
        let name = imported.component.as_str();
        let component = cometapi_codegen::read(&imported.yaml)?;
        schemas.insert(name.to_owned(), component[name].clone());
        extended = extended + "\n" + &imported.yaml;
    }
    ensure!(
        cometapi_codegen::read(&extended).is_ok_and(|read| read == expected),
        "openapi.yaml does not end among its schemas; put the component there by hand"
    );
    if let Err(error) = PREDICTIONS.artifacts(&extended) {
        if let Err(error) = PREDICTIONS.artifacts(&spec) {
            bail!("openapi.yaml gives no code as it is; fix it first: {error}");
        }
        bail!("openapi.yaml would give no code, which is a fault of the importer: {error}");
    }
    write_atomically(path, extended.as_bytes())
        .with_context(|| format!("failed to write {}", path.display()))
}
