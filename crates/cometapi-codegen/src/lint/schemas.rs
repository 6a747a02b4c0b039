//! Rules about any schema, sent or received.

use std::collections::BTreeSet;

use serde_json::Value;

use super::rule::{Report, Rule};
use crate::document::{Document, SchemaSite};

pub(super) const RULES: &[Rule] = &[
    Rule::schema("schema-name", name),
    Rule::schema("schema-keyword", keyword),
    Rule::schema("schema-type", kind),
    Rule::schema("schema-nullable", nullable),
    Rule::schema("schema-required", required),
    Rule::schema("schema-default", default),
    Rule::schema("schema-any-of-scalars", any_of_scalars),
    Rule::schema("schema-inline-object", inline_object),
];

/// What OpenAPI 3.0.3 allows in a schema, less `discriminator` and `not`: the generator
/// ignores the one and panics on most of the other.
const KEYWORDS: &[&str] = &[
    "$ref",
    "additionalProperties",
    "allOf",
    "anyOf",
    "default",
    "deprecated",
    "description",
    "enum",
    "example",
    "exclusiveMaximum",
    "exclusiveMinimum",
    "externalDocs",
    "format",
    "items",
    "maxItems",
    "maxLength",
    "maxProperties",
    "maximum",
    "minItems",
    "minLength",
    "minProperties",
    "minimum",
    "multipleOf",
    "nullable",
    "oneOf",
    "pattern",
    "properties",
    "readOnly",
    "required",
    "title",
    "type",
    "uniqueItems",
    "writeOnly",
    "xml",
];

const TYPES: &[&str] = &["array", "boolean", "integer", "number", "object", "string"];

fn name(_: &Document<'_>, site: &SchemaSite<'_>, report: &mut Report) {
    let Some(name) = site.component() else {
        return;
    };
    let good = name.starts_with(|first: char| first.is_ascii_uppercase())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if !good {
        report.add("the type would have another name than the schema; write it in UpperCamelCase");
    }
}

fn keyword(_: &Document<'_>, site: &SchemaSite<'_>, report: &mut Report) {
    for key in site.schema.keys() {
        if matches!(key.as_str(), "discriminator" | "not") {
            report.add(format!(
                "the generator has no code for `{key}`; say it in the `description`"
            ));
        } else if !KEYWORDS.contains(&key.as_str()) && !key.starts_with("x-") {
            report.add(format!(
                "`{key}` is no keyword and would be ignored; fix its spelling, or begin it \
                     with `x-`"
            ));
        }
    }
}

fn kind(_: &Document<'_>, site: &SchemaSite<'_>, report: &mut Report) {
    match site.schema.get("type") {
        None => {}
        Some(Value::String(kind)) if TYPES.contains(&kind.as_str()) => {}
        Some(Value::Array(_)) => report
            .add("a list of types is OpenAPI 3.1; write one `type`, and `nullable: true` for null"),
        Some(other) => report.add(format!(
            "{other} is no type; write one of `{}`",
            TYPES.join("`, `")
        )),
    }
}

fn nullable(_: &Document<'_>, site: &SchemaSite<'_>, report: &mut Report) {
    if site.schema.contains_key("nullable") && !site.schema.contains_key("type") {
        report.add(
            "`nullable` says nothing without `type`; write one beside it, or `enum: [null]` as \
             one more item of `anyOf`",
        );
    }
}

fn required(_: &Document<'_>, site: &SchemaSite<'_>, report: &mut Report) {
    let Some(properties) = site.schema.get("properties").and_then(Value::as_object) else {
        return;
    };
    let required = site.schema.get("required").and_then(Value::as_array);
    for name in required.into_iter().flatten().filter_map(Value::as_str) {
        if !properties.contains_key(name) {
            report.add(format!(
                "`{name}` is required and not among the properties; describe it there"
            ));
        }
    }
}

fn default(_: &Document<'_>, site: &SchemaSite<'_>, report: &mut Report) {
    if site.schema.contains_key("default") {
        report.add(
            "the generated code would send the default with every request; say it in the \
             `description`",
        );
    }
}

fn any_of_scalars<'a>(document: &Document<'a>, site: &SchemaSite<'a>, report: &mut Report) {
    let variants = site.schema.get("anyOf").and_then(Value::as_array);
    let mut seen = BTreeSet::new();
    let overlap = variants
        .into_iter()
        .flatten()
        .filter_map(|variant| scalar(document.resolve(variant)?))
        .any(|kind| !seen.insert(kind));
    if overlap {
        report.add(
            "two items of `anyOf` are scalars of one type, and the generator makes them a \
             struct that no value fits; write one plain type and list the known words in \
             `x-extensible-enum`",
        );
    }
}

/// The scalar type of a schema; whole numbers are numbers.
fn scalar(schema: &Value) -> Option<&str> {
    match schema.get("type").and_then(Value::as_str) {
        Some("integer" | "number") => Some("number"),
        Some(kind @ ("boolean" | "string")) => Some(kind),
        Some(_) => None,
        None => {
            let first = schema
                .get("enum")?
                .as_array()?
                .iter()
                .find(|v| !v.is_null());
            match first? {
                Value::String(_) => Some("string"),
                Value::Number(_) => Some("number"),
                Value::Bool(_) => Some("boolean"),
                _ => None,
            }
        }
    }
}

fn inline_object(_: &Document<'_>, site: &SchemaSite<'_>, report: &mut Report) {
    if site.schema.contains_key("properties") && site.component().is_none() {
        report.add(
            "the generator would invent a name for this object; make it a component schema and \
             write a `$ref`",
        );
    }
}
