//! `cargo xtask import-model`: a component of `openapi.yaml` from a model's own schema.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use cometapi_codegen::{ImportOptions, ImportOutput, Imported};

use crate::generate::write_atomically;

/// Far more than any published schema has.
const LIMIT: u64 = 16 << 20;

/// Turn a model's own published input schema into a component of openapi.yaml.
///
/// FILE is JSON: a model or a version of it as Replicate serves them, the OpenAPI document in
/// it, or its `Input` schema alone. The component is printed; what was changed, derived or
/// could not be kept is reported on stderr, and is there to be read over.
///
/// Exit codes: 0 it is printed or written; 1 it cannot be imported, or with --write, the
/// model or a component of the name is in openapi.yaml already.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// The published schema; - reads it from stdin.
    file: PathBuf,
    /// The model, where the file does not say.
    #[arg(long, value_name = "OWNER/NAME")]
    model: Option<String>,
    /// What the model returns, where the file does not say.
    #[arg(long)]
    output: Option<Output>,
    /// Append the component to openapi.yaml instead of printing it.
    #[arg(long)]
    write: bool,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Output {
    /// A list of addresses.
    List,
    /// One address.
    Single,
}

/// Imports, then prints the component or appends it to the spec below `root`.
pub(crate) fn run(
    root: &Path,
    options: &Options,
    stdin: &mut dyn Read,
    out: &mut dyn Write,
    notes: &mut dyn Write,
) -> anyhow::Result<()> {
    let published = read(&options.file, stdin)?;
    let mut import = ImportOptions::default();
    if let Some(model) = &options.model {
        import = import.model(model);
    }
    if let Some(output) = options.output {
        import = import.output(match output {
            Output::List => ImportOutput::List,
            Output::Single => ImportOutput::Single,
        });
    }
    let imported = cometapi_codegen::import_model(&published, &import)?;
    // First, so that a later error does not hide them.
    for note in &imported.notes {
        writeln!(notes, "note: {note}")?;
    }
    if options.write {
        append(&root.join("openapi.yaml"), &imported)?;
        writeln!(
            out,
            "wrote {} to openapi.yaml; read it over, then run `cargo xtask generate`",
            imported.component
        )?;
    } else {
        write!(out, "{}", imported.yaml)?;
    }
    Ok(())
}

fn read(file: &Path, stdin: &mut dyn Read) -> anyhow::Result<String> {
    let name = if file == Path::new("-") {
        "stdin".to_owned()
    } else {
        file.display().to_string()
    };
    let mut published = String::new();
    let read = if file == Path::new("-") {
        stdin.take(LIMIT + 1).read_to_string(&mut published)
    } else {
        File::open(file).and_then(|file| file.take(LIMIT + 1).read_to_string(&mut published))
    };
    let length = read.with_context(|| format!("failed to read {name}"))?;
    ensure!(
        u64::try_from(length).is_ok_and(|length| length <= LIMIT),
        "{name} has more than 16 MiB, which no published schema has"
    );
    Ok(published)
}

/// Puts the component behind the last schema. That is the end of the file, which is shown
/// by reading the whole again.
fn append(path: &Path, imported: &Imported) -> anyhow::Result<()> {
    let name = &imported.component;
    let spec =
        fs::read_to_string(path).with_context(|| format!("failed to read {}", path.display()))?;
    let mut expected = cometapi_codegen::read(&spec)?;
    let schemas = expected
        .pointer_mut("/components/schemas")
        .and_then(|schemas| schemas.as_object_mut())
        .context("openapi.yaml has no `components.schemas`")?;
    ensure!(
        !schemas.contains_key(name),
        "openapi.yaml has a component {name} already; take that out first, or merge the two by hand"
    );
    let known = schemas.iter().find(|(_, schema)| {
        schema.get("x-model").and_then(|m| m.as_str()) == Some(&imported.model)
    });
    if let Some((known, _)) = known {
        bail!(
            "openapi.yaml has {} already, as {known}; take that out first, or merge the two by hand",
            imported.model
        );
    }
    let component = cometapi_codegen::read(&imported.yaml)?;
    schemas.insert(name.clone(), component[name.as_str()].clone());

    let extended = format!("{}\n\n{}", spec.trim_end(), imported.yaml);
    ensure!(
        cometapi_codegen::read(&extended).is_ok_and(|read| read == expected),
        "openapi.yaml does not end among its schemas; put the component there by hand"
    );
    write_atomically(path, extended.as_bytes())
        .with_context(|| format!("failed to write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use tempfile::TempDir;

    use super::*;

    const BARE: &str = r#"{"properties": {"prompt": {"type": "string", "description": "What."}}}"#;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        options: Options,
    }

    struct Ran {
        result: anyhow::Result<()>,
        out: String,
        notes: String,
    }

    fn scratch() -> TempDir {
        let root = tempfile::tempdir().unwrap();
        let spec = include_str!("../../openapi.yaml");
        fs::write(root.path().join("openapi.yaml"), spec).unwrap();
        root
    }

    fn ran(root: &TempDir, line: &[&str], stdin: &str) -> Ran {
        let line = ["import-model"].iter().chain(line);
        let options = Line::try_parse_from(line).unwrap().options;
        let (mut out, mut notes) = (Vec::new(), Vec::new());
        let result = run(
            root.path(),
            &options,
            &mut stdin.as_bytes(),
            &mut out,
            &mut notes,
        );
        Ran {
            result,
            out: String::from_utf8(out).unwrap(),
            notes: String::from_utf8(notes).unwrap(),
        }
    }

    fn spec(root: &TempDir) -> String {
        fs::read_to_string(root.path().join("openapi.yaml")).unwrap()
    }

    #[test]
    fn the_component_is_printed_and_the_notes_beside_it() {
        let root = scratch();
        let before = spec(&root);
        let line = ["-", "--model", "acme/brush", "--output", "list"];
        let ran = ran(&root, &line, BARE);
        ran.result.unwrap();
        assert!(ran.out.starts_with("    BrushInput:\n"), "{}", ran.out);
        assert!(ran.out.contains("      x-output: list\n"), "{}", ran.out);
        assert_eq!(
            ran.notes,
            "note: `Input`: nothing describes the model; write what it is good for\n"
        );
        assert_eq!(spec(&root), before);
    }

    #[test]
    fn a_file_is_read_and_appended_once() {
        let root = scratch();
        let before = spec(&root);
        let file = root.path().join("bare.json");
        fs::write(&file, BARE).unwrap();
        let file = file.to_str().unwrap();
        let line = [file, "--model=acme/brush", "--output=single", "--write"];

        let first = ran(&root, &line, "");
        first.result.unwrap();
        assert_eq!(
            first.out,
            "wrote BrushInput to openapi.yaml; read it over, then run `cargo xtask generate`\n"
        );
        let after = spec(&root);
        let added = after.strip_prefix(&before).unwrap();
        assert!(added.starts_with("\n    BrushInput:\n"), "{added}");
        assert!(cometapi_codegen::PREDICTIONS.generate(&after).is_ok());

        for (model, words) in [
            ("acme/brush", "a component BrushInput already"),
            ("other/brush", "a component BrushInput already"),
            (
                "black-forest-labs/flux-dev",
                "a component FluxDevInput already",
            ),
        ] {
            let line = [file, "--model", model, "--output=single", "--write"];
            let again = ran(&root, &line, "").result.unwrap_err().to_string();
            assert!(again.contains(words), "{again}");
        }
        assert_eq!(spec(&root), after);
    }

    #[test]
    fn a_model_that_is_there_under_another_name_is_refused() {
        let root = scratch();
        let renamed = spec(&root).replace("    FluxDevInput:\n", "    FluxDeveloperInput:\n");
        fs::write(root.path().join("openapi.yaml"), renamed).unwrap();
        let line = [
            "-",
            "--model=black-forest-labs/flux-dev",
            "--output=list",
            "--write",
        ];
        let error = ran(&root, &line, BARE).result.unwrap_err().to_string();
        assert!(error.contains("as FluxDeveloperInput"), "{error}");
    }

    #[test]
    fn a_spec_that_ends_elsewhere_is_left_alone() {
        let root = scratch();
        let before = spec(&root) + "x-more:\n  - 1\n";
        fs::write(root.path().join("openapi.yaml"), &before).unwrap();
        let line = ["-", "--model=acme/brush", "--output=list", "--write"];
        let error = ran(&root, &line, BARE).result.unwrap_err().to_string();
        assert!(error.contains("does not end among its schemas"), "{error}");
        assert_eq!(spec(&root), before);
    }

    #[test]
    fn what_cannot_be_read_or_is_not_told_is_an_error() {
        let root = scratch();
        let error = ran(&root, &["nowhere.json"], "").result.unwrap_err();
        assert_eq!(error.to_string(), "failed to read nowhere.json");
        let error = ran(&root, &["-"], BARE).result.unwrap_err().to_string();
        assert!(error.contains("--model owner/name"), "{error}");
        let endless = " ".repeat(usize::try_from(LIMIT).unwrap() + 1);
        let error = ran(&root, &["-"], &endless).result.unwrap_err().to_string();
        assert!(error.contains("more than 16 MiB"), "{error}");
    }
}
