//! `cargo xtask release`: everything that carries the version of a release, in one step.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::time::SystemTime;

use anyhow::{Context, bail, ensure};

use crate::generate::{self, write_atomically};

const MANIFEST: &str = "Cargo.toml";
const SPEC: &str = "openapi.yaml";
const CHANGELOG: &str = "CHANGELOG.md";
/// The spec of the last release, which L6 compares with the spec as it is.
const RELEASED: &str = "crates/contract/data/released.yaml";
const CHANGES: &str = "crates/contract/data/changes.yaml";

const UNRELEASED: &str = "## [Unreleased]\n";

/// Prepare a release: set the version of the packages and of openapi.yaml, date the changes in
/// CHANGELOG.md, renew the released copy of the spec, generate. Nothing is committed or published.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// The version, such as 0.2.0.
    version: String,
}

/// The files of a release before anything is written.
struct Files {
    manifest: String,
    spec: String,
    changelog: String,
    changes: String,
}

pub(crate) fn run(root: &Path, options: &Options, out: &mut dyn Write) -> anyhow::Result<()> {
    let read = |path: &str| {
        fs::read_to_string(root.join(path)).with_context(|| format!("failed to read {path}"))
    };
    let files = Files {
        manifest: read(MANIFEST)?,
        spec: read(SPEC)?,
        changelog: read(CHANGELOG)?,
        changes: read(CHANGES)?,
    };
    let today = humantime::format_rfc3339_seconds(SystemTime::now()).to_string();
    let date = today.split('T').next().unwrap_or_default();
    let released = files.released(&options.version, date)?;
    for (path, contents) in [
        (MANIFEST, &released.manifest),
        (SPEC, &released.spec),
        (CHANGELOG, &released.changelog),
        (CHANGES, &released.changes),
        (RELEASED, &released.spec),
    ] {
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
        ensure!(
            self.spec.matches(&in_spec).count() == 1,
            "info.version in {SPEC} is not {current}, the version of the packages; make them equal"
        );
        Ok(Self {
            manifest: with_version(&self.manifest, current, version),
            spec: self
                .spec
                .replace(&in_spec, &format!("\n  version: {version}\n")),
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
            spec: "info:\n  title: A\n  version: 0.1.0\n".to_owned(),
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
        assert_eq!(released.spec, "info:\n  title: A\n  version: 0.2.0\n");
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
                |it| it.spec = it.spec.replace("0.1", "0.3"),
                "not 0.1.0, the version",
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
            spec: read(SPEC),
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
