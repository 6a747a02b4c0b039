//! The service's error shapes.
//!
//! E1 is the gateway's error object (documented), E2 the flat error of its task routes
//! (observed in its software family's source), E3 the provider's problem (documented by
//! Replicate). Pages are HTML.

use std::fmt::Write as _;

use http::StatusCode;
use serde_json::json;

use crate::request_log::Received;
use crate::response::Response;
use crate::spec::InputFault;

/// `type` of the gateway's own errors (documented).
pub(crate) const COMET: &str = "comet_api_error";
/// `type` of errors that come from behind the gateway (observed).
pub(crate) const UPSTREAM: &str = "upstream_error";

/// What the gateway's web router sends for any path it does not know (observed).
pub(crate) const INDEX_PAGE: &str = "<!doctype html>\n<html lang=\"en\">\n<head><meta \
charset=\"utf-8\"><title>CometAPI (mock)</title></head>\n<body><div \
id=\"root\"></div></body>\n</html>\n";
pub(crate) const FIREWALL_PAGE: &str = "<!DOCTYPE html><html><head><title>Attention \
Required!</title></head><body><h1>Sorry, you have been blocked</h1></body></html>";
pub(crate) const BAD_GATEWAY_PAGE: &str = "<html>\r\n<head><title>502 Bad \
Gateway</title></head>\r\n<body>\r\n<center><h1>502 Bad \
Gateway</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n";
pub(crate) const GATEWAY_TIMEOUT_PAGE: &str = "<html>\r\n<head><title>504 Gateway \
Time-out</title></head>\r\n<body>\r\n<center><h1>504 Gateway \
Time-out</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n";
pub(crate) const TIMEOUT_524_PAGE: &str = "<!DOCTYPE html><title>524: A timeout occurred</title>";

fn status(code: u16) -> StatusCode {
    StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// E1 as the gateway's middleware writes it: `message` and `type`, `code` where there is one,
/// never `param`.
pub(crate) fn object(
    http: u16,
    kind: &str,
    code: Option<&str>,
    message: &str,
    request: &Received,
) -> Response {
    let mut error = json!({
        "message": format!("{message} (request id: {})", request.request_id),
        "type": kind,
    });
    if let Some(code) = code {
        error["code"] = code.into();
    }
    Response::json(status(http), &json!({ "error": error }))
}

/// E2. It carries no request id (observed in source).
pub(crate) fn task(http: u16, code: &str, message: &str) -> Response {
    Response::json(
        status(http),
        &json!({"code": code, "message": message, "data": null}),
    )
}

/// E3.
pub(crate) fn problem(http: u16, title: &str, detail: &str) -> Response {
    Response::json(
        status(http),
        &json!({"title": title, "detail": detail, "status": http}),
    )
}

/// E3 for inputs.
pub(crate) fn input_problem(faults: &[InputFault]) -> Response {
    let mut detail = String::new();
    let mut fields = Vec::new();
    for InputFault { field, description } in faults {
        // Writing to a string cannot fail.
        let _ = writeln!(detail, "- {field}: {description}");
        fields.push(json!({"type": "value_error", "field": field, "description": description}));
    }
    Response::json(
        StatusCode::UNPROCESSABLE_ENTITY,
        &json!({
            "title": "Input validation failed",
            "detail": detail,
            "status": 422,
            "invalid_fields": fields,
        }),
    )
}

pub(crate) fn invalid_token(request: &Received) -> Response {
    object(401, COMET, None, "Invalid token", request)
}

pub(crate) fn invalid_url(request: &Received) -> Response {
    let message = format!("Invalid URL ({} {})", request.method, request.path());
    object(404, "invalid_request_error", Some(""), &message, request)
}

pub(crate) fn model_not_found(request: &Received) -> Response {
    let message = format!(
        "no available channel for group default and model {} (distributor)",
        request.model_name()
    );
    object(503, COMET, Some("model_not_found"), &message, request)
}

pub(crate) fn body_too_large(request: &Received) -> Response {
    object(
        413,
        COMET,
        Some("read_request_body_failed"),
        "request body too large",
        request,
    )
}

/// E1 as the gateway's relay writes it, with all four fields.
pub(crate) fn field_required(request: &Received) -> Response {
    Response::json(
        StatusCode::INTERNAL_SERVER_ERROR,
        &json!({"error": {
            "message": format!("field prompt is required (request id: {})", request.request_id),
            "type": COMET,
            "param": "",
            "code": "invalid_request",
        }}),
    )
}
