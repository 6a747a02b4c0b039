//! One prompt a line.

use std::io::{self, BufRead};

use cometapi::ModelRef;
use serde_json::Map;

use crate::rows::lines;
use crate::rows::problem::Problem;
use crate::rows::row::{Parts, RowResult};

/// The field that a line is for.
const PROMPT: &str = "prompt";

pub(super) fn read(
    text: impl BufRead,
    max: usize,
    model: Option<&ModelRef>,
    visit: &mut dyn FnMut(RowResult) -> bool,
) -> io::Result<()> {
    lines::read(text, max, |line, prompt| row(line, prompt, model), visit)
}

fn row(line: u64, prompt: &[u8], default: Option<&ModelRef>) -> RowResult {
    let Ok(prompt) = std::str::from_utf8(prompt) else {
        let what = "not UTF-8; save the file as UTF-8";
        return Err(vec![Problem::new(line, None, what)]);
    };
    let parts = Parts {
        line,
        item: None,
        id: None,
        model: None,
        default,
    };
    let model = parts.model().map_err(|problem| vec![problem])?;
    let input = Map::from_iter([(PROMPT.to_owned(), prompt.trim().into())]);
    Ok(parts.row(model, input))
}
