//! A component marked `x-model`, read.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::field::{self, Field, Kind, clean};
use super::ident;

/// A model whose input is known.
pub(crate) struct Model {
    pub(super) component: String,
    /// The struct.
    pub(super) type_name: String,
    /// The module around it.
    pub(super) module: String,
    /// `owner/name`.
    pub(super) name: String,
    pub(super) description: String,
    pub(super) source: String,
    pub(super) output: Output,
    /// In the order in which people see them.
    pub(super) fields: Vec<Field>,
    pub(super) example: Option<Value>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Output {
    List,
    Single,
    Text,
    Json,
}

/// What is wrong with a component, by the rule that says so.
#[derive(Debug)]
pub(crate) struct Fault {
    pub(crate) rule: &'static str,
    pub(crate) pointer: String,
    pub(crate) message: String,
}

impl Model {
    /// Where its JSON Schema is, beside the generated code.
    pub(super) fn schema_path(&self) -> String {
        format!("schemas/{}.schema.json", self.name)
    }

    /// The component's place in the spec.
    pub(crate) fn pointer(&self) -> String {
        format!("#/components/schemas/{}", self.component)
    }

    /// Whether both are one model. Case does not tell models apart, nor on every file system the
    /// files of their JSON Schemas.
    pub(crate) fn is_of_model(&self, other: &Self) -> bool {
        self.name.eq_ignore_ascii_case(&other.name)
    }

    /// Whether the code of both would be in one module.
    pub(crate) fn shares_module(&self, other: &Self) -> bool {
        self.module == other.module
    }

    /// The fields that the typed input offers.
    pub(super) fn offered(&self) -> impl Iterator<Item = &Field> {
        self.fields.iter().filter(|field| !field.gateway_only)
    }
}

pub(super) fn read(component: &str, schema: &Value) -> Result<Model, Vec<Fault>> {
    let pointer = format!("#/components/schemas/{component}");
    let mut faults = Vec::new();
    let mut fault = |rule, message: &str| {
        faults.push(Fault {
            rule,
            pointer: pointer.clone(),
            message: message.to_owned(),
        });
    };
    let text = |word: &str| schema.get(word).and_then(Value::as_str);

    let type_name = component.strip_suffix("Input").unwrap_or_default();
    if type_name.is_empty() {
        fault(
            "model-shape",
            "the input of a model is called after it, with `Input` at the end: `FluxDevInput`",
        );
    }
    let name = text("x-model").unwrap_or_default();
    if !is_model(name) {
        fault("model-shape", "`x-model` is no `owner/name`");
    }
    let output = match text("x-output") {
        Some("list") => Output::List,
        Some("single") => Output::Single,
        Some("text") => Output::Text,
        Some("json") => Output::Json,
        _ => {
            fault(
                "model-shape",
                "write `x-output: list`, `single`, `text` or `json`",
            );
            Output::Json
        }
    };
    for word in ["description", "x-source"] {
        if text(word).is_none_or(|text| text.trim().is_empty()) {
            fault(
                "model-words",
                &format!("it has no `{word}`; people are shown it"),
            );
        }
    }
    let none = Map::new();
    let properties = schema.get("properties").and_then(Value::as_object);
    if schema.get("type").and_then(Value::as_str) != Some("object") || properties.is_none() {
        fault(
            "model-shape",
            "an input is a `type: object` with `properties`",
        );
    }
    let required: BTreeSet<_> = schema
        .get("required")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let source = clean(text("x-source").unwrap_or_default());

    let mut fields = Vec::new();
    for (wire, property) in properties.unwrap_or(&none) {
        let at = format!("{pointer}/properties/{wire}");
        match field::read(wire, property, required.contains(wire.as_str()), &source) {
            Ok(field) => fields.push(field),
            Err(found) => faults.extend(found.0.into_iter().map(|(rule, message)| Fault {
                rule,
                pointer: at.clone(),
                message,
            })),
        }
    }
    fields.sort_by_key(|field| field.order);
    if faults.is_empty() {
        together(&fields, &pointer, &mut faults);
    }
    if !faults.is_empty() {
        return Err(faults);
    }
    let module = ident::module_name(type_name);
    let type_name = ident::struct_name(type_name);
    name_in_code(&type_name, &mut fields);
    Ok(Model {
        component: component.to_owned(),
        type_name,
        module,
        name: name.to_owned(),
        description: clean(text("description").unwrap_or_default()),
        source,
        output,
        fields,
        example: schema.get("example").cloned(),
    })
}

fn name_in_code(type_name: &str, fields: &mut [Field]) {
    let wires: Vec<_> = fields.iter().map(|field| field.wire.as_str()).collect();
    let names = ident::fields(&wires);
    for (field, name) in fields.iter_mut().zip(names) {
        field.ident = name;
    }
    let mut choices: Vec<_> = fields
        .iter_mut()
        .filter(|field| matches!(field.kind, Kind::Choice(_)))
        .collect();
    let idents: Vec<_> = choices.iter().map(|field| field.ident.as_str()).collect();
    let names = ident::types(type_name, &idents);
    for (field, name) in choices.iter_mut().zip(names) {
        field.enum_name = Some(name);
    }
}

/// What can be wrong between fields that are each in order.
fn together(fields: &[Field], pointer: &str, faults: &mut Vec<Fault>) {
    for (position, field) in fields.iter().enumerate() {
        let mut fault = |rule, message| {
            faults.push(Fault {
                rule,
                pointer: format!("{pointer}/properties/{}", field.wire),
                message,
            });
        };
        if field.order != position as u64 {
            fault(
                "model-order",
                format!(
                    "its `x-order` is {} where {position} comes next; number the fields from 0",
                    field.order
                ),
            );
        }
        for when in [&field.only_with, &field.not_with].into_iter().flatten() {
            let other = fields.iter().find(|other| other.wire == when.field);
            if !other.is_some_and(|other| other.takes(&when.value)) {
                fault(
                    "model-condition",
                    format!(
                        "no field `{}` takes `{}`; name another field and a value of it",
                        when.field, when.value
                    ),
                );
            }
        }
    }
}

/// Whether it is `owner/name`, with an owner and a name that can be sent as they stand.
pub(crate) fn is_model(name: &str) -> bool {
    let is_part = |part: &str| {
        part.len() <= 128
            && part.starts_with(|first: char| first.is_ascii_alphanumeric() || first == '_')
            && part
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
    };
    name.split_once('/')
        .is_some_and(|(owner, name)| is_part(owner) && is_part(name))
}
