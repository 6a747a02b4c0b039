//! Killed anywhere, started again: no row is created twice, none is lost.

use std::collections::BTreeSet;
use std::time::Instant;

use cometapi_batch::State;
use cometapi_mock::{Fault, Plan};

use crate::setup::Stage;

const ROWS: usize = 500;
const ROUNDS: usize = 20;

/// Every point that a row passes, and those of the whole. At `received` the service has the
/// request, and its answer never comes.
const POINTS: [&str; 11] = [
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
        // And anywhere at all, told by what has been printed and not by time.
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
        stage.server.creates(),
        unresolved.len(),
        began.elapsed()
    );
}

/// Kills a worker at a named point; gives the rows that may have been in flight.
async fn kill_at(
    stage: &Stage,
    point: &str,
    round: usize,
    rng: &mut fastrand::Rng,
) -> BTreeSet<u64> {
    if point == "received" {
        let creates = stage.server.creates();
        stage.server.on_create(Plan::of(Fault::Hang).after_accept());
        let worker = stage.worker(3, None);
        let mut requests = stage.server.requests().len() as u64;
        while stage.server.creates() == creates {
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
