//! From text to compiled operations.

use std::collections::BTreeMap;

use http::Method;
use jsonschema::{Draft, ValidationOptions, Validator};
use serde_json::{Map, Value, json};

use super::path::Template;
use super::{SpecError, convert, input};

/// An operation: its valid requests and responses.
#[derive(Debug)]
pub(super) struct Operation {
    pub(super) id: String,
    pub(super) method: Method,
    pub(super) path: Template,
    pub(super) parameters: Vec<Parameter>,
    pub(super) body: Option<Body>,
    pub(super) bearer: bool,
    pub(super) sample: Sample,
    /// By status as the document writes it: `200`, `4XX`.
    pub(super) responses: BTreeMap<String, BTreeMap<String, Validator>>,
}

/// A request as a person would try it, of the document's own examples.
#[derive(Debug)]
pub(super) struct Sample {
    pub(super) summary: String,
    /// As the document has it, with its parameters in braces.
    pub(super) template: String,
    pub(super) path: String,
    pub(super) body: Option<Value>,
}

#[derive(Debug)]
pub(super) struct Parameter {
    pub(super) place: Place,
    pub(super) name: String,
    pub(super) required: bool,
    pub(super) schema: Validator,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Path,
    Query,
    Header,
}

#[derive(Debug)]
pub(super) struct Body {
    pub(super) required: bool,
    pub(super) content: BTreeMap<String, Validator>,
}

const METHODS: &[&str] = &[
    "get", "put", "post", "delete", "options", "head", "patch", "trace",
];

/// The path of the first server's URL.
pub(super) fn prefix(root: &Value) -> Result<String, SpecError> {
    let url = root
        .pointer("/servers/0/url")
        .and_then(Value::as_str)
        .ok_or_else(|| SpecError::new("/servers/0/url", "missing"))?;
    let url: http::Uri = url
        .parse()
        .map_err(|error| SpecError::new("/servers/0/url", format!("{error}")))?;
    Ok(url.path().trim_end_matches('/').to_owned())
}

fn converted_components(root: &Value) -> Result<Value, SpecError> {
    let Some(Value::Object(schemas)) = root.pointer("/components/schemas") else {
        return Ok(json!({}));
    };
    let converted = schemas
        .iter()
        .map(|(name, schema)| {
            let place = format!("/components/schemas/{name}");
            Ok((name.clone(), convert::schema(schema, &place)?))
        })
        .collect::<Result<Map<_, _>, SpecError>>()?;
    Ok(Value::Object(converted))
}

pub(super) struct Loader<'r> {
    pub(super) root: &'r Value,
    schemas: Value,
}

impl<'r> Loader<'r> {
    pub(super) fn new(root: &'r Value) -> Result<Self, SpecError> {
        Ok(Self {
            schemas: converted_components(root)?,
            root,
        })
    }

    pub(super) fn operations(&self) -> Result<Vec<Operation>, SpecError> {
        let mut operations = Vec::new();
        for (path, item) in members("/paths", &self.root["paths"])? {
            let shared = &item["parameters"];
            for &name in METHODS {
                let Some(source) = item.get(name) else {
                    continue;
                };
                let place = format!("/paths/{path}/{name}");
                operations.push(self.operation(&place, path, name, source, shared)?);
            }
        }
        Ok(operations)
    }

    fn operation(
        &self,
        place: &str,
        path: &str,
        method: &str,
        source: &'r Value,
        shared: &'r Value,
    ) -> Result<Operation, SpecError> {
        let missing = |what: &str| SpecError::new(format!("{place}/{what}"), "missing");
        let id = source["operationId"]
            .as_str()
            .ok_or_else(|| missing("operationId"))?;
        let method = Method::from_bytes(method.to_ascii_uppercase().as_bytes())
            .map_err(|error| SpecError::new(place, error.to_string()))?;
        let template = path;
        let path = Template::parse(path);

        let mut parameters = Vec::new();
        for list in [shared, &source["parameters"]] {
            for source in list.as_array().into_iter().flatten() {
                parameters.extend(self.parameter(place, source)?);
            }
        }
        for name in path.parameters() {
            if !parameters
                .iter()
                .any(|one: &Parameter| one.place == Place::Path && one.name == name)
            {
                return Err(missing(&format!("parameters/{name}")));
            }
        }

        let mut responses = BTreeMap::new();
        let place_of_responses = format!("{place}/responses");
        for (status, response) in members(&place_of_responses, &source["responses"])? {
            let response = self.resolve(response)?;
            let place = format!("{place_of_responses}/{status}");
            responses.insert(status.clone(), self.content(&place, response)?);
        }

        Ok(Operation {
            id: id.to_owned(),
            method,
            path,
            parameters,
            body: self.body(place, source)?,
            sample: self.sample(template, source, shared)?,
            bearer: self.wants_bearer(place, source)?,
            responses,
        })
    }

    /// A path parameter without an example keeps its braces.
    fn sample(
        &self,
        template: &str,
        source: &'r Value,
        shared: &'r Value,
    ) -> Result<Sample, SpecError> {
        let mut path = template.to_owned();
        for list in [shared, &source["parameters"]] {
            for parameter in list.as_array().into_iter().flatten() {
                let parameter = self.resolve(parameter)?;
                if let (Some(name), Some(example)) =
                    (parameter["name"].as_str(), parameter["example"].as_str())
                {
                    path = path.replace(&format!("{{{name}}}"), example);
                }
            }
        }
        let body = match source.get("requestBody") {
            Some(body) => self.resolve(body)?,
            None => &Value::Null,
        };
        let examples = body.pointer("/content/application~1json/examples");
        let body = examples
            .and_then(Value::as_object)
            .and_then(|examples| examples.values().min_by_key(|one| one.to_string().len()))
            .map(|shortest| shortest["value"].clone());
        Ok(Sample {
            summary: source["summary"].as_str().unwrap_or_default().to_owned(),
            template: template.to_owned(),
            path,
            body,
        })
    }

    /// `None` for a cookie parameter, which this service has none of.
    fn parameter(&self, place: &str, source: &'r Value) -> Result<Option<Parameter>, SpecError> {
        let source = self.resolve(source)?;
        let name = source["name"].as_str().unwrap_or_default();
        let place = format!("{place}/parameters/{name}");
        let kind = match source["in"].as_str() {
            Some("path") => Place::Path,
            Some("query") => Place::Query,
            Some("header") => Place::Header,
            Some("cookie") => return Ok(None),
            _ => return Err(SpecError::new(place, "`in` is missing or unknown")),
        };
        Ok(Some(Parameter {
            place: kind,
            name: name.to_owned(),
            required: source["required"] == Value::Bool(true),
            schema: self.validator(&place, &source["schema"])?,
        }))
    }

    fn body(&self, place: &str, source: &'r Value) -> Result<Option<Body>, SpecError> {
        let Some(source) = source.get("requestBody") else {
            return Ok(None);
        };
        let source = self.resolve(source)?;
        Ok(Some(Body {
            required: source["required"] == Value::Bool(true),
            content: self.content(&format!("{place}/requestBody"), source)?,
        }))
    }

    fn content(
        &self,
        place: &str,
        source: &'r Value,
    ) -> Result<BTreeMap<String, Validator>, SpecError> {
        let Some(content) = source.get("content") else {
            return Ok(BTreeMap::new());
        };
        let place = format!("{place}/content");
        members(&place, content)?
            .iter()
            .map(|(media, source)| {
                let place = format!("{place}/{media}");
                Ok((media.clone(), self.validator(&place, &source["schema"])?))
            })
            .collect()
    }

    /// Whether the operation asks for a bearer key, which is all that is understood here.
    fn wants_bearer(&self, place: &str, source: &'r Value) -> Result<bool, SpecError> {
        let security = source.get("security").unwrap_or(&self.root["security"]);
        for requirement in security.as_array().into_iter().flatten() {
            for scheme in requirement.as_object().into_iter().flat_map(Map::keys) {
                let pointer = format!("/components/securitySchemes/{scheme}");
                let found = self.root.pointer(&pointer);
                let bearer = found
                    .is_some_and(|found| found["type"] == "http" && found["scheme"] == "bearer");
                if !bearer {
                    let reason = format!("{scheme} is not a declared bearer scheme");
                    return Err(SpecError::new(format!("{place}/security"), reason));
                }
            }
        }
        Ok(security.as_array().is_some_and(|list| !list.is_empty()))
    }

    fn validator(&self, place: &str, source: &Value) -> Result<Validator, SpecError> {
        self.compile(place, source, jsonschema::options())
    }

    /// Of a model's input, where an address is one that the provider can read.
    pub(super) fn input_validator(
        &self,
        place: &str,
        source: &Value,
    ) -> Result<Validator, SpecError> {
        let options = jsonschema::options()
            .should_validate_formats(true)
            .with_format("uri", input::is_address);
        self.compile(place, source, options)
    }

    /// Compiles a schema together with the components that it may refer to.
    fn compile(
        &self,
        place: &str,
        source: &Value,
        options: ValidationOptions<'_>,
    ) -> Result<Validator, SpecError> {
        let whole = json!({
            "allOf": [convert::schema(source, place)?],
            "components": { "schemas": self.schemas },
        });
        options
            .with_draft(Draft::Draft4)
            .build(&whole)
            .map_err(|error| SpecError::new(place, error.to_string()))
    }

    fn resolve(&self, source: &'r Value) -> Result<&'r Value, SpecError> {
        let Some(reference) = source.get("$ref").and_then(Value::as_str) else {
            return Ok(source);
        };
        reference
            .strip_prefix('#')
            .and_then(|pointer| self.root.pointer(pointer))
            .ok_or_else(|| SpecError::new(reference, "points nowhere"))
    }
}

pub(super) fn members<'v>(
    place: &str,
    source: &'v Value,
) -> Result<&'v Map<String, Value>, SpecError> {
    source
        .as_object()
        .ok_or_else(|| SpecError::new(place, "must be an object"))
}

#[cfg(test)]
mod tests {
    use crate::spec::{SHIPPED, Spec};

    #[test]
    fn the_shipped_document_compiles() {
        let spec = Spec::shipped().unwrap();
        assert_eq!(spec.prefix(), "/replicate/v1");
        assert_eq!(
            spec.operations().collect::<Vec<_>>(),
            crate::MockServer::OPERATIONS,
            "every operation is carried out: see service.rs"
        );
    }

    #[track_caller]
    fn refused(from: &str, to: &str) -> String {
        assert!(SHIPPED.contains(from), "the document no longer says {from}");
        Spec::parse(&SHIPPED.replacen(from, to, 1))
            .unwrap_err()
            .to_string()
    }

    #[test]
    fn refuses_what_it_cannot_check() {
        assert!(refused("      tags: [predictions]", "      operationId: again").contains("yaml"));
        assert!(refused("- bearerAuth: []", "- basicAuth: []").contains("basicAuth"));
        assert!(
            refused(
                "'#/components/parameters/ModelOwner'",
                "'#/components/parameters/Owner'"
            )
            .contains("points nowhere")
        );
        assert!(refused("required: [input]", "reqired: [input]").contains("reqired"));
        assert!(refused("- url: https://api.cometapi.com", "- link: https://").contains("servers"));
    }

    #[test]
    fn refuses_a_path_parameter_without_a_declaration() {
        let error = refused("        - $ref: '#/components/parameters/ModelName'\n", "");
        assert!(error.contains("model_name"), "{error}");
    }
}
