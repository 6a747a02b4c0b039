//! A model as the service's list shows it.

use serde_json::{Value, json};

use super::amount;
use super::price::{Price, RATIO_PLACES};
use crate::spec::{Output, Spec};

/// The code of a model: its id with `-` for each `.` (observed in the vendor's client).
pub(crate) fn code(id: &str) -> String {
    id.replace('.', "-")
}

/// A row of the list. `endpoints` is an object in some rows and JSON in a string in others, as it is at the
/// service (observed).
pub(crate) fn row(spec: &Spec, id: &str, price: Price) -> Value {
    let (owner, name) = id.split_once('/').unwrap_or(("", id));
    let kind = match spec.model(id).map(|model| model.output) {
        Some(Output::Text) => "text",
        Some(Output::Json) => "json",
        Some(Output::List | Output::Single) | None => "image",
    };
    let path = format!("{}/models/{id}/predictions", spec.prefix());
    let mut endpoints = json!({"replicate": {"path": path, "method": "POST"}});
    if price.ratio().is_some() {
        endpoints = endpoints.to_string().into();
    }
    let mut row = json!({
        "id": id,
        "code": code(id),
        "name": name,
        "description": format!("{name}, as the mock has it"),
        "provider": owner,
        "provider_code": owner,
        "model_type": kind,
        "features": [],
        "endpoints": endpoints,
        "context_length": null,
        "max_completion_tokens": null,
        "pricing": {
            "currency": "USD",
            "input": null,
            "output": null,
            "per_request": amount::dollars(price.list()),
            "per_second": null,
        },
    });
    if let Some(ratio) = price.ratio() {
        row["ratio"] = amount::number(ratio, RATIO_PLACES);
    }
    row
}
