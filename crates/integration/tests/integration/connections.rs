//! Which connection a request is sent on, and what follows when none can be made.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use cometapi::{Client, ErrorKind, reqwest};
use cometapi_batch::{Once, OnceError, SqliteLedger};
use cometapi_mock::Fault;
use integration::FrozenClock;
use serde_json::json;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::time::advance;

use crate::files::output_of;
use crate::setup::{SCHNELL, builder, client, input, mock, quick_create, quick_download};

/// A service that keeps its connections open, and notes on which one each request came.
struct Service {
    base: String,
    /// The connection's number and the head of the request in lower case, in order.
    received: Arc<Mutex<Vec<(usize, String)>>>,
}

/// How a [`Service`] responds.
#[derive(Clone, Copy, Default)]
struct Manner {
    /// Closes each connection after its response without announcing it.
    closes: bool,
    /// How many headers a response has, besides its length.
    headers: usize,
    /// The connection of the first poll is out of step for ever: its responses are others'.
    loses_step: bool,
}

impl Service {
    async fn start(manner: Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let received = Arc::<Mutex<Vec<_>>>::default();
        let log = Arc::clone(&received);
        tokio::spawn(async move {
            for connection in 0.. {
                let (socket, _) = listener.accept().await.unwrap();
                tokio::spawn(serve(socket, connection, manner, Arc::clone(&log)));
            }
        });
        Self { base, received }
    }

    /// The connections on which requests of this method came.
    fn connections(&self, method: &str) -> Vec<usize> {
        let received = self.received.lock().unwrap();
        let of_method = received.iter().filter(|(_, head)| is_of(method, head));
        of_method.map(|(connection, _)| *connection).collect()
    }
}

async fn serve(
    mut socket: impl AsyncRead + AsyncWrite + Unpin,
    connection: usize,
    manner: Manner,
    log: Arc<Mutex<Vec<(usize, String)>>>,
) {
    let mut read = Vec::new();
    while let Some(head) = head(&mut socket, &mut read).await {
        let (_, rest) = head.split_once(' ').unwrap();
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "))
            .map_or(0, |length| length.parse().unwrap());
        while read.len() < length {
            assert!(socket.read_buf(&mut read).await.unwrap() > 0);
        }
        read.drain(..length);
        let (count, first_poll) = {
            let mut log = log.lock().unwrap();
            log.push((connection, head.clone()));
            let first_poll = log.iter().find(|(_, head)| is_of("get", head));
            (log.len(), first_poll.map(|(connection, _)| *connection))
        };
        let is_out_of_step = manner.loses_step && first_poll == Some(connection);
        let (id, status) = match rest.split(' ').next().unwrap().rsplit_once("/predictions/") {
            Some(_) if is_out_of_step => ("another".to_owned(), "succeeded"),
            Some((_, id)) => (id.to_owned(), "succeeded"),
            None => (format!("p{count}"), "starting"),
        };
        let body = json!({"id": id, "status": status, "output": ["data:,x"]}).to_string();
        let length = body.len();
        let headers = "x-trace: 1\r\n".repeat(manner.headers);
        let response =
            format!("HTTP/1.1 200 OK\r\n{headers}content-length: {length}\r\n\r\n{body}");
        socket.write_all(response.as_bytes()).await.unwrap();
        if manner.closes {
            return;
        }
    }
}

fn is_of(method: &str, head: &str) -> bool {
    head.split(' ').next() == Some(method)
}

/// The head of the next request; `None` when the connection ends.
async fn head(socket: &mut (impl AsyncRead + Unpin), read: &mut Vec<u8>) -> Option<String> {
    loop {
        if let Some(end) = read.windows(4).position(|window| window == b"\r\n\r\n") {
            let head = read.drain(..end + 4).collect();
            return Some(String::from_utf8(head).unwrap().to_ascii_lowercase());
        }
        if socket.read_buf(read).await.ok()? == 0 {
            return None;
        }
    }
}

#[tokio::test]
async fn each_create_request_has_a_connection_of_its_own_and_polls_share_one() {
    let service = Service::start(Manner::default()).await;
    let client = builder(&service.base).build().unwrap();
    for _ in 0..5 {
        client.run_model(SCHNELL, input()).await.unwrap();
    }
    let mut creates = service.connections("post");
    let polls = service.connections("get");
    assert_eq!((creates.len(), polls.len()), (5, 5));
    assert!(polls.iter().all(|poll| *poll == polls[0]), "{polls:?}");
    assert!(!creates.contains(&polls[0]));
    creates.dedup();
    assert_eq!(creates.len(), 5, "{creates:?}");
}

/// The service may close an idle connection at any time, and a request that meets the close breaks.
#[tokio::test(start_paused = true)]
async fn a_connection_that_was_idle_for_more_than_4_seconds_is_not_used_again() {
    let service = Service::start(Manner::default()).await;
    let client = builder(&service.base).build().unwrap();
    let _clock = FrozenClock::hold();
    for idle in [0, 3_900, 4_100] {
        advance(Duration::from_millis(idle)).await;
        client.predictions().get("p1").await.unwrap();
    }
    let polls = service.connections("get");
    assert_eq!(polls[0], polls[1], "{polls:?}");
    assert_ne!(polls[1], polls[2], "{polls:?}");
}

#[tokio::test]
async fn a_connection_that_is_closed_unannounced_leaves_no_create_request_in_doubt() {
    let manner = Manner {
        closes: true,
        ..Manner::default()
    };
    let service = Service::start(manner).await;
    let client = builder(&service.base).build().unwrap();
    for _ in 0..100 {
        let created = client.predictions().create_model(SCHNELL, input()).await;
        assert!(created.is_ok(), "{created:?}");
    }
    assert_eq!(service.connections("post").len(), 100);
}

#[tokio::test]
async fn a_wait_leaves_a_connection_that_shows_another_prediction() {
    let manner = Manner {
        loses_step: true,
        ..Manner::default()
    };
    let service = Service::start(manner).await;
    let client = builder(&service.base).build().unwrap();
    let done = client.run_model(SCHNELL, input()).await.unwrap();
    assert_eq!(done.prediction().id(), "p1");
    let polls = service.connections("get");
    assert_eq!(polls.len(), 2);
    assert_ne!(polls[0], polls[1]);
}

/// A server's TLS for 127.0.0.1, and its certificate, which nobody trusts.
fn tls() -> (
    tokio_rustls::TlsAcceptor,
    rustls_pki_types::CertificateDer<'static>,
) {
    let certified = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let key = rustls_pki_types::PrivatePkcs8KeyDer::from(certified.signing_key.serialize_der());
    let provider = Arc::new(tokio_rustls::rustls::crypto::aws_lc_rs::default_provider());
    let config = tokio_rustls::rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certified.cert.der().clone()], key.into())
        .unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    (acceptor, certified.cert.der().clone())
}

#[tokio::test]
async fn a_certificate_that_is_not_trusted_is_not_tried_again() {
    let (acceptor, _) = tls();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("https://{}", listener.local_addr().unwrap());
    let accepted = Arc::<Mutex<usize>>::default();
    let count = Arc::clone(&accepted);
    tokio::spawn(async move {
        loop {
            let (socket, _) = listener.accept().await.unwrap();
            *count.lock().unwrap() += 1;
            // The client breaks the handshake off.
            let _ = acceptor.accept(socket).await;
        }
    });
    let client = builder(&base).build().unwrap();
    let error = client
        .predictions()
        .create_model(SCHNELL, input())
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NeverReached, "{error:?}");
    assert!(error.is_permanent(), "{error:?}");
    assert_eq!(error.attempts().unwrap(), 1);
    assert_eq!(*accepted.lock().unwrap(), 1);
    assert!(!once(&client).await.is_retryable());
}

/// What may pass is tried again, and is not called permanent.
#[tokio::test]
async fn a_connection_that_is_refused_is_tried_again() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("https://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        loop {
            drop(listener.accept().await.unwrap());
        }
    });
    let client = builder(&base).build().unwrap();
    let error = client
        .predictions()
        .create_model(SCHNELL, input())
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NeverReached, "{error:?}");
    assert!(!error.is_permanent(), "{error:?}");
    assert_eq!(error.attempts().unwrap(), quick_create().max_attempts);
    assert!(once(&client).await.is_retryable());
}

/// The error of a prediction by its key.
async fn once(client: &Client) -> OnceError {
    let ledger = Arc::new(SqliteLedger::in_memory().unwrap());
    let once = Once::new(client, ledger).key("a");
    once.run(SCHNELL, input()).await.unwrap_err()
}

#[tokio::test]
async fn a_response_with_hundreds_of_headers_is_read() {
    let service = Service::start(Manner {
        headers: 300,
        ..Manner::default()
    })
    .await;
    let client = builder(&service.base).build().unwrap();
    let created = client
        .predictions()
        .create_model(SCHNELL, input())
        .await
        .unwrap();
    assert_eq!(created.id(), "p1");
    let done = client.predictions().wait(created.id()).await.unwrap();
    assert_eq!(done.output().urls(), ["data:,x"]);
}

/// Nothing of such a response can be read, and the request was received.
#[tokio::test]
async fn a_create_request_is_in_doubt_if_its_response_has_more_headers_than_are_read() {
    let service = Service::start(Manner {
        headers: 600,
        ..Manner::default()
    })
    .await;
    let client = builder(&service.base).build().unwrap();
    let error = client
        .predictions()
        .create_model(SCHNELL, input())
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::MaybeAccepted, "{error:?}");
    assert_eq!(service.connections("post").len(), 1);
}

/// Settings of a caller's under which a create request could be sent twice or be left in doubt.
fn unsafe_settings(http: reqwest::ClientBuilder) -> reqwest::ClientBuilder {
    http.redirect(reqwest::redirect::Policy::limited(10))
        .timeout(Duration::from_nanos(1))
        .read_timeout(Duration::from_nanos(1))
        .connect_timeout(Duration::from_nanos(1))
        .pool_max_idle_per_host(10)
        .pool_idle_timeout(None)
        .user_agent("another")
}

#[tokio::test]
async fn settings_of_the_caller_keep_each_create_request_on_a_connection_of_its_own() {
    let service = Service::start(Manner::default()).await;
    let client = builder(&service.base)
        .configure_http(unsafe_settings)
        .configure_download_http(unsafe_settings)
        .app("my-service/1.0")
        .build()
        .unwrap();
    for _ in 0..3 {
        client.run_model(SCHNELL, input()).await.unwrap();
    }
    let mut creates = service.connections("post");
    creates.dedup();
    assert_eq!(creates.len(), 3, "{creates:?}");
    let agent = format!(
        "user-agent: cometapi-rust/{} my-service/1.0\r\n",
        env!("CARGO_PKG_VERSION")
    );
    for (_, head) in service.received.lock().unwrap().iter() {
        assert!(head.contains(&agent), "{head}");
    }
}

#[tokio::test]
async fn settings_of_the_caller_turn_no_redirects_on() {
    let server = mock().await;
    let mut download = quick_download();
    download.max_redirects = 0;
    let client = builder(server.base_url())
        .configure_http(unsafe_settings)
        .configure_download_http(unsafe_settings)
        .download_policy(download)
        .build()
        .unwrap();
    server.on_create(Fault::Found(format!("{}/elsewhere", server.base_url())));
    let created = client.predictions().create_model(SCHNELL, input()).await;
    assert_eq!(created.unwrap_err().kind(), ErrorKind::MaybeAccepted);
    assert_eq!(server.requests().len(), 1);

    let done = client.run_model(SCHNELL, input()).await.unwrap();
    done.files()[0].bytes().await.unwrap();
    server.on_file(Fault::FileMoved);
    let error = done.files()[0].bytes().await.unwrap_err();
    assert!(error.to_string().contains("redirects"), "{error}");
}

#[tokio::test]
async fn a_proxy_of_the_caller_is_used_with_its_login() {
    let service = Service::start(Manner::default()).await;
    let proxy = reqwest::Proxy::all(&service.base).unwrap();
    let proxy = proxy.basic_auth("user", "password");
    let client = builder("http://service.invalid/x")
        .allow_plain_http(true)
        .configure_http(move |http| http.proxy(proxy.clone()))
        .build()
        .unwrap();
    let created = client
        .predictions()
        .create_model(SCHNELL, input())
        .await
        .unwrap();
    client.predictions().wait(created.id()).await.unwrap();
    let received = service.received.lock().unwrap();
    assert_eq!(received.len(), 2);
    for (_, head) in received.iter() {
        assert!(head.contains(" http://service.invalid/x/"), "{head}");
        assert!(head.contains("proxy-authorization: basic "), "{head}");
    }
}

/// The name of the file's host does not exist: only the proxy can fetch it.
#[tokio::test]
async fn a_proxy_of_the_caller_is_used_for_downloads() {
    let server = mock().await;
    let proxy = wiremock::MockServer::start().await;
    let file = wiremock::ResponseTemplate::new(200).set_body_bytes(b"GIF89a".as_slice());
    let any = wiremock::Mock::given(|_: &wiremock::Request| true);
    any.respond_with(file).mount(&proxy).await;
    let uri = proxy.uri();
    let client = builder(server.base_url())
        .configure_download_http(move |http| http.proxy(reqwest::Proxy::all(&uri).unwrap()))
        .build()
        .unwrap();
    let file = output_of(&server, &client, "http://files.invalid/0.gif").await;
    assert_eq!(file.bytes().await.unwrap(), b"GIF89a".as_slice());
    // An address is checked also then.
    let file = output_of(&server, &client, "http://10.0.0.1/0.gif").await;
    let error = file.bytes().await.unwrap_err();
    assert!(error.to_string().contains("private network"), "{error:#?}");
    assert_eq!(proxy.received_requests().await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_certificate_of_the_caller_is_trusted() {
    let (acceptor, certificate) = tls();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("https://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        loop {
            let (socket, _) = listener.accept().await.unwrap();
            let socket = acceptor.accept(socket).await.unwrap();
            tokio::spawn(serve(socket, 0, Manner::default(), Arc::default()));
        }
    });
    let client = builder(&base)
        .configure_http(move |http| {
            http.tls_certs_merge([reqwest::Certificate::from_der(&certificate).unwrap()])
        })
        .build()
        .unwrap();
    let created = client
        .predictions()
        .create_model(SCHNELL, input())
        .await
        .unwrap();
    client.predictions().wait(created.id()).await.unwrap();
}

/// Only a response with too many headers is read once more, on another connection.
#[tokio::test]
async fn a_poll_that_breaks_is_one_request() {
    let server = mock().await;
    let client = client(&server);
    let created = client.predictions().create_model(SCHNELL, input());
    let id = created.await.unwrap().id().to_owned();
    server.on_poll(Fault::Close);
    let error = client.predictions().get(&id).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert_eq!(server.requests().len(), 2);
}
