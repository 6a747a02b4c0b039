//! What the wrapper shows of an error body. It reads errors of any shape by structure and not
//! through the generated types, so each documented field is sent and looked for.

use std::collections::BTreeMap;

use cometapi::Error;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::examples::TABLE;
use super::wire::{Call, Wire, panicked};
use crate::layers::Options;
use contract_spec::oracle::{Oracle, members, reference};
use contract_spec::report::Report;

/// The status of the bodies, which says nothing about them.
const STATUS: u16 = 400;

#[derive(Deserialize)]
struct Table {
    /// Where each field is shown, by schema and field; null for one that is not shown.
    shown: BTreeMap<String, Option<String>>,
}

/// An error body with every field that its schema documents, and the mark of each.
struct Body<'o> {
    oracle: &'o Oracle,
    /// The field and what to look for.
    marks: Vec<(String, String)>,
}

pub(super) async fn fields(
    options: &Options,
    oracle: &Oracle,
    wire: &Wire,
    report: &mut Report,
) -> anyhow::Result<()> {
    let table: Table = options.workspace.data(TABLE)?;
    let mut rows = table.shown.clone();
    let any = reference("AnyError");
    let any = oracle.resolve(&any);
    for shape in any["anyOf"].as_array().into_iter().flatten() {
        let mut body = Body {
            oracle,
            marks: Vec::new(),
        };
        let value = body.value(shape, "");
        for (field, _) in &body.marks {
            rows.remove(field);
        }
        for call in Call::ALL {
            let place = format!("{call:?} answered by {STATUS} {value}");
            match wire.json(call, STATUS, &value).await {
                Err(why) => panicked(&place, &why, report),
                Ok(Ok(_)) => report.fail(&place, "error-as-value", "it gave a prediction"),
                Ok(Err(error)) => judge(&body.marks, &table.shown, &error, report),
            }
        }
    }
    for field in rows.keys() {
        report.fail(
            field,
            "row-without-field",
            format!("no error of the spec has it; bring it back, or take its row out of {TABLE}"),
        );
    }
    Ok(())
}

fn judge(
    marks: &[(String, String)],
    shown: &BTreeMap<String, Option<String>>,
    error: &Error,
    report: &mut Report,
) {
    let seen = seen(error);
    for (field, mark) in marks {
        match shown.get(field) {
            Some(Some(place)) if seen.get(&**place).is_some_and(|text| text.contains(mark)) => {
                report.pass("error fields shown");
            }
            Some(Some(place)) => report.fail(
                field,
                "error-field-lost",
                format!(
                    "{mark} is not in {place} of {seen:?}; read it in the wrapper's \
                     core/service_error.rs, or correct {TABLE}"
                ),
            ),
            Some(None) => report.pass("error fields not shown"),
            None => report.fail(
                field,
                "error-field-without-row",
                format!("say in {TABLE} where the wrapper shows it, or null"),
            ),
        }
    }
}

/// What an error shows of the body, by the names of the getters.
fn seen(error: &Error) -> BTreeMap<&'static str, String> {
    let service = error.service().cloned().unwrap_or_default();
    let status = service.upstream_status.map(|status| status.to_string());
    let seconds = error.retry_after().map(|delay| delay.as_secs_f64());
    let optional = [
        ("code", service.code),
        ("error_type", service.error_type),
        ("field", service.field),
        ("upstream_status", status),
        ("retry_after", seconds.map(|seconds| seconds.to_string())),
    ];
    let shown = optional
        .into_iter()
        .filter_map(|(name, text)| Some((name, text?)));
    shown.chain([("message", service.message)]).collect()
}

impl Body<'_> {
    /// A value of `schema`; `field` is the place of one that is not an object.
    fn value(&mut self, schema: &Value, field: &str) -> Value {
        let name = schema["$ref"].as_str().and_then(|to| to.rsplit('/').next());
        let name = name.unwrap_or_default().to_owned();
        let schema = self.oracle.resolve(schema).clone();
        match schema["type"].as_str() {
            Some("object") => members(schema.get("properties"))
                .map(|(key, property)| {
                    let value = self.value(property, &format!("{name}/{key}"));
                    (key.clone(), value)
                })
                .collect::<Map<_, _>>()
                .into(),
            Some("array") => json!([self.value(&schema["items"], field)]),
            kind => {
                let count = self.marks.len();
                let value = match kind {
                    Some("integer") => json!(STATUS + 1 + u16::try_from(count).unwrap_or(0)),
                    Some("number") => json!(f64::from(u8::try_from(count).unwrap_or(0)) + 0.5),
                    Some("boolean") => json!(true),
                    _ => json!(format!("mark {count} of {field}")),
                };
                let mark = match &value {
                    Value::String(text) => text.clone(),
                    other => other.to_string(),
                };
                self.marks.push((field.to_owned(), mark));
                value
            }
        }
    }
}
