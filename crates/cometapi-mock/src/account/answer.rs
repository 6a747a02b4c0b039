//! The responses of the account's endpoints.

use http::StatusCode;
use http::header::ALLOW;
use serde_json::{Value, json};

use super::endpoint::{Access, AccountEndpoint};
use super::price::Price;
use super::task::TaskQuery;
use super::{amount, credential, models};
use crate::errors::{self, COMET};
use crate::fault::{canned, corrupt};
use crate::request_log::Received;
use crate::response::Response;
use crate::spec::{self, Checked, Rule};
use crate::state::State;

/// Responds to a request that has been checked and is in the log.
pub(crate) fn respond(
    state: &State,
    endpoint: AccountEndpoint,
    code: Option<&str>,
    request: &mut Received,
    checked: &Checked,
) -> Response {
    if let Some(refusal) = refusal(state, endpoint, request, checked) {
        return refusal;
    }
    let query = TaskQuery::of(&spec::query_pairs(request.query()));
    let model = code.and_then(|code| state.listed_by_code(code));
    request.model = model.as_ref().map(|(model, _)| model.clone());
    request.id.clone_from(&query.task_id);
    let scheduled =
        state.on_account[endpoint as usize].take(request.model.as_deref(), request.id.as_deref());
    let fault = scheduled.map(|scheduled| scheduled.what);
    if let Some(response) = fault.as_ref().and_then(|it| canned::response(it, request)) {
        return response;
    }
    let good = match endpoint {
        AccountEndpoint::Models => list(state),
        AccountEndpoint::Model => one(state, model.as_ref()),
        AccountEndpoint::Subscription => subscription(state),
        AccountEndpoint::Usage => usage(state),
        AccountEndpoint::User => user(state),
        AccountEndpoint::Tasks => tasks(state, &query),
    };
    match &fault {
        Some(fault) => corrupt::response(fault, good),
        None => good,
    }
}

/// What the service refuses, in the order of its layers.
fn refusal(
    state: &State,
    endpoint: AccountEndpoint,
    request: &Received,
    checked: &Checked,
) -> Option<Response> {
    if checked.of(Rule::Method).is_some() {
        let response = errors::object(405, COMET, None, "method not allowed", request);
        return Some(response.with(ALLOW, AccountEndpoint::METHOD.as_str()));
    }
    let access = endpoint.access();
    let is_refused = access != Access::Public && checked.of(Rule::Security).is_some()
        || !credential::is_accepted(&state.settings, access, &request.headers);
    if is_refused {
        return Some(match access {
            Access::Public | Access::Key => errors::invalid_token(request),
            Access::Token => failure(
                StatusCode::UNAUTHORIZED,
                "not authorized: the access token is invalid",
            ),
        });
    }
    let undeclared = [Rule::ContentType, Rule::Query, Rule::Header]
        .into_iter()
        .find_map(|rule| checked.of(rule));
    undeclared
        .filter(|_| !state.settings.lenient)
        .map(|violation| failure(StatusCode::BAD_REQUEST, &violation.to_string()))
}

/// `success: false` comes with a message (observed in the vendor's client; the status inferred).
fn failure(status: StatusCode, message: &str) -> Response {
    Response::json(status, &json!({"success": false, "message": message}))
}

fn success(data: &Value) -> Response {
    let body = json!({"success": true, "message": "", "data": data});
    Response::json(StatusCode::OK, &body)
}

fn list(state: &State) -> Response {
    if let Some(body) = &state.settings.account.models_body {
        return Response::new(
            StatusCode::OK,
            "application/json; charset=utf-8",
            body.clone(),
        );
    }
    let prices = state.listed_prices();
    success(
        &prices
            .iter()
            .map(|(id, price)| models::row(&state.spec, id, *price))
            .collect(),
    )
}

fn one(state: &State, model: Option<&(String, Price)>) -> Response {
    match model {
        Some((id, price)) => success(&models::row(&state.spec, id, *price)),
        // The family says so with status 200 (observed in source).
        None => failure(StatusCode::OK, "model not found"),
    }
}

fn subscription(state: &State) -> Response {
    let limit = amount::dollars(state.settings.account.balance);
    let body = json!({
        "object": "billing_subscription",
        "has_payment_method": true,
        "soft_limit_usd": limit,
        "hard_limit_usd": limit,
        "system_hard_limit_usd": limit,
        "access_until": 0,
    });
    Response::json(StatusCode::OK, &body)
}

fn usage(state: &State) -> Response {
    let used = amount::cents(state.charged().sum);
    Response::json(
        StatusCode::OK,
        &json!({"object": "list", "total_usage": used}),
    )
}

fn user(state: &State) -> Response {
    let charged = state.charged();
    let quota = i128::from(state.settings.account.balance) - i128::from(charged.sum);
    success(&json!({
        "id": 1,
        "username": "mock",
        "quota": i64::try_from(quota).unwrap_or(i64::MIN),
        "used_quota": charged.sum,
        "request_count": charged.predictions,
    }))
}

fn tasks(state: &State, query: &TaskQuery) -> Response {
    let (rows, total) = state.tasks(query);
    success(&query.data(state.settings.account.task_form, rows, total))
}
