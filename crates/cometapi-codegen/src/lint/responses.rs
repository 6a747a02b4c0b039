//! Rules about what an operation answers.

use std::collections::BTreeSet;

use serde_json::Value;

use super::rule::{Report, Rule};
use crate::document::{Document, Operation, escape};

pub(super) const RULES: &[Rule] = &[
    Rule::operation("response-default", default),
    Rule::operation("response-status", status),
    Rule::operation("response-code-beside-range", code_beside_range),
    Rule::operation("response-description", description),
    Rule::operation("success-missing", success_missing),
    Rule::operation("success-untyped", success_untyped),
    Rule::operation("success-differs", success_differs),
    Rule::operation("success-empty", success_empty),
    Rule::document("header-required", header_required),
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
            report.at(
                &at,
                "a response without it would be refused, and a proxy may drop it; leave out \
                 `required`",
            );
        }
        required_headers(child, &at, report);
    }
}

fn default(_: &Document<'_>, operation: &Operation<'_>, report: &mut Report) {
    if operation.responses().any(|(status, _)| status == "default") {
        report.add("`default` counts as success and as error alike; write `4XX` and `5XX`");
    }
}

fn status(_: &Document<'_>, operation: &Operation<'_>, report: &mut Report) {
    for (status, _) in operation.responses() {
        if status != "default" && !is_status(status) {
            report.add(format!(
                "`{status}` is no status; write three digits, or a range as `4XX`"
            ));
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
fn code_beside_range(_: &Document<'_>, operation: &Operation<'_>, report: &mut Report) {
    if successes(operation).any(|(status, _)| status == "2XX") {
        for (status, _) in successes(operation).filter(|(status, _)| *status != "2XX") {
            report.add(format!(
                "`2XX` is matched before `{status}`; write one or the other"
            ));
        }
    }
}

fn description<'a>(document: &Document<'a>, operation: &Operation<'a>, report: &mut Report) {
    for (status, response) in operation.responses() {
        let response = document.resolve(response);
        if response.is_some_and(|response| response.get("description").is_none()) {
            report.add(format!(
                "`{status}` says nothing of itself; write a `description`"
            ));
        }
    }
}

fn success_missing(_: &Document<'_>, operation: &Operation<'_>, report: &mut Report) {
    if successes(operation).next().is_none() {
        report.add("nothing counts as success; write a response such as `200`");
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

fn success_untyped<'a>(document: &Document<'a>, operation: &Operation<'a>, report: &mut Report) {
    for (status, response) in successes(operation) {
        if body(document, response) == Body::Other {
            report.add(format!(
                "`{status}` gives no named type; write `application/json` with a `$ref` to \
                     a component schema"
            ));
        }
    }
}

fn success_differs<'a>(document: &Document<'a>, operation: &Operation<'a>, report: &mut Report) {
    let bodies: BTreeSet<_> = successes(operation)
        .map(|(_, response)| body(document, response))
        .filter_map(|body| match body {
            Body::Named(name) => Some(name),
            Body::Empty | Body::Other => None,
        })
        .collect();
    if bodies.len() > 1 {
        let names: Vec<_> = bodies.into_iter().collect();
        report.add(format!(
            "a method gives back one type, and there are `{}`; write one schema for every \
                 success (an `anyOf` where it varies)",
            names.join("` and `")
        ));
    }
}

fn success_empty<'a>(document: &Document<'a>, operation: &Operation<'a>, report: &mut Report) {
    let typed = successes(operation).any(|(_, r)| body(document, r) != Body::Empty);
    for (status, response) in successes(operation) {
        if typed && body(document, response) == Body::Empty {
            report.add(format!(
                "`{status}` has no body and another success has one, but a method gives \
                     back one type; drop one of the two"
            ));
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
