//! An input held to what its model takes, before it costs.

mod problem;
#[cfg(test)]
mod tests;
mod value;

use std::fmt;

use serde_json::{Map, Value};

pub use self::problem::{InputProblem, InputProblemKind, InvalidInput, Warning};
use self::value::check_value;
pub(crate) use self::value::shown;
use crate::image::ImageInput;
use crate::model::{Condition, Field, Kind, Model};
use crate::registry::nearest_name;

impl Model {
    /// Checks `input`, as it is sent, against what the model is known to take. A number in quotes is
    /// of the wrong type, and `PNG` is not the choice `png`: [`normalize`](Self::normalize) reads
    /// them before.
    ///
    /// # Errors
    ///
    /// Every problem at once: unknown fields with the nearest name, wrong types, values out of
    /// range or not in the list, what is required and missing or empty, fields that count only with
    /// another.
    pub fn check(&self, input: &Map<String, Value>) -> Result<Vec<Warning>, InvalidInput> {
        let mut found = Found::default();
        for field in self.fields {
            match input.get(field.name) {
                Some(value) => given(field, value, input, self, &mut found),
                None if field.required => found.problem(
                    field.name,
                    InputProblemKind::Missing,
                    format!("{} is missing, it takes {}", field.name, field.kind),
                ),
                None => {}
            }
        }
        for name in input.keys().filter(|name| self.field(name).is_none()) {
            unknown(name, self, &mut found);
        }
        if found.problems.is_empty() {
            return Ok(found.warnings);
        }
        Err(InvalidInput::new(self.name, found.problems))
    }

    /// Returns the field that `name`, which is no field, is likely a slip for.
    ///
    /// ```
    /// let schnell = cometapi_models::find("flux-schnell").unwrap();
    /// let near = |name| schnell.nearest_field(name).map(|field| field.name());
    /// assert_eq!(near("aspect-ratios"), Some("aspect_ratio"));
    /// assert_eq!(near("client"), None);
    /// ```
    pub fn nearest_field(&self, name: &str) -> Option<&'static Field> {
        let own = self.fields.iter().filter(|field| !field.gateway_only);
        self.field(nearest_name(name, own.map(|field| field.name))?)
    }
}

#[derive(Default)]
struct Found {
    problems: Vec<InputProblem>,
    warnings: Vec<Warning>,
}

impl Found {
    fn problem(&mut self, field: &str, kind: InputProblemKind, message: String) {
        self.problems.push(InputProblem::new(field, kind, message));
    }

    fn warning(&mut self, field: &str, message: String) {
        self.warnings.push(Warning::new(field, message));
    }
}

fn unknown(name: &str, model: &Model, found: &mut Found) {
    let near = model.nearest_field(name).map(Field::name);
    let name = value::cut(name);
    let message = match near {
        Some(near) => format!("{name} is not one of its fields, did you mean {near}?"),
        None => format!("{name} is not one of its fields"),
    };
    // Said once: it is not missing, it is misspelt.
    found.problems.retain(|problem| {
        problem.kind() != InputProblemKind::Missing || Some(problem.field()) != near
    });
    found.problem(&name, InputProblemKind::UnknownField, message);
}

fn given(
    field: &Field,
    value: &Value,
    input: &Map<String, Value>,
    model: &Model,
    found: &mut Found,
) {
    let name = field.name;
    if field.gateway_only {
        found.warning(
            name,
            format!("{name} is shown by the gateway's pages only, the model may not take it"),
        );
    }
    if value.is_null() {
        if !field.nullable && field.kind != Kind::Json {
            found.problem(
                name,
                InputProblemKind::WrongType,
                format!(
                    "{name} is null, it takes {}; leave it out instead",
                    field.kind
                ),
            );
        }
        return;
    }
    if field.deprecated {
        found.warning(name, format!("{name} is deprecated by the model"));
    }
    if let Some((kind, message)) = check_value(field, value) {
        found.problem(name, kind, message);
        return;
    }
    if field.required && field.kind == Kind::Text && value.as_str().is_some_and(is_empty_text) {
        let message = format!("{name} is empty, it takes {}", field.kind);
        found.problem(name, InputProblemKind::Missing, message);
    }
    if let (Some(step), Some(number)) = (field.rounded_to, value.as_i64())
        && number % step != 0
    {
        found.warning(
            name,
            format!("{name} is {number}, the model rounds it to a multiple of {step}"),
        );
    }
    for image in images(field, value).filter(|image| is_large(image)) {
        found.warning(
            name,
            format!(
                "{name} holds a data uri of {} kB, documented are 256 kB; an address is better",
                image.len() / 1024
            ),
        );
    }
    if let Some(when) = field.only_with.filter(|when| !holds(when, input, model)) {
        let message = format!("{name} counts only with {when}; set that too, or leave {name} out");
        found.problem(name, InputProblemKind::OnlyWith, message);
    }
    if let Some(when) = field.not_with.filter(|when| holds(when, input, model)) {
        found.warning(name, format!("{name} does not count with {when}"));
    }
}

/// Whether it is empty or whitespace. A prediction on such a prompt costs as much as any other.
fn is_empty_text(text: &str) -> bool {
    text.trim().is_empty()
}

fn images<'v>(field: &Field, value: &'v Value) -> impl Iterator<Item = &'v str> {
    let one = matches!(field.kind, Kind::Image { .. }).then_some(value);
    let many = match (field.kind, value) {
        (Kind::Images { .. }, Value::Array(items)) => items.as_slice(),
        _ => &[],
    };
    one.into_iter().chain(many).filter_map(Value::as_str)
}

/// Whether it is a data URI of more than is documented; four letters hold three bytes.
fn is_large(image: &str) -> bool {
    image.len() / 4 * 3 > ImageInput::DOCUMENTED_LIMIT + 64
        && image
            .get(..5)
            .is_some_and(|head| head.eq_ignore_ascii_case("data:"))
}

/// Whether the other field has the value, given or by default.
fn holds(when: &Condition, input: &Map<String, Value>, model: &Model) -> bool {
    match input.get(when.field) {
        Some(Value::String(given)) => given == when.value,
        Some(Value::Null) | None => {
            let other = model.field(when.field);
            other.and_then(|field| field.default) == Some(when.value)
        }
        Some(other) => serde_json::to_string(other).is_ok_and(|given| given == when.value),
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.field, self.value)
    }
}
