//! What a create request's `input` asks for.
//!
//! The input has been checked against the document before, where that describes the model.

use serde_json::Value;

use crate::drawing::{Format, Size};
use crate::spec::{Model, Output, Sides};

/// What to draw, or to write about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ImageRequest {
    pub(crate) prompt: String,
    pub(crate) seed: Option<u64>,
    pub(crate) count: u32,
    pub(crate) output: Output,
    pub(crate) format: Format,
    /// Of JPEG, 1 to 100.
    pub(crate) quality: u8,
    pub(crate) size: Size,
}

/// Reads an input. `model` is `None` for a model whose inputs are not known: then any field
/// may have an effect, and one that does not make sense has none.
pub(crate) fn read(model: Option<&Model>, input: &Value) -> ImageRequest {
    let fields = Fields { model, input };
    let output = model.map_or(Output::List, |model| model.output);
    let count = match output {
        Output::List => fields.number("num_outputs").unwrap_or(1).clamp(1, 4),
        Output::Single => 1,
        Output::Text | Output::Json => 0,
    };
    let quality = fields.number("output_quality").unwrap_or(80).clamp(1, 100);
    ImageRequest {
        prompt: fields.text("prompt").unwrap_or_default().to_owned(),
        seed: fields.sent("seed").and_then(seed),
        // Both are clamped to what fits.
        count: u32::try_from(count).unwrap_or(1),
        output,
        format: fields
            .text("output_format")
            .and_then(Format::parse)
            .unwrap_or(Format::Webp),
        quality: u8::try_from(quality).unwrap_or(80),
        size: size(&fields),
    }
}

/// The fields that have an effect: of a known model, its own.
struct Fields<'i> {
    model: Option<&'i Model>,
    input: &'i Value,
}

impl<'i> Fields<'i> {
    fn sent(&self, name: &str) -> Option<&'i Value> {
        let counts = self.model.is_none_or(|model| model.has(name));
        self.input.get(name).filter(|_| counts)
    }

    fn default_of(&self, name: &str) -> Option<&'i str> {
        self.model?.default_of(name)
    }

    fn text(&self, name: &str) -> Option<&'i str> {
        let sent = self.sent(name).and_then(Value::as_str);
        sent.or_else(|| self.default_of(name))
    }

    fn number(&self, name: &str) -> Option<u64> {
        let sent = self.sent(name).and_then(Value::as_u64);
        sent.or_else(|| self.default_of(name)?.parse().ok())
    }
}

fn seed(value: &Value) -> Option<u64> {
    value
        .as_u64()
        .or_else(|| value.as_i64().map(i64::cast_unsigned))
}

fn size(fields: &Fields<'_>) -> Size {
    let ratio = fields.text("aspect_ratio").unwrap_or("1:1");
    if ratio != "custom" {
        let megapixels = fields.text("megapixels");
        return Size::of_ratio(ratio, megapixels.or_else(|| fields.text("resolution")));
    }
    match (fields.number("width"), fields.number("height")) {
        (Some(width), Some(height)) => {
            let sides = fields
                .model
                .map_or_else(Sides::default, |model| model.sides);
            Size::custom(width, height, sides)
        }
        _ => Size::of_ratio("1:1", None),
    }
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
    use crate::spec::Spec;

    fn order(model: &str, input: &Value) -> ImageRequest {
        let spec = Spec::shipped().unwrap();
        assert_eq!(spec.check_input(model, input), []);
        read(spec.model(model), input)
    }

    #[track_caller]
    fn sized(model: &str, input: &Value, width: u32, height: u32) {
        assert_eq!(order(model, input).size, Size { width, height }, "{input}");
    }

    const SCHNELL: &str = "black-forest-labs/flux-schnell";
    const PRO: &str = "black-forest-labs/flux-pro";
    const KONTEXT: &str = "black-forest-labs/flux-kontext-pro";
    const SECOND: &str = "black-forest-labs/flux-2-pro";

    #[test]
    fn defaults_are_the_models_own() {
        let schnell = order(SCHNELL, &json!({"prompt": "p"}));
        assert_eq!(schnell.format, Format::Webp);
        assert_eq!((schnell.size.width, schnell.size.height), (1024, 1024));
        assert_eq!(
            (schnell.count, schnell.quality, schnell.seed),
            (1, 80, None)
        );
        let kontext = order(KONTEXT, &json!({"prompt": "p"}));
        assert_eq!(kontext.format, Format::Png);
        assert_eq!(kontext.output, Output::Single);
    }

    #[test]
    fn defaults_are_read_from_the_document() {
        let yaml = crate::SHIPPED
            .replacen("x-default: 'webp'", "x-default: 'jpg'", 1)
            .replacen("x-default: '1'", "x-default: '3'", 1)
            .replacen("x-default: '1:1'", "x-default: '16:9'", 1);
        let spec = Spec::parse(&yaml).unwrap();
        let order = read(spec.model(SCHNELL), &json!({"prompt": "p"}));
        assert_eq!(
            (order.format, order.count, order.size.width),
            (Format::Jpeg, 3, 1344)
        );
    }

    #[test]
    fn an_unknown_model_is_never_refused() {
        let order = order("a/b", &json!({"num_outputs": 99, "aspect_ratio": "huge"}));
        assert_eq!((order.count, order.size.width), (4, 1024));
    }

    #[test]
    fn a_custom_size_needs_both_sides_and_is_rounded() {
        let custom = |width: Option<u32>, height: Option<u32>| {
            let mut input = json!({"prompt": "p", "aspect_ratio": "custom"});
            for (name, side) in [("width", width), ("height", height)] {
                if let Some(side) = side {
                    input[name] = side.into();
                }
            }
            input
        };
        sized(PRO, &custom(Some(500), Some(1440)), 512, 1440);
        sized(PRO, &custom(Some(512), None), 1024, 1024);
        sized("a/b", &custom(Some(1), Some(9_000)), 256, 1440);
    }

    #[test]
    fn what_does_not_count_has_no_effect() {
        sized(
            PRO,
            &json!({"prompt": "p", "width": 512, "height": 512}),
            1024,
            1024,
        );
        // Fields of other models.
        sized(
            PRO,
            &json!({"prompt": "p", "megapixels": "0.25"}),
            1024,
            1024,
        );
        let foreign = json!({"prompt": "p", "output_quality": 3, "num_outputs": "all"});
        let order = order(KONTEXT, &foreign);
        assert_eq!((order.quality, order.count), (80, 1));
    }

    #[test]
    fn megapixels_and_resolution_set_the_size() {
        sized(
            SCHNELL,
            &json!({"prompt": "p", "megapixels": "0.25"}),
            512,
            512,
        );
        sized(
            SECOND,
            &json!({"prompt": "p", "resolution": "4 MP"}),
            2048,
            2048,
        );
        let custom = json!({"prompt": "p", "aspect_ratio": "custom", "resolution": "4 MP"});
        sized(SECOND, &custom, 1024, 1024);
    }

    #[test]
    fn negative_seeds_are_seeds_too() {
        let order = order(SCHNELL, &json!({"prompt": "p", "seed": -1}));
        assert_eq!(order.seed, Some(u64::MAX));
    }

    #[test]
    fn sorts_at_every_depth() {
        let value = sorted(json!({"b": [{"d": 1, "c": 2}], "a": null}));
        assert_eq!(value.to_string(), r#"{"a":null,"b":[{"c":2,"d":1}]}"#);
    }
}
