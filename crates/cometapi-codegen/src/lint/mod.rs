//! House rules: what the generator panics on, turns into code that fails on real answers, or
//! ignores without a word.
//!
//! A rule is a row of a table: an id, and a function that looks at the document, an operation
//! or a schema. All
//! findings are reported together. Rules that check examples and the document's form against
//! the official schema would be further tables.

mod document;
mod models;
mod operations;
mod received;
mod responses;
mod rule;
mod schemas;

use serde_json::Value;

use self::rule::Rule;
use crate::document::Document;
use crate::error::Error;
use crate::target::Target;

const RULES: &[&[Rule]] = &[
    document::RULES,
    operations::RULES,
    responses::RULES,
    schemas::RULES,
    received::RULES,
    models::RULES,
];

/// The ids of all rules, in the order in which they are checked.
pub fn rules() -> impl Iterator<Item = &'static str> {
    RULES.iter().copied().flatten().map(|rule| rule.id)
}

pub(crate) fn lint(spec: &Value, target: &Target) -> Result<(), Error> {
    let document = Document::new(spec, target);
    let mut findings = Vec::new();
    for rule in RULES.iter().copied().flatten() {
        rule.run(&document, &mut findings);
    }
    if findings.is_empty() {
        Ok(())
    } else {
        Err(Error::Lint { findings })
    }
}
