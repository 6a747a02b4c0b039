//! A copy of the workspace, for faults in source: one file is changed at a time, and what
//! has been compiled is kept.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use anyhow::{Context, bail};
use cometapi_codegen::TARGETS;
use serde_json::Value;

use super::mutation::Mutation;

/// What a build of the contract needs of the workspace.
const PARTS: [&str; 7] = [
    "Cargo.toml",
    "Cargo.lock",
    "rust-toolchain.toml",
    "clippy.toml",
    "openapi.yaml",
    "crates",
    "xtask",
];

/// The sums without those of the files that a mutation changes.
fn without(sums: &str, mutation: &Mutation) -> String {
    let is_changed = |line: &str| {
        let edits = &mutation.source;
        edits
            .iter()
            .any(|edit| line.ends_with(&format!(" {}", edit.path)))
    };
    sums.split_inclusive('\n')
        .filter(|line| !is_changed(line.trim_end()))
        .collect()
}

pub(super) struct Scratch {
    root: PathBuf,
    target: PathBuf,
}

impl Scratch {
    /// Copies what differs, so that a second proof compiles nothing that has not changed.
    pub(super) fn of(workspace: &Path) -> anyhow::Result<Self> {
        let target = std::env::var_os("CARGO_TARGET_DIR")
            .map_or_else(|| workspace.join("target"), PathBuf::from);
        let folder = target.join("contract-proof");
        let scratch = Self {
            root: folder.join("workspace"),
            target: folder.join("target"),
        };
        fs::create_dir_all(&scratch.root)?;
        for part in PARTS {
            mirror(&workspace.join(part), &scratch.root.join(part))
                .with_context(|| format!("{part} cannot be copied"))?;
        }
        Ok(scratch)
    }

    /// Runs `judge` while the fault is in the copy.
    pub(super) fn with<T>(
        &self,
        mutation: &Mutation,
        judge: impl FnOnce() -> anyhow::Result<T>,
    ) -> anyhow::Result<T> {
        let mut before = Vec::new();
        for edit in &mutation.source {
            let path = self.root.join(&edit.path);
            let text = fs::read_to_string(&path)
                .with_context(|| format!("{} cannot be read", edit.path))?;
            let after = edit.apply(Ok(text.clone()))?;
            before.push((path, text, after.context("source cannot be taken away")?));
        }
        // The sums of generated files, which a build compares.
        for target in TARGETS {
            let sums = self.root.join(target.client).join("generated.sums");
            let text = fs::read_to_string(&sums).context("the sums cannot be read")?;
            let others = without(&text, mutation);
            if others != text {
                before.push((sums, text, others));
            }
        }
        for (path, _, after) in &before {
            fs::write(path, after)?;
        }
        let judged = judge();
        for (path, text, _) in before {
            fs::write(path, text)?;
        }
        judged
    }

    /// Builds the contract that stands there; the first time takes as long as any first build.
    pub(super) fn build(&self) -> anyhow::Result<()> {
        let args = [
            "build",
            "--quiet",
            "--package",
            "contract",
            "--bin",
            "contract",
        ];
        let output = self.cargo(&args)?;
        if !output.status.success() {
            bail!(does_not_compile(&output));
        }
        Ok(())
    }

    /// The report of a layer, by the contract that was built last.
    pub(super) fn report(&self, layer: &str) -> anyhow::Result<Value> {
        let output = Command::new(self.target.join("debug/contract"))
            .args(["--json", "--layer", layer, "--root"])
            .arg(&self.root)
            .stdin(Stdio::null())
            .output()
            .context("the changed contract cannot be started")?;
        let report: Value = serde_json::from_slice(&output.stdout).with_context(|| {
            format!(
                "the changed contract gave no report: {}",
                String::from_utf8_lossy(&output.stderr)
            )
        })?;
        Ok(report["layers"][0].clone())
    }

    /// Whether the test of this name passes.
    pub(super) fn passes(
        &self,
        (package, target): &(String, String),
        name: &str,
    ) -> anyhow::Result<bool> {
        let mut args = vec!["test", "--package", package];
        match target.as_str() {
            "lib" => args.push("--lib"),
            "bin" => args.push("--bins"),
            test => args.extend(["--test", test]),
        }
        args.extend(["--", "--exact", name]);
        let output = self.cargo(&args)?;
        let said = String::from_utf8_lossy(&output.stdout);
        if said.contains(&format!("test {name} ... ok")) {
            return Ok(true);
        }
        if said.contains(&format!("test {name} ... FAILED")) {
            return Ok(false);
        }
        if said.contains("running 0 tests") {
            bail!("{package} has no test {name} in {target}");
        }
        bail!(does_not_compile(&output))
    }

    fn cargo(&self, args: &[&str]) -> anyhow::Result<Output> {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let (command, args) = args.split_first().context("no command")?;
        Command::new(cargo)
            .current_dir(&self.root)
            .args([*command, "--locked"])
            .args(args)
            .env("CARGO_TARGET_DIR", &self.target)
            .env("CARGO_INCREMENTAL", "1")
            // Warnings about a deliberate fault are not errors.
            .env_remove("RUSTFLAGS")
            .stdin(Stdio::null())
            .output()
            .context("cargo cannot be started")
    }
}

fn does_not_compile(output: &Output) -> String {
    let said = String::from_utf8_lossy(&output.stderr);
    let errors: Vec<_> = said
        .lines()
        .filter(|line| line.starts_with("error"))
        .collect();
    format!(
        "it does not compile, so nothing is proved: {}",
        errors.join("; ")
    )
}

fn mirror(from: &Path, to: &Path) -> std::io::Result<()> {
    if from.is_file() {
        let wanted = fs::read(from)?;
        if fs::read(to).ok().as_ref() != Some(&wanted) {
            fs::write(to, wanted)?;
        }
        return Ok(());
    }
    fs::create_dir_all(to)?;
    let mut names = Vec::new();
    for entry in fs::read_dir(from)? {
        let name = entry?.file_name();
        if name != "target" {
            mirror(&from.join(&name), &to.join(&name))?;
            names.push(name);
        }
    }
    for entry in fs::read_dir(to)? {
        let entry = entry?;
        if !names.contains(&entry.file_name()) {
            let path = entry.path();
            if path.is_dir() {
                fs::remove_dir_all(path)?;
            } else {
                fs::remove_file(path)?;
            }
        }
    }
    Ok(())
}
