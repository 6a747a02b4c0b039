//! The answers that faults put in the place of the good one.

use http::StatusCode;
use serde_json::{Value, json};

use super::Fault;
use crate::call::Call;
use crate::clock;
use crate::errors::{
    self, BAD_GATEWAY_PAGE, COMET, FIREWALL_PAGE, GATEWAY_TIMEOUT_PAGE, INDEX_PAGE,
    TIMEOUT_524_PAGE, UPSTREAM,
};
use crate::response::{Delivery, Response};

/// The answer of a fault that needs no good one. The reshaping ones have none.
pub(crate) fn answer(fault: &Fault, call: &Call) -> Option<Response> {
    refusal(fault, call)
        .or_else(|| quota(fault, call))
        .or_else(|| in_front(fault))
        .or_else(|| limit(fault, call))
        .or_else(|| trouble(fault, call))
        .or_else(|| page(fault))
        .or_else(|| connection(fault))
}

fn refusal(fault: &Fault, call: &Call) -> Option<Response> {
    let comet = |status, code: Option<&str>, message: &str| {
        errors::object(status, COMET, code, message, call)
    };
    let task = |code: &str| errors::task(StatusCode::BAD_REQUEST, code, code);
    let model = call.model_name();
    Some(match fault {
        Fault::ModelNameMissing => comet(400, Some(""), "model name is required"),
        Fault::ModelNotPriced => comet(
            400,
            None,
            &format!(
                "model {model} has not been priced by the administrator yet, please try \
                 another model"
            ),
        ),
        Fault::InvalidRequest => errors::task(
            StatusCode::BAD_REQUEST,
            "invalid_request",
            "invalid request body",
        ),
        Fault::TaskNotExist => task("task_not_exist"),
        Fault::TaskOriginNotExist => errors::task(
            StatusCode::BAD_REQUEST,
            "task_not_exist",
            "task_origin_not_exist",
        ),
        Fault::InvalidApiPlatform => errors::task(
            StatusCode::BAD_REQUEST,
            "invalid_api_platform",
            "invalid api platform: replicate",
        ),
        Fault::ModelPriceError => errors::task(
            StatusCode::BAD_REQUEST,
            "model_price_error",
            &format!("the price of {model} is not set"),
        ),
        Fault::SensitiveWords => comet(
            400,
            Some("sensitive_words_detected"),
            "sensitive words detected in the prompt",
        ),
        Fault::PromptBlocked => comet(400, Some("prompt_blocked"), "the prompt was blocked"),
        Fault::ConvertRequestFailed => comet(
            500,
            Some("convert_request_failed"),
            "not supported model for image generation, only imagen models are supported",
        ),
        Fault::InvalidToken => errors::invalid_token(call),
        Fault::UpstreamUnauthenticated => errors::problem(
            401,
            "Unauthenticated",
            "You did not pass a valid authentication token",
        ),
        Fault::AccessDenied => comet(403, Some("access_denied"), "access denied"),
        Fault::NoAccessToModel => comet(
            403,
            None,
            &format!("This token has no access to model {model}"),
        ),
        Fault::InvalidUrl => errors::invalid_url(call),
        Fault::UpstreamNotFound => errors::problem(404, "Not found", "Not found."),
        Fault::RequestTimeout => comet(408, None, "request timed out"),
        Fault::BodyTooLarge => errors::body_too_large(call),
        Fault::InputRefused => Response::json(
            StatusCode::UNPROCESSABLE_ENTITY,
            &input_problem(Some("input.num_outputs")),
        ),
        Fault::InputRefusedNested => errors::task(
            StatusCode::UNPROCESSABLE_ENTITY,
            "fail_to_fetch_task",
            &input_problem(None).to_string(),
        ),
        _ => return None,
    })
}

/// About money.
fn quota(fault: &Fault, call: &Call) -> Option<Response> {
    let comet = |status, code: &str, message: &str| {
        errors::object(status, COMET, Some(code), message, call)
    };
    Some(match fault {
        Fault::UnauthorizedQuota => {
            comet(401, "insufficient_user_quota", "user quota is not enough")
        }
        Fault::InsufficientCredit => errors::problem(
            402,
            "Insufficient credit",
            "You have insufficient credit to run this model.",
        ),
        Fault::QuotaFlat => Response::json(
            StatusCode::FORBIDDEN,
            &json!({"code": null, "message": "user quota is not enough"}),
        ),
        Fault::InsufficientUserQuota => {
            comet(403, "insufficient_user_quota", "user quota is not enough")
        }
        Fault::PreConsumeQuotaFailed => comet(
            403,
            "pre_consume_token_quota_failed",
            "token quota is not enough",
        ),
        Fault::QuotaNotEnough => errors::task(
            StatusCode::FORBIDDEN,
            "quota_not_enough",
            "user quota is not enough",
        ),
        _ => return None,
    })
}

/// What stands in front of the service and is not the service.
fn in_front(fault: &Fault) -> Option<Response> {
    Some(match fault {
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
        _ => return None,
    })
}

fn input_problem(field: Option<&str>) -> Value {
    let mut problem = json!({
        "title": "Input validation failed",
        "detail": "- input.num_outputs: Must be less than or equal to 4\n",
        "status": 422,
    });
    if let Some(field) = field {
        problem["invalid_fields"] = json!([{
            "type": "value_error",
            "field": field,
            "description": "Must be less than or equal to 4",
        }]);
    }
    problem
}

fn limit(fault: &Fault, call: &Call) -> Option<Response> {
    let status = StatusCode::TOO_MANY_REQUESTS;
    let throttled =
        |detail: String| Response::json(status, &json!({"detail": detail, "status": 429}));
    Some(match fault {
        Fault::RateLimited => errors::object(
            429,
            COMET,
            Some("rate_limit_exceeded"),
            "too many requests, please retry later",
            call,
        ),
        Fault::GroupSaturated => {
            errors::object(429, COMET, None, "当前分组上游负载已饱和，请稍后再试", call)
        }
        Fault::TaskRateLimited => errors::task(
            status,
            "rate_limit_exceeded",
            "too many requests, please retry later",
        ),
        Fault::EmptyTooManyRequests => Response::empty(status),
        Fault::ThrottledSeconds(seconds) => throttled(format!(
            "Request was throttled. Expected available in {seconds} second{}.",
            if *seconds == 1 { "" } else { "s" }
        ))
        .retry_after(&seconds.to_string()),
        Fault::ThrottledDate(ahead) => throttled("Request was throttled.".to_owned())
            .retry_after(&clock::http_date(call.now + *ahead)),
        Fault::ThrottledBody(seconds) => Response::json(
            status,
            &json!({
                "detail": "Request was throttled.",
                "status": 429,
                "retry_after": seconds,
            }),
        ),
        Fault::ThrottledText(seconds) => throttled(format!(
            "Request was throttled. Your rate limit resets in ~{seconds}s."
        )),
        _ => return None,
    })
}

fn trouble(fault: &Fault, call: &Call) -> Option<Response> {
    let comet = |status, code: &str, message: &str| {
        errors::object(status, COMET, Some(code), message, call)
    };
    let upstream = |status, code: &str, message: &str| {
        errors::object(status, UPSTREAM, Some(code), message, call)
    };
    let task =
        |code: &str, message: &str| errors::task(StatusCode::INTERNAL_SERVER_ERROR, code, message);
    Some(match fault {
        Fault::FieldRequired => {
            errors::full_object(500, "invalid_request", "field prompt is required", call)
        }
        Fault::GetChannelFailed => comet(500, "get_channel_failed", "no channel could be had"),
        Fault::DoRequestFailed => task("do_request_failed", "the upstream request failed"),
        Fault::QuotaInPrompt => comet(
            502,
            "do_request_failed",
            "upstream timed out, prompt: a poster about fishing quotas",
        ),
        Fault::BuildRequestFailed => task(
            "build_request_failed",
            "the upstream request could not be built",
        ),
        Fault::GetTaskFailed => task("get_task_failed", "the task could not be read"),
        Fault::GenRelayInfoFailed => comet(
            500,
            "gen_relay_info_failed",
            "the relay could not be prepared",
        ),
        Fault::Panic => errors::object(
            500,
            "new_api_panic",
            None,
            "Panic detected, error: runtime error: invalid memory address",
            call,
        ),
        Fault::FailToFetchTask => task(
            "fail_to_fetch_task",
            &json!({
                "title": "Internal server error",
                "detail": "Something went wrong.",
                "status": 500,
            })
            .to_string(),
        ),
        Fault::InvalidResponse => errors::task(
            StatusCode::BAD_GATEWAY,
            "invalid_response",
            "upstream answered no prediction id",
        ),
        Fault::ModelNotFound => errors::model_not_found(call),
        Fault::Overloaded => errors::object(
            503,
            COMET,
            None,
            "the service is overloaded, please retry later",
            call,
        ),
        Fault::BadResponseStatusCode => upstream(
            502,
            "bad_response_status_code",
            "bad response status code 502",
        ),
        Fault::BadResponseBody => upstream(500, "bad_response_body", "bad response body"),
        Fault::BadResponse => upstream(500, "bad_response", "bad response"),
        Fault::EmptyResponse => upstream(500, "empty_response", "empty response"),
        _ => return None,
    })
}

fn page(fault: &Fault) -> Option<Response> {
    let cdn_timeout = StatusCode::from_u16(524).unwrap_or(StatusCode::GATEWAY_TIMEOUT);
    Some(match fault {
        Fault::IndexPage => Response::html(StatusCode::OK, INDEX_PAGE),
        Fault::BadGatewayPage => Response::html(StatusCode::BAD_GATEWAY, BAD_GATEWAY_PAGE),
        Fault::GatewayTimeoutPage => {
            Response::html(StatusCode::GATEWAY_TIMEOUT, GATEWAY_TIMEOUT_PAGE)
        }
        Fault::CdnTimeoutPage => Response::html(cdn_timeout, TIMEOUT_524_PAGE),
        Fault::MovedPermanently(location) => {
            Response::redirect(StatusCode::MOVED_PERMANENTLY, location)
        }
        Fault::Found(location) => Response::redirect(StatusCode::FOUND, location),
        Fault::SeeOther(location) => Response::redirect(StatusCode::SEE_OTHER, location),
        Fault::TemporaryRedirect(location) => {
            Response::redirect(StatusCode::TEMPORARY_REDIRECT, location)
        }
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
        _ => return None,
    })
}

fn connection(fault: &Fault) -> Option<Response> {
    Some(Response::none(match fault {
        Fault::Hang => Delivery::Never,
        Fault::Close => Delivery::Dropped { reset: false },
        Fault::Reset => Delivery::Dropped { reset: true },
        _ => return None,
    }))
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;

    /// Those that are applied to the good answer, which they therefore need.
    fn keeps_the_answer(fault: &Fault) -> bool {
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

    /// Each fault belongs to exactly one kind, or `apply` would not know what to do with it.
    #[test]
    fn every_fault_either_replaces_or_keeps() {
        let call = Call::sample(UNIX_EPOCH);
        for fault in Fault::catalogue() {
            assert_ne!(
                answer(&fault, &call).is_some(),
                keeps_the_answer(&fault),
                "{fault:?}"
            );
        }
    }

    #[test]
    fn the_catalogue_names_each_once() {
        let catalogue = Fault::catalogue();
        for (at, fault) in catalogue.iter().enumerate() {
            assert!(!catalogue[..at].contains(fault), "{fault:?}");
        }
        // Two fewer than the variants: `Response` and `Hold` have no ordinary value.
        let source = include_str!("mod.rs");
        let declared = source
            .split("pub enum Fault {")
            .nth(1)
            .and_then(|rest| rest.split("\n}\n").next())
            .unwrap()
            .lines()
            .filter(|line| line.starts_with("    ") && line.as_bytes()[4].is_ascii_uppercase())
            .count();
        assert_eq!(catalogue.len() + 2, declared);
    }
}
