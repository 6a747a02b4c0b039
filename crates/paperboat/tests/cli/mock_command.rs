//! `paperboat mock`: the service for any language.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::fox;
use crate::place::Place;

#[cfg(unix)]
#[tokio::test]
async fn it_serves_until_ctrl_c() {
    let place = Place::new();
    let mut mock = place
        .paperboat(["mock", "--port", "0", "--wrapped"])
        .start();
    let origin = mock.first_line().await;
    assert!(origin.starts_with("http://127.0.0.1:"), "{origin}");

    let run = fox(&place, "run", &["-o", "out"]).at(&origin);
    let ended = run.ends(0).await;
    assert_eq!(ended.lines().len(), 1);
    assert_eq!(place.names("out"), [format!("{}.webp", ended.id())]);

    mock.interrupt().await;
    let ended = mock.ends(0).await;
    // The origin was all of it; how to use it is for people.
    assert_eq!(ended.stdout, "");
    ended.says(&[
        &format!("export COMETAPI_BASE_URL={origin}"),
        &format!("export COMETAPI_ACCOUNT_URL={origin}"),
        "export COMETAPI_KEY=any",
        "paperboat run ",
    ]);
}

/// A script may press ctrl-c as soon as it has read the first line.
#[cfg(unix)]
#[tokio::test]
async fn ctrl_c_is_heard_from_the_first_line_on() {
    let place = Place::new();
    for _ in 0..3 {
        let mut mock = place.paperboat(["mock", "--port", "0"]).start();
        mock.first_line().await;
        mock.interrupt().await;
        mock.ends(0).await;
    }
}

#[tokio::test]
async fn a_taken_port_is_an_error_with_a_way_on() {
    let place = Place::new();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let ended = place.paperboat(["mock", "--port", &port]).ends(1).await;
    ended.says(&[
        &format!("cannot listen on 127.0.0.1:{port}"),
        "in use",
        "--port 0",
    ]);
    assert_eq!(ended.stdout, "");

    let ended = place.paperboat(["mock", "--port", "70000"]).ends(2).await;
    ended.says(&["70000 is not in 0..=65535"]);
}

/// Sends one request as any client would, and returns its whole response.
async fn exchange(origin: &str, request: &str) -> String {
    let address = origin.trim_start_matches("http://");
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("{request}\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).await.unwrap();
    response
}

const POLL: &str = "GET /replicate/v1/predictions/x?key=sk-query HTTP/1.1\r\n\
                    accept-encoding: gzip\r\naccept-language: *";

#[cfg(unix)]
#[tokio::test]
async fn each_request_is_a_line_and_a_key_is_on_none() {
    let place = Place::new();
    let args = [
        "mock",
        "--port",
        "0",
        "--key",
        "sk-mine",
        "--pace",
        "instant",
        "--latency",
        "1ms",
    ];
    let mut mock = place.paperboat(args).start();
    let origin = mock.first_line().await;

    for (key, status) in [
        ("", "401"),
        ("\r\nauthorization: Bearer ", "401"),
        ("\r\nauthorization: Bearer sk-other", "401"),
        ("\r\nauthorization: Bearer sk-mine", "400"),
    ] {
        let response = exchange(&origin, &format!("{POLL}{key}")).await;
        assert!(
            response.starts_with(&format!("HTTP/1.1 {status}")),
            "{response}"
        );
        mock.says(&format!("GET /replicate/v1/predictions/x {status} "))
            .await;
    }
    let page = exchange(&origin, "GET / HTTP/1.1").await;
    assert!(
        page.contains(&format!("curl -sS {origin}/replicate/v1/models/")),
        "{page}"
    );

    mock.interrupt().await;
    let ended = mock.ends(0).await;
    ended.says(&["GET / 200 ", " ms", "as given with --key"]);
    assert!(!ended.stderr.contains("sk-"), "{}", ended.stderr);
    assert!(!page.contains("sk-"), "{page}");
}

#[cfg(unix)]
#[tokio::test]
async fn any_key_but_an_empty_one_is_accepted_unless_one_is_given() {
    let place = Place::new();
    let mut mock = place.paperboat(["mock", "--port", "0"]).start();
    let origin = mock.first_line().await;
    for (key, status) in [
        ("", "401"),
        ("\r\nauthorization: Bearer ", "401"),
        ("\r\nauthorization: Bearer anything", "400"),
    ] {
        let poll = POLL.replace("?key=sk-query", "");
        let response = exchange(&origin, &format!("{poll}{key}")).await;
        assert!(
            response.starts_with(&format!("HTTP/1.1 {status}")),
            "{response}"
        );
    }
    mock.interrupt().await;
    mock.ends(0).await;
}

#[cfg(unix)]
#[tokio::test]
async fn faults_are_injected_by_name() {
    let place = Place::new();
    let args = [
        "mock",
        "--port",
        "0",
        "--seed",
        "7",
        "--fault",
        "bad-gateway-page:0",
        "--fault",
        "model-not-found",
        "--fault=file-gone",
    ];
    let mut mock = place.paperboat(args).start();
    let origin = mock.first_line().await;
    let ended = fox(&place, "create", &["--no-ledger"])
        .at(&origin)
        .ends(1)
        .await;
    ended.says(&["no available channel"]);
    let line = mock.says(" 503 ").await;
    assert!(line.contains("POST /replicate/v1/models/"), "{line}");
    mock.interrupt().await;
    mock.ends(0).await;
}

#[cfg(unix)]
#[tokio::test]
async fn prices_and_balance_are_those_that_were_given() {
    let place = Place::new();
    let args = [
        "mock",
        "--port",
        "0",
        "--price",
        "flux-schnell=0.06",
        "--balance",
        "0.10",
    ];
    let mut mock = place.paperboat(args).start();
    let origin = mock.first_line().await;
    let create = |code| {
        fox(&place, "create", &["--no-ledger"])
            .at(&origin)
            .ends(code)
    };
    create(0).await;
    create(6).await.says(&["quota"]);

    let path = "/api/model/black-forest-labs%2Fflux-schnell";
    let model = exchange(&origin, &format!("GET {path} HTTP/1.1")).await;
    assert!(model.contains(r#""per_request":0.06"#), "{model}");
    let usage = "GET /v1/dashboard/billing/usage HTTP/1.1\r\nauthorization: Bearer any";
    let usage = exchange(&origin, usage).await;
    assert!(usage.contains(r#""total_usage":6}"#), "{usage}");
    mock.interrupt().await;
    mock.ends(0).await;
}

#[tokio::test]
async fn an_unknown_fault_gets_the_nearest_name() {
    let place = Place::new();
    let ended = place
        .paperboat(["mock", "--fault", "bad-gatway:0.1"])
        .ends(2)
        .await;
    ended.says(&["did you mean bad-gateway-page?"]);
    let ended = place
        .paperboat(["mock", "--fault", "close:2"])
        .ends(2)
        .await;
    ended.says(&["write a number from 0 to 1"]);
    let ended = place.paperboat(["mock", "--pace", "soon"]).ends(2).await;
    ended.says(&["or `instant`"]);
    let ended = place.paperboat(["mock", "--price", "a/b"]).ends(2).await;
    ended.says(&["expected MODEL=USD"]);
}
