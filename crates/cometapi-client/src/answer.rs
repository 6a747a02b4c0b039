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
mod tests {
    use serde_json::json;

    use super::*;

    fn prediction(json: Value) -> Prediction {
        Answer::from_json(json).into_prediction().unwrap().0
    }

    fn envelope(outer: &str, reason: &str, inner: Value) -> Value {
        json!({"code": "success", "message": "", "data": {
            "task_id": "t1", "status": outer, "fail_reason": reason, "data": inner,
        }})
    }

    #[test]
    fn a_bare_prediction_keeps_unknown_fields() {
        let p = prediction(json!({"id": "a", "status": "processing", "deadline": "soon"}));
        assert_eq!(p.status, Status::Processing);
        assert_eq!(p.extra["deadline"], "soon");
    }

    #[test]
    fn an_id_is_enough_and_odd_fields_are_named() {
        let json = json!({
            "id": 17, "status": null, "metrics": {"predict_time": "long"}, "urls": [1],
            "input": "text", "output": {"a": 1}, "logs": 3,
        });
        let (p, odd) = Answer::from_json(json).into_prediction().unwrap();
        assert_eq!(p.id, "17");
        assert_eq!(p.status, Status::Unknown(String::new()));
        assert_eq!(p.output, Some(json!({"a": 1})));
        assert!(p.metrics.is_none() && p.urls.is_none() && p.logs.is_none());
        let mut paths: Vec<_> = odd.iter().map(|odd| odd.path.as_str()).collect();
        paths.sort_unstable();
        assert_eq!(
            paths,
            ["input", "logs", "metrics.predict_time", "status", "urls"]
        );
    }

    #[test]
    fn an_envelope_alone_gives_a_state() {
        for (word, status) in [
            ("NOT_START", Status::Starting),
            ("IN_PROGRESS", Status::Processing),
            ("SUCCESS", Status::Succeeded),
            ("FAILURE", Status::Failed),
            ("UNKNOWN", Status::Unknown("UNKNOWN".into())),
        ] {
            let p = prediction(envelope(word, "", Value::Null));
            assert_eq!((p.id.as_str(), p.status), ("t1", status), "{word}");
        }
        let p = prediction(envelope("FAILURE", "out of time", Value::Null));
        assert_eq!(p.error, Some(json!("out of time")));
        let p = prediction(envelope("SUCCESS", "https://x/y.png", Value::Null));
        assert_eq!(p.output, Some(json!("https://x/y.png")));
        assert_eq!(p.error, None);
    }

    #[test]
    fn what_has_ended_wins_and_an_output_is_never_given_up() {
        let inner =
            |status: &str, output: Value| json!({"id": "u", "status": status, "output": output});
        let url = json!("https://x/y.png");
        let rows = [
            ("IN_PROGRESS", "succeeded", url.clone(), Status::Succeeded),
            ("FAILURE", "processing", Value::Null, Status::Failed),
            ("FAILURE", "succeeded", url.clone(), Status::Succeeded),
            ("FAILURE", "succeeded", Value::Null, Status::Failed),
            ("SUCCESS", "failed", Value::Null, Status::Failed),
            ("SUCCESS", "processing", Value::Null, Status::Processing),
            ("SUCCESS", "processing", url, Status::Succeeded),
            ("QUEUED", "processing", Value::Null, Status::Processing),
            ("FAILURE", "canceled", Value::Null, Status::Canceled),
        ];
        for (outer, word, output, expected) in rows {
            let p = prediction(envelope(outer, "why", inner(word, output)));
            assert_eq!(p.status, expected, "outer {outer}, inner {word}");
            assert_eq!(p.id, "t1");
            let told = p.error == Some(json!("why"));
            assert_eq!(
                told,
                expected == Status::Failed,
                "outer {outer}, inner {word}"
            );
        }
    }

    #[test]
    fn an_empty_envelope_is_told_from_an_error() {
        let answer = Answer::from_json(json!({"code": "success", "data": null}));
        assert!(answer.is_empty_envelope() && answer.id().is_none());
        let answer =
            Answer::from_json(json!({"code": "task_not_exist", "message": "m", "data": null}));
        assert_eq!(answer.task_error().unwrap().message, "m");
        let answer = Answer::from_json(json!({"code": null, "message": "no quota"}));
        assert!(answer.task_error().is_some());
    }

    #[test]
    fn a_task_error_may_hold_the_prediction_as_text() {
        let text = json!({"id": "a", "status": "starting"}).to_string();
        let json = json!({"code": "fail_to_fetch_task", "message": text, "data": null});
        assert_eq!(Answer::from_json(json.clone()).id(), Some("a"));
        assert_eq!(prediction(json).status, Status::Starting);
    }

    #[test]
    fn envelopes_in_envelopes_are_opened_to_a_depth() {
        let mut json = json!({"id": "a", "status": "succeeded", "output": "u"});
        for _ in 0..3 {
            json = json!({"code": "success", "data": json});
        }
        assert_eq!(prediction(json.clone()).status, Status::Succeeded);
        for _ in 0..100 {
            json = json!({"code": "success", "data": json});
        }
        assert!(Answer::from_json(json).into_prediction().is_none());
    }

    #[test]
    fn anything_else_is_kept_as_it_came() {
        for json in [
            json!(null),
            json!([1]),
            json!("x"),
            json!({}),
            json!({"ok": true}),
        ] {
            assert_eq!(Answer::from_json(json.clone()).other(), Some(&json));
        }
    }
}
