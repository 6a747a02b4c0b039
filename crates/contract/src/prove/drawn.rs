//! The proof by changes that nobody chose: drawn from all small changes of the spec, each must be
//! noticed by another layer than L6, which notices any change until it is acknowledged.
//!
//! The client is not generated anew, so the layers that compare it with the spec, L1 to L3, are no
//! judges: a consistent change would pass them.

use std::io::Write;

use contract_spec::mutants::{Mutant, drawn};
use contract_spec::workspace::Workspace;
use serde::Deserialize;
use serde_json::Value;

use crate::layers::{Options, find};

const ACCEPTED: &str = "crates/contract/data/survivors.yaml";

/// Changes that no layer can judge, and why.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Accepted {
    kind: String,
    /// Parts of the pointer, in this order.
    at: Vec<String>,
    why: String,
}

impl Accepted {
    fn covers(&self, mutant: &Mutant) -> bool {
        let mut rest = mutant.pointer.as_str();
        self.kind == mutant.kind
            && self.at.iter().all(|part| match rest.find(part.as_str()) {
                Some(index) => {
                    rest = &rest[index + part.len()..];
                    true
                }
                None => false,
            })
    }
}

pub(crate) fn run(
    options: &Options,
    count: usize,
    seed: u64,
    out: &mut dyn Write,
) -> anyhow::Result<bool> {
    let accepted: Vec<Accepted> = options.workspace.data(ACCEPTED)?;
    let spec = options.workspace.spec()?;
    let mutants = drawn(&spec, Some((count, seed)));
    let (mut killed, mut explained, mut survived) = (0, 0, 0);
    for mutant in &mutants {
        if let Some(finding) = noticed(options, &options.workspace, mutant, &spec) {
            killed += 1;
            writeln!(out, "killed   {mutant}\n         {finding}")?;
        } else if let Some(entry) = accepted.iter().find(|entry| entry.covers(mutant)) {
            explained += 1;
            writeln!(out, "accepted {mutant}\n         {}", entry.why)?;
        } else {
            survived += 1;
            writeln!(out, "SURVIVED {mutant}")?;
        }
        out.flush()?;
    }
    writeln!(
        out,
        "{killed} killed, {explained} accepted in {ACCEPTED}, {survived} survived"
    )?;
    Ok(survived == 0)
}

/// The first finding of a layer that reads the spec alone, or of L4 with a mock that serves it.
fn noticed(
    options: &Options,
    workspace: &Workspace,
    mutant: &Mutant,
    spec: &Value,
) -> Option<String> {
    mutant.noticed(workspace, spec).or_else(|| {
        let mut changed = options.clone();
        changed.workspace = mutant.workspace(workspace, spec);
        let ran = find("L4")?.run(&changed);
        let first = ran.report.findings.first()?;
        Some(format!("{} {first}", ran.layer))
    })
}
