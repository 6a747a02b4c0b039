//! A value that came as text: an argument, a cell of a table.

use serde_json::{Number, Value};

use crate::check::{InputProblem, InputProblemKind, shown};
use crate::json::{JsonError, json_or_text, parse_json};
use crate::model::{Field, Kind};

impl Field {
    /// Reads `text` as this field's type: `1984` is text where text is meant, and the word
    /// "1" where words are. Numbers and booleans are read from their usual spellings, a list
    /// from JSON or from its one item, null from `null` where null may be sent.
    ///
    /// Limits are not looked at: see [`Model::check`](crate::Model::check).
    ///
    /// ```
    /// use serde_json::json;
    ///
    /// let schnell = cometapi_models::find("black-forest-labs/flux-schnell").unwrap();
    /// assert_eq!(schnell.field("prompt").unwrap().read("1984")?, json!("1984"));
    /// assert_eq!(schnell.field("megapixels").unwrap().read("1")?, json!("1"));
    /// assert_eq!(schnell.field("seed").unwrap().read("1984")?, json!(1984));
    /// # Ok::<(), cometapi_models::InputProblem>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`InputProblemKind::WrongType`] when the text is not one of these, or is JSON that would be
    /// sent as something else than is written: see [`parse_json`](crate::parse_json).
    pub fn read(&self, text: &str) -> Result<Value, InputProblem> {
        let trimmed = text.trim();
        if self.nullable && trimmed == "null" {
            return Ok(Value::Null);
        }
        let value = match self.kind {
            Kind::Text | Kind::Choice { .. } | Kind::Image { .. } => Some(text.into()),
            Kind::Integer { .. } | Kind::IntegerChoice { .. } => whole(trimmed),
            Kind::Number { .. } => number(trimmed),
            Kind::Boolean => boolean(trimmed),
            Kind::Images { .. } | Kind::Strings { .. } => {
                items(text).map_err(|e| self.refused(&e))?
            }
            Kind::Json => Some(json_or_text(text).map_err(|e| self.refused(&e))?),
        };
        value.ok_or_else(|| {
            let message = format!(
                "{} is {}, it takes {}",
                self.name,
                shown(&text.into()),
                self.kind
            );
            InputProblem::new(self.name, InputProblemKind::WrongType, message)
        })
    }

    fn refused(&self, error: &JsonError) -> InputProblem {
        let message = format!("{}: {error}", self.name);
        InputProblem::new(self.name, InputProblemKind::WrongType, message)
    }
}

fn whole(text: &str) -> Option<Value> {
    let signed: Option<i64> = text.parse().ok();
    // A seed may have 64 bits.
    signed
        .map(Value::from)
        .or_else(|| text.parse::<u64>().ok().map(Value::from))
}

/// A number, whole if it is written so: 3 is not sent as 3.0.
fn number(text: &str) -> Option<Value> {
    match parse_json(text) {
        Ok(number @ Value::Number(_)) => Some(number),
        Ok(_) => None,
        // Not every spelling is JSON: +3, 03, .5
        Err(e) if e.is_not_json() => whole(text).or_else(|| {
            text.parse()
                .ok()
                .and_then(Number::from_f64)
                .map(Value::Number)
        }),
        Err(_) => None,
    }
}

fn boolean(text: &str) -> Option<Value> {
    // Tables write it in capitals.
    match text.to_ascii_lowercase().as_str() {
        "true" => Some(true.into()),
        "false" => Some(false.into()),
        _ => None,
    }
}

fn items(text: &str) -> Result<Option<Value>, JsonError> {
    if text.trim_start().starts_with('[') {
        return match parse_json(text) {
            Ok(list) => Ok(Some(list)),
            Err(e) if e.is_not_json() => Ok(None),
            Err(e) => Err(e),
        };
    }
    Ok(Some(Value::Array(vec![text.into()])))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use crate::{Model, find, models};

    #[test]
    fn the_type_of_the_field_reads_the_text() {
        let rows = [
            ("flux-schnell", "prompt", "1984", Some(json!("1984"))),
            ("flux-schnell", "prompt", "null", Some(json!("null"))),
            ("flux-schnell", "megapixels", "1", Some(json!("1"))),
            ("flux-schnell", "aspect_ratio", "16:9", Some(json!("16:9"))),
            ("flux-schnell", "num_outputs", " 4 ", Some(json!(4))),
            ("flux-schnell", "num_outputs", "4.0", None),
            ("flux-schnell", "num_outputs", "many", None),
            ("flux-schnell", "go_fast", "TRUE", Some(json!(true))),
            ("flux-schnell", "go_fast", "1", None),
            ("flux-schnell", "seed", "-1", Some(json!(-1))),
            (
                "flux-schnell",
                "seed",
                "18446744073709551615",
                Some(json!(u64::MAX)),
            ),
            ("flux-schnell", "seed", "null", None),
            ("flux-2-dev", "seed", "null", Some(json!(null))),
            ("flux-dev", "guidance", "3.5", Some(json!(3.5))),
            ("flux-dev", "guidance", "3", Some(json!(3))),
            ("flux-dev", "guidance", "NaN", None),
            (
                "flux-2-pro",
                "input_images",
                "https://example.com/a,b.png",
                Some(json!(["https://example.com/a,b.png"])),
            ),
            (
                "flux-2-pro",
                "input_images",
                r#"["https://example.com/a.png"]"#,
                Some(json!(["https://example.com/a.png"])),
            ),
            ("flux-2-pro", "input_images", "[nope", None),
            ("flux-2-pro", "input_images", r#"[{"a":1,"a":2}]"#, None),
            ("flux-dev", "guidance", "-.5", Some(json!(-0.5))),
            ("flux-dev", "guidance", "+3", Some(json!(3))),
            ("flux-dev", "guidance", "1e400", None),
            ("flux-dev", "guidance", "18446744073709551616", None),
            ("flux-dev", "guidance", "1e-400", None),
        ];
        for (model, field, text, expected) in rows {
            let model = find(&format!("black-forest-labs/{model}")).unwrap();
            let read = model.field(field).unwrap().read(text);
            assert_eq!(read.clone().ok(), expected, "{field}={text}: {read:?}");
            if let Err(problem) = read {
                assert!(problem.to_string().starts_with(field), "{problem}");
            }
        }
    }

    proptest! {
        #[test]
        fn no_text_is_too_odd_to_read(text in ".{0,60}") {
            for field in models().iter().flat_map(Model::fields) {
                let _ = field.read(&text);
            }
        }
    }
}
