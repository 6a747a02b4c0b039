//! The API origin: holds each request to the document, then carries it out.

use std::sync::Arc;

use http::header::ALLOW;
use http::{HeaderMap, HeaderName, Method, Request, StatusCode};
use serde_json::Value;

use crate::call::{Call, target};
use crate::errors::{self, COMET, INDEX_PAGE};
use crate::fault::{Fault, canned, corrupt};
use crate::input;
use crate::listen::{Handler, Read};
use crate::plan::Scheduled;
use crate::request_log::{Received, hide_credentials};
use crate::response::{Delivery, Response};
use crate::spec::{Checked, Rule, Violation, bearer};
use crate::state::State;
use crate::wire::{self, Form, View};

pub(crate) const CREATE: &str = "create_prediction";
pub(crate) const POLL: &str = "get_prediction";

const REQUEST_ID: HeaderName = HeaderName::from_static("x-cometapi-request-id");

#[derive(Debug)]
pub(crate) struct Api(pub(crate) Arc<State>);

impl Handler for Api {
    async fn answer(&self, request: Request<Read>) -> Response {
        let (mut parts, read) = request.into_parts();
        hide_credentials(&mut parts.headers);
        let body = match &read {
            Read::Whole(body) | Read::Broken(body) => body.clone(),
            Read::TooLarge => bytes::Bytes::new(),
        };
        let target = target(&parts);
        let state = &*self.0;
        let checked = match read {
            // What has not come whole cannot be held to anything.
            Read::TooLarge | Read::Broken(_) => Checked::default(),
            Read::Whole(_) => {
                state
                    .spec
                    .check_request(&parts.method, &target, &parts.headers, &body)
            }
        };

        let since_start = state.clock.elapsed();
        let mut call = Call {
            method: parts.method.clone(),
            path: parts.uri.path().to_owned(),
            model: model(&checked),
            id: checked.parameters.get("prediction_id").cloned(),
            request_id: state.request_id(),
            now: state.clock.calendar(since_start),
        };
        let ticket = state.requests.push(Received {
            at: call.now,
            since_start,
            method: parts.method,
            target,
            headers: parts.headers.clone(),
            body: body.clone(),
            operation: checked.operation.clone(),
            model: call.model.clone(),
            id: call.id.clone(),
            status: None,
            violations: checked.violations.clone(),
        });

        let answer = match read {
            Read::TooLarge => errors::body_too_large(&call),
            // Nobody is there to read an answer.
            Read::Broken(_) => Response::none(Delivery::Dropped { reset: false }),
            Read::Whole(_) => refusal(&checked, &call, state.settings.lenient)
                .or_else(|| self.wrong_key(&parts.headers, &call))
                .unwrap_or_else(|| self.carry_out(&checked, &body, &mut call)),
        };
        let answer = answer.with(REQUEST_ID, &call.request_id);
        state.requests.update(ticket, |received| {
            received.status = answer.visible_status();
            received.id = call.id;
        });
        answer
    }

    fn garbled(&self, reason: String) {
        let violation = Violation::new(Rule::Protocol, "connection", reason);
        self.0.note_protocol(violation);
    }
}

fn model(checked: &Checked) -> Option<String> {
    let part = |name: &str| checked.parameters.get(name);
    Some(format!("{}/{}", part("model_owner")?, part("model_name")?))
}

impl Api {
    fn wrong_key(&self, headers: &HeaderMap, call: &Call) -> Option<Response> {
        let wanted = self.0.settings.key.as_deref()?;
        let given = headers.get(http::header::AUTHORIZATION);
        let given = given.and_then(|value| bearer(value.as_bytes()));
        (given != Some(wanted.as_bytes())).then(|| errors::invalid_token(call))
    }

    fn carry_out(&self, checked: &Checked, body: &[u8], call: &mut Call) -> Response {
        match checked.operation.as_deref() {
            Some(CREATE) => self.create(body, call),
            Some(POLL) => self.poll(call),
            // Only a document other than the shipped one can name another operation.
            _ => errors::object(
                501,
                COMET,
                None,
                "the mock does not know this operation",
                call,
            ),
        }
    }

    fn create(&self, body: &[u8], call: &mut Call) -> Response {
        let state = &*self.0;
        let scheduled = state.on_create.take(call.model.as_deref(), None);
        if let Some(answer) = instead(scheduled.as_ref(), call) {
            return answer;
        }
        match self.accept(body, call) {
            Err(refusal) => *refusal,
            Ok(view) => {
                call.id.clone_from(&view.id);
                let fault = scheduled.map(|scheduled| scheduled.what);
                let good = wire::response(
                    state.settings.create_status,
                    Form::Bare,
                    view,
                    fault.as_ref(),
                );
                applied(fault.as_ref(), good, call)
            }
        }
    }

    fn accept(&self, body: &[u8], call: &Call) -> Result<View, Box<Response>> {
        let state = &*self.0;
        let model = call.model_name();
        if let Some(offered) = &state.settings.models
            && !offered.contains(model)
        {
            return Err(Box::new(errors::model_not_found(call)));
        }
        // Held to the schema before; in lenient mode, too.
        let mut body: Value = serde_json::from_slice(body).unwrap_or_default();
        let input = body["input"].take();
        let faults = state.spec.check_input(model, &input);
        if !faults.is_empty() {
            return Err(Box::new(errors::input_problem(&faults)));
        }
        let image = input::read(state.spec.model(model), &input);
        Ok(state.create(model, input::sorted(input), image))
    }

    fn poll(&self, call: &Call) -> Response {
        let state = &*self.0;
        let id = call.id.as_deref().unwrap_or_default();
        let model = state.model_of(id);
        let scheduled = state.on_poll.take(model.as_deref(), Some(id));
        if let Some(answer) = instead(scheduled.as_ref(), call) {
            return answer;
        }
        let Some((view, scripted)) = state.poll(id) else {
            return errors::task(400, "task_not_exist", "task_not_exist");
        };
        let fault = scheduled.map(|scheduled| scheduled.what).or(scripted);
        let good = wire::response(StatusCode::OK, state.settings.form, view, fault.as_ref());
        applied(fault.as_ref(), good, call)
    }
}

/// The answer of a fault that stands in for carrying the request out.
fn instead(scheduled: Option<&Scheduled<Fault>>, call: &Call) -> Option<Response> {
    let scheduled = scheduled.filter(|scheduled| !scheduled.after_accept)?;
    canned::response(&scheduled.what, call)
}

/// A fault on top of a request that has been carried out.
fn applied(fault: Option<&Fault>, good: Response, call: &Call) -> Response {
    match fault {
        None => good,
        Some(fault) => {
            canned::response(fault, call).unwrap_or_else(|| corrupt::response(fault, good))
        }
    }
}

/// How the service says no to what its document does not allow. The order is that of its
/// layers: router, key, request.
fn refusal(checked: &Checked, call: &Call, lenient: bool) -> Option<Response> {
    let of = |rule: Rule| {
        checked
            .violations
            .iter()
            .find(|violation| violation.rule == rule)
    };
    if of(Rule::UnknownPath).is_some() {
        return Some(unknown_path(call));
    }
    if of(Rule::Method).is_some() {
        let allow: Vec<_> = checked.allow.iter().map(Method::as_str).collect();
        let answer = errors::object(405, COMET, None, "method not allowed", call);
        return Some(answer.with(ALLOW, &allow.join(", ")));
    }
    if of(Rule::Security).is_some() {
        return Some(errors::invalid_token(call));
    }
    if let Some(violation) = of(Rule::ContentType) {
        let message = format!("unsupported media type, {violation}");
        return Some(errors::object(
            415,
            COMET,
            Some("invalid_request"),
            &message,
            call,
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
        return Some(match call.id {
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

/// The gateway's router: a JSON 404 under the paths of its own API, else the front page with
/// status 200 (observed in source).
fn unknown_path(call: &Call) -> Response {
    let own = ["/v1", "/api", "/assets"]
        .iter()
        .any(|prefix| call.path.starts_with(prefix));
    if own {
        errors::invalid_url(call)
    } else {
        Response::html(StatusCode::OK, INDEX_PAGE)
    }
}
