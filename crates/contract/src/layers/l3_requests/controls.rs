//! Requests that are wrong in one way each. A judge that lets one pass cannot be trusted with
//! the rest.

use cometapi_mock::{Rule, Spec};
use http::{HeaderMap, HeaderName, HeaderValue, Method};

use contract_spec::report::Report;

const CREATE: &str = "/replicate/v1/models/black-forest-labs/flux-schnell/predictions";
const GET: &str = "/replicate/v1/predictions/q4chw5rey9rmt0cww76t4h3ma4";
const KEY: (&str, &str) = ("authorization", "Bearer sk-any");
const JSON: (&str, &str) = ("content-type", "application/json");
const BODY: &str = r#"{"input":{"prompt":"a paper boat"}}"#;

struct Control {
    name: &'static str,
    method: &'static str,
    target: &'static str,
    headers: &'static [(&'static str, &'static str)],
    body: &'static str,
    /// The rule that it breaks; none for a valid one.
    breaks: Option<Rule>,
}

const fn create(
    name: &'static str,
    headers: &'static [(&'static str, &'static str)],
    body: &'static str,
    breaks: Option<Rule>,
) -> Control {
    Control {
        name,
        method: "POST",
        target: CREATE,
        headers,
        body,
        breaks,
    }
}

const fn get(name: &'static str, target: &'static str, breaks: Option<Rule>) -> Control {
    Control {
        name,
        method: "GET",
        target,
        headers: &[KEY],
        body: "",
        breaks,
    }
}

const CONTROLS: &[Control] = &[
    create("the documented create", &[KEY, JSON], BODY, None),
    get("the documented poll", GET, None),
    create("no key", &[JSON], BODY, Some(Rule::Security)),
    create("two keys", &[KEY, KEY, JSON], BODY, Some(Rule::Security)),
    create(
        "another scheme",
        &[("authorization", "Basic eA=="), JSON],
        BODY,
        Some(Rule::Security),
    ),
    create(
        "a bare key",
        &[("authorization", "sk-any"), JSON],
        BODY,
        Some(Rule::Security),
    ),
    create(
        "a version header",
        &[KEY, JSON, ("api-version", "0.1.0")],
        BODY,
        Some(Rule::Header),
    ),
    create(
        "a preference",
        &[KEY, JSON, ("prefer", "wait")],
        BODY,
        Some(Rule::Header),
    ),
    create(
        "text as JSON",
        &[KEY, ("content-type", "text/plain")],
        BODY,
        Some(Rule::ContentType),
    ),
    create("no content type", &[KEY], BODY, Some(Rule::ContentType)),
    create(
        "broken JSON",
        &[KEY, JSON],
        "{\"input\":",
        Some(Rule::BodySyntax),
    ),
    create("no input", &[KEY, JSON], "{}", Some(Rule::BodySchema)),
    create(
        "input under another name",
        &[KEY, JSON],
        r#"{"inputs":{}}"#,
        Some(Rule::BodySchema),
    ),
    create(
        "input as a list",
        &[KEY, JSON],
        r#"{"input":[]}"#,
        Some(Rule::BodySchema),
    ),
    create(
        "a field beside input",
        &[KEY, JSON],
        r#"{"input":{},"webhook":"https://x"}"#,
        Some(Rule::BodySchema),
    ),
    get(
        "an undeclared query",
        "/replicate/v1/predictions/a?page=2",
        Some(Rule::Query),
    ),
    get("an encoded slash", "/replicate/v1/predictions/a%2Fb", None),
    get(
        "an encoded step up",
        "/replicate/v1/predictions/%2e%2e",
        Some(Rule::PathParameter),
    ),
    get(
        "an encoded control",
        "/replicate/v1/predictions/a%00",
        Some(Rule::PathParameter),
    ),
    get("a backslash", "/replicate/v1/predictions/a%5Cb", None),
    get("another root", "/v1/predictions/a", Some(Rule::UnknownPath)),
    get(
        "a list",
        "/replicate/v1/predictions",
        Some(Rule::UnknownPath),
    ),
    Control {
        method: "DELETE",
        ..get("a delete", GET, Some(Rule::Method))
    },
    Control {
        target: "/replicate/v1/models/black-forest-labs%2Fflux-schnell/predictions",
        ..create(
            "the model in one piece",
            &[KEY, JSON],
            BODY,
            Some(Rule::UnknownPath),
        )
    },
    Control {
        target: "/replicate/v1/models/../flux-schnell/predictions",
        ..create(
            "a step up as owner",
            &[KEY, JSON],
            BODY,
            Some(Rule::PathParameter),
        )
    },
    Control {
        target: "/replicate/v1/models/a/x%5Cy/predictions",
        ..create(
            "a backslash in the name",
            &[KEY, JSON],
            BODY,
            Some(Rule::PathParameter),
        )
    },
    Control {
        body: "{}",
        headers: &[KEY, JSON],
        ..get("a body where none belongs", GET, Some(Rule::ContentType))
    },
];

pub(super) fn run(spec: &Spec, report: &mut Report) -> anyhow::Result<()> {
    for control in CONTROLS {
        let mut headers = HeaderMap::new();
        for (name, value) in control.headers {
            headers.append(
                HeaderName::from_static(name),
                HeaderValue::from_static(value),
            );
        }
        let body = control.body.as_bytes();
        let mut checked = spec.check_request(
            &control.method.parse::<Method>()?,
            control.target,
            &headers,
            body,
        );
        if let Some(operation) = &checked.operation {
            let undeclared = spec.undeclared_headers(operation, &headers);
            checked.violations.extend(undeclared);
        }
        let rules: Vec<_> = checked
            .violations
            .iter()
            .map(|violation| violation.rule)
            .collect();
        let as_wanted = match control.breaks {
            Some(rule) => rules.contains(&rule),
            None => rules.is_empty(),
        };
        if as_wanted {
            report.pass("controls");
            continue;
        }
        let wanted = control
            .breaks
            .map_or_else(|| "nothing".to_owned(), |rule| format!("{rule:?}"));
        report.fail(
            format!("control {:?}", control.name),
            "judge-is-blind",
            format!(
                "the mock should find {wanted} and finds {rules:?}; fix its checks, or the spec \
                 that they go by"
            ),
        );
    }
    Ok(())
}
