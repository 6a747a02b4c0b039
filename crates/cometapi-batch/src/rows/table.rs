//! Tables.

use std::collections::BTreeMap;
use std::io::{self, BufRead};

use cometapi::ModelRef;
use csv::{ReaderBuilder, StringRecord};
use serde_json::Map;

use crate::rows::breaks::Breaks;
use crate::rows::known;
use crate::rows::{Parts, Problem, Read1};

pub(crate) fn read(
    text: impl BufRead,
    model: Option<&ModelRef>,
    visit: &mut dyn FnMut(Read1) -> bool,
) -> io::Result<()> {
    // Flexible, so that a row of another length is this program's error and not a halt.
    let (text, ahead) = Breaks::new(text);
    let mut reader = ReaderBuilder::new().flexible(true).from_reader(text);
    let header = match reader.headers() {
        Ok(header) => match Header::read(header) {
            Ok(header) => header,
            Err(problem) => {
                visit(Err(vec![problem]));
                return Ok(());
            }
        },
        Err(e) => return failed(e, 1, visit).map(drop),
    };
    let mut record = StringRecord::new();
    loop {
        let begin = reader.position().byte();
        let more = match reader.read_record(&mut record) {
            Ok(false) => return Ok(()),
            Ok(true) if header.is_blank(&record) => true,
            Ok(true) => visit(header.row(ahead.line(begin), &record, model)),
            Err(e) => failed(e, ahead.line(begin), visit)?,
        };
        if !more {
            return Ok(());
        }
    }
}

/// Says what a record that cannot be read is, and whether to go on after it.
fn failed(e: csv::Error, line: u64, visit: &mut dyn FnMut(Read1) -> bool) -> io::Result<bool> {
    match e.into_kind() {
        csv::ErrorKind::Io(e) => Err(e),
        csv::ErrorKind::Utf8 { .. } => Ok(visit(Err(vec![Problem::new(line, None, "not utf-8")]))),
        _ => Ok(visit(Err(vec![Problem::new(line, None, "not a table")]))),
    }
}

/// The columns.
struct Header {
    names: Vec<String>,
    model: Option<usize>,
    id: Option<usize>,
}

impl Header {
    fn read(record: &StringRecord) -> Result<Self, Problem> {
        let names: Vec<String> = record.iter().map(|name| name.trim().to_owned()).collect();
        let mut seen = BTreeMap::new();
        for (at, name) in names.iter().enumerate() {
            if !name.is_empty() && seen.insert(name.as_str(), at).is_some() {
                return Err(Problem::new(1, name.clone(), "two columns have this name"));
            }
        }
        let (model, id) = (seen.get("model").copied(), seen.get("id").copied());
        drop(seen);
        Ok(Self { names, model, id })
    }

    /// Whether it is a line of nothing but blanks.
    fn is_blank(&self, record: &StringRecord) -> bool {
        self.names.len() > 1 && record.len() == 1 && record[0].trim().is_empty()
    }

    fn row(&self, line: u64, record: &StringRecord, default: Option<&ModelRef>) -> Read1 {
        let cell = |at: Option<usize>| {
            let text = record.get(at?)?.trim();
            (!text.is_empty()).then(|| text.to_owned())
        };
        let parts = Parts {
            line,
            id: cell(self.id),
            model: cell(self.model),
            default,
        };
        let mut problems = self.misfits(line, record);
        let model = match parts.model() {
            Ok(model) => model,
            Err(problem) => {
                problems.push(problem);
                return Err(problems);
            }
        };
        let mut input = Map::new();
        for (at, name) in self.names.iter().enumerate() {
            if name.is_empty() || Some(at) == self.model || Some(at) == self.id {
                continue;
            }
            if let Some(value) = known::cell(&model, name, record.get(at).unwrap_or_default()) {
                input.insert(name.clone(), value);
            }
        }
        if problems.is_empty() {
            parts.row(model, input)
        } else {
            Err(problems)
        }
    }

    /// Cells without a column, and columns without a cell.
    fn misfits(&self, line: u64, record: &StringRecord) -> Vec<Problem> {
        let columns = self.names.len();
        if record.len() < columns {
            let what = format!("has {} cells under {columns} columns", record.len());
            return vec![Problem::new(line, None, what)];
        }
        let nameless = |at: usize| self.names.get(at).is_none_or(String::is_empty);
        record
            .iter()
            .enumerate()
            .filter(|(at, text)| nameless(*at) && !text.trim().is_empty())
            .map(|(at, _)| {
                Problem::new(
                    line,
                    format!("cell {}", at + 1),
                    "stands under no column: quote a cell that holds a comma",
                )
            })
            .collect()
    }
}
