//! One run of a model, as it was last seen.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use cometapi_client::{IgnoredField, PredictionId, PredictionResponse, Status, types};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::{Map, Value};

use crate::core::timestamp;

/// The service ends a prediction after a day; an older one shows a wrong clock.
const MAX_AGE: Duration = Duration::from_secs(24 * 3600);

/// A prediction: the run of a model, as one response of the service shows it.
///
/// It serializes to the JSON of a bare prediction, whatever the response was wrapped in, and
/// without what the gateway adds of its own. From that JSON it is read back, also by another
/// process, with its files; so it is from the JSON of a response. What it was read from is then its
/// [`raw`](Self::raw) body, and the request id is not known.
///
/// ```no_run
/// # async fn example(client: cometapi::Client) -> Result<(), Box<dyn std::error::Error>> {
/// let done = client.predictions().wait("q4chw5rey9rmt0cww76t4h3ma4").await?;
/// let row = serde_json::to_string(&done)?; // Into the database, and out again.
///
/// let done: cometapi::Prediction = serde_json::from_str(&row)?;
/// for file in client.files(&done) {
///     file.save_in("images").await?;
/// }
/// # Ok(())
/// # }
/// ```
///
/// A clone shares what was read.
#[derive(Clone)]
pub struct Prediction(Arc<Contents>);

struct Contents {
    wire: types::Prediction,
    ignored: Vec<IgnoredField>,
    raw: Bytes,
    request_id: Option<String>,
}

impl Prediction {
    /// The prediction in a response, with the id that it was `polled` by: what is inside an envelope
    /// may have the provider's id.
    pub(crate) fn from_response(
        response: PredictionResponse,
        polled: Option<&PredictionId>,
        raw: Bytes,
        request_id: Option<String>,
    ) -> Option<Self> {
        let (mut wire, ignored) = response.into_prediction()?;
        if let Some(polled) = polled {
            polled.as_str().clone_into(&mut wire.id);
        }
        Some(Self(Arc::new(Contents {
            wire,
            ignored,
            raw,
            request_id,
        })))
    }

    /// The same in the body of a response.
    pub(crate) fn from_body(
        raw: Bytes,
        polled: Option<&PredictionId>,
        request_id: Option<String>,
    ) -> Option<Self> {
        let response = PredictionResponse::from_slice(&raw).ok()?;
        Self::from_response(response, polled, raw, request_id)
    }

    /// The id to poll with. Opaque; keep it, the run has been paid for.
    pub fn id(&self) -> &str {
        &self.0.wire.id
    }

    /// The state. Where an envelope and the prediction in it disagree, what has ended wins.
    pub fn status(&self) -> &Status {
        &self.0.wire.status
    }

    /// Whether the run has ended: a terminal status, or an `error` beside a word that is
    /// not known.
    pub fn is_terminal(&self) -> bool {
        self.status().is_terminal() || self.ends_by_error()
    }

    /// An unknown word with an error is a failure; going on would wait for nothing.
    pub(crate) fn ends_by_error(&self) -> bool {
        matches!(self.status(), Status::Unknown(_)) && self.error().is_some()
    }

    /// The model, `owner/name`, when the service says it.
    pub fn model(&self) -> Option<&str> {
        self.0.wire.model.as_deref()
    }

    /// The input as the service took it. Empty once removed.
    pub fn input(&self) -> Option<&Map<String, Value>> {
        self.0.wire.input.as_ref()
    }

    /// Why the run failed. Documented as a sentence; other JSON is given as its text.
    pub fn error(&self) -> Option<String> {
        match self.0.wire.error.as_ref()? {
            Value::Null => None,
            Value::String(text) if text.trim().is_empty() => None,
            Value::String(text) => Some(text.clone()),
            json => Some(json.to_string()),
        }
    }

    /// What the model printed.
    pub fn logs(&self) -> Option<&str> {
        self.0.wire.logs.as_deref()
    }

    /// Whether the service has deleted the output (documented; Replicate documents one hour).
    pub fn data_removed(&self) -> bool {
        self.0.wire.data_removed.unwrap_or(false)
    }

    /// When the run was created, as it came: RFC 3339 with three to nine fractional digits
    /// (documented and observed).
    pub fn created_at(&self) -> Option<&str> {
        self.0.wire.created_at.as_deref()
    }

    /// When the model began, in the same form.
    pub fn started_at(&self) -> Option<&str> {
        self.0.wire.started_at.as_deref()
    }

    /// When the run ended, in the same form.
    pub fn completed_at(&self) -> Option<&str> {
        self.0.wire.completed_at.as_deref()
    }

    /// How long the run took by the service's clock, from [`created_at`](Self::created_at) to
    /// [`completed_at`](Self::completed_at), the time in the queue included. Where only the gateway's own record has
    /// both times, it is in whole seconds. `None` if it has not ended, or the times are not known or
    /// contradict each other.
    ///
    /// ```
    /// # fn example(done: &cometapi::Prediction, past: &mut cometapi::Durations) {
    /// past.extend(done.duration());
    /// # }
    /// ```
    pub fn duration(&self) -> Option<Duration> {
        if !self.is_terminal() {
            return None;
        }
        let created = self.created_at().and_then(timestamp::parse);
        let completed = self.completed_at().and_then(timestamp::parse);
        match (created, completed) {
            (Some(created), Some(completed)) => completed.duration_since(created).ok(),
            _ => self.gateway_duration(),
        }
    }

    /// The same by the gateway's own record, if the response has one.
    fn gateway_duration(&self) -> Option<Duration> {
        #[derive(Deserialize)]
        struct Envelope {
            data: Task,
        }
        #[derive(Deserialize)]
        struct Task {
            submit_time: i64,
            finish_time: i64,
        }
        let Envelope { data } = serde_json::from_slice(&self.0.raw).ok()?;
        let seconds = data.finish_time.checked_sub(data.submit_time)?;
        // A time that is not set is 0.
        let is_set = data.submit_time > 0 && data.finish_time > 0;
        u64::try_from(seconds)
            .ok()
            .filter(|_| is_set)
            .map(Duration::from_secs)
    }

    /// How old the prediction was at `now`, by the service's clock.
    pub(crate) fn age_at(&self, now: Option<SystemTime>) -> Option<Duration> {
        let created = timestamp::parse(self.created_at()?)?;
        let age = now?.duration_since(created).ok()?;
        Some(age).filter(|age| *age <= MAX_AGE)
    }

    /// What the run took, in seconds and images.
    pub fn metrics(&self) -> Option<&types::PredictionMetrics> {
        self.0.wire.metrics.as_ref()
    }

    /// The gateway's id of the request that showed this, to give to support.
    pub fn request_id(&self) -> Option<&str> {
        self.0.request_id.as_deref()
    }

    /// Returns whether the output holds nothing but null, empty strings, and lists and objects of
    /// those.
    pub(crate) fn is_output_empty(&self) -> bool {
        self.0.wire.output.as_ref().is_none_or(is_empty)
    }

    /// Why the output could not be decoded; `None` if it could.
    pub(crate) fn undecoded_output(&self) -> Option<&str> {
        // Inside of an envelope, the path begins with the envelope's own members.
        let is_output = |path: &str| path == "output" || path.ends_with(".output");
        let field = self.0.ignored.iter().find(|field| is_output(&field.path))?;
        Some(&field.reason)
    }

    /// The fields that were not what the spec says they are, or too large to be decoded (see
    /// [`PredictionResponse`](cometapi_client::PredictionResponse)), and were left out. [`raw`](Self::raw) holds them.
    pub fn ignored_fields(&self) -> &[IgnoredField] {
        &self.0.ignored
    }

    /// Returns what was left out of the output, or replaced in it, if anything was: numbers that
    /// JSON does not have, bytes that are not text. In an envelope it may be in another field, since
    /// only the envelope's own member is known.
    pub fn ignored_output(&self) -> Option<&IgnoredField> {
        let is_output = |path: &str| {
            let member = path.rsplit('.').next();
            matches!(member, Some("" | "data" | "output"))
        };
        self.0.ignored.iter().find(|field| is_output(&field.path))
    }

    /// Every field that is known, and those that are not under `extra`.
    pub fn wire(&self) -> &types::Prediction {
        &self.0.wire
    }

    /// Returns the body of the response, byte for byte; of a prediction that was deserialized, the
    /// JSON.
    pub fn raw(&self) -> &[u8] {
        &self.0.raw
    }

    /// The same, to be shared.
    pub(crate) fn body(&self) -> &Bytes {
        &self.0.raw
    }
}

/// Returns whether `json` holds nothing but null, empty strings, and lists and objects of those.
pub(crate) fn is_empty(json: &Value) -> bool {
    match json {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.iter().all(is_empty),
        Value::Object(fields) => fields.values().all(is_empty),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

impl fmt::Debug for Prediction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Neither input nor raw body: both may hold images, and inputs are private.
        f.debug_struct("Prediction")
            .field("id", &self.id())
            .field("status", &self.status())
            .field("model", &self.model())
            .field("error", &self.error())
            .field("request_id", &self.0.request_id)
            .finish_non_exhaustive()
    }
}

impl Serialize for Prediction {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.wire.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Prediction {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let json = Value::deserialize(deserializer)?;
        let raw = serde_json::to_vec(&json).map_err(de::Error::custom)?;
        Self::from_response(PredictionResponse::from_json(json), None, raw.into(), None)
            .ok_or_else(|| de::Error::custom("not a prediction: it has no id"))
    }
}

/// It serializes to the wire's bare prediction, so it is described as that.
#[cfg(feature = "schemars")]
impl schemars::JsonSchema for Prediction {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        <types::Prediction as schemars::JsonSchema>::schema_name()
    }

    fn schema_id() -> std::borrow::Cow<'static, str> {
        <types::Prediction as schemars::JsonSchema>::schema_id()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        <types::Prediction as schemars::JsonSchema>::json_schema(generator)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_prediction_is_read_back_from_what_it_serializes_to() {
        let json = json!({
            "id": "p1",
            "status": "succeeded",
            "model": "a/b",
            "input": {"prompt": "a fox", "seed": 18_446_744_073_709_551_615_u64},
            "output": ["https://a/0.png"],
            "logs": "a\u{0}b",
            "metrics": {"predict_time": 0.1},
            "of_tomorrow": [1, null],
        });
        let read: Prediction = serde_json::from_value(json.clone()).unwrap();
        assert_eq!(read.output().urls(), ["https://a/0.png"]);
        assert!(read.ignored_fields().is_empty());
        assert_eq!(serde_json::from_slice::<Value>(read.raw()).unwrap(), json);
        let again = serde_json::to_string(&read).unwrap();
        let again: Prediction = serde_json::from_str(&again).unwrap();
        assert_eq!(
            serde_json::to_value(&again).unwrap(),
            serde_json::to_value(&read).unwrap()
        );
        // The JSON of a response that wraps it.
        let wrapped = json!({"code": "success", "data": {"task_id": "t1", "status": "SUCCESS", "data": json}});
        let wrapped: Prediction = serde_json::from_value(wrapped).unwrap();
        assert_eq!((wrapped.id(), wrapped.status()), ("t1", &Status::Succeeded));
        for other in [
            json!({}),
            json!([]),
            json!("p1"),
            json!({"status": "starting"}),
        ] {
            let error = serde_json::from_value::<Prediction>(other).unwrap_err();
            assert_eq!(error.to_string(), "not a prediction: it has no id");
        }
    }

    fn duration(json: Value) -> Option<Duration> {
        serde_json::from_value::<Prediction>(json)
            .unwrap()
            .duration()
    }

    #[test]
    fn a_run_took_the_time_between_the_times_of_the_service() {
        let run = |status: &str, completed: Value| {
            json!({
                "id": "p", "status": status, "created_at": "2026-03-20T08:15:30.412Z",
                "completed_at": completed,
            })
        };
        let completed = json!("2026-03-20T08:15:32.500000001Z");
        let took = Some(Duration::new(2, 88_000_001));
        assert_eq!(duration(run("succeeded", completed.clone())), took);
        assert_eq!(duration(run("failed", completed.clone())), took);
        assert_eq!(duration(run("processing", completed)), None);
        for unknown in [json!(null), json!("soon"), json!("2026-03-20T08:15:29Z")] {
            assert_eq!(duration(run("succeeded", unknown)), None);
        }
        assert_eq!(duration(json!({"id": "p", "status": "succeeded"})), None);
    }

    #[test]
    fn the_gateway_knows_in_seconds_what_a_run_took() {
        let wrapped = |submit: i64, finish: i64| {
            json!({"code": "success", "data": {
                "task_id": "t", "status": "SUCCESS", "submit_time": submit, "finish_time": finish,
                "data": {"id": "t", "status": "succeeded", "created_at": "2026-03-20T08:15:30.412Z"},
            }})
        };
        let submitted = 1_773_994_530;
        assert_eq!(
            duration(wrapped(submitted, submitted + 15)),
            Some(Duration::from_secs(15))
        );
        assert_eq!(
            duration(wrapped(submitted, submitted)),
            Some(Duration::ZERO)
        );
        for (submit, finish) in [
            (submitted, 0),
            (0, submitted),
            (submitted, submitted - 1),
            (1, i64::MIN),
        ] {
            assert_eq!(duration(wrapped(submit, finish)), None);
        }
    }

    #[test]
    fn what_was_replaced_in_an_output_is_known() {
        let ignored = |body: &str| {
            let read = crate::core::testing::prediction(body);
            read.ignored_output().map(ToString::to_string)
        };
        let why = "is a number that JSON does not have";
        for (body, path) in [
            (r#"{"id": "p", "output": [0.5, NaN]}"#, "output"),
            (
                r#"{"code": "success", "data": {"id": "p", "output": [NaN]}}"#,
                "data",
            ),
        ] {
            assert_eq!(ignored(body), Some(format!("{path}: {why}")));
        }
        for body in [
            r#"{"id": "p", "output": [0.5]}"#,
            r#"{"id": "p", "output": [0.5], "metrics": {"predict_time": NaN}}"#,
            r#"{"id": "p", "output": [0.5], "logs": 3}"#,
        ] {
            assert_eq!(ignored(body), None);
        }
    }

    #[test]
    fn an_age_is_known_by_the_clock_of_the_service_alone() {
        let json =
            json!({"id": "p", "status": "starting", "created_at": "2026-03-20T08:15:30.412Z"});
        let prediction: Prediction = serde_json::from_value(json).unwrap();
        let at = |text| prediction.age_at(timestamp::parse(text));
        assert_eq!(
            at("2026-03-20T08:16:30.412Z"),
            Some(Duration::from_secs(60))
        );
        for implausible in ["2026-03-20T08:15:30Z", "2026-03-21T08:15:31Z", ""] {
            assert_eq!(at(implausible), None, "{implausible}");
        }
    }

    proptest! {
        #[test]
        fn any_prediction_survives_being_stored(
            id in "\\PC{1,20}", status in "\\PC{0,12}", error in ".{0,20}", count in any::<i64>(),
            number in any::<f64>().prop_filter("JSON has no other numbers", |n| n.is_finite()),
        ) {
            let json = json!({
                "id": id, "status": status, "error": error, "output": [number, count],
            });
            let read: Prediction = serde_json::from_value(json).unwrap();
            let stored = serde_json::to_value(&read).unwrap();
            let again: Prediction = serde_json::from_value(stored.clone()).unwrap();
            prop_assert_eq!(serde_json::to_value(&again).unwrap(), stored);
            prop_assert_eq!(again.status(), read.status());
        }
    }

    #[cfg(feature = "schemars")]
    #[test]
    fn a_prediction_is_described_as_what_it_serialises_to() {
        let schema = schemars::schema_for!(Prediction).to_value();
        assert_eq!(schema["title"], "Prediction");
        assert_eq!(schema["required"], json!(["id", "status"]));
        assert_eq!(
            schema["properties"]["status"]["$ref"],
            "#/$defs/PredictionStatus"
        );
    }
}
