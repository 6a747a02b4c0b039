//! Component names: like those of the spec, and no two alike, in code either.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use super::note::Notes;
use crate::error::Error;
use crate::models::module_name;

/// The names that components have already.
#[derive(Debug, Clone, Default)]
pub(super) struct Names {
    components: HashSet<String>,
    modules: HashSet<String>,
    /// The component of each model, by the model's name in lower case.
    models: HashMap<String, String>,
}

impl Names {
    pub(super) fn of(spec: &Value) -> Self {
        let mut names = Self::default();
        let schemas = spec.pointer("/components/schemas");
        for (component, schema) in schemas.and_then(Value::as_object).into_iter().flatten() {
            match schema.get("x-model").and_then(Value::as_str) {
                Some(model) => names.add(model, component),
                None => {
                    names.components.insert(component.clone());
                }
            }
        }
        names
    }

    pub(super) fn add(&mut self, model: &str, component: &str) {
        self.components.insert(component.to_owned());
        self.modules.insert(module(component));
        self.models
            .insert(model.to_ascii_lowercase(), component.to_owned());
    }

    /// The component that the model has already.
    pub(super) fn component_of(&self, model: &str) -> Option<&str> {
        self.models
            .get(&model.to_ascii_lowercase())
            .map(String::as_str)
    }

    /// `black-forest-labs/flux-1.1-pro` as `Flux11ProInput`; with the owner in front, then with a
    /// number, where that is taken.
    pub(super) fn choose(&self, model: &str, notes: &mut Notes) -> Result<String, Error> {
        let (owner, name) = model.split_once('/').unwrap_or(("", model));
        let long = upper_camel(&format!("{owner}-{name}"));
        if long.is_empty() {
            return Err(Error::published(format!(
                "`{model}` has no letters to name a type after"
            )));
        }
        let short = upper_camel(name);
        let numbered = (2..).map(|count| format!("{long}V{count}"));
        let mut all = [short.clone(), long.clone()].into_iter().chain(numbered);
        let is_free = |name: &String| {
            let component = format!("{name}Input");
            !name.is_empty()
                && !self.components.contains(&component)
                && !self.modules.contains(&module(&component))
        };
        // One of endlessly many is free.
        let chosen = all.find(is_free).unwrap_or_else(|| long.clone());
        let first = name.trim_start_matches(|c: char| !c.is_ascii_alphanumeric());
        if chosen != short && !short.is_empty() {
            notes.add_to(
                "x-model",
                format!("the component is `{chosen}Input`: `{short}Input` is another's"),
            );
        } else if starts_with_digit(first) {
            notes.add_to(
                "x-model",
                format!("the component is `{chosen}Input`: no type begins with a digit"),
            );
        }
        Ok(format!("{chosen}Input"))
    }
}

fn module(component: &str) -> String {
    module_name(component.strip_suffix("Input").unwrap_or(component))
}

fn upper_camel(text: &str) -> String {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric());
    let mut name: String = words
        .filter_map(|word| {
            let first = word.get(..1)?.to_ascii_uppercase();
            Some(first + &word[1..])
        })
        .collect();
    if starts_with_digit(&name) {
        name.insert_str(0, "Model");
    }
    name
}

fn starts_with_digit(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_digit())
}
