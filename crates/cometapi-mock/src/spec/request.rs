//! Checks requests against the document.

use std::collections::{BTreeMap, BTreeSet};

use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, Method};
use jsonschema::Validator;
use jsonschema::error::ValidationErrorKind;
use serde_json::Value;

use super::load::{Operation, Parameter, Place};
use super::path::decode;
use super::{Rule, Spec, Violation};

/// Headers that belong to HTTP itself, in the strict sense. `accept-encoding` and
/// `transfer-encoding` are missing on purpose: our own client needs neither.
const PLAIN_HTTP: &[&str] = &[
    "accept",
    "authorization",
    "connection",
    "content-length",
    "content-type",
    "host",
    "user-agent",
];

/// What the document says about a request.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Checked {
    /// The `operationId` that path and method name, if they name one.
    pub operation: Option<String>,
    /// The path parameters, percent-decoded.
    pub parameters: BTreeMap<String, String>,
    /// The methods that the path has, where it has not the one asked for.
    pub allow: Vec<Method>,
    /// Everything that is not allowed; empty for a valid request.
    pub violations: Vec<Violation>,
}

impl Checked {
    fn add(&mut self, rule: Rule, place: impl Into<String>, seen: impl Into<String>) {
        self.violations.push(Violation::new(rule, place, seen));
    }
}

impl Spec {
    /// Checks a request against the document. `target` is the path with its query, raw.
    ///
    /// An unknown path or method is the only thing reported of its request, since nothing
    /// else can be said; otherwise every rule is tried. `OpenAPI` allows headers that are not
    /// declared; see [`undeclared_headers`](Self::undeclared_headers).
    pub fn check_request(
        &self,
        method: &Method,
        target: &str,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Checked {
        let mut checked = Checked::default();
        let (path, query) = target.split_once('?').unwrap_or((target, ""));

        let matches: Vec<_> = path
            .strip_prefix(&*self.prefix)
            .filter(|rest| rest.starts_with('/'))
            .into_iter()
            .flat_map(|rest| {
                self.operations
                    .iter()
                    .filter_map(move |one| Some((one, one.path.matches(rest)?)))
            })
            .collect();
        if matches.is_empty() {
            checked.add(Rule::UnknownPath, "path", path);
            return checked;
        }
        let Some((operation, raw)) = matches.iter().find(|(one, _)| one.method == *method) else {
            checked.allow = matches.iter().map(|(one, _)| one.method.clone()).collect();
            checked.add(Rule::Method, "method", method.as_str());
            return checked;
        };

        checked.operation = Some(operation.id.clone());
        if operation.bearer {
            checked.violations.extend(security(headers));
        }
        header(&mut checked, operation, headers);
        query_parameters(&mut checked, operation, query);
        path_parameters(&mut checked, operation, raw);
        content(&mut checked, operation, headers, body);
        checked
    }

    /// Returns a violation for each header that the operation does not declare and that is none
    /// of the few every HTTP request has: a stricter rule than `OpenAPI`'s, for a client that is
    /// to send nothing unintended. Empty for an operation that is not in the document.
    pub fn undeclared_headers(&self, operation: &str, headers: &HeaderMap) -> Vec<Violation> {
        let operation = self.operations.iter().find(|one| one.id == operation);
        let Some(operation) = operation else {
            return Vec::new();
        };
        let declared = |name: &str| {
            operation
                .at(Place::Header)
                .any(|one| one.name.eq_ignore_ascii_case(name))
        };
        undeclared(headers, declared)
    }
}

/// Returns a violation for each header that is neither declared nor part of plain HTTP.
pub(crate) fn undeclared(headers: &HeaderMap, declared: impl Fn(&str) -> bool) -> Vec<Violation> {
    headers
        .keys()
        .map(HeaderName::as_str)
        .filter(|name| !PLAIN_HTTP.contains(name) && !declared(name))
        .map(|name| Violation::new(Rule::Header, format!("header {name}"), "not declared"))
        .collect()
}

/// Exactly one `Authorization`, its scheme Bearer, its key one word.
pub(crate) fn security(headers: &HeaderMap) -> Option<Violation> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let seen = match (values.next(), values.next()) {
        (None, _) => "missing",
        (Some(_), Some(_)) => "sent more than once",
        (Some(value), None) => match bearer(value.as_bytes()) {
            Some(_) => return None,
            None => "not a bearer key",
        },
    };
    Some(Violation::new(Rule::Security, "header authorization", seen))
}

/// The names of the headers that hold a credential, each once.
pub(crate) fn credentials(headers: &HeaderMap) -> BTreeSet<&str> {
    headers
        .iter()
        .filter(|(name, value)| *name == AUTHORIZATION || value.is_sensitive())
        .map(|(name, _)| name.as_str())
        .collect()
}

/// The key of an `Authorization` value, if it is one well-formed bearer credential.
pub(crate) fn bearer(value: &[u8]) -> Option<&[u8]> {
    let (scheme, key) = value.split_at_checked("Bearer ".len())?;
    let well_formed = scheme.eq_ignore_ascii_case(b"Bearer ")
        && !key.is_empty()
        && key.iter().all(u8::is_ascii_graphic);
    well_formed.then_some(key)
}

fn header(checked: &mut Checked, operation: &Operation, headers: &HeaderMap) {
    for one in operation.at(Place::Header) {
        let values: Vec<_> = headers.get_all(&*one.name).iter().collect();
        let texts = values.iter().map(|value| value.to_str().ok());
        occurrences(checked, Rule::Header, "header", one, texts);
    }
}

/// The names and values of a query, decoded, in their order.
pub(crate) fn query_pairs(query: &str) -> Vec<(String, String)> {
    query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let text = |raw: &str| decode(&raw.replace('+', " ")).unwrap_or_default();
            (text(name), text(value))
        })
        .collect()
}

fn query_parameters(checked: &mut Checked, operation: &Operation, query: &str) {
    let declared: Vec<_> = operation.at(Place::Query).collect();
    let pairs = query_pairs(query);
    for (name, _) in &pairs {
        if !declared.iter().any(|one| one.name == *name) {
            // The value stays out: it may be a key.
            checked.add(Rule::Query, format!("query {name}"), "not declared");
        }
    }
    for one in declared {
        let values = pairs
            .iter()
            .filter(|(name, _)| *name == one.name)
            .map(|(_, value)| Some(value.as_str()));
        occurrences(checked, Rule::Query, "query", one, values);
    }
}

/// A declared header or query parameter: at most once, there if required, of its schema.
fn occurrences<'v>(
    checked: &mut Checked,
    rule: Rule,
    kind: &str,
    parameter: &Parameter,
    mut values: impl Iterator<Item = Option<&'v str>>,
) {
    let place = format!("{kind} {}", parameter.name);
    match (values.next(), values.next()) {
        (None, _) if parameter.required => checked.add(rule, place, "missing"),
        (None, _) => {}
        (Some(_), Some(_)) => checked.add(rule, place, "sent more than once"),
        (Some(value), None) => {
            let valid = value.is_some_and(|text| fits(&parameter.schema, text));
            if !valid {
                checked.add(rule, place, "not of its schema");
            }
        }
    }
}

fn path_parameters(checked: &mut Checked, operation: &Operation, raw: &[(&str, &str)]) {
    for &(name, raw) in raw {
        let text = decode(raw);
        let valid = operation
            .at(Place::Path)
            .filter(|one| one.name == name)
            .all(|one| text.as_deref().is_some_and(|text| fits(&one.schema, text)));
        if !valid {
            checked.add(Rule::PathParameter, format!("path parameter {name}"), raw);
        }
        if let Some(text) = text {
            checked.parameters.insert(name.to_owned(), text);
        }
    }
}

/// A parameter is text on the wire; a schema of another type means the JSON that it spells.
fn fits(schema: &Validator, text: &str) -> bool {
    schema.is_valid(&Value::from(text))
        || serde_json::from_str(text).is_ok_and(|value| schema.is_valid(&value))
}

fn content(checked: &mut Checked, operation: &Operation, headers: &HeaderMap, body: &[u8]) {
    let Some(declared) = &operation.body else {
        if !body.is_empty() {
            checked.add(Rule::ContentType, "body", "sent where none is declared");
        }
        return;
    };
    if body.is_empty() && !declared.required {
        return;
    }

    let mut types = headers.get_all(CONTENT_TYPE).iter();
    let media = match (types.next(), types.next()) {
        (None, _) => Err("missing"),
        (Some(_), Some(_)) => Err("sent more than once"),
        (Some(value), None) => Ok(essence(value.as_bytes())),
    };
    let schema = match &media {
        Ok(media) => declared.content.get(media).ok_or(media.as_str()),
        Err(fault) => Err(*fault),
    };
    let schema = match schema {
        Ok(schema) => schema,
        Err(seen) => return checked.add(Rule::ContentType, "header content-type", seen),
    };

    let value: Value = match serde_json::from_slice(body) {
        Ok(value) => value,
        Err(error) => return checked.add(Rule::BodySyntax, "body", error.to_string()),
    };
    for error in schema.iter_errors(&value) {
        let mut place = format!("body {}", error.instance_path());
        if let ValidationErrorKind::Required { property } = error.kind() {
            let name = property.as_str().unwrap_or_default();
            place = format!("{}/{name}", place.trim_end_matches('/'));
        }
        checked.add(Rule::BodySchema, place, error.masked().to_string());
    }
}

/// `application/json` of `Application/JSON; charset=utf-8`.
pub(super) fn essence(value: &[u8]) -> String {
    let text = String::from_utf8_lossy(value);
    let media = text.split(';').next().unwrap_or_default();
    media.trim().to_ascii_lowercase()
}

impl Operation {
    fn at(&self, place: Place) -> impl Iterator<Item = &Parameter> {
        self.parameters.iter().filter(move |one| one.place == place)
    }
}
