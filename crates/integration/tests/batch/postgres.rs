//! The ledger on `PostgreSQL`: processes are killed, the server is, and connections are cut.

use std::collections::BTreeSet;
use std::time::Duration;

use cometapi_batch::State;
use postgres_server::{Fault, Proxy, Server};

use crate::exactly_once::{POINTS, kill_at};
use crate::setup::{Stage, Worker};
use crate::together::keep_a_limit_in_flight;

/// A stage with the ledger in an empty database.
async fn stage(server: &Server, rows: usize) -> Stage {
    let url = server.url(&server.database().await);
    Stage::new(rows).await.with_database(url)
}

/// Runs what is left, and checks that everything is there once, and that nothing is unresolved that was
/// not in flight.
async fn finish(stage: &Stage, rows: usize, in_flight: &BTreeSet<u64>) -> usize {
    let mut last = stage.worker(8, None);
    assert!(last.until("done").await);
    assert!(last.child.wait().await.unwrap().success());
    let entries = stage.assert_once(rows).await;
    let unresolved: BTreeSet<u64> = entries
        .iter()
        .filter(|entry| entry.state == State::Unresolved)
        .map(|entry| entry.seq)
        .collect();
    assert!(
        unresolved.is_subset(in_flight),
        "{unresolved:?} of {in_flight:?}"
    );
    unresolved.len()
}

/// At which passing of a point a worker is parked: it passes some only once.
fn passing(point: &str, rng: &mut fastrand::Rng) -> u64 {
    match point {
        "before-intent" | "after-intent" => 1,
        _ => rng.u64(1..=3),
    }
}

/// Kills a worker when it is parked, or when it has ended because nothing was left.
async fn killed(mut worker: Worker, point: &str) -> BTreeSet<u64> {
    worker.until("parked").await;
    worker.kill(Some(point)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_kills_with_four_processes_at_once() {
    const ROWS: usize = 500;
    const ROUNDS: usize = 5;
    let Some(server) = Server::shared() else {
        return;
    };
    let stage = stage(server, ROWS).await;
    let mut rng = fastrand::Rng::with_seed(42);
    let mut in_flight = BTreeSet::new();
    let mut kills = 0;
    for round in 0..ROUNDS {
        for point in POINTS {
            // Each of the four is killed at a point of its own, while the others go on.
            let others = POINTS.map(|other| (rng.u32(..), other));
            let mut others = others.map(|(_, other)| other).to_vec();
            rng.shuffle(&mut others);
            others.retain(|other| *other != "received" && *other != point);
            let [a, b, c] = [0, 1, 2].map(|n| {
                let passing = passing(others[n], &mut rng);
                (others[n], stage.worker(2, Some((others[n], passing))))
            });
            let fourth = kill_at(&stage, point, round, &mut rng);
            let (a, b, c, fourth) =
                tokio::join!(killed(a.1, a.0), killed(b.1, b.0), killed(c.1, c.0), fourth);
            in_flight.extend([a, b, c, fourth].into_iter().flatten());
            kills += 4;
        }
    }
    assert!(kills >= 200);
    let unresolved = finish(&stage, ROWS, &in_flight).await;
    assert!(unresolved < ROWS / 2);
    eprintln!(
        "{kills} kills, {} create requests, {unresolved} unresolved",
        stage.server.create_requests()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn three_processes_keep_a_limit_in_flight() {
    let Some(server) = Server::shared() else {
        return;
    };
    keep_a_limit_in_flight(&stage(server, 120).await, 120).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn cut_connections_are_opened_again_and_nothing_is_unresolved() {
    const ROWS: usize = 200;
    let Some(server) = Server::shared() else {
        return;
    };
    let database = server.database().await;
    let proxy = Proxy::start(server.port()).await;
    let url = Server::url_at(proxy.port(), &database);
    let stage = Stage::new(ROWS).await.with_database(url);
    let mut worker = stage.worker(4, None);
    // By then, the session by which it lives is open; it receives nothing more, so it is not cut.
    assert!(worker.until("after-intent").await);
    proxy.cut_every(7919);
    assert!(worker.until("done").await);
    proxy.cut_every(0);
    assert!(worker.child.wait().await.unwrap().success());
    let entries = stage.assert_once(ROWS).await;
    assert!(entries.iter().all(|entry| entry.state == State::Ended));
    assert_eq!(stage.server.create_requests(), ROWS);
    assert!(proxy.cuts() >= 10, "{}", proxy.cuts());
}

/// Does something to the ledger while a worker stands at each point, lets the worker go on, and runs
/// what is left. A process that lives learns what became of each of its requests, so that nothing is
/// unresolved.
async fn at_every_point(server: &Server, rows: usize, fault: impl AsyncFn(&Proxy, &mut Worker)) {
    let database = server.database().await;
    let proxy = Proxy::start(server.port()).await;
    let url = Server::url_at(proxy.port(), &database);
    let stage = Stage::new(rows).await.with_database(url);
    let mut rng = fastrand::Rng::with_seed(42);
    for point in POINTS.into_iter().filter(|point| *point != "received") {
        let mut worker = stage.worker(3, Some((point, passing(point, &mut rng))));
        assert!(worker.until("parked").await, "{point}");
        fault(&proxy, &mut worker).await;
        worker.drained().await;
        let entries = stage.entries().await;
        let unresolved = entries
            .iter()
            .find(|entry| entry.state == State::Unresolved);
        assert!(unresolved.is_none(), "{point}: {unresolved:?}");
    }
    finish(&stage, rows, &BTreeSet::new()).await;
    assert_eq!(stage.server.create_requests(), rows);
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_killed_at_every_point_loses_nothing() {
    let Some(server) = Server::start(&[]) else {
        return;
    };
    at_every_point(&server, 120, async |_, worker| {
        tokio::task::block_in_place(|| {
            server.stop();
            server.run();
        });
        worker.signal("INT").await;
    })
    .await;
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn connections_that_are_cut_at_every_point_lose_nothing() {
    let Some(server) = Server::shared() else {
        return;
    };
    at_every_point(server, 120, async |proxy, worker| {
        proxy.cut();
        worker.signal("INT").await;
    })
    .await;
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn connections_that_are_half_closed_at_every_point_lose_nothing() {
    let Some(server) = Server::shared() else {
        return;
    };
    at_every_point(server, 120, async |proxy, worker| {
        // The server still waits on what it was asked for over the old connections.
        proxy.half_close();
        worker.signal("INT").await;
    })
    .await;
}

/// Holds all connections, so that what is asked for is not done, or done and not answered. Then they are cut,
/// or go on.
#[cfg(unix)]
async fn hold_at_every_point(are_cut: bool) {
    let Some(server) = Server::shared() else {
        return;
    };
    for fault in [Fault::Hold, Fault::Mute] {
        at_every_point(server, 120, async |proxy, worker| {
            proxy.set(fault);
            worker.signal("INT").await;
            if are_cut {
                proxy.cut();
            }
            proxy.set(Fault::None);
        })
        .await;
    }
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn connections_that_are_held_and_then_cut_lose_nothing() {
    hold_at_every_point(true).await;
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn connections_that_are_held_for_a_while_lose_nothing() {
    hold_at_every_point(false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_connections_lose_nothing_when_a_process_is_killed() {
    const ROWS: usize = 40;
    let Some(server) = Server::shared() else {
        return;
    };
    let database = server.database().await;
    let proxy = Proxy::start(server.port()).await;
    proxy.set(Fault::Delay(Duration::from_millis(3)));
    let url = Server::url_at(proxy.port(), &database);
    let stage = Stage::new(ROWS).await.with_database(url);
    let mut rng = fastrand::Rng::with_seed(42);
    let mut in_flight = BTreeSet::new();
    for point in POINTS.into_iter().filter(|point| *point != "received") {
        let passing = passing(point, &mut rng);
        let dying = stage.worker(3, Some((point, passing)));
        // Another works on the same rows meanwhile.
        let mut other = stage.worker(1, Some(("id-committed", 2)));
        in_flight.extend(killed(dying, point).await);
        other.until("parked").await;
        in_flight.extend(other.kill(Some("id-committed")).await);
    }
    finish(&stage, ROWS, &in_flight).await;
}
