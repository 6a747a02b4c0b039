//! Which differences the tables of references explain.

use serde_json::Value;

use super::difference::Difference;
pub(super) use crate::reference::FOLDER;
use crate::reference::{Explanation, Field, Reference};
use crate::workspace::Workspace;

/// The tables of the source whose document is compared.
pub(super) struct Explained(Vec<Reference>);

impl Explained {
    /// The tables of the document at `server`. Nothing explains a copy of our own document.
    pub(super) fn read(workspace: &Workspace, server: &str, is_own: bool) -> anyhow::Result<Self> {
        let mut tables = Vec::new();
        if !is_own {
            for path in workspace.list(FOLDER)? {
                let table: Reference = workspace.data(&path)?;
                if table.server.as_deref() == Some(server) {
                    tables.push(table);
                }
            }
        }
        Ok(Self(tables))
    }

    /// Why the documents differ there.
    pub(super) fn reason(&self, difference: &Difference) -> Option<&str> {
        self.0.iter().find_map(|table| reason(table, difference))
    }
}

fn reason<'t>(table: &'t Reference, difference: &Difference) -> Option<&'t str> {
    let listed = table
        .document
        .iter()
        .find(|one| explains(one, difference))
        .map(|one| one.why.as_str());
    listed.or_else(|| {
        let (component, field) = difference.place.field()?;
        let rows = table.schemas.get(component)?;
        match rows.fields.get(field) {
            Some(row) if is_said_by(row, difference) => Some(row.why.as_deref().unwrap_or("")),
            Some(_) => None,
            None if difference.theirs.is_none() => rows.only_ours.get(field).map(String::as_str),
            None => None,
        }
    })
}

fn explains(explanation: &Explanation, difference: &Difference) -> bool {
    let is_there = |at: &String| difference.place.is_within(at);
    let is_aspect = |aspect: &String| *aspect == difference.aspect;
    let theirs = difference
        .theirs
        .as_deref()
        .map_or(Value::Null, Value::from);
    explanation.at.iter().any(is_there)
        && explanation.aspect.as_ref().is_none_or(is_aspect)
        && explanation
            .there
            .as_ref()
            .is_none_or(|there| *there == theirs)
}

/// Whether the row of a table has what the document says now.
fn is_said_by(row: &Field, difference: &Difference) -> bool {
    let theirs = difference.theirs.as_deref();
    let items = row.is.strip_prefix("array of ").map(|items| {
        let plain = items.strip_suffix(" or null");
        (plain.unwrap_or(items), plain.is_some())
    });
    let is = match items {
        Some((_, true)) => "array or null",
        Some((_, false)) => "array",
        None => row.is.as_str(),
    };
    match difference.aspect.as_str() {
        "presence" => theirs == Some(if row.required { "required" } else { "optional" }),
        _ if difference.place.is_item() => {
            matches!(difference.aspect.as_str(), "type" | "schema")
                && theirs == items.map(|(items, _)| items)
        }
        "type" | "schema" => theirs == Some(is),
        _ => false,
    }
}
