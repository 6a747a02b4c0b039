//! L7: the spec against what others have written of the same service, kept as committed
//! tables of facts with their sources. A difference is explained in the table or it fails.

mod models;
mod provenance;

use serde_json::Value;

use crate::layer::Layer;
use crate::oracle::{Oracle, members};
use crate::reference::{FOLDER, Fact, Reference, Table};
use crate::report::Report;
use crate::workspace::Workspace;

/// See the module.
pub const LAYER: Layer<Workspace> = Layer {
    id: "L7",
    title: "the spec against other references",
    check: run,
};

fn run(workspace: &Workspace) -> anyhow::Result<Report> {
    let mut report = Report::default();
    let oracle = Oracle::new(workspace.spec()?);
    for path in workspace.list(FOLDER)? {
        let reference: Reference = workspace.data(&path)?;
        let file = path.rsplit('/').next().unwrap_or_default();
        if reference.source.trim().is_empty() {
            report.fail(file, "source-missing", "say where the facts are from");
        }
        for (schema, table) in &reference.schemas {
            fields(file, &oracle, schema, table, &mut report);
        }
        for (pointer, mut fact) in reference.facts {
            if let Some(path) = &fact.file {
                fact.is = workspace.data(path)?;
            }
            value(file, &oracle, &pointer, &fact, &mut report);
        }
        report.pass("references");
    }
    models::run(workspace, &mut report)?;
    provenance::run(workspace, &mut report)?;
    Ok(report)
}

fn fields(file: &str, oracle: &Oracle, schema: &str, table: &Table, report: &mut Report) {
    let pointer = format!("/components/schemas/{schema}");
    let Some(ours) = oracle.root.pointer(&pointer) else {
        return report.fail(
            format!("#{pointer}"),
            "component-gone",
            format!("{file} has facts about it; bring it back, or move the facts"),
        );
    };
    let required = |name: &str| {
        ours["required"]
            .as_array()
            .into_iter()
            .flatten()
            .any(|word| word == name)
    };
    for (name, field) in &table.fields {
        let place = format!("#{pointer}/properties/{name}");
        let is = match ours["properties"].get(name) {
            Some(property) => kind(oracle, property),
            None => "absent".to_owned(),
        };
        let wanted = field.ours.as_ref().unwrap_or(&field.is);
        let wanted_required = field.ours_required.unwrap_or(field.required);
        if field.why.is_none() && (field.ours.is_some() || field.ours_required.is_some()) {
            report.fail(
                &place,
                "difference-unexplained",
                format!("say why in {file}"),
            );
        }
        if is != *wanted {
            report.fail(
                &place,
                "reference-type",
                format!(
                    "it is `{is}` and {file} has `{wanted}`; take the change back, or write \
                     `ours` and `why` there"
                ),
            );
        } else if required(name) != wanted_required {
            report.fail(
                &place,
                "reference-required",
                format!(
                    "required is {} and {file} has {wanted_required}; take the change back, or \
                     write `ours_required` and `why` there",
                    required(name)
                ),
            );
        } else {
            report.pass("fields");
        }
    }
    for (name, _) in members(ours.get("properties")) {
        if !table.fields.contains_key(name) && !table.only_ours.contains_key(name) {
            report.fail(
                format!("#{pointer}/properties/{name}"),
                "field-unknown-there",
                format!("{file} does not have it; say under `only_ours` where it is from"),
            );
        }
    }
    for name in table.only_ours.keys() {
        if ours["properties"].get(name).is_none() {
            report.fail(
                format!("#{pointer}/properties/{name}"),
                "field-gone",
                format!("{file} explains why we have it; bring it back, or drop the row"),
            );
        }
    }
}

fn value(file: &str, oracle: &Oracle, pointer: &str, fact: &Fact, report: &mut Report) {
    let ours = oracle.root.pointer(pointer).cloned().unwrap_or(Value::Null);
    let ours = match &ours {
        Value::Object(object) if fact.names => {
            let mut names: Vec<_> = object.keys().cloned().collect();
            names.sort_unstable();
            Value::from(names)
        }
        _ => ours,
    };
    let wanted = fact.ours.as_ref().unwrap_or(&fact.is);
    if fact.ours.is_some() && fact.why.is_none() {
        report.fail(
            format!("#{pointer}"),
            "difference-unexplained",
            format!("say why in {file}"),
        );
    }
    if ours == *wanted {
        report.pass("facts");
    } else {
        report.fail(
            format!("#{pointer}"),
            "reference-fact",
            format!(
                "it is {ours} and {file} has {wanted}; take the change back, or write `ours` and \
                 `why` there"
            ),
        );
    }
}

/// A type in a few words, the same for 3.0 and 3.1 documents.
pub fn kind(oracle: &Oracle, schema: &Value) -> String {
    let schema = oracle.resolve(schema);
    let mut null = schema.get("nullable") == Some(&Value::Bool(true));
    let mut names: Vec<&str> = match schema.get("type") {
        Some(Value::String(name)) => vec![name],
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    null |= names.contains(&"null");
    names.retain(|name| *name != "null");
    for variant in ["anyOf", "oneOf"]
        .iter()
        .filter_map(|union| schema.get(union)?.as_array())
        .flatten()
    {
        let of_null = variant["type"] == "null" || variant["enum"] == serde_json::json!([null]);
        null |= of_null;
        let variant = oracle.resolve(variant);
        if let Some(name) = variant["type"].as_str().filter(|_| !of_null)
            && !names.contains(&name)
        {
            names.push(name);
        }
    }
    let name = match names[..] {
        [] => return "any".to_owned(),
        ["array"] => match schema.get("items") {
            Some(items) => format!("array of {}", kind(oracle, items)),
            None => "array".to_owned(),
        },
        _ => names.join(" or "),
    };
    if null {
        format!("{name} or null")
    } else {
        name
    }
}
