//! What an account reports when a response is not what it should be.

use std::time::Duration;

use cometapi_account::{Account, Error, ErrorKind, TaskFilter};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use wiremock::{MockServer, ResponseTemplate};

use crate::{KEY, TOKEN, account, client, json, serve};

const PAGE: &str = "<!DOCTYPE html><title>Just a moment</title>";

/// What the operations with and without a secret report for one response.
async fn reported(response: ResponseTemplate) -> [Error; 4] {
    let server = MockServer::start().await;
    for path in [
        "/api/models",
        "/api/user/self",
        "/api/task/self",
        "/v1/dashboard/billing/subscription",
    ] {
        serve(&server, path, response.clone()).await;
    }
    let account = account(&server);
    [
        account.prices().await.unwrap_err(),
        account.account_balance().await.unwrap_err(),
        account.tasks(TaskFilter::default()).await.unwrap_err(),
        account.key_balance().await.unwrap_err(),
    ]
}

fn with(status: u16, body: &str, kind: &str) -> ResponseTemplate {
    ResponseTemplate::new(status).set_body_raw(body, kind)
}

#[tokio::test]
async fn a_failure_is_reported_by_its_status_and_its_shape() {
    use ErrorKind::{Refused, Unauthorized, Unavailable, Unreadable};
    let refused = r#"{"success": false, "message": "no such user"}"#;
    let invalid = r#"{"error": {"message": "Invalid token", "type": "comet_api_error"}}"#;
    for (response, public, private, says) in [
        (json(refused), Refused, Refused, "no such user"),
        (json(invalid), Refused, Refused, "Invalid token"),
        (
            json(r#"{"success": "false"}"#),
            Refused,
            Refused,
            "refused the request",
        ),
        (
            with(401, invalid, "application/json"),
            Refused,
            Unauthorized,
            "Invalid token",
        ),
        (
            with(401, "", "text/plain"),
            Refused,
            Unauthorized,
            "refused",
        ),
        (
            with(403, refused, "application/json"),
            Refused,
            Unauthorized,
            "no such user",
        ),
        (
            with(403, PAGE, "text/html"),
            Refused,
            Refused,
            "a firewall or a proxy",
        ),
        (
            with(403, "{}", "application/json"),
            Refused,
            Refused,
            "a firewall or a proxy",
        ),
        (with(404, PAGE, "text/html"), Refused, Refused, "(404)"),
        (
            with(429, "", "text/plain"),
            Unavailable,
            Unavailable,
            "try again later",
        ),
        (
            with(500, invalid, "application/json"),
            Unavailable,
            Unavailable,
            "(500): Invalid token",
        ),
        (
            with(524, PAGE, "text/html"),
            Unavailable,
            Unavailable,
            "(524)",
        ),
        (
            with(200, PAGE, "text/html"),
            Unreadable,
            Unreadable,
            "a web page",
        ),
        (with(204, "", "text/plain"), Unreadable, Unreadable, "204"),
        (json(""), Unreadable, Unreadable, "not the JSON"),
        (json("[1, 2]"), Unreadable, Unreadable, "not the JSON"),
        (
            json(r#"{"success": true"#),
            Unreadable,
            Unreadable,
            "not the JSON",
        ),
        (json("{}"), Unreadable, Unreadable, "has no "),
        (
            json(r#"{"success": true, "data": null}"#),
            Unreadable,
            Unreadable,
            "has no ",
        ),
        (
            json(r#"{"data": "x", "hard_limit_usd": {}}"#),
            Unreadable,
            Unreadable,
            "has no ",
        ),
    ] {
        let context = format!("{response:?}");
        let [prices, others @ ..] = reported(response).await;
        assert_eq!(prices.kind(), public, "{context}: {prices}");
        for error in others {
            assert_eq!(error.kind(), private, "{context}: {error}");
            assert!(error.to_string().contains(says), "{error}: {says}");
        }
    }
}

#[tokio::test]
async fn a_secret_that_the_service_repeats_is_in_no_error() {
    let body = format!(r#"{{"message": "unknown: {TOKEN} {KEY}", "success": false}}"#);
    for status in [200, 401, 403, 500] {
        let [_, user, tasks, key] = reported(with(status, &body, "application/json")).await;
        for (error, secret) in [(user, TOKEN), (tasks, TOKEN), (key, KEY)] {
            let shown = format!("{error}{error:?}");
            assert!(!shown.contains(secret), "{shown}");
        }
    }
}

#[tokio::test]
async fn a_message_is_quoted_short_and_on_one_line() {
    let body = format!(
        r#"{{"message": "a\n\u001b[31mb{}", "success": false}}"#,
        "x".repeat(9000)
    );
    for error in reported(json(&body)).await {
        let text = error.to_string();
        assert!(
            !text.contains(char::is_control) && text.len() < 500,
            "{text}"
        );
        assert!(text.contains("a  [31mb"), "{text}");
    }
}

#[tokio::test]
async fn a_response_in_an_unknown_encoding_cannot_be_read() {
    // The magic number of zstd, and then nothing.
    let response = ResponseTemplate::new(200).set_body_bytes([0x28, 0xb5, 0x2f, 0xfd]);
    for error in reported(response.insert_header("content-encoding", "zstd")).await {
        assert_eq!(error.kind(), ErrorKind::Unreadable);
    }
}

/// A server that lets `respond` write to each connection and then keeps it or closes it.
async fn raw(respond: &'static str, keeps: bool) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let mut kept = Vec::new();
        while let Ok((mut socket, _)) = listener.accept().await {
            let mut request = [0; 4096];
            let _ = socket.read(&mut request).await;
            let _ = socket.write_all(respond.as_bytes()).await;
            if keeps {
                kept.push(socket);
            }
        }
    });
    format!("http://{address}")
}

fn at(root: &str, timeout: Option<Duration>) -> Account {
    let builder = Account::builder().client(&client(root)).root(root);
    let builder = builder.access_token(TOKEN);
    let builder = match timeout {
        Some(timeout) => builder.timeout(timeout),
        None => builder,
    };
    builder.build().unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_hanging_service_is_unreachable_after_the_timeout() {
    for head in [
        "",
        "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"data\":",
    ] {
        let root = raw(head, true).await;
        for (timeout, says) in [
            (None, "within 10 s"),
            (Some(Duration::from_millis(2500)), "within 2.5 s"),
        ] {
            let account = at(&root, timeout);
            for error in [
                account.prices().await.unwrap_err(),
                account.balance().await.unwrap_err(),
                account.tasks(TaskFilter::default()).await.unwrap_err(),
                account.key_balance().await.unwrap_err(),
            ] {
                assert_eq!(error.kind(), ErrorKind::Unreachable, "{error}");
                assert!(error.to_string().contains(says), "{error}");
            }
        }
    }
}

#[tokio::test]
async fn a_response_that_breaks_off_cannot_be_read() {
    let root = raw(
        "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"data\":",
        false,
    )
    .await;
    let error = at(&root, None).prices().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unreadable);
    assert!(error.to_string().contains("was cut off"), "{error}");
}

#[tokio::test]
async fn a_connection_that_is_not_made_names_its_cause() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let root = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let error = at(&root, None).prices().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unreachable);
    assert!(error.to_string().contains("refused"), "{error}");
    assert!(std::error::Error::source(&error).is_some());
}
