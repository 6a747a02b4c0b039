//! All models of a file through import, lint and generation, in memory.

use std::collections::BTreeMap;
use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use anyhow::{Context, bail};
use cometapi_codegen::{Error, ImportOptions, Imported, Importer, PREDICTIONS};

use super::source::Source;
use super::spec_text;

/// Enough that clashes between models show, few enough for one fault to be found soon.
const BATCH: usize = 250;

/// Examples of models that share a reason.
const SHOWN: usize = 3;

/// Models that do not generate, alone or together, and why.
struct Failure {
    models: Vec<String>,
    why: String,
}

/// Prints the counts, and returns the models that were taken.
pub(super) fn run(
    root: &Path,
    sources: &[Source],
    out: &mut dyn Write,
) -> anyhow::Result<Vec<Imported>> {
    let base = base(&spec_text(root)?)?;
    let mut importer = Importer::for_spec(&cometapi_codegen::read(&base)?);
    let mut taken = Vec::new();
    let mut refused = BTreeMap::<String, Vec<&str>>::new();
    let mut panicked = Vec::new();
    for source in sources {
        let import = || importer.import(&source.json, &ImportOptions::default());
        match catch_unwind(AssertUnwindSafe(import)) {
            Ok(Ok(model)) => taken.push(model),
            Ok(Err(error)) => refused.entry(kind(&error)).or_default().push(&source.label),
            Err(_) => panicked.push(source.label.as_str()),
        }
    }
    writeln!(
        out,
        "{} models: {} taken, {} refused, {} panics",
        sources.len(),
        taken.len(),
        sources.len() - taken.len() - panicked.len(),
        panicked.len()
    )?;
    let mut outputs = BTreeMap::<_, usize>::new();
    for imported in &taken {
        *outputs.entry(imported.output.word()).or_default() += 1;
    }
    for (output, count) in outputs {
        writeln!(out, "  taken: {count:>5} {output}")?;
    }
    for (reason, models) in &refused {
        let count = models.len();
        writeln!(out, "  refused: {count:>3} {reason} ({})", some(models))?;
    }
    for model in &panicked {
        writeln!(out, "  panic: {model}")?;
    }

    let failures: Vec<_> = taken
        .chunks(BATCH)
        .flat_map(|batch| failures(&base, batch))
        .collect();
    let failed: usize = failures.iter().map(|failure| failure.models.len()).sum();
    writeln!(out, "{} of them generate", taken.len() - failed)?;
    for Failure { models, why } in &failures {
        let models: Vec<_> = models.iter().map(String::as_str).collect();
        writeln!(out, "  fails: {}: {why}", some(&models))?;
    }
    if failed + panicked.len() > 0 {
        bail!(
            "{failed} models were taken and do not generate, {} panicked",
            panicked.len()
        );
    }
    Ok(taken)
}

/// The spec without its models, so that those are imported as well.
pub(super) fn base(spec: &str) -> anyhow::Result<String> {
    let mut base = cometapi_codegen::read(spec)?;
    base.pointer_mut("/components/schemas")
        .and_then(|schemas| schemas.as_object_mut())
        .context("openapi.yaml has no `components.schemas`")?
        .retain(|_, schema| schema.get("x-model").is_none());
    Ok(base.to_string())
}

/// The spec `base` with the models in it. JSON is YAML, too.
pub(super) fn with_models(base: &str, models: &[Imported]) -> anyhow::Result<String> {
    let mut spec = cometapi_codegen::read(base)?;
    let schemas = spec
        .pointer_mut("/components/schemas")
        .and_then(|schemas| schemas.as_object_mut())
        .context("openapi.yaml has no `components.schemas`")?;
    for model in models {
        let mut component = cometapi_codegen::read(&model.yaml)?;
        schemas.insert(model.component.clone(), component[&model.component].take());
    }
    Ok(spec.to_string())
}

/// The smallest sets of the models that do not generate.
fn failures(base: &str, models: &[Imported]) -> Vec<Failure> {
    let generate = || -> anyhow::Result<()> {
        PREDICTIONS.artifacts(&with_models(base, models)?)?;
        Ok(())
    };
    let why = match catch_unwind(AssertUnwindSafe(generate)) {
        Ok(Ok(())) => return Vec::new(),
        Ok(Err(error)) => format!("{error:#}"),
        Err(_) => "the generator panicked".to_owned(),
    };
    if models.len() > 1 {
        let (one, other) = models.split_at(models.len() / 2);
        let found: Vec<_> = [one, other]
            .into_iter()
            .flat_map(|half| failures(base, half))
            .collect();
        if !found.is_empty() {
            return found;
        }
    }
    let models = models.iter().map(|model| model.model.clone()).collect();
    vec![Failure { models, why }]
}

/// Why a model is refused, without the words that are the same for all.
pub(super) fn reason(error: &Error) -> String {
    match error {
        Error::Published { message } => message.clone(),
        Error::AlreadyThere { component, .. } => {
            format!("the model is there already, as {component}")
        }
        other => other.to_string(),
    }
}

/// The reason, without what only one model has in it.
fn kind(error: &Error) -> String {
    match error {
        Error::AlreadyThere { .. } => "the model is in the file before".to_owned(),
        other => {
            let reason = reason(other);
            let parts = reason.split('`').enumerate();
            let parts = parts.map(|(index, part)| {
                let is_common = index % 2 == 0 || COMMON.contains(&part);
                if is_common { part } else { "…" }
            });
            parts.collect::<Vec<_>>().join("`")
        }
    }
}

/// What reasons quote of our own.
const COMMON: &[&str] = &[
    "Input",
    "components.schemas.Input",
    "latest_version",
    "openapi_schema",
    "owner/name",
    "properties",
];

fn some(models: &[&str]) -> String {
    let shown = models.iter().take(SHOWN).copied().collect::<Vec<_>>();
    let more = if models.len() > SHOWN { ", …" } else { "" };
    shown.join(", ") + more
}

#[cfg(test)]
mod tests {
    use cometapi_codegen::ImportOutput;

    use super::*;

    fn failures_of(change: impl FnOnce(&mut [Imported])) -> Vec<(Vec<String>, String)> {
        let published = r#"{"properties": {"prompt": {"type": "string"}}}"#;
        let options = ImportOptions::default().output(ImportOutput::List);
        let mut models = ["acme/a", "acme/b", "acme/c", "acme/d"].map(|name| {
            cometapi_codegen::import_model(published, &options.clone().model(name)).unwrap()
        });
        change(&mut models);
        let base = base(include_str!("../../../openapi.yaml")).unwrap();
        let failures = failures(&base, &models).into_iter();
        failures.map(|it| (it.models, it.why)).collect()
    }

    #[test]
    fn a_model_that_does_not_generate_is_found_among_others() {
        assert!(failures_of(|_| {}).is_empty());
        let failures = failures_of(|models| {
            models[2].yaml = models[2].yaml.replace("x-output: list", "x-output: lots");
        });
        let [(models, why)] = &failures[..] else {
            panic!("{failures:?}")
        };
        assert_eq!(models, &["acme/c"]);
        assert!(
            why.contains("model-shape: #/components/schemas/CInput"),
            "{why}"
        );
    }

    #[test]
    fn models_that_only_clash_are_found_together() {
        let failures = failures_of(|models| {
            models[1].yaml = models[1].yaml.replace("acme/b", "acme/a");
        });
        let [(models, why)] = &failures[..] else {
            panic!("{failures:?}")
        };
        assert_eq!(models, &["acme/a", "acme/b"]);
        assert!(why.contains("model-names"), "{why}");
    }
}
