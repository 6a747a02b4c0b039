//! What others have written of the same service: committed tables of facts with their sources.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// Where they are.
pub(crate) const FOLDER: &str = "crates/contract/data/references";

/// What one source says.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Reference {
    pub(crate) source: String,
    /// Field tables, by our component.
    #[serde(default)]
    pub(crate) schemas: BTreeMap<String, Table>,
    /// Single values, by the pointer at which our spec has them.
    #[serde(default)]
    pub(crate) facts: BTreeMap<String, Fact>,
    /// The base URL that the source's OpenAPI document names, where it has a document.
    pub(crate) server: Option<String>,
    /// Differences of that document that `schemas` has no words for.
    #[serde(default)]
    pub(crate) document: Vec<Explanation>,
}

/// Why a source's document differs from our spec in a place, as `cargo xtask upstream` prints it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Explanation {
    /// The places, each with what lies below it: an operation and a part of it, or a component
    /// of our spec and a field of it.
    pub(crate) at: Vec<String>,
    /// What differs there; everything by default.
    pub(crate) aspect: Option<String>,
    /// What the document says, null for nothing; anything by default.
    #[serde(default, deserialize_with = "given")]
    pub(crate) there: Option<Value>,
    pub(crate) why: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Table {
    pub(crate) fields: BTreeMap<String, Field>,
    /// What only we have, and why.
    #[serde(default)]
    pub(crate) only_ours: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Field {
    /// The type there: `string`, `string or null`, `any`, `array of string`; `absent` in ours.
    pub(crate) is: String,
    #[serde(default)]
    pub(crate) required: bool,
    /// What our spec says where it says something else, and why.
    pub(crate) ours: Option<String>,
    pub(crate) ours_required: Option<bool>,
    pub(crate) why: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Fact {
    #[serde(default)]
    pub(crate) is: Value,
    /// The JSON file that has the value, instead of `is`.
    pub(crate) file: Option<String>,
    /// A null is a value here: we have nothing at that place.
    #[serde(default, deserialize_with = "given")]
    pub(crate) ours: Option<Value>,
    pub(crate) why: Option<String>,
    /// Compares the names in the object there, not their values.
    #[serde(default)]
    pub(crate) names: bool,
}

fn given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}
