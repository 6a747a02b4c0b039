//! Rules about the document as a whole.

use serde_json::{Map, Value};

use super::rule::{Report, Rule};
use crate::document::{Document, schema_name};

pub(super) const RULES: &[Rule] = &[
    Rule::document("openapi-version", openapi_version),
    Rule::document("info-version", info_version),
    Rule::document("ref-unresolved", ref_unresolved),
    Rule::document("ref-siblings", ref_siblings),
    Rule::document("replaced-schema", replaced_schema),
    Rule::document("security-unknown", security_unknown),
];

fn openapi_version(document: &Document<'_>, report: &mut Report) {
    let version = document.root.get("openapi").and_then(Value::as_str);
    if !version.is_some_and(|version| version.starts_with("3.0.")) {
        report.at(
            "#/openapi",
            "the generator reads OpenAPI 3.0 only; write `3.0.3`",
        );
    }
}

fn info_version(document: &Document<'_>, report: &mut Report) {
    let version = document
        .root
        .pointer("/info/version")
        .and_then(Value::as_str);
    if !version.is_some_and(|version| version.bytes().all(|byte| byte.is_ascii_graphic())) {
        report.at(
            "#/info/version",
            "the generator makes a header of it; write visible ASCII, such as `1.2.3`",
        );
    }
}

fn ref_unresolved(document: &Document<'_>, report: &mut Report) {
    for site in &document.references {
        let target = site.target.strip_prefix('#');
        if target
            .and_then(|pointer| document.root.pointer(pointer))
            .is_none()
        {
            report.at(
                &site.pointer,
                format!(
                    "nothing stands at `{}`; point at a component of this document",
                    site.target
                ),
            );
        }
    }
}

fn ref_siblings(document: &Document<'_>, report: &mut Report) {
    for site in document
        .references
        .iter()
        .filter(|site| !site.siblings.is_empty())
    {
        report.at(
            &site.pointer,
            format!(
                "`{}` beside `$ref` is ignored; write `allOf` with the reference as its one item",
                site.siblings.join("`, `")
            ),
        );
    }
}

/// A replacement without its schema would not be missed: a plain `String` takes its place.
fn replaced_schema(document: &Document<'_>, report: &mut Report) {
    for replaced in document.target.replaced {
        let used = document
            .references
            .iter()
            .any(|site| schema_name(site.target) == Some(replaced.schema));
        if !used {
            report.at(
                format!("#/components/schemas/{}", replaced.schema),
                format!(
                    "nothing refers to this schema, for which `{}` is written by hand; refer to \
                     it, or take it out of the generator's list of replaced types",
                    replaced.by
                ),
            );
        }
    }
}

fn security_unknown(document: &Document<'_>, report: &mut Report) {
    let schemes = document.root.pointer("/components/securitySchemes");
    let of_operations = document
        .operations
        .iter()
        .map(|operation| (operation.place(), operation.value.get("security")));
    let of_all = ("#/security".to_owned(), document.root.get("security"));
    for (place, security) in of_operations.chain([of_all]) {
        let demands = security.and_then(Value::as_array).into_iter().flatten();
        for name in demands.filter_map(Value::as_object).flat_map(Map::keys) {
            if schemes.and_then(|schemes| schemes.get(name)).is_none() {
                report.at(
                    &place,
                    format!(
                        "there is no security scheme `{name}`; describe it among the components"
                    ),
                );
            }
        }
    }
}
