//! Every rule fires on a copy of the spec that breaks it, and on nothing else.

use std::collections::BTreeSet;

use cometapi_codegen::{Error, Finding, rules};
use serde_json::{Value, json};

use crate::{at, changed, generate, refused, spec_text};

const CREATE: &str = "/paths/~1models~1{model_owner}~1{model_name}~1predictions/post";
const GET: &str = "/paths/~1predictions~1{prediction_id}/get";
const SCHEMAS: &str = "/components/schemas";

const DEV: &str = "/components/schemas/FluxDevInput";

fn dev(field: &str) -> String {
    format!("{DEV}/properties/{field}")
}

/// A rule, a change that breaks it, and the place that is to be named.
struct Row {
    rule: &'static str,
    place: &'static str,
    change: fn(&mut Value),
}

const ROWS: &[Row] = &[
    Row {
        rule: "openapi-version",
        place: "#/openapi",
        change: |spec| *at(spec, "/openapi") = "3.1.0".into(),
    },
    Row {
        rule: "info-version",
        place: "#/info/version",
        change: |spec| *at(spec, "/info/version") = "1.0 für alle".into(),
    },
    Row {
        rule: "ref-unresolved",
        place: "#/components/schemas/Problem/properties/invalid_fields/items",
        change: |spec| {
            *at(
                spec,
                "/components/schemas/Problem/properties/invalid_fields/items/$ref",
            ) = "#/components/schemas/InvalidFeild".into();
        },
    },
    Row {
        rule: "ref-siblings",
        place: "#/components/schemas/Task/properties/status",
        change: |spec| {
            at(spec, "/components/schemas/Task/properties/status")["description"] = "x".into();
        },
    },
    Row {
        rule: "replaced-schema",
        place: "#/components/schemas/TaskStatus",
        change: |spec| {
            *at(spec, "/components/schemas/Task/properties/status") = json!({"type": "string"});
        },
    },
    Row {
        rule: "security-unknown",
        place: "#/security",
        change: |spec| *at(spec, "/security") = json!([{"bearer": []}]),
    },
    Row {
        rule: "operation-id-missing",
        place: "operation GET /predictions/{prediction_id}",
        change: |spec| remove(spec, GET, "operationId"),
    },
    Row {
        rule: "operation-id-case",
        place: "operation getPrediction",
        change: |spec| at(spec, GET)["operationId"] = "getPrediction".into(),
    },
    Row {
        rule: "operation-id-duplicate",
        place: "operation create_prediction",
        change: |spec| at(spec, GET)["operationId"] = "create_prediction".into(),
    },
    Row {
        rule: "path-parameter-undeclared",
        place: "operation create_prediction",
        change: |spec| drop_last(at(spec, CREATE), "parameters"),
    },
    Row {
        rule: "path-parameter-unused",
        place: "operation get_prediction",
        change: |spec| {
            add_parameter(
                spec,
                json!({
                    "name": "page", "in": "path", "required": true, "schema": {"type": "string"}
                }),
            );
        },
    },
    Row {
        rule: "path-parameter-optional",
        place: "operation get_prediction",
        change: |spec| remove(spec, "/components/parameters/PredictionId", "required"),
    },
    Row {
        rule: "header-reserved",
        place: "operation get_prediction",
        change: |spec| {
            add_parameter(
                spec,
                json!({
                    "name": "Authorization", "in": "header", "schema": {"type": "string"}
                }),
            );
        },
    },
    Row {
        rule: "request-body-optional",
        place: "operation create_prediction",
        change: |spec| at(spec, CREATE)["requestBody"]["required"] = false.into(),
    },
    Row {
        rule: "response-default",
        place: "operation get_prediction",
        change: |spec| {
            at(spec, GET)["responses"]["default"] = json!({"$ref": "#/components/responses/Error"});
        },
    },
    Row {
        rule: "response-status",
        place: "operation get_prediction",
        change: |spec| rename(at(spec, GET), "responses", "4XX", "4xx"),
    },
    Row {
        rule: "response-code-beside-range",
        place: "operation get_prediction",
        change: |spec| {
            let responses = &mut at(spec, GET)["responses"];
            responses["2XX"] = responses["200"].clone();
        },
    },
    Row {
        rule: "response-description",
        place: "operation get_prediction",
        change: |spec| remove(spec, &format!("{GET}/responses/200"), "description"),
    },
    Row {
        rule: "success-missing",
        place: "operation get_prediction",
        change: |spec| remove(spec, &format!("{GET}/responses"), "200"),
    },
    Row {
        rule: "success-untyped",
        place: "operation get_prediction",
        change: |spec| {
            rename(
                at(spec, &format!("{GET}/responses/200")),
                "content",
                "application/json",
                "text/plain",
            );
        },
    },
    Row {
        rule: "success-differs",
        place: "operation create_prediction",
        change: |spec| {
            let schema = "responses/201/content/application~1json/schema/$ref";
            *at(spec, &format!("{CREATE}/{schema}")) = "#/components/schemas/Prediction".into();
        },
    },
    Row {
        rule: "success-empty",
        place: "operation get_prediction",
        change: |spec| at(spec, GET)["responses"]["204"] = json!({"description": "Nothing."}),
    },
    Row {
        rule: "schema-name",
        place: "#/components/schemas/flux_input",
        change: |spec| at(spec, SCHEMAS)["flux_input"] = json!({"type": "object"}),
    },
    Row {
        rule: "schema-keyword",
        place: "#/components/schemas/CreatePredictionRequest",
        change: |spec| {
            at(spec, "/components/schemas/CreatePredictionRequest")["reqired"] = json!(["input"]);
        },
    },
    Row {
        rule: "schema-keyword",
        place: "#/components/schemas/Added",
        change: |spec| add_schema(spec, json!({"not": {"type": "string"}})),
    },
    Row {
        rule: "schema-type",
        place: "#/components/schemas/Added",
        change: |spec| add_schema(spec, json!({"type": "strng"})),
    },
    Row {
        rule: "schema-type",
        place: "#/components/schemas/Added",
        change: |spec| add_schema(spec, json!({"type": ["string", "null"]})),
    },
    Row {
        rule: "schema-nullable",
        place: "#/components/schemas/Prediction/properties/output",
        change: |spec| {
            at(spec, "/components/schemas/Prediction/properties/output")["nullable"] = true.into();
        },
    },
    Row {
        rule: "schema-required",
        place: "#/components/schemas/Prediction",
        change: |spec| {
            *at(spec, "/components/schemas/Prediction/required") = json!(["id", "status", "staus"]);
        },
    },
    Row {
        rule: "schema-default",
        place: "#/components/schemas/Added/properties/steps",
        change: |spec| {
            add_schema(
                spec,
                json!({
                    "type": "object", "properties": {"steps": {"type": "integer", "default": 4}}
                }),
            );
        },
    },
    Row {
        rule: "schema-any-of-scalars",
        place: "#/components/schemas/Added",
        change: |spec| {
            add_schema(
                spec,
                json!({
                    "anyOf": [{"enum": ["a", "b"]}, {"type": "string"}]
                }),
            );
        },
    },
    Row {
        rule: "schema-inline-object",
        place: "#/components/schemas/Added/items",
        change: |spec| {
            add_schema(
                spec,
                json!({
                    "type": "array",
                    "items": {"type": "object", "properties": {"a": {"type": "string"}}}
                }),
            );
        },
    },
    Row {
        rule: "received-closed-object",
        place: "#/components/schemas/Prediction",
        change: |spec| {
            at(spec, "/components/schemas/Prediction")["additionalProperties"] = false.into();
        },
    },
    Row {
        rule: "received-unknown-fields",
        place: "#/components/schemas/Task",
        change: |spec| remove(spec, "/components/schemas/Task", "additionalProperties"),
    },
    Row {
        rule: "received-strict-format",
        place: "#/components/schemas/Prediction/properties/created_at",
        change: |spec| {
            at(spec, "/components/schemas/Prediction/properties/created_at")["format"] =
                "date-time".into();
        },
    },
    Row {
        rule: "received-closed-enum",
        place: "#/components/schemas/Prediction/properties/source",
        change: |spec| {
            at(spec, "/components/schemas/Prediction/properties/source")["enum"] = json!(["api"]);
        },
    },
    // Two values tell nothing apart.
    Row {
        rule: "received-closed-enum",
        place: "#/components/schemas/TaskEnvelope/properties/code",
        change: |spec| {
            at(spec, "/components/schemas/TaskEnvelope/properties/code")["enum"] =
                json!(["success", "ok"]);
        },
    },
    // Nor does one value of a field that may be absent, or of what is no variant of a choice.
    Row {
        rule: "received-closed-enum",
        place: "#/components/schemas/Problem/properties/title",
        change: |spec| {
            let title = at(spec, "/components/schemas/Problem/properties/title");
            title["enum"] = json!(["Problem", null]);
        },
    },
    Row {
        rule: "received-closed-enum",
        place: "#/components/schemas/ErrorDetail/properties/message",
        change: |spec| {
            at(spec, "/components/schemas/ErrorDetail/properties/message")["enum"] =
                json!(["Invalid token"]);
        },
    },
    Row {
        rule: "received-constraint",
        place: "#/components/schemas/Task/properties/task_id",
        change: |spec| {
            at(spec, "/components/schemas/Task/properties/task_id")["minLength"] = 1.into();
        },
    },
    Row {
        rule: "received-number-format",
        place: "#/components/schemas/Problem/properties/status",
        change: |spec| {
            remove(
                spec,
                "/components/schemas/Problem/properties/status",
                "format",
            );
        },
    },
    Row {
        rule: "header-required",
        place: "#/components/headers/RetryAfter",
        change: |spec| at(spec, "/components/headers/RetryAfter")["required"] = true.into(),
    },
    Row {
        rule: "received-null-list",
        place: "#/components/schemas/Problem/properties/invalid_fields",
        change: |spec| {
            remove(
                spec,
                "/components/schemas/Problem/properties/invalid_fields",
                "nullable",
            );
        },
    },
    Row {
        rule: "received-nullable",
        place: "#/components/schemas/Prediction/properties/urls",
        change: |spec| {
            *at(spec, "/components/schemas/Prediction/properties/urls") =
                json!({"$ref": "#/components/schemas/PredictionUrls"});
        },
    },
    Row {
        rule: "received-nullable",
        place: "#/components/schemas/Prediction/properties/metrics",
        change: |spec| {
            drop_last(
                at(spec, "/components/schemas/Prediction/properties/metrics"),
                "anyOf",
            );
        },
    },
    Row {
        rule: "received-nullable",
        place: "#/components/schemas/PredictionMetrics/properties/total_time",
        change: |spec| {
            remove(
                spec,
                "/components/schemas/PredictionMetrics/properties/total_time",
                "nullable",
            );
        },
    },
    Row {
        rule: "model-shape",
        place: "#/components/schemas/FluxDevInput",
        change: |spec| at(spec, DEV)["x-output"] = "several".into(),
    },
    Row {
        rule: "model-shape",
        place: "#/components/schemas/FluxDevInput/properties/num_outputs",
        change: |spec| at(spec, &dev("num_outputs"))["maximum"] = json!(3.5),
    },
    Row {
        rule: "model-words",
        place: "#/components/schemas/FluxDevInput/properties/seed",
        change: |spec| remove(spec, &dev("seed"), "description"),
    },
    Row {
        rule: "model-words",
        place: "#/components/schemas/FluxDevInput/properties/seed",
        change: |spec| at(spec, &dev("seed"))["x-deafult"] = "1".into(),
    },
    Row {
        rule: "model-names",
        place: "#/components/schemas/FluxDEVInput",
        change: |spec| {
            rename(
                at(spec, "/components"),
                "schemas",
                "FluxProInput",
                "FluxDEVInput",
            );
        },
    },
    Row {
        rule: "model-names",
        place: "#/components/schemas/FluxProInput",
        change: |spec| {
            let name = at(spec, DEV)["x-model"].clone();
            at(spec, "/components/schemas/FluxProInput")["x-model"] = name;
        },
    },
    Row {
        rule: "model-order",
        place: "#/components/schemas/FluxDevInput/properties/megapixels",
        change: |spec| at(spec, &dev("megapixels"))["x-order"] = json!(40),
    },
    Row {
        rule: "model-enum",
        place: "#/components/schemas/FluxDevInput/properties/aspect_ratio",
        change: |spec| at(spec, &dev("aspect_ratio"))["enum"][2] = "16:9".into(),
    },
    Row {
        rule: "model-default",
        place: "#/components/schemas/FluxDevInput/properties/num_outputs",
        change: |spec| at(spec, &dev("num_outputs"))["x-default"] = "9".into(),
    },
    Row {
        rule: "model-condition",
        place: "#/components/schemas/FluxDevInput/properties/seed",
        change: |spec| at(spec, &dev("seed"))["x-only-with"] = json!({"megapixels": "2"}),
    },
];

#[test]
fn each_rule_fires_alone_and_names_the_place() {
    let mut messages = String::new();
    for row in ROWS {
        let findings = findings(&changed(row.change));
        let found: Vec<_> = findings
            .iter()
            .map(|f| (f.rule, f.place.as_str()))
            .collect();
        assert_eq!(found, [(row.rule, row.place)], "{findings:#?}");
        messages.push_str(&findings[0].to_string());
        messages.push('\n');
    }
    insta::assert_snapshot!(messages);
}

#[test]
fn no_rule_is_without_a_row() {
    let tested: BTreeSet<_> = ROWS.iter().map(|row| row.rule).collect();
    assert_eq!(tested, rules().collect::<BTreeSet<_>>());
}

#[test]
fn all_findings_come_together() {
    let spec = changed(|spec| {
        *at(spec, "/openapi") = "3.1.0".into();
        remove(spec, GET, "operationId");
        add_schema(spec, json!({"type": "strng", "nulable": true}));
    });
    insta::assert_snapshot!(refused(&spec), @r#"
    the spec breaks house rules in 4 places:
      openapi-version: #/openapi: the generator reads OpenAPI 3.0 only; write `3.0.3`
      operation-id-missing: operation GET /predictions/{prediction_id}: a method needs a name; write an `operationId`
      schema-keyword: #/components/schemas/Added: `nulable` is no keyword and would be ignored; fix its spelling, or begin it with `x-`
      schema-type: #/components/schemas/Added: "strng" is no type; write one of `array`, `boolean`, `integer`, `number`, `object`, `string`
    "#);
}

#[test]
fn the_spec_as_it_is_passes() {
    generate(&spec_text()).unwrap();
}

/// What the rules must let through, though it looks like what they forbid.
#[test]
fn sound_constructs_pass() {
    let changes: &[fn(&mut Value)] = &[
        // One scalar of each type, and a null.
        |spec| {
            add_schema(
                spec,
                json!({
                    "anyOf": [{"type": "string"}, {"type": "array", "items": {}}, {"enum": [null]}]
                }),
            );
        },
        // What is only sent may be closed.
        |spec| {
            add_schema(
                spec,
                json!({
                    "type": "object",
                    "additionalProperties": false,
                    "properties": {"size": {"type": "string", "enum": ["s", "m"]}},
                }),
            );
        },
        // Examples hold what they like.
        |spec| {
            at(spec, "/components/schemas/Prediction/example")["$ref"] = "#/nowhere".into();
        },
        // Fields may be called like keywords.
        |spec| {
            at(spec, "/components/schemas/InvalidField/properties")["default"] =
                json!({"type": "string", "nullable": true, "description": "Theirs."});
        },
        // An operation whose successes all lack a body.
        |spec| {
            at(spec, "/paths")["/ping"] = json!({"get": {
                "operationId": "ping",
                "responses": {"204": {"description": "Alive."}},
            }});
        },
    ];
    for (index, change) in changes.iter().enumerate() {
        if let Err(error) = generate(&changed(change)) {
            panic!("change {index}: {error}");
        }
    }
}

fn findings(spec: &str) -> Vec<Finding> {
    match refused(spec) {
        Error::Lint { findings } => findings,
        other => panic!("no finding, but: {other}"),
    }
}

fn remove(spec: &mut Value, pointer: &str, key: &str) {
    at(spec, pointer)
        .as_object_mut()
        .unwrap()
        .remove(key)
        .unwrap();
}

fn rename(parent: &mut Value, key: &str, from: &str, to: &str) {
    let object = parent[key].as_object_mut().unwrap();
    let value = object.remove(from).unwrap();
    object.insert(to.into(), value);
}

fn drop_last(operation: &mut Value, key: &str) {
    operation[key].as_array_mut().unwrap().pop().unwrap();
}

fn add_parameter(spec: &mut Value, parameter: Value) {
    at(spec, GET)["parameters"]
        .as_array_mut()
        .unwrap()
        .push(parameter);
}

fn add_schema(spec: &mut Value, schema: Value) {
    at(spec, SCHEMAS)["Added"] = schema;
}
