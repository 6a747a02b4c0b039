//! The JSON Schema of what this crate serialises.

use std::borrow::Cow;

use cometapi_client::types;
use schemars::{JsonSchema, Schema, SchemaGenerator};

use crate::prediction::Prediction;

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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

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
