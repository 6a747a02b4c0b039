//! The responses that faults send instead of the valid one.

use http::StatusCode;
use serde_json::{Value, json};

use super::Fault;
use crate::errors::{
    self, BAD_GATEWAY_PAGE, COMET, FIREWALL_PAGE, GATEWAY_TIMEOUT_PAGE, INDEX_PAGE,
    TIMEOUT_524_PAGE, UPSTREAM,
};
use crate::request_log::Received;
use crate::response::{Delivery, Response};

/// Returns the response of a fault that needs no valid one; `None` for those that change it.
pub(crate) fn response(fault: &Fault, request: &Received) -> Option<Response> {
    error(fault, request)
        .or_else(|| throttled(fault, request))
        .or_else(|| other(fault, request))
}

/// The shapes of the service's errors, with what stands in them beside the message.
enum Shape {
    /// `type` and `code`.
    E1(&'static str, Option<&'static str>),
    /// `code`.
    E2(&'static str),
    /// `title`.
    E3(&'static str),
}

/// The errors that consist of a status, a shape and a message, in which `{model}` stands for the
/// model.
#[expect(clippy::too_many_lines, reason = "a table is as long as it is")]
fn error(fault: &Fault, request: &Received) -> Option<Response> {
    use Shape::{E1, E2, E3};
    const QUOTA: &str = "user quota is not enough";
    const LATER: &str = "too many requests, please retry later";
    let (status, shape, message) = match fault {
        Fault::ModelNameMissing => (400, E1(COMET, Some("")), "model name is required"),
        Fault::ModelNotPriced => (
            400,
            E1(COMET, None),
            "model {model} has not been priced by the administrator yet, please try another model",
        ),
        Fault::InvalidRequest => (400, E2("invalid_request"), "invalid request body"),
        Fault::TaskNotExist => (400, E2("task_not_exist"), "task_not_exist"),
        Fault::TaskOriginNotExist => (400, E2("task_not_exist"), "task_origin_not_exist"),
        Fault::InvalidApiPlatform => (
            400,
            E2("invalid_api_platform"),
            "invalid api platform: replicate",
        ),
        Fault::ModelPriceError => (
            400,
            E2("model_price_error"),
            "the price of {model} is not set",
        ),
        Fault::SensitiveWords => (
            400,
            E1(COMET, Some("sensitive_words_detected")),
            "sensitive words detected in the prompt",
        ),
        Fault::PromptBlocked => (
            400,
            E1(COMET, Some("prompt_blocked")),
            "the prompt was blocked",
        ),
        Fault::ConvertRequestFailed => (
            500,
            E1(COMET, Some("convert_request_failed")),
            "not supported model for image generation, only imagen models are supported",
        ),
        Fault::UpstreamUnauthenticated => (
            401,
            E3("Unauthenticated"),
            "You did not pass a valid authentication token",
        ),
        Fault::AccessDenied => (403, E1(COMET, Some("access_denied")), "access denied"),
        Fault::NoAccessToModel => (
            403,
            E1(COMET, None),
            "This token has no access to model {model}",
        ),
        Fault::UpstreamNotFound => (404, E3("Not found"), "Not found."),
        Fault::RequestTimeout => (408, E1(COMET, None), "request timed out"),

        Fault::UnauthorizedQuota => (401, E1(COMET, Some("insufficient_user_quota")), QUOTA),
        Fault::InsufficientCredit => (
            402,
            E3("Insufficient credit"),
            "You have insufficient credit to run this model.",
        ),
        Fault::InsufficientUserQuota => (403, E1(COMET, Some("insufficient_user_quota")), QUOTA),
        Fault::PreConsumeQuotaFailed => (
            403,
            E1(COMET, Some("pre_consume_token_quota_failed")),
            "token quota is not enough",
        ),
        Fault::QuotaNotEnough => (403, E2("quota_not_enough"), QUOTA),

        Fault::RateLimited => (429, E1(COMET, Some("rate_limit_exceeded")), LATER),
        Fault::GroupSaturated => (429, E1(COMET, None), "当前分组上游负载已饱和，请稍后再试"),
        Fault::TaskRateLimited => (429, E2("rate_limit_exceeded"), LATER),

        Fault::GetChannelFailed => (
            500,
            E1(COMET, Some("get_channel_failed")),
            "no channel could be had",
        ),
        Fault::DoRequestFailed => (500, E2("do_request_failed"), "the upstream request failed"),
        Fault::QuotaInPrompt => (
            502,
            E1(COMET, Some("do_request_failed")),
            "upstream timed out, prompt: a poster about fishing quotas",
        ),
        Fault::BuildRequestFailed => (
            500,
            E2("build_request_failed"),
            "the upstream request could not be built",
        ),
        Fault::GetTaskFailed => (500, E2("get_task_failed"), "the task could not be read"),
        Fault::GenRelayInfoFailed => (
            500,
            E1(COMET, Some("gen_relay_info_failed")),
            "the relay could not be prepared",
        ),
        Fault::Panic => (
            500,
            E1("new_api_panic", None),
            "Panic detected, error: runtime error: invalid memory address",
        ),
        Fault::FailToFetchTask => (
            500,
            E2("fail_to_fetch_task"),
            r#"{"title":"Internal server error","detail":"Something went wrong.","status":500}"#,
        ),
        Fault::InvalidResponse => (
            502,
            E2("invalid_response"),
            "upstream answered no prediction id",
        ),
        Fault::Overloaded => (
            503,
            E1(COMET, None),
            "the service is overloaded, please retry later",
        ),
        Fault::BadResponseStatusCode => (
            502,
            E1(UPSTREAM, Some("bad_response_status_code")),
            "bad response status code 502",
        ),
        Fault::BadResponseBody => (
            500,
            E1(UPSTREAM, Some("bad_response_body")),
            "bad response body",
        ),
        Fault::BadResponse => (500, E1(UPSTREAM, Some("bad_response")), "bad response"),
        Fault::EmptyResponse => (500, E1(UPSTREAM, Some("empty_response")), "empty response"),
        _ => return None,
    };
    let message = message.replace("{model}", request.model_name());
    Some(match shape {
        E1(kind, code) => errors::object(status, kind, code, &message, request),
        E2(code) => errors::task(status, code, &message),
        E3(title) => errors::problem(status, title, &message),
    })
}

/// Replicate's 429, which says in different places when to retry.
fn throttled(fault: &Fault, request: &Received) -> Option<Response> {
    let throttled = |detail: &str| json!({"detail": detail, "status": 429});
    let mut body = throttled("Request was throttled.");
    let mut retry_after = None;
    match fault {
        Fault::ThrottledSeconds(seconds) => {
            let plural = if *seconds == 1 { "" } else { "s" };
            body = throttled(&format!(
                "Request was throttled. Expected available in {seconds} second{plural}."
            ));
            retry_after = Some(seconds.to_string());
        }
        Fault::ThrottledDate(ahead) => {
            retry_after = Some(httpdate::fmt_http_date(request.at + *ahead));
        }
        Fault::ThrottledBody(seconds) => body["retry_after"] = (*seconds).into(),
        Fault::ThrottledText(seconds) => {
            body = throttled(&format!(
                "Request was throttled. Your rate limit resets in ~{seconds}s."
            ));
        }
        _ => return None,
    }
    let response = Response::json(StatusCode::TOO_MANY_REQUESTS, &body);
    Some(match retry_after {
        Some(value) => response.retry_after(&value),
        None => response,
    })
}

/// Errors in shapes of their own, pages, redirects, and no response at all.
fn other(fault: &Fault, request: &Received) -> Option<Response> {
    let cdn_timeout = StatusCode::from_u16(524).unwrap_or(StatusCode::GATEWAY_TIMEOUT);
    Some(match fault {
        Fault::InvalidToken => errors::invalid_token(request),
        Fault::InvalidUrl => errors::invalid_url(request),
        Fault::BodyTooLarge => errors::body_too_large(request),
        Fault::ModelNotFound => errors::model_not_found(request),
        Fault::FieldRequired => errors::field_required(request),
        Fault::InputRefused => Response::json(
            StatusCode::UNPROCESSABLE_ENTITY,
            &input_problem(Some("input.num_outputs")),
        ),
        Fault::InputRefusedNested => {
            errors::task(422, "fail_to_fetch_task", &input_problem(None).to_string())
        }
        Fault::QuotaFlat => Response::json(
            StatusCode::FORBIDDEN,
            &json!({"code": null, "message": "user quota is not enough"}),
        ),
        Fault::EmptyTooManyRequests => Response::empty(StatusCode::TOO_MANY_REQUESTS),

        Fault::FirewallPage => Response::html(StatusCode::FORBIDDEN, FIREWALL_PAGE),
        Fault::FirewallText => Response::new(
            StatusCode::FORBIDDEN,
            "text/plain; charset=utf-8",
            "error code: 1010",
        ),
        Fault::ProxyForbidden => {
            Response::json(StatusCode::FORBIDDEN, &json!({"message": "Forbidden"}))
        }
        Fault::ProxyLogin => Response::html(
            StatusCode::PROXY_AUTHENTICATION_REQUIRED,
            "<!doctype html><title>407 Proxy Authentication Required</title>",
        ),
        Fault::IndexPage => Response::html(StatusCode::OK, INDEX_PAGE),
        Fault::BadGatewayPage => Response::html(StatusCode::BAD_GATEWAY, BAD_GATEWAY_PAGE),
        Fault::GatewayTimeoutPage => {
            Response::html(StatusCode::GATEWAY_TIMEOUT, GATEWAY_TIMEOUT_PAGE)
        }
        Fault::CdnTimeoutPage => Response::html(cdn_timeout, TIMEOUT_524_PAGE),
        Fault::MovedPermanently(to) => Response::redirect(StatusCode::MOVED_PERMANENTLY, to),
        Fault::Found(to) => Response::redirect(StatusCode::FOUND, to),
        Fault::SeeOther(to) => Response::redirect(StatusCode::SEE_OTHER, to),
        Fault::TemporaryRedirect(to) => Response::redirect(StatusCode::TEMPORARY_REDIRECT, to),
        Fault::EmptyBody => Response::new(StatusCode::OK, "application/json; charset=utf-8", ""),
        Fault::FileGone => Response::new(
            StatusCode::NOT_FOUND,
            "application/xml; charset=utf-8",
            "<?xml version='1.0'?><Error><Code>NoSuchKey</Code></Error>",
        ),
        Fault::Response {
            status,
            content_type,
            body,
        } => Response::new(
            StatusCode::from_u16(*status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
            content_type,
            body.clone(),
        ),

        Fault::Hang => Response::none(Delivery::Never),
        Fault::Close => Response::none(Delivery::Dropped { reset: false }),
        Fault::Reset => Response::none(Delivery::Dropped { reset: true }),
        _ => return None,
    })
}

fn input_problem(field: Option<&str>) -> Value {
    let description = "Must be less than or equal to 4";
    let mut problem = json!({
        "title": "Input validation failed",
        "detail": format!("- input.num_outputs: {description}\n"),
        "status": 422,
    });
    if let Some(field) = field {
        let fault = json!({"type": "value_error", "field": field, "description": description});
        problem["invalid_fields"] = json!([fault]);
    }
    problem
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;

    /// Faults that change the valid response, which they therefore need.
    fn keeps_the_response(fault: &Fault) -> bool {
        matches!(
            fault,
            Fault::Wrapped
                | Fault::WrappedNew
                | Fault::WrappedTwice
                | Fault::BareTask
                | Fault::NumericCode
                | Fault::DataAsText
                | Fault::OtherPrediction
                | Fault::ByteOrderMark
                | Fault::Utf16
                | Fault::HalfSurrogate
                | Fault::NotANumber
                | Fault::Gzip
                | Fault::Deflate
                | Fault::Encoding(_)
                | Fault::EmptyEnvelope
                | Fault::OuterFailed
                | Fault::OuterLags
                | Fault::UrlInFailReason
                | Fault::TaskErrorWithPrediction
                | Fault::NoId
                | Fault::UnknownStatus(_)
                | Fault::BrokenJson
                | Fault::ContentType(_)
                | Fault::Delay(_)
                | Fault::CutBody
                | Fault::ResetBody
                | Fault::StallBody
                | Fault::SlowBody(_)
                | Fault::ShortBody
                | Fault::FileMoved
        )
    }

    /// Each fault does exactly one of the two, or nothing would happen.
    #[test]
    fn every_fault_either_replaces_or_keeps() {
        let (parts, ()) = http::Request::new(()).into_parts();
        let request = Received::new(parts, "".into(), (Duration::ZERO, UNIX_EPOCH), "id".into());
        for fault in Fault::catalogue() {
            assert_ne!(
                response(&fault, &request).is_some(),
                keeps_the_response(&fault),
                "{fault:?}"
            );
        }
    }
}
