//! Decoding an object member by member, so that one of the wrong type is left out instead of
//! failing the whole: a paid result must not be lost because `metrics` holds a word.
//!
//! A prediction is decoded straight from its bytes into the typed struct; the same code reads
//! one that stands inside another value.

use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use crate::bounded::{self, BoundedMap, LEVELS, LIMIT, LeftOut, SCALAR_LIMIT};
use crate::generated::types::{Prediction, PredictionMetrics, PredictionUrls, Task, TaskError};
use crate::ignored_field::IgnoredField;
use crate::object::Members;
use crate::status::{Status, TaskStatus};
use crate::truncate::{MAX_TEXT_LEN, truncate_owned};

/// The longest part of a value that a reason quotes, in characters.
const QUOTED: usize = 40;

/// An object decoded member by member, or any other value as it is.
pub(crate) enum ObjectOr<T> {
    Object(T),
    Other(Value),
    /// A list of too many values.
    TooLarge,
}

impl<'de, T: Members> Deserialize<'de> for ObjectOr<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ObjectVisitor(PhantomData))
    }
}

struct ObjectVisitor<T>(PhantomData<T>);

impl<'de, T: Members> Visitor<'de> for ObjectVisitor<T> {
    type Value = ObjectOr<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = T::default();
        while let Some(key) = map.next_key()? {
            members.read(key, &mut map)?;
        }
        Ok(ObjectOr::Object(members))
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(ObjectOr::Other(Value::Null))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Self::Value, E> {
        Ok(ObjectOr::Other(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Self::Value, E> {
        Ok(ObjectOr::Other(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Self::Value, E> {
        Ok(ObjectOr::Other(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Self::Value, E> {
        Ok(ObjectOr::Other(value.into()))
    }

    fn visit_str<E>(self, value: &str) -> Result<Self::Value, E> {
        Ok(ObjectOr::Other(value.into()))
    }

    fn visit_string<E>(self, value: String) -> Result<Self::Value, E> {
        Ok(ObjectOr::Other(value.into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Self::Value, A::Error> {
        Ok(bounded::list(seq)?.map_or(ObjectOr::TooLarge, ObjectOr::Other))
    }
}

/// Gives `value` as a `T`; `None` for null. A value of another type comes back.
type Fit<T> = fn(Value) -> Result<Option<T>, Value>;

fn text(value: Value) -> Result<Option<String>, Value> {
    match value {
        Value::Null => Ok(None),
        Value::String(text) => Ok(Some(text)),
        other => Err(other),
    }
}

fn boolean(value: Value) -> Result<Option<bool>, Value> {
    match value {
        Value::Null => Ok(None),
        Value::Bool(flag) => Ok(Some(flag)),
        other => Err(other),
    }
}

fn integer(value: Value) -> Result<Option<i64>, Value> {
    number(value, Number::as_i64)
}

fn float(value: Value) -> Result<Option<f64>, Value> {
    number(value, Number::as_f64)
}

fn number<T>(value: Value, read: fn(&Number) -> Option<T>) -> Result<Option<T>, Value> {
    match value {
        Value::Null => Ok(None),
        Value::Number(number) => match read(&number) {
            Some(read) => Ok(Some(read)),
            None => Err(Value::Number(number)),
        },
        other => Err(other),
    }
}

fn object(value: Value) -> Result<Option<Map<String, Value>>, Value> {
    match value {
        Value::Null => Ok(None),
        Value::Object(members) => Ok(Some(members)),
        other => Err(other),
    }
}

/// An id is opaque; one that comes as a number is the same id.
pub(crate) fn id(value: Value) -> Result<Option<String>, Value> {
    match value {
        Value::Null => Ok(None),
        Value::String(id) if id.is_empty() => Ok(None),
        // One so long cannot be sent back to the service, cut or not.
        Value::String(id) => Ok(Some(truncate_owned(id, MAX_TEXT_LEN))),
        Value::Number(id) => Ok(Some(id.to_string())),
        other => Err(other),
    }
}

fn is_id(value: &Value) -> bool {
    matches!(id(value.clone()), Ok(Some(_)))
}

/// Why a member was left out.
fn unfit(path: &str, expected: &str, found: &Value) -> IgnoredField {
    let found = found.to_string();
    let found = match found.char_indices().nth(QUOTED) {
        Some((end, _)) => format!("{}…", &found[..end]),
        None => found,
    };
    IgnoredField {
        path: path.to_owned(),
        reason: format!("expected {expected}, found {found}"),
    }
}

/// The members of a prediction, as far as they have been read.
pub(crate) struct PredictionMembers {
    id: Option<String>,
    /// As it came: a task's is another word than a prediction's.
    status: Option<String>,
    prediction: Prediction,
    extra: BoundedMap,
    /// Members of the wrong type, with what was expected of them.
    unfit: Vec<(&'static str, &'static str, Value)>,
    /// The same inside `metrics` and `urls`.
    ignored: Vec<IgnoredField>,
}

impl Default for PredictionMembers {
    fn default() -> Self {
        Self {
            id: None,
            status: None,
            prediction: Prediction::new(String::new(), Status::Unknown(String::new())),
            extra: BoundedMap::new(LIMIT),
            unfit: Vec::new(),
            ignored: Vec::new(),
        }
    }
}

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "snake_case")]
pub(crate) enum PredictionKey {
    CompletedAt,
    CreatedAt,
    DataRemoved,
    Error,
    Id,
    Input,
    Logs,
    Metrics,
    Model,
    Output,
    Source,
    StartedAt,
    Status,
    Urls,
    Version,
    Extra(String),
}

impl Members for PredictionMembers {
    type Key = PredictionKey;

    fn read<'de, A: MapAccess<'de>>(
        &mut self,
        key: PredictionKey,
        members: &mut A,
    ) -> Result<(), A::Error> {
        use PredictionKey as Key;
        match key {
            Key::CompletedAt => {
                self.prediction.completed_at =
                    self.fit("completed_at", "a string", text, members)?;
            }
            Key::CreatedAt => {
                self.prediction.created_at = self.fit("created_at", "a string", text, members)?;
            }
            Key::DataRemoved => {
                self.prediction.data_removed =
                    self.fit("data_removed", "a boolean", boolean, members)?;
            }
            Key::Error => self.prediction.error = self.value("error", LIMIT, members)?,
            Key::Id => self.id = self.fit("id", "an id", id, members)?,
            Key::Input => {
                let value = self.value("input", LIMIT, members)?;
                self.prediction.input = self.fitted("input", "an object", object, value);
            }
            Key::Logs => self.prediction.logs = self.fit("logs", "a string", text, members)?,
            Key::Metrics => self.prediction.metrics = self.nested("metrics", members)?,
            Key::Model => self.prediction.model = self.fit("model", "a string", text, members)?,
            Key::Output => self.prediction.output = self.value("output", LIMIT, members)?,
            Key::Source => {
                self.prediction.source = self.fit("source", "a string", text, members)?;
            }
            Key::StartedAt => {
                self.prediction.started_at = self.fit("started_at", "a string", text, members)?;
            }
            Key::Status => {
                let word = self.fit("status", "a string", text, members)?;
                self.status = word.map(|word| truncate_owned(word, MAX_TEXT_LEN));
            }
            Key::Urls => self.prediction.urls = self.nested("urls", members)?,
            Key::Version => {
                self.prediction.version = self.fit("version", "a string", text, members)?;
            }
            Key::Extra(name) => {
                self.extra.read(name, LEVELS, members)?;
            }
        }
        Ok(())
    }
}

impl PredictionMembers {
    fn fit<'de, T, A: MapAccess<'de>>(
        &mut self,
        name: &'static str,
        expected: &'static str,
        fit: Fit<T>,
        members: &mut A,
    ) -> Result<Option<T>, A::Error> {
        let value = self.value(name, SCALAR_LIMIT, members)?;
        Ok(self.fitted(name, expected, fit, value))
    }

    fn fitted<T>(
        &mut self,
        name: &'static str,
        expected: &'static str,
        fit: Fit<T>,
        value: Option<Value>,
    ) -> Option<T> {
        fit(value?).unwrap_or_else(|value| {
            self.unfit.push((name, expected, value));
            None
        })
    }

    /// The value of a member; `None` if it is null or too large.
    fn value<'de, A: MapAccess<'de>>(
        &mut self,
        name: &'static str,
        limit: usize,
        members: &mut A,
    ) -> Result<Option<Value>, A::Error> {
        let left_out = &mut self.extra.left_out;
        let read = bounded::member(name, limit, LEVELS, left_out, members)?;
        Ok(read
            .map(|(value, _)| value)
            .filter(|value| !value.is_null()))
    }

    /// The members that were left out because they are too large.
    pub(crate) fn take_left_out(&mut self) -> impl Iterator<Item = IgnoredField> + use<> {
        std::mem::take(&mut self.extra.left_out).into_fields()
    }

    fn nested<'de, T, A>(
        &mut self,
        name: &'static str,
        members: &mut A,
    ) -> Result<Option<T>, A::Error>
    where
        T: Extensible,
        Nested<T>: Members,
        A: MapAccess<'de>,
    {
        Ok(match members.next_value::<ObjectOr<Nested<T>>>()? {
            ObjectOr::Object(nested) => {
                let mut nested = nested;
                let left_out = std::mem::take(&mut nested.extra.left_out);
                self.extra.left_out.append(name, left_out);
                let unfit = nested.unfit.iter().map(|(member, expected, value)| {
                    unfit(&format!("{name}.{member}"), expected, value)
                });
                self.ignored.extend(unfit);
                Some(nested.into_value())
            }
            ObjectOr::TooLarge => {
                self.extra.left_out.push(name.to_owned());
                None
            }
            ObjectOr::Other(Value::Null) => None,
            ObjectOr::Other(value) => {
                self.unfit.push((name, "an object", value));
                None
            }
        })
    }

    pub(crate) fn has_status(&self) -> bool {
        self.status.is_some()
    }

    /// Whether it is an object with an id, and not a gateway's task or envelope around one.
    pub(crate) fn is_bare(&self) -> bool {
        let extra = &self.extra.map;
        self.id.is_some()
            && !extra.get("task_id").is_some_and(is_id)
            && (self.has_status() || !extra.get("data").is_some_and(Value::is_object))
    }

    /// The prediction, and what was left out of it.
    pub(crate) fn into_prediction(self) -> (Prediction, Vec<IgnoredField>) {
        let mut prediction = self.prediction;
        prediction.extra = self.extra.map;
        prediction.id = self.id.unwrap_or_default();
        prediction.status = Status::from(self.status.as_deref().unwrap_or_default());
        let mut ignored = self.ignored;
        let unfit = self
            .unfit
            .iter()
            .map(|(name, expected, value)| unfit(name, expected, value));
        ignored.extend(unfit);
        if self.status.is_none() && !self.unfit.iter().any(|(name, ..)| *name == "status") {
            ignored.push(IgnoredField {
                path: "status".to_owned(),
                reason: "missing".to_owned(),
            });
        }
        (prediction, ignored)
    }

    /// The object as it came, but for members that were null.
    pub(crate) fn into_object(self) -> Map<String, Value> {
        let Prediction {
            completed_at,
            created_at,
            data_removed,
            error,
            extra: _,
            id: _,
            input,
            logs,
            metrics,
            model,
            output,
            source,
            started_at,
            status: _,
            urls,
            version,
        } = self.prediction;
        let mut object = self.extra.map;
        let strings = [
            ("completed_at", completed_at),
            ("created_at", created_at),
            ("id", self.id),
            ("logs", logs),
            ("model", model),
            ("source", source),
            ("started_at", started_at),
            ("status", self.status),
            ("version", version),
        ];
        let strings = strings.map(|(name, text)| (name, text.map(Value::String)));
        let rest = [
            ("data_removed", data_removed.map(Value::Bool)),
            ("error", error),
            ("input", input.map(Value::Object)),
            (
                "metrics",
                metrics.and_then(|it| serde_json::to_value(it).ok()),
            ),
            ("output", output),
            ("urls", urls.and_then(|it| serde_json::to_value(it).ok())),
        ];
        for (name, value) in strings.into_iter().chain(rest) {
            if let Some(value) = value {
                object.insert(name.to_owned(), value);
            }
        }
        for (name, _, value) in self.unfit {
            object.insert(name.to_owned(), value);
        }
        object
    }
}

/// An object inside a prediction.
pub(crate) struct Nested<T> {
    value: T,
    extra: BoundedMap,
    unfit: Vec<(&'static str, &'static str, Value)>,
}

impl<T: Default> Default for Nested<T> {
    fn default() -> Self {
        Self {
            value: T::default(),
            extra: BoundedMap::new(SCALAR_LIMIT),
            unfit: Vec::new(),
        }
    }
}

impl<T> Nested<T> {
    fn fit<'de, U, A: MapAccess<'de>>(
        &mut self,
        name: &'static str,
        expected: &'static str,
        fit: Fit<U>,
        members: &mut A,
    ) -> Result<Option<U>, A::Error> {
        let left_out: &mut LeftOut = &mut self.extra.left_out;
        let read = bounded::member(name, SCALAR_LIMIT, 0, left_out, members)?;
        let fitted = read.map_or(Ok(None), |(value, _)| fit(value));
        Ok(fitted.unwrap_or_else(|value| {
            self.unfit.push((name, expected, value));
            None
        }))
    }
}

/// Decodes an object inside a prediction member by member.
macro_rules! nested {
    ($ty:ident { $($member:ident: $expected:literal as $fit:ident,)* }) => {
        impl Default for $ty {
            fn default() -> Self {
                Self {
                    $($member: None,)*
                    extra: Map::new(),
                }
            }
        }

        impl Extensible for $ty {
            fn extra(&mut self) -> &mut Map<String, Value> {
                &mut self.extra
            }
        }

        const _: () = {
            #[derive(Deserialize)]
            #[serde(field_identifier)]
            #[expect(non_camel_case_types, reason = "the names of the members")]
            pub(crate) enum Key {
                $($member,)*
                Extra(String),
            }

            impl Members for $ty {
                type Key = Key;

                fn read<'de, A: MapAccess<'de>>(
                    &mut self,
                    key: Key,
                    members: &mut A,
                ) -> Result<(), A::Error> {
                    match key {
                        $(Key::$member => self.$member = members.next_value()?,)*
                        Key::Extra(name) => {
                            self.extra.insert(name, members.next_value()?);
                        }
                    }
                    Ok(())
                }
            }

            impl Members for Nested<$ty> {
                type Key = Key;

                fn read<'de, A: MapAccess<'de>>(
                    &mut self,
                    key: Key,
                    members: &mut A,
                ) -> Result<(), A::Error> {
                    match key {
                        $(Key::$member => {
                            let name = stringify!($member);
                            self.value.$member = self.fit(name, $expected, $fit, members)?;
                        })*
                        Key::Extra(name) => self.extra.read(name, 0, members)?,
                    }
                    Ok(())
                }
            }
        };
    };
}

nested!(PredictionMetrics {
    image_count: "an integer" as integer,
    predict_time: "a number" as float,
    total_time: "a number" as float,
});

nested!(PredictionUrls {
    cancel: "a string" as text,
    get: "a string" as text,
    stream: "a string" as text,
    web: "a string" as text,
});

/// An object inside a prediction that has members which the spec does not name.
pub(crate) trait Extensible {
    fn extra(&mut self) -> &mut Map<String, Value>;
}

impl<T: Extensible> Nested<T> {
    fn into_value(mut self) -> T {
        *self.value.extra() = self.extra.map;
        self.value
    }
}

/// Takes members out of an object that has been read whole.
struct Taker<'o> {
    object: &'o mut Map<String, Value>,
    ignored: &'o mut Vec<IgnoredField>,
}

impl Taker<'_> {
    fn take<T>(&mut self, name: &str, expected: &str, fit: Fit<T>) -> Option<T> {
        let value = self.object.remove(name)?;
        fit(value).unwrap_or_else(|value| {
            self.ignored.push(unfit(name, expected, &value));
            None
        })
    }

    fn text(&mut self, name: &str) -> Option<String> {
        self.take(name, "a string", text)
    }

    fn integer(&mut self, name: &str) -> Option<i64> {
        self.take(name, "an integer", integer)
    }
}

/// The gateway's record of a task, its `data` left out. `None`, with nothing taken, when the
/// object has no usable `task_id`.
pub(crate) fn task(
    object: &mut Map<String, Value>,
    ignored: &mut Vec<IgnoredField>,
) -> Option<Task> {
    let task_id = id(object.get("task_id")?.clone()).ok()??;
    object.remove("task_id");
    let mut taker = Taker { object, ignored };
    let word = taker.take("status", "a string", text);
    Some(Task {
        task_id,
        // Cut already: the object was read as a prediction's members before.
        status: TaskStatus::from(word.unwrap_or_default().as_str()),
        action: taker.text("action"),
        data: None,
        fail_reason: taker.text("fail_reason"),
        finish_time: taker.integer("finish_time"),
        progress: taker.text("progress"),
        start_time: taker.integer("start_time"),
        submit_time: taker.integer("submit_time"),
        extra: std::mem::take(object),
    })
}

/// The gateway's flat error. `None`, with nothing taken, when the object has no code or no
/// message that is text.
pub(crate) fn task_error(object: &mut Map<String, Value>) -> Option<TaskError> {
    let message = object.get("message")?.as_str()?.to_owned();
    let code = object.remove("code")?;
    object.remove("message");
    Some(TaskError {
        code,
        data: object.remove("data").filter(|data| !data.is_null()),
        message,
        extra: std::mem::take(object),
    })
}

/// A prediction out of an object that has been read whole.
pub(crate) fn prediction(object: Map<String, Value>) -> PredictionMembers {
    let read = Value::Object(object);
    match ObjectOr::deserialize(read) {
        Ok(ObjectOr::Object(members)) => members,
        // An object is read as one, and no member of it can fail.
        _ => PredictionMembers::default(),
    }
}
