use serde_json::json;

use super::*;
use crate::spec::SHIPPED;

const SCHNELL: &str = "black-forest-labs/flux-schnell";
const DEV: &str = "black-forest-labs/flux-dev";
const KONTEXT: &str = "black-forest-labs/flux-kontext-pro";
const SECOND: &str = "black-forest-labs/flux-2-pro";
const FLEX: &str = "black-forest-labs/flux-2-flex";

fn faults(model: &str, input: &Value) -> Vec<String> {
    let faults = Spec::shipped().unwrap().check_input(model, input);
    let line = |fault: InputFault| format!("{}: {}", fault.field, fault.description);
    faults.into_iter().map(line).collect()
}

fn with(field: &str, value: &Value) -> Value {
    let mut input = json!({"prompt": "p"});
    input[field] = value.clone();
    input
}

#[track_caller]
fn says(model: &str, field: &str, value: &Value, what: &str) {
    let input = with(field, value);
    let line = format!("input.{field}: {what}");
    assert_eq!(faults(model, &input), [line], "{model} {input}");
}

#[test]
fn types_are_said_in_the_providers_words() {
    for (model, field, value, expected) in [
        (SCHNELL, "prompt", json!(7), "string"),
        (SCHNELL, "prompt", json!(null), "string"),
        (SCHNELL, "num_outputs", json!("2"), "integer"),
        (SCHNELL, "num_outputs", json!(2.5), "integer"),
        // As in OpenAPI 3.0; what the provider does is not known.
        (SCHNELL, "num_outputs", json!(2.0), "integer"),
        (SCHNELL, "go_fast", json!("true"), "boolean"),
        // Of its words nothing is said then.
        (SCHNELL, "megapixels", json!(1), "string"),
        (DEV, "guidance", json!("3"), "number"),
        (DEV, "image", json!(null), "string"),
        // May be null.
        (KONTEXT, "seed", json!("x"), "integer"),
        (SECOND, "input_images", json!("data:,a"), "array"),
    ] {
        let what = format!("Invalid type. Expected: {expected}");
        says(model, field, &value, &what);
    }
    let whole = faults(SCHNELL, &json!([]));
    assert_eq!(whole, ["input: Invalid type. Expected: object"]);
}

#[test]
fn limits_are_said_in_the_providers_words() {
    for (model, field, value, what) in [
        (
            SCHNELL,
            "num_outputs",
            json!(5),
            "Must be less than or equal to 4",
        ),
        (
            SCHNELL,
            "num_outputs",
            json!(0),
            "Must be greater than or equal to 1",
        ),
        (
            DEV,
            "guidance",
            json!(10.5),
            "Must be less than or equal to 10",
        ),
        (
            FLEX,
            "guidance",
            json!(1.49),
            "Must be greater than or equal to 1.5",
        ),
        (
            DEV,
            "image",
            json!("fox.png"),
            "Does not match format 'uri'",
        ),
        (
            SCHNELL,
            "megapixels",
            json!("1.0"),
            r#"megapixels must be one of the following: "1", "0.25""#,
        ),
        (
            KONTEXT,
            "output_format",
            json!("webp"),
            r#"output_format must be one of the following: "jpg", "png""#,
        ),
        (
            SECOND,
            "input_images",
            json!(vec!["data:,a"; 9]),
            "Array must have at most 8 items",
        ),
    ] {
        says(model, field, &value, what);
    }
    let items = with("input_images", &json!(["data:,a", "", 7]));
    assert_eq!(
        faults(SECOND, &items),
        [
            "input.input_images.1: Does not match format 'uri'",
            "input.input_images.2: Invalid type. Expected: string"
        ]
    );
    assert_eq!(faults(SCHNELL, &json!({})), ["input: prompt is required"]);
}

#[test]
fn every_fault_is_named() {
    let input = json!({"seed": "x", "num_outputs": 9, "aspect_ratio": "7:1", "more": 1});
    let named: Vec<_> = Spec::shipped()
        .unwrap()
        .check_input(SCHNELL, &input)
        .into_iter()
        .map(|fault| fault.field)
        .collect();
    assert_eq!(
        named,
        [
            "input",
            "input.aspect_ratio",
            "input.num_outputs",
            "input.seed"
        ]
    );
}

#[test]
fn what_the_service_takes_is_no_fault() {
    for (model, input) in [
        // Fields that the model has not, its gateway's among them.
        (
            SCHNELL,
            json!({"prompt": "p", "promt": 7, "guidance": [null]}),
        ),
        (
            KONTEXT,
            json!({"prompt": "p", "input_image_2": "no address"}),
        ),
        (
            KONTEXT,
            json!({"prompt": "p", "input_image": null, "seed": null}),
        ),
        // Fields without the one that they count with, and with the one that they do not.
        (SECOND, json!({"prompt": "p", "width": 512, "height": null})),
        (
            SECOND,
            json!({"prompt": "p", "aspect_ratio": "custom", "resolution": "1 MP"}),
        ),
        // No multiple of 32.
        (
            SECOND,
            json!({"prompt": "p", "aspect_ratio": "custom", "width": 257, "height": 2047}),
        ),
        (SCHNELL, json!({"prompt": "", "seed": -1})),
        (SCHNELL, json!({"prompt": "p", "seed": u64::MAX})),
        (
            DEV,
            json!({"prompt": "p", "guidance": 3, "prompt_strength": 0.0}),
        ),
        ("a/b", json!({"num_outputs": -1, "prompt": null})),
    ] {
        assert_eq!(faults(model, &input), [""; 0], "{model} {input}");
    }
}

#[test]
fn addresses() {
    for good in [
        "https://example.com/a.png",
        "HTTP://example.com",
        "http://[::1]:8080/a?b=c#d",
        "https://example.com/\u{e9}.png",
        "data:image/png;base64,aGk=",
        "data:,",
    ] {
        assert!(is_address(good), "{good}");
    }
    for bad in [
        "",
        "fox.png",
        "/fox.png",
        "example.com/a.png",
        "https:example.com",
        "https://",
        "https:///a.png",
        "https://?a",
        "https://example.com/a b.png",
        "https://example.com/a.png\n",
        "ftp://example.com/a.png",
        "file:///fox.png",
        "data:image/png",
        "blob:https://example.com/1",
    ] {
        assert!(!is_address(bad), "{bad}");
    }
}

/// Words that no known model has, and a component that refers to another.
#[test]
fn a_document_of_ones_own_is_held_to_all_its_words() {
    let before = "        megapixels:\n          type: string\n";
    assert!(SHIPPED.contains(before));
    let own = "        own: { allOf: [{ $ref: '#/components/schemas/Own' }] }\n        \
               text: { type: string, minLength: 2, maxLength: 3, pattern: '^a' }\n        \
               list: { type: array, minItems: 1 }\n        \
               open: { type: number, minimum: 0, exclusiveMinimum: true, maximum: 1, \
               exclusiveMaximum: true }\n";
    let yaml = SHIPPED
        .replacen(before, &format!("{own}{before}"), 1)
        .replacen(
            "    FluxSchnellInput:\n",
            "    Own: { type: string, enum: [a, b] }\n    FluxSchnellInput:\n",
            1,
        );
    let spec = Spec::parse(&yaml).unwrap();
    let said = |field: &str, value: Value| {
        let faults = spec.check_input(SCHNELL, &with(field, &value));
        assert!(
            faults
                .iter()
                .all(|fault| fault.field == format!("input.{field}"))
        );
        faults
            .into_iter()
            .map(|fault| fault.description)
            .collect::<Vec<_>>()
            .join("\n")
    };
    assert_eq!(said("own", json!("a")), "");
    assert_eq!(
        said("own", json!("c")),
        r#"own must be one of the following: "a", "b""#
    );
    assert_eq!(
        said("text", json!("a")),
        "String length must be greater than or equal to 2"
    );
    assert_eq!(
        said("text", json!("abcd")),
        "String length must be less than or equal to 3"
    );
    // Never the value itself: it may be a prompt, or megabytes.
    assert!(!said("text", json!("zzz")).contains("zzz"));
    assert_eq!(said("list", json!([])), "Array must have at least 1 items");
    assert_eq!(said("open", json!(0)), "Must be greater than 0");
    assert_eq!(said("open", json!(1)), "Must be less than 1");
}
