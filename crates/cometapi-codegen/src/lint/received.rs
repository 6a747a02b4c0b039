//! Rules that keep answers open: what the service says tomorrow must still be read.

use serde_json::{Map, Value};

use super::rule::{Report, Rule};
use crate::document::{Document, SchemaSite};

pub(super) const RULES: &[Rule] = &[
    Rule::received("received-closed-object", closed_object),
    Rule::received("received-unknown-fields", unknown_fields),
    Rule::received("received-strict-format", strict_format),
    Rule::received("received-closed-enum", closed_enum),
    Rule::received("received-constraint", constraint),
    Rule::received("received-number-format", number_format),
    Rule::received("received-null-list", null_list),
    Rule::received("received-nullable", nullable),
];

fn closed_object(_: &Document<'_>, site: &SchemaSite<'_>, report: &mut Report) {
    if site.schema.get("additionalProperties") == Some(&Value::Bool(false)) {
        report.add("one new field would fail the whole answer; write `additionalProperties: {}`");
    }
}

fn unknown_fields(_: &Document<'_>, site: &SchemaSite<'_>, report: &mut Report) {
    // `false` is worse, and another rule's.
    let open = matches!(
        site.schema.get("additionalProperties"),
        Some(Value::Object(_) | Value::Bool(false))
    );
    if site.schema.contains_key("properties") && !open {
        report.add(
            "fields not named here would be lost; write `additionalProperties: {}`, which \
             keeps them",
        );
    }
}

fn strict_format(_: &Document<'_>, site: &SchemaSite<'_>, report: &mut Report) {
    if let Some(
        format @ ("date" | "date-time" | "ip" | "ipv4" | "ipv6" | "partial-date-time" | "time"
        | "uuid"),
    ) = site.text("format")
    {
        report.add(format!(
            "one odd value of format `{format}` would fail the whole answer; drop the \
                 format and say it in the `description`"
        ));
    }
}

/// An enum of one value that distinguishes a shape from others is closed on purpose: without it,
/// other generators read one shape as another. The generated code is open there, too.
fn closed_enum(document: &Document<'_>, site: &SchemaSite<'_>, report: &mut Report) {
    let words = site.schema.get("enum").and_then(Value::as_array);
    let closed = words.is_some_and(|words| words.iter().any(|word| !word.is_null()));
    if closed && !document.is_shape_marker(site) {
        report.add(
            "one new word would fail the whole answer; write `x-extensible-enum`; only a required \
             field that tells a variant of a choice from the others may have an `enum`, of one \
             value",
        );
    }
}

fn constraint(_: &Document<'_>, site: &SchemaSite<'_>, report: &mut Report) {
    for key in ["maxLength", "minLength", "pattern"] {
        if site.schema.contains_key(key) {
            report.add(format!(
                "one value outside `{key}` would fail the whole answer; say it in the \
                     `description`"
            ));
        }
    }
}

fn number_format(_: &Document<'_>, site: &SchemaSite<'_>, report: &mut Report) {
    let wanted = match site.text("type") {
        Some("integer") => "int64",
        Some("number") => "double",
        _ => return,
    };
    if site.text("format") != Some(wanted) {
        report.add(format!(
            "a number that does not fit would fail the whole response; write `format: {wanted}`"
        ));
    }
}

fn null_list(_: &Document<'_>, site: &SchemaSite<'_>, report: &mut Report) {
    let nullable = site.schema.get("nullable") == Some(&Value::Bool(true));
    if is_list(site) && !nullable && site.is_property() {
        report.add(
            "a null instead of the list or map would fail the whole answer; write \
             `nullable: true`",
        );
    }
}

fn is_list(site: &SchemaSite<'_>) -> bool {
    match site.text("type") {
        Some("array") => true,
        Some("object") => !site.schema.contains_key("properties"),
        _ => false,
    }
}

/// Code that other generators make of the spec fails on the null of a field that may be absent
/// but not null.
fn nullable(document: &Document<'_>, site: &SchemaSite<'_>, report: &mut Report) {
    let Some((owner, field)) = site.field_of_component() else {
        return;
    };
    // A list is the rule's above.
    if !document.requires(owner, field) && !is_list(site) && !allows_null(document, site.schema) {
        report.add(
            "other generators' code would fail on a null here; write `nullable: true`, or `anyOf` \
             with the reference and `enum: [null]`",
        );
    }
}

fn allows_null(document: &Document<'_>, schema: &Map<String, Value>) -> bool {
    if schema.get("nullable") == Some(&Value::Bool(true)) {
        return true;
    }
    if let Some(words) = schema.get("enum").and_then(Value::as_array) {
        return words.contains(&Value::Null);
    }
    let resolved = |value| document.resolve(value).and_then(Value::as_object);
    let variants = |key| schema.get(key).and_then(Value::as_array);
    if let Some(variants) = variants("anyOf").or_else(|| variants("oneOf")) {
        return variants
            .iter()
            .filter_map(resolved)
            .any(|variant| allows_null(document, variant));
    }
    if let Some(target) = schema.get("$ref").and_then(Value::as_str) {
        return document
            .root
            .pointer(target.trim_start_matches('#'))
            .and_then(resolved)
            .is_some_and(|schema| allows_null(document, schema));
    }
    // Without a type, it is any JSON.
    !schema.contains_key("type") && !schema.contains_key("allOf")
}
