//! L3: what leaves the wrapper is what the spec allows, and what it does not allow never
//! leaves.
//!
//! The mock is the judge: it reads the spec by code of its own. Before it is trusted, it is
//! shown requests and inputs that are wrong in one way each, and must refuse every one.

mod controls;
mod inputs;

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use cometapi::{Backoff, Client, Error};
use cometapi_mock::{MockServer, Pace, Received, Spec};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::ValueTree;
use serde_json::Value;

use super::l2_types::runner;
use super::{Options, Twist, operations};
use crate::values::{any_json, odd_text};
use contract_spec::oracle::{Oracle, reference};
use contract_spec::report::Report;
use contract_spec::workspace::SPEC;

const CASES: usize = 400;

/// What a URL parser, a proxy or a log would take for something else.
const HOSTILE: [&str; 28] = [
    "",
    ".",
    "..",
    "...",
    "a/b",
    "/",
    "//",
    "a\\b",
    "\\",
    "%2F",
    "%2e%2e",
    "a%00",
    "a b",
    " a",
    "a\n",
    "a\r\nx-evil: 1",
    "\u{0}",
    "\u{7f}",
    "a?b=c",
    "a#b",
    "-a",
    "~a",
    "é",
    "任务",
    "a\u{200b}",
    "a:b",
    "@a",
    "a;b",
];

pub(super) fn run(options: &Options) -> anyhow::Result<Report> {
    let yaml = match &options.twist {
        Twist::Spec(yaml) => yaml.clone(),
        _ => options.workspace.read(SPEC)?,
    };
    let spec = Arc::new(Spec::parse(&yaml)?);
    let mut report = Report::default();
    controls::run(&spec, &mut report)?;
    inputs::run(&spec, &mut report)?;
    let oracle = Oracle::new(options.workspace.spec()?);
    runtime()?.block_on(requests(&spec, &oracle, &mut report))?;
    Ok(report)
}

/// One thread: the layers are judged by what is said, not by who says it first.
pub(crate) fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("no runtime can be started")
}

pub(crate) const KEY: &str = "sk-contract-Zq7Pw3Lm9Xk2";

/// Longer than any answer of the mock takes, on however busy a machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A client that repeats nothing.
pub(crate) fn client(base_url: &str, patience: Duration) -> Result<Client, Error> {
    let backoff = Backoff {
        first: Duration::from_millis(1),
        factor: 1.0,
        max: Duration::from_millis(1),
        jitter: 0.0,
    };
    let mut create = cometapi::CreatePolicy::default();
    create.max_attempts = 1;
    create.attempt_timeout = patience;
    create.backoff = backoff;
    let mut wait = cometapi::WaitPolicy::default();
    wait.attempt_timeout = patience;
    wait.pace = cometapi::PollPace::every(Duration::from_millis(1));
    Client::builder()
        .key(KEY)
        .base_url(base_url)
        .create_policy(create)
        .wait_policy(wait)
        .jitter_seed(1)
        .build()
}

/// One drawn case.
#[derive(Clone, Debug)]
struct Case {
    owner: String,
    name: String,
    id: String,
    input: Value,
}

fn cases() -> impl Strategy<Value = Case> {
    let part = |longest: usize| {
        prop_oneof![
            4 => "[A-Za-z0-9_][A-Za-z0-9._-]{0,12}",
            3 => select(&HOSTILE[..]).prop_map(str::to_owned),
            2 => odd_text(),
            1 => Just("a".repeat(longest)),
            1 => Just("a".repeat(longest + 1)),
            1 => Just("é".repeat(longest)),
            1 => "[a-z]{1,4}[^a-z]{1,2}[a-z]{0,4}",
        ]
    };
    let input = prop_oneof![
        4 => proptest::collection::vec((odd_text(), any_json(2)), 0..4)
            .prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
        1 => any_json(1),
    ];
    (part(128), part(128), part(256), input).prop_map(|(owner, name, id, input)| Case {
        owner,
        name,
        id,
        input,
    })
}

/// Every hostile text in every place, the rest of the request valid.
fn hostile() -> impl Iterator<Item = Case> {
    let valid = || Case {
        owner: "somebody".to_owned(),
        name: "something".to_owned(),
        id: "abc".to_owned(),
        input: Value::Object(serde_json::Map::new()),
    };
    HOSTILE.into_iter().flat_map(move |text| {
        [
            Case {
                owner: text.to_owned(),
                ..valid()
            },
            Case {
                name: text.to_owned(),
                ..valid()
            },
            Case {
                id: text.to_owned(),
                ..valid()
            },
        ]
    })
}

fn drawn() -> anyhow::Result<Vec<Case>> {
    let strategy = cases();
    let mut runner = runner("requests");
    (0..CASES)
        .map(|_| {
            let tree = strategy
                .new_tree(&mut runner)
                .map_err(|reason| anyhow::anyhow!("no case can be drawn: {reason}"))?;
            Ok(tree.current())
        })
        .collect()
}

async fn requests(spec: &Arc<Spec>, oracle: &Oracle, report: &mut Report) -> anyhow::Result<()> {
    let server = MockServer::builder()
        .pace(Pace::instant())
        .strict_headers()
        .seed(7)
        .spec(Arc::clone(spec))
        .start()
        .await?;
    let client = client(server.base_url(), PATIENCE)?;
    let judge = |component: &str| oracle.component(component);
    let (owners, names, ids) = (
        judge("ModelOwner")?,
        judge("ModelName")?,
        judge("PredictionId")?,
    );
    let bodies = oracle.validator(&reference("CreatePredictionRequest"))?;
    let mut seen = 0;
    for case in hostile().chain(drawn()?) {
        let Case {
            owner,
            name,
            id,
            input,
        } = case;
        let body = serde_json::json!({"input": input});
        // A slash in a part makes another model of the two, so the text is split as a reader
        // of `owner/name` would.
        let model = format!("{owner}/{name}");
        let (first, rest) = model.split_once('/').unwrap_or_default();
        let valid = owners.is_valid(&first.into())
            && names.is_valid(&rest.into())
            && bodies.is_valid(&body);
        let created = client
            .predictions()
            .create_model(model.as_str(), input)
            .await;
        let sent = fresh(&server, &mut seen);
        let place = format!("create {model:?}");
        let error = created.err();
        judged(
            "ModelOwner and ModelName",
            &place,
            valid,
            &sent,
            error.as_ref(),
            report,
        );
        if let [only] = &sent[..] {
            same_body(&place, only, &body, report);
            same_path(
                &place,
                only,
                &format!("/models/{model}/predictions"),
                spec,
                report,
            );
        }

        // Spaces around an id come from copying, and are not sent.
        let id = id.trim().to_owned();
        let valid = ids.is_valid(&id.as_str().into());
        let got = client.predictions().get(&id).await;
        let sent = fresh(&server, &mut seen);
        let place = format!("get {id:?}");
        judged(
            "PredictionId",
            &place,
            valid,
            &sent,
            got.err().as_ref(),
            report,
        );
        if let [only] = &sent[..] {
            let path = format!("/predictions/{}", segment(&id));
            same_path(&place, only, &path, spec, report);
        }
    }
    operations::check("l3_requests.rs", &server.requests(), spec, report);
    for violation in server.violations() {
        report.fail_by(
            format!("{:?} {}", violation.rule, violation.place),
            "the wire",
            "not-allowed",
            format!("{violation}; the spec does not declare it: fix the client, or the spec"),
        );
    }
    Ok(())
}

/// The requests that came since the last poll.
fn fresh(server: &MockServer, seen: &mut usize) -> Vec<Received> {
    let fresh = server.requests().split_off(*seen);
    *seen += fresh.len();
    fresh
}

/// Judges one call. `component` is the schema of what the call is about.
fn judged(
    component: &str,
    place: &str,
    valid: bool,
    sent: &[Received],
    error: Option<&Error>,
    report: &mut Report,
) {
    let refused = error.is_some_and(Error::is_before_sending);
    match (valid, sent) {
        (false, []) if refused => report.pass("refused before the wire"),
        (false, []) => report.fail_by(
            component,
            place,
            "wrong-refusal",
            "nothing was sent, but the error does not say so; give it a kind that \
             `is_before_sending`",
        ),
        (false, _) => report.fail_by(
            component,
            place,
            "sent-invalid",
            "the spec does not allow it and it was sent; refuse it in the client's path \
             parameters, or widen the spec",
        ),
        (true, [one]) if one.violations.is_empty() && one.operation.is_some() => {
            report.pass("valid requests");
        }
        (true, [one]) => {
            for violation in &one.violations {
                report.fail_by(
                    format!("{component} {}", violation.place),
                    format!("{} {}", one.method, one.operation.as_deref().unwrap_or("?")),
                    format!("{:?}", violation.rule),
                    format!(
                        "{violation}; the spec does not allow it: fix what sends it, or the spec"
                    ),
                );
            }
        }
        (true, []) => report.fail_by(
            component,
            place,
            "refused-valid",
            format!(
                "the spec allows it and it was not sent: {}; fix the client's path parameters, \
                 or narrow the spec",
                error.map_or_else(|| "no error".to_owned(), ToString::to_string)
            ),
        ),
        (true, many) => report.fail_by(
            component,
            place,
            "sent-again",
            format!(
                "one call gave {} requests; a create must be sent once",
                many.len()
            ),
        ),
    }
}

fn same_body(place: &str, sent: &Received, wanted: &Value, report: &mut Report) {
    let got: Option<Value> = serde_json::from_slice(&sent.body).ok();
    if got.as_ref() == Some(wanted) {
        report.pass("bodies unchanged");
    } else {
        report.fail_by(
            "CreatePredictionRequest",
            place,
            "body-changed",
            "the body on the wire is not the input that was given; fix the wrapper's create",
        );
    }
}

/// A string as one segment of a path: what RFC 3986 does not leave to every use is encoded.
fn segment(text: &str) -> String {
    const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
        .remove(b'-')
        .remove(b'.')
        .remove(b'_')
        .remove(b'~');
    utf8_percent_encode(text, ENCODED).to_string()
}

/// The path as it stood in the request line: nothing encoded, nothing resolved.
fn same_path(place: &str, sent: &Received, wanted: &str, spec: &Spec, report: &mut Report) {
    let wanted = format!("{}{wanted}", spec.prefix());
    if sent.target == wanted {
        report.pass("paths exact");
    } else {
        report.fail_by(
            sent.operation.as_deref().unwrap_or_default(),
            place,
            "path-changed",
            format!(
                "{} was asked for instead of {wanted}; fix the client's path",
                sent.target
            ),
        );
    }
}
