//! Where in the published JSON the parts stand: a model, one of its versions, an OpenAPI
//! document, or the input's schema by itself.

use serde_json::Value;

use crate::error::Error;

#[derive(Debug)]
pub(super) struct Published<'a> {
    /// What references are looked up in.
    pub(super) root: &'a Value,
    pub(super) input: &'a Value,
    pub(super) output: Option<&'a Value>,
    /// Whether the output would be described there if it were at all.
    pub(super) is_document: bool,
    /// `owner/name`, where it is stated.
    pub(super) model: Option<String>,
    /// What the model is, in its publisher's words.
    pub(super) about: Option<&'a str>,
    /// The id of the version.
    pub(super) version: Option<&'a str>,
    /// The day on which it was made, `2026-03-16`.
    pub(super) created: Option<&'a str>,
}

pub(super) fn locate(file: &Value) -> Result<Published<'_>, Error> {
    if file.as_object().is_none() {
        return refused(
            "it is no JSON object; give a model version, its OpenAPI document, or its `Input` \
             schema",
        );
    }
    let (version, document) = match (file.get("openapi_schema"), file.get("latest_version")) {
        (Some(document), _) => (Some(file), document),
        (None, Some(Value::Null)) => {
            return refused("the model has no `latest_version`; give one of its versions");
        }
        (None, Some(version)) => match version.get("openapi_schema") {
            Some(document) => (Some(version), document),
            None => return refused("its `latest_version` holds no `openapi_schema`"),
        },
        (None, None) => (None, file),
    };
    let schemas = document.pointer("/components/schemas");
    let (input, output) = match schemas {
        Some(schemas) => (schemas.get("Input"), schemas.get("Output")),
        None if version.is_none() => (Some(document), None),
        None => (None, None),
    };
    let Some(input) = input else {
        return refused("its OpenAPI document has no `components.schemas.Input`");
    };
    if schemas.is_none() && !is_schema(input) {
        return refused(if file.get("results").is_some() {
            "it is a list of versions; give one of its `results`"
        } else {
            "it holds no `openapi_schema`, no `components.schemas.Input` and no `properties`"
        });
    }
    Ok(Published {
        root: document,
        input,
        output,
        is_document: schemas.is_some(),
        model: model(file),
        about: file
            .get("description")
            .filter(|_| version.is_some())
            .and_then(Value::as_str),
        version: version.and_then(|version| version.get("id")?.as_str()),
        created: version.and_then(|version| day(version.get("created_at")?.as_str()?)),
    })
}

/// The day of an RFC 3339 time.
fn day(time: &str) -> Option<&str> {
    let day = time.get(..10)?;
    let is_day = day.bytes().enumerate().all(|(at, byte)| match at {
        4 | 7 => byte == b'-',
        _ => byte.is_ascii_digit(),
    });
    is_day.then_some(day)
}

fn is_schema(json: &Value) -> bool {
    ["properties", "allOf", "$ref"]
        .iter()
        .any(|key| json.get(key).is_some())
}

fn model(file: &Value) -> Option<String> {
    let text = |key| file.get(key).and_then(Value::as_str);
    // A bare schema may well have a field or a word of these names; a model has text there.
    match (text("owner"), text("name"), text("model")) {
        (Some(owner), Some(name), _) => Some(format!("{owner}/{name}")),
        (_, _, Some(model)) if model.contains('/') => Some(model.to_owned()),
        _ => None,
    }
}

fn refused<T>(message: &str) -> Result<T, Error> {
    Err(Error::Published {
        message: message.to_owned(),
    })
}
