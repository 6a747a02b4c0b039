//! Rules that keep answers open: what the service says tomorrow must still be read.

use serde_json::Value;

use super::rule::{Report, Rule};
use crate::document::{Document, SchemaSite};
use crate::replaced::is_replaced;

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "received-closed-object",
        check: closed_object,
    },
    Rule {
        id: "received-unknown-fields",
        check: unknown_fields,
    },
    Rule {
        id: "received-strict-format",
        check: strict_format,
    },
    Rule {
        id: "received-closed-enum",
        check: closed_enum,
    },
    Rule {
        id: "received-constraint",
        check: constraint,
    },
    Rule {
        id: "received-number-format",
        check: number_format,
    },
    Rule {
        id: "received-null-list",
        check: null_list,
    },
];

fn closed_object(document: &Document<'_>, report: &mut Report) {
    for site in received(document) {
        if site.schema.get("additionalProperties") == Some(&Value::Bool(false)) {
            report.add(
                &site.pointer,
                "one new field would fail the whole answer; write `additionalProperties: {}`",
            );
        }
    }
}

fn unknown_fields(document: &Document<'_>, report: &mut Report) {
    for site in received(document) {
        // `false` is worse, and another rule's.
        let open = matches!(
            site.schema.get("additionalProperties"),
            Some(Value::Object(_) | Value::Bool(false))
        );
        if site.schema.contains_key("properties") && !open {
            report.add(
                &site.pointer,
                "fields not named here would be lost; write `additionalProperties: {}`, which \
                 keeps them",
            );
        }
    }
}

fn strict_format(document: &Document<'_>, report: &mut Report) {
    for site in received(document) {
        if let Some(
            format @ ("date" | "date-time" | "ip" | "ipv4" | "ipv6" | "partial-date-time" | "time"
            | "uuid"),
        ) = site.text("format")
        {
            report.add(
                &site.pointer,
                format!(
                    "one odd value of format `{format}` would fail the whole answer; drop the \
                     format and say it in the `description`"
                ),
            );
        }
    }
}

fn closed_enum(document: &Document<'_>, report: &mut Report) {
    for site in received(document) {
        let words = site.schema.get("enum").and_then(Value::as_array);
        if words.is_some_and(|words| words.iter().any(|word| !word.is_null())) {
            report.add(
                &site.pointer,
                "one new word would fail the whole answer; write `x-extensible-enum`",
            );
        }
    }
}

fn constraint(document: &Document<'_>, report: &mut Report) {
    for site in received(document) {
        for key in ["maxLength", "minLength", "pattern"] {
            if site.schema.contains_key(key) {
                report.add(
                    &site.pointer,
                    format!(
                        "one value outside `{key}` would fail the whole answer; say it in the \
                         `description`"
                    ),
                );
            }
        }
    }
}

fn number_format(document: &Document<'_>, report: &mut Report) {
    for site in received(document) {
        let wanted = match site.text("type") {
            Some("integer") => "int64",
            Some("number") => "double",
            _ => continue,
        };
        if site.text("format") != Some(wanted) {
            report.add(
                &site.pointer,
                format!("a number that does not fit would fail the whole response; write `format: {wanted}`"),
            );
        }
    }
}

fn null_list(document: &Document<'_>, report: &mut Report) {
    for site in received(document) {
        let is_list = match site.text("type") {
            Some("array") => true,
            Some("object") => !site.schema.contains_key("properties"),
            _ => false,
        };
        let nullable = site.schema.get("nullable") == Some(&Value::Bool(true));
        if is_list && !nullable && site.is_property() {
            report.add(
                &site.pointer,
                "a null instead of the list or map would fail the whole answer; write \
                 `nullable: true`",
            );
        }
    }
}

/// Schemas that an answer is decoded as by generated code.
fn received<'d, 'a>(document: &'d Document<'a>) -> impl Iterator<Item = &'d SchemaSite<'a>> {
    document
        .schemas
        .iter()
        .filter(|site| site.received && !site.owner().is_some_and(is_replaced))
}
