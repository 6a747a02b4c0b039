//! `cargo xtask upstream FILE`: a newer `OpenAPI` document of the service, or of its
//! provider, against ours: what is only there, only here, or said otherwise.
//!
//! Paths are compared without their server and without the names of their parameters, so
//! that `{models}` and `{model_owner}/{model_name}` meet.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write;
use std::path::Path;

use anyhow::{Context, bail};
use serde_json::Value;

use crate::layers::l7_references::kind;
use crate::oracle::{Oracle, members};
use crate::workspace::Workspace;

/// What a document says of one operation, or of itself, by what it is about.
type Facts = BTreeMap<String, String>;

/// Prints the differences. That there are some is no failure: they are what was asked for.
pub(crate) fn run(workspace: &Workspace, path: &Path, out: &mut dyn Write) -> anyhow::Result<bool> {
    let text =
        fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))?;
    let theirs = parsed(&text).with_context(|| format!("{} is neither", path.display()))?;
    let version = theirs
        .get("openapi")
        .and_then(Value::as_str)
        .unwrap_or_default();
    if !version.starts_with("3.0") && !version.starts_with("3.1") {
        bail!("it says openapi {version:?}; only 3.0 and 3.1 are understood");
    }
    let ours = described(&Oracle::new(workspace.spec()?));
    let theirs = described(&Oracle::new(theirs));
    let differences = compared(&ours, &theirs, out)?;
    writeln!(
        out,
        "{differences} differences; what is taken over goes into openapi.yaml, and the \
                   source's table in crates/contract/data/references"
    )?;
    Ok(true)
}

fn parsed(text: &str) -> anyhow::Result<Value> {
    if text.trim_start().starts_with('{') {
        return serde_json::from_str(text).context("JSON");
    }
    cometapi_codegen::read(text).context("YAML")
}

fn described(oracle: &Oracle) -> BTreeMap<String, Facts> {
    let mut all = BTreeMap::new();
    all.insert("the document".to_owned(), document(oracle));
    for (path, item) in members(oracle.root.get("paths")) {
        for (method, operation) in members(Some(item)) {
            if ["get", "post", "put", "patch", "delete"].contains(&method.as_str()) {
                let key = format!("{} {}", method.to_uppercase(), plain_path(path));
                all.insert(key, operation_facts(oracle, operation));
            }
        }
    }
    all
}

fn document(oracle: &Oracle) -> Facts {
    let mut facts = Facts::new();
    for (name, scheme) in members(oracle.root.pointer("/components/securitySchemes")) {
        let words = ["type", "scheme", "in", "name"].map(|key| scheme[key].as_str().unwrap_or("-"));
        facts.insert(format!("security scheme {name}"), words.join(" "));
    }
    for server in oracle.root["servers"].as_array().into_iter().flatten() {
        let url = server["url"].as_str().unwrap_or_default();
        facts.insert(format!("server {url}"), "there".to_owned());
    }
    facts
}

/// What follows the last `/v1`, its parameters without names and in one piece.
fn plain_path(path: &str) -> String {
    let below = path.rsplit_once("/v1/").map_or(path, |(_, below)| below);
    let mut parts: Vec<&str> = Vec::new();
    for part in below.trim_matches('/').split('/') {
        let part = if part.starts_with('{') { "{}" } else { part };
        if part != "{}" || parts.last() != Some(&"{}") {
            parts.push(part);
        }
    }
    format!("/{}", parts.join("/"))
}

fn operation_facts(oracle: &Oracle, operation: &Value) -> Facts {
    let mut facts = Facts::new();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    facts.insert("operationId".to_owned(), text(&operation["operationId"]));
    for parameter in operation["parameters"].as_array().into_iter().flatten() {
        let parameter = oracle.resolve(parameter);
        if parameter["in"] != "path" {
            let what = format!(
                "{} parameter {}",
                text(&parameter["in"]),
                text(&parameter["name"])
            );
            facts.insert(
                what,
                field(oracle, &parameter["schema"], parameter["required"] == true),
            );
        }
    }
    let body = oracle.resolve(&operation["requestBody"]);
    content(oracle, "request", body, &mut facts);
    for (status, answer) in members(operation.get("responses")) {
        let what = format!("answer {status}");
        facts.insert(what.clone(), "there".to_owned());
        content(oracle, &what, oracle.resolve(answer), &mut facts);
    }
    facts
}

fn content(oracle: &Oracle, what: &str, holder: &Value, facts: &mut Facts) {
    for (media, content) in members(holder.get("content")) {
        facts.insert(format!("{what} {media}"), "there".to_owned());
        let mut fields = Facts::new();
        object(oracle, &content["schema"], &mut fields, 0);
        facts.extend(
            fields
                .into_iter()
                .map(|(name, is)| (format!("{what} field {name}"), is)),
        );
    }
}

/// The fields of an object, of the first of several that has some.
fn object(oracle: &Oracle, schema: &Value, fields: &mut Facts, depth: u8) {
    let schema = oracle.resolve(schema);
    // Deeper than any answer of this service is wrapped.
    if depth > 4 {
        return;
    }
    for part in schema["allOf"].as_array().into_iter().flatten() {
        object(oracle, part, fields, depth + 1);
    }
    for union in ["anyOf", "oneOf"] {
        for variant in schema[union].as_array().into_iter().flatten() {
            if fields.is_empty() {
                object(oracle, variant, fields, depth + 1);
            }
        }
    }
    let required: BTreeSet<_> = schema["required"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    for (name, property) in members(schema.get("properties")) {
        fields.insert(
            name.clone(),
            field(oracle, property, required.contains(name.as_str())),
        );
    }
}

fn field(oracle: &Oracle, schema: &Value, required: bool) -> String {
    let resolved = oracle.resolve(schema);
    let mut is = kind(oracle, schema);
    for words in ["enum", "x-extensible-enum"] {
        if let Some(list) = resolved.get(words).and_then(Value::as_array) {
            let list: Vec<_> = list.iter().map(ToString::to_string).collect();
            is = format!("{is} of {}", list.join(" "));
        }
    }
    if required {
        format!("{is}, required")
    } else {
        is
    }
}

fn compared(
    ours: &BTreeMap<String, Facts>,
    theirs: &BTreeMap<String, Facts>,
    out: &mut dyn Write,
) -> anyhow::Result<usize> {
    let mut differences = 0;
    for (what, their_facts) in theirs {
        let Some(our_facts) = ours.get(what) else {
            differences += 1;
            writeln!(out, "{what}: only there")?;
            continue;
        };
        let names: BTreeSet<_> = our_facts.keys().chain(their_facts.keys()).collect();
        for name in names {
            let (our, their) = (our_facts.get(name), their_facts.get(name));
            let said = match (our, their) {
                (Some(our), Some(their)) if our == their => continue,
                (Some(our), Some(their)) => format!("`{our}` here, `{their}` there"),
                (Some(our), None) => format!("only here: `{our}`"),
                (None, their) => format!("only there: `{}`", their.map_or("", String::as_str)),
            };
            differences += 1;
            writeln!(out, "{what}: {name}: {said}")?;
        }
    }
    for what in ours.keys().filter(|what| !theirs.contains_key(*what)) {
        differences += 1;
        writeln!(out, "{what}: only here")?;
    }
    Ok(differences)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn printed(theirs: &Value) -> String {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("their.json");
        fs::write(&path, theirs.to_string()).unwrap();
        let mut out = Vec::new();
        run(&Workspace::own(), &path, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn our_own_document_differs_in_nothing() {
        let said = printed(&Workspace::own().spec().unwrap());
        assert!(said.starts_with("0 differences; "), "{said}");
    }

    #[test]
    fn a_3_1_document_with_one_parameter_for_the_model_meets_ours() {
        let said = printed(&json!({
            "openapi": "3.1.0",
            "servers": [{"url": "https://api.cometapi.com"}],
            "paths": {
                "/replicate/v1/models/{models}/predictions": {"post": {
                    "operationId": "create_predictions_general",
                    "responses": {"200": {"description": "", "content": {"application/json": {"schema": {
                        "type": "object",
                        "required": ["id"],
                        "properties": {
                            "id": {"type": "string"},
                            "logs": {"type": ["string", "null"]},
                            "cost": {"type": "number"},
                        },
                    }}}}},
                }},
                "/replicate/v1/predictions/{id}/cancel": {"post": {"responses": {}}},
            },
        }));
        let create = "POST /models/{}/predictions";
        for line in [
            &format!("{create}: answer 200 field cost: only there: `number`\n"),
            &format!("{create}: answer 201: only here: `there`\n"),
            &format!(
                "{create}: operationId: `create_prediction` here, `create_predictions_general` there\n"
            ),
            "POST /predictions/{}/cancel: only there\n",
            "GET /predictions/{}: only here\n",
        ] {
            assert!(said.contains(line), "{line} in {said}");
        }
        for same in ["field id", "field logs"] {
            assert!(
                !said.contains(&format!("{create}: answer 200 {same}")),
                "{said}"
            );
        }
    }
}
