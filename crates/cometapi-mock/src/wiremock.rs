//! The document as a matcher and a responder for people who already use `wiremock`.
//!
//! A [`Contract`] matches operations and makes responses, and checks both against the document:
//! a response that the service could not send is refused when it is made, and a request that
//! the service would not understand gets a 400 and is recorded.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use cometapi_mock::wiremock::Contract;
//! use wiremock::{Mock, MockServer};
//!
//! let contract = Contract::shipped()?;
//! let server = MockServer::start().await;
//! Mock::given(contract.operation("get_prediction"))
//!     .respond_with(contract.example("get_prediction", 200, "bare_list")?)
//!     .mount(&server)
//!     .await;
//!
//! let url = format!("{}{}/predictions/abc", server.uri(), contract.prefix());
//! let response = reqwest::Client::new().get(url).bearer_auth("sk-any").send().await?;
//! assert_eq!(response.status(), 200);
//! contract.assert_no_violations();
//! # Ok(())
//! # }
//! ```
//!
//! What has a state (a create, then its polls) is easier with [`MockServer`](crate::MockServer).

use std::fmt::Write as _;
use std::sync::{Arc, Mutex, PoisonError};

use ::wiremock::{Match, Request, Respond, ResponseTemplate};
use http::StatusCode;
use serde_json::{Value, json};

use crate::spec::{Checked, SHIPPED, Spec, SpecError, Violation};

/// A document, and what was sent against it.
#[derive(Clone, Debug)]
pub struct Contract {
    spec: Arc<Spec>,
    document: Arc<Value>,
    seen: Arc<Mutex<Vec<Violation>>>,
}

impl Contract {
    /// The document that this crate ships.
    pub fn shipped() -> Result<Self, SpecError> {
        Self::parse(SHIPPED)
    }

    /// A document of your own.
    pub fn parse(yaml: &str) -> Result<Self, SpecError> {
        let spec = Arc::new(Spec::parse(yaml)?);
        let document = serde_saphyr::from_str(yaml)
            .map_err(|error| SpecError::new("yaml", error.to_string()))?;
        Ok(Self {
            spec,
            document: Arc::new(document),
            seen: Arc::default(),
        })
    }

    /// The path under which the operations live: append it to the server's address.
    pub fn prefix(&self) -> &str {
        self.spec.prefix()
    }

    /// Matches the requests that name this operation, valid or not: an invalid one that
    /// matched nothing would only look like a missing mock.
    pub fn operation(&self, id: &str) -> OperationMatcher {
        OperationMatcher {
            spec: Arc::clone(&self.spec),
            id: id.to_owned(),
        }
    }

    /// Responds with an example of the document, by its name there. An error's status may be
    /// any of its range.
    ///
    /// # Errors
    ///
    /// When the document has no such example.
    pub fn example(
        &self,
        operation: &str,
        status: u16,
        name: &str,
    ) -> Result<ContractResponder, SpecError> {
        let place = format!("{operation} {status} {name}");
        let missing = || SpecError::new(&place, "the document has no such example");
        let answers = self.answers(operation).ok_or_else(missing)?;
        let range = format!("{}XX", status / 100);
        let answer = answers
            .get(status.to_string())
            .or_else(|| answers.get(range))
            .ok_or_else(missing)?;
        let content = self.resolve(answer)["content"]
            .as_object()
            .ok_or_else(missing)?;
        let (media, example) = content
            .iter()
            .find_map(|(media, content)| Some((media, content["examples"].get(name)?)))
            .ok_or_else(missing)?;
        let body = match &example["value"] {
            Value::String(page) => page.clone(),
            json => json.to_string(),
        };
        self.responder(&place, operation, status, media, body)
    }

    /// Responds with JSON of your own, which the document must allow.
    ///
    /// # Errors
    ///
    /// When it does not: the service could not respond like that.
    pub fn json(
        &self,
        operation: &str,
        status: u16,
        body: &Value,
    ) -> Result<ContractResponder, SpecError> {
        let place = format!("{operation} {status}");
        self.responder(
            &place,
            operation,
            status,
            "application/json",
            body.to_string(),
        )
    }

    /// Everything about the requests so far that was not allowed.
    pub fn violations(&self) -> Vec<Violation> {
        self.seen
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Panics with a list of the violations, if there are any: the last line of a test.
    ///
    /// # Panics
    ///
    /// When a request was not allowed.
    #[track_caller]
    pub fn assert_no_violations(&self) {
        let mut list = String::new();
        for violation in self.violations() {
            // Writing to a string cannot fail.
            let _ = writeln!(list, "  {violation}");
        }
        assert!(list.is_empty(), "requests that are not allowed:\n{list}");
    }

    fn responder(
        &self,
        place: &str,
        operation: &str,
        status: u16,
        media: &str,
        body: String,
    ) -> Result<ContractResponder, SpecError> {
        let status = StatusCode::from_u16(status)
            .map_err(|error| SpecError::new(place, error.to_string()))?;
        let faults = self
            .spec
            .check_response(operation, status, Some(media), body.as_bytes());
        if let Some(fault) = faults.first() {
            return Err(SpecError::new(
                place,
                format!("not a response of this operation: {fault}"),
            ));
        }
        let valid = ResponseTemplate::new(status.as_u16())
            .insert_header("x-cometapi-request-id", "20260320161530412000123AbCdEfGh")
            .set_body_raw(body, media);
        Ok(ContractResponder {
            spec: Arc::clone(&self.spec),
            seen: Arc::clone(&self.seen),
            valid,
        })
    }

    fn answers(&self, operation: &str) -> Option<&Value> {
        self.document["paths"]
            .as_object()?
            .values()
            .filter_map(Value::as_object)
            .flat_map(serde_json::Map::values)
            .find(|one| one["operationId"] == operation)?
            .get("responses")
    }

    fn resolve<'d>(&'d self, answer: &'d Value) -> &'d Value {
        answer["$ref"]
            .as_str()
            .and_then(|target| self.document.pointer(target.strip_prefix('#')?))
            .unwrap_or(answer)
    }
}

/// Matches the requests of one operation. Made by [`Contract::operation`].
#[derive(Debug)]
pub struct OperationMatcher {
    spec: Arc<Spec>,
    id: String,
}

impl Match for OperationMatcher {
    fn matches(&self, request: &Request) -> bool {
        checked(&self.spec, request).operation.as_deref() == Some(&*self.id)
    }
}

/// Responds to valid requests, and records what is wrong with the others. Made by [`Contract::example`]
/// and [`Contract::json`].
#[derive(Debug)]
pub struct ContractResponder {
    spec: Arc<Spec>,
    seen: Arc<Mutex<Vec<Violation>>>,
    valid: ResponseTemplate,
}

impl Respond for ContractResponder {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let violations = checked(&self.spec, request).violations;
        let Some(first) = violations.first() else {
            return self.valid.clone();
        };
        let message = first.to_string();
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.extend(violations);
        let error = json!({"code": "invalid_request", "message": message, "data": null});
        ResponseTemplate::new(400).set_body_json(error)
    }
}

/// Path and query as `wiremock` has them: dot segments resolved by its URL parser.
fn checked(spec: &Spec, request: &Request) -> Checked {
    let target = match request.url.query() {
        Some(query) => format!("{}?{query}", request.url.path()),
        None => request.url.path().to_owned(),
    };
    spec.check_request(&request.method, &target, &request.headers, &request.body)
}
