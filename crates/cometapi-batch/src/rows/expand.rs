//! One row as several: fields that it lacks, a choice by id, repeats and sweeps.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use crate::rows::identity::number_by_value;
use crate::rows::row::Row;

/// The most rows that one may become.
const MAX_ROWS: usize = 100_000;

/// How many ids an error names.
const SHOWN_IDS: usize = 10;

/// What becomes of each row that was read.
#[derive(Default)]
pub(super) struct Expansion {
    pub(super) defaults: Map<String, Value>,
    /// `None` for once.
    pub(super) repeat: Option<usize>,
    pub(super) sweeps: Vec<(String, Vec<Value>)>,
}

/// One of the rows that a row becomes.
pub(super) struct Variant<'v> {
    id: Option<String>,
    fields: Vec<(&'v String, &'v Value)>,
}

impl Variant<'_> {
    /// Whether it has a field that the row lacks.
    pub(super) fn adds_fields(&self) -> bool {
        !self.fields.is_empty()
    }

    pub(super) fn of(self, mut row: Row) -> Row {
        row.id = self.id;
        for (field, value) in self.fields {
            row.input.insert(field.clone(), value.clone());
        }
        row
    }
}

impl Expansion {
    /// Refuses what would make no row, or too many, of one.
    pub(super) fn check(&self) -> Result<(), String> {
        if self.repeat == Some(0) {
            return Err("rows are to be repeated 0 times: give 1 or more".to_owned());
        }
        let mut rows = self.repeat.unwrap_or(1);
        for (index, (field, values)) in self.sweeps.iter().enumerate() {
            if values.is_empty() {
                return Err(format!("no value is given for {field}: give one or more"));
            }
            if self
                .sweeps
                .iter()
                .take(index)
                .any(|(other, _)| other == field)
            {
                return Err(format!(
                    "the values of {field} are given twice: give them once"
                ));
            }
            rows = rows.saturating_mul(values.len());
        }
        if rows > MAX_ROWS {
            return Err(format!(
                "each row would become more than {MAX_ROWS}: give fewer values, or repeat less"
            ));
        }
        Ok(())
    }

    /// The rows that `row` becomes, before it has any field by default.
    pub(super) fn variants(&self, row: &Row) -> Vec<Variant<'_>> {
        // A field that the row has is not swept: what it says itself wins.
        let is_open = |(field, _): &&(String, Vec<Value>)| !row.input.contains_key(field);
        let sweeps: Vec<_> = self.sweeps.iter().filter(is_open).collect();
        let repeat = self.repeat.unwrap_or(1);
        let all = sweeps
            .iter()
            .fold(repeat, |all, (_, values)| all.saturating_mul(values.len()));
        let variant = |number: usize| {
            let mut rest = number / repeat;
            let mut fields = Vec::with_capacity(sweeps.len());
            // Repeats go fastest, then the last sweep.
            for (field, values) in sweeps.iter().rev() {
                fields.extend(values.get(rest % values.len()).map(|value| (field, value)));
                rest /= values.len();
            }
            fields.reverse();
            let again = (repeat > 1).then_some(number % repeat + 1);
            let id = row.id.as_deref().map(|id| named(id, &fields, again));
            Variant { id, fields }
        };
        (0..all).map(variant).collect()
    }

    /// Gives a row the fields that it lacks.
    pub(super) fn fill(&self, row: &mut Row) {
        for (field, value) in &self.defaults {
            if !row.input.contains_key(field) {
                row.input.insert(field.clone(), value.clone());
            }
        }
    }
}

/// The ids of the rows that are asked for.
#[derive(Default)]
pub(super) struct Only {
    /// Each, and whether a row has it.
    ids: BTreeMap<String, bool>,
    /// Ids that hold commas: each is several if no row has it.
    lists: BTreeSet<String>,
    /// The ids that the lists hold.
    parts: BTreeSet<String>,
    /// Rows that a list holds, until it is known whether a row has the whole of it as its id.
    waiting: Vec<Row>,
}

impl Only {
    pub(super) fn add(&mut self, id: String) {
        self.ids.insert(id, false);
    }

    /// Adds one id, or several with commas between them.
    pub(super) fn add_list(&mut self, list: String) {
        if list.contains(',') {
            self.parts.extend(parts(&list));
            self.lists.insert(list.clone());
        }
        self.add(list);
    }

    /// Returns the row, unless it is kept because a list holds it.
    pub(super) fn pass(&mut self, row: Row, expansion: &Expansion) -> Option<Row> {
        if self.lists.is_empty() {
            return Some(row);
        }
        let variants = expansion.variants(&row);
        let ids = variants.iter().map(|variant| variant.id.as_ref());
        let mut is_kept = false;
        for id in ids.chain([row.id.as_ref()]).flatten() {
            is_kept |= self.parts.contains(id);
            // Also of a row that is kept, because this ends the keeping.
            self.lists.remove(id);
        }
        if is_kept {
            self.waiting.push(row);
            return None;
        }
        Some(row)
    }

    /// The rows that were kept, after all others were read. A list that is no row's id is several.
    pub(super) fn kept(&mut self) -> Vec<Row> {
        for list in std::mem::take(&mut self.lists) {
            self.ids.remove(&list);
            self.ids.extend(parts(&list).map(|part| (part, false)));
        }
        std::mem::take(&mut self.waiting)
    }

    /// Those of a row's variants that are asked for: all by the id of the row, or each by its own.
    pub(super) fn chosen<'v>(&mut self, row: &Row, variants: Vec<Variant<'v>>) -> Vec<Variant<'v>> {
        if self.has(row.id.as_deref()) {
            return variants;
        }
        let mut variants = variants;
        variants.retain(|variant| self.has(variant.id.as_deref()));
        variants
    }

    fn has(&mut self, id: Option<&str>) -> bool {
        let seen = id.and_then(|id| self.ids.get_mut(id));
        seen.map(|seen| *seen = true).is_some()
    }

    /// What is wrong if no row has some of the ids, where `bad` rows could not be read.
    pub(super) fn missing(&self, bad: u64) -> Option<String> {
        let missing = self.ids.iter().filter(|(_, seen)| !**seen);
        let missing: Vec<_> = missing.map(|(id, _)| id).collect();
        if missing.is_empty() {
            return None;
        }
        let shown = missing.iter().take(SHOWN_IDS);
        let shown: Vec<_> = shown.map(|id| format!("{id:?}")).collect();
        let more = match missing.len().saturating_sub(SHOWN_IDS) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let plural = if missing.len() == 1 { "" } else { "s" };
        let bad = match bad {
            0 => String::new(),
            1 => "; 1 row could not be read".to_owned(),
            bad => format!("; {bad} rows could not be read"),
        };
        Some(format!(
            "no row has the id{plural} {}{more}{bad}",
            shown.join(", ")
        ))
    }
}

/// The ids of a list.
fn parts(list: &str) -> impl Iterator<Item = String> {
    list.split(',').map(|part| part.trim().to_owned())
}

/// `fox-7-2`: the id of a row with the values that it takes, and how often it was repeated.
fn named(id: &str, fields: &[(&String, &Value)], again: Option<usize>) -> String {
    let mut named = id.to_owned();
    for (_, value) in fields {
        named.push('-');
        named.push_str(&match value {
            Value::String(text) => text.clone(),
            Value::Number(number) => number_by_value(number),
            other => other.to_string(),
        });
    }
    if let Some(again) = again {
        named.push('-');
        named.push_str(&again.to_string());
    }
    named
}
