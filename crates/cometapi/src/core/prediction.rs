//! One run of a model, as it was last seen.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use cometapi_client::{IgnoredField, PredictionResponse, Status, types};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::{Map, Value};

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
    pub(crate) fn new(
        wire: types::Prediction,
        ignored: Vec<IgnoredField>,
        raw: Bytes,
        request_id: Option<String>,
    ) -> Self {
        Self(Arc::new(Contents {
            wire,
            ignored,
            raw,
            request_id,
        }))
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

    /// Every field that is known, and those that are not under `extra`.
    pub fn wire(&self) -> &types::Prediction {
        &self.0.wire
    }

    /// Returns the body of the response, byte for byte; of a prediction that was deserialized, the
    /// JSON.
    pub fn raw(&self) -> &[u8] {
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
        let (wire, ignored) = PredictionResponse::from_json(json)
            .into_prediction()
            .ok_or_else(|| de::Error::custom("not a prediction: it has no id"))?;
        Ok(Self::new(wire, ignored, raw.into(), None))
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
