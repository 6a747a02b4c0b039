//! `cargo xtask upstream FILE`: a newer OpenAPI document of the service, or of its provider,
//! against ours.
//!
//! Both documents are compared as a whole: operations, security, parameters, headers, bodies with
//! all nested fields and all variants, and inputs of known models. What the tables of references
//! explain already is counted, and everything else is printed.

mod difference;
mod document;
mod explained;
mod schema;

use std::fs;
use std::io::Write;
use std::path::Path;

use anyhow::{Context, bail};
use serde_json::Value;

use self::explained::Explained;
use crate::oracle::Oracle;
use crate::workspace::Workspace;

const VERSIONS: [&str; 3] = ["3.0", "3.1", "3.2"];

/// What a comparison gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum News {
    /// The references explain everything in which the documents differ.
    None,
    /// Something is new.
    Some,
}

/// Prints what the references do not explain; with `all`, also what they do.
pub fn run(
    workspace: &Workspace,
    path: &Path,
    all: bool,
    out: &mut dyn Write,
) -> anyhow::Result<News> {
    let read = || format!("{} cannot be read", path.display());
    let text = fs::read_to_string(path).with_context(read)?;
    let theirs = parse(&text).with_context(read)?;
    let version = theirs["openapi"].as_str().unwrap_or_default();
    if !VERSIONS.iter().any(|known| version.starts_with(known)) {
        bail!(
            "it is openapi {version:?}; only {} are understood",
            VERSIONS.join(", ")
        );
    }
    let (ours, theirs) = (Oracle::new(workspace.spec()?), Oracle::new(theirs));
    let is_own = ours.root["info"]["title"] == theirs.root["info"]["title"];
    let explained = Explained::read(workspace, &document::base_url(&theirs), is_own)?;
    let (mut known, mut new) = (0, 0);
    for difference in document::differences(&ours, &theirs) {
        match explained.reason(&difference) {
            None => {
                new += 1;
                writeln!(out, "{difference}")?;
            }
            Some(why) => {
                known += 1;
                if all {
                    writeln!(out, "explained: {difference} ({why})")?;
                }
            }
        }
    }
    writeln!(out, "{new} new, {known} explained in {}", explained::FOLDER)?;
    if new == 0 {
        return Ok(News::None);
    }
    writeln!(
        out,
        "take each over into openapi.yaml, or explain it in the table of its source"
    )?;
    Ok(News::Some)
}

fn parse(text: &str) -> anyhow::Result<Value> {
    if text.trim_start().starts_with('{') {
        return serde_json::from_str(text).context("it is not valid JSON");
    }
    cometapi_codegen::read(text).context("it is not strict YAML")
}

#[cfg(test)]
mod tests;
