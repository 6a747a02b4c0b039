//! The common case: a body that is exactly what the spec describes, decoded without watching for
//! what could be wrong with it. Whatever differs ends the attempt, and the lenient decoder begins anew.
//! So this may be strict about anything, and must be right about what it accepts.

use serde::de::value::{self, StrDeserializer};
use serde::de::{Deserialize, IgnoredAny, IntoDeserializer, MapAccess};

use serde_json::{Map, Value};

use crate::fields::PredictionKey;
use crate::generated::types::{Prediction, PredictionMetrics, PredictionUrls, Task};
use crate::object::{self, Members, Object};
use crate::status::{Status, TaskStatus};
use crate::truncate::MAX_TEXT_LEN;

/// The largest body that is decoded here, in bytes. What is allocated for one value is not limited,
/// and the smallest values take about a hundred times the memory that they take as text.
pub(crate) const LARGEST: usize = 64 << 10;

/// A body in one of the two documented shapes.
pub(crate) enum Typed {
    Bare(Box<Prediction>),
    Wrapped(Box<Task>, Option<Box<Prediction>>),
}

/// Decodes `body` if it is a prediction, or one in an envelope, in every detail.
pub(crate) fn from_slice(body: &[u8]) -> Option<Typed> {
    if body.len() > LARGEST {
        return None;
    }
    if let Ok(Object(BarePrediction { prediction, .. })) = serde_json::from_slice(body) {
        return Some(Typed::Bare(prediction));
    }
    let Object(Envelope { task, prediction }) = serde_json::from_slice(body).ok()?;
    Some(Typed::Wrapped(task?, prediction))
}

/// An id or a word as it is kept: neither empty nor cut.
fn word<'de, A: MapAccess<'de>>(members: &mut A) -> Result<String, A::Error> {
    let word: String = members.next_value()?;
    if is_word(&word) {
        Ok(word)
    } else {
        Err(object::mismatch())
    }
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.len() <= MAX_TEXT_LEN
}

/// Whether a prediction has a member of this name.
fn is_of_prediction(name: &str) -> bool {
    let name: StrDeserializer<'_, value::Error> = name.into_deserializer();
    let key = PredictionKey::deserialize(name);
    !matches!(key, Ok(PredictionKey::Extra(_)) | Err(_))
}

/// Reads an optional object.
fn nested<'de, T: Members, A: MapAccess<'de>>(members: &mut A) -> Result<Option<T>, A::Error> {
    let object: Option<Object<T>> = members.next_value()?;
    Ok(object.map(|Object(value)| value))
}

struct BarePrediction {
    prediction: Box<Prediction>,
    has_status: bool,
}

impl Default for BarePrediction {
    fn default() -> Self {
        let status = Status::Unknown(String::new());
        Self {
            prediction: Box::new(Prediction::new(String::new(), status)),
            has_status: false,
        }
    }
}

impl Members for BarePrediction {
    type Key = PredictionKey;

    fn read<'de, A: MapAccess<'de>>(
        &mut self,
        key: PredictionKey,
        members: &mut A,
    ) -> Result<(), A::Error> {
        use PredictionKey as Key;
        let prediction = &mut *self.prediction;
        match key {
            Key::CompletedAt => prediction.completed_at = members.next_value()?,
            Key::CreatedAt => prediction.created_at = members.next_value()?,
            Key::DataRemoved => prediction.data_removed = members.next_value()?,
            Key::Error => prediction.error = members.next_value()?,
            Key::Id => prediction.id = word(members)?,
            Key::Input => prediction.input = members.next_value()?,
            Key::Logs => prediction.logs = members.next_value()?,
            Key::Metrics => prediction.metrics = nested::<PredictionMetrics, _>(members)?,
            Key::Model => prediction.model = members.next_value()?,
            Key::Output => prediction.output = members.next_value()?,
            Key::Source => prediction.source = members.next_value()?,
            Key::StartedAt => prediction.started_at = members.next_value()?,
            Key::Status => {
                prediction.status = Status::from(word(members)?.as_str());
                self.has_status = true;
            }
            Key::Urls => prediction.urls = nested::<PredictionUrls, _>(members)?,
            Key::Version => prediction.version = members.next_value()?,
            // Of an envelope, or of what may be one.
            Key::Extra(name) if matches!(name.as_str(), "code" | "data" | "task_id") => {
                return Err(object::mismatch());
            }
            Key::Extra(name) => {
                let value = members.next_value()?;
                prediction.extra.insert(name, value);
            }
        }
        Ok(())
    }

    fn is_complete(&self) -> bool {
        self.has_status && !self.prediction.id.is_empty()
    }
}

/// `{"code": "success", "data": …}`.
#[derive(Default)]
struct Envelope {
    task: Option<Box<Task>>,
    prediction: Option<Box<Prediction>>,
}

#[derive(serde::Deserialize)]
#[serde(field_identifier, rename_all = "snake_case")]
enum EnvelopeKey {
    Code,
    Data,
    Message,
}

impl Members for Envelope {
    type Key = EnvelopeKey;

    fn read<'de, A: MapAccess<'de>>(
        &mut self,
        key: EnvelopeKey,
        members: &mut A,
    ) -> Result<(), A::Error> {
        match key {
            EnvelopeKey::Code if word(members)? != "success" => return Err(object::mismatch()),
            EnvelopeKey::Code => {}
            EnvelopeKey::Data => {
                let Object(TaskMembers {
                    task, prediction, ..
                }) = members.next_value()?;
                (self.task, self.prediction) = (Some(task), prediction);
            }
            EnvelopeKey::Message => {
                members.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }
}

struct TaskMembers {
    task: Box<Task>,
    has_status: bool,
    prediction: Option<Box<Prediction>>,
}

impl Default for TaskMembers {
    fn default() -> Self {
        Self {
            task: Box::new(Task {
                action: None,
                data: None,
                extra: Map::new(),
                fail_reason: None,
                finish_time: None,
                progress: None,
                start_time: None,
                status: TaskStatus::Unknown(String::new()),
                submit_time: None,
                task_id: String::new(),
            }),
            has_status: false,
            prediction: None,
        }
    }
}

#[derive(serde::Deserialize)]
#[serde(field_identifier, rename_all = "snake_case")]
enum TaskKey {
    Action,
    Data,
    FailReason,
    FinishTime,
    Progress,
    StartTime,
    Status,
    SubmitTime,
    TaskId,
    Extra(String),
}

impl Members for TaskMembers {
    type Key = TaskKey;

    fn read<'de, A: MapAccess<'de>>(
        &mut self,
        key: TaskKey,
        members: &mut A,
    ) -> Result<(), A::Error> {
        let task = &mut *self.task;
        match key {
            TaskKey::Action => task.action = members.next_value()?,
            TaskKey::Data => {
                let data: Option<Object<BarePrediction>> = members.next_value()?;
                self.prediction = data.map(|Object(bare)| bare.prediction);
            }
            TaskKey::FailReason => task.fail_reason = members.next_value()?,
            TaskKey::FinishTime => task.finish_time = members.next_value()?,
            TaskKey::Progress => task.progress = members.next_value()?,
            TaskKey::StartTime => task.start_time = members.next_value()?,
            TaskKey::Status => {
                task.status = TaskStatus::from(word(members)?.as_str());
                self.has_status = true;
            }
            TaskKey::SubmitTime => task.submit_time = members.next_value()?,
            TaskKey::TaskId => task.task_id = word(members)?,
            TaskKey::Extra(name) => {
                let value = match (name.as_str(), members.next_value()?) {
                    // The lenient decoder reads a task as a prediction first, which leaves its
                    // mark on the members that a prediction has as well.
                    (name, Value::Null) if is_of_prediction(name) => return Ok(()),
                    ("id", Value::Number(id)) => Value::String(id.to_string()),
                    ("id", Value::String(id)) if is_word(&id) => Value::String(id),
                    ("id" | "metrics" | "urls", _) => return Err(object::mismatch()),
                    (_, value) => value,
                };
                task.extra.insert(name, value);
            }
        }
        Ok(())
    }

    fn is_complete(&self) -> bool {
        self.has_status && !self.task.task_id.is_empty()
    }
}
