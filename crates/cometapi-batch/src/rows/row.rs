//! A row as it was read.

use std::collections::BTreeMap;

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
    /// What it holds besides model and input.
    pub(crate) labels: BTreeMap<String, String>,
    /// What looks like a slip, in it or in what comes before it.
    pub(crate) notes: Vec<Problem>,
}

impl Row {
    /// What is wrong with it, or with one of its fields.
    pub(super) fn problem(
        &self,
        field: impl Into<Option<String>>,
        what: impl Into<String>,
    ) -> Problem {
        Problem::new(self.line, field, what).in_list(self.item)
    }
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

    pub(super) fn row(self, model: ModelRef, input: Map<String, Value>) -> Row {
        Row {
            line: self.line,
            item: self.item,
            id: self.id,
            model,
            input,
            labels: BTreeMap::new(),
            notes: Vec::new(),
        }
    }
}
