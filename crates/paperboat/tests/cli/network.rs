//! Certificates, proxies and responses that cannot be read, as the environment has them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use cometapi_mock::{Ending, Fault, MockServer};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};

use crate::place::{KEY, Place};
use crate::{fox, server};

/// As in a container without CA certificates.
const NO_CERTIFICATES: [(&str, &str); 2] = [
    ("SSL_CERT_FILE", "/no/such/file"),
    ("SSL_CERT_DIR", "/no/such/folder"),
];

#[tokio::test]
async fn plain_http_needs_no_certificates() {
    let place = Place::new();
    let server = server().await;
    let call = fox(&place, "run", &["-o", "out"]).at(server.origin());
    let [file, folder] = NO_CERTIFICATES;
    call.env(file.0, file.1)
        .env(folder.0, folder.1)
        .ends(0)
        .await;
    assert_eq!(place.names("out").len(), 1);
    assert_eq!(server.create_requests(), 1);
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn https_without_certificates_is_refused_before_anything_is_sent() {
    let place = Place::new();
    let call = fox(&place, "run", &[]).at("https://127.0.0.1:9");
    let [file, folder] = NO_CERTIFICATES;
    let ended = call.env(file.0, file.1).env(folder.0, folder.1).ends(2);
    ended.await.says(&["install the system's CA certificates"]);
}

/// A proxy that speaks to each connection by `serve`; its address and a count of connections.
async fn proxy<F>(serve: impl Fn(TcpStream) -> F + Send + 'static) -> (String, Arc<AtomicUsize>)
where
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let connections = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&connections);
    tokio::spawn(async move {
        loop {
            let (socket, _) = listener.accept().await.unwrap();
            count.fetch_add(1, Ordering::Relaxed);
            tokio::spawn(serve(socket));
        }
    });
    (address, connections)
}

#[tokio::test]
async fn a_proxy_that_wants_a_login_is_asked_once() {
    let (address, connections) = proxy(|mut socket| async move {
        let mut request = vec![0; 4096];
        let read = socket.read(&mut request).await.unwrap();
        assert!(request[..read].starts_with(b"CONNECT "));
        let answer = "HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n";
        socket.write_all(answer.as_bytes()).await.unwrap();
    })
    .await;
    let place = Place::new();
    let ended = fox(&place, "create", &[])
        .at("https://service.example")
        .env("HTTPS_PROXY", format!("http://{address}"))
        .ends(1)
        .await;
    ended.says(&["no connection to the service", "proxy authorization"]);
    assert_eq!(connections.load(Ordering::Relaxed), 1);
}

/// Accepts the destination `host`, and leads to `upstream`.
async fn socks5(mut near: TcpStream, host: &str, upstream: &str) {
    let mut hello = [0; 2];
    near.read_exact(&mut hello).await.unwrap();
    assert_eq!(hello[0], 5);
    let mut methods = vec![0; usize::from(hello[1])];
    near.read_exact(&mut methods).await.unwrap();
    near.write_all(&[5, 0]).await.unwrap();
    let mut request = [0; 5];
    near.read_exact(&mut request).await.unwrap();
    // A name, which the proxy resolves.
    assert_eq!(request[3], 3);
    let mut rest = vec![0; usize::from(request[4]) + 2];
    near.read_exact(&mut rest).await.unwrap();
    assert!(rest.starts_with(host.as_bytes()));
    near.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0])
        .await
        .unwrap();
    let mut far = TcpStream::connect(upstream).await.unwrap();
    let _ = copy_bidirectional(&mut near, &mut far).await;
}

/// A proxy that leads requests to `host` to the mock.
pub(crate) async fn socks_proxy(
    host: &'static str,
    server: &MockServer,
) -> (String, Arc<AtomicUsize>) {
    let upstream = server.origin().trim_start_matches("http://").to_owned();
    proxy(move |near| {
        let upstream = upstream.clone();
        async move { socks5(near, host, &upstream).await }
    })
    .await
}

#[tokio::test]
async fn a_socks_proxy_is_used() {
    let server = server().await;
    let (address, connections) = socks_proxy("service.example", &server).await;
    let place = Place::new();
    let ended = fox(&place, "create", &["--allow-http"])
        .at("http://service.example")
        .env("ALL_PROXY", format!("socks5h://{address}"))
        .ends(0)
        .await;
    assert_eq!(ended.stdout.trim(), server.predictions()[0].id);
    assert_eq!(connections.load(Ordering::Relaxed), 1);
    assert!(!ended.stderr.contains(KEY));
}

/// The base is on no private network, so the file on loopback is on one that the service chose.
/// That a proxy is set, which is not used for loopback, changes nothing.
#[tokio::test]
async fn a_file_on_a_private_network_is_saved_only_if_allowed() {
    let server = server().await;
    let (address, _) = socks_proxy("service.example", &server).await;
    let named = server
        .files_origin()
        .replace("127.0.0.1", "files.localhost");
    let redirected = format!("{named}/0.png");
    let place = Place::new();
    let call = |command: &str, more: &[&str]| {
        let call = fox(
            &place,
            command,
            &["--allow-http"]
                .iter()
                .chain(more)
                .copied()
                .collect::<Vec<_>>(),
        );
        call.at("http://service.example")
            .env("ALL_PROXY", format!("socks5h://{address}"))
    };
    let ended = call("run", &["-o", "out"]).ends(1).await;
    ended.says(&[
        "127.0.0.1, is on a private network",
        "--allow-private-files",
    ]);
    server.on_end(Ending::Output(json!([redirected])));
    let ended = call("run", &["-o", "out"]).ends(1).await;
    ended.says(&["is on a private network", "--allow-private-files"]);
    server.on_end(Ending::Output(json!([
        "http://169.254.169.254/latest/0.png"
    ])));
    let ended = call("run", &["-o", "out", "--allow-private-files"])
        .ends(1)
        .await;
    ended.says(&["169.254.169.254, is link-local or reserved"]);
    assert!(server.file_requests().is_empty());
    assert_eq!(place.names("out"), [""; 0]);

    let id = ended.id().to_owned();
    assert_eq!(server.predictions().len(), 3);
    assert_eq!(server.predictions()[2].id, id);
    call("run", &["-o", "out", "--allow-private-files"])
        .ends(0)
        .await;
    assert_eq!(place.names("out").len(), 1);

    place.write(
        "rows.jsonl",
        "{\"prompt\": \"x\", \"megapixels\": \"0.25\"}",
    );
    for (more, code, saved) in [(&[][..], 1, 0), (&["--allow-private-files"], 0, 1)] {
        let args = [
            "batch",
            "rows.jsonl",
            "--model",
            crate::SCHNELL,
            "-o",
            "rows",
        ];
        let ended = place
            .paperboat(args.iter().chain(&["--allow-http"]).chain(more))
            .at("http://service.example")
            .env("ALL_PROXY", format!("socks5h://{address}"))
            .ends(code)
            .await;
        assert_eq!(place.names("rows").len(), saved, "{}", ended.stderr);
    }
}

/// What could not be read is said, and its start shown: it may hold the end of the prediction.
#[tokio::test]
async fn a_wait_that_could_not_read_says_what() {
    // The first timeout in which this machine reads a response: another poll follows it.
    for timeout in ["1", "4", "16", "64"] {
        let place = Place::new();
        let server = server().await;
        server.on_poll(Fault::BrokenJson.always());
        let ended = fox(&place, "run", &["--timeout", timeout])
            .at(server.origin())
            .ends(4)
            .await;
        if server.requests().len() < 3 {
            continue;
        }
        let id = &server.predictions()[0].id;
        ended.says(&[
            &format!("had not ended after {timeout} s"),
            "the response body cannot be read, it is not JSON",
            &format!("the response was: {{\"id\":\"{id}\""),
            &format!("to continue: paperboat wait {id}"),
        ]);
        return;
    }
    panic!("no poll had a response within a minute");
}
