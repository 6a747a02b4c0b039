//! The shipped document, and small ones made for what it does not have.

use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};

use super::*;

const CREATE: &str = "/replicate/v1/models/black-forest-labs/flux-schnell/predictions";
const GET: &str = "/replicate/v1/predictions/q4chw5rey9rmt0cww76t4h3ma4";

fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
    let pairs = pairs.iter().map(|(name, value)| {
        (
            HeaderName::from_static(name),
            HeaderValue::from_str(value).unwrap(),
        )
    });
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        headers.append(name, value);
    }
    headers
}

fn valid() -> HeaderMap {
    headers(&[
        ("host", "127.0.0.1"),
        ("authorization", "Bearer sk-1"),
        ("content-type", "application/json"),
        ("accept", "*/*"),
    ])
}

const BODY: &[u8] = br#"{"input":{"prompt":"p"}}"#;

fn found(
    spec: &Spec,
    method: &Method,
    target: &str,
    headers: &HeaderMap,
    body: &[u8],
) -> Vec<String> {
    spec.check_request(method, target, headers, body)
        .violations
        .iter()
        .map(|violation| format!("{:?}: {violation}", violation.rule))
        .collect()
}

#[track_caller]
fn create(headers: &HeaderMap, body: &[u8], expected: &[&str]) {
    let spec = Spec::shipped().unwrap();
    assert_eq!(found(&spec, &Method::POST, CREATE, headers, body), expected);
}

#[track_caller]
fn get(target: &str, expected: &[&str]) {
    let spec = Spec::shipped().unwrap();
    let mut headers = valid();
    headers.remove("content-type");
    assert_eq!(found(&spec, &Method::GET, target, &headers, b""), expected);
}

#[test]
fn what_is_valid_passes() {
    create(&valid(), BODY, &[]);
    get(GET, &[]);
    get(&format!("{GET}?"), &[]);
    get(
        "/replicate/v1/predictions/task_0123456789abcdefghijABCDEFGHIJ01",
        &[],
    );
    let mut charset = valid();
    charset.insert(
        "content-type",
        HeaderValue::from_static("Application/JSON; charset=utf-8"),
    );
    create(&charset, BODY, &[]);
    let mut lower = valid();
    lower.insert("authorization", HeaderValue::from_static("bearer sk-1"));
    create(&lower, BODY, &[]);
}

#[test]
fn a_key_must_be_there_exactly_once() {
    let with = |values: &[&str]| {
        let mut headers = valid();
        headers.remove("authorization");
        for value in values {
            headers.append("authorization", HeaderValue::from_str(value).unwrap());
        }
        headers
    };
    let missing = "Security: header authorization: missing";
    let twice = "Security: header authorization: sent more than once";
    let odd = "Security: header authorization: not a bearer key";
    create(&with(&[]), BODY, &[missing]);
    create(&with(&["Bearer a", "Bearer a"]), BODY, &[twice]);
    for value in [
        "Bearer ",
        "Bearer",
        "Basic abc",
        "sk-1",
        "Bearer a b",
        "Bearer  a",
        "",
    ] {
        create(&with(&[value]), BODY, &[odd]);
    }
}

#[test]
fn a_violation_never_holds_the_key() {
    let spec = Spec::shipped().unwrap();
    let mut headers = headers(&[
        ("authorization", "Basic sk-secret"),
        ("x-api-key", "sk-secret"),
    ]);
    headers.append("authorization", HeaderValue::from_static("sk-secret"));
    let checked = spec.check_request(&Method::GET, &format!("{GET}?key=sk-secret"), &headers, b"");
    let undeclared = spec.undeclared_headers("get_prediction", &headers);
    assert_eq!((checked.violations.len(), undeclared.len()), (2, 1));
    assert!(!format!("{:?}{undeclared:?}", checked.violations).contains("sk-secret"));
}

#[test]
fn undeclared_headers_are_a_matter_of_their_own() {
    let mut odd = valid();
    for name in [
        "api-version",
        "accept-encoding",
        "transfer-encoding",
        "prefer",
    ] {
        odd.insert(name, HeaderValue::from_static("x"));
    }
    create(&odd, BODY, &[]);
    let spec = Spec::shipped().unwrap();
    let undeclared = |operation: &str, headers: &HeaderMap| -> Vec<_> {
        let violations = spec.undeclared_headers(operation, headers);
        violations.iter().map(ToString::to_string).collect()
    };
    assert_eq!(
        undeclared("create_prediction", &odd),
        [
            "header api-version: not declared",
            "header accept-encoding: not declared",
            "header transfer-encoding: not declared",
            "header prefer: not declared",
        ]
    );
    assert!(undeclared("create_prediction", &valid()).is_empty());
    assert!(undeclared("no_operation", &odd).is_empty());
}

#[test]
fn undeclared_queries() {
    get(
        &format!("{GET}?page=2&a%20b"),
        &[
            "Query: query page: not declared",
            "Query: query a b: not declared",
        ],
    );
}

#[test]
fn paths() {
    let unknown = |path: &str| format!("UnknownPath: path: {path}");
    for path in [
        "/",
        "/predictions/x",
        "/replicate/v1",
        "/replicate/v1/",
        "/replicate/v1x/predictions/x",
        "/replicate/v1/predictions",
        "/replicate/v1/predictions/x/",
        "/replicate/v1/predictions/x/y",
        "/replicate/v1/../v1/predictions/x",
        "//replicate/v1/predictions/x",
        "/replicate/v1/models/black-forest-labs%2Fflux-dev/predictions",
    ] {
        get(path, &[&unknown(path)]);
    }
}

#[test]
fn path_parameters() {
    let bad = |raw: &str| format!("PathParameter: path parameter prediction_id: {raw}");
    for raw in ["..", ".", "%2E%2e", "%ff", "", "a%0Ab", "%7f", "%C2%85"] {
        get(&format!("/replicate/v1/predictions/{raw}"), &[&bad(raw)]);
    }
    for raw in [
        "...", ".a", "a%2Fb", "a\\b", "a%5Cb", "a%20b", "%zz", "a:b", "é", "a=b", "a+b",
    ] {
        get(&format!("/replicate/v1/predictions/{raw}"), &[]);
    }
    let long = "a".repeat(257);
    get(&format!("/replicate/v1/predictions/{long}"), &[&bad(&long)]);

    let spec = Spec::shipped().unwrap();
    let target = "/replicate/v1/models/a%2Fb/../predictions";
    let checked = spec.check_request(&Method::POST, target, &valid(), BODY);
    assert_eq!(checked.violations.len(), 2);
    assert_eq!(checked.parameters["model_owner"], "a/b");
}

#[test]
fn methods() {
    let spec = Spec::shipped().unwrap();
    for method in [Method::HEAD, Method::OPTIONS, Method::POST, Method::DELETE] {
        let checked = spec.check_request(&method, GET, &valid(), b"");
        assert_eq!(checked.allow, [Method::GET]);
        assert_eq!(checked.violations[0].rule, Rule::Method);
    }
    let checked = spec.check_request(&Method::GET, CREATE, &valid(), b"");
    assert_eq!(checked.allow, [Method::POST]);
}

#[test]
fn content_types() {
    let with = |values: &[&'static str]| {
        let mut headers = valid();
        headers.remove("content-type");
        for value in values {
            headers.append("content-type", HeaderValue::from_static(value));
        }
        headers
    };
    create(
        &with(&[]),
        BODY,
        &["ContentType: header content-type: missing"],
    );
    create(
        &with(&["text/plain"]),
        BODY,
        &["ContentType: header content-type: text/plain"],
    );
    create(
        &with(&["application/json-patch+json"]),
        BODY,
        &["ContentType: header content-type: application/json-patch+json"],
    );
    create(
        &with(&["application/json", "application/json"]),
        BODY,
        &["ContentType: header content-type: sent more than once"],
    );
    let spec = Spec::shipped().unwrap();
    assert_eq!(
        found(&spec, &Method::GET, GET, &valid(), b"{}"),
        ["ContentType: body: sent where none is declared"]
    );
}

#[test]
fn bodies() {
    let places = |body: &[u8]| -> Vec<String> {
        let spec = Spec::shipped().unwrap();
        let checked = spec.check_request(&Method::POST, CREATE, &valid(), body);
        checked
            .violations
            .iter()
            .map(|violation| format!("{:?} {}", violation.rule, violation.place))
            .collect()
    };
    assert_eq!(places(b"{"), ["BodySyntax body"]);
    assert_eq!(places(b""), ["BodySyntax body"]);
    assert_eq!(places(b"{} {}"), ["BodySyntax body"]);
    assert_eq!(places(b"[]"), ["BodySchema body "]);
    assert_eq!(places(b"{}"), ["BodySchema body /input"]);
    assert_eq!(places(br#"{"input":"p"}"#), ["BodySchema body /input"]);
    assert_eq!(
        places(br#"{"input":{},"webhook":"u"}"#),
        ["BodySchema body "]
    );
    assert_eq!(places(br#"{"input":{"anything":[null]}}"#), [""; 0]);
}

#[test]
fn every_example_of_an_answer_is_an_answer() {
    let root: Value = serde_saphyr::from_str(SHIPPED).unwrap();
    let spec = Spec::shipped().unwrap();
    let mut seen = 0;
    for (operation, path) in [
        (
            "create_prediction",
            "/models/{model_owner}/{model_name}/predictions",
        ),
        ("get_prediction", "/predictions/{prediction_id}"),
    ] {
        let method = if operation == "create_prediction" {
            "post"
        } else {
            "get"
        };
        let answers = root["paths"][path][method]["responses"]
            .as_object()
            .unwrap();
        for (status, answer) in answers {
            let examples = &answer["content"]["application/json"]["examples"];
            for (name, example) in examples.as_object().into_iter().flatten() {
                let body = example["value"].to_string();
                let status = StatusCode::from_bytes(status.as_bytes()).unwrap();
                let broken = spec.check_response(
                    operation,
                    status,
                    Some("application/json"),
                    body.as_bytes(),
                );
                assert_eq!(broken, [], "{name}");
                seen += 1;
            }
        }
    }
    assert!(seen >= 10, "{seen}");
}

#[test]
fn answers_that_are_not_declared() {
    let spec = Spec::shipped().unwrap();
    let rules = |status: u16, media: Option<&str>, body: &str| -> Vec<Rule> {
        let status = StatusCode::from_u16(status).unwrap();
        spec.check_response("get_prediction", status, media, body.as_bytes())
            .iter()
            .map(|violation| violation.rule)
            .collect()
    };
    let json = Some("application/json; charset=utf-8");
    assert_eq!(rules(302, json, "{}"), [Rule::ResponseStatus]);
    assert_eq!(rules(201, json, "{}"), [Rule::ResponseStatus]);
    assert_eq!(
        rules(200, Some("text/html"), "<html>"),
        [Rule::ResponseContentType]
    );
    assert_eq!(rules(200, None, ""), [Rule::ResponseContentType]);
    assert_eq!(rules(200, json, "{"), [Rule::ResponseBody]);
    assert_eq!(
        rules(200, json, r#"{"status":"starting"}"#),
        [Rule::ResponseBody]
    );
    assert_eq!(
        rules(200, json, r#"{"id":7,"status":"starting"}"#),
        [Rule::ResponseBody]
    );
    assert_eq!(rules(429, None, ""), []);
    assert_eq!(rules(502, Some("text/html"), "<html>"), []);
    assert_eq!(
        rules(500, json, r#"{"success":false}"#),
        [Rule::ResponseBody]
    );
    let unknown = spec.check_response("list", StatusCode::OK, json, b"{}");
    assert_eq!(unknown[0].rule, Rule::UnknownPath);
}

/// Declared headers and queries, which the service has none of today.
const DECLARED: &str = "
openapi: 3.0.3
servers: [{url: 'https://example.com/base/'}]
paths:
  /things:
    parameters:
      - {name: Prefer, in: header, schema: {type: string, pattern: '^wait'}}
    get:
      operationId: things
      parameters:
        - {name: page, in: query, required: true, schema: {type: integer, minimum: 1}}
      responses:
        '200': {description: d}
";

#[test]
fn declared_headers_and_queries_are_held_to_their_schemas() {
    let spec = Spec::parse(DECLARED).unwrap();
    let with = |target: &str, prefer: &[&str]| {
        let pairs: Vec<_> = prefer.iter().map(|value| ("prefer", *value)).collect();
        found(&spec, &Method::GET, target, &headers(&pairs), b"")
    };
    assert_eq!(with("/base/things?page=2", &["wait=5"]), [""; 0]);
    assert_eq!(with("/base/things?page=2", &[]), [""; 0]);
    assert_eq!(with("/base/things", &[]), ["Query: query page: missing"]);
    assert_eq!(
        with("/base/things?page=0", &[]),
        ["Query: query page: not of its schema"]
    );
    assert_eq!(
        with("/base/things?page=x", &[]),
        ["Query: query page: not of its schema"]
    );
    assert_eq!(
        with("/base/things?page=1&page=2", &["now"]),
        [
            "Header: header Prefer: not of its schema",
            "Query: query page: sent more than once"
        ]
    );
}
