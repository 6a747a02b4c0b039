//! What the generator cannot take, and no rule foresees, is an error with a place.

use cometapi_codegen::Error;
use serde_json::json;

use crate::{at, changed, generate, refused};

#[test]
fn a_panic_over_an_operation_names_the_operation() {
    let spec = changed(|spec| {
        let json = "/paths/~1models~1{model_owner}~1{model_name}~1predictions/post\
                    /requestBody/content/application~1json";
        at(spec, json)["encoding"] = json!({"input": {"contentType": "text/plain"}});
    });
    let error = refused(&spec);
    let text = error.to_string();
    assert!(
        text.starts_with(
            "the generator cannot express operation create_prediction: it panicked at method.rs:"
        ),
        "{text}"
    );
    assert!(text.contains("media type encoding not empty"), "{text}");
}

#[test]
fn a_panic_over_a_schema_names_the_smallest_that_fails() {
    let spec = changed(|spec| {
        at(spec, "/components/schemas/InvalidField/properties")["rank"] =
            json!({"exclusiveMinimum": true});
    });
    let error = refused(&spec);
    let Error::Generator { place, message } = &error else {
        panic!("{error:?}");
    };
    // `Problem` refers to it and fails as well.
    assert_eq!(place.as_deref(), Some("schema InvalidField"));
    assert!(message.contains("exclusive_minimum"), "{message}");
}

#[test]
fn an_error_of_the_generator_names_the_operation() {
    let spec = changed(|spec| {
        let get = at(spec, "/paths/~1predictions~1{prediction_id}/get");
        get["parameters"].as_array_mut().unwrap().push(json!({
            "name": "session", "in": "cookie", "schema": {"type": "string"}
        }));
    });
    let error = refused(&spec);
    let Error::Generator { place, .. } = &error else {
        panic!("{error:?}");
    };
    assert_eq!(place.as_deref(), Some("operation get_prediction"));
}

#[test]
fn a_choice_that_becomes_a_struct_nobody_can_fill_is_refused() {
    let spec = changed(|spec| {
        let schemas = at(spec, "/components/schemas");
        schemas["Either"] = json!({"anyOf": [
            {"$ref": "#/components/schemas/PredictionMetrics"},
            {"$ref": "#/components/schemas/PredictionUrls"},
        ]});
    });
    let error = refused(&spec);
    let text = error.to_string();
    assert!(
        text.starts_with("the generator cannot express schema Either: it made a struct"),
        "{text}"
    );
}

#[test]
fn what_is_no_openapi_document_is_told_with_its_place() {
    let spec = changed(|spec| {
        at(spec, "/info").as_object_mut().unwrap().remove("title");
    });
    let error = refused(&spec);
    assert_eq!(
        error,
        Error::Document {
            at: "info".into(),
            message: "missing field `title`".into()
        }
    );
}

#[test]
fn two_equal_keys_are_refused_with_their_line() {
    let spec = crate::spec_text().replacen("  version: ", "  title: Twice\n  version: ", 1);
    let line = 1 + spec
        .lines()
        .position(|line| line == "  title: Twice")
        .unwrap();
    let text = refused(&spec).to_string();
    assert!(text.contains(&format!("line {line} column 3")), "{text}");
}

#[test]
fn an_inline_enum_gets_a_name_of_its_own_and_its_words_are_documented() {
    let spec = changed(|spec| {
        at(spec, "/components/schemas")["FluxInput"] = json!({
            "type": "object",
            "description": "What a model takes.",
            "required": ["prompt"],
            "properties": {
                "prompt": {"type": "string", "description": "What to make."},
                "aspect_ratio": {
                    "type": "string",
                    "description": "The form of the image.",
                    "enum": ["1:1", "16:9"],
                },
                "speed": {"type": "string", "nullable": true, "enum": ["fast", "slow", null]},
            },
        });
    });
    let code = generate(&spec).unwrap().code;
    for wanted in [
        "pub aspect_ratio: ::std::option::Option<FluxInputAspectRatio>,",
        "pub speed: ::std::option::Option<FluxInputSpeed>,",
        "        /// `16:9`\n        #[serde(rename = \"16:9\")]\n",
        "        /// `fast`\n",
    ] {
        assert!(
            code.contains(wanted),
            "not in the code: {wanted}\n{}",
            excerpt(&code)
        );
    }
}

fn excerpt(code: &str) -> &str {
    let start = code.find("FluxInput").unwrap_or(0);
    &code[start..code.len().min(start + 3000)]
}
