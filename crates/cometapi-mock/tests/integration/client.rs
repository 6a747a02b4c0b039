//! A client that sends whatever a test wants, valid or not.

use std::io;
use std::sync::{LazyLock, mpsc};

use bytes::Bytes;
use cometapi_mock::MockServer;
use reqwest::{RequestBuilder, Response, StatusCode, redirect};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

pub(crate) const SCHNELL: &str = "black-forest-labs/flux-schnell";
pub(crate) const KONTEXT: &str = "black-forest-labs/flux-kontext-pro";

/// No proxies from the environment, no redirects, no waiting for a stale connection. It keeps no
/// connection, so that tests can share it although each has a runtime of its own.
pub(crate) fn http() -> reqwest::Client {
    static HTTP: LazyLock<reqwest::Client> = LazyLock::new(|| {
        reqwest::Client::builder()
            .no_proxy()
            .redirect(redirect::Policy::none())
            .pool_max_idle_per_host(0)
            .build()
            .unwrap()
    });
    HTTP.clone()
}

/// Keeps the paused clock from advancing by itself until dropped: it would otherwise jump
/// while a response is still in the socket. Tokio does not jump while a blocking task runs.
pub(crate) fn hold_clock() -> impl Drop {
    struct Held(Option<mpsc::Sender<()>>);
    impl Drop for Held {
        fn drop(&mut self) {
            self.0.take();
        }
    }
    let (release, released) = mpsc::channel::<()>();
    tokio::task::spawn_blocking(move || {
        let _ = released.recv();
    });
    Held(Some(release))
}

pub(crate) fn create_of(server: &MockServer, model: &str, input: &Value) -> RequestBuilder {
    http()
        .post(format!("{}/models/{model}/predictions", server.base_url()))
        .bearer_auth("sk-test")
        .json(&json!({ "input": input }))
}

/// A valid create that nothing has been sent of yet.
pub(crate) fn create(server: &MockServer) -> RequestBuilder {
    create_of(server, SCHNELL, &json!({"prompt": "p", "seed": 42}))
}

/// A valid poll that nothing has been sent of yet.
pub(crate) fn poll(server: &MockServer, id: &str) -> RequestBuilder {
    http()
        .get(format!("{}/predictions/{id}", server.base_url()))
        .bearer_auth("sk-test")
}

/// Sends and reads, for answers that are JSON.
pub(crate) async fn json_of(request: RequestBuilder) -> (StatusCode, Value) {
    let response = request.send().await.unwrap();
    (response.status(), response.json().await.unwrap())
}

/// A prediction that exists: its id.
pub(crate) async fn created(server: &MockServer) -> String {
    created_of(server, SCHNELL, json!({"prompt": "p", "seed": 42})).await
}

pub(crate) async fn created_of(server: &MockServer, model: &str, input: Value) -> String {
    let (status, body) = json_of(create_of(server, model, &input)).await;
    assert!(status.is_success(), "{status} {body}");
    body["id"].as_str().unwrap().to_owned()
}

pub(crate) async fn polled(server: &MockServer, id: &str) -> Value {
    let (status, body) = json_of(poll(server, id)).await;
    assert_eq!(status, 200, "{body}");
    body
}

/// What came of a request, as far as it came.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Outcome {
    Answer {
        status: u16,
        media: String,
        location: String,
        body: Bytes,
    },
    /// An answer began, and its body broke off.
    Broken { status: u16 },
    /// Nothing came back.
    Lost,
}

pub(crate) async fn outcome(request: RequestBuilder) -> Outcome {
    let Ok(response) = request.send().await else {
        return Outcome::Lost;
    };
    let status = response.status().as_u16();
    let header = |name: &str| {
        let value = response.headers().get(name);
        value.map_or(String::new(), |value| value.to_str().unwrap().to_owned())
    };
    let (media, location) = (header("content-type"), header("location"));
    match response.bytes().await {
        Ok(body) => Outcome::Answer {
            status,
            media,
            location,
            body,
        },
        Err(_) => Outcome::Broken { status },
    }
}

/// Sends bytes as they are, which no client would, and reads to the end of the connection:
/// what came, and how it ended.
pub(crate) async fn exchange(server: &MockServer, request: &str) -> (String, io::Result<()>) {
    let address = server.origin().trim_start_matches("http://");
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let end = stream.read_to_end(&mut answer).await;
    let answer = String::from_utf8_lossy(&answer).into_owned();
    (answer, end.map(drop))
}

/// Sends bytes as they are and gives back the status line.
pub(crate) async fn raw(server: &MockServer, request: &str) -> String {
    let (answer, end) = exchange(server, request).await;
    end.unwrap();
    answer.lines().next().unwrap_or_default().to_owned()
}

pub(crate) fn get_request(target: &str) -> String {
    format!(
        "GET {target} HTTP/1.1\r\nhost: mock\r\nauthorization: Bearer sk-test\r\n\
         connection: close\r\n\r\n"
    )
}

/// A `GET` of a target that no URL parser has touched.
pub(crate) async fn raw_get(server: &MockServer, target: &str) -> String {
    raw(server, &get_request(target)).await
}

pub(crate) fn header(response: &Response, name: &str) -> String {
    response.headers()[name].to_str().unwrap().to_owned()
}
