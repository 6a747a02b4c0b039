//! What is known of a model's inputs.

use cometapi::ModelRef;
use cometapi::models::{Kind, Model, OutputKind, candidates, find, json_or_text, misspelled};
use serde_json::{Map, Value};

use crate::rows::columns;

/// A field, and what is or may be wrong with it.
pub(crate) type Remark = (String, String);

/// Checks an input before it costs: warnings, or problems. Of a model that is not known,
/// nothing is refused.
pub(crate) fn check(
    model: &ModelRef,
    input: &Map<String, Value>,
) -> Result<Vec<Remark>, Vec<Remark>> {
    let Some(known) = find(&model.to_string()) else {
        return Ok(Vec::new());
    };
    match known.check(input) {
        Ok(warnings) => Ok(warnings
            .iter()
            .map(|warning| (warning.field().to_owned(), warning.to_string()))
            .collect()),
        Err(invalid) => Err(invalid
            .problems()
            .iter()
            .map(|problem| (problem.field().to_owned(), problem.to_string()))
            .collect()),
    }
}

/// How many files a prediction on `input` returns, as far as model and input say it.
pub(crate) fn files(model: &ModelRef, input: &Map<String, Value>) -> u64 {
    const COUNT: &str = "num_outputs";

    let known = find(&model.to_string());
    match known.map(Model::output_kind) {
        Some(kind) if !kind.is_files() => return 0,
        Some(OutputKind::OneFile) => return 1,
        _ => {}
    }
    let given = input.get(COUNT).and_then(Value::as_u64);
    let default = || known?.field(COUNT)?.default()?.parse().ok();
    given.or_else(default).unwrap_or(1)
}

/// Reads the numbers and booleans that are written as strings and other spellings of a choice, as the
/// model's fields take them.
pub(crate) fn normalize(model: &ModelRef, input: &mut Map<String, Value>) {
    if let Some(known) = find(&model.to_string()) {
        known.normalize(input);
    }
}

/// What may be wrong with a model's name: the known model that it may be meant for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Meant {
    pub(crate) name: &'static str,
    /// Whether it is sure enough to refuse the name.
    pub(crate) is_misspelled: bool,
}

/// `None` for a known model, and for one that is like no known one.
pub(crate) fn meant(model: &ModelRef) -> Option<Meant> {
    let name = model.to_string();
    let misspelled = misspelled(&name);
    let meant = misspelled.or_else(|| candidates(&name).first().copied());
    meant.map(|meant| Meant {
        name: Model::name(meant),
        is_misspelled: misspelled.is_some(),
    })
}

/// Reads a table's cell as its model's field takes it; an empty cell is unset. A field that is
/// not known, and a cell that its field cannot read, is JSON where it parses and text otherwise,
/// except `prompt`; whether it fits is left to [`check`]. With a decimal comma, a number may be
/// written as `3,5`.
///
/// # Errors
///
/// The cell is JSON that would be sent as something else than is written.
pub(crate) fn cell(
    model: &ModelRef,
    field: &str,
    text: &str,
    has_decimal_comma: bool,
) -> Result<Option<Value>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    // A tool that rewrites the line endings of a file does so within cells, too.
    let text = text.replace("\r\n", "\n");
    let known = find(&model.to_string()).and_then(|model| model.field(field));
    let is_number = known.is_some_and(|field| matches!(field.kind(), Kind::Number { .. }));
    let text = match with_point(&text) {
        Some(number) if has_decimal_comma && is_number => number,
        _ => text,
    };
    if let Some(Ok(value)) = known.map(|field| field.read(&text)) {
        return Ok(Some(value));
    }
    if field == "prompt" {
        return Ok(Some(text.into()));
    }
    json_or_text(&text).map(Some).map_err(|e| {
        format!(
            "{}: to send it as text, write the rows as JSON",
            e.message()
        )
    })
}

/// The cell of a CSV file under the column `field` that is read as `value` for this model; `None` if no cell
/// is, or if the column is not read as the field. `unchecked` is as for
/// [`Batch::unchecked`](crate::Batch::unchecked).
///
/// ```
/// use cometapi_batch::csv_cell;
/// use serde_json::json;
///
/// let model = "acme/painter".parse()?;
/// let cell = |value| csv_cell(&model, "colour", &value, false);
/// assert_eq!(cell(json!("red")).as_deref(), Some("red"));
/// assert_eq!(cell(json!("7")).as_deref(), Some("\"7\""));
/// assert_eq!(cell(json!({"r": 1})).as_deref(), Some("{\"r\":1}"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn csv_cell(model: &ModelRef, field: &str, value: &Value, unchecked: bool) -> Option<String> {
    if !columns::is_field(field, model, unchecked) {
        return None;
    }
    let plain = value.as_str().map(str::to_owned);
    let candidates = plain.into_iter().chain([value.to_string()]);
    candidates
        .into_iter()
        // A file that holds a NUL is not read as text.
        .filter(|text| !text.contains('\0'))
        .find(|text| matches!(cell(model, field, text, false), Ok(Some(read)) if read == *value))
}

/// `3.5` for `3,5`.
fn with_point(text: &str) -> Option<String> {
    let (whole, part) = text.trim().split_once(',')?;
    let digits = whole.strip_prefix(['-', '+']).unwrap_or(whole);
    let is_number = [digits, part]
        .iter()
        .all(|digits| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()));
    is_number.then(|| format!("{whole}.{part}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_cell_is_read_as_the_field_of_its_model() {
        let schnell = "black-forest-labs/flux-schnell".parse().unwrap();
        let other = "acme/portrait".parse().unwrap();
        let rows = [
            (&schnell, "megapixels", "1", Some(json!("1"))),
            (&other, "megapixels", "1", Some(json!(1))),
            (&schnell, "prompt", "1984", Some(json!("1984"))),
            (&other, "prompt", "1984", Some(json!("1984"))),
            (&schnell, "seed", "", None),
            (&schnell, "go_fast", "FALSE", Some(json!(false))),
            (&other, "go_fast", "FALSE", Some(json!("FALSE"))),
            (&schnell, "seed", "many", Some(json!("many"))),
            (&schnell, "seed", "1.5", Some(json!(1.5))),
            (&other, "text", "a\r\nb\r\n", Some(json!("a\nb\n"))),
        ];
        for (model, field, text, value) in rows {
            for has_decimal_comma in [false, true] {
                let read = cell(model, field, text, has_decimal_comma);
                assert_eq!(read, Ok(value.clone()), "{model} {field}={text}");
            }
        }
        for (model, field, text) in [
            (&other, "seed", "123456789012345678901234"),
            (&schnell, "seed", "123456789012345678901234"),
            (&other, "scale", "1e400"),
            (&other, "options", r#"{"a": 1, "a": 2}"#),
        ] {
            let read = cell(model, field, text, true);
            assert!(read.is_err(), "{model} {field}={text}");
        }
    }

    #[test]
    fn a_number_may_have_a_decimal_comma_where_commas_separate_no_cells() {
        let dev = "black-forest-labs/flux-dev".parse().unwrap();
        let other = "acme/portrait".parse().unwrap();
        for (model, field, text, value) in [
            (&dev, "guidance", "3,5", json!(3.5)),
            (&dev, "guidance", " -0,25 ", json!(-0.25)),
            (&dev, "guidance", "3.5", json!(3.5)),
            (&dev, "guidance", "3", json!(3)),
            (&dev, "guidance", "1.000,5", json!("1.000,5")),
            (&dev, "guidance", "3,", json!("3,")),
            (&dev, "seed", "3,5", json!("3,5")),
            (&dev, "prompt", "3,5", json!("3,5")),
            (&other, "guidance", "3,5", json!("3,5")),
        ] {
            assert_eq!(cell(model, field, text, true), Ok(Some(value)), "{text}");
        }
        assert_eq!(cell(&dev, "guidance", "3,5", false), Ok(Some(json!("3,5"))));
    }

    #[test]
    fn inputs_of_known_models_are_checked() {
        let schnell = "black-forest-labs/flux-schnell".parse().unwrap();
        let slip = "black-forest-labs/flux-schnel".parse().unwrap();
        let input = json!({"prompt": "x", "num_outputs": 9});
        let input = input.as_object().unwrap();
        let problem = (
            "num_outputs".to_owned(),
            "num_outputs is 9, it takes 1–4".to_owned(),
        );
        assert_eq!(check(&schnell, input), Err(vec![problem]));
        let empty = json!({"prompt": " "});
        let problem = (
            "prompt".to_owned(),
            "prompt is empty, it takes text".to_owned(),
        );
        let checked = check(&schnell, empty.as_object().unwrap());
        assert_eq!(checked, Err(vec![problem]));
        assert_eq!(check(&slip, input), Ok(Vec::new()));
    }

    #[test]
    fn a_misspelled_name_is_refused_and_a_similar_one_is_not() {
        let name = "black-forest-labs/flux-schnell";
        for (model, is_misspelled) in [
            ("black-forest-labs/flux-schnel", Some(true)),
            ("black-forest-labs/FLUX-schnell", Some(true)),
            ("black-forest-labs/flux_schnell", Some(false)),
            (name, None),
            ("flux-schnell", None),
            ("acme/portrait", None),
        ] {
            let expected = is_misspelled.map(|is_misspelled| Meant {
                name,
                is_misspelled,
            });
            assert_eq!(meant(&model.parse().unwrap()), expected, "{model}");
        }
    }

    #[test]
    fn another_spelling_of_a_choice_is_read_for_known_models() {
        let read = |model: &str| {
            let mut input = Map::from_iter([("output_format".to_owned(), json!("JPEG"))]);
            normalize(&model.parse().unwrap(), &mut input);
            input["output_format"].clone()
        };
        assert_eq!(read("flux-schnell"), json!("jpg"));
        assert_eq!(read("acme/portrait"), json!("JPEG"));
    }

    #[test]
    fn numbers_in_quotes_are_read_for_known_models() {
        let read = |model: &str| {
            let mut input = Map::from_iter([("seed".to_owned(), json!("7"))]);
            normalize(&model.parse().unwrap(), &mut input);
            input["seed"].clone()
        };
        assert_eq!(read("flux-schnell"), json!(7));
        assert_eq!(read("acme/portrait"), json!("7"));
    }
}
