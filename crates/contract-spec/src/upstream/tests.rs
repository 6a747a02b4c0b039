use serde_json::{Value, json};

use super::document::differences;
use super::*;

fn ours() -> Value {
    Workspace::own().spec().unwrap()
}

/// What the comparison of our spec with `theirs` finds, a line each.
fn found(theirs: Value) -> Vec<String> {
    let found = differences(&Oracle::new(ours()), &Oracle::new(theirs));
    found.iter().map(ToString::to_string).collect()
}

/// The same document in OpenAPI 3.1, where null is a type.
fn in_3_1(value: &Value) -> Value {
    match value {
        Value::Array(items) => items.iter().map(in_3_1).collect(),
        Value::Object(object) => {
            let mut made: serde_json::Map<_, _> = object
                .iter()
                .filter(|(key, _)| *key != "nullable")
                .map(|(key, value)| (key.clone(), in_3_1(value)))
                .collect();
            if object.get("nullable") == Some(&Value::Bool(true)) {
                if let Some(Value::String(kind)) = object.get("type") {
                    made.insert("type".into(), json!([kind, "null"]));
                } else if object.contains_key("anyOf") {
                    let variants = made["anyOf"].as_array_mut().unwrap();
                    variants.push(json!({"type": "null"}));
                }
                if let Some(Value::Array(values)) = made.get_mut("enum") {
                    values.push(Value::Null);
                }
            }
            if made.contains_key("openapi") {
                made.insert("openapi".into(), "3.1.0".into());
            }
            made.into()
        }
        other => other.clone(),
    }
}

#[test]
fn our_own_document_differs_in_nothing_also_in_3_1() {
    assert_eq!(found(ours()), Vec::<String>::new());
    assert_eq!(found(in_3_1(&ours())), Vec::<String>::new());
}

/// A copy of the document with another value at one pointer, and the place that is reported.
#[test]
#[allow(clippy::too_many_lines, reason = "a table")]
fn one_change_of_each_kind_is_reported_where_it_is() {
    let spec = in_3_1(&ours());
    let create = "/paths/~1models~1{model_owner}~1{model_name}~1predictions/post";
    let get = "/paths/~1predictions~1{prediction_id}/get";
    let rows = [
        (
            "/servers/0/url",
            json!("https://api.cometapi.com/v2"),
            "GET /predictions/{}: base URL",
        ),
        (
            "/components/securitySchemes/bearerAuth/scheme",
            json!("basic"),
            ": security",
        ),
        (
            &format!("{get}/security"),
            json!([]),
            "GET /predictions/{}: security",
        ),
        (
            &format!("{get}/operationId"),
            json!("query"),
            "GET /predictions/{}: operationId",
        ),
        (
            &format!("{get}/deprecated"),
            json!(true),
            "GET /predictions/{}: deprecated",
        ),
        (
            &format!("{create}/parameters/2"),
            json!({"in": "header", "name": "Prefer", "schema": {"type": "string"}}),
            "POST /models/{}/predictions header parameter prefer: parameter: only there",
        ),
        (
            "/components/parameters/PredictionId/schema/pattern",
            json!("^.*$"),
            "pattern",
        ),
        (
            &format!("{create}/requestBody/required"),
            json!(false),
            "request: required",
        ),
        (
            &format!("{create}/responses/409"),
            json!({"description": ""}),
            "409: response: only there",
        ),
        (
            &format!("{create}/responses/200/headers/x-new"),
            json!({"schema": {"type": "string"}}),
            "200 header x-new: header: only there",
        ),
        (
            "/components/headers/RetryAfter/schema/type",
            json!("integer"),
            "header retry-after: type",
        ),
        (
            "/components/responses/Error/content/text~1plain",
            json!({}),
            "text/plain: content",
        ),
        (
            "/components/schemas/Prediction/required",
            json!(["id"]),
            ".status: presence",
        ),
        (
            "/components/schemas/Prediction/properties/cost",
            json!({"type": "number"}),
            ".cost: schema",
        ),
        (
            "/components/schemas/Prediction/properties/created_at/format",
            json!("date"),
            "created_at: format",
        ),
        (
            "/components/schemas/PredictionStatus/x-extensible-enum/1",
            json!("running"),
            ".status: values",
        ),
        (
            "/components/schemas/PredictionUrls/properties/get/type",
            json!("string"),
            ".urls.get: type",
        ),
        (
            "/components/schemas/Task/properties/progress/type",
            json!("integer"),
            ".progress: type",
        ),
        (
            "/components/schemas/InvalidField/properties/field/maxLength",
            json!(9),
            "maxLength",
        ),
        (
            "/components/schemas/CreatePredictionRequest/additionalProperties",
            json!(true),
            "additional properties",
        ),
    ];
    for (pointer, value, place) in rows {
        let mut changed = spec.clone();
        put(&mut changed, pointer, value);
        let found = found(changed);
        assert!(
            found.iter().any(|line| line.contains(place)),
            "{pointer}: {found:#?}"
        );
    }
}

/// Sets or adds the value at a pointer.
fn put(document: &mut Value, pointer: &str, value: Value) {
    let (above, key) = pointer.rsplit_once('/').unwrap();
    let key = key.replace("~1", "/").replace("~0", "~");
    let holder = document
        .pointer_mut(above)
        .unwrap_or_else(|| panic!("{pointer}"));
    match holder {
        Value::Array(items) => match key.parse::<usize>() {
            Ok(index) if index < items.len() => items[index] = value,
            _ => items.push(value),
        },
        Value::Object(object) => {
            object.insert(key, value);
        }
        other => panic!("{pointer}: {other}"),
    }
}

/// Every keyword of every schema that a request or response reaches.
#[test]
fn a_change_of_any_keyword_is_noticed() {
    let spec = in_3_1(&ours());
    let mut pointers = Vec::new();
    leaves(&spec, String::new(), &mut pointers);
    assert!(pointers.len() > 500, "{}", pointers.len());
    let (ours, mut theirs) = (Oracle::new(ours()), Oracle::new(spec));
    let mut unnoticed = Vec::new();
    for pointer in pointers {
        let value = theirs.root.pointer_mut(&pointer).unwrap();
        let other = match &*value {
            Value::Bool(is) => json!(!is),
            Value::Number(number) => json!(number.as_f64().unwrap() + 1.0),
            Value::String(kind) if pointer.ends_with("/type") && kind != "boolean" => {
                json!("boolean")
            }
            other => json!(format!("{}x", other.as_str().unwrap())),
        };
        let before = std::mem::replace(value, other);
        if differences(&ours, &theirs).is_empty() {
            unnoticed.push(pointer.clone());
        }
        put(&mut theirs.root, &pointer, before);
    }
    assert_eq!(unnoticed, Vec::<String>::new());
}

/// The pointers of what binds: no prose, no examples, no references to follow.
fn leaves(value: &Value, pointer: String, found: &mut Vec<String>) {
    const PROSE: [&str; 13] = [
        "description",
        "summary",
        "title",
        "example",
        "examples",
        "tags",
        "info",
        "openapi",
        "$ref",
        "x-source",
        "x-enum-descriptions",
        "in",
        "name",
    ];
    match value {
        Value::Object(object) => {
            for (key, child) in object {
                let is_name = pointer.ends_with("/properties") || pointer.ends_with("/headers");
                if is_name || !PROSE.contains(&key.as_str()) {
                    let key = key.replace('~', "~0").replace('/', "~1");
                    leaves(child, format!("{pointer}/{key}"), found);
                }
            }
        }
        Value::Array(items) => {
            for (index, child) in items.iter().enumerate() {
                leaves(child, format!("{pointer}/{index}"), found);
            }
        }
        Value::Null => {}
        _ => found.push(pointer),
    }
}

#[test]
fn a_document_with_one_parameter_for_the_model_is_compared_with_ours() {
    let found = found(json!({
        "openapi": "3.1.0",
        "servers": [{"url": "https://api.cometapi.com"}],
        "paths": {
            "/replicate/v1/models/{models}/predictions": {"post": {
                "operationId": "create_predictions_general",
                "responses": {"200": {"description": "", "content": {"application/json": {"schema": {
                    "type": "object",
                    "required": ["id"],
                    "properties": {
                        "id": {"type": "string"},
                        "logs": {"type": ["string", "null"]},
                        "cost": {"type": "number"},
                    },
                }}}}},
            }},
            "/replicate/v1/predictions/{id}/cancel": {"post": {"responses": {}}},
        },
    }));
    let create = "POST /models/{}/predictions";
    for line in [
        format!("{create} path parameters: count: `2` here, `0` there"),
        format!("{create} 201: response: only here: `present`"),
        format!(
            "{create}: operationId: `create_prediction` here, `create_predictions_general` there"
        ),
        "POST /predictions/{}/cancel: operation: only there: `present`".to_owned(),
        "GET /predictions/{}: operation: only here: `present`".to_owned(),
    ] {
        assert!(found.contains(&line), "{line} in {found:#?}");
    }
    let cost =
        format!("{create} 200 application/json<Prediction>.cost: schema: only there: `number`");
    assert!(found.contains(&cost), "{found:#?}");
    assert!(
        !found
            .iter()
            .any(|line| line.contains(".id:") || line.contains(".logs:")),
        "{found:#?}"
    );
}

#[test]
fn only_what_no_table_explains_is_news() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("their.json");
    let run_on = run;
    let run = |document: &Value| {
        fs::write(&path, document.to_string()).unwrap();
        let mut out = Vec::new();
        let news = run_on(&Workspace::own(), &path, false, &mut out).unwrap();
        (news, String::from_utf8(out).unwrap())
    };
    let mut theirs = in_3_1(&ours());
    let (news, text) = run(&theirs);
    assert_eq!(news, News::None, "{text}");
    assert!(text.starts_with("0 new, 0 explained in "), "{text}");
    // What CometAPI's reference says of `logs` has a row; a new field has none.
    theirs["info"]["title"] = "the reference".into();
    put(
        &mut theirs,
        "/components/schemas/Prediction/properties/logs/type",
        json!("string"),
    );
    let (news, text) = run(&theirs);
    assert_eq!(news, News::None, "{text}");
    put(
        &mut theirs,
        "/components/schemas/Prediction/properties/cost",
        json!({"type": "number"}),
    );
    let (news, text) = run(&theirs);
    assert_eq!(news, News::Some);
    assert!(
        text.contains(".cost: schema: only there: `number`\n"),
        "{text}"
    );
    assert!(!text.contains(".logs"), "{text}");
}
