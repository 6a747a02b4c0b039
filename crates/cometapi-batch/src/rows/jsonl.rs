//! JSON lines.

use std::io::{self, BufRead, Read};

use cometapi::ModelRef;
use serde_json::{Map, Value};

use crate::rows::{LINE_CAP, Parts, Problem, Read1, number_by_value};

pub(crate) fn read(
    mut text: impl BufRead,
    model: Option<&ModelRef>,
    visit: &mut dyn FnMut(Read1) -> bool,
) -> io::Result<()> {
    let mut line = Vec::new();
    for number in 1.. {
        line.clear();
        if (&mut text).take(LINE_CAP).read_until(b'\n', &mut line)? == 0 {
            break;
        }
        if line.len() as u64 == LINE_CAP && line.last() != Some(&b'\n') {
            let what = format!("longer than {} MiB", LINE_CAP >> 20);
            visit(Err(vec![Problem::new(number, None, what)]));
            break;
        }
        let row = line.trim_ascii();
        if !row.is_empty() && !visit(parse(number, row, model)) {
            break;
        }
    }
    Ok(())
}

fn parse(line: u64, text: &[u8], default: Option<&ModelRef>) -> Read1 {
    let bad = |field: Option<&str>, what: String| {
        Err(vec![Problem::new(line, field.map(str::to_owned), what)])
    };
    let mut fields = match serde_json::from_slice(text) {
        Ok(Value::Object(fields)) => fields,
        Ok(_) => {
            return bad(
                None,
                "not an object: write {\"model\": …, \"input\": {…}}".to_owned(),
            );
        }
        // The error's own line counts within this one.
        Err(e) => return bad(None, format!("not json, at column {}", e.column())),
    };
    let id = match fields.remove("id") {
        None | Some(Value::Null) => None,
        Some(Value::String(id)) if !id.trim().is_empty() => Some(id),
        Some(Value::Number(id)) => Some(number_by_value(&id)),
        Some(_) => return bad(Some("id"), "must be a text or a number".to_owned()),
    };
    let named = match fields.remove("model") {
        None | Some(Value::Null) => None,
        Some(Value::String(model)) => Some(model),
        Some(_) => return bad(Some("model"), "must be a text, owner/name".to_owned()),
    };
    let parts = Parts {
        line,
        id,
        model: named,
        default,
    };
    let model = parts.model().map_err(|problem| vec![problem])?;
    match input(fields) {
        Ok(input) => parts.row(model, input),
        Err(what) => bad(Some("input"), what),
    }
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
