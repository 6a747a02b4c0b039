//! The JSON Schema of the types that are written by hand.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use crate::generated::types::{Prediction, TaskEnvelope, TaskError};
use crate::params::{ModelName, ModelOwner, PredictionId};
use crate::prediction_response::PredictionResponse;
use crate::status::{Status, TaskStatus};

macro_rules! described {
    ($($type:ident as $name:literal: $schema:expr;)*) => {$(
        impl JsonSchema for $type {
            fn schema_name() -> Cow<'static, str> {
                $name.into()
            }

            fn schema_id() -> Cow<'static, str> {
                concat!("cometapi_client::", $name).into()
            }

            fn json_schema(generator: &mut SchemaGenerator) -> Schema {
                let schema: fn(&mut SchemaGenerator) -> Schema = $schema;
                schema(generator)
            }
        }
    )*};
}

described! {
    // Open: a word that is not known is one as well.
    Status as "PredictionStatus": |_| json_schema!({
        "type": "string",
        "examples": ["starting", "processing", "succeeded", "failed", "canceled", "aborted"],
    });
    TaskStatus as "TaskStatus": |_| json_schema!({
        "type": "string",
        "examples": ["NOT_START", "SUBMITTED", "QUEUED", "IN_PROGRESS", "SUCCESS", "FAILURE"],
    });
    ModelOwner as "ModelOwner": |_| model_part();
    ModelName as "ModelName": |_| model_part();
    PredictionId as "PredictionId": |_| json_schema!({
        "type": "string",
        "minLength": 1,
        "maxLength": 256,
        "pattern": concat!(
            r"^([^.\x00-\x1f\x7f-\x9f][^\x00-\x1f\x7f-\x9f]*",
            r"|\.[^.\x00-\x1f\x7f-\x9f][^\x00-\x1f\x7f-\x9f]*",
            r"|\.\.[^\x00-\x1f\x7f-\x9f]+)$",
        ),
    });
    // The shapes that are recognized; any other JSON decodes, too.
    PredictionResponse as "PredictionResponse": |generator| json_schema!({
        "anyOf": [
            generator.subschema_for::<Prediction>(),
            generator.subschema_for::<TaskEnvelope>(),
            generator.subschema_for::<TaskError>(),
        ],
    });
}

fn model_part() -> Schema {
    json_schema!({
        "type": "string",
        "minLength": 1,
        "maxLength": 128,
        "pattern": "^[A-Za-z0-9_][A-Za-z0-9._-]*$",
    })
}
