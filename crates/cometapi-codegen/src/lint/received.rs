//! Rules that keep answers open: what the service says tomorrow must still be read.

use serde_json::Value;

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

fn closed_enum(_: &Document<'_>, site: &SchemaSite<'_>, report: &mut Report) {
    let words = site.schema.get("enum").and_then(Value::as_array);
    if words.is_some_and(|words| words.iter().any(|word| !word.is_null())) {
        report.add("one new word would fail the whole answer; write `x-extensible-enum`");
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
    let is_list = match site.text("type") {
        Some("array") => true,
        Some("object") => !site.schema.contains_key("properties"),
        _ => false,
    };
    let nullable = site.schema.get("nullable") == Some(&Value::Bool(true));
    if is_list && !nullable && site.is_property() {
        report.add(
            "a null instead of the list or map would fail the whole answer; write \
             `nullable: true`",
        );
    }
}
