//! The types that are examined, and how each reads a value.

use anyhow::Context;
use cometapi_account::wire::types as account;
use cometapi_client::{
    ModelName, ModelOwner, PredictionId, PredictionResponse, Status, TaskStatus, types,
};
use cometapi_codegen::{ACCOUNT, PREDICTIONS, Target};
use jsonschema::Validator;
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// What a type makes of a value: what it gives back (`None` when it cannot), or why not.
type Read = fn(&Value) -> Result<Option<Value>, String>;

type Export = fn() -> anyhow::Result<Validator>;

pub(super) struct Subject {
    /// The component that it stands for.
    pub(super) schema: &'static str,
    pub(super) read: Read,
    /// The JSON Schema that the type exports.
    pub(super) exported: Export,
    /// Reads every JSON on purpose, so that its tolerances are not worth listing.
    pub(super) takes_anything: bool,
}

/// The types of one spec. No two specs share a schema's name, by which tolerances are listed.
pub(super) struct Subjects {
    pub(super) target: &'static Target,
    pub(super) types: &'static [Subject],
}

pub(super) const SUBJECTS: &[Subjects] = &[
    Subjects {
        target: &PREDICTIONS,
        types: OF_PREDICTIONS,
    },
    Subjects {
        target: &ACCOUNT,
        types: OF_ACCOUNT,
    },
];

const OF_ACCOUNT: &[Subject] = &[
    subject::<account::AccountError>("AccountError", through::<account::AccountError>),
    subject::<account::ListedModel>("ListedModel", through::<account::ListedModel>),
    subject::<account::ListedTask>("ListedTask", through::<account::ListedTask>),
    subject::<account::ModelEnvelope>("ModelEnvelope", through::<account::ModelEnvelope>),
    subject::<account::ModelList>("ModelList", through::<account::ModelList>),
    subject::<account::Pricing>("Pricing", through::<account::Pricing>),
    subject::<account::Subscription>("Subscription", through::<account::Subscription>),
    subject::<account::TaskList>("TaskList", through::<account::TaskList>),
    subject::<account::Usage>("Usage", through::<account::Usage>),
    subject::<account::User>("User", through::<account::User>),
    subject::<account::UserEnvelope>("UserEnvelope", through::<account::UserEnvelope>),
];

const OF_PREDICTIONS: &[Subject] = &[
    subject::<types::CreatePredictionRequest>(
        "CreatePredictionRequest",
        through::<types::CreatePredictionRequest>,
    ),
    subject::<types::ErrorBody>("ErrorBody", through::<types::ErrorBody>),
    subject::<types::ErrorDetail>("ErrorDetail", through::<types::ErrorDetail>),
    subject::<types::InvalidField>("InvalidField", through::<types::InvalidField>),
    subject::<types::Prediction>("Prediction", through::<types::Prediction>),
    subject::<types::PredictionMetrics>("PredictionMetrics", through::<types::PredictionMetrics>),
    subject::<types::PredictionUrls>("PredictionUrls", through::<types::PredictionUrls>),
    subject::<types::Problem>("Problem", through::<types::Problem>),
    subject::<types::Task>("Task", through::<types::Task>),
    subject::<types::TaskEnvelope>("TaskEnvelope", through::<types::TaskEnvelope>),
    subject::<types::TaskError>("TaskError", through::<types::TaskError>),
    subject::<ModelName>("ModelName", through::<ModelName>),
    subject::<ModelOwner>("ModelOwner", through::<ModelOwner>),
    subject::<PredictionId>("PredictionId", through::<PredictionId>),
    subject::<Status>("PredictionStatus", through::<Status>),
    subject::<TaskStatus>("TaskStatus", through::<TaskStatus>),
    Subject {
        takes_anything: true,
        ..subject::<PredictionResponse>("PredictionResponse", answer)
    },
];

const fn subject<T: JsonSchema>(schema: &'static str, read: Read) -> Subject {
    Subject {
        schema,
        read,
        exported: exported::<T>,
        takes_anything: false,
    }
}

/// A judge by the JSON Schema that the type exports.
fn exported<T: JsonSchema>() -> anyhow::Result<Validator> {
    let schema = schemars::schema_for!(T).to_value();
    jsonschema::draft202012::new(&schema).context("the exported schema cannot be compiled")
}

fn through<T: DeserializeOwned + Serialize>(value: &Value) -> Result<Option<Value>, String> {
    // From text, as on the wire: a decoder may treat the two differently.
    let typed: T = serde_json::from_str(&value.to_string()).map_err(|error| error.to_string())?;
    let again = serde_json::to_value(typed).map_err(|error| error.to_string())?;
    Ok(Some(again))
}

/// An answer is decided by structure; a valid one must be seen for what it is.
fn answer(value: &Value) -> Result<Option<Value>, String> {
    let answer: PredictionResponse =
        serde_json::from_str(&value.to_string()).map_err(|error| error.to_string())?;
    let id = |value: &Value| value.get("id").and_then(Value::as_str).map(str::to_owned);
    let is_prediction = value.get("status").is_some_and(Value::is_string)
        && id(value).is_some_and(|id| !id.is_empty());
    if !is_prediction {
        return Ok(None);
    }
    let ignored = answer.ignored_fields().to_vec();
    let prediction = answer
        .prediction()
        .ok_or("a prediction with an id and a status is not seen as one")?;
    if Some(&prediction.id) != id(value).as_ref() {
        return Err(format!("its id became {:?}", prediction.id));
    }
    // What did not fit has been left out; the layer compares what did.
    let again = serde_json::to_value(prediction).map_err(|error| error.to_string())?;
    Ok(ignored.is_empty().then_some(again))
}
