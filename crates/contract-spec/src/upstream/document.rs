//! How two documents differ outside their schemas: servers, operations, parameters, headers.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::difference::{Difference, Place};
use super::schema::{Schemas, union};
use crate::oracle::{Oracle, members};

/// What an item of `paths` has beside its operations.
const NOT_OPERATIONS: [&str; 5] = ["parameters", "summary", "description", "servers", "$ref"];

/// An operation with what it inherits from its path.
struct Operation<'d> {
    /// The address without the part that [`plain_path`] keeps.
    base: String,
    value: &'d Value,
    parameters: Vec<&'d Value>,
}

/// Everything in which two documents differ.
pub(super) fn differences(ours: &Oracle, theirs: &Oracle) -> Vec<Difference> {
    let mut found = Vec::new();
    let mut compared = Compared {
        ours,
        theirs,
        found: &mut found,
    };
    let (our, their) = (operations(ours), operations(theirs));
    for (name, our, their) in union(&our, &their) {
        let place = Place::new(name);
        match (our, their) {
            (Some(our), Some(their)) => compared.operation(&place, our, their),
            (our, _) => compared.presence(&place, "operation", our.is_some()),
        }
    }
    // A document without models says nothing about them.
    let their = models(theirs);
    let our = if their.is_empty() {
        BTreeMap::new()
    } else {
        models(ours)
    };
    for (name, our, their) in union(&our, &their) {
        let place = Place::new(format!("model {name}"));
        match (our, their) {
            (Some(our), Some(their)) => compared.schema(&place, our, their),
            (our, _) => compared.presence(&place, "input", our.is_some()),
        }
    }
    found
}

fn server(oracle: &Oracle) -> &str {
    let first = oracle.root.pointer("/servers/0/url");
    let url = first.and_then(Value::as_str).unwrap_or_default();
    url.trim_end_matches('/')
}

/// The base URL of the document's operations, or of its first one if they differ.
pub(super) fn base_url(oracle: &Oracle) -> String {
    let first = members(oracle.root.get("paths")).next();
    first.map_or_else(String::new, |(path, _)| base(server(oracle), path))
}

/// The operations by method and address, in which parameters have no names.
fn operations(oracle: &Oracle) -> BTreeMap<String, Operation<'_>> {
    let server = server(oracle);
    let mut found = BTreeMap::new();
    for (path, item) in members(oracle.root.get("paths")) {
        let item = oracle.resolve(item);
        let plain = plain_path(path);
        for (method, value) in members(Some(item)) {
            if NOT_OPERATIONS.contains(&method.as_str()) || method.starts_with("x-") {
                continue;
            }
            let lists = [&item["parameters"], &value["parameters"]];
            let parameters = lists.into_iter().filter_map(Value::as_array).flatten();
            let operation = Operation {
                base: base(server, path),
                value,
                parameters: parameters.map(|one| oracle.resolve(one)).collect(),
            };
            found.insert(format!("{} {plain}", method.to_uppercase()), operation);
        }
    }
    found
}

/// The inputs of known models by model.
fn models(oracle: &Oracle) -> BTreeMap<&str, &Value> {
    members(oracle.root.pointer("/components/schemas"))
        .filter_map(|(_, schema)| Some((schema.get("x-model")?.as_str()?, schema)))
        .collect()
}

/// What follows the last `/v1`, with parameters in a row as one, so that `{models}` and
/// `{model_owner}/{model_name}` are the same.
fn plain_path(path: &str) -> String {
    let below = path.rsplit_once("/v1/").map_or(path, |(_, below)| below);
    let mut parts: Vec<&str> = Vec::new();
    for part in below.trim_matches('/').split('/') {
        let part = if part.starts_with('{') { "{}" } else { part };
        if part != "{}" || parts.last() != Some(&"{}") {
            parts.push(part);
        }
    }
    format!("/{}", parts.join("/"))
}

/// The server with the part of the path up to the last `/v1`.
fn base(server: &str, path: &str) -> String {
    match path.rsplit_once("/v1/") {
        Some((above, _)) => format!("{server}{above}/v1"),
        None => server.to_owned(),
    }
}

struct Compared<'d> {
    ours: &'d Oracle,
    theirs: &'d Oracle,
    found: &'d mut Vec<Difference>,
}

impl Compared<'_> {
    fn differ(
        &mut self,
        place: &Place,
        aspect: &str,
        ours: Option<String>,
        theirs: Option<String>,
    ) {
        if ours != theirs {
            self.found
                .push(Difference::new(place, aspect, ours, theirs));
        }
    }

    /// Notes something that only one of them has.
    fn presence(&mut self, place: &Place, what: &str, is_ours: bool) {
        let there = || Some("present".to_owned());
        let (ours, theirs) = if is_ours {
            (there(), None)
        } else {
            (None, there())
        };
        self.differ(place, what, ours, theirs);
    }

    fn schema(&mut self, place: &Place, ours: &Value, theirs: &Value) {
        let mut schemas = Schemas {
            ours: self.ours,
            theirs: self.theirs,
            open: Vec::new(),
            found: self.found,
        };
        schemas.compare(place.clone(), ours, theirs);
    }

    fn operation(&mut self, place: &Place, ours: &Operation<'_>, theirs: &Operation<'_>) {
        let base = |operation: &Operation<'_>| Some(operation.base.clone());
        self.differ(place, "base URL", base(ours), base(theirs));
        let id = |operation: &Operation<'_>| {
            let id = operation.value["operationId"].as_str();
            id.map(ToOwned::to_owned)
        };
        self.differ(place, "operationId", id(ours), id(theirs));
        let deprecated =
            |operation: &Operation<'_>| Some((operation.value["deprecated"] == true).to_string());
        self.differ(place, "deprecated", deprecated(ours), deprecated(theirs));
        let (our, their) = (
            security(self.ours, ours.value),
            security(self.theirs, theirs.value),
        );
        self.differ(place, "security", Some(our), Some(their));
        self.parameters(place, &ours.parameters, &theirs.parameters);
        let request = place.part("request");
        let (our, their) = (&ours.value["requestBody"], &theirs.value["requestBody"]);
        let (our, their) = (self.ours.resolve(our), self.theirs.resolve(their));
        let required = |body: &Value| Some((body["required"] == true).to_string());
        self.differ(&request, "required", required(our), required(their));
        self.content(&request, our, their);
        self.responses(place, &ours.value["responses"], &theirs.value["responses"]);
    }

    fn responses(&mut self, place: &Place, ours: &Value, theirs: &Value) {
        let all = |responses| members(Some(responses)).collect::<BTreeMap<_, _>>();
        let (our, their) = (all(ours), all(theirs));
        for (status, our, their) in union(&our, &their) {
            let place = place.part(status);
            match (our, their) {
                (Some(our), Some(their)) => {
                    let (our, their) = (self.ours.resolve(our), self.theirs.resolve(their));
                    self.headers(&place, &our["headers"], &their["headers"]);
                    self.content(&place, our, their);
                }
                (our, _) => self.presence(&place, "response", our.is_some()),
            }
        }
    }

    fn headers(&mut self, place: &Place, ours: &Value, theirs: &Value) {
        let all = |oracle: &'_ Oracle, headers: &Value| {
            members(Some(headers))
                .map(|(name, header)| (name.to_ascii_lowercase(), oracle.resolve(header).clone()))
                .collect::<BTreeMap<_, _>>()
        };
        let (our, their) = (all(self.ours, ours), all(self.theirs, theirs));
        for (name, our, their) in union(&our, &their) {
            let place = place.part(&format!("header {name}"));
            match (our, their) {
                (Some(our), Some(their)) => self.holder(&place, our, their),
                (our, _) => self.presence(&place, "header", our.is_some()),
            }
        }
    }

    /// Parameters of the path have the names that each document gives them, so they are compared
    /// in their order; the others by name.
    fn parameters(&mut self, place: &Place, ours: &[&Value], theirs: &[&Value]) {
        let in_path = |all: &[&Value]| {
            let all = all.iter().filter(|one| one["in"] == "path");
            all.map(|one| (*one).clone()).collect::<Vec<_>>()
        };
        let (our, their) = (in_path(ours), in_path(theirs));
        let place_in_path = place.part("path parameters");
        if our.len() == their.len() {
            for (index, (our, their)) in our.iter().zip(&their).enumerate() {
                self.holder(&place_in_path.below(&format!("[{index}]")), our, their);
            }
        } else {
            let count = |all: &[Value]| Some(all.len().to_string());
            self.differ(&place_in_path, "count", count(&our), count(&their));
        }
        let named = |all: &[&Value]| {
            let all = all.iter().filter(|one| one["in"] != "path");
            all.map(|one| {
                let text = |key: &str| one[key].as_str().unwrap_or_default();
                let mut name = text("name").to_owned();
                if text("in") == "header" {
                    name.make_ascii_lowercase();
                }
                (format!("{} parameter {name}", text("in")), (*one).clone())
            })
            .collect::<BTreeMap<_, _>>()
        };
        let (our, their) = (named(ours), named(theirs));
        for (name, our, their) in union(&our, &their) {
            let place = place.part(name);
            match (our, their) {
                (Some(our), Some(their)) => self.holder(&place, our, their),
                (our, _) => self.presence(&place, "parameter", our.is_some()),
            }
        }
    }

    /// Compares what holds a schema: a parameter, a header.
    fn holder(&mut self, place: &Place, ours: &Value, theirs: &Value) {
        for key in ["required", "deprecated", "allowReserved", "explode"] {
            let is = |holder: &Value| Some((holder[key] == true).to_string());
            self.differ(place, key, is(ours), is(theirs));
        }
        let style = |holder: &Value| holder["style"].as_str().map(ToOwned::to_owned);
        self.differ(place, "style", style(ours), style(theirs));
        self.schema(place, &ours["schema"], &theirs["schema"]);
    }

    fn content(&mut self, place: &Place, ours: &Value, theirs: &Value) {
        let all = |holder: &'_ Value| {
            members(holder.get("content"))
                .map(|(media, content)| (media.clone(), content.clone()))
                .collect::<BTreeMap<_, _>>()
        };
        let (our, their) = (all(ours), all(theirs));
        for (media, our, their) in union(&our, &their) {
            let place = place.part(media);
            match (our, their) {
                (Some(our), Some(their)) => self.schema(&place, &our["schema"], &their["schema"]),
                (our, _) => self.presence(&place, "content", our.is_some()),
            }
        }
    }
}

/// What an operation asks for, in words: `http bearer`, `nothing`.
fn security(oracle: &Oracle, operation: &Value) -> String {
    let asked = operation
        .get("security")
        .or_else(|| oracle.root.get("security"));
    let alternatives: BTreeSet<String> = asked
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .map(|alternative| {
            let schemes: Vec<_> = members(Some(alternative))
                .map(|(name, _)| scheme(oracle, name))
                .collect();
            schemes.join(" and ")
        })
        .collect();
    let alternatives: Vec<_> = alternatives
        .iter()
        .map(|one| if one.is_empty() { "nothing" } else { one })
        .collect();
    match alternatives[..] {
        [] => "nothing".to_owned(),
        _ => alternatives.join(", or "),
    }
}

fn scheme(oracle: &Oracle, name: &str) -> String {
    let pointer = format!("/components/securitySchemes/{name}");
    let Some(scheme) = oracle.root.pointer(&pointer) else {
        return format!("{name}, which is not defined");
    };
    let words = ["type", "scheme", "in", "name"].map(|key| scheme[key].as_str());
    let words: Vec<_> = words.into_iter().flatten().collect();
    words.join(" ")
}
