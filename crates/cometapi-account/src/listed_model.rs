//! A model as the service lists it.

use serde_json::Value;

use crate::generated::types;
use crate::json;
use crate::price::{Price, UnknownPrice};

/// A model as the service lists it, read from its row.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ListedModel {
    /// Its id, perhaps `owner/name`; the code or the name if the row has no id.
    pub id: String,
    /// Its code, the id with `-` for each `.` (observed).
    pub code: Option<String>,
    /// Its name.
    pub name: Option<String>,
    /// Who provides it.
    pub provider: Option<String>,
    /// Its kind, such as `image`.
    pub model_type: Option<String>,
    /// The names of the routes on which it can be used, as far as the row names them.
    pub endpoints: Vec<String>,
    /// What one request costs.
    pub price: Result<Price, UnknownPrice>,
}

impl ListedModel {
    /// Reads a row; `None` if nothing in it names a model.
    pub(crate) fn read(row: &types::ListedModel) -> Option<Self> {
        let code = json::text(row.code.as_ref());
        let name = json::text(row.name.as_ref());
        let id = json::text(row.id.as_ref())
            .or_else(|| code.clone())
            .or_else(|| name.clone())?;
        Some(Self {
            price: Price::read(&id, row),
            id,
            code,
            name,
            provider: json::text(row.provider.as_ref()),
            model_type: json::text(row.model_type.as_ref()),
            endpoints: row.endpoints.as_ref().map(endpoints).unwrap_or_default(),
        })
    }
}

/// The keys of an object, or the strings in a list.
fn endpoints(value: &Value) -> Vec<String> {
    match &*json::unwrapped(value) {
        Value::Object(routes) => routes.keys().cloned().collect(),
        Value::Array(routes) => routes
            .iter()
            .filter_map(|route| json::text(Some(route)))
            .collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(row: Value) -> Option<ListedModel> {
        ListedModel::read(&serde_json::from_value(row).unwrap())
    }

    #[test]
    fn routes_are_an_object_or_a_list_also_inside_a_string() {
        for value in [
            json!({"openai": {}, "replicate": {"path": "/x"}}),
            json!(["openai", "replicate"]),
            json!("{\"openai\":{},\"replicate\":{}}"),
            json!("[\"openai\", \"replicate\", null, {}]"),
        ] {
            let model = read(json!({"id": "m", "endpoints": value})).unwrap();
            assert_eq!(model.endpoints, ["openai", "replicate"], "{value}");
        }
        for value in [json!(null), json!("openai"), json!(3)] {
            let model = read(json!({"id": "m", "endpoints": value})).unwrap();
            assert_eq!(model.endpoints, [""; 0]);
        }
    }

    #[test]
    fn a_row_is_of_what_it_names() {
        let model = read(json!({"id": 7, "code": "c", "name": null, "model_type": ["image"]}));
        let model = model.unwrap();
        assert_eq!((&*model.id, model.code.as_deref()), ("7", Some("c")));
        assert_eq!((model.name, model.model_type), (None, None));
        assert_eq!(read(json!({"id": "", "name": "n"})).unwrap().id, "n");
        for row in [json!({}), json!({"id": null, "code": {}, "name": " "})] {
            assert_eq!(read(row), None);
        }
    }
}
