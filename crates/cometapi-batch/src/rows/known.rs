//! What is known of a model's inputs.

use cometapi::ModelRef;
use cometapi::models::{Model, find, nearest};
use serde_json::{Map, Value};

/// A field, and what is wrong or odd about it.
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

/// The known model that one which is not known may have been meant for.
pub(crate) fn meant(model: &ModelRef) -> Option<&'static str> {
    nearest(&model.to_string()).map(Model::name)
}

/// Reads a table's cell as the model's field wants it; an empty cell is unset. What is not
/// known, or not as the field wants it, is JSON where it parses and text where not, but for
/// `prompt`; whether it fits is not asked here, but by [`check`].
pub(crate) fn cell(model: &ModelRef, field: &str, text: &str) -> Option<Value> {
    if text.is_empty() {
        return None;
    }
    let known = find(&model.to_string()).and_then(|model| model.field(field));
    if let Some(Ok(value)) = known.map(|field| field.read(text)) {
        return Some(value);
    }
    let json = (field != "prompt").then(|| serde_json::from_str(text).ok());
    Some(json.flatten().unwrap_or_else(|| text.into()))
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
        ];
        for (model, field, text, value) in rows {
            assert_eq!(cell(model, field, text), value, "{model} {field}={text}");
        }
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
        assert_eq!(check(&slip, input), Ok(Vec::new()));
        assert_eq!(meant(&slip), Some("black-forest-labs/flux-schnell"));
        assert_eq!(meant(&schnell), None);
    }
}
