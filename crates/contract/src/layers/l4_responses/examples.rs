//! The answers that somebody has recorded: the spec's examples and the fixtures.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::Value;

use super::wire::{Call, Came, Wire, panicked, whole};
use crate::layers::Options;
use contract_spec::oracle::{Example, Oracle, faults, reference};
use contract_spec::report::Report;

pub(super) const TABLE: &str = "crates/contract/data/responses.yaml";
const FIXTURES: &str = "crates/contract/fixtures";

#[derive(Deserialize)]
struct Table {
    successes: BTreeMap<String, Success>,
    errors: BTreeMap<String, Refusal>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Success {
    status: Option<String>,
    error: Option<String>,
    #[serde(default)]
    files: usize,
    outcome: Option<String>,
}

#[derive(Deserialize)]
struct Refusal {
    http: u16,
    create: String,
    get: String,
}

pub(super) async fn examples(
    options: &Options,
    oracle: &Oracle,
    wire: &Wire,
    report: &mut Report,
) -> anyhow::Result<()> {
    let table: Table = options.workspace.data(TABLE)?;
    let mut rows: BTreeSet<String> = table
        .successes
        .keys()
        .chain(table.errors.keys())
        .cloned()
        .collect();
    for example in oracle.answers() {
        let Some((operation, status, name)) = example.answer.clone() else {
            continue;
        };
        let place = format!("{operation} {status} {name}");
        let row = format!("{operation} {name}");
        if let Some(wanted) = table
            .successes
            .get(&row)
            .filter(|_| status.starts_with('2'))
        {
            rows.remove(&row);
            let http = status.parse()?;
            success(&place, wire, http, &example, wanted, report).await;
        } else if let Some(wanted) = table.errors.get(&name) {
            rows.remove(&name);
            if status.as_bytes().first() == wanted.http.to_string().as_bytes().first() {
                refusal(&place, wire, &example, wanted, report).await;
            }
        } else {
            report.fail(
                &place,
                "example-without-row",
                format!("no row says what the wrapper must return for it; add a row to {TABLE}"),
            );
        }
    }
    for row in rows {
        report.fail(
            &row,
            "row-without-example",
            format!("the spec has no such example; write it, or take the row out of {TABLE}"),
        );
    }
    Ok(())
}

async fn success(
    place: &str,
    wire: &Wire,
    http: u16,
    example: &Example,
    wanted: &Success,
    report: &mut Report,
) {
    for call in Call::ALL {
        let place = format!("{place} as {call:?}");
        let seen = match wire.json(call, http, &example.value).await {
            Err(why) => return panicked(&place, &why, report),
            Ok(Ok(prediction)) => Success {
                status: Some(prediction.status().to_string()),
                error: None,
                files: wire.files(&prediction),
                outcome: ended(prediction),
            },
            Ok(Err(error)) => {
                let body = example.value.to_string();
                whole(&place, &error, call, Some((http, body.as_bytes())), report);
                Success {
                    status: None,
                    error: Some(format!("{:?}", error.kind())),
                    files: 0,
                    outcome: None,
                }
            }
        };
        let kind = match call {
            Call::Create => wanted.error.as_ref().map(|_| "MaybeAccepted".to_owned()),
            Call::Get => wanted.error.clone(),
        };
        compare(&place, "status", &wanted.status, &seen.status, report);
        compare(&place, "error", &kind, &seen.error, report);
        compare(&place, "files", &wanted.files, &seen.files, report);
        compare(&place, "outcome", &wanted.outcome, &seen.outcome, report);
    }
    report.pass("examples");
}

/// What the end of the run is, when it has ended and not well.
fn ended(prediction: cometapi::Prediction) -> Option<String> {
    if !prediction.is_terminal() {
        return None;
    }
    let error = prediction.into_outcome().err()?;
    Some(format!("{:?}", error.kind()))
}

fn compare<T: PartialEq + std::fmt::Debug>(
    place: &str,
    what: &str,
    wanted: &T,
    seen: &T,
    report: &mut Report,
) {
    if wanted != seen {
        report.fail(
            place,
            format!("example-{what}"),
            format!(
                "the wrapper makes {seen:?} of it and {TABLE} says {wanted:?}; fix the wrapper, \
                 or the row if the example has changed its meaning"
            ),
        );
    }
}

async fn refusal(
    place: &str,
    wire: &Wire,
    example: &Example,
    wanted: &Refusal,
    report: &mut Report,
) {
    if !example.summary.is_empty() && !example.summary.starts_with(&wanted.http.to_string()) {
        compare(
            place,
            "http",
            &format!("{}: …", wanted.http),
            &example.summary,
            report,
        );
    }
    let body = match &example.value {
        Value::String(page) => page.clone(),
        json => json.to_string(),
    };
    for call in Call::ALL {
        let kind = match call {
            Call::Create => &wanted.create,
            Call::Get => &wanted.get,
        };
        let place = format!("{place} as {call:?}");
        let came: Came = wire
            .answer(call, wanted.http, &example.media, body.clone())
            .await;
        match came {
            Err(why) => panicked(&place, &why, report),
            Ok(Ok(_)) => compare(&place, "kind", kind, &"a prediction".to_owned(), report),
            Ok(Err(error)) => {
                compare(&place, "kind", kind, &format!("{:?}", error.kind()), report);
                whole(
                    &place,
                    &error,
                    call,
                    Some((wanted.http, body.as_bytes())),
                    report,
                );
            }
        }
    }
    report.pass("examples");
}

/// Every fixture says where it is from, fits the spec, and is read.
pub(super) async fn fixtures(
    options: &Options,
    oracle: &Oracle,
    wire: &Wire,
    report: &mut Report,
) -> anyhow::Result<()> {
    let readme = options.workspace.read(&format!("{FIXTURES}/README.md"))?;
    let mut count = 0;
    for path in options.workspace.list(FIXTURES)? {
        let name = path.rsplit('/').next().unwrap_or_default();
        if !contract_spec::workspace::has_extension(&path, "json") {
            continue;
        }
        let row = readme
            .lines()
            .find(|line| line.contains(&format!("`{name}`")));
        let from = row.and_then(|row| row.trim_matches(['|', ' ']).split('|').nth(2));
        if from.is_none_or(|from| from.trim().is_empty()) {
            report.fail(
                &path,
                "provenance",
                format!("its source is missing; add a row to {FIXTURES}/README.md"),
            );
        }
        let json: Value = match serde_json::from_str(&options.workspace.read(&path)?) {
            Ok(json) => json,
            Err(error) => {
                report.fail(&path, "fixture-json", format!("{error}; fix the file"));
                continue;
            }
        };
        count += 1;
        let component = if name.contains("request") {
            "CreatePredictionRequest"
        } else {
            "PredictionResponse"
        };
        for fault in faults(&oracle.validator(&reference(component))?, &json) {
            report.fail_by(
                &fault.schema,
                &path,
                "fixture-against-spec",
                format!("{fault}; the service has answered so, fix the schema {component}"),
            );
        }
        if component == "PredictionResponse" {
            match wire.json(Call::Get, 200, &json).await {
                Err(why) => panicked(&path, &why, report),
                Ok(Ok(prediction)) if prediction.ignored_fields().is_empty() => {}
                Ok(Ok(prediction)) => report.fail(
                    &path,
                    "fixture-ignored-field",
                    format!(
                        "left out: {:?}; fix the type or the spec",
                        prediction.ignored_fields()
                    ),
                ),
                Ok(Err(error)) => {
                    report.fail(
                        &path,
                        "fixture-refused",
                        format!("{error}; fix the wrapper"),
                    );
                }
            }
        }
        report.pass("fixtures");
    }
    if count < 2 {
        report.fail(
            FIXTURES,
            "fixtures-missing",
            "the documented request and its answer belong here; bring them back",
        );
    }
    Ok(())
}
