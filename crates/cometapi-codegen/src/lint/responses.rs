//! Rules about what an operation answers.

use std::collections::BTreeSet;

use serde_json::Value;

use super::rule::{Report, Rule};
use crate::document::{Document, Operation, escape};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "response-default",
        check: default,
    },
    Rule {
        id: "response-status",
        check: status,
    },
    Rule {
        id: "response-code-beside-range",
        check: code_beside_range,
    },
    Rule {
        id: "response-description",
        check: description,
    },
    Rule {
        id: "success-missing",
        check: success_missing,
    },
    Rule {
        id: "success-untyped",
        check: success_untyped,
    },
    Rule {
        id: "success-differs",
        check: success_differs,
    },
    Rule {
        id: "success-empty",
        check: success_empty,
    },
    Rule {
        id: "header-required",
        check: header_required,
    },
];

fn header_required(document: &Document<'_>, report: &mut Report) {
    required_headers(document.root, "#", report);
}

/// Looks for headers wherever they are: in responses and among the components.
fn required_headers(value: &Value, pointer: &str, report: &mut Report) {
    for (index, item) in value.as_array().into_iter().flatten().enumerate() {
        required_headers(item, &format!("{pointer}/{index}"), report);
    }
    for (key, child) in value.as_object().into_iter().flatten() {
        let at = format!("{pointer}/{}", escape(key));
        if pointer.ends_with("/headers") && child.get("required") == Some(&Value::Bool(true)) {
            report.add(
                &at,
                "a response without it would be refused, and a proxy may drop it; leave out \
                 `required`",
            );
        }
        required_headers(child, &at, report);
    }
}

fn default(document: &Document<'_>, report: &mut Report) {
    for operation in &document.operations {
        if operation.responses().any(|(status, _)| status == "default") {
            report.add(
                operation.place(),
                "`default` counts as success and as error alike; write `4XX` and `5XX`",
            );
        }
    }
}

fn status(document: &Document<'_>, report: &mut Report) {
    for operation in &document.operations {
        for (status, _) in operation.responses() {
            if status != "default" && !is_status(status) {
                report.add(
                    operation.place(),
                    format!("`{status}` is no status; write three digits, or a range as `4XX`"),
                );
            }
        }
    }
}

fn is_status(status: &str) -> bool {
    match status.as_bytes() {
        [b'1'..=b'5', b'X', b'X'] => true,
        [b'1'..=b'5', rest @ ..] => rest.len() == 2 && rest.iter().all(u8::is_ascii_digit),
        _ => false,
    }
}

/// Of successes alone: the generator sees nothing else, and a code of an error goes before its
/// range everywhere else.
fn code_beside_range(document: &Document<'_>, report: &mut Report) {
    for operation in &document.operations {
        if successes(operation).any(|(status, _)| status == "2XX") {
            for (status, _) in successes(operation).filter(|(status, _)| *status != "2XX") {
                report.add(
                    operation.place(),
                    format!("`2XX` is matched before `{status}`; write one or the other"),
                );
            }
        }
    }
}

fn description(document: &Document<'_>, report: &mut Report) {
    for operation in &document.operations {
        for (status, response) in operation.responses() {
            let response = document.resolve(response);
            if response.is_some_and(|response| response.get("description").is_none()) {
                report.add(
                    operation.place(),
                    format!("`{status}` says nothing of itself; write a `description`"),
                );
            }
        }
    }
}

fn success_missing(document: &Document<'_>, report: &mut Report) {
    for operation in &document.operations {
        if successes(operation).next().is_none() {
            report.add(
                operation.place(),
                "nothing counts as success; write a response such as `200`",
            );
        }
    }
}

/// What a success is read as.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Body<'a> {
    Empty,
    Named(&'a str),
    /// Something else: an inline schema, or no JSON.
    Other,
}

fn success_untyped(document: &Document<'_>, report: &mut Report) {
    for operation in &document.operations {
        for (status, response) in successes(operation) {
            if body(document, response) == Body::Other {
                report.add(
                    operation.place(),
                    format!(
                        "`{status}` gives no named type; write `application/json` with a `$ref` to \
                         a component schema"
                    ),
                );
            }
        }
    }
}

fn success_differs(document: &Document<'_>, report: &mut Report) {
    for operation in &document.operations {
        let bodies: BTreeSet<_> = successes(operation)
            .map(|(_, response)| body(document, response))
            .filter_map(|body| match body {
                Body::Named(name) => Some(name),
                Body::Empty | Body::Other => None,
            })
            .collect();
        if bodies.len() > 1 {
            let names: Vec<_> = bodies.into_iter().collect();
            report.add(
                operation.place(),
                format!(
                    "a method gives back one type, and there are `{}`; write one schema for every \
                     success (an `anyOf` where it varies)",
                    names.join("` and `")
                ),
            );
        }
    }
}

fn success_empty(document: &Document<'_>, report: &mut Report) {
    for operation in &document.operations {
        let typed = successes(operation).any(|(_, r)| body(document, r) != Body::Empty);
        for (status, response) in successes(operation) {
            if typed && body(document, response) == Body::Empty {
                report.add(
                    operation.place(),
                    format!(
                        "`{status}` has no body and another success has one, but a method gives \
                         back one type; drop one of the two"
                    ),
                );
            }
        }
    }
}

fn successes<'a>(operation: &Operation<'a>) -> impl Iterator<Item = (&'a str, &'a Value)> {
    operation
        .responses()
        .filter(|(status, _)| status.starts_with('2'))
}

fn body<'a>(document: &Document<'a>, response: &'a Value) -> Body<'a> {
    let content = document
        .resolve(response)
        .and_then(|response| response.get("content"))
        .and_then(Value::as_object);
    match content {
        None => Body::Empty,
        Some(content) if content.is_empty() => Body::Empty,
        Some(content) => content
            .get("application/json")
            .and_then(|json| json.pointer("/schema/$ref"))
            .and_then(Value::as_str)
            .map_or(Body::Other, Body::Named),
    }
}
