//! A value that came as text: an argument, a cell of a table, a string in JSON.

use serde_json::{Map, Number, Value};

use crate::check::{InputProblem, InputProblemKind, shown};
use crate::json::{JsonError, json_or_text, parse_json};
use crate::model::{Field, Kind, Model};
use crate::spelling::spelled;

impl Model {
    /// Reads each string whose field takes a number or a boolean, as [`Field::read`] reads a cell
    /// of a table: `"2"` becomes `2`, `"TRUE"` becomes `true`. Many published example inputs are
    /// written so, and the model itself refuses them.
    ///
    /// Replaces each string whose field takes one of some words by the word that it spells: letters
    /// of another case (`"PNG"` for `png`), and `jpeg` and `jpg` for each other. A string that spells
    /// several of the words, or is one of them, is left as it is.
    ///
    /// Everything else is left as it is, also a string that cannot be read. [`check`](Self::check)
    /// judges an input as it is sent, so it is called after this. The client does both, unless an
    /// input is sent unchecked.
    ///
    /// ```
    /// use serde_json::json;
    ///
    /// let schnell = cometapi_models::find("flux-schnell").unwrap();
    /// let mut input = json!({"prompt": "7", "num_outputs": "2", "seed": "any"});
    /// schnell.normalize(input.as_object_mut().unwrap());
    /// assert_eq!(input, json!({"prompt": "7", "num_outputs": 2, "seed": "any"}));
    ///
    /// let mut input = json!({"prompt": "JPEG", "output_format": "JPEG"});
    /// schnell.normalize(input.as_object_mut().unwrap());
    /// assert_eq!(input, json!({"prompt": "JPEG", "output_format": "jpg"}));
    /// ```
    pub fn normalize(&self, input: &mut Map<String, Value>) {
        for (name, value) in input.iter_mut() {
            let Value::String(text) = &*value else {
                continue;
            };
            if let Some(read) = self.field(name).and_then(|field| field.normalized(text)) {
                *value = read;
            }
        }
    }
}

impl Field {
    /// Reads `text` as this field's type: `1984` is text where text is meant, and the word
    /// "1" where words are. Numbers and booleans are read from their usual spellings, a list
    /// from JSON or from its one item, null from `null` where null may be sent.
    ///
    /// Limits are not looked at, and words are not corrected: see [`Model::check`] and
    /// [`Model::normalize`].
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

    /// The number, the boolean or the choice that `text` stands for, if the field takes one.
    fn normalized(&self, text: &str) -> Option<Value> {
        match self.kind {
            Kind::Integer { .. }
            | Kind::IntegerChoice { .. }
            | Kind::Number { .. }
            | Kind::Boolean => self.read(text).ok(),
            Kind::Choice { values } => spelled(values, text).map(Value::from),
            Kind::Text
            | Kind::Image { .. }
            | Kind::Images { .. }
            | Kind::Strings { .. }
            | Kind::Json => None,
        }
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
    use serde_json::{Map, Value, json};

    use crate::model::{Field, Kind, OutputKind};
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

    #[test]
    fn a_string_is_read_where_a_number_or_a_boolean_is_meant() {
        for (model, field, value, expected) in [
            ("flux-schnell", "num_outputs", json!("2"), json!(2)),
            ("flux-schnell", "num_outputs", json!(" 2 "), json!(2)),
            ("flux-schnell", "num_outputs", json!("9"), json!(9)),
            ("flux-schnell", "num_outputs", json!("2.0"), json!("2.0")),
            ("flux-schnell", "num_outputs", json!("many"), json!("many")),
            ("flux-schnell", "num_outputs", json!(""), json!("")),
            ("flux-schnell", "num_outputs", json!(["2"]), json!(["2"])),
            ("flux-schnell", "go_fast", json!("true"), json!(true)),
            ("flux-schnell", "go_fast", json!("False"), json!(false)),
            ("flux-schnell", "go_fast", json!("maybe"), json!("maybe")),
            ("flux-schnell", "seed", json!("null"), json!("null")),
            ("flux-2-dev", "seed", json!("null"), json!(null)),
            ("flux-dev", "guidance", json!("3.5"), json!(3.5)),
            ("flux-dev", "guidance", json!("1e400"), json!("1e400")),
            // Words stay words, and text stays text.
            ("flux-schnell", "megapixels", json!("1"), json!("1")),
            ("flux-schnell", "megapixels", json!(1), json!(1)),
            ("flux-schnell", "prompt", json!("1984"), json!("1984")),
            ("flux-schnell", "prompt", json!("JPEG"), json!("JPEG")),
            ("flux-schnell", "hat", json!("1"), json!("1")),
            ("flux-2-pro", "input_images", json!("a"), json!("a")),
        ] {
            let mut input = Map::from_iter([(field.to_owned(), value.clone())]);
            find(model).unwrap().normalize(&mut input);
            assert_eq!(input[field], expected, "{field}: {value}");
        }
    }

    #[test]
    fn a_choice_is_read_from_another_spelling_of_it() {
        for (model, field, text, expected) in [
            ("flux-schnell", "output_format", "jpeg", "jpg"),
            ("flux-schnell", "output_format", "JPEG", "jpg"),
            ("flux-schnell", "output_format", "PNG", "png"),
            ("flux-schnell", "output_format", "WebP", "webp"),
            ("flux-schnell", "output_format", "jpe", "jpe"),
            ("flux-schnell", "output_format", ".png", ".png"),
            ("flux-pro", "aspect_ratio", "Custom", "custom"),
            ("flux-2-pro", "resolution", "1 mp", "1 MP"),
            ("ideogram-v2", "magic_prompt_option", "on", "On"),
        ] {
            let model = find(model).unwrap();
            let mut input = Map::from_iter([(field.to_owned(), json!(text))]);
            model.normalize(&mut input);
            assert_eq!(input[field], expected, "{field}: {text}");
        }
    }

    #[test]
    fn every_choice_of_every_model_is_read_from_any_case_and_from_no_other_word() {
        for model in models() {
            for field in model.fields() {
                let Kind::Choice { values } = field.kind() else {
                    continue;
                };
                for value in values {
                    for text in [
                        (*value).to_owned(),
                        value.to_uppercase(),
                        value.to_lowercase(),
                    ] {
                        let mut input = Map::from_iter([(field.name().to_owned(), json!(text))]);
                        model.normalize(&mut input);
                        assert_eq!(input[field.name()], **value, "{}: {text}", field.name());
                    }
                    let other = json!(format!("{value}x"));
                    let mut input = Map::from_iter([(field.name().to_owned(), other.clone())]);
                    model.normalize(&mut input);
                    assert_eq!(input[field.name()], other);
                }
            }
        }
    }

    /// No known model needs to have a list of numbers to choose from.
    #[test]
    fn a_string_is_read_where_one_of_some_numbers_is_meant() {
        const FIELDS: &[Field] = &[Field {
            name: "upscale",
            kind: Kind::IntegerChoice { values: &[2, 4] },
            ..Field::DEFAULT
        }];
        let model = Model {
            name: "acme/upscale",
            description: "",
            source: "",
            output_kind: OutputKind::OneFile,
            fields: FIELDS,
            schema: "{}",
        };
        let mut input = Map::from_iter([("upscale".to_owned(), json!("4"))]);
        model.normalize(&mut input);
        assert_eq!(input["upscale"], json!(4));
        assert!(model.check(&input).is_ok());
    }

    /// A value that is not a string is never touched, and what is read is not read again.
    fn assert_settled(model: &Model, input: &Map<String, Value>) {
        let mut read = input.clone();
        model.normalize(&mut read);
        for (name, value) in input {
            assert!(value.is_string() || read[name] == *value, "{name}");
        }
        let mut again = read.clone();
        model.normalize(&mut again);
        assert_eq!(again, read);
    }

    proptest! {
        #[test]
        fn reading_an_input_twice_is_reading_it_once(text in ".{0,12}|-?[0-9.eE+]{1,9}|(?i)(true|jpe?g|png|auto|custom)") {
            for model in models() {
                let fields = model.fields().iter();
                let names = fields.map(|field| field.name().to_owned());
                let input: Map<_, Value> = names.map(|name| (name, text.as_str().into())).collect();
                assert_settled(model, &input);
                let input = Map::from_iter([("seed".to_owned(), json!([text]))]);
                assert_settled(model, &input);
            }
        }

        /// What the check says of an input that was read is what it says of the values meant.
        #[test]
        fn a_number_in_quotes_is_judged_as_the_number(number: i16) {
            for model in models() {
                for field in model.fields() {
                    if !matches!(field.kind(), Kind::Integer { .. } | Kind::Number { .. }) {
                        continue;
                    }
                    let of = |value: Value| Map::from_iter([(field.name().to_owned(), value)]);
                    let mut quoted = of(number.to_string().into());
                    model.normalize(&mut quoted);
                    prop_assert_eq!(model.check(&quoted), model.check(&of(number.into())));
                }
            }
        }

        #[test]
        fn no_text_is_too_odd_to_read(text in ".{0,60}") {
            for field in models().iter().flat_map(Model::fields) {
                let _ = field.read(&text);
            }
        }
    }
}
