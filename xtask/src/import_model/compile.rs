//! The code of models, compiled: a copy of `cometapi-models` with other models in it.

use std::fs;
use std::io::Write;
use std::path::Path;

use anyhow::{Context, ensure};
use cometapi_codegen::{Imported, PREDICTIONS};

use super::spec_text;
use super::survey::{base, with_models};
use crate::package::cargo;

/// The package that the models are part of.
const PACKAGE: &str = "crates/cometapi-models";

/// `count` of the models, drawn by `seed`.
pub(super) fn draw(models: &[Imported], count: usize, seed: u64) -> Vec<Imported> {
    let mut drawn = fastrand::Rng::with_seed(seed).choose_multiple(models, count);
    drawn.sort_by(|a, b| a.model.cmp(&b.model));
    drawn.into_iter().cloned().collect()
}

pub(super) fn run(root: &Path, models: &[Imported], out: &mut dyn Write) -> anyhow::Result<()> {
    let scratch = root.join("target/import-survey");
    lay_out(root, &scratch, models)?;
    let checked = cargo(&scratch, "check", "cometapi-models")
        .args(["--offline", "--all-features"])
        .env_remove("CARGO_TARGET_DIR")
        .env("RUSTFLAGS", "--deny warnings")
        .status()
        .context("cargo cannot be started")?;
    let count = models.len();
    ensure!(checked.success(), "{count} models together do not compile");
    writeln!(out, "{count} of them compile together")?;
    Ok(())
}

/// Makes `scratch` a workspace of the one package, with the code of `models`.
fn lay_out(root: &Path, scratch: &Path, models: &[Imported]) -> anyhow::Result<()> {
    let code = scratch.join("crates");
    if code.exists() {
        fs::remove_dir_all(&code).context("failed to remove the last survey's code")?;
    }
    copy(&root.join(PACKAGE), &scratch.join(PACKAGE))?;
    fs::copy(root.join("Cargo.lock"), scratch.join("Cargo.lock")).context("copy Cargo.lock")?;
    let manifest = fs::read_to_string(root.join("Cargo.toml")).context("read Cargo.toml")?;
    let manifest: String = manifest
        .lines()
        .map(|line| match line.split_once(" = ") {
            Some(("members", _)) => "members = [\"crates/*\"]\n".to_owned(),
            _ => format!("{line}\n"),
        })
        .collect();
    fs::write(scratch.join("Cargo.toml"), manifest).context("write Cargo.toml")?;
    let spec = with_models(&base(&spec_text(root)?)?, models)?;
    for made in PREDICTIONS.artifacts(&spec)? {
        if made.path.starts_with(PACKAGE) {
            let path = scratch.join(&made.path);
            if let Some(folder) = path.parent() {
                fs::create_dir_all(folder)?;
            }
            fs::write(&path, made.contents).with_context(|| format!("write {}", made.path))?;
        }
    }
    Ok(())
}

fn copy(from: &Path, to: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from).with_context(|| format!("read {}", from.display()))? {
        let entry = entry?;
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if entry.file_type()?.is_dir() {
            copy(&from, &to)?;
        } else {
            fs::copy(&from, &to).with_context(|| format!("copy {}", from.display()))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use cometapi_codegen::{ImportOptions, ImportOutput};

    use super::*;

    fn models() -> Vec<Imported> {
        let published = r#"{"properties": {"prompt": {"type": "string"}}}"#;
        let options = ImportOptions::default().output(ImportOutput::Json);
        let names = ["a", "b", "c", "d", "e", "f", "g", "h"].map(|name| format!("acme/{name}"));
        let models = names.map(|name| {
            cometapi_codegen::import_model(published, &options.clone().model(name)).unwrap()
        });
        models.into()
    }

    #[test]
    fn the_same_seed_draws_the_same_models() {
        let models = models();
        let drawn = |seed| draw(&models, 3, seed);
        assert_eq!(drawn(1), drawn(1));
        assert_eq!(drawn(1).len(), 3);
        assert!((2..9).any(|seed| drawn(seed) != drawn(1)));
        assert_eq!(draw(&models, 20, 1), models);
    }

    #[test]
    fn the_package_has_the_code_of_the_models_and_of_no_others() {
        let root = crate::workspace_root().unwrap();
        let scratch = tempfile::tempdir().unwrap();
        let read = |path: &str| fs::read_to_string(scratch.path().join(path)).unwrap();
        for models in [&models()[..2], &models()[2..3]] {
            lay_out(&root, scratch.path(), models).unwrap();
            let code = read("crates/cometapi-models/src/generated.rs");
            let modules = code
                .lines()
                .filter_map(|line| line.strip_prefix("pub mod "));
            let expected = models.iter().map(|model| {
                let (_, name) = model.model.split_once('/').unwrap();
                format!("{name} {{")
            });
            assert!(modules.eq(expected), "{code}");
        }
        assert!(read("Cargo.toml").contains("members = [\"crates/*\"]\n"));
    }
}
