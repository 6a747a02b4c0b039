//! How many predictions are in flight at a service.

use cometapi::ErrorKind as Kind;

use crate::conformance::check::{Checked, exactly, same};
use crate::conformance::harness::Harness;
use crate::conformance::peer::{ELSEWHERE, Peer, created, failed, plan, rows};
use crate::ledger::{Claimed, Job, LoadId, Mark, Outcome, Want};

async fn claim_beside(peer: &Peer, load: LoadId, most: u32, max: u32) -> Checked<Claimed> {
    let want = Want::new(Some(load), most, most).beside(Some(max));
    Ok(peer.ledger().claim(peer.worker, want).await?)
}

pub(super) async fn workers_do_not_have_too_many_in_flight_together(
    harness: &dyn Harness,
) -> Checked {
    let (one, other) = (Peer::start(harness).await?, Peer::start(harness).await?);
    let prompts = ["a", "b", "c", "d", "e", "f", "g", "h"];
    let (mine, _) = one.load(rows(&prompts)?, plan(harness)).await?;
    let (others, _) = other.load(rows(&prompts)?, plan(harness)).await?;
    let mut claimed = 0;
    for _ in 0..3 {
        // At once, as two processes do.
        let claims = tokio::join!(
            claim_beside(&one, mine.id(), 2, 5),
            claim_beside(&other, others.id(), 2, 5)
        );
        claimed += claims.0?.jobs.len() + claims.1?.jobs.len();
    }
    same("rows, of five in flight at most,", claimed, 5)?;
    let left = claim_beside(&one, mine.id(), 9, 5).await?;
    let what = "claimed and in flight:";
    same(what, (left.jobs.len(), left.in_flight), (0, 5))?;
    // Who sets no limit has none.
    let rest = one.claim(mine.id(), 9).await?;
    same(what, (rest.jobs.len(), rest.in_flight), (3, 0))?;
    // Nothing is left that is held back.
    let left = claim_beside(&one, mine.id(), 9, 5).await?;
    same(what, (left.jobs.len(), left.in_flight), (0, 0))
}

pub(super) async fn what_is_not_at_the_service_is_not_in_flight(harness: &dyn Harness) -> Checked {
    let (one, other) = (Peer::start(harness).await?, Peer::start(harness).await?);
    let prompts = ["a", "b", "c", "d", "e", "f", "g", "h"];
    let (loader, _) = one.load(rows(&prompts)?, plan(harness)).await?;
    let claim = async |max: u32, expected: usize| -> Checked<Vec<Job>> {
        let claimed = claim_beside(&one, loader.id(), 9, max).await?;
        same("claimed", claimed.jobs.len(), expected)?;
        Ok(claimed.jobs)
    };
    // One is at another service; of those at this one, a prediction of no batch counts too.
    let there = Peer::start_at(harness, ELSEWHERE).await?;
    there.send("elsewhere").await?;
    let single = other.send("single").await?;
    let [first, second] = exactly("rows", claim(3, 2).await?)?;
    one.record(first.seq, [Mark::Sending, created("p1")])
        .await?;
    one.record(second.seq, [Mark::Sending]).await?;
    claim(3, 0).await?;
    let fetching = Mark::Seen {
        status: "succeeded".to_owned(),
        fetching: true,
        took: None,
    };
    one.record(first.seq, [fetching]).await?;
    let [third] = exactly("rows", claim(3, 1).await?)?;
    let unresolved = Outcome::failed(Kind::MaybeAccepted, "cut");
    one.record(second.seq, [Mark::Unresolved(unresolved)])
        .await?;
    let [fourth] = exactly("rows", claim(3, 1).await?)?;
    one.record(third.seq, [Mark::Sending, failed(Kind::Refused)])
        .await?;
    one.record(fourth.seq, [Mark::Released]).await?;
    exactly::<2, _>("rows", claim(3, 2).await?)?;
    claim(3, 0).await?;
    // Whether what no worker holds is running is unknown.
    other.record(single.seq, [created("p2")]).await?;
    other.kill().await;
    claim(3, 1).await.map(drop)
}

pub(super) async fn what_has_an_id_is_taken_beyond_what_may_be_in_flight(
    harness: &dyn Harness,
) -> Checked {
    let (one, other) = (Peer::start(harness).await?, Peer::start(harness).await?);
    let prompts = ["a", "b", "c"];
    let (loader, _) = one.load(rows(&prompts)?, plan(harness)).await?;
    let jobs = one.claim(loader.id(), 2).await?.jobs;
    let [first, second] = exactly("rows", jobs)?;
    for (job, id) in [(&first, "p1"), (&second, "p2")] {
        one.record(job.seq, [Mark::Sending, created(id)]).await?;
    }
    drop(loader);
    one.retire().await?;
    let (loader, _) = other.load(rows(&prompts)?, plan(harness)).await?;
    let claimed = claim_beside(&other, loader.id(), 9, 1).await?;
    let ids: Vec<_> = claimed.jobs.iter().map(|job| job.id.as_deref()).collect();
    same("claimed", ids, [Some("p1"), Some("p2")])?;
    let left = claim_beside(&other, loader.id(), 9, 1).await?;
    same(
        "claimed and in flight:",
        (left.jobs.len(), left.in_flight),
        (0, 2),
    )
}
