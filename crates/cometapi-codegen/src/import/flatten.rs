//! A schema as one set of words: references followed, `allOf` put together, a choice brought
//! down to what all of its members have, null stated by a flag.

use std::collections::HashSet;

use serde_json::{Map, Value};

use super::flat::{Flat, is_boilerplate, kind_of};
use super::note::shown;
use crate::error::Error;

/// More hops than any honest schema has; a deeper one would exhaust the stack.
const DEPTH: usize = 64;

/// Words read for one import. References that fan out double with each hop.
const BUDGET: usize = 100_000;

/// Flattens the schemas of one document.
pub(super) struct Flattener<'a> {
    root: &'a Value,
    left: usize,
    /// The references that are being followed.
    trail: Vec<String>,
}

impl<'a> Flattener<'a> {
    pub(super) fn new(root: &'a Value) -> Self {
        Self {
            root,
            left: BUDGET,
            trail: Vec::new(),
        }
    }

    pub(super) fn flatten(&mut self, schema: &Value) -> Result<Flat, Error> {
        self.walk(schema, 0)
    }

    fn walk(&mut self, schema: &Value, depth: usize) -> Result<Flat, Error> {
        let mut flat = Flat::default();
        let words = match schema {
            Value::Object(words) => words,
            Value::Bool(true) => return Ok(flat),
            other => {
                flat.unfit(format!("{} is no schema", shown(&other.to_string())));
                return Ok(flat);
            }
        };
        self.spend(words)?;
        if depth >= DEPTH {
            flat.unfit("its schema is nested too deep");
            return Ok(flat);
        }
        for (key, value) in words {
            match (key.as_str(), value) {
                ("$ref" | "allOf" | "anyOf" | "oneOf", _) => {}
                ("type", kind) => flat.set_kind(kind),
                ("nullable", Value::Bool(nullable)) => flat.nullable |= nullable,
                ("enum", Value::Array(values)) => flat.set_values(values),
                ("const", value) => flat.set_values(std::slice::from_ref(value)),
                _ => flat.words.push((key.clone(), value.clone())),
            }
        }
        for (key, value) in words {
            match (key.as_str(), value) {
                ("$ref", Value::String(target)) => flat.absorb(self.follow(target, depth)?),
                ("allOf", Value::Array(members)) => {
                    for member in members {
                        flat.absorb(self.walk(member, depth + 1)?);
                    }
                }
                ("anyOf" | "oneOf", Value::Array(members)) => {
                    let members = members
                        .iter()
                        .map(|member| self.walk(member, depth + 1))
                        .collect::<Result<Vec<_>, _>>()?;
                    flat.absorb(one_of(members));
                }
                ("$ref" | "allOf" | "anyOf" | "oneOf", _) => {
                    flat.unfit(format!("its `{key}` is malformed"));
                }
                _ => {}
            }
        }
        if flat.only_null && depth == 0 {
            flat.unfit("it takes null and nothing else");
        }
        Ok(flat)
    }

    fn follow(&mut self, target: &str, depth: usize) -> Result<Flat, Error> {
        let mut flat = Flat::default();
        let root = self.root;
        if self.trail.iter().any(|known| known == target) {
            flat.unfit(format!("`{}` refers to itself", shown(target)));
            return Ok(flat);
        }
        let Some(schema) = target.strip_prefix('#').and_then(|at| root.pointer(at)) else {
            flat.unfit(format!("nothing stands at `{}`", shown(target)));
            return Ok(flat);
        };
        self.trail.push(target.to_owned());
        let flat = self.walk(schema, depth + 1);
        self.trail.pop();
        flat
    }

    fn spend(&mut self, words: &Map<String, Value>) -> Result<(), Error> {
        let size = |value: &Value| match value {
            Value::Array(items) => items.len(),
            Value::Object(entries) => entries.len(),
            _ => 1,
        };
        let cost = 1 + words.values().map(size).sum::<usize>();
        match self.left.checked_sub(cost) {
            Some(left) => self.left = left,
            None => {
                return Err(Error::published(
                    "it is far too large, or its references fan out without end; cut it down to \
                     what the input needs",
                ));
            }
        }
        Ok(())
    }
}

/// One of the members applies: what is said is what all of them say.
fn one_of(members: Vec<Flat>) -> Flat {
    let nullable = members.iter().any(|member| member.nullable);
    let mut members: Vec<_> = members
        .into_iter()
        .filter(|member| !member.only_null)
        .collect();
    let mut whole = match members.len() {
        0 => Flat {
            only_null: nullable,
            ..Flat::default()
        },
        1 => members.remove(0),
        _ => common(&members),
    };
    whole.nullable |= nullable;
    whole
}

fn common(members: &[Flat]) -> Flat {
    let mut whole = Flat::default();
    for member in members {
        whole.lost.extend(member.lost.iter().cloned());
        if let Some(why) = &member.unfit {
            whole.unfit(why.as_str());
        }
    }
    let mut kinds: Vec<_> = members.iter().map(kind_of).collect();
    kinds.sort_unstable();
    kinds.dedup();
    match kinds[..] {
        // The type is stated further out, or not at all.
        [None] => {}
        [Some(kind)] => whole.kind = Some(kind.to_owned()),
        [Some("integer"), Some("number")] => whole.kind = Some("number".into()),
        _ => {
            let stated: Vec<_> = kinds
                .iter()
                .map(|kind| shown(kind.unwrap_or("anything")))
                .collect();
            whole.unfit(format!("it takes several types ({})", stated.join(", ")));
        }
    }
    if members.iter().all(|member| member.values.is_some()) {
        let values: Vec<_> = members
            .iter()
            .filter_map(|member| member.values.clone())
            .collect();
        let mut seen = HashSet::new();
        let mut values = values.concat();
        values.retain(|value| seen.insert(value.to_string()));
        whole.values = Some(values);
    } else {
        for values in members.iter().filter_map(|member| member.values.clone()) {
            whole.lost.push(format!(
                "left out the values {}, which are one of several choices",
                shown(&Value::Array(values).to_string())
            ));
        }
    }
    let mut stated = HashSet::new();
    for (key, value) in members.iter().flat_map(|member| &member.words) {
        let everywhere = members.iter().all(|member| member.word(key) == Some(value));
        if everywhere {
            whole.absorb_word(key.clone(), value.clone());
        } else if !matches!(key.as_str(), "title") && !is_boilerplate(value) {
            let line = format!(
                "left out `{}: {}`, which only some of its choices have",
                shown(key),
                shown(&value.to_string())
            );
            if stated.insert(line.clone()) {
                whole.lost.push(line);
            }
        }
    }
    whole
}
