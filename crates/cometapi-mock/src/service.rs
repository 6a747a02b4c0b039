//! The API origin: checks each request against the document, then carries it out.

use std::sync::Arc;

use http::header::ALLOW;
use http::{HeaderName, Method, Request, StatusCode};
use serde_json::Value;

use crate::account::endpoint::{Access, AccountEndpoint};
use crate::account::{answer, check, credential};
use crate::builder::Settings;
use crate::endpoints;
use crate::errors::{self, COMET, INDEX_PAGE};
use crate::fault::{Fault, canned, corrupt};
use crate::input;
use crate::listen::{Handler, Read};
use crate::plan::Scheduled;
use crate::request_log::Received;
use crate::response::{Delivery, Response};
use crate::spec::{Checked, Rule, Violation};
use crate::state::{OutOfQuota, State};
use crate::wire::{self, Form, View};

pub(crate) const CREATE: &str = "create_prediction";
pub(crate) const POLL: &str = "get_prediction";

const REQUEST_ID: HeaderName = HeaderName::from_static("x-cometapi-request-id");

#[derive(Debug)]
pub(crate) struct Api(pub(crate) Arc<State>);

impl Handler for Api {
    async fn respond(&self, request: Request<Read>) -> Response {
        let (parts, read) = request.into_parts();
        let state = &*self.0;
        let mut request = state.receive(parts, &read);
        let mut checked = match read {
            // A body that is not complete cannot be checked.
            Read::TooLarge | Read::Broken(_) => Checked::default(),
            Read::Whole(_) => {
                let spec = &state.spec;
                spec.check_request(
                    &request.method,
                    &request.target,
                    &request.headers,
                    &request.body,
                )
            }
        };
        let account = checked
            .of(Rule::UnknownPath)
            .and_then(|_| AccountEndpoint::at(request.path()));
        if let Some((endpoint, _)) = account {
            checked = check::request(&state.settings, endpoint, &request);
        } else if checked.operation.is_some() {
            let leaks = credential::leaks(&state.settings, Access::Key, &request.headers);
            checked.violations.extend(leaks);
        }
        if state.settings.strict_headers
            && let Some(operation) = &checked.operation
        {
            let undeclared = state.spec.undeclared_headers(operation, &request.headers);
            checked.violations.extend(undeclared);
        }
        request.model = model(&checked);
        request.id = checked.parameters.get("prediction_id").cloned();
        request.operation.clone_from(&checked.operation);
        request.violations.clone_from(&checked.violations);
        let ticket = state.requests.push(request.clone());

        let response = match read {
            Read::TooLarge => errors::body_too_large(&request),
            // The client is gone.
            Read::Broken(_) => Response::none(Delivery::Dropped { reset: false }),
            Read::Whole(_) if is_front_page(&request) => endpoints::list(state, &request),
            Read::Whole(_) => match &account {
                Some((endpoint, code)) => {
                    answer::respond(state, *endpoint, code.as_deref(), &mut request, &checked)
                }
                None => refused_by_router(&checked, &request)
                    .or_else(|| self.wrong_key(&request))
                    .or_else(|| refusal(&checked, &request, state.settings.lenient))
                    .unwrap_or_else(|| self.carry_out(&mut request)),
            },
        };
        let response = response.with(REQUEST_ID, &request.request_id);
        state.requests.update(ticket, |received| {
            received.status = response.visible_status();
            received.id = request.id;
            received.model = request.model;
        });
        response
    }

    fn invalid_http(&self, reason: String) {
        let violation = Violation::new(Rule::Protocol, "connection", reason);
        self.0.note_protocol(violation);
    }

    fn settings(&self) -> &Settings {
        &self.0.settings
    }
}

fn model(checked: &Checked) -> Option<String> {
    let part = |name: &str| checked.parameters.get(name);
    Some(format!("{}/{}", part("model_owner")?, part("model_name")?))
}

impl Api {
    fn wrong_key(&self, request: &Received) -> Option<Response> {
        let Settings {
            key, access_token, ..
        } = &self.0.settings;
        // A document may have operations that take no key.
        let is_checked = key.is_some() || access_token.is_some();
        let is_accepted = credential::is_accepted(&self.0.settings, Access::Key, &request.headers);
        (is_checked && !is_accepted).then(|| errors::invalid_token(request))
    }

    fn carry_out(&self, request: &mut Received) -> Response {
        match request.operation.as_deref() {
            Some(CREATE) => self.create(request),
            Some(POLL) => self.poll(request),
            // Only a document other than the shipped one can name another operation.
            _ => errors::object(
                501,
                COMET,
                None,
                "the mock does not know this operation",
                request,
            ),
        }
    }

    fn create(&self, request: &mut Received) -> Response {
        let state = &*self.0;
        let scheduled = state.on_create.take(request.model.as_deref(), None);
        if let Some(answer) = instead(scheduled.as_ref(), request) {
            return answer;
        }
        match self.accept(request) {
            Err(refusal) => *refusal,
            Ok(view) => {
                request.id.clone_from(&view.id);
                let fault = scheduled.map(|scheduled| scheduled.what);
                let good = wire::response(
                    state.settings.create_status,
                    Form::Bare,
                    view,
                    fault.as_ref(),
                );
                applied(fault.as_ref(), good, request)
            }
        }
    }

    fn accept(&self, request: &Received) -> Result<View, Box<Response>> {
        let state = &*self.0;
        let model = request.model_name();
        if let Some(offered) = &state.settings.models
            && !offered.contains(model)
        {
            return Err(Box::new(errors::model_not_found(request)));
        }
        // Held to the schema before; in lenient mode, too.
        let mut body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
        let input = body["input"].take();
        let faults = state.spec.check_input(model, &input);
        if !faults.is_empty() {
            return Err(Box::new(errors::input_problem(&faults)));
        }
        let image = input::read(state.spec.model(model), &input);
        state
            .create(model, input::sorted(input), image)
            .map_err(|OutOfQuota| {
                let refusal = canned::response(&Fault::InsufficientUserQuota, request);
                Box::new(refusal.unwrap_or_else(|| Response::empty(StatusCode::FORBIDDEN)))
            })
    }

    fn poll(&self, request: &Received) -> Response {
        let state = &*self.0;
        let id = request.id.as_deref().unwrap_or_default();
        let model = state.model_of(id);
        let scheduled = state.on_poll.take(model.as_deref(), Some(id));
        if let Some(answer) = instead(scheduled.as_ref(), request) {
            return answer;
        }
        let Some((view, scripted)) = state.poll(id) else {
            return errors::task(400, "task_not_exist", "task_not_exist");
        };
        let fault = scheduled.map(|scheduled| scheduled.what).or(scripted);
        let good = wire::response(StatusCode::OK, state.settings.form, view, fault.as_ref());
        applied(fault.as_ref(), good, request)
    }
}

/// The response of a fault that replaces carrying the request out.
fn instead(scheduled: Option<&Scheduled<Fault>>, request: &Received) -> Option<Response> {
    let scheduled = scheduled.filter(|scheduled| !scheduled.after_accept)?;
    canned::response(&scheduled.what, request)
}

/// A fault on top of a request that has been carried out.
fn applied(fault: Option<&Fault>, good: Response, request: &Received) -> Response {
    match fault {
        None => good,
        Some(fault) => {
            canned::response(fault, request).unwrap_or_else(|| corrupt::response(fault, good))
        }
    }
}

impl Checked {
    pub(crate) fn of(&self, rule: Rule) -> Option<&Violation> {
        self.violations
            .iter()
            .find(|violation| violation.rule == rule)
    }
}

/// How the service refuses what its document does not allow, in the order of its layers: first the
/// router and the middleware that reads the key.
fn refused_by_router(checked: &Checked, request: &Received) -> Option<Response> {
    let of = |rule: Rule| checked.of(rule);
    if of(Rule::UnknownPath).is_some() {
        return Some(unknown_path(request));
    }
    if of(Rule::Method).is_some() {
        let allow: Vec<_> = checked.allow.iter().map(Method::as_str).collect();
        let response = errors::object(405, COMET, None, "method not allowed", request);
        return Some(response.with(ALLOW, &allow.join(", ")));
    }
    of(Rule::Security).map(|_| errors::invalid_token(request))
}

/// Then the operation, which reads the rest of the request.
fn refusal(checked: &Checked, request: &Received, lenient: bool) -> Option<Response> {
    let of = |rule: Rule| checked.of(rule);
    if let Some(violation) = of(Rule::ContentType) {
        let message = format!("unsupported media type, {violation}");
        return Some(errors::object(
            415,
            COMET,
            Some("invalid_request"),
            &message,
            request,
        ));
    }
    let refused = |message: &str| errors::task(400, "invalid_request", message);
    if let Some(violation) = of(Rule::BodySyntax) {
        return Some(refused(&violation.seen));
    }
    if let Some(violation) = of(Rule::BodySchema) {
        return Some(refused(&violation.to_string()));
    }
    if let Some(violation) = of(Rule::PathParameter) {
        return Some(match request.id {
            // An id is looked up, and not found.
            Some(_) => errors::task(400, "task_not_exist", "task_not_exist"),
            None => refused(&violation.to_string()),
        });
    }
    let undeclared = of(Rule::Header).or_else(|| of(Rule::Query));
    undeclared
        .filter(|_| !lenient)
        .map(|violation| refused(&violation.to_string()))
}

/// The service has a page for people there; so has the mock, and it is no error to look at it.
/// The request remains a violation: a client of the API has lost the path of its base URL.
fn is_front_page(request: &Received) -> bool {
    request.path() == "/" && [Method::GET, Method::HEAD].contains(&request.method)
}

/// The gateway's router: a JSON 404 under the paths of its own API, else the front page with
/// status 200 (observed in source).
fn unknown_path(request: &Received) -> Response {
    let own = ["/v1", "/api", "/assets"]
        .iter()
        .any(|prefix| request.path().starts_with(prefix));
    if own {
        errors::invalid_url(request)
    } else {
        Response::html(StatusCode::OK, INDEX_PAGE)
    }
}
