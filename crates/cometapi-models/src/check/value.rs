//! What is wrong with a value by itself.

use serde_json::Value;

use super::problem::InputProblemKind;
use crate::media;
use crate::model::{Field, Kind};

/// What is wrong with `value` as this field's, and what would be right.
pub(super) fn check_value(field: &Field, value: &Value) -> Option<(InputProblemKind, String)> {
    let name = field.name;
    let wrong = |kind| {
        Some((
            kind,
            format!("{name} is {}, it takes {}", shown(value), field.kind),
        ))
    };
    // Whether the value fits, if it is of the right type.
    let tested = |fits: Option<bool>, kind| match fits {
        Some(true) => None,
        Some(false) => wrong(kind),
        None => wrong(InputProblemKind::WrongType),
    };
    match field.kind {
        Kind::Text if value.is_string() => None,
        Kind::Boolean if value.is_boolean() => None,
        Kind::Json => None,
        Kind::Choice { values } => tested(
            value.as_str().map(|word| values.contains(&word)),
            InputProblemKind::NotInList,
        ),
        Kind::IntegerChoice { values } => tested(
            integer(value).map(|number| values.iter().any(|known| i128::from(*known) == number)),
            InputProblemKind::NotInList,
        ),
        Kind::Integer { minimum, maximum } => {
            let (minimum, maximum) = (minimum.map(i128::from), maximum.map(i128::from));
            tested(
                integer(value).map(|number| is_within(number, minimum, maximum)),
                InputProblemKind::OutOfRange,
            )
        }
        Kind::Number { minimum, maximum } => tested(
            value
                .as_f64()
                .map(|number| is_within(number, minimum, maximum)),
            InputProblemKind::OutOfRange,
        ),
        Kind::Image { accepts } => check_image(name, value, accepts),
        Kind::Images {
            accepts,
            min_items,
            max_items,
        } => match value {
            Value::Array(items) => check_count(field, items, min_items, max_items).or_else(|| {
                items
                    .iter()
                    .find_map(|item| check_image(name, item, accepts))
            }),
            _ => wrong(InputProblemKind::WrongType),
        },
        Kind::Strings {
            min_items,
            max_items,
        } => match value {
            Value::Array(items) if items.iter().all(Value::is_string) => {
                check_count(field, items, min_items, max_items)
            }
            _ => wrong(InputProblemKind::WrongType),
        },
        Kind::Text | Kind::Boolean => wrong(InputProblemKind::WrongType),
    }
}

fn is_within<T: PartialOrd>(number: T, minimum: Option<T>, maximum: Option<T>) -> bool {
    minimum.is_none_or(|minimum| minimum <= number)
        && maximum.is_none_or(|maximum| number <= maximum)
}

fn check_count(
    field: &Field,
    items: &[Value],
    min_items: Option<usize>,
    max_items: Option<usize>,
) -> Option<(InputProblemKind, String)> {
    let held = items.len();
    let limit = match (min_items, max_items) {
        (Some(least), _) if held < least => format!("{least} at least"),
        (_, Some(most)) if held > most => format!("{most} at most"),
        _ => return None,
    };
    let message = format!("{} holds {held} items, it takes {limit}", field.name);
    Some((InputProblemKind::OutOfRange, message))
}

fn check_image(name: &str, value: &Value, accepts: &[&str]) -> Option<(InputProblemKind, String)> {
    let wrong = |message| Some((InputProblemKind::WrongType, message));
    let Some(text) = value.as_str() else {
        return wrong(format!(
            "{name} is {}, it takes an address or a data uri",
            shown(value)
        ));
    };
    let scheme = text
        .split_once(':')
        .map(|(scheme, _)| scheme.to_ascii_lowercase());
    match scheme.as_deref() {
        Some("http" | "https") => match url::Url::parse(text) {
            Ok(_) => None,
            Err(e) => wrong(format!("{name} is no address that can be fetched: {e}")),
        },
        Some("data") => {
            let head = text.split_once(',').map(|(head, _)| &head["data:".len()..]);
            match head.map(media::essence) {
                None => wrong(format!(
                    "{name} is a data uri without a comma before its data"
                )),
                Some(Some(kind)) if !accepts.is_empty() && !accepts.contains(&kind.as_str()) => {
                    wrong(format!("{name} is {kind}, it takes {}", accepts.join(", ")))
                }
                Some(_) => None,
            }
        }
        _ => wrong(format!(
            "{name} is {}, it takes an address (https://…) or a data uri",
            shown(value)
        )),
    }
}

/// A whole number, also when it is written 4.0, or is beyond what most fields hold: a seed may
/// have 64 bits.
fn integer(value: &Value) -> Option<i128> {
    if let Some(number) = value.as_i64() {
        return Some(number.into());
    }
    if let Some(number) = value.as_u64() {
        return Some(number.into());
    }
    let number = value.as_f64()?;
    // Within it every whole number has a form of its own.
    let exact = number.fract() == 0.0 && number.abs() < 9_007_199_254_740_992.0;
    #[expect(clippy::cast_possible_truncation, reason = "whole and small enough")]
    exact.then_some(number as i128)
}

/// A value in a sentence: as it stands when it is short, what it is when it is long.
pub(crate) fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => format!("{:?}", cut(text)),
        Value::Array(items) => format!("a list of {}", items.len()),
        Value::Object(_) => "an object".to_owned(),
        other => other.to_string(),
    }
}

pub(super) fn cut(text: &str) -> String {
    match text.char_indices().nth(40) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
