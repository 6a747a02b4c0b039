//! How sure the spec says it is, against a committed table: a word that is dropped from a
//! description leaves a claim without its source, which nothing else notices.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::oracle::{escape, members};
use crate::report::Report;
use crate::workspace::Workspace;

const TABLE: &str = "crates/contract/data/provenance.yaml";

const WORDS: [&str; 3] = ["documented", "observed", "inferred"];

pub(super) fn run(workspace: &Workspace, report: &mut Report) -> anyhow::Result<()> {
    let wanted: BTreeMap<String, Vec<String>> = workspace.data(TABLE)?;
    let mut found = BTreeMap::new();
    walk(&workspace.spec()?, "", &mut found);
    for (pointer, words) in &wanted {
        match found.get(pointer) {
            Some(is) if is == words => report.pass("sources"),
            is => report.fail(
                format!("#{pointer}"),
                "provenance",
                format!(
                    "it says {} and {TABLE} has {}; take the change back, or correct the table",
                    listed(is.map_or(&[], Vec::as_slice)),
                    listed(words)
                ),
            ),
        }
    }
    for (pointer, words) in found.iter().filter(|(at, _)| !wanted.contains_key(*at)) {
        report.fail(
            format!("#{pointer}"),
            "provenance",
            format!(
                "it says {} and {TABLE} has no row for it; add one",
                listed(words)
            ),
        );
    }
    Ok(())
}

fn listed(words: &[String]) -> String {
    if words.is_empty() {
        return "nothing".to_owned();
    }
    words.join(", ")
}

fn walk(value: &Value, pointer: &str, found: &mut BTreeMap<String, Vec<String>>) {
    for (index, item) in value.as_array().into_iter().flatten().enumerate() {
        walk(item, &format!("{pointer}/{index}"), found);
    }
    for (key, child) in members(Some(value)) {
        let at = format!("{pointer}/{}", escape(key));
        match child {
            Value::String(text) if key == "description" => {
                let words: Vec<_> = words(text).collect();
                if !words.is_empty() {
                    found.insert(at, words);
                }
            }
            _ => walk(child, &at, found),
        }
    }
}

fn words(text: &str) -> impl Iterator<Item = String> {
    text.split(|letter: char| !letter.is_ascii_alphabetic())
        .map(str::to_ascii_lowercase)
        .filter(|word| WORDS.contains(&word.as_str()))
}
