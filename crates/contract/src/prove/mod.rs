//! The proof that the layers can fail: every mutation of the committed list must turn its
//! layer red, with a finding that says what it should. Faults in code that no layer runs must
//! be noticed by a test.

pub(crate) mod drawn;
mod mutation;
mod scratch;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::time::Instant;

use anyhow::{Context, bail};
use serde_json::Value;

use self::mutation::{LIST, Mutation};
use self::scratch::Scratch;
use crate::layers::l8_live::Live;
use crate::layers::{Options, find};
use contract_spec::report::Report;

/// What came of one mutation.
enum Fate {
    Killed,
    Survived(String),
    Skipped(String),
}

pub(crate) fn run(
    options: &Options,
    only: Option<&str>,
    out: &mut dyn Write,
) -> anyhow::Result<bool> {
    let mut list: Vec<Mutation> = options.workspace.data(LIST)?;
    list.retain(|mutation| only.is_none_or(|part| mutation.name.contains(part)));
    if list.is_empty() {
        bail!("there is no such mutation in {LIST}");
    }
    let records = tempfile::tempdir().context("no temporary folder can be made")?;
    let mut options = options.clone();
    // The live layer is proved against the mock.
    options.live = Some(Live::rehearsal(records.path()));

    clean(&options, &list)?;
    let scratch = clean_scratch(&options, &list)?;
    let mut counts: BTreeMap<String, [usize; 3]> = BTreeMap::new();
    for mutation in &list {
        let began = Instant::now();
        let fate = match &scratch {
            Some(scratch) if mutation.is_compiled() => in_scratch(scratch, mutation),
            _ => in_process(&options, mutation),
        };
        let fate = fate.unwrap_or_else(|error| Fate::Survived(format!("{error:#}")));
        let millis = began.elapsed().as_millis();
        let count = counts.entry(mutation.layer.clone()).or_default();
        let (layer, name) = (&mutation.layer, &mutation.name);
        match fate {
            Fate::Killed => {
                count[0] += 1;
                writeln!(out, "{layer} killed   {name} ({millis} ms)")?;
            }
            Fate::Survived(why) => {
                count[1] += 1;
                writeln!(out, "{layer} SURVIVED {name} ({millis} ms): {why}")?;
            }
            Fate::Skipped(why) => {
                count[2] += 1;
                writeln!(out, "{layer} skipped  {name}: {why}")?;
            }
        }
        out.flush()?;
    }
    for (layer, [killed, survived, skipped]) in &counts {
        writeln!(
            out,
            "{layer}: {killed} killed, {survived} survived, {skipped} skipped"
        )?;
    }
    let total = |index: usize| counts.values().map(|count| count[index]).sum::<usize>();
    let skipped = total(2);
    if skipped > 0 {
        writeln!(out, "{skipped} skipped: not proved")?;
    }
    writeln!(out, "{} passed, {} failed", total(0), total(1))?;
    Ok(total(1) == 0)
}

/// A layer that is red to begin with proves nothing by being red.
fn clean(options: &Options, list: &[Mutation]) -> anyhow::Result<()> {
    for layer in crate::layers::LAYERS {
        let wanted = list.iter().any(|mutation| mutation.layer == layer.id);
        if wanted && !layer.run(options).report.is_good() {
            bail!("{} is red without any mutation; fix that first", layer.id);
        }
    }
    Ok(())
}

/// The copy for faults in source, if there are any: it builds, and the tests pass in it.
fn clean_scratch(options: &Options, list: &[Mutation]) -> anyhow::Result<Option<Scratch>> {
    let mut compiled = list.iter().filter(|mutation| mutation.is_compiled());
    if compiled.clone().next().is_none() {
        return Ok(None);
    }
    let scratch = Scratch::of(options.workspace.root())?;
    if compiled.any(|mutation| mutation.test.is_none()) {
        scratch
            .build()
            .context("the copy does not build without any mutation")?;
    }
    let tests: BTreeSet<_> = list
        .iter()
        .filter_map(|mutation| Some((mutation.test.as_ref()?, &mutation.says)))
        .collect();
    for (test, name) in tests {
        if !scratch.passes(test, name)? {
            bail!("{name} fails without any mutation; fix that first");
        }
    }
    Ok(Some(scratch))
}

fn in_process(options: &Options, mutation: &Mutation) -> anyhow::Result<Fate> {
    let layer =
        find(&mutation.layer).with_context(|| format!("there is no layer {}", mutation.layer))?;
    let report = layer.run(&mutation.options(options)?).report;
    Ok(fate(&report, mutation))
}

fn fate(report: &Report, mutation: &Mutation) -> Fate {
    if let Some(why) = &report.skipped {
        return Fate::Skipped(why.clone());
    }
    let said: Vec<_> = report.findings.iter().map(ToString::to_string).collect();
    fate_of(&said, mutation)
}

fn fate_of(said: &[String], mutation: &Mutation) -> Fate {
    if said.iter().any(|one| one.contains(&mutation.says)) {
        return Fate::Killed;
    }
    Fate::Survived(match said.first() {
        None => "the layer stayed green".to_owned(),
        Some(first) => format!("no finding says {:?}; the first: {first}", mutation.says),
    })
}

fn in_scratch(scratch: &Scratch, mutation: &Mutation) -> anyhow::Result<Fate> {
    if let Some(test) = &mutation.test {
        let name = &mutation.says;
        let passes = scratch.with(mutation, || scratch.passes(test, name))?;
        return Ok(if passes {
            Fate::Survived(format!("{name} passes"))
        } else {
            Fate::Killed
        });
    }
    let report = scratch.with(mutation, || {
        scratch.build()?;
        scratch.report(&mutation.layer)
    })?;
    let said: Vec<_> = report["findings"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|one| {
            let text = |key: &str| one[key].as_str().unwrap_or_default();
            format!("{}: {}: {}", text("place"), text("rule"), text("message"))
        })
        .collect();
    if report["findings"] == Value::Null {
        bail!("the report has no findings in it: {report}");
    }
    Ok(fate_of(&said, mutation))
}

#[cfg(test)]
mod tests {
    use super::mutation::TEST;
    use super::*;
    use crate::layers::LAYERS;
    use contract_spec::workspace::Workspace;

    fn list() -> Vec<Mutation> {
        Workspace::own().data(LIST).unwrap()
    }

    #[test]
    fn every_layer_has_three_and_no_two_are_the_same() {
        let list = list();
        assert!(list.len() >= 40, "{}", list.len());
        for layer in LAYERS {
            let of_layer = list.iter().filter(|one| one.layer == layer.id);
            assert!(of_layer.count() >= 3, "{}", layer.id);
        }
        for mutation in &list {
            let is_by_test = mutation.layer == TEST;
            assert_eq!(is_by_test, mutation.test.is_some(), "{}", mutation.name);
            assert!(!is_by_test || mutation.is_compiled(), "{}", mutation.name);
        }
        let names: BTreeSet<_> = list.iter().map(|one| (&one.layer, &one.name)).collect();
        assert_eq!(names.len(), list.len());
    }

    /// What changes nothing, or more than it means to, proves nothing.
    #[test]
    fn every_mutation_finds_the_one_place_that_it_changes() {
        let options = Options::new(Workspace::own());
        for mutation in list() {
            let name = &mutation.name;
            if let Err(error) = mutation.options(&options) {
                panic!("{name}: {error:#}");
            }
            for edit in &mutation.source {
                if let Err(error) = edit.apply(options.workspace.read(&edit.path)) {
                    panic!("{name}: {error:#}");
                }
            }
        }
    }

    #[test]
    fn a_layer_that_stays_green_is_a_survivor() {
        let mutation = list().remove(0);
        assert!(matches!(fate_of(&[], &mutation), Fate::Survived(_)));
        let other = ["#/a: another-rule: fix it".to_owned()];
        assert!(matches!(fate_of(&other, &mutation), Fate::Survived(_)));
        let skipped = Report::skipped("no tool");
        assert!(matches!(fate(&skipped, &mutation), Fate::Skipped(_)));
    }
}
