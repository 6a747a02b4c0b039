//! What is printed of a prediction.

use std::path::PathBuf;

use cometapi::Prediction;
use serde_json::Value;

use crate::failure::Failure;
use crate::print;

/// The prediction as JSON, with `output` and `error` always there.
pub(crate) fn json(prediction: &Prediction) -> Result<Value, Failure> {
    let mut json = serde_json::to_value(prediction)
        .map_err(|e| Failure::other("the prediction cannot be written as json", &e))?;
    for field in ["output", "error"] {
        if json.get(field).is_none() {
            json[field] = Value::Null;
        }
    }
    Ok(json)
}

/// Prints the prediction as JSON, with the paths of the files that were saved.
pub(crate) fn print_with_saved(prediction: &Prediction, saved: &[PathBuf]) -> Result<(), Failure> {
    let mut json = json(prediction)?;
    // JSON is Unicode and a path need not be.
    json["saved"] = saved.iter().map(|path| path.to_string_lossy()).collect();
    print::json(format_args!("{json:#}"))
}
