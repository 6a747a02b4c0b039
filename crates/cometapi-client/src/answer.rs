//! The 2xx answer of both operations, decided by structure: the reference documents a bare
//! prediction, the field shows envelopes, and nothing on the wire says which it is.

use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use crate::odd::{OddField, salvage};
use crate::status::Status;
use crate::types::{Prediction, Task, TaskError};

/// Envelopes were seen one level deep; gateways chain, so a few more are opened.
const DEPTH: usize = 4;

/// What a create or a poll answered with a 2xx status.
///
/// Every JSON value decodes as one of these. A field of the wrong type is left out and
/// listed as [`odd`](Answer::odd) instead of failing the whole.
///
/// ```
/// use cometapi_client::{Answer, Status};
///
/// let bare: Answer = serde_json::from_str(r#"{"id":"a1","status":"starting"}"#)?;
/// assert_eq!(bare.prediction().map(|p| &p.status), Some(&Status::Starting));
///
/// let wrapped: Answer = serde_json::from_str(
///     r#"{"code":"success","data":{"task_id":"a1","status":"SUBMITTED","data":null}}"#,
/// )?;
/// assert_eq!(wrapped.id(), Some("a1"));
/// assert!(wrapped.prediction().is_none());
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Answer {
    shape: Shape,
    odd: Vec<OddField>,
}

#[derive(Clone, Debug)]
enum Shape {
    Bare(Box<Prediction>),
    Wrapped {
        task: Option<Box<Task>>,
        prediction: Option<Box<Prediction>>,
    },
    Error {
        error: Box<TaskError>,
        prediction: Option<Box<Prediction>>,
    },
    Other(Value),
}

impl Answer {
    /// Decides what `json` is.
    pub fn from_json(json: Value) -> Self {
        let mut odd = Vec::new();
        let shape = shape_of(json, DEPTH, &mut odd);
        Self { shape, odd }
    }

    /// The prediction, however it was wrapped. `None` when the envelope holds none yet.
    pub fn prediction(&self) -> Option<&Prediction> {
        match &self.shape {
            Shape::Bare(prediction) => Some(prediction),
            Shape::Wrapped { prediction, .. } | Shape::Error { prediction, .. } => {
                prediction.as_deref()
            }
            Shape::Other(_) => None,
        }
    }

    /// The gateway's own record, when the answer came in an envelope.
    pub fn task(&self) -> Option<&Task> {
        match &self.shape {
            Shape::Wrapped { task, .. } => task.as_deref(),
            _ => None,
        }
    }

    /// The task error, when the answer is one in spite of its 2xx status.
    pub fn task_error(&self) -> Option<&TaskError> {
        match &self.shape {
            Shape::Error { error, .. } => Some(error),
            _ => None,
        }
    }

    /// Whether the answer is an envelope that knows nothing yet (`"data": null`).
    pub fn is_empty_envelope(&self) -> bool {
        matches!(self.shape, Shape::Wrapped { task: None, .. })
    }

    /// The JSON, when it is none of the shapes that are known.
    pub fn other(&self) -> Option<&Value> {
        match &self.shape {
            Shape::Other(json) => Some(json),
            _ => None,
        }
    }

    /// The id to poll with: the task's where there is one, the prediction's otherwise.
    pub fn id(&self) -> Option<&str> {
        self.task()
            .map(|task| task.task_id.as_str())
            .or_else(|| self.prediction().map(|prediction| prediction.id.as_str()))
            .filter(|id| !id.is_empty())
    }

    /// The fields that were not what the spec says, and were left out.
    pub fn odd(&self) -> &[OddField] {
        &self.odd
    }

    /// One prediction out of what the answer holds, the odd fields beside it.
    ///
    /// An envelope and the prediction in it may disagree, because the gateway asks upstream
    /// only every now and then. What has ended wins over what runs; an output that is there
    /// is never given up for a failure that the envelope claims; the failure text is the
    /// prediction's own, then the envelope's. An envelope alone is enough for a state.
    pub fn into_prediction(self) -> Option<(Prediction, Vec<OddField>)> {
        let prediction = match self.shape {
            Shape::Bare(prediction) => *prediction,
            Shape::Wrapped {
                task: Some(task),
                prediction,
            } => merged(*task, prediction.map(|p| *p)),
            Shape::Wrapped { prediction, .. } | Shape::Error { prediction, .. } => *prediction?,
            Shape::Other(_) => return None,
        };
        (!prediction.id.is_empty()).then_some((prediction, self.odd))
    }
}

impl<'de> Deserialize<'de> for Answer {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Value::deserialize(deserializer).map(Self::from_json)
    }
}

fn shape_of(json: Value, depth: usize, odd: &mut Vec<OddField>) -> Shape {
    let Value::Object(mut fields) = json else {
        return Shape::Other(json);
    };
    if is_envelope(&fields) {
        let task = fields.remove("data").unwrap_or(Value::Null);
        return wrapped(task, depth, odd);
    }
    if is_task_error(&fields) {
        return task_error(fields, depth, odd);
    }
    match bare(fields, odd) {
        Ok(prediction) => Shape::Bare(Box::new(prediction)),
        Err(fields) => Shape::Other(Value::Object(fields)),
    }
}

/// An envelope says `success`, or, its code missing, holds an object that can only be a task.
fn is_envelope(fields: &Map<String, Value>) -> bool {
    let Some(data) = fields.get("data") else {
        return false;
    };
    if fields.contains_key("id") {
        return false;
    }
    match fields.get("code") {
        Some(Value::String(code)) => code.eq_ignore_ascii_case("success"),
        None => data.get("task_id").is_some() || data.get("id").is_some(),
        Some(_) => false,
    }
}

fn is_task_error(fields: &Map<String, Value>) -> bool {
    fields.contains_key("code")
        && fields.get("message").is_some_and(Value::is_string)
        && !fields.contains_key("id")
}

fn wrapped(data: Value, depth: usize, odd: &mut Vec<OddField>) -> Shape {
    let Value::Object(mut fields) = data else {
        return Shape::Wrapped {
            task: None,
            prediction: None,
        };
    };
    if !fields.contains_key("task_id") {
        // An envelope round another envelope, or straight round a prediction.
        return match depth.checked_sub(1) {
            Some(depth) => match shape_of(Value::Object(fields), depth, odd) {
                Shape::Bare(prediction) => Shape::Wrapped {
                    task: None,
                    prediction: Some(prediction),
                },
                shape => shape,
            },
            None => Shape::Other(Value::Object(fields)),
        };
    }
    let inner = fields.remove("data").unwrap_or(Value::Null);
    stringify(&mut fields, "task_id");
    let status = fields.remove("status").unwrap_or(Value::Null);
    let word = status.as_str().unwrap_or_default().to_owned();
    fields.insert("status".into(), word.into());
    let Some(mut task) = salvage::<Task>(fields, odd) else {
        return Shape::Other(inner);
    };
    let shape = match depth.checked_sub(1) {
        Some(depth) => shape_of(inner, depth, odd),
        None => Shape::Other(inner),
    };
    let (prediction, rest) = match shape {
        Shape::Bare(prediction)
        | Shape::Wrapped {
            prediction: Some(prediction),
            ..
        } => (Some(prediction), None),
        Shape::Other(json) => (None, Some(json)),
        _ => (None, None),
    };
    task.data = rest.filter(|json| !json.is_null());
    Shape::Wrapped {
        task: Some(Box::new(task)),
        prediction,
    }
}

fn task_error(fields: Map<String, Value>, depth: usize, odd: &mut Vec<OddField>) -> Shape {
    let Some(error) = salvage::<TaskError>(fields.clone(), odd) else {
        return Shape::Other(Value::Object(fields));
    };
    let inner = depth
        .checked_sub(1)
        .zip(serde_json::from_str::<Value>(&error.message).ok())
        .map(|(depth, json)| shape_of(json, depth, odd));
    let prediction = match inner {
        Some(
            Shape::Bare(prediction)
            | Shape::Wrapped {
                prediction: Some(prediction),
                ..
            },
        ) => Some(prediction),
        _ => None,
    };
    Shape::Error {
        error: Box::new(error),
        prediction,
    }
}

/// A prediction is an object with an id. All else may be missing or odd: it has been paid for.
fn bare(
    mut fields: Map<String, Value>,
    odd: &mut Vec<OddField>,
) -> Result<Prediction, Map<String, Value>> {
    if !fields
        .get("id")
        .is_some_and(|id| id.is_string() || id.is_number())
    {
        return Err(fields);
    }
    stringify(&mut fields, "id");
    // The large ones are moved, not decoded: an input may hold pictures as text.
    let input = fields.remove("input");
    let output = fields.remove("output");
    match fields.get("status") {
        Some(Value::String(_)) => {}
        status => {
            let reason = match status {
                None => "missing".to_owned(),
                Some(other) => format!("expected a string, found {other}"),
            };
            let path = "status".to_owned();
            odd.push(OddField { path, reason });
            fields.insert("status".into(), "".into());
        }
    }
    let Some(mut prediction) = salvage::<Prediction>(fields.clone(), odd) else {
        return Err(fields);
    };
    prediction.output = output.filter(|output| !output.is_null());
    prediction.input = match input {
        Some(Value::Object(input)) => Some(input),
        None | Some(Value::Null) => None,
        Some(_) => {
            odd.push(OddField {
                path: "input".into(),
                reason: "expected an object".into(),
            });
            None
        }
    };
    Ok(prediction)
}

/// Ids are opaque; one that comes as a number is the same id.
fn stringify(fields: &mut Map<String, Value>, field: &str) {
    if let Some(id) = fields.get_mut(field)
        && id.is_number()
    {
        *id = Value::String(id.to_string());
    }
}

fn merged(mut task: Task, prediction: Option<Prediction>) -> Prediction {
    let outer = task.status.to_status();
    let reason = task.fail_reason.take().filter(|text| !text.is_empty());
    let Some(mut prediction) = prediction else {
        return from_task(task, outer, reason);
    };
    // The id that the gateway answers to is its own.
    prediction.id.clone_from(&task.task_id);
    let has_output = prediction.output.is_some();
    let inner = std::mem::replace(&mut prediction.status, Status::Starting);
    prediction.status = match (inner, outer) {
        (Status::Succeeded, Status::Failed) if !has_output => Status::Failed,
        // The gateway has seen the end; the body it holds has not caught up, and the output
        // is still to come.
        (inner, Status::Succeeded) if !inner.is_terminal() && !has_output => inner,
        (inner, outer) if outer.is_terminal() && !inner.is_terminal() => outer,
        (inner, outer) if matches!(&inner, Status::Unknown(word) if word.is_empty()) => outer,
        (inner, _) => inner,
    };
    if prediction.status == Status::Failed && prediction.error.is_none() {
        prediction.error = reason.map(Value::String);
    }
    prediction
}

/// What an envelope alone says of a run.
fn from_task(task: Task, status: Status, reason: Option<String>) -> Prediction {
    let is_url = |text: &String| text.starts_with("https://") || text.starts_with("http://");
    let result_url = task.extra.get("result_url").and_then(Value::as_str);
    // In old rows, a task that succeeded keeps the URL of its result where the reason goes.
    let (output, error) = match &status {
        Status::Succeeded => {
            let url = result_url.map(str::to_owned).or(reason.filter(is_url));
            (url.map(Value::String), None)
        }
        Status::Failed => (None, reason.map(Value::String)),
        _ => (None, None),
    };
    let model = task
        .extra
        .get("properties")
        .and_then(|properties| properties.get("origin_model_name"))
        .and_then(Value::as_str)
        .map(str::to_owned);
    Prediction {
        output,
        error,
        model,
        ..Prediction::new(task.task_id, status)
    }
}

impl Prediction {
    /// A prediction of which no more than the id and the state is known.
    pub fn new(id: impl Into<String>, status: Status) -> Self {
        Self {
            completed_at: None,
            created_at: None,
            data_removed: None,
            error: None,
            extra: Map::new(),
            id: id.into(),
            input: None,
            logs: None,
            metrics: None,
            model: None,
            output: None,
            source: None,
            started_at: None,
            status,
            urls: None,
            version: None,
        }
    }
}

#[cfg(test)]
mod tests;
