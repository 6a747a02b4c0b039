//! What the document does not allow is refused in the service's words, and recorded.

use cometapi_mock::{Builder, MockServer, Rule, Violation};
use reqwest::Method;
use serde_json::{Value, json};

use crate::client::{create, created, header, http, json_of, poll, raw, raw_get};

async fn server() -> MockServer {
    MockServer::start().await.unwrap()
}

fn rules(server: &MockServer) -> Vec<Rule> {
    server
        .violations()
        .iter()
        .map(|violation: &Violation| violation.rule)
        .collect()
}

#[track_caller]
fn is_invalid_request(answer: &(reqwest::StatusCode, Value), part: &str) {
    let (status, body) = answer;
    assert_eq!(*status, 400, "{body}");
    assert_eq!(body["code"], "invalid_request");
    assert_eq!(body["data"], json!(null));
    assert!(body["message"].as_str().unwrap().contains(part), "{body}");
}

#[tokio::test]
async fn no_key_and_two_keys() {
    let server = server().await;
    let url = format!("{}/predictions/x", server.base_url());
    for request in [
        http().get(&url),
        http().get(&url).bearer_auth("a").bearer_auth("a"),
        http().get(&url).header("authorization", "Basic YTpi"),
        http().get(&url).header("authorization", "Bearer "),
    ] {
        let (status, body) = json_of(request).await;
        assert_eq!(status, 401);
        assert_eq!(body["error"]["type"], "comet_api_error");
        let message = body["error"]["message"].as_str().unwrap();
        assert!(
            message.starts_with("Invalid token (request id: 20"),
            "{message}"
        );
        assert_eq!(body["error"].as_object().unwrap().len(), 2);
    }
    assert_eq!(rules(&server), [Rule::Security; 4]);
}

#[tokio::test]
async fn an_undeclared_header_or_query() {
    let server = MockServer::builder().strict_headers();
    let server = server.start().await.unwrap();
    let extra = create(&server).header("api-version", "1.0.0");
    is_invalid_request(&json_of(extra).await, "header api-version");
    let extra = create(&server).query(&[("webhook", "u")]);
    is_invalid_request(&json_of(extra).await, "query webhook");
    assert_eq!(rules(&server), [Rule::Header, Rule::Query]);
    assert_eq!(server.create_requests(), 2);
    assert!(server.predictions().is_empty());
}

#[tokio::test]
async fn a_lenient_server_records_and_goes_on() {
    let server = MockServer::builder().strict_headers().lenient();
    let server = server.start().await.unwrap();
    let extra = create(&server)
        .header("api-version", "1.0.0")
        .query(&[("a", "b")]);
    assert_eq!(json_of(extra).await.0, 200);
    assert_eq!(rules(&server), [Rule::Query, Rule::Header]);
    // Leniency ends where the request stops making sense.
    let (status, _) = json_of(create(&server).body("{")).await;
    assert_eq!(status, 400);
}

#[tokio::test]
async fn a_chunked_body() {
    let server = MockServer::builder().strict_headers();
    let server = server.start().await.unwrap();
    let path = "/replicate/v1/models/a/b/predictions";
    let body = r#"{"input":{}}"#;
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: mock\r\nauthorization: Bearer k\r\n\
         content-type: application/json\r\nconnection: close\r\n"
    );
    let chunked = format!(
        "{head}transfer-encoding: chunked\r\n\r\n{:x}\r\n{body}\r\n0\r\n\r\n",
        body.len()
    );
    assert_eq!(raw(&server, &chunked).await, "HTTP/1.1 400 Bad Request");
    assert_eq!(rules(&server), [Rule::Header]);
    let plain = format!("{head}content-length: {}\r\n\r\n{body}", body.len());
    assert_eq!(raw(&server, &plain).await, "HTTP/1.1 200 OK");
    // Bodies are whole in the ledger either way.
    assert_eq!(server.requests()[0].body, body);
}

/// What curl --compressed, urllib, requests, httpx, fetch of a browser and of Node, and proxies
/// send with every request.
#[tokio::test]
async fn the_headers_of_ordinary_clients_are_accepted() {
    let server = server().await;
    let names = [
        ("accept", "*/*"),
        ("accept-encoding", "gzip, deflate, br, zstd"),
        ("accept-language", "*"),
        ("cache-control", "no-cache"),
        ("dnt", "1"),
        ("forwarded", "for=192.0.2.1"),
        ("origin", "http://localhost:3000"),
        ("pragma", "no-cache"),
        ("prefer", "wait"),
        ("priority", "u=1, i"),
        ("referer", "http://localhost:3000/"),
        ("sec-fetch-dest", "empty"),
        ("sec-fetch-mode", "cors"),
        ("te", "trailers"),
        (
            "traceparent",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        ),
        ("user-agent", "Python-urllib/3.11"),
        ("x-forwarded-for", "192.0.2.1"),
        ("x-stainless-lang", "python"),
    ];
    let id = created(&server).await;
    for request in [create(&server), poll(&server, &id)] {
        let request = names.iter().fold(request, |request, (name, value)| {
            request.header(*name, *value)
        });
        let (status, body) = json_of(request).await;
        assert_eq!(status, 200, "{body}");
    }
    let body = r#"{"input":{}}"#;
    let chunked = format!(
        "POST /replicate/v1/models/a/b/predictions HTTP/1.1\r\nhost: mock\r\n\
         authorization: Bearer k\r\ncontent-type: application/json\r\nconnection: close\r\n\
         expect: 100-continue\r\ntransfer-encoding: chunked\r\n\r\n{:x}\r\n{body}\r\n0\r\n\r\n",
        body.len()
    );
    assert_eq!(raw(&server, &chunked).await, "HTTP/1.1 100 Continue");
    assert_eq!(server.predictions().len(), 3);
    server.assert_no_violations();
}

#[tokio::test]
async fn the_address_itself_lists_what_is_served() {
    for key in [None, Some("sk-hidden")] {
        let server = MockServer::builder();
        let server = key.into_iter().fold(server, Builder::key);
        let server = server.start().await.unwrap();
        let response = http().get(server.origin()).send().await.unwrap();
        assert_eq!(
            header(&response, "content-type"),
            "text/plain; charset=utf-8"
        );
        let page = response.text().await.unwrap();
        for operation in [
            "POST /replicate/v1/models/{model_owner}/{model_name}/predictions\n",
            "GET /replicate/v1/predictions/{prediction_id}\n",
            "GET /api/models\n",
            "GET /api/task/self\n",
        ] {
            assert!(page.contains(operation), "{page}");
        }
        let create = format!(
            "curl -sS {}/models/{}/predictions \\\n",
            server.base_url(),
            crate::client::SCHNELL
        );
        assert!(page.contains(&create), "{page}");
        assert!(!page.contains("sk-hidden"), "{page}");
        let shown = if key.is_some() {
            "$COMETAPI_KEY"
        } else {
            "any"
        };
        assert_eq!(
            page.matches(&format!("Bearer {shown}\"")).count(),
            // Two operations, and two of the account's endpoints.
            4,
            "{page}"
        );
    }
}

#[tokio::test]
async fn the_wrong_method() {
    let server = server().await;
    let url = format!("{}/predictions/x", server.base_url());
    for method in [Method::POST, Method::DELETE, Method::OPTIONS, Method::HEAD] {
        let request = http().request(method, &url).bearer_auth("k");
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 405);
        assert_eq!(header(&response, "allow"), "GET");
    }
    assert_eq!(rules(&server), [Rule::Method; 4]);
}

#[tokio::test]
async fn a_path_that_no_url_parser_would_send() {
    let server = server().await;
    for id in ["..", ".", "%2e%2e", "a%0Ab"] {
        let status = raw_get(&server, &format!("/replicate/v1/predictions/{id}")).await;
        assert_eq!(status, "HTTP/1.1 400 Bad Request", "{id}");
    }
    assert_eq!(rules(&server), [Rule::PathParameter; 4]);
    let last = server.requests();
    // As it stood on the wire.
    assert!(last[2].target.ends_with("/%2e%2e"));
    assert_eq!(last[3].id.as_deref(), Some("a\nb"));
}

#[tokio::test]
async fn an_encoded_slash_is_another_address() {
    let server = server().await;
    let request = http()
        .post(format!(
            "{}/models/black-forest-labs%2Fflux-schnell/predictions",
            server.base_url()
        ))
        .bearer_auth("k")
        .json(&json!({"input": {}}));
    let response = request.send().await.unwrap();
    // The gateway's web router takes any path it does not know for a page.
    assert_eq!(response.status(), 200);
    assert_eq!(
        header(&response, "content-type"),
        "text/html; charset=utf-8"
    );
    assert!(
        response
            .text()
            .await
            .unwrap()
            .starts_with("<!doctype html>")
    );
    assert_eq!(rules(&server), [Rule::UnknownPath]);
    assert_eq!(server.create_requests(), 0);
}

#[tokio::test]
async fn the_gateways_own_paths_answer_json() {
    let server = server().await;
    let request = http().get(format!("{}/v1/predictions", server.origin()));
    let (status, body) = json_of(request).await;
    assert_eq!(status, 404);
    assert_eq!(body["error"]["type"], "invalid_request_error");
    assert_eq!(body["error"]["code"], "");
    let message = body["error"]["message"].as_str().unwrap();
    assert!(
        message.starts_with("Invalid URL (GET /v1/predictions)"),
        "{message}"
    );
    assert_eq!(rules(&server), [Rule::UnknownPath]);
}

#[tokio::test]
async fn the_wrong_content_type() {
    let server = server().await;
    let url = format!("{}/models/a/b/predictions", server.base_url());
    let request = http().post(&url).bearer_auth("k").body(r#"{"input":{}}"#);
    for request in [
        request.try_clone().unwrap(),
        request.header("content-type", "text/plain"),
    ] {
        let (status, body) = json_of(request).await;
        assert_eq!(status, 415, "{body}");
        assert_eq!(body["error"]["type"], "comet_api_error");
    }
    assert_eq!(rules(&server), [Rule::ContentType; 2]);
}

#[tokio::test]
async fn bodies_that_are_no_create() {
    let server = server().await;
    let send = |body: &'static str| json_of(create(&server).body(body));
    is_invalid_request(&send("{").await, "EOF");
    is_invalid_request(&send("").await, "EOF");
    is_invalid_request(&send("{}").await, "/input");
    is_invalid_request(&send("[]").await, "body");
    is_invalid_request(&send(r#"{"input":[]}"#).await, "/input");
    is_invalid_request(&send(r#"{"input":{},"prompt":"p"}"#).await, "prompt");
    assert_eq!(
        rules(&server),
        [
            Rule::BodySyntax,
            Rule::BodySyntax,
            Rule::BodySchema,
            Rule::BodySchema,
            Rule::BodySchema,
            Rule::BodySchema
        ]
    );
    assert!(server.predictions().is_empty());
}

#[tokio::test]
async fn a_body_that_is_too_large() {
    let server = server().await;
    let body = vec![b' '; (16 << 20) + 1];
    let (status, body) = json_of(create(&server).body(body)).await;
    assert_eq!(status, 413);
    assert_eq!(body["error"]["code"], "read_request_body_failed");
    assert!(server.requests()[0].body.is_empty());
    // Just under it is another matter.
    let mut body = vec![b' '; 16 << 20];
    let create_body = br#"{"input":{"prompt":"p"}}"#;
    body[..create_body.len()].copy_from_slice(create_body);
    assert_eq!(json_of(create(&server).body(body)).await.0, 200);
}

#[tokio::test]
async fn what_is_not_even_http() {
    let server = server().await;
    let status = raw(&server, "HELO mock\r\n\r\n").await;
    assert_eq!(status, "HTTP/1.1 400 Bad Request");
    assert!(server.requests().is_empty());
    assert_eq!(rules(&server), [Rule::Protocol]);
}

#[tokio::test]
async fn a_key_on_the_files_origin() {
    let server = server().await;
    let url = format!("{}/xezq/a/b", server.files_origin());
    for name in ["authorization", "x-api-key", "cookie"] {
        let response = http()
            .get(&url)
            .header(name, "sk-test")
            .send()
            .await
            .unwrap();
        assert_eq!(response.status(), 401);
    }
    assert_eq!(http().get(&url).send().await.unwrap().status(), 404);
    assert_eq!(rules(&server), [Rule::Leak; 3]);
    assert!(!format!("{:?}", server.violations()).contains("sk-test"));
    assert!(!format!("{:?}", server.file_requests()).contains("sk-test"));
}

#[tokio::test]
async fn clean_requests_leave_no_violation() {
    let server = server().await;
    let id = created(&server).await;
    json_of(poll(&server, &id)).await;
    server.assert_no_violations();
    assert_eq!(server.requests().len(), 2);
}

#[tokio::test]
#[should_panic(expected = "header api-version: not declared")]
async fn the_assertion_names_what_was_wrong() {
    let server = MockServer::builder().strict_headers();
    let server = server.start().await.unwrap();
    json_of(create(&server).header("api-version", "1.0.0")).await;
    server.assert_no_violations();
}
