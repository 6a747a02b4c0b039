//! `cargo xtask release`: everything that carries the version of a release, in one step.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::time::SystemTime;

use anyhow::{Context, bail, ensure};
use cometapi_codegen::{PREDICTIONS, TARGETS};

use crate::generate::{self, write_atomically};

const MANIFEST: &str = "Cargo.toml";
const CHANGELOG: &str = "CHANGELOG.md";
/// The spec of the predictions in the last release, which L6 compares with the spec as it is.
const RELEASED: &str = "crates/contract/data/released.yaml";
const CHANGES: &str = "crates/contract/data/changes.yaml";

const UNRELEASED: &str = "## [Unreleased]\n";

/// Prepare a release: set the version of the packages and of all specs, date the changes in
/// CHANGELOG.md, renew the released copy of the spec, generate. Nothing is committed or published.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// The version, such as 0.2.0.
    version: String,
}

/// The files of a release before anything is written.
struct Files {
    manifest: String,
    /// The specs of all targets, in their order, each with its path.
    specs: Vec<(&'static str, String)>,
    changelog: String,
    changes: String,
}

pub(crate) fn run(root: &Path, options: &Options, out: &mut dyn Write) -> anyhow::Result<()> {
    let read = |path: &str| {
        fs::read_to_string(root.join(path)).with_context(|| format!("failed to read {path}"))
    };
    let specs = TARGETS
        .iter()
        .map(|target| Ok((target.spec, read(target.spec)?)));
    let files = Files {
        manifest: read(MANIFEST)?,
        specs: specs.collect::<anyhow::Result<_>>()?,
        changelog: read(CHANGELOG)?,
        changes: read(CHANGES)?,
    };
    let today = humantime::format_rfc3339_seconds(SystemTime::now()).to_string();
    let date = today.split('T').next().unwrap_or_default();
    let released = files.released(&options.version, date)?;
    let specs = released.specs.iter().map(|(path, spec)| (*path, spec));
    let predictions = specs.clone().find(|(path, _)| *path == PREDICTIONS.spec);
    let others = [
        (MANIFEST, &released.manifest),
        (CHANGELOG, &released.changelog),
        (CHANGES, &released.changes),
    ];
    let copy = predictions.map(|(_, spec)| (RELEASED, spec));
    for (path, contents) in others.into_iter().chain(specs).chain(copy) {
        write_atomically(&root.join(path), contents.as_bytes())
            .with_context(|| format!("failed to write {path}"))?;
        writeln!(out, "wrote {path}")?;
    }
    generate::run(root, &generate::Options { check: false }, out)?;
    writeln!(out, "\nnext:")?;
    if !released.manifest.contains("\nrepository = ") {
        writeln!(
            out,
            "  write the public address of this repository as `repository` below \
             [workspace.package] in {MANIFEST}, and `repository.workspace = true` in each package"
        )?;
    }
    writeln!(
        out,
        "  cargo update --workspace
  .ci/run
  git commit -am 'release: {version}' && git tag v{version}
  cargo publish --workspace",
        version = options.version
    )?;
    Ok(())
}

impl Files {
    /// The same files with `version` in them, released on `date`.
    fn released(&self, version: &str, date: &str) -> anyhow::Result<Self> {
        let current = package_version(&self.manifest)?;
        let [new, old] = [version, current].map(numbers);
        let new = new.with_context(|| format!("{version:?} is not three numbers, as 1.2.3 is"))?;
        let old = old.with_context(|| format!("{MANIFEST} has the version {current:?}"))?;
        ensure!(
            new >= old,
            "{version} is older than the current version, {current}"
        );
        ensure!(
            !self.changelog.contains(&format!("## [{version}]")),
            "{CHANGELOG} has a section for {version} already; release a newer version"
        );
        let in_spec = format!("\n  version: {current}\n");
        for (path, spec) in &self.specs {
            ensure!(
                spec.matches(&in_spec).count() == 1,
                "info.version in {path} is not {current}, the version of the packages; make them \
                 equal"
            );
        }
        let specs = self.specs.iter().map(|(path, spec)| {
            let spec = spec.replace(&in_spec, &format!("\n  version: {version}\n"));
            (*path, spec)
        });
        Ok(Self {
            manifest: with_version(&self.manifest, current, version),
            specs: specs.collect(),
            changelog: dated(&self.changelog, version, date)?,
            changes: without_entries(&self.changes),
        })
    }
}

fn numbers(version: &str) -> Option<[u64; 3]> {
    let parts: Option<Vec<u64>> = version.split('.').map(|part| part.parse().ok()).collect();
    parts?.try_into().ok()
}

fn package_version(manifest: &str) -> anyhow::Result<&str> {
    manifest
        .split("[workspace.package]")
        .nth(1)
        .and_then(|rest| rest.split("\nversion = \"").nth(1))
        .and_then(|rest| rest.split('"').next())
        .with_context(|| format!("{MANIFEST} has no workspace.package.version"))
}

/// The version of the packages, and of each package of ours where it is a dependency.
fn with_version(manifest: &str, old: &str, new: &str) -> String {
    let [old, new] = [old, new].map(|version| format!("version = \"{version}\""));
    let lines = manifest.split_inclusive('\n').map(|line| {
        if line.trim_end() == old || line.contains("path = \"crates/") {
            line.replace(&old, &new)
        } else {
            line.to_owned()
        }
    });
    lines.collect()
}

/// Moves what is unreleased to a section of its own.
fn dated(changelog: &str, version: &str, date: &str) -> anyhow::Result<String> {
    let (before, after) = changelog
        .split_once(UNRELEASED)
        .with_context(|| format!("{CHANGELOG} has no line {UNRELEASED:?}"))?;
    let unreleased = after.split("\n## [").next().unwrap_or_default();
    if unreleased.trim().is_empty() {
        bail!(
            "nothing is below {:?} in {CHANGELOG}; say what changed",
            UNRELEASED.trim()
        );
    }
    Ok(format!(
        "{before}{UNRELEASED}\n## [{version}] - {date}\n{after}"
    ))
}

/// The acknowledged changes are those since the last release: there are none now.
fn without_entries(changes: &str) -> String {
    let comments: String = changes
        .split_inclusive('\n')
        .take_while(|line| line.starts_with('#'))
        .collect();
    format!("{comments}[]\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files() -> Files {
        Files {
            manifest: "[workspace.package]\nversion = \"0.1.0\"\n\n[workspace.dependencies]\n\
                       ours = { version = \"0.1.0\", path = \"crates/ours\" }\n\
                       theirs = { version = \"0.1.0\" }\n"
                .to_owned(),
            specs: ["a.yaml", "b.yaml"]
                .map(|path| (path, "info:\n  title: A\n  version: 0.1.0\n".to_owned()))
                .to_vec(),
            changelog: "# Changelog\n\n## [Unreleased]\n\n- A change.\n\n## [0.0.1] - 2026-01-01\n"
                .to_owned(),
            changes: "# How.\n- pointer: '#/x'\n  reason: seen\n  bump: minor\n".to_owned(),
        }
    }

    #[test]
    fn every_file_gets_the_version() {
        let released = files().released("0.2.0", "2026-11-26").unwrap();
        assert_eq!(
            released.manifest,
            "[workspace.package]\nversion = \"0.2.0\"\n\n[workspace.dependencies]\n\
             ours = { version = \"0.2.0\", path = \"crates/ours\" }\n\
             theirs = { version = \"0.1.0\" }\n"
        );
        for (_, spec) in released.specs {
            assert_eq!(spec, "info:\n  title: A\n  version: 0.2.0\n");
        }
        assert_eq!(
            released.changelog,
            "# Changelog\n\n## [Unreleased]\n\n## [0.2.0] - 2026-11-26\n\n- A change.\n\n\
             ## [0.0.1] - 2026-01-01\n"
        );
        assert_eq!(released.changes, "# How.\n[]\n");
    }

    /// Such a release is refused before anything is written.
    #[test]
    fn what_cannot_be_released_is_refused() {
        type Change = fn(&mut Files);
        let rows: [(&str, Change, &str); 7] = [
            ("0.2", |_| {}, "\"0.2\" is not three numbers"),
            ("0.0.9", |_| {}, "older than the current version, 0.1.0"),
            (
                "0.1.0",
                |it| it.changelog.push_str("## [0.1.0]"),
                "has a section for 0.1.0",
            ),
            (
                "0.2.0",
                |it| it.specs[1].1 = it.specs[1].1.replace("0.1", "0.3"),
                "info.version in b.yaml is not 0.1.0, the version",
            ),
            (
                "0.2.0",
                |it| it.manifest.clear(),
                "no workspace.package.version",
            ),
            (
                "0.2.0",
                |it| it.changelog.clear(),
                "no line \"## [Unreleased]",
            ),
            (
                "0.2.0",
                |it| it.changelog = it.changelog.replace("- A change.\n", ""),
                "nothing is below \"## [Unreleased]\"",
            ),
        ];
        for (version, change, expected) in rows {
            let mut files = files();
            change(&mut files);
            let error = files.released(version, "2026-11-26").err().unwrap();
            assert!(error.to_string().contains(expected), "{error}");
        }
    }

    /// The real files have the form that this command edits.
    #[test]
    fn this_workspace_can_be_released() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let read = |path: &str| fs::read_to_string(root.join(path)).unwrap();
        let mut files = Files {
            manifest: read(MANIFEST),
            specs: TARGETS
                .iter()
                .map(|target| (target.spec, read(target.spec)))
                .collect(),
            changelog: read(CHANGELOG),
            changes: read(CHANGES),
        };
        // Right after a release, nothing is unreleased.
        files.changelog = files
            .changelog
            .replace(UNRELEASED, "## [Unreleased]\n\n- A change.\n");
        let released = files.released("999.0.0", "2026-11-26").unwrap();
        let ours = released
            .manifest
            .lines()
            .filter(|line| line.contains("path = \"crates/"));
        let versioned = ours
            .filter(|line| line.contains("version = "))
            .collect::<Vec<_>>();
        assert!(!versioned.is_empty());
        assert!(
            versioned.iter().all(|line| line.contains("\"999.0.0\"")),
            "{versioned:?}"
        );
    }
}
