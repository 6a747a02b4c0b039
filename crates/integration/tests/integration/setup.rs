//! What the tests start from.

use std::time::Duration;

use cometapi::{
    Backoff, Client, ClientBuilder, CreatePolicy, DownloadPolicy, PollPace, WaitPolicy,
};
use cometapi_mock::{Builder, MockServer, Pace};
use serde_json::{Value, json};

pub(crate) const SCHNELL: &str = "black-forest-labs/flux-schnell";
pub(crate) const KEY: &str = "sk-test-Zq7Pw3Lm9Xk2";

/// Pauses so short that a real socket can be used without waiting.
pub(crate) const QUICK: Backoff = Backoff {
    first: Duration::from_millis(1),
    factor: 1.0,
    max: Duration::from_millis(5),
    jitter: 0.0,
};

/// No pauses at all, for tests on a frozen clock.
pub(crate) const NO_PAUSE: Backoff = Backoff {
    first: Duration::ZERO,
    factor: 1.0,
    max: Duration::ZERO,
    jitter: 0.0,
};

/// A limit that no test reaches unless it is about that limit, on however busy a machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(600);

pub(crate) fn input() -> Value {
    // A small image: what is tested is its way.
    json!({"prompt": "a lighthouse made of glass", "seed": 7, "megapixels": "0.25"})
}

/// A mock that fails its test when a request was not allowed by the spec, whatever the test
/// is about.
pub(crate) fn checked() -> Builder {
    MockServer::builder().strict_headers().verify_on_drop()
}

/// A mock whose runs are over at the first poll.
pub(crate) async fn mock() -> MockServer {
    checked().pace(Pace::instant()).start().await.unwrap()
}

pub(crate) fn quick_create() -> CreatePolicy {
    let mut policy = CreatePolicy::default();
    policy.backoff = QUICK;
    policy.attempt_timeout = PATIENCE;
    policy.timeout = PATIENCE;
    policy
}

pub(crate) fn quick_wait() -> WaitPolicy {
    let mut policy = WaitPolicy::default();
    policy.pace = PollPace::every(QUICK.first);
    policy.timeout = PATIENCE;
    policy.attempt_timeout = PATIENCE;
    policy.hedge_after = PATIENCE;
    policy
}

pub(crate) fn quick_download() -> DownloadPolicy {
    let mut policy = DownloadPolicy::default();
    policy.backoff = QUICK;
    policy.stall_timeout = PATIENCE;
    policy
}

pub(crate) fn builder(base_url: &str) -> ClientBuilder {
    Client::builder()
        .key(KEY)
        .base_url(base_url)
        .create_policy(quick_create())
        .wait_policy(quick_wait())
        .download_policy(quick_download())
        .jitter_seed(1)
}

pub(crate) fn client(server: &MockServer) -> Client {
    builder(server.base_url()).build().unwrap()
}

/// The create requests that the server received.
pub(crate) fn posts(server: &MockServer) -> usize {
    let requests = server.requests();
    requests
        .iter()
        .filter(|r| r.method == http::Method::POST)
        .count()
}

/// Waits for two more requests. The second was sent after this call; the first may have been on
/// its way.
pub(crate) async fn polls_go_on(server: &MockServer) {
    let seen = server.requests().len() as u64;
    server.wait_for_requests(seen + 2).await;
}
