//! JSON lines.

use std::collections::BTreeMap;
use std::io::{self, BufRead};

use cometapi::ModelRef;
use cometapi::models::{JsonErrorKind, find, parse_json};
use serde_json::{Map, Value};

use crate::rows::identity::number_by_value;
use crate::rows::lines;
use crate::rows::problem::Problem;
use crate::rows::row::{Parts, Row, RowResult};

/// The key of a row's labels.
const LABELS: &str = "labels";

pub(super) fn read(
    text: impl BufRead,
    max: usize,
    model: Option<&ModelRef>,
    visit: &mut dyn FnMut(RowResult) -> bool,
) -> io::Result<()> {
    lines::read(text, max, |line, row| parse(line, None, row, model), visit)
}

/// Reads a row out of JSON that begins on `line`; `item` is its place in a list.
pub(super) fn parse(
    line: u64,
    item: Option<u64>,
    text: &[u8],
    default: Option<&ModelRef>,
) -> RowResult {
    let problem = |field: Option<&str>, what: String| {
        let problem = Problem::new(line, field.map(str::to_owned), what);
        vec![problem.in_list(item)]
    };
    let bad = |field: Option<&str>, what: String| Err(problem(field, what));
    let Ok(text) = std::str::from_utf8(text) else {
        return bad(None, "not UTF-8; save the file as UTF-8".to_owned());
    };
    let mut fields = match parse_json(text) {
        Ok(Value::Object(fields)) => fields,
        Ok(_) => {
            return bad(
                None,
                "not an object: write {\"model\": …, \"input\": {…}}".to_owned(),
            );
        }
        Err(e) => {
            // The error's own line counts within the row.
            let at = match e.line() {
                ..=1 => format!("at column {}", e.column()),
                below => format!("at line {} column {}", line + below as u64 - 1, e.column()),
            };
            return bad(
                None,
                match e.kind() {
                    JsonErrorKind::DuplicateKey => format!("{}, {at}", e.message()),
                    JsonErrorKind::Number => {
                        format!(
                            "{}, {at}: write it as text, in quotes, or round it",
                            e.message()
                        )
                    }
                    JsonErrorKind::Unfinished if item.is_none() => format!(
                        "not json, {at}: it ends too early; write each row on one line, or all \
                         rows as a list: [{{…}}, {{…}}]"
                    ),
                    _ => format!("not json, {at}"),
                },
            );
        }
    };
    let id = match fields.remove("id") {
        None | Some(Value::Null) => None,
        Some(Value::String(id)) if !id.trim().is_empty() => Some(id),
        Some(Value::Number(id)) => Some(number_by_value(&id)),
        Some(_) => return bad(Some("id"), "must be a string or a number".to_owned()),
    };
    let named = match fields.remove("model") {
        None | Some(Value::Null) => None,
        Some(Value::String(model)) => Some(model),
        Some(_) => return bad(Some("model"), "must be a string, owner/name".to_owned()),
    };
    let parts = Parts {
        line,
        item,
        id,
        model: named,
        default,
    };
    let model = parts.model().map_err(|problem| vec![problem])?;
    let labels = take_labels(&model, &mut fields).map_err(|what| problem(Some(LABELS), what))?;
    match input(fields) {
        Ok(input) => Ok(Row {
            labels,
            ..parts.row(model, input)
        }),
        Err(what) => bad(Some("input"), what),
    }
}

/// Takes the labels out of what a row holds, unless they are or may be a field of the model.
fn take_labels(
    model: &ModelRef,
    fields: &mut Map<String, Value>,
) -> Result<BTreeMap<String, String>, String> {
    let is_flat = !fields.contains_key("input");
    let may_be_field = match find(&model.to_string()) {
        Some(known) => known.field(LABELS).is_some(),
        None => true,
    };
    if is_flat && may_be_field {
        return Ok(BTreeMap::new());
    }
    let labels = match fields.remove(LABELS) {
        None | Some(Value::Null) => return Ok(BTreeMap::new()),
        Some(Value::Object(labels)) => labels,
        Some(_) => return Err("must be an object, such as {\"client\": \"ACME\"}".to_owned()),
    };
    let mut texts = BTreeMap::new();
    for (name, value) in labels {
        let text = match value {
            Value::Null => continue,
            Value::String(text) => text,
            Value::Bool(_) | Value::Number(_) => value.to_string(),
            Value::Array(_) | Value::Object(_) => {
                return Err(format!("{name} must be a string, a number, true or false"));
            }
        };
        if !text.is_empty() {
            texts.insert(name, text);
        }
    }
    Ok(texts)
}

/// The input out of what a row holds besides model and id.
fn input(mut fields: Map<String, Value>) -> Result<Map<String, Value>, String> {
    match fields.remove("input") {
        None => Ok(fields),
        Some(Value::Object(_)) if !fields.is_empty() => {
            let beside: Vec<_> = fields.keys().take(3).map(String::as_str).collect();
            Err(format!(
                "stands beside other fields ({}): put all of them into it, or none",
                beside.join(", ")
            ))
        }
        Some(Value::Object(input)) => Ok(input),
        Some(_) => Err("must be an object".to_owned()),
    }
}
