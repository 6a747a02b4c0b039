//! Answers that are drawn from the spec, and what is nearly one.

use cometapi::{Error, ErrorKind, Prediction};
use proptest::strategy::{Strategy, ValueTree};
use serde_json::{Value, json};

use super::wire::{Call, Wire, is_usable, panicked, whole};
use crate::layers::l2_types::{plain, runner};
use crate::values::{mutants, valid};
use contract_spec::oracle::{Oracle, reference, short};
use contract_spec::report::Report;

const ANSWERS: usize = 90;
const ERRORS: usize = 45;

const STATUSES: [u16; 17] = [
    400, 401, 402, 403, 404, 408, 409, 413, 418, 422, 429, 500, 502, 503, 504, 520, 524,
];

fn draw(oracle: &Oracle, component: &str, count: usize) -> anyhow::Result<Vec<Value>> {
    let strategy = valid(oracle, &reference(component), 4)?;
    let mut runner = runner(component);
    (0..count)
        .map(|_| {
            let tree = strategy
                .new_tree(&mut runner)
                .map_err(|reason| anyhow::anyhow!("no {component} can be drawn: {reason}"))?;
            Ok(tree.current())
        })
        .collect()
}

pub(super) async fn predictions(
    oracle: &Oracle,
    wire: &Wire,
    report: &mut Report,
) -> anyhow::Result<()> {
    let schema = reference("Prediction");
    for value in draw(oracle, "Prediction", ANSWERS)? {
        for call in Call::ALL {
            bare(call, wire, &value, true, report).await;
        }
        report.pass("answers drawn");
        // A few of the dozens, another few each time.
        let all = mutants(oracle, &schema, &value);
        let step = all.len().div_ceil(6).max(1);
        let few = all.iter().skip(report.total() % step).step_by(step);
        for (mutant, call) in few.zip(Call::ALL.into_iter().cycle()) {
            bare(call, wire, &mutant.value, false, report).await;
            report.pass("mutants");
        }
    }
    for task in draw(oracle, "Task", ANSWERS)? {
        let wrapped = json!({"code": "success", "message": "", "data": task});
        for call in Call::ALL {
            enveloped(call, wire, &wrapped, &task, report).await;
        }
        report.pass("answers drawn");
    }
    for value in draw(oracle, "TaskError", ERRORS)? {
        for call in Call::ALL {
            task_error(call, wire, &value, report).await;
        }
        report.pass("answers drawn");
    }
    Ok(())
}

async fn task_error(call: Call, wire: &Wire, value: &Value, report: &mut Report) {
    let body = value.to_string();
    let place = format!("{call:?} answered by {}", short(&body));
    match wire.json(call, 200, value).await {
        Err(why) => panicked(&place, &why, report),
        // One of the texts that are drawn is a prediction, and is to be read as one.
        Ok(Ok(_)) if holds_prediction(value) => {}
        Ok(Ok(_)) => report.fail_by(
            "TaskError",
            &place,
            "error-as-value",
            "a task error gave a prediction",
        ),
        Ok(Err(error)) => {
            let sent = Some((200, body.as_bytes()));
            whole(&place, &error, call, sent, report);
        }
    }
}

/// A bare prediction, valid or nearly so: with an id it is a value, whatever else is wrong.
async fn bare(call: Call, wire: &Wire, value: &Value, valid: bool, report: &mut Report) {
    let body = value.to_string();
    let place = format!("{call:?} answered by {}", short(&body));
    let id = value
        .get("id")
        .and_then(Value::as_str)
        .filter(|id| !id.is_empty());
    let answer = wire.json(call, 200, value).await;
    if let (Ok(answer), Some(id)) = (&answer, id)
        && !is_usable(id)
    {
        // Nobody can poll for it: the prediction is kept if it has ended, else in doubt.
        let changed = answer
            .as_ref()
            .is_ok_and(|prediction| prediction.id() != id);
        if changed {
            report.fail_by(
                format!("{call:?} unusable id"),
                &place,
                "value-changed",
                "it became another id; fix the wrapper",
            );
        }
        return;
    }
    match (answer, id) {
        (Err(why), _) => panicked(&place, &why, report),
        (Ok(Ok(prediction)), Some(id)) => {
            for (what, fault) in unlike(&prediction, value, id, valid) {
                report.fail_by(
                    format!("{call:?} {what}"),
                    &place,
                    "value-changed",
                    format!("{fault}; fix the wrapper"),
                );
            }
        }
        (Ok(Ok(prediction)), None) => {
            let number = value.get("id").is_some_and(Value::is_number);
            if !number || prediction.id().is_empty() {
                report.fail_by(
                    format!("{call:?}"),
                    &place,
                    "value-without-id",
                    "nobody can poll for it; make it an error",
                );
            }
        }
        (Ok(Err(error)), None) => {
            whole(&place, &error, call, Some((200, body.as_bytes())), report);
        }
        (Ok(Err(error)), Some(_)) => report.fail_by(
            format!("{call:?} {:?}", error.kind()),
            &place,
            "paid-and-lost",
            format!("it holds an id and became the error {error}; leave out what has the wrong type instead"),
        ),
    }
}

/// How `prediction` differs from the value that it was read from, in short and in full.
fn unlike(
    prediction: &Prediction,
    value: &Value,
    id: &str,
    valid: bool,
) -> Vec<(&'static str, String)> {
    let mut faults = Vec::new();
    if prediction.id() != id {
        faults.push(("id", format!("the id became {:?}", prediction.id())));
    }
    if prediction.raw() != value.to_string().as_bytes() {
        faults.push(("raw", "the raw body is not what came".to_owned()));
    }
    if valid {
        let word = value["status"].as_str().unwrap_or_default();
        let status = prediction.status();
        if status.as_str() != word {
            faults.push(("status", format!("the status {word:?} became {status:?}")));
        }
        let again = serde_json::to_value(prediction).unwrap_or_default();
        if plain(&again) != plain(value) {
            let again = short(&again.to_string());
            faults.push(("serialized", format!("it serializes to {again}")));
        }
        let ignored = prediction.ignored_fields();
        if !ignored.is_empty() {
            let fault = format!("valid fields were left out: {ignored:?}");
            faults.push(("ignored", fault));
        }
    }
    faults
}

/// What the envelope's words mean where there is no prediction in it.
fn meaning(word: &str) -> &str {
    match word {
        "NOT_START" | "SUBMITTED" | "QUEUED" => "starting",
        "IN_PROGRESS" => "processing",
        "SUCCESS" => "succeeded",
        "FAILURE" => "failed",
        other => other,
    }
}

async fn enveloped(call: Call, wire: &Wire, wrapped: &Value, task: &Value, report: &mut Report) {
    let place = format!("{call:?} answered by {}", short(&wrapped.to_string()));
    let id = task["task_id"].as_str().unwrap_or_default();
    let word = meaning(task["status"].as_str().unwrap_or_default());
    match wire.json(call, 200, wrapped).await {
        Err(why) => panicked(&place, &why, report),
        Ok(Ok(prediction)) if prediction.id() == id && !id.is_empty() => {
            if prediction.status().as_str() != word {
                report.fail_by(
                    format!("TaskStatus {word}"),
                    &place,
                    "envelope-status",
                    format!(
                        "it means {word} and became {}; fix `Answer`",
                        prediction.status()
                    ),
                );
            }
        }
        Ok(Err(_)) if !is_usable(id) => report.pass("errors whole"),
        Ok(other) => report.fail_by(
            "Task",
            &place,
            "envelope-id",
            format!("it names the task {id:?} and became {other:?}; fix `Answer`"),
        ),
    }
}

pub(super) async fn errors(
    oracle: &Oracle,
    wire: &Wire,
    report: &mut Report,
) -> anyhow::Result<()> {
    for (index, value) in draw(oracle, "AnyError", ERRORS)?.into_iter().enumerate() {
        for step in 0..4 {
            let status = STATUSES[(index * 4 + step) % STATUSES.len()];
            for call in Call::ALL {
                error(call, wire, status, &value, report).await;
            }
        }
        report.pass("errors drawn");
    }
    for status in STATUSES {
        for body in [
            "",
            "<!doctype html><title>x</title>",
            "{\"odd\":1}",
            "[]",
            "{\"id\":",
            "{\"id\":\"q4chw5rey9rmt0cww76t4h3ma4\",\"status\":\"starting\"}",
            "{\"id\":\"q4chw5rey9rmt0cww76t4h3ma4\",\"sta",
            "\u{feff}{}",
        ] {
            for call in Call::ALL {
                let place = format!("{call:?} answered by {status} {body:?}");
                match wire.answer(call, status, "text/html", body).await {
                    Err(why) => panicked(&place, &why, report),
                    Ok(Ok(_)) => report.fail_by(
                        format!("{call:?} {body}"),
                        &place,
                        "error-as-value",
                        "it gave a prediction",
                    ),
                    Ok(Err(error)) => {
                        whole(
                            &place,
                            &error,
                            call,
                            Some((status, body.as_bytes())),
                            report,
                        );
                        retryable(&place, call, status, None, &error, body, report);
                    }
                }
            }
        }
    }
    Ok(())
}

async fn error(call: Call, wire: &Wire, status: u16, value: &Value, report: &mut Report) {
    let body = value.to_string();
    let place = format!("{call:?} answered by {status} {}", short(&body));
    match wire.json(call, status, value).await {
        Err(why) => panicked(&place, &why, report),
        Ok(Ok(_)) if (200..300).contains(&status) && holds_prediction(value) => {}
        Ok(Ok(_)) => report.fail_by(
            format!("{call:?} AnyError"),
            &place,
            "error-as-value",
            "an error status gave a prediction",
        ),
        Ok(Err(error)) => {
            whole(
                &place,
                &error,
                call,
                Some((status, body.as_bytes())),
                report,
            );
            retryable(&place, call, status, Some(value), &error, &body, report);
        }
    }
}

/// The design's table once more, by status: what a drawn error, whose words are unknown,
/// must become.
fn retryable(
    place: &str,
    call: Call,
    status: u16,
    json: Option<&Value>,
    error: &Error,
    body: &str,
    report: &mut Report,
) {
    use ErrorKind as K;
    // What the service itself writes has one of these; all else is of what stands before it.
    let is_own = json.is_some_and(|json| {
        json["error"].is_object() || json.get("code").is_some() || json.get("detail").is_some()
    });
    let is_cut = json.is_none()
        && body.starts_with(['{', '['])
        && serde_json::from_str::<Value>(body).is_err();
    let wanted = match (call, status) {
        (_, 403) if !is_own => K::Blocked,
        // A body that breaks off may have been anything: the wait continues.
        (Call::Get, 400..=499) if is_cut && status != 429 => K::Unavailable,
        (_, 401 | 403) => K::Unauthorized,
        (_, 402) => K::OutOfQuota,
        (_, 429) => K::RateLimited,
        (Call::Get, 404) => K::NotFound,
        (Call::Create, 408) => K::MaybeAccepted,
        (Call::Get, 408) => K::Unavailable,
        (_, 400..=499) => K::Refused,
        (Call::Create, _) => K::MaybeAccepted,
        (Call::Get, _) => K::Unavailable,
    };
    if error.kind() == wanted {
        report.pass("kinds right");
    } else {
        report.fail_by(
            format!("{call:?} {status} {wanted:?}"),
            place,
            "error-kind",
            format!(
                "it became {:?} and means {wanted:?}; fix the wrapper's policy",
                error.kind()
            ),
        );
    }
}

/// Whether a task error's message is a prediction as text.
fn holds_prediction(error: &Value) -> bool {
    error["message"]
        .as_str()
        .and_then(|text| serde_json::from_str::<Value>(text).ok())
        .is_some_and(|inner| inner.get("id").is_some())
}
