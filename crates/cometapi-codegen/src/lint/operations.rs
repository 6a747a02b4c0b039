//! Rules about what an operation is called and what it takes.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::rule::{Report, Rule};
use crate::document::{Document, Operation};

pub(super) const RULES: &[Rule] = &[
    Rule::operation("operation-id-missing", id_missing),
    Rule::operation("operation-id-case", id_case),
    Rule::document("operation-id-duplicate", id_duplicate),
    Rule::operation("path-parameter-undeclared", path_parameter_undeclared),
    Rule::operation("path-parameter-unused", path_parameter_unused),
    Rule::operation("path-parameter-optional", path_parameter_optional),
    Rule::operation("header-reserved", header_reserved),
    Rule::operation("request-body-optional", request_body_optional),
];

fn id_missing(_: &Document<'_>, operation: &Operation<'_>, report: &mut Report) {
    if operation.id().is_none() {
        report.add("a method needs a name; write an `operationId`");
    }
}

fn id_case(_: &Document<'_>, operation: &Operation<'_>, report: &mut Report) {
    if operation.id().is_some_and(|id| !is_snake_case(id)) {
        report.add(
            "method and hook would carry different names; write the `operationId` in \
             snake_case",
        );
    }
}

fn is_snake_case(id: &str) -> bool {
    id.starts_with(|first: char| first.is_ascii_lowercase())
        && id.split('_').all(|word| {
            !word.is_empty()
                && word
                    .bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
        })
}

fn id_duplicate(document: &Document<'_>, report: &mut Report) {
    let mut first = BTreeMap::new();
    for operation in &document.operations {
        let Some(id) = operation.id() else { continue };
        if let Some(path) = first.insert(id, operation.path) {
            report.at(
                operation.place(),
                format!(
                    "both `{path}` and `{}` have this `operationId`; give each its own",
                    operation.path
                ),
            );
        }
    }
}

fn path_parameter_undeclared(_: &Document<'_>, operation: &Operation<'_>, report: &mut Report) {
    for name in operation
        .placeholders()
        .difference(&path_parameters(operation))
    {
        report.add(format!(
            "the path holds `{{{name}}}`; declare a parameter `{name}` in `path`"
        ));
    }
}

fn path_parameter_unused(_: &Document<'_>, operation: &Operation<'_>, report: &mut Report) {
    for name in path_parameters(operation).difference(&operation.placeholders()) {
        report.add(format!(
            "the path has no `{{{name}}}`; put it there, or drop the parameter"
        ));
    }
}

fn path_parameters<'a>(operation: &Operation<'a>) -> BTreeSet<&'a str> {
    parameters(operation, "path")
        .map(|(name, _)| name)
        .collect()
}

fn path_parameter_optional(_: &Document<'_>, operation: &Operation<'_>, report: &mut Report) {
    for (name, parameter) in parameters(operation, "path") {
        if parameter.get("required") != Some(&Value::Bool(true)) {
            report.add(format!(
                "no URL can leave `{name}` out; write `required: true`"
            ));
        }
    }
}

fn header_reserved(_: &Document<'_>, operation: &Operation<'_>, report: &mut Report) {
    for (name, _) in parameters(operation, "header") {
        let advice = match name.to_ascii_lowercase().as_str() {
            "authorization" => "a security scheme",
            "accept" | "content-type" => "the media type under `content`",
            _ => continue,
        };
        report.add(format!(
            "a parameter `{name}` is ignored by OpenAPI's own rule; write {advice}"
        ));
    }
}

fn request_body_optional<'a>(
    document: &Document<'a>,
    operation: &Operation<'a>,
    report: &mut Report,
) {
    let body = operation.value.get("requestBody");
    let Some(body) = body.and_then(|body| document.resolve(body)) else {
        return;
    };
    if body.get("required") != Some(&Value::Bool(true)) {
        report.add("the method always takes the body; write `required: true`");
    }
}

fn parameters<'a>(
    operation: &Operation<'a>,
    location: &str,
) -> impl Iterator<Item = (&'a str, &'a Value)> {
    operation
        .parameters
        .iter()
        .copied()
        .filter(move |parameter| parameter.get("in").and_then(Value::as_str) == Some(location))
        .filter_map(|parameter| Some((parameter.get("name")?.as_str()?, parameter)))
}
