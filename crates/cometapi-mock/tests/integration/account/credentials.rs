//! Which credential is taken where, and what is recorded of one that is not meant for it.

use cometapi_mock::{AccountEndpoint, MockServer, Rule};
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};

use super::{TOKEN, get};
use crate::client::{http, json_of, poll};

fn rules(server: &MockServer) -> Vec<Rule> {
    let violations = server.violations();
    violations.iter().map(|violation| violation.rule).collect()
}

fn at(server: &MockServer, endpoint: AccountEndpoint) -> RequestBuilder {
    http().get(format!("{}{}", server.origin(), endpoint.path()))
}

#[track_caller]
fn is_refused_by_the_account((status, body): &(StatusCode, Value)) {
    assert_eq!(*status, 401, "{body}");
    assert_eq!(body["success"], false);
    assert!(body["message"].is_string());
}

#[tokio::test]
async fn each_side_takes_its_own_credential() {
    for builder in [
        MockServer::builder(),
        MockServer::builder().key("sk-test").access_token(TOKEN),
    ] {
        let server = builder.start().await.unwrap();
        for endpoint in AccountEndpoint::ALL {
            let (status, body) = json_of(get(&server, endpoint)).await;
            assert_eq!(status, 200, "{body}");
        }
        server.assert_no_violations();
        let operations: Vec<_> = server
            .requests()
            .into_iter()
            .filter_map(|one| one.operation)
            .collect();
        assert_eq!(
            operations,
            AccountEndpoint::ALL.map(AccountEndpoint::operation)
        );
        let shown = format!("{:?} {server:?}", server.requests());
        assert!(
            !shown.contains("sk-test") && !shown.contains("token\""),
            "{shown}"
        );
    }
}

#[tokio::test]
async fn no_credential_or_the_wrong_one_is_refused_in_each_shape() {
    let server = MockServer::builder()
        .key("sk-mine")
        .access_token(TOKEN)
        .start()
        .await
        .unwrap();
    for endpoint in [AccountEndpoint::User, AccountEndpoint::Tasks] {
        is_refused_by_the_account(&json_of(at(&server, endpoint)).await);
        let wrong = at(&server, endpoint).bearer_auth("other");
        is_refused_by_the_account(&json_of(wrong).await);
    }
    for endpoint in [AccountEndpoint::Subscription, AccountEndpoint::Usage] {
        for request in [
            at(&server, endpoint),
            at(&server, endpoint).bearer_auth("sk-other"),
        ] {
            let (status, body) = json_of(request).await;
            assert_eq!(status, 401);
            assert_eq!(body["error"]["type"], "comet_api_error");
        }
    }
    // One that is wrong but meant for the place is no violation, as on the other side.
    assert_eq!(rules(&server), [Rule::Security; 4]);
}

#[tokio::test]
async fn an_api_key_on_the_account_side_is_refused_and_a_leak() {
    let by_prefix = MockServer::start().await.unwrap();
    let by_setting = MockServer::builder().key("mine").start().await.unwrap();
    for (server, key) in [(by_prefix, "sk-any"), (by_setting, "mine")] {
        for endpoint in [AccountEndpoint::User, AccountEndpoint::Tasks] {
            let request = at(&server, endpoint).bearer_auth(key);
            is_refused_by_the_account(&json_of(request).await);
        }
        assert_eq!(rules(&server), [Rule::Leak; 2]);
        assert!(!format!("{:?}", server.violations()).contains(key));
    }
}

#[tokio::test]
async fn an_access_token_on_the_side_of_the_key_is_refused_and_a_leak() {
    let server = MockServer::builder().access_token(TOKEN);
    let server = server.start().await.unwrap();
    let place = at(&server, AccountEndpoint::Usage).bearer_auth(TOKEN);
    assert_eq!(json_of(place).await.0, 401);
    let url = format!("{}/predictions/x", server.base_url());
    assert_eq!(json_of(http().get(url).bearer_auth(TOKEN)).await.0, 401);
    assert_eq!(rules(&server), [Rule::Leak; 2]);
    // Any other is a key.
    assert_eq!(json_of(poll(&server, "x")).await.0, 400);
    assert_eq!(rules(&server), [Rule::Leak; 2]);
}

#[tokio::test]
async fn a_credential_where_none_is_needed_is_a_leak_and_gets_its_response() {
    let server = MockServer::start().await.unwrap();
    for header in ["authorization", "x-api-key", "cookie"] {
        let request = get(&server, AccountEndpoint::Models).header(header, "sk-secret");
        assert_eq!(json_of(request).await.0, 200);
    }
    assert_eq!(rules(&server), [Rule::Leak; 3]);
    let shown = format!("{:?} {:?}", server.violations(), server.requests());
    assert!(!shown.contains("sk-secret"), "{shown}");
}

#[tokio::test]
async fn an_undeclared_query_a_body_and_another_method_are_violations() {
    let server = MockServer::start().await.unwrap();
    for request in [
        get(&server, AccountEndpoint::Models).query(&[("key", "sk-secret")]),
        get(&server, AccountEndpoint::Usage).query(&[("p", "1")]),
        get(&server, AccountEndpoint::Tasks).query(&[("page", "1")]),
        get(&server, AccountEndpoint::Tasks).query(&[("p", "first")]),
        get(&server, AccountEndpoint::Tasks).query(&[("status", "done")]),
        get(&server, AccountEndpoint::Tasks).query(&[("p", "1"), ("p", "2")]),
        get(&server, AccountEndpoint::User).body("{}"),
    ] {
        let (status, body) = json_of(request).await;
        assert_eq!((status.as_u16(), &body["success"]), (400, &json!(false)));
    }
    let post = http().post(format!("{}/api/models", server.origin()));
    assert_eq!(json_of(post).await.0, 405);
    let mut wanted = vec![Rule::Query; 6];
    wanted.extend([Rule::ContentType, Rule::Method]);
    assert_eq!(rules(&server), wanted);
    assert!(!format!("{:?}", server.violations()).contains("sk-secret"));

    let lenient = MockServer::builder().lenient().start().await.unwrap();
    let request = get(&lenient, AccountEndpoint::Models).query(&[("page", "1")]);
    assert_eq!(json_of(request).await.0, 200);
    assert_eq!(rules(&lenient), [Rule::Query]);
}

#[tokio::test]
async fn undeclared_headers_are_refused_where_headers_are_checked_strictly() {
    let server = MockServer::builder().strict_headers();
    let server = server.start().await.unwrap();
    let request = get(&server, AccountEndpoint::User);
    let extra = request.try_clone().unwrap().header("new-api-user", "1");
    assert_eq!(json_of(extra).await.0, 400);
    assert_eq!(json_of(request).await.0, 200);
    assert_eq!(rules(&server), [Rule::Header]);
}

#[tokio::test]
async fn the_endpoints_are_at_the_root_alone() {
    let server = MockServer::start().await.unwrap();
    let below = http().request(Method::GET, format!("{}/api/models", server.base_url()));
    let page = below.send().await.unwrap().text().await.unwrap();
    assert!(page.starts_with("<!doctype html>"), "{page}");
    assert_eq!(rules(&server), [Rule::UnknownPath]);
}
