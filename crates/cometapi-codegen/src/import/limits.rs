//! Ranges, as our components have them: inclusive, of the field's own type, not empty.

use serde_json::Value;

use super::flat::Flat;
use super::json::JsonExt;
use super::note::{Notes, shown};

/// How many items a list may have.
#[derive(Debug, Default)]
pub(super) struct Items {
    pub(super) minimum: Option<i64>,
    pub(super) maximum: Option<i64>,
}

type Range = (Option<Value>, Option<Value>);

pub(super) fn integer(flat: &mut Flat, notes: &mut Notes) -> Range {
    let lower = limit(flat, "minimum", "exclusiveMinimum", notes);
    let upper = limit(flat, "maximum", "exclusiveMaximum", notes);
    let minimum = lower.and_then(|limit| limit.whole(Side::Lower, notes));
    let maximum = upper.and_then(|limit| limit.whole(Side::Upper, notes));
    filled(minimum, maximum, notes)
}

pub(super) fn number(flat: &mut Flat, notes: &mut Notes) -> Range {
    let mut stated = |inclusive, exclusive| {
        let limit = limit(flat, inclusive, exclusive, notes)?;
        if limit.exclusive {
            let value = &limit.value;
            notes.add(format!(
                "`{exclusive}: {value}` is `{inclusive}` now, which lets {value} through"
            ));
        }
        Some(limit.value.tidy())
    };
    let minimum = stated("minimum", "exclusiveMinimum");
    let maximum = stated("maximum", "exclusiveMaximum");
    filled(minimum, maximum, notes)
}

pub(super) fn items(flat: &mut Flat, notes: &mut Notes) -> Items {
    let mut count = |key: &str| {
        let stated = flat.take(key)?;
        let count = stated.integer().filter(|count| *count >= 0);
        if count.is_none() {
            let stated = shown(&stated.to_string());
            notes.add(format!(
                "left out `{key}: {stated}`, which is no number of items"
            ));
        }
        count
    };
    let (minimum, maximum) = (count("minItems"), count("maxItems"));
    if let (Some(least), Some(most)) = (minimum, maximum)
        && least > most
    {
        notes.add(format!(
            "left out `minItems: {least}` and `maxItems: {most}`, between which nothing is"
        ));
        return Items::default();
    }
    Items { minimum, maximum }
}

enum Side {
    Lower,
    Upper,
}

struct Limit {
    value: Value,
    exclusive: bool,
}

/// The stricter of the two words, in the form of `OpenAPI` 3.0 (a flag beside the inclusive
/// word) or of 3.1 (a number by itself).
fn limit(flat: &mut Flat, inclusive: &str, exclusive: &str, notes: &mut Notes) -> Option<Limit> {
    let mut number = |key: &str| match flat.take(key)? {
        value @ (Value::Number(_) | Value::Bool(_)) => Some(value),
        Value::Null => None,
        other => {
            let other = shown(&other.to_string());
            notes.add(format!("left out `{key}: {other}`, which is no number"));
            None
        }
    };
    let (closed, open) = (number(inclusive), number(exclusive));
    let closed = closed.filter(|value| value.as_f64().is_some());
    match (closed, open) {
        (Some(value), Some(Value::Bool(exclusive))) => Some(Limit { value, exclusive }),
        (Some(value), Some(open @ Value::Number(_))) => {
            let lower = inclusive == "minimum";
            let stricter = if lower {
                open.as_f64() >= value.as_f64()
            } else {
                open.as_f64() <= value.as_f64()
            };
            Some(Limit {
                value: if stricter { open } else { value },
                exclusive: stricter,
            })
        }
        (None, Some(value @ Value::Number(_))) => Some(Limit {
            value,
            exclusive: true,
        }),
        (value, _) => value.map(|value| Limit {
            value,
            exclusive: false,
        }),
    }
}

impl Limit {
    /// The nearest whole number inside.
    fn whole(self, side: Side, notes: &mut Notes) -> Option<Value> {
        let stated = &self.value;
        let (key, step) = match side {
            Side::Lower => ("minimum", 1),
            Side::Upper => ("maximum", -1),
        };
        let whole = match stated.integer() {
            Some(whole) if self.exclusive => whole.checked_add(step),
            Some(whole) => return Some(whole.into()),
            None => {
                let inside = stated.as_f64().map(|number| match side {
                    Side::Lower => number.ceil(),
                    Side::Upper => number.floor(),
                });
                let inside = inside.and_then(serde_json::Number::from_f64);
                inside.and_then(|inside| Value::Number(inside).integer())
            }
        };
        match whole {
            Some(whole) => {
                let open = if self.exclusive { "exclusive " } else { "" };
                notes.add(format!("its {open}limit {stated} is `{key}: {whole}` now"));
            }
            None => notes.add(format!(
                "left out the limit {stated}, which no whole number of 64 bits reaches"
            )),
        }
        whole.map(Value::from)
    }
}

fn filled(minimum: Option<Value>, maximum: Option<Value>, notes: &mut Notes) -> Range {
    if let (Some(least), Some(most)) = (&minimum, &maximum)
        && least.as_f64() > most.as_f64()
    {
        notes.add(format!(
            "left out `minimum: {least}` and `maximum: {most}`, between which nothing is"
        ));
        return (None, None);
    }
    (minimum, maximum)
}
