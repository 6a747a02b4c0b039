//! The JSON Schema of what this crate serialises.

use std::borrow::Cow;

use cometapi_client::types;
use schemars::{JsonSchema, Schema, SchemaGenerator};

use crate::core::prediction::Prediction;
#[cfg(feature = "models")]
use crate::models::Model;

/// It serialises to the wire's bare prediction, so it is described as that.
impl JsonSchema for Prediction {
    fn schema_name() -> Cow<'static, str> {
        types::Prediction::schema_name()
    }

    fn schema_id() -> Cow<'static, str> {
        types::Prediction::schema_id()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        types::Prediction::json_schema(generator)
    }
}

/// A model's input, as its own schema has it.
#[cfg(feature = "models")]
pub(crate) fn of_model(model: &Model) -> Schema {
    let mut schema: Schema = serde_json::from_str(model.schema()).unwrap_or_default();
    // It becomes a part of another document.
    schema.remove("$schema");
    schema
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[cfg(feature = "models")]
    #[test]
    fn every_known_model_is_described_by_its_own_schema() {
        for model in crate::models() {
            let schema = of_model(model).to_value();
            for field in model.fields() {
                assert!(
                    schema["properties"][field.name()].is_object(),
                    "{}",
                    model.name()
                );
            }
        }
    }

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
