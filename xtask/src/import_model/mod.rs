//! `cargo xtask import-model`: components of `openapi.yaml` from models' own schemas.

mod append;
mod compile;
mod source;
mod survey;

use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use cometapi_codegen::{Error, Glossary, ImportOptions, ImportOutput, Imported, Importer};

use self::append::append;
use self::source::{Source, Sources};

/// What models and fields do, in the project's words.
const GLOSSARY: &str = include_str!("../../glossary.yaml");

/// Turn models' own published input schemas into components of openapi.yaml.
///
/// PATH is JSON: a model or a version of it as Replicate serves them, the OpenAPI document in
/// it, or its `Input` schema alone. The component is printed; what was changed, derived or
/// could not be kept is reported on stderr, and is there to be read over.
///
/// PATH may also hold many models: a JSON array of them, an object with such an array as
/// `results` or `models`, or a directory of files of either kind. Each gets one line.
///
/// Exit codes: 0 all is printed or written; 1 a model cannot be imported, or with --write, the
/// one model is in openapi.yaml already; with --survey, 1 only if a model that was taken does
/// not generate or compile, or the importer panicked.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// The published schema, a file or directory of many; - reads stdin.
    path: PathBuf,
    /// The model, where the file does not say.
    #[arg(long, value_name = "OWNER/NAME")]
    model: Option<String>,
    /// What the model returns, where the file does not say.
    #[arg(long)]
    output: Option<Output>,
    /// Where the schemas were found, such as "the npm package x 1.2.0"; the components state it.
    #[arg(long, value_name = "WHERE")]
    copy: Option<String>,
    /// Append the components to openapi.yaml; of many, those that are not there yet.
    #[arg(long)]
    write: bool,
    /// Import, lint and generate all models in memory, and print counts.
    #[arg(long, conflicts_with_all = ["model", "output", "write"])]
    survey: bool,
    /// With --survey, also compile the code of N of the models together.
    #[arg(long, value_name = "N", requires = "survey")]
    compile: Option<usize>,
    /// Which models --compile draws.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Output {
    /// A list of URLs.
    List,
    /// One URL.
    Single,
    /// A string, whole or in parts.
    Text,
    /// Any JSON.
    Json,
}

impl Options {
    fn import(&self) -> Result<ImportOptions, Error> {
        let mut import = ImportOptions::default().glossary(Glossary::from_yaml(GLOSSARY)?);
        if let Some(copy) = &self.copy {
            import = import.copy(copy);
        }
        if let Some(model) = &self.model {
            import = import.model(model);
        }
        Ok(match self.output {
            None => import,
            Some(Output::List) => import.output(ImportOutput::List),
            Some(Output::Single) => import.output(ImportOutput::Single),
            Some(Output::Text) => import.output(ImportOutput::Text),
            Some(Output::Json) => import.output(ImportOutput::Json),
        })
    }
}

/// Imports, then prints the components or appends them to the spec below `root`.
pub(crate) fn run(
    root: &Path,
    options: &Options,
    stdin: &mut dyn Read,
    out: &mut dyn Write,
    notes: &mut dyn Write,
) -> anyhow::Result<()> {
    let sources = source::read(&options.path, stdin)?;
    if options.survey {
        let sources = sources.into_vec();
        let taken = survey::run(root, &sources, out)?;
        return match options.compile {
            Some(count) => compile::run(root, &compile::draw(&taken, count, options.seed), out),
            None => Ok(()),
        };
    }
    match sources {
        Sources::One(source) => one(root, options, &source, out, notes),
        Sources::Many(sources) => many(root, options, &sources, out),
    }
}

fn one(
    root: &Path,
    options: &Options,
    source: &Source,
    out: &mut dyn Write,
    notes: &mut dyn Write,
) -> anyhow::Result<()> {
    let mut importer = Importer::default();
    if options.write {
        importer = importer_for(root)?;
    }
    let model = importer.import(&source.json, &options.import()?)?;
    // First, so that a later error does not hide them.
    for note in &model.notes {
        writeln!(notes, "note: {note}")?;
    }
    if options.write {
        append(&spec_path(root), std::slice::from_ref(&model))?;
        writeln!(
            out,
            "wrote {} to openapi.yaml; read it over, then run `cargo xtask generate`",
            model.component
        )?;
    } else {
        write!(out, "{}", model.yaml)?;
    }
    Ok(())
}

fn many(
    root: &Path,
    options: &Options,
    sources: &[Source],
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    ensure!(
        options.model.is_none(),
        "--model names one model, and there are {}",
        sources.len()
    );
    let import = options.import()?;
    let mut importer = importer_for(root)?;
    let (mut new, mut refused) = (Vec::new(), 0);
    for source in sources {
        match importer.import(&source.json, &import) {
            Ok(model) => {
                writeln!(out, "{}", line(&model))?;
                new.push(model);
            }
            Err(Error::AlreadyThere { model, component }) => {
                writeln!(out, "{model}: there already, as {component}")?;
            }
            Err(error) => {
                writeln!(out, "{}: refused: {}", source.label, survey::reason(&error))?;
                refused += 1;
            }
        }
    }
    if options.write && !new.is_empty() {
        append(&spec_path(root), &new)?;
        let count = new.len();
        writeln!(
            out,
            "wrote {count} components to openapi.yaml; read them over, then run \
             `cargo xtask generate`"
        )?;
    }
    if refused > 0 {
        bail!("{refused} of {} models cannot be imported", sources.len());
    }
    Ok(())
}

fn line(imported: &Imported) -> String {
    let several = |count: usize, what: &str| {
        let plural = if count == 1 { "" } else { "s" };
        format!("{count} {what}{plural}")
    };
    format!(
        "{}: {}, {}, {}, {}",
        imported.model,
        imported.component,
        imported.output.word(),
        several(imported.fields, "field"),
        several(imported.notes.len(), "note")
    )
}

fn spec_path(root: &Path) -> PathBuf {
    root.join("openapi.yaml")
}

fn spec_text(root: &Path) -> anyhow::Result<String> {
    let path = spec_path(root);
    fs::read_to_string(&path).with_context(|| format!("failed to read {}", path.display()))
}

fn importer_for(root: &Path) -> anyhow::Result<Importer> {
    let spec = cometapi_codegen::read(&spec_text(root)?)?;
    Ok(Importer::for_spec(&spec))
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
        let spec = include_str!("../../../openapi.yaml");
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
            ("acme/brush", "acme/brush already, as BrushInput"),
            (
                "black-forest-labs/flux-dev",
                "black-forest-labs/flux-dev already, as FluxDevInput",
            ),
        ] {
            let line = [file, "--model", model, "--output=single", "--write"];
            let again = ran(&root, &line, "").result.unwrap_err().to_string();
            assert!(again.contains(words), "{again}");
        }
        assert_eq!(spec(&root), after);

        let line = [file, "--model=other/brush", "--output=single", "--write"];
        let other = ran(&root, &line, "");
        other.result.unwrap();
        assert!(
            other.out.starts_with("wrote OtherBrushInput "),
            "{}",
            other.out
        );
        assert!(
            other.notes.contains("`BrushInput` is another's"),
            "{}",
            other.notes
        );
        assert!(
            cometapi_codegen::PREDICTIONS
                .artifacts(&spec(&root))
                .is_ok()
        );
    }

    /// The lines without the number of notes, which is the importer's own business.
    fn without_notes(lines: &str) -> String {
        let lines = lines.lines().map(|line| match line.rsplit_once(", ") {
            Some((line, notes)) if notes.ends_with(" notes") => format!("{line}, …\n"),
            _ => format!("{line}\n"),
        });
        lines.collect()
    }

    /// Five that can be imported, two of them with names that are hard to keep apart, one twice,
    /// and two that cannot.
    const MANY: &str = r##"[
        {"owner": "acme", "name": "brush", "latest_version": {"id": "1", "openapi_schema":
            {"components": {"schemas": {
                "Input": {"properties": {
                    "top_p": {"type": "number"}, "topP": {"type": "number"},
                    "style": {"enum": ["a", "b"]}, "Style": {"enum": ["c"]}}},
                "Output": {"type": "array", "items": {"type": "string", "format": "uri"}}}}}}},
        {"owner": "other", "name": "brush", "latest_version": {"id": "1", "openapi_schema":
            {"components": {"schemas": {
                "Input": {"properties": {"prompt": {"type": "string"}}},
                "Output": {"$ref": "#/components/schemas/Found"},
                "Found": {"type": "object"}}}}}},
        {"owner": "acme", "name": "option", "latest_version": {"id": "1", "openapi_schema":
            {"components": {"schemas": {
                "Input": {"properties": {"提示": {"type": "string"}, "—": {"enum": ["x"]}}},
                "Output": {"type": "array", "items": {"type": "string"},
                    "x-cog-array-type": "iterator", "x-cog-array-display": "concatenate"}}}}}},
        {"owner": "acme", "name": "flux-dev", "latest_version": {"id": "1", "openapi_schema":
            {"components": {"schemas": {
                "Input": {"properties": {"prompt": {"type": "string"}}},
                "Output": {"type": "string", "format": "uri"}}}}}},
        {"owner": "acme", "name": "silent", "latest_version": {"id": "1", "openapi_schema":
            {"components": {"schemas": {
                "Input": {"properties": {"prompt": {"type": "string"}}}}}}}},
        {"owner": "acme", "name": "brush", "latest_version": {"id": "2", "openapi_schema":
            {"components": {"schemas": {
                "Input": {"properties": {"prompt": {"type": "string"}}},
                "Output": {"type": "string", "format": "uri"}}}}}},
        {"owner": "acme", "name": "draft", "latest_version": null},
        oops
    ]"##;

    #[test]
    fn each_of_many_gets_one_line_and_is_appended_once() {
        let root = scratch();
        let file = root.path().join("many.json");
        fs::write(&file, MANY).unwrap();
        let file = file.to_str().unwrap();
        let lines = format!(
            "acme/brush: BrushInput, list, 4 fields, …\n\
             other/brush: OtherBrushInput, json, 1 field, …\n\
             acme/option: OptionInput, text, 2 fields, …\n\
             acme/flux-dev: AcmeFluxDevInput, single, 1 field, …\n\
             acme/silent: SilentInput, json, 1 field, …\n\
             acme/brush: there already, as BrushInput\n\
             acme/draft: refused: the model has no `latest_version`; give one of its versions\n\
             {file}, model 8: refused: it is no JSON that can be read: expected value at line 1 \
             column 1\n"
        );
        let before = spec(&root);
        let listed = ran(&root, &[file], "");
        let error = listed.result.unwrap_err().to_string();
        assert_eq!(error, "2 of 8 models cannot be imported");
        assert_eq!(without_notes(&listed.out), lines);
        assert_eq!(spec(&root), before);

        let written = ran(&root, &[file, "--write"], "");
        assert!(written.result.is_err());
        let end = "wrote 5 components to openapi.yaml; read them over, then run \
                   `cargo xtask generate`\n";
        assert_eq!(without_notes(&written.out), lines + end);
        let after = spec(&root);
        assert!(after.starts_with(&before));
        cometapi_codegen::PREDICTIONS.artifacts(&after).unwrap();

        let again = ran(&root, &[file, "--write"], "");
        assert_eq!(
            again.out.matches("there already, as").count(),
            6,
            "{}",
            again.out
        );
        assert_eq!(spec(&root), after);

        let line = [file, "--model=acme/brush"];
        let error = ran(&root, &line, "").result.unwrap_err().to_string();
        assert_eq!(error, "--model names one model, and there are 8");
    }

    #[test]
    fn a_directory_is_read_file_by_file() {
        let root = scratch();
        let folder = root.path().join("models");
        fs::create_dir(&folder).unwrap();
        let path = folder.to_str().unwrap();
        let error = ran(&root, &[path], "").result.unwrap_err().to_string();
        assert_eq!(error, format!("{path} holds no .json files"));
        for (name, model) in [
            ("b.json", "acme/b"),
            ("a.json", "acme/a"),
            ("c.txt", "acme/c"),
        ] {
            let (owner, name_of) = model.split_once('/').unwrap();
            let model = format!(
                r#"{{"owner": "{owner}", "name": "{name_of}", "openapi_schema": {{"components":
                {{"schemas": {{"Input": {BARE}, "Output": {{"type": "string"}}}}}}}}}}"#
            );
            fs::write(folder.join(name), model).unwrap();
        }
        fs::write(folder.join("d.json"), BARE).unwrap();
        let ran = ran(&root, &[path], "");
        assert_eq!(
            ran.result.unwrap_err().to_string(),
            "1 of 3 models cannot be imported"
        );
        assert_eq!(
            ran.out,
            "acme/a: AInput, text, 1 field, 1 note\n\
             acme/b: BInput, text, 1 field, 1 note\n\
             d.json: refused: it does not say of which model it is; pass `--model owner/name`\n"
        );
    }

    #[test]
    fn a_survey_counts_what_is_taken_refused_and_generated() {
        let root = scratch();
        let before = spec(&root);
        let ran = ran(&root, &["-", "--survey"], MANY);
        ran.result.unwrap();
        assert_eq!(
            ran.out,
            "8 models: 5 taken, 3 refused, 0 panics\n\
             \x20 taken:     2 json\n\
             \x20 taken:     1 list\n\
             \x20 taken:     1 single\n\
             \x20 taken:     1 text\n\
             \x20 refused:   1 it is no JSON that can be read: expected value at line 1 column 1 \
             (stdin, model 8)\n\
             \x20 refused:   1 the model has no `latest_version`; give one of its versions \
             (acme/draft)\n\
             \x20 refused:   1 the model is in the file before (acme/brush)\n\
             5 of them generate\n"
        );
        assert_eq!(spec(&root), before);
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
        let endless = " ".repeat(usize::try_from(source::LIMIT).unwrap() + 1);
        let error = ran(&root, &["-"], &endless).result.unwrap_err().to_string();
        assert!(error.contains("more than 16 MiB"), "{error}");
    }
}
