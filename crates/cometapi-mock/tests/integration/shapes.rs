//! What the faults say, in detail.

use std::time::Duration;

use cometapi_mock::{Fault, MockServer, Pace};
use serde_json::{Value, json};

use crate::client::{Outcome, create, created, header, json_of, outcome, poll, polled};

async fn server() -> MockServer {
    let builder = MockServer::builder().pace(Pace::instant());
    builder.start().await.unwrap()
}

/// The status of a fault, and what its body has at least.
fn table() -> Vec<(Fault, u16, Value)> {
    let error = |code: &'static str| json!({"error": {"code": code}});
    let comet = |kind: &'static str| json!({"error": {"type": kind}});
    let task = |code: &'static str| json!({ "code": code });
    vec![
        (Fault::ModelNameMissing, 400, error("")),
        (Fault::InvalidRequest, 400, task("invalid_request")),
        (Fault::TaskNotExist, 400, task("task_not_exist")),
        (
            Fault::TaskOriginNotExist,
            400,
            json!({"message": "task_origin_not_exist"}),
        ),
        (Fault::InvalidApiPlatform, 400, task("invalid_api_platform")),
        (Fault::ModelPriceError, 400, task("model_price_error")),
        (
            Fault::SensitiveWords,
            400,
            error("sensitive_words_detected"),
        ),
        (Fault::PromptBlocked, 400, error("prompt_blocked")),
        (
            Fault::ConvertRequestFailed,
            500,
            error("convert_request_failed"),
        ),
        (Fault::InvalidToken, 401, comet("comet_api_error")),
        (Fault::UpstreamUnauthenticated, 401, json!({"status": 401})),
        (
            Fault::InsufficientCredit,
            402,
            json!({"title": "Insufficient credit"}),
        ),
        (
            Fault::QuotaFlat,
            403,
            json!({"code": null, "message": "user quota is not enough"}),
        ),
        (
            Fault::InsufficientUserQuota,
            403,
            error("insufficient_user_quota"),
        ),
        (
            Fault::PreConsumeQuotaFailed,
            403,
            error("pre_consume_token_quota_failed"),
        ),
        (Fault::QuotaNotEnough, 403, task("quota_not_enough")),
        (Fault::AccessDenied, 403, error("access_denied")),
        (Fault::NoAccessToModel, 403, comet("comet_api_error")),
        (Fault::InvalidUrl, 404, comet("invalid_request_error")),
        (
            Fault::UpstreamNotFound,
            404,
            json!({"detail": "Not found."}),
        ),
        (Fault::RequestTimeout, 408, json!({})),
        (Fault::BodyTooLarge, 413, error("read_request_body_failed")),
        (
            Fault::InputRefused,
            422,
            json!({"title": "Input validation failed"}),
        ),
        (Fault::InputRefusedNested, 422, task("fail_to_fetch_task")),
        (Fault::RateLimited, 429, comet("comet_api_error")),
        (Fault::TaskRateLimited, 429, json!({"data": null})),
        (Fault::ThrottledBody(2), 429, json!({"retry_after": 2})),
        (
            Fault::ThrottledText(30),
            429,
            json!({"detail": "Request was throttled. Your rate limit resets in ~30s."}),
        ),
        (
            Fault::FieldRequired,
            500,
            json!({"error": {"code": "invalid_request", "param": ""}}),
        ),
        (Fault::GetChannelFailed, 500, error("get_channel_failed")),
        (Fault::DoRequestFailed, 500, task("do_request_failed")),
        (Fault::BuildRequestFailed, 500, task("build_request_failed")),
        (Fault::GetTaskFailed, 500, task("get_task_failed")),
        (
            Fault::GenRelayInfoFailed,
            500,
            error("gen_relay_info_failed"),
        ),
        (Fault::Panic, 500, comet("new_api_panic")),
        (Fault::FailToFetchTask, 500, task("fail_to_fetch_task")),
        (Fault::InvalidResponse, 502, task("invalid_response")),
        (Fault::ModelNotFound, 503, error("model_not_found")),
        (Fault::Overloaded, 503, comet("comet_api_error")),
        (Fault::BadResponseStatusCode, 502, comet("upstream_error")),
        (Fault::BadResponseBody, 500, error("bad_response_body")),
        (Fault::BadResponse, 500, error("bad_response")),
        (Fault::EmptyResponse, 500, error("empty_response")),
    ]
}

#[tokio::test]
async fn statuses_and_codes_are_those_of_the_table() {
    let server = server().await;
    for (fault, status, part) in table() {
        server.on_create(fault.clone());
        let (got, body) = json_of(create(&server)).await;
        assert_eq!(got.as_u16(), status, "{fault:?}");
        assert!(contains(&body, &part), "{fault:?}: {body} has not {part}");
    }
    assert!(server.predictions().is_empty());
}

fn contains(whole: &Value, part: &Value) -> bool {
    match (whole, part) {
        (Value::Object(whole), Value::Object(part)) => part
            .iter()
            .all(|(name, part)| whole.get(name).is_some_and(|whole| contains(whole, part))),
        _ => whole == part,
    }
}

#[tokio::test]
async fn pages_and_redirects() {
    let server = server().await;
    for (fault, status, part) in [
        (Fault::IndexPage, 200, "<!doctype html>"),
        (Fault::FirewallPage, 403, "blocked"),
        (Fault::BadGatewayPage, 502, "502"),
        (Fault::GatewayTimeoutPage, 504, "504"),
        (Fault::CdnTimeoutPage, 524, "524"),
    ] {
        server.on_create(fault);
        let Outcome::Answer {
            status: got,
            media,
            body,
            ..
        } = outcome(create(&server)).await
        else {
            panic!("no answer");
        };
        assert_eq!((got, media.as_str()), (status, "text/html; charset=utf-8"));
        assert!(String::from_utf8_lossy(&body).contains(part));
    }
    let elsewhere = "https://www.example.com/x";
    for (fault, status) in [
        (Fault::MovedPermanently(elsewhere.to_owned()), 301),
        (Fault::Found(elsewhere.to_owned()), 302),
    ] {
        server.on_create(fault);
        let response = create(&server).send().await.unwrap();
        assert_eq!(response.status(), status);
        assert_eq!(header(&response, "location"), elsewhere);
    }
}

#[tokio::test]
async fn limits_tell_when_to_come_back_or_do_not() {
    let server = server().await;
    server.on_create(Fault::ThrottledSeconds(7));
    let response = create(&server).send().await.unwrap();
    assert_eq!(response.status(), 429);
    assert_eq!(header(&response, "retry-after"), "7");

    server.on_create(Fault::ThrottledDate(Duration::from_secs(90)));
    let response = create(&server).send().await.unwrap();
    let date = header(&response, "retry-after");
    assert!(date.ends_with(" GMT") && date.len() == 29, "{date}");

    server.on_create(Fault::EmptyTooManyRequests);
    let response = create(&server).send().await.unwrap();
    assert_eq!(response.status(), 429);
    assert!(response.headers().get("retry-after").is_none());
    assert!(response.headers().get("content-type").is_none());
    assert!(response.bytes().await.unwrap().is_empty());

    server.on_create(Fault::GroupSaturated);
    let (_, body) = json_of(create(&server)).await;
    assert!(
        body["error"]["message"]
            .as_str()
            .unwrap()
            .contains("负载已饱和")
    );
}

#[tokio::test]
async fn good_answers_in_other_shapes() {
    let server = server().await;
    let id = created(&server).await;
    polled(&server, &id).await;
    let bent = async |fault: Fault| {
        server.on_poll(fault);
        json_of(poll(&server, &id)).await
    };

    let (_, body) = bent(Fault::Wrapped).await;
    assert_eq!(body["data"]["data"]["id"], json!(id));
    let (_, body) = bent(Fault::WrappedNew).await;
    assert_eq!(body["data"]["channel_id"], 7);
    let (_, body) = bent(Fault::WrappedTwice).await;
    assert_eq!(body["data"]["data"]["data"]["data"]["id"], json!(id));
    let (_, body) = bent(Fault::EmptyEnvelope).await;
    assert_eq!(body, json!({"code": "success", "data": null}));
    let (_, body) = bent(Fault::OuterFailed).await;
    assert_eq!(body["data"]["status"], "FAILURE");
    assert_eq!(body["data"]["data"]["status"], "processing");
    let (_, body) = bent(Fault::OuterLags).await;
    assert_eq!(body["data"]["status"], "IN_PROGRESS");
    assert_eq!(body["data"]["data"]["status"], "succeeded");
    let (_, body) = bent(Fault::UrlInFailReason).await;
    assert_eq!(body["data"]["status"], "SUCCESS");
    assert_eq!(body["data"]["data"], json!(null));
    let reason = body["data"]["fail_reason"].as_str().unwrap();
    assert!(reason.starts_with(server.files_origin()));
    let (status, body) = bent(Fault::TaskErrorWithPrediction).await;
    assert_eq!(
        (status.as_u16(), &body["code"]),
        (201, &json!("fail_to_fetch_task"))
    );
    let inner: Value = serde_json::from_str(body["message"].as_str().unwrap()).unwrap();
    assert_eq!(inner["id"], json!(id));
    let (_, body) = bent(Fault::NoId).await;
    assert!(body.get("id").is_none() && body["status"] == "succeeded");
    let (_, body) = bent(Fault::UnknownStatus("reticulating".to_owned())).await;
    assert_eq!(body["status"], "reticulating");
    let (status, body) = bent(Fault::json(418, &json!({"short": "stout"}))).await;
    assert_eq!((status.as_u16(), body), (418, json!({"short": "stout"})));

    server.on_poll(Fault::BrokenJson);
    let response = poll(&server, &id).send().await.unwrap();
    assert_eq!(response.status(), 200);
    assert!(response.json::<Value>().await.unwrap_err().is_decode());
    server.on_poll(Fault::EmptyBody);
    let response = poll(&server, &id).send().await.unwrap();
    assert_eq!(response.bytes().await.unwrap(), "");
}
