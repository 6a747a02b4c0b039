//! The 2xx response of both operations, decided by structure: the reference documents a bare
//! prediction, envelopes were observed, and nothing on the wire says which it is.

use serde::{Deserialize, Deserializer, de};
use serde_json::{Map, Value};

use crate::bounded::{self, Json};
use crate::fields::{self, ObjectOr, PredictionMembers};
use crate::generated::types::{Prediction, Task, TaskError};
use crate::ignored_field::IgnoredField;
use crate::lenient;
use crate::status::{Status, TaskStatus};
use crate::typed::{self, Typed};

/// Envelopes were seen one level deep; gateways chain, so a few more are opened.
const DEPTH: usize = 4;

/// The 2xx response to a create request or a poll.
///
/// Every JSON value decodes as one of these, except a list that is too large. A field of the wrong
/// type is left out and listed as [`ignored_fields`](PredictionResponse::ignored_fields) instead of failing the whole. A bare
/// prediction is decoded straight into the typed struct.
///
/// A field is also left out if it would take more than 32 MiB of memory besides its strings, which
/// is about half a million numbers. The URLs of a longer `output` are kept.
///
/// ```
/// use cometapi_client::{PredictionResponse, Status};
///
/// let bare: PredictionResponse = serde_json::from_str(r#"{"id":"a1","status":"starting"}"#)?;
/// assert_eq!(bare.prediction().map(|p| &p.status), Some(&Status::Starting));
///
/// let wrapped: PredictionResponse = serde_json::from_str(
///     r#"{"code":"success","data":{"task_id":"a1","status":"SUBMITTED","data":null}}"#,
/// )?;
/// assert_eq!(wrapped.id(), Some("a1"));
/// assert!(wrapped.prediction().is_none());
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct PredictionResponse {
    shape: Shape,
    ignored: Vec<IgnoredField>,
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

impl From<Typed> for Shape {
    fn from(typed: Typed) -> Self {
        match typed {
            Typed::Bare(prediction) => Self::Bare(prediction),
            Typed::Wrapped(task, prediction) => Self::Wrapped {
                task: Some(task),
                prediction,
            },
        }
    }
}

impl PredictionResponse {
    /// Decodes a body. What is not quite JSON is accepted where Python's `json.loads`, or
    /// JavaScript's `JSON.parse` after `TextDecoder`, accepts it: a byte-order mark, UTF-16,
    /// half of a surrogate pair in a string, `NaN`, a number beyond the range of `f64`. What
    /// was replaced is listed as [`ignored_fields`](PredictionResponse::ignored_fields).
    ///
    /// # Errors
    ///
    /// The error of the strict decode, when the body is not JSON in that sense either.
    ///
    /// ```
    /// use cometapi_client::PredictionResponse;
    ///
    /// let body = br#"{"id":"a1","status":"succeeded","logs":"a fox \ud83d"}"#;
    /// let response = PredictionResponse::from_slice(body)?;
    /// assert_eq!(response.id(), Some("a1"));
    /// assert_eq!(response.ignored_fields()[0].path, "logs");
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    pub fn from_slice(body: &[u8]) -> Result<Self, serde_json::Error> {
        match typed::from_slice(body) {
            Some(typed) => Ok(Self {
                shape: typed.into(),
                ignored: Vec::new(),
            }),
            None => Self::lenient_from_slice(body),
        }
    }

    fn lenient_from_slice(body: &[u8]) -> Result<Self, serde_json::Error> {
        let (mut response, replaced): (Self, _) = lenient::from_slice(body)?;
        if !replaced.is_empty() {
            response.leave_out_replaced()?;
        }
        response.ignored.extend(replaced);
        Ok(response)
    }

    /// An id in which a character was replaced is not what the service wrote, and neither is a
    /// status.
    fn leave_out_replaced(&mut self) -> Result<(), serde_json::Error> {
        let is_replaced = |text: &str| text.contains(char::REPLACEMENT_CHARACTER);
        if self.id().is_some_and(is_replaced) {
            return Err(de::Error::custom(
                "its id holds characters that are not JSON",
            ));
        }
        let (task, prediction) = match &mut self.shape {
            Shape::Bare(prediction) => (None, Some(prediction)),
            Shape::Wrapped { task, prediction } => (task.as_mut(), prediction.as_mut()),
            Shape::Error { prediction, .. } => (None, prediction.as_mut()),
            Shape::Other(_) => (None, None),
        };
        if let Some(task) = task.filter(|task| is_replaced(task.status.as_str())) {
            task.status = TaskStatus::Unknown(String::new());
        }
        if let Some(prediction) = prediction.filter(|it| is_replaced(it.status.as_str())) {
            prediction.status = Status::Unknown(String::new());
        }
        Ok(())
    }

    /// Decides what `json` is.
    pub fn from_json(json: Value) -> Self {
        let mut ignored = Vec::new();
        let shape = shape_of(json, DEPTH, &mut ignored);
        Self { shape, ignored }
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

    /// The gateway's own record, if the response came in an envelope.
    pub fn task(&self) -> Option<&Task> {
        match &self.shape {
            Shape::Wrapped { task, .. } => task.as_deref(),
            _ => None,
        }
    }

    /// The task error, if the response is one in spite of its 2xx status.
    pub fn task_error(&self) -> Option<&TaskError> {
        match &self.shape {
            Shape::Error { error, .. } => Some(error),
            _ => None,
        }
    }

    /// Returns whether the response is an envelope without a task (`"data": null`).
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

    /// The id that the gateway itself gave: a task's, else a bare prediction's. An envelope
    /// may hold a prediction whose id is the provider's; that one is not meant.
    pub fn outer_id(&self) -> Option<&str> {
        match &self.shape {
            Shape::Bare(prediction) => Some(&prediction.id),
            Shape::Wrapped {
                task: Some(task), ..
            } => Some(&task.task_id),
            _ => None,
        }
    }

    /// The fields that were not what the spec says, and were left out.
    pub fn ignored_fields(&self) -> &[IgnoredField] {
        &self.ignored
    }

    /// One prediction out of what the response holds, and the ignored fields.
    ///
    /// An envelope and the prediction in it may disagree, because the gateway asks upstream
    /// only every now and then. What has ended wins over what runs; an output that is there
    /// is never given up for a failure that the envelope claims; the failure text is the
    /// prediction's own, then the envelope's. An envelope alone is enough for a state.
    pub fn into_prediction(self) -> Option<(Prediction, Vec<IgnoredField>)> {
        let prediction = match self.shape {
            Shape::Bare(prediction) => *prediction,
            Shape::Wrapped {
                task: Some(task),
                prediction,
            } => merged(*task, prediction.map(|p| *p)),
            Shape::Wrapped { prediction, .. } | Shape::Error { prediction, .. } => *prediction?,
            Shape::Other(_) => return None,
        };
        (!prediction.id.is_empty()).then_some((prediction, self.ignored))
    }
}

impl<'de> Deserialize<'de> for PredictionResponse {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut ignored = Vec::new();
        let shape = match ObjectOr::deserialize(deserializer)? {
            ObjectOr::Object(members) => shape(members, DEPTH, &mut ignored),
            ObjectOr::Other(json) => Shape::Other(json),
            ObjectOr::TooLarge => return Err(bounded::too_large()),
        };
        Ok(Self { shape, ignored })
    }
}

fn shape_of(json: Value, depth: usize, ignored: &mut Vec<IgnoredField>) -> Shape {
    match json {
        Value::Object(object) => shape(fields::prediction(object), depth, ignored),
        other => Shape::Other(other),
    }
}

fn shape(mut members: PredictionMembers, depth: usize, ignored: &mut Vec<IgnoredField>) -> Shape {
    ignored.extend(members.take_left_out());
    if members.is_bare() {
        let (prediction, more) = members.into_prediction();
        ignored.extend(more);
        return Shape::Bare(Box::new(prediction));
    }
    let mut object = members.into_object();
    let data = object.remove("data").map(parsed);
    if let Some(task) = fields::task(&mut object, ignored) {
        return around(task, data.unwrap_or(Value::Null), depth, ignored);
    }
    match data {
        Some(data) if is_envelope(object.get("code"), &data) => {
            return wrapped(data, depth, ignored);
        }
        Some(data) => {
            object.insert("data".to_owned(), data);
        }
        None => {}
    }
    match fields::task_error(&mut object) {
        Some(error) => task_error(error, depth, ignored),
        None => Shape::Other(Value::Object(object)),
    }
}

/// The JSON object that a string holds, where it holds one: gateways were seen to store the
/// provider's body as text.
fn parsed(data: Value) -> Value {
    let object = match &data {
        Value::String(text) if text.trim_start().starts_with('{') => json_in(text),
        _ => None,
    };
    object.unwrap_or(data)
}

fn json_in(text: &str) -> Option<Value> {
    serde_json::from_str(text).ok().map(|Json(json)| json)
}

/// Whether `data` beside `code` is what an envelope holds: anything beside a code that says
/// success, else an object that can only be a task or a prediction.
fn is_envelope(code: Option<&Value>, data: &Value) -> bool {
    let has = |member: &str| data.get(member).is_some_and(|value| !value.is_null());
    match code {
        None => has("task_id") || has("id"),
        Some(code) if is_success(code) => true,
        Some(_) => has("task_id") || has("id") && has("status"),
    }
}

/// `success` on the task routes; numbers were observed in gateways of the same family.
fn is_success(code: &Value) -> bool {
    match code {
        Value::String(code) => code.eq_ignore_ascii_case("success") || code == "200" || code == "0",
        Value::Number(code) => matches!(code.as_u64(), Some(200 | 0)),
        Value::Bool(code) => *code,
        _ => false,
    }
}

/// An envelope round a task, another envelope, or straight round a prediction.
fn wrapped(data: Value, depth: usize, ignored: &mut Vec<IgnoredField>) -> Shape {
    let Some(depth) = depth.checked_sub(1) else {
        return Shape::Other(data);
    };
    if !data.is_object() {
        return Shape::Wrapped {
            task: None,
            prediction: None,
        };
    }
    match shape_of(data, depth, ignored) {
        Shape::Bare(prediction) => Shape::Wrapped {
            task: None,
            prediction: Some(prediction),
        },
        shape => shape,
    }
}

/// A task and what it holds of the provider's response.
fn around(mut task: Task, inner: Value, depth: usize, ignored: &mut Vec<IgnoredField>) -> Shape {
    let shape = match depth.checked_sub(1) {
        Some(depth) => shape_of(inner, depth, ignored),
        None => Shape::Other(inner),
    };
    let (prediction, rest) = match shape {
        Shape::Bare(prediction)
        | Shape::Wrapped {
            prediction: Some(prediction),
            ..
        } => (Some(prediction), None),
        Shape::Other(Value::Object(object)) => {
            let members = fields::prediction(object);
            // The task has the id; a state and an output are worth keeping without another.
            if members.has_status() {
                let (prediction, more) = members.into_prediction();
                ignored.extend(more);
                (Some(Box::new(prediction)), None)
            } else {
                (None, Some(Value::Object(members.into_object())))
            }
        }
        Shape::Other(json) => (None, Some(json)),
        _ => (None, None),
    };
    task.data = rest.filter(|json| !json.is_null());
    Shape::Wrapped {
        task: Some(Box::new(task)),
        prediction,
    }
}

fn task_error(error: TaskError, depth: usize, ignored: &mut Vec<IgnoredField>) -> Shape {
    let inner = depth
        .checked_sub(1)
        .zip(json_in(&error.message))
        .map(|(depth, json)| shape_of(json, depth, ignored));
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

fn merged(mut task: Task, prediction: Option<Prediction>) -> Prediction {
    let outer = task.status.to_status();
    let reason = task.fail_reason.take().filter(|text| !text.is_empty());
    let Some(mut prediction) = prediction else {
        return from_task(task, outer, reason);
    };
    // The gateway only knows its own id.
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
    let is_url = |text: &String| {
        (text.starts_with("https://") || text.starts_with("http://"))
            && !text.contains(char::REPLACEMENT_CHARACTER)
    };
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
    /// A prediction whose id and state alone are known.
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
