//! The guards where they are on: a base URL that is not on loopback, names that the test
//! resolves, and addresses of this machine that the test declares global or private.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use hyper_util::client::proxy::matcher::{self, Matcher};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::core::error::Error;
use crate::core::network::{Network, Reach, reach};
use crate::{Client, ClientBuilder, DownloadPolicy, ErrorKind};

const KEY: &str = "sk-test-Vb5Nc8Rt2Wy6";
const FILE: &str = "the file";

/// Where the test's server listens, and another address of this machine.
const SERVER: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const OTHER: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));

fn server_is_global(ip: IpAddr) -> Reach {
    match ip {
        SERVER => Reach::Global,
        OTHER => Reach::Private,
        ip => reach(ip),
    }
}

fn server_is_private(ip: IpAddr) -> Reach {
    match ip {
        SERVER | OTHER => Reach::Private,
        ip => reach(ip),
    }
}

fn server_is_forbidden(ip: IpAddr) -> Reach {
    match ip {
        SERVER => Reach::Forbidden,
        ip => reach(ip),
    }
}

/// Resolves names by a table and remembers which ones it was asked for.
struct Table {
    names: HashMap<&'static str, Vec<SocketAddr>>,
    asked: Mutex<Vec<String>>,
}

impl Table {
    fn new(rows: impl IntoIterator<Item = (&'static str, Vec<SocketAddr>)>) -> Arc<Self> {
        Arc::new(Self {
            names: rows.into_iter().collect(),
            asked: Mutex::default(),
        })
    }

    fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.asked.lock().unwrap())
    }
}

impl Resolve for Table {
    fn resolve(&self, name: Name) -> Resolving {
        self.asked.lock().unwrap().push(name.as_str().to_owned());
        let found = self.names.get(name.as_str().trim_end_matches('.')).cloned();
        Box::pin(async move {
            let found = found.ok_or("no such name")?;
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

/// Answers on every address of this machine, so that a request which is not refused arrives.
struct Server {
    port: u16,
    requests: Arc<Mutex<Vec<String>>>,
    target: Arc<Mutex<String>>,
}

impl Server {
    /// `GET /hop/N` redirects N times and then to the target; any other request gets the file.
    async fn start() -> Self {
        let listener = TcpListener::bind("0.0.0.0:0").await.unwrap();
        let server = Self {
            port: listener.local_addr().unwrap().port(),
            requests: Arc::default(),
            target: Arc::default(),
        };
        let (requests, target) = (Arc::clone(&server.requests), Arc::clone(&server.target));
        tokio::spawn(async move {
            loop {
                let (mut socket, _) = listener.accept().await.unwrap();
                let (requests, target) = (Arc::clone(&requests), Arc::clone(&target));
                tokio::spawn(async move {
                    let mut request = vec![0; 4096];
                    let read = socket.read(&mut request).await.unwrap();
                    let request = String::from_utf8_lossy(&request[..read]).into_owned();
                    let target = target.lock().unwrap().clone();
                    let response = response(&request, &target);
                    requests.lock().unwrap().push(request);
                    let _ = socket.write_all(response.as_bytes()).await;
                });
            }
        });
        server
    }

    /// The server's port on `ip`, which holds for URLs without a port.
    fn on(&self, ip: IpAddr) -> Vec<SocketAddr> {
        vec![SocketAddr::new(ip, self.port)]
    }

    /// The requests since the last call.
    fn requests(&self) -> Vec<String> {
        std::mem::take(&mut self.requests.lock().unwrap())
    }
}

fn response(request: &str, target: &str) -> String {
    let path = request.split(' ').nth(1).unwrap_or_default();
    let location = match path.rsplit_once("/hop/") {
        Some((_, "0")) => Some(target.to_owned()),
        Some((_, hops)) => {
            let hops: u32 = hops.parse().unwrap();
            Some(format!("/hop/{}", hops - 1))
        }
        None => None,
    };
    match location {
        Some(location) => format!(
            "HTTP/1.1 302 Found\r\nlocation: {location}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
        ),
        None => format!(
            "HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{FILE}",
            FILE.len()
        ),
    }
}

fn network(names: &Arc<Table>, reach: fn(IpAddr) -> Reach) -> Network {
    Network {
        names: Arc::clone(names) as Arc<dyn Resolve>,
        reach,
        proxies: Arc::new(Matcher::builder().build()),
        ..Network::system()
    }
}

fn behind(proxies: matcher::Builder, network: Network) -> Network {
    Network {
        proxies: Arc::new(proxies.build()),
        ..network
    }
}

fn builder(base: &str, network: Network) -> ClientBuilder {
    let policy = DownloadPolicy {
        max_attempts: 1,
        ..DownloadPolicy::default()
    };
    Client::builder()
        .key(KEY)
        .base_url(base)
        .allow_plain_http(true)
        .download_policy(policy)
        .network(network)
}

/// A client of a service on a public network.
fn client(network: Network) -> Client {
    builder("http://service.example", network).build().unwrap()
}

async fn fetch(client: &Client, url: &str) -> Result<String, Error> {
    let bytes = client.file(url).bytes().await?;
    Ok(String::from_utf8(bytes.to_vec()).unwrap())
}

#[track_caller]
fn assert_refused(result: Result<String, Error>, reason: &str) {
    let error = result.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Download, "{error}");
    assert!(!error.is_transient(), "{error}");
    assert!(error.to_string().contains(reason), "{error}");
}

const PRIVATE: &str = "is on a private network";
const FORBIDDEN: &str = "is link-local or reserved";

#[tokio::test]
async fn a_name_is_resolved_once_and_only_to_permitted_addresses() {
    let server = Server::start().await;
    let both = [server.on(OTHER), server.on(SERVER)].concat();
    let names = Table::new([
        ("files.example", server.on(SERVER)),
        ("private.example", server.on(OTHER)),
        ("both.example", both),
        (
            "metadata.example",
            vec!["169.254.169.254:80".parse().unwrap()],
        ),
        ("nowhere.example", Vec::new()),
    ]);
    let client = client(network(&names, server_is_global));
    assert_eq!(fetch(&client, "http://files.example/").await.unwrap(), FILE);
    assert_eq!(names.asked(), ["files.example"]);
    // What is connected to is what was checked: the address that is left of the two.
    assert_eq!(fetch(&client, "http://both.example/").await.unwrap(), FILE);
    assert_eq!(server.requests().len(), 2);

    names.asked();
    assert_refused(fetch(&client, "http://private.example/").await, PRIVATE);
    // The base is asked whether the address is one of its own.
    assert_eq!(names.asked(), ["private.example", "service.example"]);
    assert_refused(fetch(&client, "http://private.example./").await, PRIVATE);
    assert_refused(fetch(&client, "http://u:p@PRIVATE.example/").await, PRIVATE);
    assert_refused(fetch(&client, "http://metadata.example/").await, FORBIDDEN);
    for url in ["http://nowhere.example/", "http://unknown.example/"] {
        assert!(
            fetch(&client, url).await.unwrap_err().is_transient(),
            "{url}"
        );
    }
    assert_eq!(server.requests(), [""; 0]);
}

#[tokio::test]
async fn every_redirect_is_checked() {
    let server = Server::start().await;
    let names = Table::new([
        ("files.example", server.on(SERVER)),
        ("private.example", server.on(OTHER)),
    ]);
    let client = client(network(&names, server_is_global));
    let literal = format!("http://{OTHER}:{}/", server.port);
    for hops in 0..4 {
        for (target, reason) in [
            (literal.as_str(), PRIVATE),
            ("http://private.example/", PRIVATE),
            ("//private.example/", PRIVATE),
            ("http://[::1]/", PRIVATE),
            ("http://169.254.169.254/latest", FORBIDDEN),
            ("http://0xa9fea9fe/latest", FORBIDDEN),
            ("file:///etc/passwd", "only https: and http: are fetched"),
            (
                &format!("http://files.example/{KEY}"),
                "contains the API key",
            ),
        ] {
            target.clone_into(&mut server.target.lock().unwrap());
            let result = fetch(&client, &format!("http://files.example/hop/{hops}")).await;
            assert_refused(result, reason);
            assert_eq!(server.requests().len(), hops + 1, "{target}");
        }
        "http://files.example/".clone_into(&mut server.target.lock().unwrap());
        let result = fetch(&client, &format!("http://files.example/hop/{hops}")).await;
        assert_eq!(result.unwrap(), FILE);
        server.requests();
    }
}

#[tokio::test]
async fn an_address_is_recognized_in_every_notation() {
    let names = Table::new([]);
    let client = client(network(&names, reach));
    for (host, reason) in [
        ("127.0.0.1", PRIVATE),
        ("127.0.0.1.", PRIVATE),
        ("127.1", PRIVATE),
        ("0x7f.1", PRIVATE),
        ("0X7F.0.0.1", PRIVATE),
        ("0177.0.0.1", PRIVATE),
        ("2130706433", PRIVATE),
        ("0x7f000001", PRIVATE),
        ("017700000001", PRIVATE),
        ("%31%32%37.0.0.1", PRIVATE),
        ("127%2e0%2E0%2e1", PRIVATE),
        ("127\u{3002}0\u{3002}0\u{3002}1", PRIVATE),
        ("127\u{ff0e}0\u{ff61}0.1", PRIVATE),
        ("\u{ff11}\u{ff12}\u{ff17}.0.0.1", PRIVATE),
        ("\u{2460}\u{2461}\u{2466}.0.0.1", PRIVATE),
        ("user:password@127.0.0.1", PRIVATE),
        ("files.example@127.0.0.1", PRIVATE),
        ("localhost", PRIVATE),
        ("LOCALHOST", PRIVATE),
        ("localhost.", PRIVATE),
        ("files.localhost", PRIVATE),
        ("%6cocalhost", PRIVATE),
        ("\u{24db}ocalhost", PRIVATE),
        ("[::1]", PRIVATE),
        ("[0:0:0:0:0:0:0:1]", PRIVATE),
        ("[::ffff:10.0.0.1]", PRIVATE),
        ("[::FFFF:a00:1]", PRIVATE),
        ("[::ffff:169.254.169.254]", FORBIDDEN),
        ("[::10.0.0.1]", FORBIDDEN),
        ("[64:ff9b::10.0.0.1]", FORBIDDEN),
        ("[64:ff9b:1::a00:1]", FORBIDDEN),
        ("[2002:a00:1::]", FORBIDDEN),
        ("[2001:0:a00:1::]", FORBIDDEN),
        ("[fe80::1]", FORBIDDEN),
        ("[fec0::1]", PRIVATE),
        ("[fd00::1]", PRIVATE),
        ("[fd00:ec2::254]", FORBIDDEN),
        ("[::]", FORBIDDEN),
        ("0", FORBIDDEN),
        ("10.0.0.1", PRIVATE),
        ("100.64.0.1", PRIVATE),
        ("172.16.0.1", PRIVATE),
        ("192.168.1.1", PRIVATE),
        ("198.18.0.1", PRIVATE),
        ("192.0.0.1", FORBIDDEN),
        ("169.254.169.254", FORBIDDEN),
        ("169.254.169.254.", FORBIDDEN),
        ("2852039166", FORBIDDEN),
        ("224.0.0.1", FORBIDDEN),
        ("255.255.255.255", FORBIDDEN),
    ] {
        for url in [format!("http://{host}/"), format!("HTTPS://{host}:8443/x")] {
            assert_refused(fetch(&client, &url).await, reason);
        }
    }
    // No other name is resolved, not even for the sake of a check.
    assert!(names.asked().iter().all(|name| name == "service.example"));
}

/// A URL that cannot be parsed is not left to another parser.
#[tokio::test]
async fn a_host_that_is_not_one_is_not_fetched() {
    let client = client(network(&Table::new([]), server_is_global));
    for host in [
        "127.0.0.1.1",
        "1.2.3.256",
        "[fe80::1%25eth0]",
        "a b",
        "0x7f.1.example.1",
    ] {
        let error = fetch(&client, &format!("http://{host}/"))
            .await
            .unwrap_err();
        assert!(error.to_string().contains("not a URL"), "{host}: {error}");
    }
}

#[tokio::test]
async fn a_base_on_a_private_network_is_trusted_with_its_own_addresses() {
    let server = Server::start().await;
    let names = Table::new([
        ("gateway.example", server.on(SERVER)),
        ("alias.example", server.on(SERVER)),
        ("other.example", server.on(OTHER)),
    ]);
    let literal = format!("http://{SERVER}:{}/", server.port);
    let network = network(&names, server_is_private);
    let client = builder("http://gateway.example", network.clone())
        .build()
        .unwrap();
    // Resolved when a file needs it, not before.
    assert_eq!(names.asked(), [""; 0]);
    for url in ["http://gateway.example/", "http://alias.example/", &literal] {
        assert_eq!(fetch(&client, url).await.unwrap(), FILE, "{url}");
    }
    server.requests();
    let other = format!("http://{OTHER}:{}/", server.port);
    for url in [
        "http://other.example/",
        "http://10.0.0.1/",
        "http://[::1]/",
        &other,
    ] {
        assert_refused(fetch(&client, url).await, PRIVATE);
    }
    assert_refused(fetch(&client, "http://169.254.169.254/").await, FORBIDDEN);

    // The same by an address.
    let client = builder("http://10.0.0.1", network).build().unwrap();
    for url in [
        "http://other.example/",
        "http://10.0.0.2/",
        "http://alias.example/",
    ] {
        assert_refused(fetch(&client, url).await, PRIVATE);
    }
    assert_eq!(server.requests(), [""; 0]);
}

#[tokio::test]
async fn a_base_on_a_public_network_is_trusted_with_no_private_address() {
    let server = Server::start().await;
    let names = Table::new([
        ("service.example", vec!["104.16.0.1:80".parse().unwrap()]),
        ("files.example", server.on(SERVER)),
    ]);
    let client = client(network(&names, server_is_private));
    assert_refused(fetch(&client, "http://files.example/").await, PRIVATE);
    assert_eq!(server.requests(), [""; 0]);
}

#[tokio::test]
async fn a_link_local_address_is_refused_also_if_it_is_the_bases() {
    let server = Server::start().await;
    let names = Table::new([("service.example", server.on(SERVER))]);
    let network = network(&names, server_is_forbidden);
    for base in ["http://service.example", "http://169.254.169.254"] {
        for allow in [false, true] {
            let client = builder(base, network.clone()).allow_private_files(allow);
            let client = client.build().unwrap();
            for url in [
                "http://service.example/",
                "http://169.254.169.254/",
                "http://[fe80::1]/",
                "http://[fd00:ec2::254]/",
            ] {
                assert_refused(fetch(&client, url).await, FORBIDDEN);
            }
        }
    }
    assert_eq!(server.requests(), [""; 0]);
}

#[tokio::test]
async fn a_base_on_loopback_is_trusted_with_loopback_only() {
    let server = Server::start().await;
    let names = Table::new([("files.example", vec!["10.0.0.1:80".parse().unwrap()])]);
    for base in ["http://127.0.0.1:1", "http://localhost:1", "http://[::1]:1"] {
        let client = builder(base, network(&names, reach)).build().unwrap();
        for host in ["127.0.0.1", "localhost", "files.localhost"] {
            let url = format!("http://{host}:{}/", server.port);
            assert_eq!(fetch(&client, &url).await.unwrap(), FILE, "{url}");
        }
        for url in [
            "http://10.0.0.1/",
            "http://files.example/",
            "http://[fd00::1]/",
        ] {
            assert_refused(fetch(&client, url).await, PRIVATE);
        }
        assert_refused(fetch(&client, "http://169.254.169.254/").await, FORBIDDEN);
    }
}

#[tokio::test]
async fn private_files_can_be_allowed() {
    let server = Server::start().await;
    let names = Table::new([("files.example", server.on(SERVER))]);
    let client = builder("http://service.example", network(&names, server_is_private))
        .allow_private_files(true)
        .build()
        .unwrap();
    let literal = format!("http://{SERVER}:{}/", server.port);
    for url in ["http://files.example/", &literal] {
        assert_eq!(fetch(&client, url).await.unwrap(), FILE, "{url}");
    }
    assert_refused(fetch(&client, "http://169.254.169.254/").await, FORBIDDEN);
}

#[tokio::test]
async fn what_a_proxy_is_not_used_for_is_filtered() {
    let server = Server::start().await;
    let names = Table::new([
        ("proxy.example", server.on(SERVER)),
        ("direct.example", server.on(SERVER)),
    ]);
    let proxy = || format!("http://proxy.example:{}", server.port);
    let network = network(&names, server_is_private);
    let only_https = Matcher::builder().https(proxy());
    let excepted = Matcher::builder()
        .all(proxy())
        .no("direct.example,10.0.0.0/8");
    for proxies in [only_https, excepted] {
        let client = client(behind(proxies, network.clone()));
        assert_refused(fetch(&client, "http://direct.example/").await, PRIVATE);
        assert_refused(fetch(&client, "http://10.0.0.1/").await, PRIVATE);
        assert_refused(fetch(&client, "http://localhost/").await, PRIVATE);
        assert_refused(fetch(&client, "http://[::1]/").await, PRIVATE);
    }
    assert_eq!(server.requests(), [""; 0]);
}

#[tokio::test]
async fn a_proxy_on_a_private_network_resolves_the_name() {
    let server = Server::start().await;
    let names = Table::new([("proxy.example", server.on(SERVER))]);
    let network = network(&names, server_is_private);
    let proxy = format!("http://user:password@proxy.example:{}", server.port);
    let client = client(behind(Matcher::builder().all(proxy), network));
    assert_eq!(
        fetch(&client, "http://files.example/a").await.unwrap(),
        FILE
    );
    let requests = server.requests();
    assert!(requests[0].starts_with("GET http://files.example/a HTTP/1.1"));
    assert!(requests[0].contains("proxy-authorization: Basic dXNlcjpwYXNzd29yZA=="));
    assert_eq!(requests.len(), 1);

    // It does not speak TLS; that it was asked to connect is enough.
    fetch(&client, "https://files.example/a").await.unwrap_err();
    assert!(server.requests()[0].starts_with("CONNECT files.example:443 "));
    assert!(!names.asked().contains(&"files.example".to_owned()));
}

#[tokio::test]
async fn what_is_known_to_be_private_is_refused_through_a_proxy_too() {
    let server = Server::start().await;
    let names = Table::new([("proxy.example", server.on(SERVER))]);
    let network = network(&names, server_is_private);
    for scheme in ["http", "socks5", "socks5h"] {
        let proxy = format!("{scheme}://proxy.example:{}", server.port);
        let client = client(behind(Matcher::builder().all(proxy), network.clone()));
        assert_refused(fetch(&client, "http://10.0.0.1/").await, PRIVATE);
        assert_refused(fetch(&client, "http://169.254.169.254/").await, FORBIDDEN);
        // The proxy itself, which is resolved here.
        for url in ["http://proxy.example/", "http://PROXY.example./"] {
            assert_refused(fetch(&client, url).await, PRIVATE);
        }
    }
    assert_eq!(server.requests(), [""; 0]);
}

#[tokio::test]
async fn a_name_that_is_resolved_here_for_a_socks_proxy_is_filtered() {
    let server = Server::start().await;
    let names = Table::new([
        ("proxy.example", server.on(SERVER)),
        ("private.example", server.on(OTHER)),
        ("service.example", server.on(SERVER)),
    ]);
    let network = network(&names, server_is_global);
    for scheme in ["socks4", "socks5"] {
        let proxy = format!("{scheme}://proxy.example:{}", server.port);
        let client = client(behind(Matcher::builder().all(proxy), network.clone()));
        assert_refused(fetch(&client, "http://private.example/").await, PRIVATE);
        assert_eq!(server.requests(), [""; 0]);
    }
    let proxy = format!("socks5h://proxy.example:{}", server.port);
    let client = client(behind(Matcher::builder().all(proxy), network));
    names.asked();
    fetch(&client, "http://private.example/").await.unwrap_err();
    assert_eq!(names.asked(), ["proxy.example"]);
}

#[tokio::test]
async fn the_api_of_a_localhost_name_is_on_this_machine() {
    let server = Server::start().await;
    let names = Table::new([("gateway.localhost", server.on(OTHER))]);
    for base in ["http://gateway.localhost", "http://LOCALHOST."] {
        let network = Network {
            localhost: Table::new([
                ("gateway.localhost", server.on(SERVER)),
                ("localhost", server.on(SERVER)),
            ]),
            ..network(&names, reach)
        };
        let client = Client::builder().key(KEY).base_url(base).network(network);
        let client = client.build().unwrap();
        let _ = client.predictions().get("p1").await;
        let _ = client
            .predictions()
            .create_model("a/b", serde_json::json!({}))
            .await;
        let requests = server.requests();
        assert!(requests[0].starts_with("GET /replicate/v1/predictions/p1 "));
        assert!(requests[1].starts_with("POST /replicate/v1/models/a/b/predictions "));
        assert!(requests.iter().all(|request| request.contains(KEY)));
    }
    assert_eq!(names.asked(), [""; 0]);
}

#[tokio::test]
async fn a_url_that_holds_the_key_is_not_fetched() {
    let server = Server::start().await;
    let names = Table::new([("files.example", server.on(SERVER))]);
    let client = client(network(&names, server_is_global));
    let encoded = KEY.replace('-', "%2D");
    for url in [
        format!("http://files.example/{KEY}.png"),
        format!("http://files.example/?key={}", &KEY["sk-".len()..]),
        format!("http://files.example/?key={encoded}"),
        format!("http://files.example/#{KEY}"),
        format!("http://{KEY}@files.example/"),
        format!("http://{KEY}.files.example/"),
        format!("http://files.example/{}\t{}", &KEY[..9], &KEY[9..]),
        "http://[key].files.example/".to_owned(),
        "http://files.example/?key=[key]".to_owned(),
        "http://files.example/?key=%5Bkey%5D".to_owned(),
    ] {
        let result = fetch(&client, &url).await;
        let error = result.as_ref().unwrap_err();
        assert!(
            !format!("{error} {error:?}").contains(&KEY[4..]),
            "{error:?}"
        );
        assert_refused(result, "contains the API key");
    }
    assert_eq!(names.asked(), [""; 0]);
    assert_eq!(server.requests(), [""; 0]);
}
