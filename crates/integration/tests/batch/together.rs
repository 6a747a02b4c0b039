//! Several processes on one ledger and one file.

use std::collections::BTreeMap;

use crate::setup::Stage;

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_share_the_rows_and_create_nothing_twice() {
    let stage = Stage::new(120).await;
    let (mut one, mut other) = (stage.worker(4, None), stage.worker(4, None));
    let mut shares = Vec::new();
    for worker in [&mut one, &mut other] {
        let mut share = 0;
        while let Some(line) = worker.line().await {
            share += usize::from(line.starts_with("id-committed"));
        }
        assert!(worker.child.wait().await.unwrap().success());
        shares.push(share);
    }
    assert_eq!(stage.server.create_requests(), 120);
    assert_eq!(shares.iter().sum::<usize>(), 120);
    stage.assert_once(120).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_is_killed_and_the_other_takes_over_at_once() {
    let stage = Stage::new(40).await;
    // Holds four rows; one is parked with its id committed.
    let mut dying = stage.worker(4, Some(("id-committed", 4)));
    assert!(dying.until("parked").await);
    let mut living = stage.worker(4, None);
    assert!(living.until("after-intent").await);
    let in_flight = dying.kill(None).await;
    // It ends: so it has not waited for a lease, and not for a row that no worker holds.
    assert!(living.until("done").await);
    let entries = stage.assert_once(40).await;
    for entry in entries.iter().filter(|entry| entry.id.is_none()) {
        assert!(in_flight.contains(&entry.seq));
    }
}

/// How many predictions were in flight at the service at most: from their create request to the last poll.
fn most_in_flight(stage: &Stage) -> usize {
    let requests = stage.server.requests();
    let mut last = BTreeMap::new();
    for (at, request) in requests.iter().enumerate() {
        last.insert(request.id.clone(), at);
    }
    let (mut now, mut most) = (0, 0);
    for (at, request) in requests.iter().enumerate() {
        now += usize::from(request.method == "POST");
        most = most.max(now);
        now -= usize::from(last[&request.id] == at);
    }
    most
}

/// Three processes that could run twelve rows at once have at most five in flight together.
pub(crate) async fn keep_a_limit_in_flight(stage: &Stage, rows: usize) {
    let variables = [("BATCH_MAX_IN_FLIGHT", "5")];
    let mut workers = [(); 3].map(|()| stage.worker_with(4, None, &variables));
    for worker in &mut workers {
        assert!(worker.until("done").await);
        assert!(worker.child.wait().await.unwrap().success());
    }
    stage.assert_once(rows).await;
    assert_eq!(stage.server.create_requests(), rows);
    let most = most_in_flight(stage);
    assert!((1..=5).contains(&most), "{most} in flight");
}

#[tokio::test(flavor = "multi_thread")]
async fn three_processes_keep_a_limit_in_flight() {
    keep_a_limit_in_flight(&Stage::new(120).await, 120).await;
}
