//! What the spec says of the known models against a table that was transcribed without it.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::oracle::members;
use crate::report::Report;
use crate::workspace::Workspace;

const TABLE: &str = "crates/contract/data/models.yaml";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    model: String,
    output: String,
    fields: Vec<Value>,
    /// What only the gateway's pages show.
    #[serde(default)]
    extras: Vec<Value>,
}

pub(super) fn run(workspace: &Workspace, report: &mut Report) -> anyhow::Result<()> {
    let spec = workspace.spec()?;
    let rows: Vec<Row> = workspace.data(TABLE)?;
    let inputs: BTreeMap<&str, (&String, &Value)> = members(spec.pointer("/components/schemas"))
        .filter_map(|(name, schema)| Some((schema.get("x-model")?.as_str()?, (name, schema))))
        .collect();
    for model in inputs.keys() {
        if !rows.iter().any(|row| row.model == *model) {
            report.fail(
                *model,
                "model-unknown-there",
                format!("give it a row in {TABLE}"),
            );
        }
    }
    for row in &rows {
        match inputs.get(row.model.as_str()) {
            Some((name, schema)) => compare(row, name, schema, report),
            None => report.fail(
                &row.model,
                "model-gone",
                format!("{TABLE} has it; bring its component back, or drop the row"),
            ),
        }
    }
    Ok(())
}

fn compare(row: &Row, name: &str, schema: &Value, report: &mut Report) {
    let place = format!("#/components/schemas/{name}");
    if schema["x-output"] == row.output.as_str() {
        report.pass("models");
    } else {
        report.fail(
            &place,
            "model-output",
            format!(
                "it answers {} and {TABLE} has {}",
                schema["x-output"], row.output
            ),
        );
    }
    let by_name = |rows: &'_ [Value]| {
        rows.iter()
            .filter_map(|row| Some((row["name"].as_str()?.to_owned(), row.clone())))
            .collect::<BTreeMap<_, _>>()
    };
    let (wanted, extras) = (by_name(&row.fields), by_name(&row.extras));
    for (field, property) in members(schema.get("properties")) {
        let place = format!("{place}/properties/{field}");
        let gateway_only = property["x-gateway-only"] == true;
        let (rows, what) = if gateway_only {
            (&extras, "gateway fields")
        } else {
            (&wanted, "model fields")
        };
        let ours = described(field, property, schema);
        match rows.get(field) {
            Some(theirs) if ours == *theirs => report.pass(what),
            Some(theirs) => report.fail(
                place,
                "model-field",
                format!("the spec has {ours} and {TABLE} has {theirs}; one of them is wrong"),
            ),
            None if wanted.contains_key(field) || extras.contains_key(field) => report.fail(
                place,
                "model-extra",
                format!("spec and {TABLE} differ on whether only the gateway shows it"),
            ),
            None => report.fail(
                place,
                "field-unknown-there",
                format!("{TABLE} has no row for it"),
            ),
        }
    }
    order(row, &place, schema, report);
    for field in wanted.keys().chain(extras.keys()) {
        if schema["properties"].get(field).is_some() {
            continue;
        }
        report.fail(
            format!("{place}/properties/{field}"),
            "field-gone",
            format!("{TABLE} has it; bring it back, or drop the row"),
        );
    }
}

/// The fields that spec and table share stand in the same order.
fn order(row: &Row, place: &str, schema: &Value, report: &mut Report) {
    let properties = &schema["properties"];
    let name = |row: &Value| row["name"].as_str().unwrap_or_default().to_owned();
    let mut theirs: Vec<_> = row.fields.iter().chain(&row.extras).map(name).collect();
    theirs.retain(|field| properties.get(field).is_some());
    let mut ours = theirs.clone();
    ours.sort_by_key(|field| properties[field]["x-order"].as_u64());
    if ours == theirs {
        report.pass("orders of fields");
    } else {
        report.fail(
            place,
            "model-order",
            format!("`x-order` gives {ours:?} and {TABLE} has {theirs:?}; one of them is wrong"),
        );
    }
}

/// A property in the words of the table.
fn described(name: &str, property: &Value, schema: &Value) -> Value {
    let item = &property["items"];
    let kind = match (property["type"].as_str(), item["type"].as_str()) {
        (Some("string"), _) if property["format"] == "uri" => "image".to_owned(),
        (Some("array"), Some("string")) if item["format"] == "uri" => "images".to_owned(),
        (Some("array"), Some("string")) => "array".to_owned(),
        (Some("array"), _) => format!("array of {item}"),
        (Some(kind), _) => kind.to_owned(),
        (None, _) => "any".to_owned(),
    };
    let mut made = Map::new();
    made.insert("name".into(), name.into());
    made.insert("type".into(), kind.into());
    let required = schema["required"].as_array();
    if required.is_some_and(|names| names.iter().any(|required| required == name)) {
        made.insert("required".into(), json!(true));
    }
    for (word, theirs) in [
        ("nullable", "nullable"),
        ("deprecated", "deprecated"),
        ("enum", "enum"),
        ("minimum", "minimum"),
        ("maximum", "maximum"),
        ("minItems", "min_items"),
        ("maxItems", "max_items"),
        ("x-default", "default"),
        ("x-rounded-to", "multiple_of"),
        ("x-only-with", "only_with"),
        ("x-not-with", "not_with"),
    ] {
        if let Some(value) = property.get(word) {
            made.insert(theirs.into(), value.clone());
        }
    }
    if let Some(types) = property
        .get("x-accepts")
        .or_else(|| property["items"].get("x-accepts"))
    {
        made.insert("accepts".into(), types.clone());
    }
    made.into()
}
