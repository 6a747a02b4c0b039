//! Killed anywhere, started again: no row is created twice, none is lost.

use std::collections::BTreeSet;
use std::time::Instant;

use cometapi_batch::State;
#[cfg(unix)]
use cometapi_mock::Hold;
use cometapi_mock::{Fault, Plan};

use crate::setup::Stage;

const ROWS: usize = 500;
const ROUNDS: usize = 20;

/// Every point that a row passes, and those of the whole. At `received` the service has the
/// request, and its answer never comes.
pub(crate) const POINTS: [&str; 11] = [
    "before-intent",
    "after-intent",
    "before-send",
    "sending",
    "received",
    "answered",
    "id-committed",
    "state",
    "file-renamed",
    "file-recorded",
    "ended",
];

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_kills_over_five_hundred_rows() {
    let stage = Stage::new(ROWS).await;
    let mut rng = fastrand::Rng::with_seed(42);
    let began = Instant::now();
    let mut kills = 0;
    let mut in_flight = BTreeSet::new();
    for round in 0..ROUNDS {
        for point in POINTS {
            in_flight.extend(kill_at(&stage, point, round, &mut rng).await);
            kills += 1;
        }
        // And anywhere at all, at a point that depends on the output and not on time.
        let mut worker = stage.worker(3, None);
        for _ in 0..rng.u32(1..40) {
            if worker.line().await.is_none() {
                break;
            }
        }
        in_flight.extend(worker.kill(None).await);
        kills += 1;
    }
    eprintln!("{kills} kills in {:?}", began.elapsed());
    assert!(kills >= 200);

    let mut last = stage.worker(8, None);
    assert!(last.until("done").await);
    assert!(last.child.wait().await.unwrap().success());
    let entries = stage.assert_once(ROWS).await;
    let unresolved: BTreeSet<u64> = entries
        .iter()
        .filter(|entry| entry.state == State::Unresolved)
        .map(|entry| entry.seq)
        .collect();
    assert!(unresolved.is_subset(&in_flight), "{unresolved:?}");
    assert!(unresolved.len() < ROWS / 2);
    eprintln!(
        "{} creates, {} unresolved, {:?}",
        stage.server.create_requests(),
        unresolved.len(),
        began.elapsed()
    );
}

/// Kills a worker at a named point; gives the rows that may have been in flight.
pub(crate) async fn kill_at(
    stage: &Stage,
    point: &str,
    round: usize,
    rng: &mut fastrand::Rng,
) -> BTreeSet<u64> {
    if point == "received" {
        let creates = stage.server.create_requests();
        stage.server.on_create(Plan::of(Fault::Hang).after_accept());
        let worker = stage.worker(3, None);
        let mut requests = stage.server.requests().len() as u64;
        while stage.server.create_requests() == creates {
            requests += 1;
            stage.server.wait_for_requests(requests).await;
        }
        return worker.kill(None).await;
    }
    // Late enough to have moved on, early enough that rows are left for the rest.
    let passing = match point {
        "before-intent" | "after-intent" => 1,
        _ => rng.u64(1..=3),
    };
    let mut worker = stage.worker(3, Some((point, passing)));
    assert!(worker.until("parked").await, "{point} in round {round}");
    worker.kill(Some(point)).await
}

/// The signals that a worker handles: SIGINT finishes what runs, the others leave it to the next.
#[cfg(unix)]
const SIGNALS: [&str; 3] = ["INT", "TERM", "HUP"];

#[cfg(unix)]
const SIGNALED_ROWS: usize = 300;

/// A process that may end on its own terms leaves nothing in doubt: every create request in flight
/// gets its response.
#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_signal_at_every_point_leaves_no_row_unresolved() {
    let stage = Stage::new(SIGNALED_ROWS).await;
    let mut rng = fastrand::Rng::with_seed(42);
    for point in POINTS {
        for signal in SIGNALS {
            signal_at(&stage, signal, point, &mut rng).await;
            let entries = stage.entries().await;
            let unresolved = entries
                .iter()
                .find(|entry| entry.state == State::Unresolved);
            assert!(unresolved.is_none(), "{signal} at {point}: {unresolved:?}");
        }
    }
    let mut last = stage.worker(8, None);
    assert!(last.until("done").await);
    assert!(last.child.wait().await.unwrap().success());
    let entries = stage.assert_once(SIGNALED_ROWS).await;
    assert!(entries.iter().all(|entry| entry.id.is_some()));
    assert_eq!(stage.server.create_requests(), SIGNALED_ROWS);
}

/// Sends a signal to a worker at a named point, and waits for its end.
#[cfg(unix)]
async fn signal_at(stage: &Stage, signal: &str, point: &str, rng: &mut fastrand::Rng) {
    if point == "received" {
        let creates = stage.server.create_requests();
        let hold = Hold::new();
        stage.server.on_create(Fault::Hold(hold.clone()));
        let mut worker = stage.worker(3, None);
        let mut requests = stage.server.requests().len() as u64;
        while stage.server.create_requests() == creates {
            requests += 1;
            stage.server.wait_for_requests(requests).await;
        }
        worker.signal(signal).await;
        hold.release();
        return worker.ends().await;
    }
    let passing = match point {
        "before-intent" | "after-intent" => 1,
        _ => rng.u64(1..=3),
    };
    let mut worker = stage.worker(3, Some((point, passing)));
    assert!(worker.until("parked").await, "{signal} at {point}");
    worker.signal(signal).await;
    worker.ends().await;
}
