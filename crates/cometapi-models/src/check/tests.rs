use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::{find, models};

fn checked(model: &str, input: Value) -> Result<Vec<String>, Vec<(InputProblemKind, String)>> {
    let model = find(&format!("black-forest-labs/{model}")).unwrap();
    let messages = |warnings: Vec<Warning>| warnings.iter().map(ToString::to_string).collect();
    let refused = |invalid: InvalidInput| {
        let problems = invalid.problems().iter();
        problems.map(|p| (p.kind(), p.to_string())).collect()
    };
    model
        .check(input.as_object().unwrap())
        .map(messages)
        .map_err(refused)
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn each_kind_of_problem_says_what_would_be_right() {
    use InputProblemKind::{Missing, NotInList, OnlyWith, OutOfRange, UnknownField, WrongType};
    let png = "data:image/png;base64,AAAA";
    let rows = [
        (
            "flux-schnell",
            json!({}),
            Missing,
            "prompt is missing, it takes text",
        ),
        (
            "flux-schnell",
            json!({"promt": "x"}),
            UnknownField,
            "promt is not one of its fields, did you mean prompt?",
        ),
        (
            "flux-schnell",
            json!({"prompt": "x", "hat": 1}),
            UnknownField,
            "hat is not one of its fields",
        ),
        (
            "flux-schnell",
            json!({"prompt": 7}),
            WrongType,
            "prompt is 7, it takes text",
        ),
        (
            "flux-schnell",
            json!({"prompt": null}),
            WrongType,
            "prompt is null, it takes text; leave it out instead",
        ),
        (
            "flux-schnell",
            json!({"prompt": "x", "num_outputs": 9}),
            OutOfRange,
            "num_outputs is 9, it takes 1–4",
        ),
        (
            "flux-schnell",
            json!({"prompt": "x", "num_outputs": 1.5}),
            WrongType,
            "num_outputs is 1.5, it takes 1–4",
        ),
        (
            "flux-schnell",
            json!({"prompt": "x", "megapixels": 1}),
            WrongType,
            "megapixels is 1, it takes 1 | 0.25",
        ),
        (
            "flux-schnell",
            json!({"prompt": "x", "output_format": "tiff"}),
            NotInList,
            "output_format is \"tiff\", it takes webp | jpg | png",
        ),
        (
            "flux-dev",
            json!({"prompt": "x", "guidance": 10.5}),
            OutOfRange,
            "guidance is 10.5, it takes 0–10",
        ),
        (
            "flux-dev",
            json!({"prompt": "x", "image": "cat.png"}),
            WrongType,
            "image is \"cat.png\", it takes an address (https://…) or a data uri",
        ),
        (
            "flux-pro",
            json!({"prompt": "x", "width": 512}),
            OnlyWith,
            "width counts only with aspect_ratio=custom; set that too, or leave width out",
        ),
        (
            "flux-pro",
            json!({"prompt": "x", "image_prompt": "data:text/plain,hello"}),
            WrongType,
            "image_prompt is text/plain, it takes image/jpeg, image/png, image/gif, image/webp",
        ),
        (
            "flux-2-dev",
            json!({"prompt": "x", "input_images": [png, png, png, png, png]}),
            OutOfRange,
            "input_images holds 5 items, it takes 4 at most",
        ),
        (
            "flux-2-dev",
            json!({"prompt": "x", "input_images": png}),
            WrongType,
            "input_images is \"data:image/png;base64,AAAA\", it takes a list of files' \
             addresses or data uris, 4 at most",
        ),
    ];
    for (model, input, kind, message) in rows {
        assert_eq!(
            checked(model, input.clone()),
            Err(vec![(kind, message.to_owned())]),
            "{model} {input}"
        );
    }
}

/// Often it is a variable that was not set, and its prediction costs as much as any other.
#[test]
fn required_text_that_is_empty_text_is_missing() {
    let refusal = Err(vec![(
        InputProblemKind::Missing,
        "prompt is empty, it takes text".to_owned(),
    )]);
    for empty in ["", " ", "\n", "\u{3000}\t"] {
        let refused = checked("flux-schnell", json!({"prompt": empty}));
        assert_eq!(refused, refusal, "{empty:?}");
    }
    let taken = checked("flux-schnell", json!({"prompt": " . "}));
    assert_eq!(taken, Ok(vec![]));
    // Text that is not required may be empty.
    let sana = find("nvidia/sana").unwrap();
    for field in ["prompt", "negative_prompt"] {
        let input = Map::from_iter([(field.to_owned(), json!(" "))]);
        assert_eq!(sana.check(&input), Ok(vec![]), "{field}");
    }
}

#[test]
fn what_is_odd_but_no_fault_is_a_warning() {
    let rows = [
        (
            "flux-kontext-pro",
            json!({"prompt": "x", "input_image_2": "https://example.com/a.png"}),
            "input_image_2 is shown by the gateway's pages only, the model may not take it",
        ),
        (
            "flux-pro",
            json!({"prompt": "x", "steps": 25}),
            "steps is deprecated by the model",
        ),
        (
            "flux-1.1-pro",
            json!({"prompt": "x", "aspect_ratio": "custom", "width": 1000, "height": 512}),
            "width is 1000, the model rounds it to a multiple of 32",
        ),
        (
            "flux-2-pro",
            json!({"prompt": "x", "aspect_ratio": "custom", "resolution": "1 MP"}),
            "resolution does not count with aspect_ratio=custom",
        ),
        (
            "flux-dev",
            json!({
                "prompt": "x",
                "image": format!("data:image/png;base64,{}", "A".repeat(400 * 1024)),
            }),
            "image holds a data uri of 400 kB, documented are 256 kB; an address is better",
        ),
    ];
    for (model, input, warning) in rows {
        assert_eq!(
            checked(model, input),
            Ok(vec![warning.to_owned()]),
            "{model}"
        );
    }
    assert_eq!(
        checked("flux-2-dev", json!({"prompt": "x", "seed": null})),
        Ok(vec![])
    );
    assert_eq!(
        checked("flux-schnell", json!({"prompt": "x", "seed": u64::MAX})),
        Ok(vec![])
    );
    assert_eq!(
        checked("flux-schnell", json!({"prompt": "x", "seed": 4.0})),
        Ok(vec![])
    );
}

#[test]
fn everything_that_is_wrong_is_said_at_once() {
    use InputProblemKind::{Missing, OutOfRange, UnknownField, WrongType};
    let problems = checked(
        "flux-schnell",
        json!({"seed": "x", "num_outputs": 0, "hat": 1}),
    );
    let fields: Vec<_> = problems
        .unwrap_err()
        .into_iter()
        .map(|(kind, _)| kind)
        .collect();
    assert_eq!(fields, [Missing, OutOfRange, WrongType, UnknownField]);
}

#[test]
fn a_long_value_does_not_flood_the_sentence() {
    let long = "x".repeat(10_000);
    let problems = checked(
        "flux-schnell",
        json!({"prompt": "p", "output_format": long}),
    );
    assert!(problems.unwrap_err()[0].1.len() < 120);
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,20}".prop_map(Value::from),
        "(data|https?):.{0,20}".prop_map(Value::from),
    ];
    leaf.prop_recursive(2, 8, 4, |inner| {
        prop::collection::vec(inner, 0..4).prop_map(Value::from)
    })
}

proptest! {
    #[test]
    fn no_value_is_too_odd_to_check(value in any_json(), name in "[a-z_é ]{0,12}") {
        for model in models() {
            for field in model.fields() {
                let input = Map::from_iter([
                    (field.name().to_owned(), value.clone()),
                    (name.clone(), value.clone()),
                ]);
                if let Err(invalid) = model.check(&input) {
                    prop_assert!(!invalid.problems().is_empty());
                }
            }
        }
    }
}
