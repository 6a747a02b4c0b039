//! Start, end, and many at once.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, TcpListener};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use cometapi_mock::{Fault, MockServer, Pace, Spec, serve};
use serde_json::json;
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use crate::client::{Outcome, create, created, created_of, http, json_of, outcome, poll, polled};

/// An address that no other process listens on or connects from: a port that is closed on it
/// stays free. Systems other than Linux have only one loopback address.
fn own_address(network: u8) -> IpAddr {
    if cfg!(target_os = "linux") {
        let [.., high, low] = std::process::id().to_be_bytes();
        Ipv4Addr::new(127, network, high, low).into()
    } else {
        Ipv4Addr::LOCALHOST.into()
    }
}

fn port(server: &MockServer) -> u16 {
    let port = server.origin().rsplit(':').next().unwrap();
    port.parse().unwrap()
}

#[tokio::test]
async fn a_shutdown_frees_the_ports() {
    let address = own_address(77);
    let builder = || MockServer::builder().bind(address);
    let server = builder().start().await.unwrap();
    let port = port(&server);
    let taken = builder().port(port).start().await.unwrap_err();
    assert_eq!(
        taken.to_string(),
        format!("cannot listen on {address}:{port}")
    );
    assert!(std::error::Error::source(&taken).is_some());
    server.shutdown().await;
    let again = builder().port(port).start().await.unwrap();
    assert_eq!(
        again.base_url(),
        format!("http://{address}:{port}/replicate/v1")
    );
    created(&again).await;
}

#[tokio::test]
async fn a_drop_frees_the_port_as_soon_as_the_runtime_runs() {
    let address = own_address(78);
    let server = MockServer::builder().bind(address).start().await.unwrap();
    let port = port(&server);
    drop(server);
    // Turns of the runtime, not time: the listener ends in the first.
    for _ in 0..100 {
        if TcpListener::bind((address, port)).is_ok() {
            return;
        }
        tokio::task::yield_now().await;
    }
    panic!("port {port} is still taken");
}

#[tokio::test]
async fn the_end_of_the_server_ends_a_hung_answer() {
    let server = MockServer::start().await.unwrap();
    server.on_create(Fault::Hang);
    let hung = tokio::spawn(create(&server).send());
    server.wait_for_requests(1).await;
    assert_eq!(server.requests()[0].status, None);
    server.shutdown().await;
    assert!(hung.await.unwrap().is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_creates_at_once_are_fifty_predictions() {
    let server = MockServer::builder()
        .pace(Pace::instant())
        .start()
        .await
        .unwrap();
    let mut creates: JoinSet<_> = (0..50)
        .map(|seed| {
            let request = http()
                .post(format!("{}/models/a/b/predictions", server.base_url()))
                .bearer_auth("k")
                .json(&json!({"input": {"seed": seed}}));
            json_of(request)
        })
        .collect();
    let mut ids = BTreeSet::new();
    while let Some(created) = creates.join_next().await {
        let (status, body) = created.unwrap();
        assert_eq!(status, 200);
        ids.insert(body["id"].as_str().unwrap().to_owned());
    }
    assert_eq!(ids.len(), 50);
    assert_eq!(server.create_requests(), 50);

    let held = server.predictions();
    let seeds: BTreeSet<_> = held.iter().map(|one| one.seed).collect();
    assert_eq!(seeds, (0..50).collect());
    for one in held {
        assert!(ids.contains(&one.id));
        // Its own input, not a neighbour's.
        assert_eq!(
            polled(&server, &one.id).await["input"],
            json!({"seed": one.seed})
        );
    }
    server.assert_no_violations();
}

#[tokio::test]
async fn many_requests_on_one_connection() {
    let server = MockServer::builder()
        .pace(Pace::polls(50, 0))
        .start()
        .await
        .unwrap();
    let id = created(&server).await;
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    for _ in 0..20 {
        let request = http
            .get(format!("{}/predictions/{id}", server.base_url()))
            .bearer_auth("k");
        assert_eq!(json_of(request).await.1["status"], "starting");
    }
    assert_eq!(server.predictions()[0].polls, 20);
}

#[tokio::test]
async fn serves_until_it_is_told_to_stop() {
    let (stop, stopped) = oneshot::channel::<()>();
    let (sender, receiver) = oneshot::channel();
    let serving = tokio::spawn(serve(
        MockServer::builder().pace(Pace::instant()),
        async {
            let _ = stopped.await;
        },
        |server| {
            let _ = sender.send((
                server.base_url().to_owned(),
                server.files_origin().to_owned(),
            ));
        },
    ));
    let (base_url, files_origin) = receiver.await.unwrap();
    let request = || {
        http()
            .post(format!("{base_url}/models/a/b/predictions"))
            .bearer_auth("k")
            .json(&json!({"input": {}}))
    };
    assert_eq!(json_of(request()).await.0, 200);
    assert_eq!(
        http().get(&files_origin).send().await.unwrap().status(),
        404
    );
    stop.send(()).unwrap();
    serving.await.unwrap().unwrap();
    assert!(request().send().await.unwrap_err().is_connect());
}

#[tokio::test]
async fn another_address_or_document() {
    // A machine without IPv6 cannot show the first half.
    if let Ok(server) = MockServer::builder()
        .bind(IpAddr::V6(Ipv6Addr::LOCALHOST))
        .start()
        .await
    {
        assert!(server.origin().starts_with("http://[::1]:"));
        created(&server).await;
    }
    let any = MockServer::builder()
        .bind([0, 0, 0, 0])
        .start()
        .await
        .unwrap();
    assert!(any.origin().starts_with("http://127.0.0.1:"));
    created(&any).await;

    let narrow = cometapi_mock::SHIPPED.replace("maxLength: 256", "maxLength: 3");
    let server = MockServer::builder()
        .spec(Spec::parse(&narrow).unwrap())
        .start()
        .await
        .unwrap();
    let id = created(&server).await;
    assert_eq!(json_of(poll(&server, &id)).await.0, 400);
    assert_eq!(server.violations().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_request_log_has_times() {
    let server = MockServer::start().await.unwrap();
    let id = created_of(&server, "a/b", json!({})).await;
    tokio::time::advance(Duration::from_secs(10)).await;
    polled(&server, &id).await;
    let requests = server.requests();
    let apart = requests[1]
        .since_start
        .saturating_sub(requests[0].since_start);
    assert!(
        apart >= Duration::from_secs(10) && apart < Duration::from_secs(11),
        "{apart:?}"
    );
    let apart = requests[1].at.duration_since(requests[0].at).unwrap();
    assert!(apart >= Duration::from_secs(10), "{apart:?}");
}

#[tokio::test(start_paused = true)]
async fn latency_delays_every_response_of_both_origins() {
    let latency = Duration::from_secs(3);
    let log = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&log);
    let server = MockServer::builder()
        .pace(Pace::instant())
        .latency(latency)
        .on_response(move |one| kept.lock().unwrap().push(one.clone()))
        .start()
        .await
        .unwrap();
    // Nothing else is timed, so the clock advances as soon as everything waits for it.
    let id = created(&server).await;
    let body = polled(&server, &id).await;
    let file = body["output"][0].as_str().unwrap();
    outcome(http().get(file)).await;
    let log = log.lock().unwrap();
    let statuses: Vec<_> = log.iter().map(|one| one.status.unwrap().as_u16()).collect();
    assert_eq!(statuses, [200, 200, 200]);
    assert!(log.iter().all(|one| one.elapsed >= latency), "{log:?}");
    assert_eq!(log[1].path, format!("/replicate/v1/predictions/{id}"));
}

#[tokio::test]
async fn a_request_without_a_response_is_reported_and_no_query() {
    let log = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&log);
    let server = MockServer::builder()
        .on_response(move |one| kept.lock().unwrap().push(one.clone()))
        .start()
        .await
        .unwrap();
    server.on_poll(Fault::Close);
    let request = poll(&server, "x").query(&[("key", "sk-secret")]);
    assert_eq!(json_of(request).await.0, 400);
    assert_eq!(outcome(poll(&server, "x")).await, Outcome::Lost);
    let log = log.lock().unwrap();
    let statuses: Vec<_> = log
        .iter()
        .map(|one| one.status.map(|s| s.as_u16()))
        .collect();
    assert_eq!(statuses, [Some(400), None]);
    assert!(!format!("{log:?}").contains("sk-secret"));
}
