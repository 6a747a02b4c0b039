//! A row as it was read.

use cometapi::ModelRef;
use serde_json::{Map, Value};

use crate::rows::problem::Problem;

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Row {
    pub(crate) line: u64,
    /// The place in a JSON list.
    pub(crate) item: Option<u64>,
    pub(crate) id: Option<String>,
    pub(crate) model: ModelRef,
    pub(crate) input: Map<String, Value>,
    /// What looks like a slip in it.
    pub(crate) note: Option<String>,
}

/// A row, or all that is wrong with it.
pub(crate) type RowResult = Result<Row, Vec<Problem>>;

/// The parts of a row, before it is known whether they are one.
pub(super) struct Parts<'m> {
    pub(super) line: u64,
    pub(super) item: Option<u64>,
    pub(super) id: Option<String>,
    pub(super) model: Option<String>,
    pub(super) default: Option<&'m ModelRef>,
}

impl Parts<'_> {
    pub(super) fn model(&self) -> Result<ModelRef, Problem> {
        let problem =
            |what: String| Problem::new(self.line, "model".to_owned(), what).in_list(self.item);
        match (&self.model, self.default) {
            (Some(text), _) => text.parse().map_err(|e| problem(format!("{e}"))),
            (None, Some(model)) => Ok(model.clone()),
            (None, None) => Err(problem(
                "there is none: give each row one, or one for all rows".to_owned(),
            )),
        }
    }

    pub(super) fn row(self, model: ModelRef, input: Map<String, Value>) -> RowResult {
        if input.is_empty() {
            let problem = Problem::new(self.line, None, "the input holds nothing");
            return Err(vec![problem.in_list(self.item)]);
        }
        Ok(Row {
            line: self.line,
            item: self.item,
            id: self.id,
            model,
            input,
            note: None,
        })
    }
}
