//! How the service writes a prediction: by itself, or in a task envelope.
//!
//! Fields stand in the order of the reference's example.

use http::StatusCode;
use serde::Serialize;
use serde_json::{Value, json};

use crate::errors;
use crate::fault::Fault;
use crate::response::Response;

/// The form of the response to a poll. The response to a create request is always bare.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Form {
    /// The prediction by itself (documented).
    #[default]
    Bare,
    /// In the gateway's task envelope (observed; documented for another route). The inner
    /// prediction is null until the gateway has first asked upstream.
    Wrapped,
    /// The same with the fields of the gateway's newer code (observed).
    WrappedNew,
}

/// A prediction as it stands at one moment.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct View {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) id: Option<String>,
    pub(crate) model: String,
    pub(crate) version: &'static str,
    pub(crate) input: Value,
    pub(crate) logs: String,
    pub(crate) output: Value,
    pub(crate) data_removed: bool,
    pub(crate) error: Option<String>,
    pub(crate) source: &'static str,
    pub(crate) status: String,
    pub(crate) created_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) started_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) completed_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) metrics: Option<Metrics>,
    pub(crate) urls: Urls,
    #[serde(skip)]
    pub(crate) task: TaskRecord,
}

/// What a run took (documented).
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Metrics {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) image_count: Option<u32>,
    /// Seconds.
    pub(crate) predict_time: f64,
}

/// Addresses at the provider, where a key of this service is not valid (documented).
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Urls {
    cancel: String,
    get: String,
    stream: String,
    web: String,
}

impl Urls {
    pub(crate) fn of(id: &str) -> Self {
        Self {
            cancel: format!("https://api.replicate.com/v1/predictions/{id}/cancel"),
            get: format!("https://api.replicate.com/v1/predictions/{id}"),
            stream: format!("https://stream.replicate.com/v1/files/mock-{id}"),
            web: format!("https://replicate.com/p/{id}"),
        }
    }
}

/// The gateway's own record of the run.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct TaskRecord {
    /// Unix seconds, 0 where it is not set, as all times here.
    pub(crate) submitted: u64,
    pub(crate) started: u64,
    pub(crate) finished: u64,
    /// What it cost, in units of quota.
    pub(crate) quota: u64,
}

/// Writes the response to a create request or a poll, in another shape if a fault wants it so.
pub(crate) fn response(
    status: StatusCode,
    mut form: Form,
    mut view: View,
    fault: Option<&Fault>,
) -> Response {
    match fault {
        Some(Fault::NoId) => {
            view.id = None;
            form = Form::Bare;
        }
        Some(Fault::UnknownStatus(word)) => view.status.clone_from(word),
        Some(Fault::OtherPrediction) => view.id = view.id.map(|id| format!("{id}x")),
        Some(Fault::Wrapped) => form = Form::Wrapped,
        Some(Fault::WrappedNew) => form = Form::WrappedNew,
        Some(Fault::EmptyEnvelope) => {
            return Response::json(status, &json!({"code": "success", "data": null}));
        }
        Some(Fault::TaskErrorWithPrediction) => {
            let prediction = serde_json::to_string(&view).unwrap_or_default();
            return errors::task(201, "fail_to_fetch_task", &prediction);
        }
        Some(fault) => {
            if let Some(body) = enveloped(fault, &mut view) {
                return Response::json(status, &body);
            }
        }
        None => {}
    }
    match form {
        Form::Bare => Response::json(status, &view),
        Form::Wrapped => Response::json(status, &envelope(&Task::of(&view), false)),
        Form::WrappedNew => Response::json(status, &envelope(&Task::of(&view), true)),
    }
}

/// The prediction in an envelope that the fault changes; `None` if the fault is about something
/// else.
fn enveloped(fault: &Fault, view: &mut View) -> Option<Value> {
    if *fault == Fault::OuterFailed {
        "processing".clone_into(&mut view.status);
        view.output = Value::Null;
        view.error = None;
    }
    let mut task = Task::of(view);
    match fault {
        Fault::WrappedTwice => task.data = envelope(&Task::of(view), false),
        Fault::OuterFailed => {
            task.status = "FAILURE";
            task.progress = "100%";
            "任务超时（1440分钟）".clone_into(&mut task.fail_reason);
        }
        Fault::OuterLags => {
            task.status = "IN_PROGRESS";
            task.progress = "30%";
            task.data = body_of(view);
        }
        Fault::UrlInFailReason => {
            if let Some(url) = first_url(&view.output) {
                url.clone_into(&mut task.fail_reason);
                task.data = Value::Null;
            }
        }
        Fault::BareTask | Fault::NumericCode | Fault::DataAsText => {}
        _ => return None,
    }
    let mut body = envelope(&task, false);
    match fault {
        Fault::BareTask => body = body["data"].take(),
        Fault::NumericCode => body["code"] = 200.into(),
        Fault::DataAsText => body["data"] = body["data"].to_string().into(),
        _ => {}
    }
    Some(body)
}

/// The gateway's words for a prediction's status: the task's status and progress (observed).
pub(crate) fn task_status(word: &str) -> (&'static str, &'static str) {
    match word {
        "starting" => ("SUBMITTED", "10%"),
        "queued" => ("QUEUED", "20%"),
        "succeeded" | "completed" | "success" => ("SUCCESS", "100%"),
        "failed" | "canceled" | "cancelled" | "aborted" | "error" => ("FAILURE", "100%"),
        "processing" | "running" => ("IN_PROGRESS", "30%"),
        _ => ("UNKNOWN", ""),
    }
}

/// A task as the envelope has it.
struct Task<'v> {
    view: &'v View,
    status: &'static str,
    progress: &'static str,
    fail_reason: String,
    data: Value,
}

impl<'v> Task<'v> {
    /// The gateway's words for the state, and the inner prediction once there is one to have.
    fn of(view: &'v View) -> Self {
        let (status, progress) = task_status(&view.status);
        Self {
            view,
            status,
            progress,
            fail_reason: view.error.clone().unwrap_or_default(),
            data: if status == "SUBMITTED" {
                Value::Null
            } else {
                body_of(view)
            },
        }
    }
}

fn envelope(task: &Task<'_>, newer: bool) -> Value {
    let record = task.view.task;
    let mut data = json!({
        "task_id": task.view.id,
        "action": "",
        "status": task.status,
        "fail_reason": task.fail_reason,
        "submit_time": record.submitted,
        "start_time": record.started,
        "finish_time": record.finished,
        "progress": task.progress,
        "data": task.data,
    });
    if newer {
        data["id"] = 90_211.into();
        data["created_at"] = record.submitted.into();
        data["updated_at"] = record
            .finished
            .max(record.started)
            .max(record.submitted)
            .into();
        data["platform"] = "replicate".into();
        data["user_id"] = 1.into();
        data["group"] = "default".into();
        data["channel_id"] = 7.into();
        data["quota"] = record.quota.into();
        data["action"] = "generate".into();
        data["properties"] = json!({"input": "", "origin_model_name": task.view.model});
    }
    json!({"code": "success", "message": "", "data": data})
}

fn body_of(view: &View) -> Value {
    serde_json::to_value(view).unwrap_or_default()
}

fn first_url(output: &Value) -> Option<&str> {
    output
        .as_str()
        .or_else(|| output.as_array()?.first()?.as_str())
}
