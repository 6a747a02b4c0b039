//! A create's `input`: what the mock itself needs to know of it.
//!
//! For the known models the fields that decide what is drawn are checked, and refused as the
//! provider would (422, E3). Every other field is let through unread.

use serde_json::{Map, Value};

use crate::models::{Model, Output};
use crate::picture::{Format, Size};

/// What to draw.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Order {
    pub(crate) prompt: String,
    pub(crate) seed: Option<u64>,
    pub(crate) count: u32,
    pub(crate) output: Output,
    pub(crate) format: Format,
    /// Of JPEG, 1 to 100.
    pub(crate) quality: u8,
    pub(crate) size: Size,
}

/// A field and what is wrong with it.
pub(crate) type Fault = (String, String);

/// Reads an input. `model` is `None` for a model whose inputs are not known: then nothing is
/// refused, and what does not make sense is left at its default.
pub(crate) fn read(model: Option<&Model>, input: &Map<String, Value>) -> Result<Order, Vec<Fault>> {
    if let Some(model) = model {
        let faults = check(model, input);
        if !faults.is_empty() {
            return Err(faults);
        }
    }

    let text = |name: &str| input.get(name).and_then(Value::as_str);
    let number = |name: &str| input.get(name).and_then(Value::as_u64);
    let output = model.map_or(Output::List, |model| model.output);
    let format = text("output_format")
        .and_then(Format::parse)
        .or_else(|| Format::parse(model?.default_format))
        .unwrap_or(Format::Webp);
    let count = match output {
        Output::List => number("num_outputs").unwrap_or(1).clamp(1, 4),
        Output::Single => 1,
    };
    Ok(Order {
        prompt: text("prompt").unwrap_or_default().to_owned(),
        seed: input.get("seed").and_then(seed),
        // Both are clamped to what fits.
        count: u32::try_from(count).unwrap_or(1),
        output,
        format,
        quality: u8::try_from(number("output_quality").unwrap_or(80).clamp(1, 100)).unwrap_or(80),
        size: size(model, input),
    })
}

fn seed(value: &Value) -> Option<u64> {
    value
        .as_u64()
        .or_else(|| value.as_i64().map(i64::cast_unsigned))
}

fn size(model: Option<&Model>, input: &Map<String, Value>) -> Size {
    let text = |name: &str| input.get(name).and_then(Value::as_str);
    let side = |name: &str| input.get(name).and_then(Value::as_u64);
    let ratio = text("aspect_ratio").unwrap_or("1:1");
    let megapixels = text("megapixels").or_else(|| text("resolution"));
    match (ratio, side("width"), side("height")) {
        ("custom", Some(width), Some(height)) => Size::custom(
            width,
            height,
            model.map_or(1440, |model| model.longest_side),
        ),
        _ => Size::of_ratio(ratio, megapixels),
    }
}

fn check(model: &Model, input: &Map<String, Value>) -> Vec<Fault> {
    let mut faults = Vec::new();
    let mut refuse = |field: &str, what: String| faults.push((field.to_owned(), what));

    match input.get("prompt") {
        Some(Value::String(_)) => {}
        Some(_) => refuse("input.prompt", "Invalid type. Expected: string".to_owned()),
        None => refuse("input", "prompt is required".to_owned()),
    }
    for (name, allowed) in [
        ("aspect_ratio", model.ratios),
        ("output_format", model.formats),
    ] {
        let known = match input.get(name) {
            None => true,
            Some(value) => value.as_str().is_some_and(|text| allowed.contains(&text)),
        };
        if !known {
            let words: Vec<_> = allowed.iter().map(|word| format!("\"{word}\"")).collect();
            refuse(
                &format!("input.{name}"),
                format!("{name} must be one of the following: {}", words.join(", ")),
            );
        }
    }
    if let (Output::List, Some(count)) = (model.output, input.get("num_outputs")) {
        let what = match count.as_i64() {
            None => Some("Invalid type. Expected: integer"),
            Some(..1) => Some("Must be greater than or equal to 1"),
            Some(5..) => Some("Must be less than or equal to 4"),
            Some(1..=4) => None,
        };
        if let Some(what) = what {
            refuse("input.num_outputs", what.to_owned());
        }
    }
    faults
}

/// The same JSON with the keys of every object in order, as the service echoes it
/// (documented in samples). Done by hand: whether `serde_json` sorts depends on a feature
/// that any other crate may turn on.
pub(crate) fn sorted(value: Value) -> Value {
    match value {
        Value::Object(members) => {
            let mut members: Vec<_> = members.into_iter().collect();
            members.sort_by(|(one, _), (other, _)| one.cmp(other));
            let members = members
                .into_iter()
                .map(|(name, value)| (name, sorted(value)));
            Value::Object(members.collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(sorted).collect()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::models;

    fn order(model: &str, input: Value) -> Result<Order, Vec<Fault>> {
        let Value::Object(input) = input else {
            panic!("an input is an object")
        };
        read(models::find(model), &input)
    }

    const SCHNELL: &str = "black-forest-labs/flux-schnell";
    const KONTEXT: &str = "black-forest-labs/flux-kontext-pro";

    #[test]
    fn defaults_are_the_models_own() {
        let schnell = order(SCHNELL, json!({"prompt": "p"})).unwrap();
        assert_eq!(schnell.format, Format::Webp);
        assert_eq!((schnell.size.width, schnell.size.height), (1024, 1024));
        assert_eq!(
            (schnell.count, schnell.quality, schnell.seed),
            (1, 80, None)
        );
        let kontext = order(KONTEXT, json!({"prompt": "p"})).unwrap();
        assert_eq!(kontext.format, Format::Png);
        assert_eq!(kontext.output, Output::Single);
    }

    #[track_caller]
    fn refused(model: &str, input: Value, field: &str, what: &str) {
        let faults = order(model, input).unwrap_err();
        assert_eq!(faults.len(), 1, "{faults:?}");
        assert_eq!(faults[0].0, field);
        assert!(faults[0].1.contains(what), "{faults:?}");
    }

    #[test]
    fn refuses_what_the_provider_would() {
        refused(SCHNELL, json!({}), "input", "prompt is required");
        refused(SCHNELL, json!({"prompt": 7}), "input.prompt", "string");
        let with = |name: &str, value: Value| json!({"prompt": "p", name: value});
        refused(
            SCHNELL,
            with("num_outputs", json!(5)),
            "input.num_outputs",
            "less than or equal to 4",
        );
        refused(
            SCHNELL,
            with("num_outputs", json!(0)),
            "input.num_outputs",
            "greater than or equal to 1",
        );
        refused(
            SCHNELL,
            with("num_outputs", json!("2")),
            "input.num_outputs",
            "integer",
        );
        refused(
            SCHNELL,
            with("aspect_ratio", json!("2:1")),
            "input.aspect_ratio",
            "\"21:9\"",
        );
        refused(
            KONTEXT,
            with("output_format", json!("webp")),
            "input.output_format",
            "\"jpg\", \"png\"",
        );
    }

    #[test]
    fn an_unknown_model_is_never_refused() {
        let order = order("a/b", json!({"num_outputs": 99, "aspect_ratio": "huge"})).unwrap();
        assert_eq!((order.count, order.size.width), (4, 1024));
    }

    #[test]
    fn a_custom_size_needs_both_sides() {
        let pro = "black-forest-labs/flux-pro";
        let custom = order(
            pro,
            json!({"prompt": "p", "aspect_ratio": "custom", "width": 500, "height": 9000}),
        )
        .unwrap();
        assert_eq!((custom.size.width, custom.size.height), (512, 1440));
        let half = order(
            pro,
            json!({"prompt": "p", "aspect_ratio": "custom", "width": 512}),
        )
        .unwrap();
        assert_eq!((half.size.width, half.size.height), (1024, 1024));
    }

    #[test]
    fn negative_seeds_are_seeds_too() {
        let order = order(SCHNELL, json!({"prompt": "p", "seed": -1})).unwrap();
        assert_eq!(order.seed, Some(u64::MAX));
    }

    #[test]
    fn sorts_at_every_depth() {
        let value = sorted(json!({"b": [{"d": 1, "c": 2}], "a": null}));
        assert_eq!(value.to_string(), r#"{"a":null,"b":[{"c":2,"d":1}]}"#);
    }
}
