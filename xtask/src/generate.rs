//! `cargo xtask generate`: the files that are made from the specs.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};
use cometapi_codegen::{Artifact, TARGETS};
use similar::TextDiff;

/// Enough of a diff to see what it is about; a changed description gives a dozen lines.
const DIFF_LINES: usize = 80;

/// Write the files that are made from openapi.yaml and any other spec.
///
/// Exit codes: 0 all is fresh; 1 the spec gives no code, or a file cannot be written; 4 with
/// --check, a file is stale.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Write nothing; show what differs, and exit with 4 if anything does.
    #[arg(long)]
    pub(crate) check: bool,
}

/// What `generate` found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Every file is what the spec gives, now if not before.
    Fresh,
    /// With `--check`: a file is not.
    Stale,
}

impl From<Outcome> for ExitCode {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Fresh => Self::SUCCESS,
            Outcome::Stale => Self::from(4),
        }
    }
}

/// An artifact, and what is on the disk in its place.
struct GeneratedFile {
    path: PathBuf,
    artifact: Artifact,
    /// The spec that it is made from.
    spec: &'static str,
    /// `None` when there is no such file.
    current: Option<Vec<u8>>,
}

impl GeneratedFile {
    fn is_fresh(&self) -> bool {
        self.current.as_deref() == Some(self.artifact.contents.as_bytes())
    }
}

/// Brings the files below `root` up to date, or says which are not.
pub(crate) fn run(root: &Path, options: &Options, out: &mut dyn Write) -> anyhow::Result<Outcome> {
    let (mut files, mut leftovers) = (Vec::new(), Vec::new());
    // Nothing is written unless all specs give code.
    for target in TARGETS {
        let spec = root.join(target.spec);
        let spec = fs::read_to_string(&spec)
            .with_context(|| format!("failed to read {}", spec.display()))?;
        let artifacts = target.artifacts(&spec).context(target.spec)?;
        let found = target.leftovers(root, &artifacts);
        leftovers.extend(found.context("failed to look for files of models that are gone")?);
        for artifact in artifacts {
            files.push(generated_file(root, artifact, target.spec)?);
        }
    }

    let total = files.len();
    let stale: Vec<_> = files.iter().filter(|file| !file.is_fresh()).collect();
    if stale.is_empty() && leftovers.is_empty() {
        writeln!(out, "all {total} files are fresh")?;
        return Ok(Outcome::Fresh);
    }
    if options.check {
        for file in &stale {
            show(file, out)?;
        }
        for path in &leftovers {
            writeln!(out, "{} is of no model in the spec\n", below(root, path))?;
        }
        writeln!(
            out,
            "{} of {total} files are stale; run `cargo xtask generate` and commit what it writes",
            stale.len() + leftovers.len()
        )?;
        return Ok(Outcome::Stale);
    }
    for file in &stale {
        write_atomically(&file.path, file.artifact.contents.as_bytes())
            .with_context(|| format!("failed to write {}", file.path.display()))?;
        writeln!(out, "wrote {}", file.artifact.path)?;
    }
    for path in &leftovers {
        fs::remove_file(path).with_context(|| format!("failed to remove {}", path.display()))?;
        writeln!(out, "removed {}", below(root, path))?;
    }
    Ok(Outcome::Fresh)
}

fn generated_file(
    root: &Path,
    artifact: Artifact,
    spec: &'static str,
) -> anyhow::Result<GeneratedFile> {
    let path = root.join(&artifact.path);
    let current = match fs::read(&path) {
        Ok(bytes) => Some(bytes),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => {
            return Err(error).with_context(|| format!("failed to read {}", path.display()));
        }
    };
    Ok(GeneratedFile {
        path,
        artifact,
        spec,
        current,
    })
}

fn below(root: &Path, path: &Path) -> String {
    path.strip_prefix(root)
        .unwrap_or(path)
        .display()
        .to_string()
}

fn show(file: &GeneratedFile, out: &mut dyn Write) -> io::Result<()> {
    let path = &file.artifact.path;
    let Some(current) = &file.current else {
        return writeln!(out, "{path} is missing\n");
    };
    let current = String::from_utf8_lossy(current);
    let diff = TextDiff::from_lines(current.as_ref(), file.artifact.contents.as_str());
    let diff = diff
        .unified_diff()
        .context_radius(3)
        .header(
            &format!("{path} (as it is)"),
            &format!("{path} (as {} gives it)", file.spec),
        )
        .to_string();
    let lines: Vec<_> = diff.lines().collect();
    for line in lines.iter().take(DIFF_LINES) {
        writeln!(out, "{line}")?;
    }
    if let Some(rest @ 1..) = lines.len().checked_sub(DIFF_LINES) {
        writeln!(out, "… and {rest} more lines of this diff")?;
    }
    writeln!(out)
}

/// Writes beside the file and renames, so that no reader, and no interruption, meets half.
pub(crate) fn write_atomically(path: &Path, contents: &[u8]) -> anyhow::Result<()> {
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
        bail!("it is no file");
    };
    let mut temporary = name.to_owned();
    temporary.push(format!(".{:016x}.tmp", fastrand::u64(..)));
    let temporary = folder.join(temporary);
    // A model's owner may be new.
    fs::create_dir_all(folder)?;
    let written = File::create(&temporary)
        .and_then(|mut file| {
            file.write_all(contents)?;
            file.sync_all()
        })
        .and_then(|()| fs::rename(&temporary, path));
    if let Err(error) = written {
        // The first error is the one to report; a leftover file does no harm.
        let _ = fs::remove_file(&temporary);
        return Err(error.into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    const CODE: &str = "crates/cometapi-client/src/generated.rs";
    const COPY: &str = "crates/cometapi-mock/openapi.yaml";

    const SPEC: &str = include_str!("../../openapi.yaml");

    const ACCOUNT: &str = include_str!("../../crates/cometapi-account/openapi.yaml");

    /// A root with the real specs and nothing else yet.
    fn scratch() -> TempDir {
        let root = tempfile::tempdir().unwrap();
        for (target, spec) in TARGETS.iter().zip([SPEC, ACCOUNT]) {
            let path = root.path().join(target.spec);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, spec).unwrap();
        }
        root
    }

    fn artifacts() -> Vec<Artifact> {
        let specs = TARGETS.iter().zip([SPEC, ACCOUNT]);
        let made = specs.flat_map(|(target, spec)| target.artifacts(spec).unwrap());
        made.collect()
    }

    fn generate(root: &TempDir, check: bool) -> (Outcome, String) {
        let mut out = Vec::new();
        let outcome = run(root.path(), &Options { check }, &mut out).unwrap();
        (outcome, String::from_utf8(out).unwrap())
    }

    fn read(root: &TempDir, path: &str) -> String {
        fs::read_to_string(root.path().join(path)).unwrap()
    }

    #[test]
    fn what_is_missing_is_told_then_written_then_fresh() {
        let root = scratch();
        let (outcome, said) = generate(&root, true);
        assert_eq!(outcome, Outcome::Stale);
        assert!(said.contains(&format!("{CODE} is missing\n")), "{said}");
        assert!(!root.path().join(CODE).exists());

        let (outcome, said) = generate(&root, false);
        assert_eq!(outcome, Outcome::Fresh);
        let all: Vec<_> = artifacts().into_iter().map(|made| made.path).collect();
        let printed: Vec<_> = all.iter().map(|path| format!("wrote {path}\n")).collect();
        assert_eq!(said, printed.concat());
        for check in [true, false] {
            let fresh = (
                Outcome::Fresh,
                format!("all {} files are fresh\n", all.len()),
            );
            assert_eq!(generate(&root, check), fresh);
        }
    }

    #[test]
    fn a_file_edited_by_hand_is_shown_and_mended_and_the_others_are_left_alone() {
        let root = scratch();
        generate(&root, false);
        let copy = root.path().join(COPY);
        let before = fs::metadata(&copy).unwrap().modified().unwrap();
        let code = read(&root, CODE);
        fs::write(
            root.path().join(CODE),
            code.replace("get_prediction", "got"),
        )
        .unwrap();

        let (outcome, said) = generate(&root, true);
        assert_eq!(outcome, Outcome::Stale);
        assert!(
            said.starts_with(&format!("--- {CODE} (as it is)\n")),
            "{said}"
        );
        assert!(said.contains("\n-    pub async fn got<'a>("), "{said}");
        assert!(
            said.contains("\n+    pub async fn get_prediction<'a>("),
            "{said}"
        );
        let end = format!(
            "1 of {} files are stale; run `cargo xtask generate` and commit what it writes\n",
            artifacts().len()
        );
        assert!(said.ends_with(&end), "{said}");

        let (_, said) = generate(&root, false);
        assert_eq!(said, format!("wrote {CODE}\n"));
        assert_eq!(read(&root, CODE), code);
        assert_eq!(fs::metadata(&copy).unwrap().modified().unwrap(), before);
        // Nothing is left beside what was written.
        let beside = fs::read_dir(root.path().join(CODE).parent().unwrap()).unwrap();
        assert_eq!(beside.count(), 1);
    }

    #[test]
    fn the_schema_of_a_model_that_is_gone_is_told_then_removed() {
        let root = scratch();
        generate(&root, false);
        let gone = "crates/cometapi-models/src/schemas/acme/gone.schema.json";
        let path = root.path().join(gone);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, "{}").unwrap();

        let (outcome, said) = generate(&root, true);
        assert_eq!(outcome, Outcome::Stale);
        assert!(
            said.contains(&format!("{gone} is of no model in the spec\n")),
            "{said}"
        );
        assert!(path.exists());

        let (_, said) = generate(&root, false);
        assert_eq!(said, format!("removed {gone}\n"));
        assert!(!path.exists());
    }

    #[test]
    fn a_long_diff_is_cut_and_says_so() {
        let root = scratch();
        generate(&root, false);
        fs::write(root.path().join(COPY), "gone\n").unwrap();
        let (_, said) = generate(&root, true);
        let lines: Vec<_> = said.lines().collect();
        assert_eq!(lines.len(), DIFF_LINES + 3, "{said}");
        assert!(lines[DIFF_LINES].starts_with("… and "), "{said}");
        assert!(
            lines[DIFF_LINES].ends_with(" more lines of this diff"),
            "{said}"
        );
    }

    #[test]
    fn a_spec_that_gives_no_code_writes_nothing() {
        let root = scratch();
        generate(&root, false);
        let code = read(&root, CODE);
        let spec = read(&root, "openapi.yaml").replacen("openapi: 3.0.3", "openapi: 3.1.0", 1);
        fs::write(root.path().join("openapi.yaml"), spec).unwrap();
        let error = run(root.path(), &Options { check: false }, &mut Vec::new()).unwrap_err();
        let error = format!("{error:#}");
        assert!(error.starts_with("openapi.yaml: "), "{error}");
        assert!(error.contains("openapi-version"), "{error}");
        assert_eq!(read(&root, CODE), code);
    }
}
